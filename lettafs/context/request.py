"""From files to request: what a model is sent next.

Compiling is a pure function of the home's files, the tools and the clock passed in. Stable things
come first and volatile ones last, so that unchanged files give a byte-identical prefix.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from functools import cache, partial
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lettafs.context.calibration import usage_factor
from lettafs.context.directories import (
    OUTLINE_VERSION,
    closed_outlines,
    directories_section,
    limits_for,
    names_chars_for,
)
from lettafs.context.encodings.by_model import encoding_name
from lettafs.context.memory import Counts, blocks_section, metadata_section
from lettafs.context.prompts import base_instructions
from lettafs.context.rules_text import rules_section
from lettafs.context.tokens import ESTIMATED, TokenCounter, estimated_for, exact_for
from lettafs.context.window import Fitted, as_sent, fit
from lettafs.home.home import Home
from lettafs.values.agent import AgentSettings
from lettafs.values.block import Block
from lettafs.values.message import Message
from lettafs.values.problem import Problem
from lettafs.values.tool import ToolSpec
from lettafs.values.view import View

__all__ = ["Prompt", "Section", "compile_prompt", "counted_exactly", "zone"]

CORE_MEMORY_PLACE = "{CORE_MEMORY}"
"""Where a system.md wants its memory sections; without it they follow it."""
_RESERVE_SHARE = 0.15
"""Of the window, kept free for the reply and for what the token estimate gets wrong."""

_LONGEST_SHARE = 0.4
"""Of the window, what one text may take of it."""
_VIEWS_SHARE = 0.35
"""Of the window, what open files may take together."""
_FILES_SHARE = 0.5
"""Of the room that files and messages have together, what files may take: however long those are
that are open, the conversation goes on."""
_ROOM_STEP_CHARS = 250
"""Open files are given room in such steps, so that a little more memory does not move every line.
"""
_CHARS_PER_TOKEN = 3
"""As the estimate counts."""
_LEAST_TOKENS = 64
"""To fewer no text is cut."""

_READ_CHARS_PER_TOKEN = 12
"""Of the window: how far recall is read back at most. No usual text has so many to a token."""
_READ_CHARS = 200_000
"""So far at least: one step with many long returns must not hide the summary behind it."""


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the request with its cost."""

    name: str
    tokens: int
    text: str
    counted: str = "estimated"
    """How the figure came about: `exact (o200k_base)`, `calibrated (x 1.12 from usage)` or
    `estimated`."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is sent next, and where its tokens go."""

    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]
    sections: tuple[Section, ...]
    context_window: int
    seen: Mapping[str, Block]
    """The blocks as the model sees them, by label."""
    problems: tuple[Problem, ...]
    left_out: int
    """How many messages of the window no longer fit and leave it."""
    dropped: tuple[str, ...]
    """Ids of those that stood behind the first message that is kept."""
    earlier: int
    """Messages before the window, those left out now included."""
    model: str
    """Handle of the model it is counted for; empty: nobody has named one."""
    counted: str
    """How the figures came about, as in a section. What an exact count cannot know, how the tools
    are shown to the model, is estimated in it all the same."""
    estimate: int
    """The whole request by the estimate alone, uncalibrated: what usage is compared with."""
    window: tuple[Message, ...]
    """All messages of the window, also those left out; a summary, if any, first."""
    before: int
    """Messages before the window, without those left out now."""
    room: int
    """Tokens that messages may cost together."""
    counter: TokenCounter
    """What the figures were counted with."""
    views: tuple[View, ...]
    """The files that are open, least recently used first."""

    @property
    def summary_id(self) -> str | None:
        """Id of the summary at the front; None: there is none."""
        first = self.messages[0] if self.messages else None
        return first.id if first is not None and first.kind == "summary" else None

    @property
    def start_id(self) -> str | None:
        """Id of the first message after the summary; None: there is none."""
        return next((row.id for row in self.messages if row.kind != "summary"), None)

    @property
    def fixed_tokens(self) -> int:
        """What is sent beside messages: the system text and the tools."""
        return sum(section.tokens for section in self.sections if section.name != "messages")

    @property
    def total_tokens(self) -> int:
        """The whole request, counted as `counted` says."""
        return sum(section.tokens for section in self.sections)


def zone(name: str) -> tzinfo:
    """Return a time zone by its IANA name; UTC for one this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def compile_prompt(
    home: Home,
    agent: AgentSettings,
    *,
    tools: Sequence[ToolSpec],
    now: datetime,
    context_window: int,
    model: str | None = None,
    shrink: int = 0,
) -> Prompt:
    """Return what the model is sent next.

    Args:
        home: whose files are read.
        agent: its settings.
        tools: what the model may call.
        now: decides the date the agent is told.
        context_window: tokens the model is served with.
        model: handle of the model that is asked; None: the one agent.toml names.
        shrink: how often what would fit is halved, after a model said "too long".
    """
    handle = model or agent.model or ""
    loaded = home.blocks()
    enough = max(context_window * _READ_CHARS_PER_TOKEN, _READ_CHARS)
    window = home.recall.window(enough_chars=enough)
    shelf = home.shelf.count()
    base = home.system_text()
    if base is None:
        base = base_instructions(agent.type)
    memory = blocks_section(loaded.blocks)
    rules = rules_section(agent.tool_rules)
    reserve = min(agent.model_settings.max_output_tokens or 4096, context_window // 4)
    usable = int(context_window * (1 - _RESERVE_SHARE)) - reserve
    longest = int(context_window * _LONGEST_SHARE)
    clipped = as_sent(window.messages, context_window=context_window, limit_tokens=longest)

    def metadata_of(earlier: int) -> str:
        return metadata_section(
            agent.id,
            date=now.astimezone(zone(agent.timezone)).strftime("%A, %Y-%m-%d"),
            timezone=agent.timezone,
            counts=Counts(earlier, shelf.passages, shelf.tags),
        )

    files = ""

    def system_of(metadata: str) -> str:
        return _place(base, "\n\n".join(part for part in (memory, rules, files, metadata) if part))

    if home.has_files:
        # By the plain estimate: what is shown of a file must not move with every answer's usage.
        fixed = ESTIMATED.system(system_of(metadata_of(window.earlier))) + ESTIMATED.tools(tools)
        most = int((usable - fixed) * _FILES_SHARE)
        files = _files_section(home, agent, window.views, context_window, tools, most_tokens=most)

    def fitted_by(counter: TokenCounter) -> _Fit:
        tools_tokens = counter.tools(tools)
        fixed = counter.system(system_of(metadata_of(window.earlier))) + tools_tokens
        room = max(usable - fixed, 0)
        messages = clipped
        if shrink:
            room = min(room, counter.messages(clipped)) >> shrink
            messages = _shorter(clipped, context_window, room)
        fitted = fit(messages, budget_tokens=room, counter=counter)
        return _Fit(counter, room, context_window - fixed, tools_tokens, fitted)

    # A model whose encoding is known is never calibrated: the exact count is at hand where it
    # matters, and what the provider adds of its own would make it drift.
    factor = usage_factor(home.recall, handle) if encoding_name(handle) is None else None
    fit_ = fitted_by(estimated_for(handle, factor=factor))
    if not fit_.is_easy and (exact := exact_for(handle)) is not None:
        fit_ = fitted_by(exact)
    counter, fitted = fit_.counter, _squeezed(fit_, context_window)
    earlier = window.earlier + fitted.left_out - len(fitted.dropped)
    metadata = metadata_of(earlier)
    prompt = Prompt(
        system=system_of(metadata),
        messages=fitted.messages,
        tools=tuple(tools),
        sections=(
            Section("instructions", 0, base),
            Section("core memory", 0, memory),
            *([Section("tool rules", 0, rules)] if rules else []),
            *([Section("files", 0, files)] if files else []),
            Section("metadata", 0, metadata),
            Section("tools", 0, _schemas(tools)),
            Section("messages", 0, ""),
        ),
        context_window=context_window,
        seen={block.label: block for block in loaded.blocks},
        problems=loaded.problems,
        left_out=fitted.left_out,
        dropped=fitted.dropped,
        earlier=earlier,
        model=handle,
        counted="",
        estimate=0,
        window=clipped,
        before=window.earlier,
        room=fit_.room,
        counter=counter,
        views=window.views,
    )
    known = {"tools": fit_.tools_tokens, "messages": fitted.tokens}
    if counter == ESTIMATED:
        estimate = counter.system(prompt.system) + sum(known.values())
    else:
        estimate = _total(prompt, ESTIMATED)
    return replace(_counted(prompt, counter, known), estimate=estimate)


def _files_section(
    home: Home,
    agent: AgentSettings,
    views: Sequence[View],
    context_window: int,
    tools: Sequence[ToolSpec],
    *,
    most_tokens: int,
) -> str:
    """Return the section that shows attached files; empty where no folder can be attached.

    Args:
        home: whose files.
        agent: its settings.
        views: the open files.
        context_window: in tokens.
        tools: what the model may call.
        most_tokens: what the section may take; open files are cut until it does not take more.
    """
    usual = limits_for(context_window)
    names_chars = names_chars_for(context_window)
    outlined = partial(closed_outlines, budget_chars=names_chars)
    files = home.files
    if views:
        folders, listing, outlines = files.folders(), files.listing(), None
    else:
        version = f"{OUTLINE_VERSION}/{names_chars}"
        folders, outlines = files.shown(outlined, version=version)
        listing = []
    text_of = cache(files.text)  # so that all attempts show the same

    def section(room_chars: int) -> str:
        return directories_section(
            folders,
            listing,
            views,
            text_of,
            max_files_open=agent.max_files_open or usual.max_files_open,
            file_chars=agent.per_file_view_window_char_limit or usual.file_chars,
            room_chars=room_chars,
            names_chars=names_chars,
            tools=[tool.name for tool in tools],
            outlines=outlines,
        )

    room_chars = int(context_window * _VIEWS_SHARE * _CHARS_PER_TOKEN)
    said = section(room_chars)
    while views and room_chars and (tokens := ESTIMATED.text(said)) > most_tokens:
        # Letters differ in what they cost: the share that is too much tells about how far to go.
        share = min(max(most_tokens, 0) / tokens, 0.9)
        room_chars = int(room_chars * share) // _ROOM_STEP_CHARS * _ROOM_STEP_CHARS
        said = section(room_chars)
    return said


@dataclass(frozen=True, slots=True)
class _Fit:
    """How the messages fit, by one way of counting."""

    counter: TokenCounter
    room: int
    left: int
    """Of the window, beside the system text and the tools; below 0: not even these fit."""
    tools_tokens: int
    fitted: Fitted

    @property
    def is_easy(self) -> bool:
        """Whether all fits."""
        return not self.fitted.left_out and self.fitted.tokens <= self.room


def _squeezed(fit_: _Fit, context_window: int) -> Fitted:
    """Return what fits with its texts cut until it does.

    That is needed where what always stays, the question and the last step, is too long by itself:
    some servers refuse what is too long, and some cut it silently where it begins.
    """
    fitted = fit_.fitted
    # With little room it is better to use what is kept free than to cut what was just said.
    limit = max(fit_.room, fit_.left // 2)
    if fitted.tokens <= limit or limit < _LEAST_TOKENS:
        return fitted
    room, short = limit, fitted.messages
    while room >= _LEAST_TOKENS:
        short = _shorter(fitted.messages, context_window, room)
        if fit_.counter.messages(short) <= limit:
            break
        room //= 2
    return replace(fitted, messages=short, tokens=fit_.counter.messages(short))


def _shorter(messages: Sequence[Message], context_window: int, room: int) -> tuple[Message, ...]:
    """Return the messages with texts and returns cut so that the last of them fit the room."""
    longest = max(room * 3 // 4, _LEAST_TOKENS)
    return as_sent(
        messages, context_window=context_window, limit_tokens=longest, return_chars=longest * 3
    )


def counted_exactly(prompt: Prompt) -> Prompt:
    """Return the prompt with exact figures, where its model's encoding is known; else as it is.

    The messages stay those that were chosen by the estimate.
    """
    exact = exact_for(prompt.model)
    if exact is None or exact == prompt.counter:
        return prompt
    counted = _counted(prompt, exact)
    room = max(prompt.room + prompt.fixed_tokens - counted.fixed_tokens, 0)
    return replace(counted, counter=exact, room=room)


def _counted(
    prompt: Prompt, counter: TokenCounter, counts: Mapping[str, int] | None = None
) -> Prompt:
    """Return the prompt with the figures of this counter; `counts`: those known already.

    What joins the sections of the system text, and what stands around it in the request, is put
    down to the instructions, so that the sum is the whole.
    """
    known = dict(counts or {})
    if counts is None:
        known["tools"] = counter.tools(prompt.tools)
        known["messages"] = counter.messages(prompt.messages)
    texts = [s for s in prompt.sections if s.name not in known and s.name != "instructions"]
    known |= {section.name: counter.text(section.text) for section in texts}
    rest = counter.system(prompt.system) - sum(known[section.name] for section in texts)
    known["instructions"] = max(rest, 0)
    # How a provider shows the tools to its model is not published.
    how = {"tools": "estimated" if counter.encoding else counter.origin}
    sections = tuple(
        replace(s, tokens=known[s.name], counted=how.get(s.name, counter.origin))
        for s in prompt.sections
    )
    return replace(prompt, sections=sections, counted=counter.origin)


def _total(prompt: Prompt, counter: TokenCounter) -> int:
    return (
        counter.system(prompt.system)
        + counter.tools(prompt.tools)
        + counter.messages(prompt.messages)
    )


def _place(base: str, sections: str) -> str:
    if CORE_MEMORY_PLACE in base:
        return base.replace(CORE_MEMORY_PLACE, sections, 1)
    return f"{base.rstrip()}\n\n{sections}" if base.strip() else sections


def _schemas(tools: Sequence[ToolSpec]) -> str:
    return "\n".join(
        json.dumps(
            {"name": t.name, "description": t.description, "parameters": dict(t.parameters)},
            ensure_ascii=False,
        )
        for t in tools
    )
