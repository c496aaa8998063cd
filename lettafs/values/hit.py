"""A hit: one thing a search found, with its place and why it ranks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Hit"]


@dataclass(frozen=True, slots=True)
class Hit:
    """One message found, or a passage or a file, or the piece of one that fits."""

    source: Literal["recall", "archival", "files"]
    id: str
    """Of a message or passage; the name of a file."""
    created_at: str
    """Of a file: when it was last changed."""
    text: str
    """Of a message all; of a long passage the piece that fits."""
    score: float
    """Comparable within one search of one source. 0 where nothing was ranked."""
    role: str | None = None
    """Of a message; None for a passage."""
    tags: tuple[str, ...] = ()
    name: str | None = None
    """Who said it, where the message says so."""
    conversation_id: str | None = None
    """Of a message."""
    snippet: str = ""
    """The part of the text that answers; all of it where it is short."""
    piece: str = ""
    """Which piece of a long passage it is, `3 of 12`; empty for a whole one."""
    heading: str = ""
    """Under which headings the piece stands: `Soups > Winter`."""
    lines: tuple[int, int] | None = None
    """Of a piece of a file: its first and last line; 1 is the file's first."""
    page: str = ""
    """Of a piece of a file: the page it begins on, `page 3`; empty where there are none."""
    also: tuple[str, ...] = ()
    """Other names of a file with the same bytes."""
