"""The tool rules' solver against a second one that asks every rule about every tool."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from lettafs.tools.rules import Called, allowed, continues, ends, missing_before_exit
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

NAMES = ("ask", "find", "note", "send")
OUTPUTS = ("yes", "no", " YES ", "", "7")

names = st.sampled_from(NAMES)
some_names = st.lists(names, max_size=3).map(tuple)
rules = st.lists(
    st.one_of(
        st.builds(InitRule, names),
        st.builds(ChildRule, names, some_names),
        st.builds(ParentRule, names, some_names),
        st.builds(
            ConditionalRule,
            names,
            st.dictionaries(st.sampled_from(("yes", "No", "7")), names, max_size=3),
            st.none() | names,
            st.booleans(),
        ),
        st.builds(ContinueRule, names),
        st.builds(TerminalRule, names),
        st.builds(MaxCountRule, names, st.integers(1, 3)),
        st.builds(RequiredBeforeExitRule, names),
        st.builds(RequiresApprovalRule, names),
    ),
    max_size=5,
)
histories = st.lists(st.builds(Called, names, st.sampled_from(OUTPUTS)), max_size=6)
attached = st.lists(names, unique=True).map(tuple)


def target(rule: ConditionalRule, output: str) -> str | None:
    """Return the child that a tool's output leads to; None: any."""
    wanted = {key.lower(): child for key, child in rule.child_output_mapping.items()}
    return wanted.get(output.strip().lower(), rule.default_child)


def permits(rule: ToolRule, past: Sequence[Called], name: str) -> bool:
    """Ask one rule about one tool."""
    just_called = bool(past) and past[-1].name == rule.tool_name
    match rule:
        case ChildRule():
            return not just_called or name in rule.children
        case ParentRule():
            return just_called == (name in rule.children)
        case ConditionalRule():
            if not just_called:
                return True
            child = target(rule, past[-1].output)
            return name == child if child is not None else not rule.require_output_mapping
        case MaxCountRule():
            return (
                name != rule.tool_name or len([c for c in past if c.name == name]) < rule.max_count
            )
        case _:
            return True


def obliges(rule: ToolRule, past: Sequence[Called]) -> bool:
    """Ask one rule whether the next reply has to be a call."""
    if not past or past[-1].name != rule.tool_name:
        return False
    if isinstance(rule, ConditionalRule):
        return target(rule, past[-1].output) is not None or rule.require_output_mapping
    return isinstance(rule, ChildRule | ParentRule)


@settings(max_examples=200, deadline=None)
@given(rules, histories, attached)
def test_solver_agrees_with_asking_every_rule_about_every_tool(
    given_rules: list[ToolRule], past: list[Called], tools: tuple[str, ...]
) -> None:
    first = [r.tool_name for r in given_rules if isinstance(r, InitRule) and r.tool_name in tools]
    if first and not past:
        expected, forced = [name for name in tools if name in first], True
    else:
        expected = [name for name in tools if all(permits(r, past, name) for r in given_rules)]
        forced = bool(expected) and any(obliges(rule, past) for rule in given_rules)

    may = allowed(given_rules, past, tools)

    assert (list(may.names), may.forced) == (expected, forced)


@given(rules, histories, attached)
def test_what_must_be_called_before_the_end_is_what_was_not(
    given_rules: list[ToolRule], past: list[Called], tools: tuple[str, ...]
) -> None:
    missing = missing_before_exit(given_rules, past, tools)

    for rule in given_rules:
        needed = isinstance(rule, RequiredBeforeExitRule) and rule.tool_name in tools
        called = any(one.name == rule.tool_name for one in past)
        if needed:
            assert (rule.tool_name in missing) == (not called)
    assert set(missing) <= set(tools)


@given(rules, names)
def test_ends_and_continues_look_at_their_own_rules_only(
    given_rules: list[ToolRule], name: str
) -> None:
    own = [rule for rule in given_rules if rule.tool_name == name]

    assert ends(given_rules, name) == any(isinstance(rule, TerminalRule) for rule in own)
    going_on = ContinueRule | ChildRule | ConditionalRule
    assert continues(given_rules, name) == any(isinstance(rule, going_on) for rule in own)


@given(rules, attached, st.lists(st.tuples(st.integers(0, 3), st.sampled_from(OUTPUTS))))
def test_no_walk_of_allowed_calls_ever_breaks_a_rule(
    given_rules: list[ToolRule], tools: tuple[str, ...], choices: list[tuple[int, str]]
) -> None:
    past: list[Called] = []
    for which, output in choices:
        may = allowed(given_rules, past, tools)
        if not may.names:
            break
        past.append(Called(may.names[which % len(may.names)], output))
    for rule in given_rules:
        made = [one.name for one in past]
        if isinstance(rule, MaxCountRule):
            assert made.count(rule.tool_name) <= rule.max_count
        if isinstance(rule, ChildRule):
            for before, after in zip(made, made[1:], strict=False):
                assert before != rule.tool_name or after in rule.children
