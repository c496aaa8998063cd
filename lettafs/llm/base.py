"""The seam to a language model: one method that streams.

Obligations of an implementation:
- `stream` yields deltas as they arrive, each with the request's `message_id`, and exactly one
  `ModelReply`, last. It yields no `ModelReply` when it raises.
- It raises only the `ModelProblem` tree of `lettafs.errors`; a stream that ends in the middle is a
  `StreamCut` that carries the text and reasoning so far and never a tool call.
- The reply's tool calls have non-empty, distinct ids and names; arguments are verbatim text.
- Cancellation passes through, and closes the connection.
- It keeps no state between calls, and never writes to disk.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol

from lettafs.values.event import Delta
from lettafs.values.message import Message, Part
from lettafs.values.run import Usage
from lettafs.values.tool import ToolSpec

__all__ = [
    "FinishReason",
    "LanguageModel",
    "ModelEvent",
    "ModelReply",
    "ModelRequest",
    "Purpose",
    "ToolChoice",
]

FinishReason = Literal["stop", "tool_calls", "length", "content_filter"]
ToolChoice = Literal["auto", "required", "none"]
Purpose = Literal["reply", "summary"]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """Everything a model is sent."""

    message_id: str
    """The id the assistant message will have; deltas carry it. Not sent."""
    system: str
    messages: tuple[Message, ...]
    """User, assistant and tool messages in order; every tool call has its return."""
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: ToolChoice = "auto"
    forced_tool: str | None = None
    """With `tool_choice="required"`: this one and no other."""
    parallel_tool_calls: bool = True
    temperature: float | None = None
    max_output_tokens: int | None = None
    reasoning_effort: str | None = None
    think: bool | None = None
    context_window: int | None = None
    """Tokens. Ollama must be told; others ignore it."""
    timeout_s: float | None = None
    purpose: Purpose = "reply"
    """What is asked for. Not sent: a summary's instructions are in the words. For the models that
    are none, the built-in stand-in and the script."""


@dataclass(frozen=True, slots=True)
class ModelReply:
    """The whole reply, assembled."""

    parts: tuple[Part, ...]
    """Reasoning first, then text, then tool calls; adjacent pieces merged; may be empty."""
    finish_reason: FinishReason
    usage: Usage
    """`step_count` is 1; zeros where the provider did not say."""


ModelEvent = Delta | ModelReply


class LanguageModel(Protocol):
    """What a model must do for the loop."""

    @property
    def handle(self) -> str:
        """`provider/name`, as it stands in agent.toml."""
        ...

    @property
    def context_window(self) -> int:
        """Tokens this model is served with, as far as is known."""
        ...

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Yield deltas, then one `ModelReply`."""
        ...
