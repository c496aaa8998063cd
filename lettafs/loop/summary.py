"""A summary: written by a model from what leaves the window, and by rules where the model fails.

A turn never fails because of a summary. What is too long to be read at once is read in parts, each
continuing the summary of those before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import anyio
import anyio.to_thread

from lettafs.context.compact import (
    Part,
    SummarySize,
    by_rules,
    clip_summary,
    instructions,
    question,
    split_parts,
)
from lettafs.context.tokens import TokenCounter
from lettafs.errors import ContextOverflow, ModelProblem
from lettafs.llm.base import LanguageModel, ModelReply, ModelRequest
from lettafs.llm.retry import stream_with_retry
from lettafs.llm.transcript import entry_of
from lettafs.loop.caller import Caller
from lettafs.values.agent import AgentSettings
from lettafs.values.message import Message, TextPart
from lettafs.values.run import Usage

__all__ = ["Summary", "write_summary"]

_MOST_PARTS = 6
"""A history that came from elsewhere may be very long: what is more than these, rules sum up."""
_LEAST_PART_TOKENS = 300
_SAFE_SHARE = 0.85
"""Of the summariser's window: counts are estimates."""
_SHORTER = 2
"""How often a request that was too long is made again from shorter parts."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What is left of the messages that leave."""

    text: str
    written_by: str
    """Handle of the model; `rules` when none could."""
    trouble: str
    """Why rules had to write it, or a part of it; empty: they had not."""
    usage: Usage
    """What it cost."""


@dataclass(slots=True)
class _Work:
    """How far the writing has come."""

    body: str
    left: tuple[Message, ...]
    trouble: str = ""
    usage: Usage = field(default_factory=Usage)
    by_model: bool = False

    async def finish_by_rules(self, *, limit_chars: int) -> None:
        self.body = await _by_rules(self.body, self.left, limit_chars)
        self.left = ()


async def _by_rules(body: str, messages: Sequence[Message], limit_chars: int) -> str:
    # Of a large window this takes a second.
    return await anyio.to_thread.run_sync(lambda: by_rules(body, messages, limit_chars=limit_chars))


async def write_summary(
    leaving: Sequence[Message],
    *,
    previous: str,
    size: SummarySize,
    model: LanguageModel | None,
    context_window: int,
    agent: AgentSettings,
    counter: TokenCounter,
    caller: Caller,
    when: Callable[[str], str],
) -> Summary:
    """Return the summary of messages; it always comes, at the latest when patience ends.

    Args:
        leaving: what is summed up, oldest first.
        previous: the summary until now, to be continued; may be empty.
        size: how long it may be.
        model: who writes it; None: rules.
        context_window: tokens of that model.
        agent: its own prompt, and how models are asked.
        counter: counts tokens.
        caller: clock, ids, patience.
        when: how a message's time is written.
    """
    # It may be from a time with a larger window.
    work = _Work(clip_summary(previous, size=size, count=counter.text), tuple(leaving))
    if model is None:
        await work.finish_by_rules(limit_chars=size.chars)
        return Summary(work.body, "rules", "", work.usage)
    desk = _Desk(model, context_window, size, agent, counter, caller, when)
    with anyio.move_on_after(caller.summary_patience_s):
        await desk.write(work)
    if work.left and not work.trouble:
        work.trouble = f"{model.handle} took longer than {caller.summary_patience_s:.0f} s"
    if work.left or not work.body:
        await work.finish_by_rules(limit_chars=size.chars)
    written_by = model.handle if work.by_model else "rules"
    return Summary(work.body, written_by, work.trouble, work.usage)


@dataclass(frozen=True, slots=True)
class _Desk:
    """What the writing needs."""

    model: LanguageModel
    context_window: int
    size: SummarySize
    agent: AgentSettings
    counter: TokenCounter
    caller: Caller
    when: Callable[[str], str]

    async def write(self, work: _Work) -> None:
        """Sum up part after part; stop where the model fails."""
        told = instructions(self.agent.compaction.prompt)
        asked = question("", limit_chars=self.size.chars)
        fixed = self.counter.text(told) + self.counter.text(asked)
        budget = int(self.context_window * _SAFE_SHARE) - self._reply_tokens() - fixed
        for _ in range(_SHORTER + 1):
            if budget - self.size.tokens < _LEAST_PART_TOKENS:
                small = f"the window of {self.model.handle} is too small for it"
                work.trouble = work.trouble or small
                return
            try:
                await self._write_parts(work, budget)
                return
            except ContextOverflow as problem:
                work.trouble = str(problem)
                budget //= 2
            except ModelProblem as problem:
                work.trouble = str(problem)
                return

    async def _write_parts(self, work: _Work, budget: int) -> None:
        # The summary until now goes with every part; the first may be shorter than it can become.
        parts = self._split(work.left, budget - self.counter.text(work.body))
        if len(parts) > 1:
            parts = self._split(work.left, budget - self.size.tokens)
        if len(parts) > _MOST_PARTS:
            many = tuple(row for part in parts[:-_MOST_PARTS] for row in part.messages)
            work.body = await _by_rules(work.body, many, self.size.chars)
            parts = parts[-_MOST_PARTS:]
        for number, part in enumerate(parts):
            work.left = tuple(row for later in parts[number:] for row in later.messages)
            if part.text:
                written = await self._ask(work, part)
                work.body = clip_summary(written, size=self.size, count=self.counter.text)
                work.by_model = True
        work.left, work.trouble = (), ""

    def _split(self, messages: Sequence[Message], budget: int) -> list[Part]:
        return split_parts(messages, budget_tokens=budget, count=self.counter.text, when=self.when)

    async def _ask(self, work: _Work, part: Part) -> str:
        """Return what the model makes of the summary so far and one more part.

        Raises:
            ModelProblem: it did not answer, or with nothing.
        """
        earlier = Message("earlier", "user", (TextPart(work.body),), "", kind="summary")
        before = entry_of(earlier, when=lambda _: "earlier") if work.body else ""
        text = "\n".join(filter(None, (before, part.text)))
        settings = self.agent.model_settings
        message_id = self.caller.new_id("message")
        asked = TextPart(question(text, limit_chars=self.size.chars))
        request = ModelRequest(
            message_id=message_id,
            system=instructions(self.agent.compaction.prompt),
            messages=(Message(message_id, "user", (asked,), ""),),
            temperature=settings.temperature,
            max_output_tokens=self._reply_tokens(),
            reasoning_effort=settings.reasoning_effort,
            think=settings.think,
            context_window=self.context_window,
            timeout_s=settings.timeout_s,
            purpose="summary",
        )
        reply = await self._reply(request)
        work.usage += replace(reply.usage, step_count=0)
        written = "".join(p.text for p in reply.parts if isinstance(p, TextPart)).strip()
        if not written:
            raise ModelProblem(f"{self.model.handle} wrote nothing")
        return written

    async def _reply(self, request: ModelRequest) -> ModelReply:
        stream = stream_with_retry(
            self.model, request, sleep=self.caller.sleep, jitter=self.caller.jitter
        )
        async with aclosing(stream) as events:
            async for event in events:
                if isinstance(event, ModelReply):
                    return event
        raise ModelProblem(f"{self.model.handle} gave no reply")

    def _reply_tokens(self) -> int:
        """Return what the reply may cost: twice the summary, for a model that thinks first."""
        return min(max(2 * self.size.tokens, 1024), self.context_window // 4)
