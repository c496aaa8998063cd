"""A tool: what the model is told, and the function that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from lettafs.errors import ToolProblem, UsageProblem
from lettafs.home.turn import Turn
from lettafs.index.moments import day_or_moment
from lettafs.values.block import Block
from lettafs.values.tool import ToolSpec

__all__ = ["DEFAULT_RETURN_LIMIT_CHARS", "Tool", "ToolContext", "parameters", "span"]

DEFAULT_RETURN_LIMIT_CHARS = 50_000
"""Letta's own."""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a built-in tool works on."""

    turn: Turn
    seen: Mapping[str, Block]
    """The blocks as the model saw them when it made the call."""
    now: datetime
    zone: tzinfo
    context_window: int | None = None
    """Tokens the model is served with; None: not known."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool of an agent."""

    spec: ToolSpec
    call: Callable[[ToolContext, dict[str, Any]], str]
    """Gets checked arguments, defaults not filled in; returns the text for the model.

    Raises ToolProblem or BlockProblem for what the model can correct."""
    ends_turn: bool = False
    parallel: bool = False
    """True: reads only, and may run beside others of its kind."""
    return_limit_chars: int | None = DEFAULT_RETURN_LIMIT_CHARS
    """None: the tool bounds its own output."""


def parameters(required: str = "", **properties: Any) -> dict[str, Any]:
    """Return a JSON schema of type object; `required` is a list of names in one text.

    A property is a schema, or a text: `"string: what it is"`.
    """
    shaped: dict[str, Any] = {}
    for name, schema in properties.items():
        if isinstance(schema, str):
            kind, _, about = schema.partition(": ")
            schema = {"type": kind, "description": about}
        shaped[name] = schema
    return {"type": "object", "properties": shaped, "required": required.split()}


def span(
    context: ToolContext, since: str | None, until: str | None
) -> tuple[datetime | None, datetime | None]:
    """Return the moments a search is to lie between, in the agent's time zone; None: open.

    Raises:
        ToolProblem: one of them is no date.
    """
    try:
        return (
            day_or_moment(since, zone=context.zone, end=False) if since else None,
            day_or_moment(until, zone=context.zone, end=True) if until else None,
        )
    except UsageProblem as error:
        raise ToolProblem(str(error)) from error
