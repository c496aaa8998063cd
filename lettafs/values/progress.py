"""Progress: how far long work has come."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Progress"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of something is done."""

    what: str
    """In the plural: `messages`, `passages`, `vectors`."""
    done: int
    total: int
