"""The state of an agent's indexes: how much of it they hold."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["IndexState"]


@dataclass(frozen=True, slots=True)
class IndexState:
    """How far the indexes are; what they lack is read from the files by every search."""

    messages: int
    messages_indexed: int
    pieces: int
    """Of passages; a short passage is one piece."""
    pieces_indexed: int
    vectors: int
    """Pieces that have one."""
    embedder: str | None
    """Its handle; None: passages are found by words only."""
    trouble: str | None
    """Why there are no indexes or vectors, as a sentence; None: nothing is wrong."""
