"""A passage: one piece of archival memory."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Passage"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A text the agent put away for later, with tags."""

    id: str
    text: str
    created_at: str
    """ISO 8601 with offset; opaque when read."""
    tags: tuple[str, ...] = ()
    run_id: str | None = None
    """The run that stored it; None when a person did."""
