"""The text an index is of: its segments as they are now, and what their lines say to search.

Only lines are read that somebody asks for, and what was read is remembered only as arrays: records
are not kept. A segment whose file looks as it did when it was read is not read again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from lettafs.disk import fingerprint
from lettafs.disk.fingerprint import Stamp
from lettafs.errors import DiskProblem
from lettafs.format import layout
from lettafs.index.corpus import Document, Extract, Mark, Marked, Place
from lettafs.index.engine.batch import Batch, Builder
from lettafs.index.engine.state import Watermark, digest
from lettafs.values.problem import Problem

__all__ = ["Lines", "Piece", "Text", "TextFile"]

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

_SECOND_NS = 1_000_000_000
_MAX_NUMBER = 2**31 - 1
"""Places are 32 bits: a segment somebody gave a greater number is not searched."""


class Lines(Protocol[R_co]):
    """Growing text in segments of lines, each line a record: files of a home, or what acts so.

    Obligations: a segment's path ends in a name as `layout.segment_name` gives it; two equal stamps
    of one segment mean equal bytes, as far as `fingerprint.is_settled` says; lines end with LF.
    """

    def stamps(self) -> Sequence[tuple[str, Stamp | None]]:
        """Return every segment, in order, with what it looks like; None: it is not there.

        Raises:
            DiskProblem: they cannot be listed.
        """
        ...

    def read(self, path: str) -> bytes:
        """Return a segment's bytes; none when it has gone since.

        Raises:
            DiskProblem: it cannot be read.
        """
        ...

    def parsed(self, path: str, raw: Sequence[bytes], *, first: int) -> Iterator[R_co | Problem]:
        """Yield what each line says; the first of them is number `first` of its segment."""
        ...

    def file(self, path: str) -> Path:
        """Return where a path below the home lies; of `.`, the home."""
        ...


class TextFile(NamedTuple):
    """A text segment as it looked."""

    number: int
    path: str
    """Relative to the home."""
    stamp: Stamp
    settled: bool
    """Whether the stamp will differ once the file does."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The lines of a text segment from some line on, ready to be searched."""

    batch: Batch
    marks: tuple[Marked, ...]


@dataclass(slots=True)
class _Known:
    """A piece, and what it was read from."""

    start: int
    """Bytes of the file before it."""
    before: int
    """Lines before it."""
    stamp: Stamp | None
    data: bytes
    found: list[tuple[Place, Document] | Marked]
    """What the lines gave; emptied where no further line is to be expected."""
    piece: Piece | None
    digest: str = ""


class Text(Generic[R]):
    """The segments, seen by one index."""

    def __init__(self, segments: Lines[R], *, extract: Extract[R], fields: int) -> None:
        self._segments = segments
        self._extract = extract
        self._fields = fields
        self._known: dict[int, _Known] = {}
        self._proved: dict[int, tuple[Watermark, Stamp]] = {}
        """Watermarks whose bytes were found in the file that looked so."""
        self._counted: dict[int, tuple[Stamp, int, int]] = {}

    def files(self) -> list[TextFile]:
        """Return the segments there are, in order.

        Raises:
            DiskProblem: the folder cannot be listed.
        """
        found = []
        taken_at_ns = time.time_ns()
        for path, stamp in self._segments.stamps():
            number = layout.segment_number(path.rpartition("/")[2])
            if number is None or stamp is None or number > _MAX_NUMBER:
                continue
            settled = _is_settled(stamp, taken_at_ns=taken_at_ns)
            found.append(TextFile(number, path, stamp, settled))
        return found

    def read(self, file: TextFile) -> bytes:
        """Return a segment's bytes as they are now; none where it cannot be read."""
        try:
            return self._segments.read(file.path)
        except DiskProblem:
            return b""  # the store has it as a problem; its records are left out

    def holds(self, file: TextFile, mark: Watermark) -> bool:
        """Tell whether a segment begins with the very lines that were indexed."""
        if mark.stamp == file.stamp and file.settled:
            return True
        if self._proved.get(file.number) == (mark, file.stamp):
            return True
        if file.stamp.size < mark.size:
            return False
        if digest(self.read(file)[: mark.size]) != mark.sha256:
            return False
        if file.settled:
            self._proved[file.number] = (mark, file.stamp)
        return True

    def lines_after(self, file: TextFile, mark: Watermark | None) -> int:
        """Return how many whole lines there are after those indexed, without what they say."""
        start = 0 if mark is None else mark.size
        if file.stamp.size <= start:
            return 0
        known = self._counted.get(file.number)
        if known is None or known[:2] != (file.stamp, start):
            count = self.read(file).count(b"\n", start)
            known = (file.stamp, start, count)
            self._counted[file.number] = known
        return known[2]

    def after(self, file: TextFile, mark: Watermark | None, *, last: bool) -> Piece | None:
        """Return the lines after those indexed; None: there are none.

        Args:
            file: the segment.
            mark: how far it is indexed.
            last: whether it is the one that grows: then only its new lines are read next time.
        """
        start, before = (0, 0) if mark is None else (mark.size, mark.lines)
        if file.stamp.size <= start:
            self._known.pop(file.number, None)
            return None
        known = self._known.get(file.number)
        if known is not None and (known.start, known.before) != (start, before):
            known = None
        if known is not None and not last:
            known.data, known.found = b"", []
        if known is not None and known.stamp == file.stamp:
            return known.piece
        data = self.read(file)[start:]
        stamp = file.stamp if file.settled else None
        if known is not None and known.digest == digest(data):
            known.stamp = stamp
            return known.piece
        old = known.data if known is not None else b""
        if known is None or not old.endswith(b"\n") or not data.startswith(old):
            known = _Known(start, before, stamp, b"", [], None)
            old = b""
        lines = known.before + old.count(b"\n")
        known.found += self.found_in(file, data[len(old) :], first=lines + 1)
        piece = self._piece(known.found)
        known.stamp, known.piece, known.digest = stamp, piece, digest(data)
        known.data = data
        if not last:
            known.data, known.found = b"", []
        self._known[file.number] = known
        return piece

    def forget(self, numbers: set[int]) -> None:
        """Let go of what is known of segments other than these."""
        _keep(self._known, numbers)
        _keep(self._proved, numbers)
        _keep(self._counted, numbers)

    def _piece(self, found: list[tuple[Place, Document] | Marked]) -> Piece:
        builder = Builder(fields=self._fields)
        marks = []
        for item in found:
            if isinstance(item, Marked):
                marks.append(item)
            else:
                builder.add(*item)
        return Piece(builder.build(), tuple(marks))

    def found_in(
        self, file: TextFile, data: bytes, *, first: int
    ) -> Iterator[tuple[Place, Document] | Marked]:
        """Yield what lines say to search, with places.

        Args:
            file: the segment they are of.
            data: the lines.
            first: number of the first of them.
        """
        raw = data.split(b"\n")
        if not raw[-1]:
            raw.pop()
        for line, record in enumerate(self._segments.parsed(file.path, raw, first=first), first):
            if isinstance(record, Problem):
                continue
            documents = marks = 0
            for item in self._extract(record):
                if isinstance(item, Mark):
                    yield Marked(item.kind, item.key, Place(file.number, line, marks))
                    marks += 1
                else:
                    yield Place(file.number, line, documents), item
                    documents += 1


def _is_settled(stamp: Stamp, *, taken_at_ns: int) -> bool:
    newest = max(stamp.mtime_ns, stamp.ctime_ns)
    if stamp.mtime_ns % _SECOND_NS == 0 and stamp.ctime_ns % _SECOND_NS == 0:
        # Whole seconds, both: it may be FAT's clock, which ticks every two.
        return taken_at_ns - newest > 2 * _SECOND_NS
    return fingerprint.is_settled(stamp, taken_at_ns=taken_at_ns)


def _keep(known: dict[int, Any], numbers: set[int]) -> None:
    for number in known.keys() - numbers:
        known.pop(number, None)
