"""A message: one row of recall, made of parts.

A message says who spoke (`role`) and what (`parts`, a closed union). Rows lettafs writes itself
(a heartbeat, a summary, a login event) have a `kind` other than `message`, so that no reader has to
guess from the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "Kind",
    "Message",
    "OpaquePart",
    "Part",
    "ReasoningPart",
    "Role",
    "TextPart",
    "ToolCall",
    "ToolReturn",
]

Role = Literal["system", "user", "assistant", "tool"]
Kind = Literal["message", "heartbeat", "login", "summary", "alert"]


@dataclass(frozen=True, slots=True)
class TextPart:
    """Words to read."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningPart:
    """The model's thinking, kept beside the reply."""

    text: str
    signature: str | None = None
    """A provider's proof that the reasoning is its own, sent back unchanged."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a tool."""

    id: str
    name: str
    arguments: str
    """The JSON text verbatim, valid or not: what the model said is what is kept."""


@dataclass(frozen=True, slots=True)
class ToolReturn:
    """What a tool call gave."""

    call_id: str
    name: str
    status: Literal["success", "error"]
    text: str


@dataclass(frozen=True, slots=True)
class OpaquePart:
    """A part of a type this version does not know: kept, shown as nothing, never sent."""

    data: Mapping[str, Any]


Part = TextPart | ReasoningPart | ToolCall | ToolReturn | OpaquePart


@dataclass(frozen=True, slots=True)
class Message:
    """One row of recall."""

    id: str
    role: Role
    parts: tuple[Part, ...]
    created_at: str
    """ISO 8601 with offset, microseconds, UTC when we write it; opaque when read."""
    kind: Kind = "message"
    run_id: str | None = None
    step_id: str | None = None
    partial: bool = False
    """True: the stream broke off; kept for people, never sent to a model again."""
    name: str | None = None
    sender_id: str | None = None
    otid: str | None = None
    conversation_id: str = "default"

    @property
    def text(self) -> str:
        """The words of all text parts, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls among the parts, in order."""
        return tuple([part for part in self.parts if isinstance(part, ToolCall)])

    @property
    def tool_returns(self) -> tuple[ToolReturn, ...]:
        """The tool returns among the parts, in order."""
        return tuple([part for part in self.parts if isinstance(part, ToolReturn)])
