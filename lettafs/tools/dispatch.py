"""Dispatch: from a tool call to its return, whatever happens in between."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from lettafs.errors import BlockProblem, DiskProblem, ToolProblem
from lettafs.tools.arguments import read_arguments
from lettafs.tools.base import Tool, ToolContext
from lettafs.values.message import ToolCall, ToolReturn

__all__ = ["call_tool"]

_MAX_ERROR_CHARS = 1_000
"""Letta's limit; an error that shows a block's text is not cut, since the model needs it whole."""


def call_tool(
    call: ToolCall,
    tools: Mapping[str, Tool],
    context: ToolContext,
    *,
    ignore: frozenset[str],
    preset: Mapping[str, Any] = MappingProxyType({}),
) -> ToolReturn:
    """Return what a call gives; a failure is a return with status `error`.

    Args:
        call: as the model made it.
        tools: those the agent has.
        context: what the tools work on.
        ignore: parameters that belong to the loop, not to the tool.
        preset: arguments that are decided already, and take the place of the model's.

    Raises:
        DiskProblem: the disk refused; no tool can go on, so neither can the turn.
    """
    tool = tools.get(call.name)
    if tool is None:
        known = ", ".join(tools) or "none"
        return _failed(call, f"There is no tool named {call.name!r}. Your tools: {known}.")
    try:
        arguments = read_arguments(tool.spec, call.arguments, ignore=ignore, preset=preset)
        text = tool.call(context, arguments)
    except (ToolProblem, BlockProblem) as error:
        return _failed(call, str(error))
    except DiskProblem:
        raise
    except Exception as error:  # a tool's own mistake must not end the conversation
        words = f"Error executing function {call.name}: {type(error).__name__}: {error}"
        return _failed(call, words[:_MAX_ERROR_CHARS])
    return ToolReturn(call.id, call.name, "success", _clipped(text, tool.return_limit_chars))


def _failed(call: ToolCall, text: str) -> ToolReturn:
    return ToolReturn(call.id, call.name, "error", text)


def _clipped(text: str, limit_chars: int | None) -> str:
    if limit_chars is None or len(text) <= limit_chars:
        return text
    return (
        f"{text[:limit_chars]}\n[cut: {limit_chars} of {len(text)} characters shown; ask for less "
        "or for another part]"
    )
