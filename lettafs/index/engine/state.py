"""What an index says of itself: its segments, and how much of each text segment they hold.

It is kept in the seal, so that it is as authentic as the files, and is replaced in one step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lettafs.disk.fingerprint import Stamp
from lettafs.index.corpus import Marked, Place
from lettafs.index.engine.stored import Column, Entry

__all__ = ["FORM", "State", "Watermark", "digest"]

FORM = "1"
"""Of the files: part of the version, so that an index of another form is made anew."""


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far a text segment is indexed, and what exactly was."""

    lines: int
    size: int
    """Bytes of these lines."""
    sha256: str
    """Hex digest of these bytes."""
    stamp: Stamp | None
    """The whole file's, when it can be trusted to change with the file."""
    marks: tuple[Marked, ...] = ()
    """What these lines say of earlier documents."""


@dataclass(frozen=True, slots=True)
class State:
    """One generation of an index."""

    version: str
    entries: tuple[Entry, ...] = ()
    """In the order they were written."""
    texts: Mapping[int, Watermark] = field(default_factory=dict)
    """By number of the text segment."""

    @property
    def files(self) -> list[str]:
        """Names of the files it consists of."""
        return [name for entry in self.entries for name in entry.files]

    def to_json(self) -> dict[str, Any]:
        """Return it in the form that is sealed."""
        return {
            "version": self.version,
            "entries": [
                [
                    entry.name,
                    entry.size,
                    [[column.code, column.default, column.rows] for column in entry.columns],
                    sorted(entry.without),
                ]
                for entry in self.entries
            ],
            "texts": {
                str(number): [
                    mark.lines,
                    mark.size,
                    mark.sha256,
                    mark.stamp,
                    [[found.kind, found.key, *found.place] for found in mark.marks],
                ]
                for number, mark in self.texts.items()
            },
        }

    @staticmethod
    def from_json(said: Mapping[str, Any]) -> State:
        """Return what was sealed.

        Raises:
            ValueError, TypeError, LookupError: another version wrote it.
        """
        entries = [
            Entry(name, size, tuple(Column(*column) for column in columns), frozenset(without))
            for name, size, columns, without in said["entries"]
        ]
        texts = {}
        for number, (lines, size, sha256, stamp, marks) in said["texts"].items():
            found = tuple(Marked(kind, key, Place(*place)) for kind, key, *place in marks)
            seen = None if stamp is None else Stamp(*stamp)
            texts[int(number)] = Watermark(lines, size, sha256, seen, found)
        return State(said["version"], tuple(entries), texts)


def digest(data: bytes) -> str:
    """Return what tells some bytes from any others."""
    return hashlib.sha256(data).hexdigest()
