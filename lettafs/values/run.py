"""A run (one request), its steps (one model call with its tool calls), and how they end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = [
    "STOP_REASONS",
    "Continue",
    "Outcome",
    "Run",
    "RunStatus",
    "Step",
    "Stop",
    "StopReason",
    "Usage",
    "run_status",
]

StopReason = Literal[
    "end_turn",
    "error",
    "llm_api_error",
    "invalid_llm_response",
    "invalid_tool_call",
    "max_steps",
    "max_tokens_exceeded",
    "no_tool_call",
    "tool_rule",
    "cancelled",
    "insufficient_credits",
    "requires_approval",
    "context_window_overflow_in_system_prompt",
]
"""Why a run ended; the REST API's own list."""

STOP_REASONS: tuple[str, ...] = get_args(StopReason)

RunStatus = Literal["created", "running", "completed", "failed", "cancelled"]


def run_status(reason: StopReason) -> RunStatus:
    """Return the status a run has that ended for this reason (Letta's own mapping)."""
    match reason:
        case "end_turn" | "max_steps" | "tool_rule" | "requires_approval":
            return "completed"
        case "cancelled":
            return "cancelled"
        case _:
            return "failed"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, summed over the steps of a run; 0 where the provider did not say."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_input_tokens: int = 0
    reasoning_tokens: int = 0
    step_count: int = 0

    @property
    def total_tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        """Return the field-wise sum."""
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_input_tokens + other.cached_input_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.step_count + other.step_count,
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One model call with its tool calls."""

    id: str
    run_id: str
    model: str
    """The handle."""
    message_ids: tuple[str, ...]
    usage: Usage
    stop_reason: StopReason | None = None
    """None: the run went on."""
    estimate: int = 0
    """Tokens the request was estimated at before it was sent, uncalibrated; 0: not known."""


@dataclass(frozen=True, slots=True)
class Run:
    """One request, from input to end."""

    id: str
    status: RunStatus
    stop_reason: StopReason
    model: str
    usage: Usage
    created_at: str
    completed_at: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Continue:
    """The loop goes on; the reason is told to the model where the agent type says so."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The loop ends."""

    reason: StopReason


Outcome = Continue | Stop
