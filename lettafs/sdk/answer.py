"""An answer: what came of one message, the stream of its events folded."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from lettafs.tools.messaging import SEND_MESSAGE
from lettafs.values.event import Checkpoint, Event, Failure, MessageAdded, RunFinished
from lettafs.values.message import Message
from lettafs.values.run import StopReason, Usage
from lettafs.values.told import told

__all__ = ["Answer", "gather", "said"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one message."""

    text: str
    """What the agent said."""
    messages: tuple[Message, ...]
    """All that were added, the user's own first."""
    stop_reason: StopReason
    usage: Usage
    commit: str | None
    error: str | None = None
    """Why the run failed; None: it did not."""


async def gather(events: AsyncGenerator[Event, None]) -> Answer:
    """Return the answer that a stream of events comes to."""
    messages: list[Message] = []
    stop: StopReason = "error"
    usage = Usage()
    commit: str | None = None
    error: str | None = None
    async with aclosing(events):
        async for event in events:
            match event:
                case MessageAdded(message=message):
                    messages.append(message)
                case Failure(message=words):
                    error = words
                case RunFinished(stop_reason=stop, usage=usage):
                    pass
                case Checkpoint(commit=commit):
                    pass
                case _:
                    continue
    return Answer(said(messages), tuple(messages), stop, usage, commit, error)


def said(messages: Sequence[Message]) -> str:
    """Return what an agent said in these messages, whichever way its type speaks.

    An agent that called send_message said what it told that tool; what it wrote beside was thought.
    """
    failed = {r.call_id for m in messages for r in m.tool_returns if r.status == "error"}
    spoken = [message for message in messages if message.role == "assistant"]
    heard = [
        words
        for message in spoken
        for call in message.tool_calls
        if call.name == SEND_MESSAGE.spec.name and call.id not in failed
        if (words := told(call.arguments)) is not None
    ]
    return "\n\n".join(heard or [message.text for message in spoken if message.text.strip()])
