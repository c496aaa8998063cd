"""A run: one request, from the user's input to the end of the agent's answer.

An async generator of events, the one stream every surface consumes. Leaving it early, by closing
it or by cancelling the task, ends the turn in order: what was completed is written, open tool calls
get their return, the checkpoint is made, and the run is recorded as cancelled. None of that awaits,
so that no second cancellation can tear it.
"""

from __future__ import annotations

import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime

import anyio
import anyio.to_thread

from lettafs.context.request import Prompt, compile_prompt, zone
from lettafs.errors import LettafsError, ModelProblem
from lettafs.format.recall_line import MessageRecord, RunRecord, WindowRecord
from lettafs.home.begin import busy, retry_pause_s, try_begin
from lettafs.home.home import Home
from lettafs.home.turn import Turn, Who
from lettafs.ids import NewId
from lettafs.llm.base import LanguageModel, ModelRequest
from lettafs.loop.answers import Bench
from lettafs.loop.state import RunState
from lettafs.loop.step import StepPlan, take_step
from lettafs.loop.style import Taken
from lettafs.loop.styles import style_of
from lettafs.loop.verdict import after_failure, after_step
from lettafs.tools import rules as tool_rules
from lettafs.tools.base import Tool, ToolContext
from lettafs.tools.builtin import tools_of
from lettafs.values.event import (
    Checkpoint,
    Event,
    Failure,
    MessageAdded,
    Notice,
    RunFinished,
    RunStarted,
)
from lettafs.values.message import Message, TextPart, ToolReturn
from lettafs.values.rule import RequiresApprovalRule
from lettafs.values.run import Run, StopReason, run_status

__all__ = ["Caller", "run"]

_BUSY_S = 5.0
_CANCELLED = "cancelled: the person stopped the turn before this call was finished"


@dataclass(frozen=True, slots=True)
class Caller:
    """What comes from outside: the clock, ids, and who is at the keyboard."""

    now: Callable[[], datetime]
    new_id: NewId
    person: Who
    about: Mapping[str, str]
    """What a second process is told about us: `cmd`."""
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    """Waits between retries of a failing model, in seconds."""
    jitter: Callable[[], float] = random.random


async def run(
    home: Home, *, model: LanguageModel, text: str, caller: Caller, max_steps: int | None = None
) -> AsyncGenerator[Event, None]:
    """Yield the events of one request.

    What fails after the user's message is kept is an event, not an error.

    Args:
        home: the agent.
        model: answers.
        text: what the user says.
        caller: clock, ids, person.
        max_steps: model calls the run may take; None: what agent.toml says.

    Raises:
        Busy: another process held the turn for five seconds.
        NotAnAgent: agent.toml is gone or unreadable.
        DiskProblem: the disk refused before the user's message was kept.
    """
    turn = await _hold(home, caller)
    state: RunState | None = None
    try:
        agent = turn.agent
        state = RunState(
            run_id=caller.new_id("run"),
            message_id=caller.new_id("message"),
            text=text,
            agent=agent,
            style=style_of(agent.type),
            model=model,
            begun_at=turn.time(),
        )
        turn.run_id = state.run_id
        yield RunStarted(state.run_id, agent.id or "", model.handle)
        for notice in turn.take_notices():
            yield notice
        message = Message(
            state.message_id, "user", (TextPart(text),), turn.time(), run_id=state.run_id
        )
        turn.append(MessageRecord(0, message))
        yield MessageAdded(message)
        async with aclosing(_answered(turn, state, max_steps or agent.max_steps, caller)) as events:
            async for event in events:
                yield event
        yield RunFinished(state.run_id, state.stop or "end_turn", state.usage)
        commit = await anyio.to_thread.run_sync(_commit, turn, state)
        state.closed = True
        for notice in turn.take_notices():
            yield notice
        yield Checkpoint(commit)
        if commit is not None:
            # All is said and shown: only the next turn may have to wait for this.
            await anyio.to_thread.run_sync(turn.pack_if_due)
    except Exception as error:
        if state is not None:
            state.error = state.error or f"{type(error).__name__}: {error}"
        with suppress(Exception):  # the first error is the one to show
            _close_early(turn, state, "error")
        raise
    finally:
        try:
            _close_early(turn, state, "cancelled")
        finally:
            turn.close()


async def _hold(home: Home, caller: Caller) -> Turn:
    begun = time.monotonic()
    while True:
        turn = try_begin(
            home, now=caller.now, new_id=caller.new_id, person=caller.person, about=caller.about
        )
        if turn is not None:
            return turn
        waited = time.monotonic() - begun
        if waited >= _BUSY_S:
            raise busy(home)
        await anyio.sleep(retry_pause_s(waited))


async def _answered(
    turn: Turn, state: RunState, max_steps: int, caller: Caller
) -> AsyncGenerator[Event, None]:
    """Yield the events of all steps, and record the end of the run."""
    try:
        async with aclosing(_steps(turn, state, max_steps, caller)) as events:
            async for event in events:
                if isinstance(event, Failure):
                    state.error = event.message
                yield event
    except LettafsError as error:
        state.stop, state.error = "error", str(error)
        yield Failure("internal_error", str(error))
    try:
        _record_end(turn, state)
    except LettafsError as error:  # the next turn records it as interrupted
        if state.error is None:
            state.stop, state.error = "error", str(error)
            yield Failure("internal_error", str(error))


async def _steps(
    turn: Turn, state: RunState, max_steps: int, caller: Caller
) -> AsyncGenerator[Event, None]:
    """Yield the events of step after step, until a verdict stops them."""
    tools, problems = tools_of(state.agent)
    for problem in problems:
        yield Notice(f"{problem}.", "warning", problem.code)
    told: set[str] = set()
    while state.stop is None:
        turn.begin_step()
        prompt, plan = _plan(turn, state, tools, caller)
        for notice in _notices(turn, prompt, told):
            yield notice
        taken: Taken | None = None
        try:
            async with aclosing(take_step(turn, state.model, plan)) as events:
                async for event in events:
                    if isinstance(event, Taken):
                        taken = event
                    else:
                        yield event
        except ModelProblem as failed:
            yield after_failure(state, failed)
            continue
        finally:
            state.note_changes(turn.changes)
        assert taken is not None, "a step ends with what was taken or raises"
        for event in after_step(turn, state, taken, tools=tools, max_steps=max_steps):
            yield event


def _notices(turn: Turn, prompt: Prompt, told: set[str]) -> list[Notice]:
    """Return what a person should know before the next step; each problem once a run."""
    fresh = [problem for problem in prompt.problems if str(problem) not in told]
    told.update(map(str, fresh))
    return [*(Notice(f"{p}.", "warning", "block") for p in fresh), *turn.take_notices()]


def _plan(
    turn: Turn, state: RunState, tools: dict[str, Tool], caller: Caller
) -> tuple[Prompt, StepPlan]:
    """Compile the next request; record it when messages have to leave the window."""
    agent = state.agent = turn.agent
    may = tool_rules.allowed(agent.tool_rules, state.calls, tools)
    shown = [tools[name] for name in may.names]
    window = agent.context_window or state.model.context_window
    now = turn.now()
    prompt = compile_prompt(
        turn.home,
        agent,
        tools=state.style.specs(shown, agent.tool_rules),
        now=now,
        context_window=window,
        shrink=state.shrink,
    )
    state.shrink = False
    if prompt.left_out:
        turn.append(
            WindowRecord(
                0,
                reason="trim",
                start=prompt.messages[0].id,
                earlier=prompt.earlier,
                drop=prompt.dropped,
            )
        )
    settings = agent.model_settings
    forced = may.forced or (state.style.requires_call and bool(shown))
    ruled = any(not isinstance(rule, RequiresApprovalRule) for rule in agent.tool_rules)
    one_call = state.style.one_call or not settings.parallel_tool_calls
    request = ModelRequest(
        message_id=turn.new_id("message"),
        system=prompt.system,
        messages=prompt.messages,
        tools=prompt.tools,
        tool_choice="required" if forced else "auto",
        forced_tool=may.names[0] if may.forced and len(may.names) == 1 else None,
        parallel_tool_calls=not one_call and not ruled,
        temperature=settings.temperature,
        max_output_tokens=settings.max_output_tokens,
        reasoning_effort=settings.reasoning_effort,
        think=settings.think,
        context_window=window,
        timeout_s=settings.timeout_s,
    )
    context = ToolContext(turn, prompt.seen, now, zone(agent.timezone))
    bench = Bench(tools, agent.tool_rules, tuple(state.calls), context, state.style.own_parameters)
    return prompt, StepPlan(
        turn.new_id("step"),
        request,
        bench,
        state.style,
        one_call,
        sleep=caller.sleep,
        jitter=caller.jitter,
    )


def _record_end(turn: Turn, state: RunState) -> None:
    reason = state.stop or "end_turn"
    turn.append(
        RunRecord(
            0,
            Run(
                id=state.run_id,
                status=run_status(reason),
                stop_reason=reason,
                model=state.model.handle,
                usage=state.usage,
                created_at=state.begun_at,
                completed_at=turn.time(),
                error=state.error,
            ),
        )
    )


def _close_early(turn: Turn, state: RunState | None, reason: StopReason) -> None:
    """End a run that was left: record what it was doing, and make its checkpoint."""
    if state is None or state.closed:
        return
    try:
        left = turn.home.recall.unfinished()
        if left is not None and left.run_id == state.run_id:
            if left.open_calls:
                answers = tuple(
                    ToolReturn(call_id, name, "error", _CANCELLED)
                    for call_id, name in left.open_calls
                )
                row = Message(
                    turn.new_id("message"), "tool", answers, turn.time(), run_id=state.run_id
                )
                turn.append(MessageRecord(0, row))
            state.stop = state.stop or reason
            _record_end(turn, state)
        _commit(turn, state)
    except LettafsError:
        pass  # what is durable is recovered by the next turn; the first error is the one to show
    finally:
        state.closed = True


def _commit(turn: Turn, state: RunState) -> str | None:
    """Make the run's checkpoint; one that cannot be made now is made by the next turn."""
    try:
        return turn.commit_own(
            _subject(state),
            {
                "Lettafs-Run": state.run_id,
                "Lettafs-Message": state.message_id,
                "Lettafs-Model": state.model.handle,
            },
        )
    except LettafsError as error:
        turn.notices.append(Notice(f"The checkpoint is postponed: {error}", "warning", "postponed"))
        return None


def _subject(state: RunState) -> str:
    """Return what happened, in words: what was answered, and what memory it changed."""
    said = " ".join(state.text.split())
    said = said if len(said) <= 60 else f"{said[:57].rstrip()}..."
    subject = f'Answer "{said}"'
    if state.stop not in (None, "end_turn", "tool_rule"):
        subject = f'Try to answer "{said}"'
    if state.changed:
        subject += f" and edit {', '.join(state.changed)}"
    return subject
