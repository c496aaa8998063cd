"""The section of the system text that tells the agent its tool rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

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

__all__ = ["rules_section"]


def rules_section(rules: Sequence[ToolRule]) -> str:
    """Return the `<tool_usage_rules>` section, or an empty text when no rule has words."""
    said = [line for rule in rules if (line := _words(rule))]
    if not said:
        return ""
    shown = "\n".join(f"<tool_rule>\n{line}\n</tool_rule>" for line in said)
    intro = "Calls that break these rules are refused."
    return f"<tool_usage_rules>\n{intro}\n{shown}\n</tool_usage_rules>"


def _words(rule: ToolRule) -> str:
    match rule:
        case ChildRule(tool_name=name, children=children):
            return f"After {name}, call one of: {', '.join(children)}."
        case ParentRule(tool_name=name, children=children):
            listed = ", ".join(children)
            return f"After {name}, call one of: {listed}. At no other time may you call them."
        case ConditionalRule(tool_name=name, child_output_mapping=mapping):
            cases = "; ".join(f"{output} -> {child}" for output, child in mapping.items())
            return f"After {name}, what it returned decides the next call: {cases}."
        case ContinueRule(tool_name=name):
            return f"{name} does not end your turn: go on after it."
        case TerminalRule(tool_name=name):
            return f"{name} ends your turn."
        case MaxCountRule(tool_name=name, max_count=count):
            return f"Call {name} at most {count} times in one turn."
        case RequiredBeforeExitRule(tool_name=name):
            return f"Call {name} before you end your turn."
        case InitRule() | RequiresApprovalRule():
            return ""  # Letta tells the model nothing of these two: they are enforced
    assert_never(rule)
