"""What a home's history says, in words about memory rather than about git."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["BlameLine", "BlockChange", "LogEntry", "LogKind", "Undone"]

LogKind = Literal["created", "turn", "edit", "undo", "recovered", "other"]


@dataclass(frozen=True, slots=True)
class BlockChange:
    """How one block differs between two checkpoints."""

    label: str
    before: str | None
    """The value; None: the block was not there."""
    after: str | None

    @property
    def counts(self) -> tuple[int, int]:
        """Lines added and removed, counted as a line diff counts them."""
        from difflib import SequenceMatcher  # late: only listings need it

        old, new = (self.before or "").splitlines(), (self.after or "").splitlines()
        added = removed = 0
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if tag != "equal":
                removed += i2 - i1
                added += j2 - j1
        return added, removed


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One checkpoint."""

    commit: str
    time: str
    """ISO 8601 with the author's offset."""
    by: Literal["agent", "person"]
    author: str
    subject: str
    kind: LogKind
    changes: tuple[BlockChange, ...] = ()
    """Blocks only; the conversation changes with every turn."""
    run_id: str | None = None
    message_id: str | None = None
    """The user's message that caused it."""
    model: str | None = None
    undoes: str | None = None
    """The commit this one took back."""
    undone: bool = False
    """True: a later checkpoint took this turn back."""


@dataclass(frozen=True, slots=True)
class BlameLine:
    """Where one line of a block comes from."""

    line: str
    commit: str | None
    """None: not in any checkpoint yet."""
    time: str | None
    by: Literal["agent", "person"] | None
    author: str | None
    subject: str | None
    run_id: str | None = None
    cause: str | None = None
    """The text of the user's message that caused the turn, as far as recall has it."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo took back."""

    commit: str
    """The undo's own checkpoint."""
    undid: str
    """The turn's checkpoint."""
    subject: str
    changes: tuple[BlockChange, ...]
    messages: int
    """How many messages left the window."""
    summaries: int
    """How many summaries left it; what they stood for is back."""
    passages: int
    """How many passages were put back or taken away."""
