"""Tool rules: which tool may, must or must not follow which; Letta's nine kinds, a closed union."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "ChildRule",
    "ConditionalRule",
    "ContinueRule",
    "InitRule",
    "MaxCountRule",
    "ParentRule",
    "RequiredBeforeExitRule",
    "RequiresApprovalRule",
    "TerminalRule",
    "ToolRule",
]


@dataclass(frozen=True, slots=True)
class InitRule:
    """Before any other call of a run, this tool (`run_first`)."""

    tool_name: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChildRule:
    """After this tool only its children (`constrain_child_tools`)."""

    tool_name: str
    children: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParentRule:
    """The children only directly after this tool, and after it only they (`parent_last_tool`)."""

    tool_name: str
    children: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConditionalRule:
    """After this tool, the child its output names (`conditional`)."""

    tool_name: str
    child_output_mapping: Mapping[str, str]
    default_child: str | None = None
    require_output_mapping: bool = False


@dataclass(frozen=True, slots=True)
class ContinueRule:
    """After this tool the agent goes on (`continue_loop`)."""

    tool_name: str


@dataclass(frozen=True, slots=True)
class TerminalRule:
    """This tool ends the turn (`exit_loop`)."""

    tool_name: str


@dataclass(frozen=True, slots=True)
class MaxCountRule:
    """At most so many calls of this tool in a run (`max_count_per_step`)."""

    tool_name: str
    max_count: int


@dataclass(frozen=True, slots=True)
class RequiredBeforeExitRule:
    """The turn cannot end before this tool was called (`required_before_exit`)."""

    tool_name: str


@dataclass(frozen=True, slots=True)
class RequiresApprovalRule:
    """A person is asked before this tool runs (`requires_approval`)."""

    tool_name: str


ToolRule = (
    InitRule
    | ChildRule
    | ParentRule
    | ConditionalRule
    | ContinueRule
    | TerminalRule
    | MaxCountRule
    | RequiredBeforeExitRule
    | RequiresApprovalRule
)
