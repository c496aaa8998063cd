"""Events: the one stream that every surface consumes.

A run yields, in order: `RunStarted`; `Notice`s about what was found at its start; per step
`StepStarted`, deltas as they arrive, `MessageAdded` for each message once it is durable,
`MemoryChanged` for each block edited, `StepFinished`; between steps `Compacted` when a summary took
the place of older messages; then `Failure` if it failed, `RunFinished`, and last `Checkpoint`.
Anything else a surface wants (final text, JSON, a web stream) is a fold
over these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lettafs.values.message import Message
from lettafs.values.run import Step, StopReason, Usage

__all__ = [
    "Checkpoint",
    "Compacted",
    "CompactionTrigger",
    "Delta",
    "Event",
    "Failure",
    "MemoryChanged",
    "MessageAdded",
    "Notice",
    "ReasoningDelta",
    "RunFinished",
    "RunStarted",
    "StepFinished",
    "StepStarted",
    "TextDelta",
    "ToolCallDelta",
]


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The turn is ours and the user's message is about to be written."""

    run_id: str
    agent_id: str
    model: str
    """The handle that will answer."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should know; never part of the conversation."""

    text: str
    level: Literal["info", "warning"] = "info"
    code: str = ""
    """Stable and short: `adopted`, `block-fallback`, `retry`, `recovered`."""


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A model call begins."""

    step_id: str
    message_id: str
    """The id its assistant message will have; the deltas carry it."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More words of the reply."""

    message_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More of the model's thinking."""

    message_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """More of a tool call: the first of an `index` has id and name, later ones arguments."""

    message_id: str
    index: int
    call_id: str
    name: str
    arguments: str
    """A fragment of the JSON text, to be appended."""


@dataclass(frozen=True, slots=True)
class MessageAdded:
    """A message is in recall, durable. Its words may have been shown as deltas before."""

    message: Message


@dataclass(frozen=True, slots=True)
class MemoryChanged:
    """The agent changed a block."""

    label: str
    before: str | None
    """None: the block is new."""
    after: str | None
    """None: the block was deleted."""


CompactionTrigger = Literal["window_full", "after_step", "overflow", "request"]
"""Why: the messages no longer fit; a step came near the limit; the model said "too long"; a person
asked for it."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """Older messages left the window and a summary took their place; both are durable.

    Counts are of the messages in the window, tokens of the whole request.
    """

    trigger: CompactionTrigger
    message_id: str
    """The summary's."""
    messages_before: int
    messages_after: int
    """The summary included."""
    tokens_before: int
    tokens_after: int
    context_window: int
    written_by: str
    """Handle of the model that wrote the summary; `rules` when none did."""
    trouble: str
    """Why rules wrote it, or a part of it, and no model; empty: nothing was the matter."""
    usage: Usage
    """What the summary cost; it is part of the run's usage."""


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A step's record is durable."""

    step: Step


@dataclass(frozen=True, slots=True)
class Failure:
    """The run failed; what it had done is kept."""

    error_type: str
    """The REST API's names: `llm_timeout`, `llm_authentication`, `internal_error`, ..."""
    message: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run is over and durable."""

    run_id: str
    stop_reason: StopReason
    usage: Usage


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The turn was committed; None when there is no git or nothing changed."""

    commit: str | None


Delta = TextDelta | ReasoningDelta | ToolCallDelta

Event = (
    RunStarted
    | Notice
    | StepStarted
    | TextDelta
    | ReasoningDelta
    | ToolCallDelta
    | MessageAdded
    | MemoryChanged
    | Compacted
    | StepFinished
    | Failure
    | RunFinished
    | Checkpoint
)
