"""A hit: one thing a search found, with its place and why it ranks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Hit"]


@dataclass(frozen=True, slots=True)
class Hit:
    """One message or passage found."""

    source: Literal["recall", "archival"]
    id: str
    created_at: str
    text: str
    score: float
    role: str | None = None
    """Of a message; None for a passage."""
    tags: tuple[str, ...] = ()
