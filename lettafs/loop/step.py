"""A step: one model call with its tool calls, from request to record.

Deltas flow out as they come; where the agent speaks with a tool, what it tells that tool flows out
as words, and what it writes beside it as thinking. A message is shown as added only when it is
durable; an assistant message with calls is durable before the first of them runs, so that a crash
leaves a trace of what may have happened.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace

from lettafs.errors import LettafsError, StreamCut
from lettafs.format.recall_line import MessageRecord, StepRecord
from lettafs.home.turn import Turn
from lettafs.llm.base import LanguageModel, ModelReply, ModelRequest
from lettafs.llm.retry import stream_with_retry
from lettafs.loop.answers import Bench, answers
from lettafs.loop.speech import Speech
from lettafs.loop.style import Style, Taken
from lettafs.values.event import (
    Event,
    MessageAdded,
    ReasoningDelta,
    StepFinished,
    StepStarted,
    TextDelta,
    ToolCallDelta,
)
from lettafs.values.message import (
    Message,
    Part,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolReturn,
)
from lettafs.values.run import Step

__all__ = ["StepPlan", "take_step"]


@dataclass(frozen=True, slots=True)
class StepPlan:
    """What a step works with."""

    step_id: str
    request: ModelRequest
    bench: Bench
    style: Style
    one_call: bool
    """True: of several calls in a reply the first counts."""
    sleep: Callable[[float], Awaitable[None]]
    jitter: Callable[[], float]
    estimate: int = 0
    """Tokens the request is estimated at, uncalibrated; 0: not known."""


async def take_step(
    turn: Turn, model: LanguageModel, plan: StepPlan
) -> AsyncGenerator[Event | Taken, None]:
    """Yield a step's events and, last, what was done.

    Raises:
        ModelProblem: the model did not answer; what had arrived of a cut reply is kept as partial.
        DiskProblem: the disk refused.
    """
    yield StepStarted(plan.step_id, plan.request.message_id)
    ear = _Ear(plan)
    reply: ModelReply | None = None
    try:
        async with aclosing(
            stream_with_retry(model, plan.request, sleep=plan.sleep, jitter=plan.jitter)
        ) as events:
            async for event in events:
                if isinstance(event, ModelReply):
                    reply = event
                    continue
                shown = ear.hear(event)
                if shown is not None:
                    yield shown
    except BaseException as error:
        # Whatever ends it (a cut, Ctrl-C, a closed stream): what was shown is kept for people.
        if reply is None:
            with suppress(LettafsError):  # the first error is the one to show
                _keep_partial(turn, plan, ear.parts(error))
        raise
    assert reply is not None, "a model's stream ends with its reply or raises"
    calls = _calls(reply, plan)
    usage = replace(reply.usage, step_count=1)
    said = tuple(part for part in reply.parts if not isinstance(part, ToolCall))
    assistant = _assistant(turn, plan, (*said, *calls))
    if assistant is None:
        yield Taken(None, (), (), reply.finish_reason, usage)
        return
    step = Step(
        plan.step_id,
        turn.run_id or "",
        model.handle,
        (assistant.id,),
        usage,
        estimate=plan.estimate,
    )
    if not calls:
        turn.append(MessageRecord(0, assistant), StepRecord(0, step))
        yield MessageAdded(assistant)
        yield StepFinished(step)
        yield Taken(assistant, (), (), reply.finish_reason, usage)
        return
    turn.append(MessageRecord(0, assistant))
    yield MessageAdded(assistant)
    returns: list[ToolReturn] = []
    async with aclosing(answers(calls, plan.bench)) as answered:
        async for answer in answered:
            returns.append(answer)
            for change in turn.new_changes():
                yield change
    row = Message(
        turn.new_id("message"),
        "tool",
        tuple(returns),
        turn.time(),
        run_id=turn.run_id,
        step_id=plan.step_id,
    )
    step = replace(step, message_ids=(*step.message_ids, row.id))
    turn.append(MessageRecord(0, row), StepRecord(0, step))
    yield MessageAdded(row)
    yield StepFinished(step)
    yield Taken(assistant, calls, tuple(returns), reply.finish_reason, usage)


class _Ear:
    """Turns what a model streams into what a surface is shown, and remembers that."""

    def __init__(self, plan: StepPlan) -> None:
        speaks_with = plan.style.speaks_with
        offered = any(tool.name == speaks_with for tool in plan.request.tools)
        self._thinks_aloud = speaks_with is not None
        # A call that will be refused says nothing, even if a model makes it.
        self._speech = Speech(speaks_with) if speaks_with is not None and offered else None
        self._one_call = plan.one_call
        self._text: list[str] = []
        self._thought: list[str] = []

    def hear(self, event: Event) -> Event | None:
        """Return what is shown for one of the model's events; None: nothing."""
        shown: Event | None = event
        if isinstance(event, ToolCallDelta) and self._one_call and event.index > 0:
            return None  # a call that will not be made
        if self._thinks_aloud and isinstance(event, TextDelta):
            shown = ReasoningDelta(event.message_id, event.text)
        elif self._speech is not None and isinstance(event, ToolCallDelta):
            shown = self._speech.feed(event)
        if isinstance(shown, TextDelta):
            self._text.append(shown.text)
        elif isinstance(shown, ReasoningDelta):
            self._thought.append(shown.text)
        return shown

    def parts(self, error: BaseException) -> tuple[Part, ...]:
        """Return what arrived before an error ended the stream, without tool calls."""
        if isinstance(error, StreamCut) and error.parts and not self._thinks_aloud:
            return error.parts  # with what was held back to see whether it was a tag
        found: list[Part] = []
        if self._thought:
            found.append(ReasoningPart("".join(self._thought)))
        if self._text:
            found.append(TextPart("".join(self._text)))
        return tuple(found)


def _keep_partial(turn: Turn, plan: StepPlan, parts: Sequence[Part]) -> None:
    message = _assistant(turn, plan, tuple(p for p in parts if not isinstance(p, ToolCall)))
    if message is not None:
        fresh = turn.new_id("message")  # the deltas' id belongs to the whole reply, if one comes
        turn.append(MessageRecord(0, replace(message, id=fresh, partial=True)))


def _assistant(turn: Turn, plan: StepPlan, parts: tuple[Part, ...]) -> Message | None:
    """Return the assistant message; None when it would say and call nothing."""
    worth = [p for p in parts if not isinstance(p, TextPart) or p.text.strip()]
    if not any(isinstance(p, TextPart | ToolCall) for p in worth):
        return None
    return Message(
        plan.request.message_id,
        "assistant",
        tuple(worth),
        turn.time(),
        run_id=turn.run_id,
        step_id=plan.step_id,
    )


def _calls(reply: ModelReply, plan: StepPlan) -> tuple[ToolCall, ...]:
    """Return the calls that count, each with an id no other call in the window has.

    Some servers number the calls of every reply anew; a return would then answer an older call.
    """
    calls = [part for part in reply.parts if isinstance(part, ToolCall)]
    if not calls:
        return ()
    known = {call.id for message in plan.request.messages for call in message.tool_calls}
    unique: list[ToolCall] = []
    for number, call in enumerate(calls[:1] if plan.one_call else calls):
        if call.id in known:
            seed = f"{plan.request.message_id}/{number}".encode()
            call = replace(call, id=f"call_{hashlib.sha256(seed).hexdigest()[:24]}")
        known.add(call.id)
        unique.append(call)
    return tuple(unique)
