"""The shelf: how many passages there are and which tags they have, without reading them all.

Every prompt says so, and reading a hundred thousand passages takes seconds. What was counted is
remembered with the stamp of every segment it was counted from; of a segment that grew only the new
lines are read. Anything else that changed, and any deletion, is counted anew from the passages.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lettafs.disk import atomic, fingerprint
from lettafs.disk.fingerprint import Stamp
from lettafs.errors import DiskProblem, LettafsError
from lettafs.format.passage_line import PassageRecord
from lettafs.stores.archival import Archival
from lettafs.values.problem import Problem

__all__ = ["Count", "Shelf"]

_WORTH_KEEPING = 1_000
"""Passages from which on the count is kept in a file: fewer are counted in no time."""


@dataclass(frozen=True, slots=True)
class Count:
    """What a prompt says of archival memory."""

    passages: int
    tags: tuple[str, ...]
    """Each once, sorted."""


@dataclass(slots=True)
class _Known:
    """A count, and what it was counted from."""

    segments: dict[str, Stamp] = field(default_factory=dict)
    lines: int = 0
    """Of the last segment."""
    digest: str = ""
    """SHA-256 of the last segment's bytes."""
    passages: int = 0
    tags: Counter[str] = field(default_factory=Counter)


class Shelf:
    """The count of one home's archival memory."""

    def __init__(self, archival: Archival, *, file: Path) -> None:
        self._archival = archival
        self._file = file
        self._known: _Known | None = None
        self._saved: dict[str, Stamp] | None = None

    def count(self) -> Count:
        """Return what there is now; the files are read as far as they changed."""
        taken_at_ns = time.time_ns()
        segments = {
            path: stamp
            for path, stamp in self._archival.segments.stamps()
            if stamp is not None and stamp.size
        }
        if not segments:
            return Count(0, ())
        known = self._known if self._known is not None else self._load()
        if known is None or known.segments != segments:
            grown = None if known is None else self._grown(known, segments)
            known = grown if grown is not None else self._counted(segments)
            self._known = _doubting(known, taken_at_ns=taken_at_ns)
        else:
            self._known = known
        return Count(known.passages, tuple(sorted(known.tags)))

    def save(self) -> None:
        """Keep the count for the next process; a disk that refuses costs only time."""
        known = self._known
        if known is None or known.passages < _WORTH_KEEPING or known.segments == self._saved:
            return
        written = {
            "segments": {path: list(stamp) for path, stamp in known.segments.items()},
            "lines": known.lines,
            "digest": known.digest,
            "passages": known.passages,
            "tags": dict(known.tags),
        }
        try:
            atomic.make_dirs(self._file.parent)
            atomic.replace(self._file, json.dumps(written).encode(), durable=False)
        except DiskProblem:
            return
        self._saved = dict(known.segments)

    def _load(self) -> _Known | None:
        try:
            raw: Mapping[str, Any] = json.loads(atomic.read_bytes(self._file))
            known = _Known(
                {str(path): Stamp(*map(int, stamp)) for path, stamp in raw["segments"].items()},
                int(raw["lines"]),
                str(raw["digest"]),
                int(raw["passages"]),
                Counter({str(tag): int(number) for tag, number in raw["tags"].items()}),
            )
        except (
            FileNotFoundError,
            LettafsError,
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            RecursionError,
        ):
            return None  # derived: counted anew
        self._saved = dict(known.segments)
        return known

    def _grown(self, known: _Known, segments: Mapping[str, Stamp]) -> _Known | None:
        """Return the count with the lines that were added; None: more than that has changed."""
        before = list(known.segments)
        paths = list(segments)
        if not before or paths[: len(before)] != before:
            return None
        if any(segments[path] != known.segments[path] for path in before[:-1]):
            return None
        last = before[-1]
        size = known.segments[last].size
        fresh = _Known(dict(segments), 0, "", known.passages, Counter(known.tags))
        for path in paths[len(before) - 1 :]:
            try:
                data = self._archival.segments.read(path)
            except DiskProblem:
                return None
            if path == last and hashlib.sha256(data[:size]).hexdigest() != known.digest:
                return None
            lines = self._archival.segments.lines(path)
            for line in lines[known.lines if path == last else 0 :]:
                if isinstance(line, Problem):
                    continue
                if not isinstance(line, PassageRecord):
                    return None
                fresh.passages += 1
                fresh.tags.update(set(line.passage.tags))
            fresh.lines, fresh.digest = len(lines), hashlib.sha256(data).hexdigest()
        return fresh

    def _counted(self, segments: Mapping[str, Stamp]) -> _Known:
        passages = self._archival.passages()
        last = list(segments)[-1]
        try:
            digest = hashlib.sha256(self._archival.segments.read(last)).hexdigest()
        except DiskProblem:
            digest = ""
        return _Known(
            dict(segments),
            len(self._archival.segments.lines(last)),
            digest,
            len(passages),
            Counter(tag for passage in passages.values() for tag in set(passage.tags)),
        )


def _doubting(known: _Known, *, taken_at_ns: int) -> _Known | None:
    """Return a count that is not taken on trust where a file may yet change unseen.

    A file that changes within a tick of the clock could look the same afterwards. The last segment
    is then looked at again by its bytes; others do not change in ordinary use.
    """
    paths = list(known.segments)
    young = [
        path
        for path, stamp in known.segments.items()
        if not fingerprint.is_settled(stamp, taken_at_ns=taken_at_ns)
    ]
    if any(path != paths[-1] for path in young):
        return None
    if young:
        known.segments[paths[-1]] = known.segments[paths[-1]]._replace(ino=-1)
    return known
