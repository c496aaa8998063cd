"""A failure: why a file has no text, as a code for programs and a clause for people."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

__all__ = [
    "BROKEN",
    "CONVERTER",
    "DAMAGED",
    "MEMORY",
    "NO_TEXT",
    "PASSWORD",
    "Failure",
    "damaged",
    "in_one_line",
]

_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Failure:
    """What stood in the way of a text."""

    code: str
    """`too-large`, `bomb`, `password`, `damaged`, `nested`, `unsafe`, `timeout`, `memory`,
    `unsupported`, `encoding`, `archive`, `no-text`; `converter` when it is not the document's
    fault, and another try may well succeed."""
    reason: str
    """A clause, in one line: "it is protected by a password"."""

    @property
    def is_empty(self) -> bool:
        """Whether the file is fine and there is just nothing to read in it."""
        return self.code in ("no-text", "archive")


PASSWORD = Failure("password", "it is protected by a password")
MEMORY = Failure("memory", "reading it takes more memory than is allowed")
DAMAGED = Failure("damaged", "it is damaged, or not what its contents claim to be")
BROKEN = Failure("damaged", "it made the converter break off")
NO_TEXT = Failure("no-text", "it holds no text")
CONVERTER = Failure("converter", "the converter of documents could not be started")


def damaged(what: str) -> Failure:
    """Return a failure for a file of a known sort that cannot be read as one."""
    return Failure("damaged", f"it is damaged, or not {what} after all")


def in_one_line(reason: str) -> str:
    """Return a reason without control characters and without end, whoever wrote it."""
    shown = "".join(" " if unicodedata.category(c).startswith(("C", "Z")) else c for c in reason)
    return " ".join(shown.split())[:_LONGEST_REASON]
