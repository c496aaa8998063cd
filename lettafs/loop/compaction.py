"""Compaction: when the window is full, older messages leave it and a summary takes their place.

Nothing leaves recall. The summary is a message of its own, durable before the window record that
names it; it belongs to the run that made it, so that an undo of the run takes both back.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

import anyio.to_thread

from lettafs.context.compact import (
    Cut,
    SummarySize,
    clip_summary,
    cut_window,
    local_time,
    summary_body,
    summary_message,
    summary_size,
    summary_text,
)
from lettafs.context.request import Prompt, zone
from lettafs.errors import LettafsError
from lettafs.format.recall_line import MessageRecord, RunRecord, WindowRecord
from lettafs.home.home import Home
from lettafs.home.turn import Turn
from lettafs.llm.base import LanguageModel
from lettafs.loop.caller import Caller, hold
from lettafs.loop.plan import next_prompt
from lettafs.loop.summary import Summary, write_summary
from lettafs.tools.builtin import tools_of
from lettafs.values.agent import AgentSettings, CompactionMode
from lettafs.values.event import (
    Checkpoint,
    Compacted,
    CompactionTrigger,
    Event,
    MessageAdded,
    Notice,
    RunFinished,
    RunStarted,
)
from lettafs.values.run import Run, Usage

__all__ = ["Summarise", "compact", "compact_on_request", "is_nearly_full"]

Summarise = Callable[[str], LanguageModel]
"""Loads the model that `[compaction]` names, by its handle; raises as loading a model does."""

_FULL_SHARE = 0.9
"""Of the window, counted by the provider: beyond it the next step may not fit."""
_WORTH_SHARE = 8
"""Of the room for messages, the part that leaving ones must cost for a model to be asked."""


def is_nearly_full(usage: Usage, context_window: int) -> bool:
    """Tell whether a step came so near the limit that the next may not fit."""
    # What was only thought is not sent back.
    said = max(usage.completion_tokens - usage.reasoning_tokens, 0)
    return usage.prompt_tokens + said > _FULL_SHARE * context_window


async def compact(
    turn: Turn,
    prompt: Prompt,
    *,
    trigger: CompactionTrigger,
    model: LanguageModel,
    caller: Caller,
    mode: CompactionMode | None = None,
    summarise: Summarise | None = None,
) -> AsyncGenerator[Event, None]:
    """Yield the events of a compaction; none when nothing can leave the window.

    Args:
        turn: whose run it belongs to.
        prompt: the next request as it would be without.
        trigger: why.
        model: the agent's own, which sums up unless the settings name another.
        caller: clock, ids, patience.
        mode: what leaves; None: as the agent's settings say.
        summarise: loads that other model; None: there is none.

    Raises:
        DiskProblem: the disk refused.
    """
    agent = turn.agent
    plan = _plan(prompt, agent, mode=mode, in_run=trigger != "request")
    if plan is None:
        return
    number = len(plan.cut.leaving)
    what = f"{number} older messages are" if number != 1 else "One older message is"
    yield Notice(f"{what} being summed up.", "info", "compaction")
    writer = model
    if plan.worth_asking and agent.compaction.model is not None and summarise is not None:
        try:
            writer = summarise(agent.compaction.model)
        except LettafsError as error:
            words = f"{error} {model.handle} sums up instead."
            yield Notice(words, "warning", "compaction")
    own = writer is model
    summary = await write_summary(
        plan.cut.leaving,
        previous=summary_body(plan.cut.previous) if plan.cut.previous is not None else "",
        size=plan.size,
        model=writer if plan.worth_asking else None,
        context_window=prompt.context_window if own else writer.context_window,
        agent=agent,
        counter=prompt.counter,
        caller=caller,
        when=lambda created_at: local_time(created_at, zone(agent.timezone)),
    )
    if summary.trouble:
        words = f"The summary was made by rules: {summary.trouble.rstrip('.')}."
        yield Notice(words, "warning", "compaction")
    for event in _write(turn, prompt, plan, summary, trigger=trigger, agent=agent):
        yield event


@dataclass(frozen=True, slots=True)
class _Plan:
    cut: Cut
    size: SummarySize
    worth_asking: bool


def _plan(
    prompt: Prompt, agent: AgentSettings, *, mode: CompactionMode | None, in_run: bool
) -> _Plan | None:
    """Return what leaves and how long its summary may be; None: nothing is to be done."""
    settings, window = agent.compaction, prompt.context_window
    size = summary_size(prompt.room, context_window=window, clip_chars=settings.clip_chars)
    if size is None:
        return None
    left = 1 - settings.sliding_window_percentage
    target = min(int(prompt.room * left), int(window * left) - prompt.fixed_tokens)
    cut = cut_window(
        prompt.window,
        mode=mode or settings.mode,
        share=settings.sliding_window_percentage,
        target_tokens=max(target - size.tokens, 0),
        cost=prompt.counter.message,
        in_run=in_run,
    )
    if cut is None:
        return None
    worth = prompt.counter.messages(cut.leaving) * _WORTH_SHARE >= prompt.room
    return _Plan(cut, size, worth or not in_run)


def _write(
    turn: Turn,
    prompt: Prompt,
    plan: _Plan,
    summary: Summary,
    *,
    trigger: CompactionTrigger,
    agent: AgentSettings,
) -> tuple[Event, ...]:
    """Make the summary and the new window durable; return what to tell."""
    cut, counter = plan.cut, prompt.counter
    earlier = prompt.before + len(cut.leaving)
    where = zone(agent.timezone)
    first = next(turn.home.recall.messages(), cut.leaving[0])
    text = summary_text(
        clip_summary(summary.text, size=plan.size, count=counter.text),
        earlier=earlier,
        since=local_time(first.created_at, where),
        until=local_time(cut.leaving[-1].created_at, where),
    )
    row = summary_message(
        turn.new_id("message"), text, created_at=turn.time(), run_id=turn.run_id or ""
    )
    # Two writes: a record must not reach the disk before what it names.
    turn.append(MessageRecord(0, row))
    turn.append(
        WindowRecord(
            0,
            reason="compaction",
            start=cut.kept[0].id if cut.kept else row.id,
            earlier=earlier - len(cut.dropped),
            drop=cut.dropped,
            summary=row.id,
            views=prompt.views,
        )
    )
    compacted = Compacted(
        trigger=trigger,
        message_id=row.id,
        messages_before=len(prompt.window),
        messages_after=len(cut.kept) + 1,
        tokens_before=prompt.fixed_tokens + counter.messages(prompt.window),
        tokens_after=prompt.fixed_tokens + counter.messages((row, *cut.kept)),
        context_window=prompt.context_window,
        written_by=summary.written_by,
        trouble=summary.trouble,
        usage=summary.usage,
    )
    return (MessageAdded(row), compacted)


async def compact_on_request(
    home: Home,
    *,
    model: LanguageModel,
    caller: Caller,
    mode: CompactionMode | None = None,
    summarise: Summarise | None = None,
) -> AsyncGenerator[Event, None]:
    """Yield the events of a compaction that a person asked for: a turn of its own.

    With nothing to compact there is a notice, and nothing is written.

    Raises:
        Busy: another process held the turn for five seconds.
        NotAnAgent: agent.toml is gone or unreadable.
        DiskProblem: the disk refused.
    """
    turn = await hold(home, caller)
    try:
        turn.run_id = run_id = caller.new_id("run")
        begun_at = turn.time()
        for notice in turn.take_notices():
            yield notice
        done: list[Event] = []
        usage = Usage()
        events = compact(
            turn,
            next_prompt(
                turn, model=model, tools=tools_of(turn.agent, has_files=turn.home.has_files)[0]
            ),
            trigger="request",
            mode=mode,
            model=model,
            caller=caller,
            summarise=summarise,
        )
        async with aclosing(events):
            async for event in events:
                if isinstance(event, Notice):
                    yield event
                    continue
                # From here on all is durable: it is recorded and committed before it is told.
                done.append(event)
                usage = event.usage if isinstance(event, Compacted) else usage
        if not done:
            yield Notice("There is nothing to sum up.", "info", "compaction")
            return
        run = Run(
            run_id, "completed", "end_turn", model.handle, usage, begun_at, completed_at=turn.time()
        )
        turn.append(RunRecord(0, run))
        commit = await anyio.to_thread.run_sync(_commit, turn, run)
        yield RunStarted(run_id, turn.agent.id or "", model.handle)
        for event in done:
            yield event
        yield RunFinished(run_id, run.stop_reason, usage)
        for notice in turn.take_notices():
            yield notice
        yield Checkpoint(commit)
    finally:
        turn.close()


def _commit(turn: Turn, run: Run) -> str | None:
    """Make the checkpoint; one that cannot be made now is made by the next turn."""
    try:
        return turn.commit_own(
            "Sum up older messages", {"Lettafs-Run": run.id, "Lettafs-Model": run.model}
        )
    except LettafsError as error:
        turn.notices.append(Notice(f"The checkpoint is postponed: {error}", "warning", "postponed"))
        return None
