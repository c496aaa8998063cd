"""The sections of the system text that show the agent its memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lettafs.values.block import Block

__all__ = ["Counts", "blocks_section", "metadata_section"]

_XML_NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_MAX_TAGS = 40
"""More tags than this are not listed: the section must stay small."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What lies outside the request and can be searched."""

    earlier_messages: int
    passages: int
    tags: tuple[str, ...]


def blocks_section(blocks: Sequence[Block]) -> str:
    """Return the `<memory_blocks>` section; the same blocks give the same text."""
    shown = [_block(block) for block in blocks]
    intro = "Your core memory. You change it with your memory tools; sizes are in characters."
    return "\n\n".join(["<memory_blocks>\n" + intro, *shown, "</memory_blocks>"])


def _block(block: Block) -> str:
    name = block.label if _XML_NAME.fullmatch(block.label) else "block"
    opening = name if name == block.label else f'block label="{_escaped(block.label)}"'
    facts = ["- read_only=true"] if block.read_only else []
    facts += [f"- chars_current={len(block.value)}", f"- chars_limit={block.limit_chars}"]
    lines = [f"<{opening}>"]
    if block.description:
        lines += ["<description>", block.description, "</description>"]
    lines += ["<metadata>", *facts, "</metadata>", "<value>", block.value, "</value>", f"</{name}>"]
    return "\n".join(lines)


def _escaped(label: str) -> str:
    from html import escape  # late: it loads a table of two thousand names, and labels are plain

    return escape(label, quote=True)


def metadata_section(agent_id: str | None, *, date: str, timezone: str, counts: Counts) -> str:
    """Return the `<memory_metadata>` section, which holds all that changes by itself.

    It comes last in the system text, and names the day but no clock time, so that what a provider
    has cached of the text before it stays valid.
    """
    lines = ["<memory_metadata>"]
    if agent_id:
        lines.append(f"- your id: {agent_id}")
    lines.append(f"- today: {date} ({timezone})")
    lines.append(f"- earlier messages, found by conversation_search: {counts.earlier_messages}")
    if counts.passages:
        lines.append(f"- notes in archival memory: {counts.passages}")
    if counts.tags:
        more = "" if len(counts.tags) <= _MAX_TAGS else ", ..."
        lines.append(f"- tags of these notes: {', '.join(counts.tags[:_MAX_TAGS])}{more}")
    lines.append("</memory_metadata>")
    return "\n".join(lines)
