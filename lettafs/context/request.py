"""From files to request: what a model is sent next.

Compiling is a pure function of the home's files, the tools and the clock passed in. Stable things
come first and volatile ones last, so that unchanged files give a byte-identical prefix.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lettafs.context.memory import Counts, blocks_section, metadata_section
from lettafs.context.prompts import base_instructions
from lettafs.context.rules_text import rules_section
from lettafs.context.tokens import estimate, estimate_messages, estimate_tools
from lettafs.context.window import clip_returns, fit
from lettafs.home.home import Home
from lettafs.values.agent import AgentSettings
from lettafs.values.block import Block
from lettafs.values.message import Message
from lettafs.values.problem import Problem
from lettafs.values.tool import ToolSpec

__all__ = ["Prompt", "Section", "compile_prompt", "zone"]

CORE_MEMORY_PLACE = "{CORE_MEMORY}"
"""Where a system.md wants its memory sections; without it they follow it."""
_RESERVE_SHARE = 0.15
"""Of the window, kept free for the reply and for what the token estimate gets wrong."""

_READ_CHARS_PER_TOKEN = 12
"""Of the window: how far recall is read back at most. Four times what fits by the estimate."""


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the request with its cost."""

    name: str
    tokens: int
    text: str


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

    @property
    def total_tokens(self) -> int:
        """The whole request, estimated."""
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
    shrink: bool = False,
) -> Prompt:
    """Return what the model is sent next.

    Args:
        home: whose files are read.
        agent: its settings.
        tools: what the model may call.
        now: decides the date the agent is told.
        context_window: tokens the model is served with.
        shrink: True leaves out half of what would fit, after a model said "too long".
    """
    loaded = home.blocks()
    window = home.recall.window(enough_chars=context_window * _READ_CHARS_PER_TOKEN)
    passages = home.archival.passages()
    base = home.system_text()
    if base is None:
        base = base_instructions(agent.type)
    memory = blocks_section(loaded.blocks)
    rules = rules_section(agent.tool_rules)
    clipped = clip_returns(window.messages, context_window=context_window)
    tags = tuple(sorted({tag for passage in passages.values() for tag in passage.tags}))

    def metadata_of(earlier: int) -> str:
        return metadata_section(
            agent.id,
            date=now.astimezone(zone(agent.timezone)).strftime("%A, %Y-%m-%d"),
            timezone=agent.timezone,
            counts=Counts(earlier, len(passages), tags),
        )

    fixed = sum(map(estimate, (base, memory, rules, metadata_of(window.earlier))))
    reserve = min(agent.model_settings.max_output_tokens or 4096, context_window // 4)
    free = int(context_window * (1 - _RESERVE_SHARE)) - reserve
    tool_tokens = estimate_tools(tools)
    budget = max(free - fixed - tool_tokens, 0)
    if shrink:
        budget = min(budget, estimate_messages(clipped)) // 2
    fitted = fit(clipped, budget_tokens=budget)
    earlier = window.earlier + fitted.left_out - len(fitted.dropped)
    metadata = metadata_of(earlier)
    system = _place(base, "\n\n".join(part for part in (memory, rules, metadata) if part))
    return Prompt(
        system=system,
        messages=fitted.messages,
        tools=tuple(tools),
        sections=(
            Section("instructions", estimate(base), base),
            Section("core memory", estimate(memory), memory),
            *([Section("tool rules", estimate(rules), rules)] if rules else []),
            Section("metadata", estimate(metadata), metadata),
            Section("tools", tool_tokens, _schemas(tools)),
            Section("messages", fitted.tokens, ""),
        ),
        context_window=context_window,
        seen={block.label: block for block in loaded.blocks},
        problems=loaded.problems,
        left_out=fitted.left_out,
        dropped=fitted.dropped,
        earlier=earlier,
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
