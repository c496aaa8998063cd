"""Segments: a growing list of lines kept as `000001.jsonl`, `000002.jsonl`, ...

Recall and archival memory share this form. Only the last segment changes, so that git, which stores
a changed file whole, stores little per checkpoint.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from lettafs.disk import atomic, fingerprint
from lettafs.errors import DiskProblem
from lettafs.format import jsonl, layout
from lettafs.values.problem import Problem

__all__ = ["Parse", "Segments", "Torn"]

R = TypeVar("R")
Parse = Callable[[Mapping[str, Any], str, int], R | Problem]
"""From a record, its segment and its line to what it says."""

MAX_SEGMENT_BYTES = 64 * 2**20
"""A larger segment is refused unread: one line may be 8 MiB, a segment a few of them."""

_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Torn:
    """A tail that was cut off: a line a crash left half written."""

    path: str
    """Of the segment, relative to the home."""
    size: int
    """Bytes cut."""
    saved_to: str | None
    """Where they lie now, relative to the home; None: the disk had no room for them."""


@dataclass(frozen=True, slots=True)
class _Parsed(Generic[R]):
    stamp: tuple[int, int, int, int]
    raw: tuple[bytes, ...]
    lines: tuple[R | Problem, ...]


class Segments(Generic[R]):
    """The segments of one folder of a home.

    Parsed lines are remembered per segment and used only while the file's size, times and inode are
    what they were, so a file is never passed over for a memory of it.
    """

    def __init__(self, root: Path, folder: str, *, parse: Parse[R]) -> None:
        self.folder = folder
        self._root = root
        self._parse = parse
        self._parsed: dict[str, _Parsed[R]] = {}
        self._used: set[str] = set()
        """Segments asked for since the last one was begun; the others are forgotten then."""
        self._listed: tuple[tuple[int, int], tuple[str, ...]] | None = None
        """The folder's number and time, and the segments it held then."""
        self._named: set[str] = set()
        """Segments whose names this object has made durable."""

    def paths(self) -> list[str]:
        """Return the segments in order, relative to the home; links and other files left out.

        Raises:
            DiskProblem: the folder cannot be listed.
        """
        folder = self._root / self.folder
        try:
            with _refusals(folder):
                return self._list(folder)
        except FileNotFoundError:
            return []

    def _list(self, folder: Path) -> list[str]:
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode):
            return []  # a link is never followed; appending says so
        stamp = (status.st_ino, status.st_mtime_ns)
        if self._listed is not None and self._listed[0] == stamp:
            return list(self._listed[1])
        looked_ns = time.time_ns()
        found: list[tuple[int, str]] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                number = layout.segment_number(entry.name)
                if number is not None and entry.is_file(follow_symlinks=False):
                    found.append((number, f"{self.folder}/{entry.name}"))
        paths = [path for _, path in sorted(found)]
        # A name that comes within the same tick of the clock would leave the stamp as it is.
        # Where times are whole seconds, it may be FAT's clock, which ticks every two.
        coarse = status.st_mtime_ns % _SECOND_NS == 0
        tick_ns = 2 * _SECOND_NS if coarse else fingerprint.RACY_NS
        settled = looked_ns - status.st_mtime_ns > tick_ns
        self._listed = (stamp, tuple(paths)) if settled else None
        return paths

    def stamps(self) -> list[tuple[str, fingerprint.Stamp | None]]:
        """Return every segment with what its file looks like: equal stamps, equal records."""
        root = str(self._root)  # a Path each costs more than looking at the file
        return [(path, fingerprint.stamp(f"{root}/{path}")) for path in self.paths()]

    def file(self, path: str) -> Path:
        """Return where a segment lies."""
        return self._root / path

    def at(self, number: int, line: int) -> R | None:
        """Return what one line of one segment says; None when it says nothing, or is not there.

        Only that line is parsed, so that showing a few records of a long history stays cheap.

        Args:
            number: the segment's.
            line: 1 is its first.
        """
        path = f"{self.folder}/{layout.segment_name(number)}"
        known = self._parsed.get(path)
        try:
            with _refusals(self._root / path):
                status = (self._root / path).lstat()
            stamp = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            if known is not None and known.stamp == stamp:
                found = known.lines[line - 1] if line <= len(known.lines) else None
            else:
                raw = self.read(path).split(b"\n")
                at_hand = line <= len(raw) and bool(raw[line - 1].strip())
                found = self._read_line(raw[line - 1], path, line) if at_hand else None
        except (FileNotFoundError, DiskProblem):
            return None  # `lines` has it as a problem
        return None if isinstance(found, Problem) else found

    def lines(self, path: str) -> tuple[R | Problem, ...]:
        """Return what each line of a segment says, or what is wrong with it.

        A segment that cannot be read is one problem, so that the others are read all the same; one
        that is gone has no lines.
        """
        try:
            with _refusals(self._root / path):
                status = (self._root / path).lstat()
            stamp = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            self._used.add(path)
            known = self._parsed.get(path)
            if known is not None and known.stamp == stamp:
                return known.lines
            raw = tuple(self.read(path).split(b"\n"))
        except FileNotFoundError:
            return ()
        except DiskProblem as error:
            remedy = "its records are left out until it can be read"
            return (Problem("unreadable", path, str(error).rstrip("."), remedy=remedy),)
        if raw and not raw[-1]:
            raw = raw[:-1]
        lines: list[R | Problem] = []
        for number, line in enumerate(raw, 1):
            # Appending is all that happens to a segment, so what was parsed before is mostly the
            # same bytes; a line is taken over only when its bytes are.
            if known is not None and number <= len(known.raw) and known.raw[number - 1] == line:
                lines.append(known.lines[number - 1])
            elif line.strip():
                lines.append(self._read_line(line, path, number))
            else:
                lines.append(Problem("blank-line", path, "an empty line", line=number))
        parsed = tuple(lines)
        self._parsed[path] = _Parsed(stamp, raw, parsed)
        return parsed

    def parsed(self, path: str, raw: Sequence[bytes], *, first: int) -> Iterator[R | Problem]:
        """Yield what lines of a segment say, given as bytes; nothing of it is remembered.

        Args:
            path: the segment.
            raw: the lines, without their line feeds.
            first: number of the first of them; 1 is the segment's first line.
        """
        for number, line in enumerate(raw, first):
            if line.strip():
                yield self._read_line(line, path, number)
            else:
                yield Problem("blank-line", path, "an empty line", line=number)

    def _read_line(self, line: bytes, path: str, number: int) -> R | Problem:
        unframed = jsonl.unframe(line, path=path, line_no=number)
        if unframed.problem is not None:
            return unframed.problem
        assert unframed.record is not None, "a line holds a record or a problem"
        return self._parse(unframed.record, path, number)

    def read(self, path: str) -> bytes:
        """Return a segment's bytes; none when it has gone since it was listed.

        Raises:
            DiskProblem: it is not a regular file, too large, or cannot be read.
        """
        try:
            return atomic.read_bytes(self._root / path, max_bytes=MAX_SEGMENT_BYTES)
        except FileNotFoundError:
            return b""

    def records(self) -> Iterator[R]:
        """Yield every readable record of every segment, oldest first."""
        for path in self.paths():
            for line in self.lines(path):
                if not isinstance(line, Problem):
                    yield line

    def backward(self) -> Iterator[R]:
        """Yield every readable record newest first, reading no more segments than are asked for."""
        for path in reversed(self.paths()):
            for line in reversed(self.lines(path)):
                if not isinstance(line, Problem):
                    yield line

    def problems(self) -> list[Problem]:
        """Return what is wrong with any line of any segment."""
        return [
            line
            for path in self.paths()
            for line in self.lines(path)
            if isinstance(line, Problem) and line.code != "blank-line"
        ]

    def append(self, records: Sequence[dict[str, Any]]) -> list[str]:
        """Make the records durable at the end; return the segments written to.

        Records are written in one go where they fit one segment. Nothing is returned before every
        byte is synced.

        Raises:
            DiskProblem: the disk refused. Records before the failing segment are in place, the
                failing write itself was cut off again.
        """
        paths = self.paths()
        if paths:
            path = paths[-1]
            size = self._size(path)
        else:
            atomic.make_dirs(self._root / self.folder)
            path, size = f"{self.folder}/{layout.segment_name(1)}", 0
        # A file that lies there may be what a crash left before its name was durable.
        fresh = path not in self._named
        written: list[str] = []
        pending = b"" if size == 0 or self._ends_whole(path) else b"\n"
        for record in records:
            if size + len(pending) >= layout.SEGMENT_ROLL_BYTES:
                if pending:
                    self._write(path, pending, fresh=fresh)
                    written.append(path)
                self._forget_unused()
                number = layout.segment_number(path.rpartition("/")[2]) or 0
                path, size, pending, fresh = (
                    f"{self.folder}/{layout.segment_name(number + 1)}",
                    0,
                    b"",
                    True,
                )
            pending += jsonl.frame(record)
        if pending:
            self._write(path, pending, fresh=fresh)
            written.append(path)
        return written

    def _size(self, path: str) -> int:
        full = self._root / path
        try:
            with _refusals(full):
                return full.lstat().st_size
        except FileNotFoundError as error:
            raise DiskProblem(
                f"{full} was taken away at this moment; nothing was written. Try again.", path=full
            ) from error

    def _forget_unused(self) -> None:
        """Let go of what nobody asks for, so that a long conversation takes no more memory.

        What a search read stays for the searches that soon follow it.
        """
        self._parsed = {p: known for p, known in [*self._parsed.items()] if p in self._used}
        self._used.clear()

    def _write(self, path: str, data: bytes, *, fresh: bool) -> None:
        atomic.append(self._root / path, data, new_file=fresh)
        self._named.add(path)

    def _ends_whole(self, path: str) -> bool:
        """Tell whether the last line has its line feed; an editor may have saved it without."""
        return self.read(path).endswith(b"\n")

    def mend(self, *, save_to: str) -> Torn | None:
        """Cut a half-written last line off the last segment; its bytes go to `save_to`.

        Needs no space to succeed: on a full disk the bytes are cut without being kept, since they
        were never acknowledged.
        """
        paths = self.paths()
        if not paths:
            return None
        path = paths[-1]
        try:
            data = self.read(path)
        except DiskProblem:
            return None  # its lines are a problem, and appending to it says why
        whole = jsonl.whole_length(data)
        if whole == len(data):
            return None
        atomic.cut_tail(self._root / path, whole, save_to=self._root / save_to)
        return Torn(path, len(data) - whole, self._saved(data[whole:], save_to))

    def _saved(self, tail: bytes, save_to: str) -> str | None:
        """Return where a tail was kept: under that name, or with a number where it was taken."""
        for number in range(100):
            name = save_to if number == 0 else f"{save_to}-{number}"
            try:
                if atomic.read_bytes(self._root / name, max_bytes=MAX_SEGMENT_BYTES) == tail:
                    return name
            except FileNotFoundError:
                return None
            except DiskProblem:
                continue
        return None


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """Raise an `OSError` of the block as `DiskProblem`, except that something is not there."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise DiskProblem(f"Could not read {path}: {reason}", path=path) from error
