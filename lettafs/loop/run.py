"""A run: one request, from the user's input to the end of the agent's answer.

An async generator of events, the one stream every surface consumes. Leaving it early, by closing
it or by cancelling the task, ends the turn in order: what was completed is written, open tool calls
get their return, the checkpoint is made, and the run is recorded as cancelled. None of that awaits,
so that no second cancellation can tear it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

import anyio.to_thread

from lettafs.context.overflow import system_overflow
from lettafs.context.request import Prompt
from lettafs.errors import ContextOverflow, LettafsError, ModelProblem
from lettafs.format.recall_line import MessageRecord, RunRecord
from lettafs.home.home import Home
from lettafs.home.turn import Turn
from lettafs.llm.base import LanguageModel
from lettafs.loop.caller import Caller, hold
from lettafs.loop.compaction import Summarise, compact, is_nearly_full
from lettafs.loop.plan import next_prompt, plan_step
from lettafs.loop.state import RunState
from lettafs.loop.step import take_step
from lettafs.loop.style import Taken
from lettafs.loop.styles import style_of
from lettafs.loop.verdict import after_failure, after_step
from lettafs.tools.base import Tool
from lettafs.tools.builtin import tools_of
from lettafs.values.event import (
    Checkpoint,
    Compacted,
    CompactionTrigger,
    Event,
    Failure,
    MessageAdded,
    Notice,
    RunFinished,
    RunStarted,
)
from lettafs.values.message import Message, TextPart, ToolReturn
from lettafs.values.run import Run, StopReason, run_status

__all__ = ["Caller", "run"]

_CANCELLED = "cancelled: the person stopped the turn before this call was finished"


async def run(
    home: Home,
    *,
    model: LanguageModel,
    text: str,
    caller: Caller,
    max_steps: int | None = None,
    summarise: Summarise | None = None,
) -> AsyncGenerator[Event, None]:
    """Yield the events of one request.

    What fails after the user's message is kept is an event, not an error.

    Args:
        home: the agent.
        model: answers.
        text: what the user says.
        caller: clock, ids, person.
        max_steps: model calls the run may take; None: what agent.toml says.
        summarise: loads the model that agent.toml wants summaries from; None: `model` sums up.

    Raises:
        Busy: another process held the turn for five seconds.
        NotAnAgent: agent.toml is gone or unreadable.
        DiskProblem: the disk refused before the user's message was kept.
    """
    turn = await hold(home, caller)
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
            summarise=summarise,
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
    tools, problems = tools_of(state.agent, has_files=turn.home.has_files)
    for problem in problems:
        yield Notice(f"{problem}.", "warning", problem.code)
    told: set[str] = set()
    while state.stop is None:
        turn.begin_step()
        state.agent = turn.agent
        prompt = _prompt(turn, state, tools)
        if prompt.left_out or state.compact:
            why: CompactionTrigger = "overflow" if state.compact else "window_full"
            async with aclosing(_compacted(turn, state, prompt, why, caller)) as made:
                async for change in made:
                    yield change
            prompt = _prompt(turn, state, tools)
        state.shrink, state.compact = 0, False
        for notice in _notices(turn, prompt, told):
            yield notice
        too_long = system_overflow(prompt)
        if too_long is not None:
            state.stop = "context_window_overflow_in_system_prompt"
            yield Failure(ContextOverflow.error_type, too_long)
            return
        async with aclosing(_one_step(turn, state, prompt, tools, max_steps, caller)) as events:
            async for event in events:
                yield event


async def _one_step(
    turn: Turn,
    state: RunState,
    prompt: Prompt,
    tools: dict[str, Tool],
    max_steps: int,
    caller: Caller,
) -> AsyncGenerator[Event, None]:
    """Yield the events of a step and of the verdict on it."""
    plan = plan_step(turn, state, prompt, tools=tools, caller=caller)
    taken: Taken | None = None
    try:
        async with aclosing(take_step(turn, state.model, plan)) as events:
            async for event in events:
                if isinstance(event, Taken):
                    taken = event
                else:
                    yield event
    except ModelProblem as failed:
        yield after_failure(state, failed, prompt)
        return
    finally:
        state.note_changes(turn.changes)
    assert taken is not None, "a step ends with what was taken or raises"
    for verdict in after_step(turn, state, taken, tools=tools, max_steps=max_steps):
        yield verdict
    if is_nearly_full(taken.usage, prompt.context_window):
        now = _prompt(turn, state, tools)
        async with aclosing(_compacted(turn, state, now, "after_step", caller)) as made:
            async for change in made:
                yield change


def _prompt(turn: Turn, state: RunState, tools: dict[str, Tool]) -> Prompt:
    return next_prompt(turn, model=state.model, tools=tools, calls=state.calls, shrink=state.shrink)


async def _compacted(
    turn: Turn, state: RunState, prompt: Prompt, why: CompactionTrigger, caller: Caller
) -> AsyncGenerator[Event, None]:
    """Yield the events of a compaction of the run's own; none when nothing can leave."""
    async with aclosing(
        compact(
            turn,
            prompt,
            trigger=why,
            model=state.model,
            caller=caller,
            summarise=state.summarise,
        )
    ) as events:
        async for event in events:
            if isinstance(event, Compacted):
                state.usage = state.usage + event.usage
                state.shrink = state.shrunk = 0  # it is first tried with all that is left
            yield event


def _notices(turn: Turn, prompt: Prompt, told: set[str]) -> list[Notice]:
    """Return what a person should know before the next step; each problem once a run."""
    fresh = [problem for problem in prompt.problems if str(problem) not in told]
    told.update(map(str, fresh))
    return [*(Notice(f"{p}.", "warning", "block") for p in fresh), *turn.take_notices()]


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
