"""Tool rules as tables of `agent.toml`: one table, one rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from lettafs.format.fields import FieldFault, optional_text, required_text, text_list
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

__all__ = ["parse_rule", "render_rule"]


def parse_rule(table: Mapping[str, Any]) -> ToolRule:
    """Return the rule a table says.

    Raises:
        FieldFault: there is no such type of rule, or a field is missing or of the wrong kind.
    """
    kind = required_text(table, "type")
    tool_name = required_text(table, "tool_name")
    match kind:
        case "run_first":
            return InitRule(tool_name, args=_mapping(table, "args"))
        case "constrain_child_tools":
            return ChildRule(tool_name, children=_children(table))
        case "parent_last_tool":
            return ParentRule(tool_name, children=_children(table))
        case "conditional":
            return ConditionalRule(
                tool_name,
                child_output_mapping=_text_mapping(table, "child_output_mapping"),
                default_child=optional_text(table, "default_child"),
                require_output_mapping=_boolean(table, "require_output_mapping"),
            )
        case "continue_loop":
            return ContinueRule(tool_name)
        case "exit_loop":
            return TerminalRule(tool_name)
        case "max_count_per_step":
            return MaxCountRule(tool_name, max_count=_count(table, "max_count_limit"))
        case "required_before_exit":
            return RequiredBeforeExitRule(tool_name)
        case "requires_approval":
            return RequiresApprovalRule(tool_name)
        case _:
            raise FieldFault(f"there is no tool rule of type {kind!r}")


def render_rule(rule: ToolRule) -> dict[str, Any]:
    """Return the fields of a rule's table in the order they are written in."""
    match rule:
        case InitRule(tool_name, args):
            fields: dict[str, Any] = {"type": "run_first", "tool_name": tool_name}
            return {**fields, "args": dict(args)} if args else fields
        case ChildRule(tool_name, children):
            return {
                "type": "constrain_child_tools",
                "tool_name": tool_name,
                "children": list(children),
            }
        case ParentRule(tool_name, children):
            return {"type": "parent_last_tool", "tool_name": tool_name, "children": list(children)}
        case ConditionalRule():
            return _conditional_fields(rule)
        case ContinueRule(tool_name):
            return {"type": "continue_loop", "tool_name": tool_name}
        case TerminalRule(tool_name):
            return {"type": "exit_loop", "tool_name": tool_name}
        case MaxCountRule(tool_name, max_count):
            fields = {"type": "max_count_per_step", "tool_name": tool_name}
            return {**fields, "max_count_limit": max_count}
        case RequiredBeforeExitRule(tool_name):
            return {"type": "required_before_exit", "tool_name": tool_name}
        case RequiresApprovalRule(tool_name):
            return {"type": "requires_approval", "tool_name": tool_name}
        case _:
            assert_never(rule)


def _conditional_fields(rule: ConditionalRule) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "type": "conditional",
        "tool_name": rule.tool_name,
        "child_output_mapping": dict(rule.child_output_mapping),
    }
    if rule.default_child is not None:
        fields["default_child"] = rule.default_child
    if rule.require_output_mapping:
        fields["require_output_mapping"] = True
    return fields


def _children(table: Mapping[str, Any]) -> tuple[str, ...]:
    if "children" not in table:
        raise FieldFault("`children` is missing")
    return text_list(table, "children")


def _mapping(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = table.get(name, {})
    if isinstance(value, dict):
        return value
    raise FieldFault(f"`{name}` has to be a table")


def _text_mapping(table: Mapping[str, Any], name: str) -> Mapping[str, str]:
    value = _mapping(table, name)
    if all(isinstance(item, str) for item in value.values()):
        return value
    raise FieldFault(f"`{name}` has to name a tool for each output")


def _boolean(table: Mapping[str, Any], name: str) -> bool:
    value = table.get(name, False)
    if isinstance(value, bool):
        return value
    raise FieldFault(f"`{name}` has to be true or false")


def _count(table: Mapping[str, Any], name: str) -> int:
    value = table.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise FieldFault(f"`{name}` has to be a whole number above 0")
