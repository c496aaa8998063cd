"""The baseline: what the tracked files looked like at the last checkpoint.

It answers "has anybody changed anything since?" with a stat per file and no git process, so that it
can be asked at every step. It is derived: deleted, stale, or come from elsewhere with a copy of the
directory, it is made anew from the commit.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lettafs.disk import atomic, fingerprint
from lettafs.disk.fingerprint import Stamp
from lettafs.disk.git import Git
from lettafs.errors import DiskProblem, LettafsError
from lettafs.format import layout
from lettafs.values.problem import Problem

__all__ = ["Baseline", "Dirty", "dirty", "load_baseline", "save_baseline"]


@dataclass(slots=True)
class Baseline:
    """Per tracked path the git blob of its committed bytes, and the stamp it had then."""

    commit: str | None
    """None: nothing is committed yet."""
    blobs: dict[str, str] = field(default_factory=dict)
    stamps: dict[str, Stamp] = field(default_factory=dict)
    """Only of files whose bytes were the committed ones when stamped."""


@dataclass(frozen=True, slots=True)
class Dirty:
    """A file that is not what was committed."""

    path: str
    data: bytes | None
    """None: it is gone."""
    committed: str | None
    """The blob that was committed; None: the path is new."""


def load_baseline(root: Path, git: Git, *, commit: str | None) -> Baseline:
    """Return the baseline of a commit, from its file or, failing that, from git.

    Raises:
        HistoryProblem: git cannot list the commit.
    """
    if commit is None:
        return Baseline(None)
    try:
        raw = json.loads(atomic.read_bytes(root / layout.FINGERPRINTS))
        if raw["commit"] == commit and raw["place"] == _place(root):
            return Baseline(
                commit,
                {path: entry[0] for path, entry in raw["files"].items()},
                {p: Stamp(*entry[1]) for p, entry in raw["files"].items() if entry[1]},
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
        pass  # derived: made anew
    return Baseline(commit, git.files(commit))


def save_baseline(root: Path, baseline: Baseline) -> None:
    """Keep the baseline for the next turn; a disk that refuses costs only time."""
    files = {
        path: [blob, _fields(baseline.stamps.get(path))] for path, blob in baseline.blobs.items()
    }
    record = {"commit": baseline.commit, "place": _place(root), "files": files}
    try:
        atomic.replace(root / layout.FINGERPRINTS, json.dumps(record).encode(), durable=False)
    except LettafsError:
        pass


def _fields(stamp: Stamp | None) -> list[int] | None:
    return None if stamp is None else [stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.ino]


def _place(root: Path) -> list[int]:
    stat = root.lstat()
    return [stat.st_dev, stat.st_ino]


def dirty(
    root: Path, baseline: Baseline, *, ours: Mapping[str, str | None] | None = None
) -> tuple[list[Dirty], list[Problem]]:
    """Return the files that differ from the baseline, and what must not be opened.

    Args:
        root: the home.
        baseline: brought up to date for files that were touched but not changed.
        ours: path to blob (None: deleted) of what the running turn itself wrote: not dirty.
    """
    ours = ours or {}
    swept, problems = fingerprint.sweep(root, layout.is_canonical)
    outside: set[str] = set()
    for path in baseline.blobs:
        if path not in swept and not layout.is_canonical(path):
            if _is_never_tracked(path) or not _is_inside(root, path):
                outside.add(path)
                continue
            stamp = fingerprint.stamp(root / path)
            if stamp is not None:
                swept[path] = stamp
    found: list[Dirty] = []
    taken_at_ns = time.time_ns()
    for path in sorted(swept):
        stamp = swept[path]
        if baseline.stamps.get(path) == stamp and path not in ours:
            continue
        change = _compare(root, path, stamp, baseline, ours, taken_at_ns=taken_at_ns)
        if change is not None:
            found.append(change)
    for path in sorted(baseline.blobs):
        if path not in swept and path not in outside and not (path in ours and ours[path] is None):
            found.append(Dirty(path, None, baseline.blobs[path]))
    for path in sorted(ours):
        if path not in swept and path not in baseline.blobs and ours[path] is not None:
            found.append(Dirty(path, None, ours[path]))
    return found, problems


def _is_never_tracked(path: str) -> bool:
    """Tell a file that no commit of ours takes, also where somebody's commit once held it."""
    return path == layout.ENV or path.startswith(f"{layout.LETTAFS}/")


def _is_inside(root: Path, path: str) -> bool:
    """Tell whether no directory above a file is a link: what lies behind one is not the home's."""
    try:
        atomic.check_inside(root, root / path)
    except DiskProblem:
        return False
    return True


def _compare(
    root: Path,
    path: str,
    stamp: Stamp,
    baseline: Baseline,
    ours: Mapping[str, str | None],
    *,
    taken_at_ns: int,
) -> Dirty | None:
    committed = baseline.blobs.get(path)
    expected = ours.get(path, committed)
    try:
        data = atomic.read_bytes(root / path)
    except (FileNotFoundError, LettafsError):
        return None  # gone or unreadable this very moment: the next look decides
    if fingerprint.blob_sha1(data) != expected:
        return Dirty(path, data, committed)
    if path not in ours and fingerprint.is_settled(stamp, taken_at_ns=taken_at_ns):
        baseline.stamps[path] = stamp
    return None
