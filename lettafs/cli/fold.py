"""Events folded into the REST API's message shapes, for `--output-format json` and `stream-json`.

One row of recall becomes one or more objects with a `message_type`: reasoning, words, and one
object with all tool calls of an assistant row; one object for a tool row. Agents of the older types
speak with `send_message`: its call becomes an `assistant_message`, its return is dropped, and what
they write as plain text is their `reasoning_message`. The user's own row and the rows lettafs
writes itself are not echoed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from lettafs.cli.saying import SEND_MESSAGE, said
from lettafs.values.agent import AgentType
from lettafs.values.event import (
    Checkpoint,
    Event,
    Failure,
    MessageAdded,
    ReasoningDelta,
    RunFinished,
    RunStarted,
    StepStarted,
    TextDelta,
    ToolCallDelta,
)
from lettafs.values.message import Message, ReasoningPart, TextPart, ToolCall
from lettafs.values.run import StopReason, Usage

__all__ = [
    "LettaMessage",
    "Result",
    "StreamLines",
    "letta_messages",
    "stop_line",
    "usage_statistics",
]

LettaMessage = dict[str, Any]


def letta_messages(message: Message, agent_type: AgentType) -> list[LettaMessage]:
    """Return the API's objects for one row; none for a row that is not echoed."""
    match message.role:
        case "assistant":
            return list(_assistant(message, agent_type))
        case "tool":
            return list(_tool(message, agent_type))
        case "user" | "system":
            return []


def stop_line(reason: StopReason) -> LettaMessage:
    """Return the API's `stop_reason` object."""
    return {"message_type": "stop_reason", "stop_reason": reason}


def usage_statistics(usage: Usage) -> LettaMessage:
    """Return the API's `usage_statistics` object."""
    return {
        "message_type": "usage_statistics",
        "completion_tokens": usage.completion_tokens,
        "prompt_tokens": usage.prompt_tokens,
        "total_tokens": usage.total_tokens,
        "step_count": usage.step_count,
        "cached_input_tokens": usage.cached_input_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }


class Result:
    """Collects a run into the one object that `--output-format json` prints."""

    def __init__(self, agent_type: AgentType) -> None:
        self._type: AgentType = agent_type
        self._fields: dict[str, Any] = {
            "agent_id": None,
            "run_id": None,
            "messages": [],
            "stop_reason": None,
            "usage": usage_statistics(Usage()),
            "commit": None,
        }

    def feed(self, event: Event) -> None:
        """Take one event in."""
        match event:
            case RunStarted(run_id, agent_id):
                self._fields["run_id"], self._fields["agent_id"] = run_id, agent_id
            case MessageAdded(message) if not message.partial:
                self._fields["messages"] += letta_messages(message, self._type)
            case Failure(error_type, text):
                self._fields["error"] = {"error_type": error_type, "message": text}
            case RunFinished(_, stop_reason, usage):
                self._fields["stop_reason"] = stop_reason
                self._fields["usage"] = usage_statistics(usage)
            case Checkpoint(commit):
                self._fields["commit"] = commit
            case _:
                pass

    def value(self, *, cancelled: bool = False) -> dict[str, Any]:
        """Return the object; it has an `error` field only when the run failed.

        A cancelled run ends without an event that says so: the caller knows.
        """
        return self._fields | ({"stop_reason": "cancelled"} if cancelled else {})


class StreamLines:
    """Turns events into the objects that `--output-format stream-json` prints, one a line.

    Pieces of a message that arrives in deltas share its id; their `content`, `reasoning` and
    `arguments` are fragments to be joined. No whole message is repeated after its deltas.
    """

    def __init__(self, agent_type: AgentType, *, now: Callable[[], datetime]) -> None:
        self._type: AgentType = agent_type
        self._now = now
        self._run_id: str | None = None
        self._step_id: str | None = None
        self._sent: set[tuple[str, str]] = set()
        """Message ids with the types of object that went out as deltas."""
        self._call_ids: dict[tuple[str, int], str] = {}

    def feed(self, event: Event) -> list[LettaMessage]:
        """Return the objects that this event adds."""
        match event:
            case RunStarted(run_id):
                self._run_id = run_id
            case StepStarted(step_id):
                self._step_id = step_id
            case TextDelta(message_id, text):
                return [self._delta(message_id, "assistant_message", {"content": text})]
            case ReasoningDelta(message_id, text):
                return [self._delta(message_id, "reasoning_message", _reasoning(text))]
            case ToolCallDelta():
                return self._call(event)
            case MessageAdded(message):
                if message.partial:
                    return []
                whole = letta_messages(message, self._type)
                return [one for one in whole if (one["id"], one["message_type"]) not in self._sent]
            case Failure(error_type, text):
                fields = {"error_type": error_type, "message": text, "run_id": self._run_id}
                return [{"message_type": "error_message", **fields}]
            case RunFinished(_, stop_reason, usage):
                return [stop_line(stop_reason), usage_statistics(usage)]
            case Checkpoint(commit):
                return [{"message_type": "checkpoint", "commit": commit}]
            case _:
                pass
        return []

    def _delta(self, message_id: str, message_type: str, fields: LettaMessage) -> LettaMessage:
        self._sent.add((message_id, message_type))
        date = self._now().replace(microsecond=0).isoformat()
        return _base(message_id, date, message_type, self._run_id, self._step_id) | fields

    def _call(self, delta: ToolCallDelta) -> list[LettaMessage]:
        key = (delta.message_id, delta.index)
        self._call_ids.setdefault(key, delta.call_id)
        piece: LettaMessage = {"tool_call_id": delta.call_id or self._call_ids[key]}
        if delta.name:
            piece["name"] = delta.name
        if delta.arguments:
            piece["arguments"] = delta.arguments
        both = {"tool_call": piece, "tool_calls": piece}
        return [self._delta(delta.message_id, "tool_call_message", both)]


def _assistant(message: Message, agent_type: AgentType) -> Iterator[LettaMessage]:
    for part in _merged(message):
        if isinstance(part, ReasoningPart):
            fields = _reasoning(part.text, signature=part.signature, native=True)
            yield _of(message, "reasoning_message", fields)
        else:
            yield _of(message, *_words(part.text, agent_type))
    calls: list[ToolCall] = []
    for call in message.tool_calls:
        words = said(call.arguments) if _speaks(call.name, agent_type) else None
        if words is None:
            calls.append(call)
        else:
            yield _of(message, "assistant_message", {"content": words})
    if calls:
        shapes = [
            {"name": call.name, "arguments": call.arguments, "tool_call_id": call.id}
            for call in calls
        ]
        yield _of(message, "tool_call_message", {"tool_call": shapes[0], "tool_calls": shapes})


def _tool(message: Message, agent_type: AgentType) -> Iterator[LettaMessage]:
    returns = [
        {
            "type": "tool",
            "tool_return": result.text,
            "status": result.status,
            "tool_call_id": result.call_id,
            "stdout": None,
            "stderr": None,
        }
        for result in message.tool_returns
        if result.status == "error" or not _speaks(result.name, agent_type)
    ]
    if returns:
        first = {key: value for key, value in returns[0].items() if key != "type"}
        yield _of(message, "tool_return_message", first | {"tool_returns": returns})


def _merged(message: Message) -> Iterable[TextPart | ReasoningPart]:
    """Return text and reasoning parts, neighbours of one kind joined."""
    merged: list[TextPart | ReasoningPart] = []
    for part in message.parts:
        last = merged[-1] if merged else None
        match part:
            case TextPart(text) if text:
                if isinstance(last, TextPart):
                    merged[-1] = TextPart(last.text + text)
                else:
                    merged.append(part)
            case ReasoningPart(text, signature):
                if isinstance(last, ReasoningPart):
                    merged[-1] = ReasoningPart(last.text + text, signature or last.signature)
                else:
                    merged.append(part)
            case _:
                pass
    return merged


def _speaks(tool_name: str, agent_type: AgentType) -> bool:
    return agent_type != "letta_v1_agent" and tool_name == SEND_MESSAGE


def _words(text: str, agent_type: AgentType) -> tuple[str, LettaMessage]:
    """Return the message type and fields of an assistant's plain text."""
    if agent_type == "letta_v1_agent":
        return "assistant_message", {"content": text}
    return "reasoning_message", _reasoning(text)


def _reasoning(text: str, *, signature: str | None = None, native: bool = False) -> LettaMessage:
    source = "reasoner_model" if native else "non_reasoner_model"
    return {"reasoning": text, "source": source, "signature": signature}


def _of(message: Message, message_type: str, fields: LettaMessage) -> LettaMessage:
    date = _to_seconds(message.created_at)
    base = _base(message.id, date, message_type, message.run_id, message.step_id)
    return base | {"name": message.name, "sender_id": message.sender_id} | fields


def _base(
    message_id: str, date: str, message_type: str, run_id: str | None, step_id: str | None
) -> LettaMessage:
    return {
        "id": message_id,
        "date": date,
        "message_type": message_type,
        "run_id": run_id,
        "step_id": step_id,
    }


def _to_seconds(time: str) -> str:
    try:
        return datetime.fromisoformat(time).replace(microsecond=0).isoformat()
    except ValueError:
        return time  # times in files are opaque
