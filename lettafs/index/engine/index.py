"""The word index of one kind of record: what is sealed, and what the text holds beyond it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from lettafs.disk.fingerprint import Stamp
from lettafs.disk.seal import SealBroken
from lettafs.errors import DiskProblem
from lettafs.index.corpus import Corpus, Extract, Marked
from lettafs.index.engine.columns import Columns
from lettafs.index.engine.joined import Joined, Part
from lettafs.index.engine.keeping import Keeping
from lettafs.index.engine.opened import Opened, open_sealed_index, seal_stamp
from lettafs.index.engine.state import FORM, Watermark
from lettafs.index.engine.stored import Cache
from lettafs.index.engine.text import Lines, Piece, Text, TextFile

__all__ = ["WordIndex"]

R = TypeVar("R")

_CACHE_BYTES = 24 * 2**20
_TRIES = 3
"""How often a generation is looked for that is being replaced at this moment."""


@dataclass(frozen=True, slots=True)
class _View:
    """What a snapshot is of: two of the same view are the same."""

    opened: Opened | None
    stale: frozenset[int]
    """Text segments of which the index holds something else than their files."""
    pieces: tuple[Piece, ...]


class WordIndex(Generic[R]):
    """Words of a growing text, answered from an index as far as it goes and from the text beyond.

    Several threads may take snapshots while another catches up, and several processes may do both.
    """

    def __init__(
        self,
        segments: Lines[R],
        *,
        extract: Extract[R],
        fields: int,
        directory: Path | None,
        key: bytes | None,
        version: str,
    ) -> None:
        """Make an index of segments; nothing is read or written yet.

        Args:
            segments: the text.
            extract: what search knows of a record.
            fields: how many numbers each document has.
            directory: where the index is kept, for it alone; None: nowhere.
            key: the user's key for seals; None: no index is kept.
            version: changes with what `extract` gives; an index of another one is made anew.
        """
        self._segments = segments
        self._extract = extract
        self._fields = fields
        self._directory = directory if key is not None else None
        self._key = key
        self._version = f"{FORM}/{fields}/{version}"
        self._text = Text(segments, extract=extract, fields=fields)
        self._cache = Cache(_CACHE_BYTES)
        self._lock = threading.RLock()
        self._opened: Opened | None = None
        self._looked: Stamp | None = None
        """The seal that was last looked at, whether it held or not."""
        self._damaged: Stamp | None = None
        """A seal under which something could not be read: the next `catch_up` begins anew."""
        self._latest: tuple[_View, Joined] | None = None

    def snapshot(self, *, stop: Callable[[], bool] | None = None) -> Corpus:
        """Return all documents there are now; the same object while nothing changes.

        Never writes, and never fails for what an index holds: the text then answers alone. A folder
        that cannot be listed holds nothing.

        Args:
            stop: asked while text is read; once true, the rest of it is left out.
        """
        with self._lock:
            files = self._files()
            for _ in range(_TRIES):
                opened = self._open()
                try:
                    return self._joined(files, opened, stop=stop)
                except Exception:
                    if opened is None:
                        raise
                    self._set_aside(opened)
            return self._joined(files, None, stop=stop)

    def pending(self) -> int:
        """Return how many lines no index holds yet; reads what is new, not what it says."""
        with self._lock:
            opened = self._open()
            marks = {} if opened is None else opened.state.texts
            total = 0
            for file in self._files():
                mark = marks.get(file.number)
                if mark is not None and not self._text.holds(file, mark):
                    mark = None
                total += self._text.lines_after(file, mark)
            return total

    def held(self) -> int:
        """Return how many documents come from the index, and not from the text beyond it."""
        with self._lock:
            size = self.snapshot().size
            beyond = () if self._latest is None else self._latest[0].pieces
            return size - sum(len(piece.batch.columns.lengths) for piece in beyond)

    def catch_up(
        self,
        *,
        stop: Callable[[], bool] | None = None,
        progress: Callable[[int, int], None] | None = None,
        at_least: int = 1,
    ) -> int:
        """Index what is pending; return how many lines were.

        Works in batches, each sealed when it is complete: what was interrupted goes on from the
        last one. Returns 0 at once while another thread or process is at it.

        Args:
            stop: asked between small pieces of work; once true, what is at hand is written
                where it is much, and dropped where it is little.
            progress: told how many lines are done, and of how many.
            at_least: with fewer lines pending nothing is done.

        Raises:
            DiskProblem: the disk refused; everything is found as before, only slower.
        """
        if self._directory is None or self._key is None:
            return 0
        keeping = Keeping(
            self._directory,
            root=self._segments.file("."),
            key=self._key,
            version=self._version,
            fields=self._fields,
            # A text of its own: what is read to be indexed is not kept for searches.
            text=Text(self._segments, extract=self._extract, fields=self._fields),
        )
        try:
            return keeping.catch_up(
                stop=stop or (lambda: False),
                progress=progress or (lambda done, total: None),
                at_least=at_least,
                distrusted=self._damaged,
            )
        except SealBroken as error:
            raise DiskProblem(
                f"The index in {self._directory} was changed while it was at work ({error}); "
                "it is made anew the next time.",
                path=self._directory,
            ) from error
        except OSError as error:  # Whoosh writes its files itself
            reason = error.strerror or str(error)
            raise DiskProblem(
                f"Could not write the index in {self._directory}: {reason}", path=self._directory
            ) from error

    def discard(self) -> None:
        """Take the index away; the next `catch_up` makes it anew. Never fails."""
        with self._lock:
            self._opened = self._looked = self._latest = None
        if self._directory is not None and self._key is not None:
            Keeping.discard(self._directory, root=self._segments.file("."))

    def _files(self) -> list[TextFile]:
        try:
            return self._text.files()
        except DiskProblem:
            return []  # the store raises it when somebody appends

    def _open(self) -> Opened | None:
        """Return the index's present generation; None: there is none that can be read."""
        if self._directory is None or self._key is None:
            return None
        stamp = seal_stamp(self._directory, root=self._segments.file("."))
        if stamp is None or stamp == self._damaged:
            self._opened = self._looked = None
            return None
        if stamp == self._looked:
            return self._opened
        for _ in range(_TRIES):
            try:
                self._opened = open_sealed_index(
                    self._directory,
                    stamp=stamp,
                    key=self._key,
                    version=self._version,
                    fields=self._fields,
                    cache=self._cache,
                    before=self._opened,
                )
                self._looked = stamp
                if self._opened is not None:
                    return self._opened
            except Exception:
                # Whoosh raises nearly anything where a file is damaged, and a file that was
                # replaced at this moment is gone.
                self._opened = None
            again = seal_stamp(self._directory, root=self._segments.file("."))
            if again == stamp:
                self._damaged = stamp  # it was not replaced: what it stands for is of no use
                break
            if again is None:
                break
            stamp = again
        self._opened = self._looked = None
        return None

    def _set_aside(self, opened: Opened) -> None:
        self._damaged = opened.stamp
        self._opened = self._latest = None

    def _joined(
        self,
        files: list[TextFile],
        opened: Opened | None,
        *,
        stop: Callable[[], bool] | None,
    ) -> Joined:
        """Return the corpus of an index and the text beyond it."""
        marks: dict[int, Watermark] = {}
        stale: set[int] = set()
        by_number = {file.number: file for file in files}
        if opened is not None:
            for number, mark in opened.state.texts.items():
                if number in by_number and self._text.holds(by_number[number], mark):
                    marks[number] = mark
                else:
                    stale.add(number)
        self._text.forget(set(by_number))
        pieces: list[Piece] = []
        for file in files:
            if stop is not None and stop():
                break
            last = file is files[-1]
            piece = self._text.after(file, marks.get(file.number), last=last)
            if piece is not None:
                pieces.append(piece)
        view = _View(opened, frozenset(stale), tuple(pieces))
        if self._latest is not None and _same(self._latest[0], view):
            return self._latest[1]
        joined = self._join(view, marks)
        self._latest = (view, joined)
        return joined

    def _join(self, view: _View, marks: dict[int, Watermark]) -> Joined:
        parts: list[tuple[Part, Columns, NDArray[np.bool_] | None]] = []
        found: list[Marked] = []
        if view.opened is not None:
            for stored in view.opened.parts:
                columns = stored.columns()
                gone = stored.entry.without | view.stale
                keep = ~np.isin(columns.places[:, 0], list(gone)) if gone else None
                parts.append((stored, columns, keep))
            for mark in marks.values():
                found.extend(mark.marks)
        for piece in view.pieces:
            parts.append((piece.batch, piece.batch.columns, None))
            found.extend(piece.marks)
        rescue = None if view.opened is None else partial(self._rescued, view.opened)
        return Joined(parts, found, fields=self._fields, rescue=rescue)

    def _rescued(self, opened: Opened) -> Joined:
        """Return the text alone: a file of the index could not be read after all."""
        with self._lock:
            self._set_aside(opened)
            return self._joined(self._files(), None, stop=None)


def _same(one: _View, other: _View) -> bool:
    return (
        one.opened is other.opened
        and one.stale == other.stale
        and len(one.pieces) == len(other.pieces)
        and all(a is b for a, b in zip(one.pieces, other.pieces, strict=True))
    )
