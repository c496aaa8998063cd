"""A style: how an agent of a type speaks and when it goes on. Two are there, as data.

`plain` is the loop of letta_v1_agent, `heartbeat` that of the memgpt types. Both share the step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lettafs.llm.base import FinishReason
from lettafs.tools.base import Tool
from lettafs.tools.rules import Called
from lettafs.values.message import Message, ToolCall, ToolReturn
from lettafs.values.rule import ToolRule
from lettafs.values.run import Outcome, Usage
from lettafs.values.tool import ToolSpec

__all__ = ["Situation", "Style", "Taken"]


@dataclass(frozen=True, slots=True)
class Taken:
    """A step as it was taken."""

    assistant: Message | None
    """None: the reply was empty, and nothing was kept."""
    calls: tuple[ToolCall, ...]
    returns: tuple[ToolReturn, ...]
    """One per call, in the same order."""
    finish_reason: FinishReason
    usage: Usage


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides, beside the step itself, how a run goes on."""

    tools: dict[str, Tool]
    rules: Sequence[ToolRule]
    calls: Sequence[Called]
    """All of this run, the step's own included."""


@dataclass(frozen=True, slots=True)
class Style:
    """One way of running the loop."""

    specs: Callable[[Sequence[Tool], Sequence[ToolRule]], tuple[ToolSpec, ...]]
    """What the model is told of the tools."""
    outcome: Callable[[Taken, Situation], Outcome]
    """How the run goes on after a step."""
    requires_call: bool
    """True: a reply without a call is asked for again."""
    one_call: bool
    """True: of several calls in a reply the first counts."""
    speaks_with: str | None = None
    """The tool whose argument `message` is what the agent says."""
    own_parameters: frozenset[str] = frozenset()
    """Parameters of every tool that are the loop's."""
