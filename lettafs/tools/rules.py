"""Tool rules, solved: from the rules and what was called so far to what may be called next.

Pure functions of the rules and the history of one run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lettafs.values.rule import (
    ChildRule,
    ConditionalRule,
    ContinueRule,
    InitRule,
    MaxCountRule,
    ParentRule,
    RequiredBeforeExitRule,
    RequiresApprovalRule,
    TerminalRule,
    ToolRule,
)

__all__ = [
    "Allowed",
    "Called",
    "allowed",
    "continues",
    "ends",
    "missing_before_exit",
    "needs_approval",
    "preset",
    "refusal",
    "unapproved",
]


@dataclass(frozen=True, slots=True)
class Called:
    """One call of this run that succeeded; one that failed may be repaired and does not count."""

    name: str
    output: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be called next."""

    names: tuple[str, ...]
    forced: bool
    """True: the next reply has to be a call."""


def allowed(rules: Sequence[ToolRule], calls: Sequence[Called], tools: Collection[str]) -> Allowed:
    """Return which of the tools may be called next, in the order given.

    Init tools come first in a run; afterwards the sets of all rules that apply are intersected.
    """
    initial = [rule.tool_name for rule in rules if isinstance(rule, InitRule)]
    initial = [name for name in initial if name in tools]
    if not calls and initial:
        return Allowed(tuple(name for name in tools if name in initial), forced=True)
    last = calls[-1] if calls else None
    open_names = set(tools)
    forced = False
    for rule in rules:
        narrowed = _narrowed(rule, last, calls, open_names)
        if narrowed is None:
            continue
        names, obliges = narrowed
        open_names &= names
        forced = forced or obliges
    return Allowed(tuple(name for name in tools if name in open_names), forced and bool(open_names))


def _narrowed(
    rule: ToolRule, last: Called | None, calls: Sequence[Called], names: set[str]
) -> tuple[set[str], bool] | None:
    """Return what a rule leaves of the names, and whether it obliges to a call; None: no effect."""
    after = last is not None and last.name == getattr(rule, "tool_name", None)
    match rule:
        case ChildRule(children=children) if after:
            return set(children), True
        case ParentRule(children=children):
            return (set(children), True) if after else (names - set(children), False)
        case ConditionalRule() if after and last is not None:
            return _conditional(rule, last.output, names)
        case MaxCountRule(tool_name=name, max_count=most):
            spent = sum(call.name == name for call in calls) >= most
            return (names - {name}, False) if spent else None
        case _:
            return None


def _conditional(rule: ConditionalRule, output: str, names: set[str]) -> tuple[set[str], bool]:
    said = output.strip().casefold()
    for key, child in rule.child_output_mapping.items():
        if key.strip().casefold() == said:
            return {child}, True
    if rule.default_child is not None:
        return {rule.default_child}, True
    return (set(), True) if rule.require_output_mapping else (names, False)


def ends(rules: Sequence[ToolRule], name: str) -> bool:
    """Tell whether a rule says that this tool ends the turn."""
    return any(isinstance(rule, TerminalRule) and rule.tool_name == name for rule in rules)


def continues(rules: Sequence[ToolRule], name: str) -> bool:
    """Tell whether a rule says that the agent goes on after this tool."""
    return any(
        isinstance(rule, ContinueRule | ChildRule | ConditionalRule) and rule.tool_name == name
        for rule in rules
    )


def missing_before_exit(
    rules: Sequence[ToolRule], calls: Sequence[Called], tools: Collection[str]
) -> tuple[str, ...]:
    """Return the tools that must still be called before the turn may end."""
    done = {call.name for call in calls}
    return tuple(
        rule.tool_name
        for rule in rules
        if isinstance(rule, RequiredBeforeExitRule)
        and rule.tool_name in tools
        and rule.tool_name not in done
    )


def refusal(name: str, may: Allowed) -> str:
    """Return what a model is told that called a tool the rules do not allow now."""
    if may.names:
        instead = f"You may call: {', '.join(may.names)}."
    else:
        instead = "You may call no tool now."
    return f"[ToolConstraintError] The tool rules do not allow {name} at this point. {instead}"


def needs_approval(rules: Sequence[ToolRule], name: str) -> bool:
    """Tell whether a rule says that a person is asked before this tool runs."""
    return any(isinstance(rule, RequiresApprovalRule) and rule.tool_name == name for rule in rules)


def unapproved(name: str) -> str:
    """Return what a model is told that called a tool which nobody was asked about."""
    return (
        f"[ToolConstraintError] {name} needs a person's approval, and nobody can be asked for it "
        "from here. Nothing was done; tell them what you would do."
    )


def preset(rules: Sequence[ToolRule], calls: Sequence[Called], name: str) -> Mapping[str, Any]:
    """Return the arguments a run's first call has to have, whatever the model gave for them."""
    if calls:
        return {}
    given: dict[str, Any] = {}
    for rule in rules:
        if isinstance(rule, InitRule) and rule.tool_name == name:
            given.update(rule.args)
    return given
