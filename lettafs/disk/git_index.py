"""The person's own git index, brought along after a commit.

Without this, `git status` would show every commit of ours as undone in the index. Git writes the
new index to a private place; it then gets the name `index.lock` as a second name of that very file,
so that after a crash the file itself tells that the lock is ours.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from lettafs.disk import calls
from lettafs.disk.objects import Entry

__all__ = ["Run", "bring_along"]

_MAX_INDEX = 512 * 2**20


class Run(Protocol):
    """Runs a git command on the private index and returns what it prints."""

    def __call__(
        self, command: list[str], *, stdin: bytes = b"", inside: Path | None = None
    ) -> bytes:
        """Return the output; raise `HistoryProblem` on failure."""
        ...


def bring_along(
    run: Run,
    *,
    git_dir: Path,
    private: Path,
    commit: str,
    entries: Mapping[str, tuple[Entry | None, Entry | None]],
) -> bool:
    """Have the person's index say the new entry where it said the old one; False: not now.

    A path they have staged something else for stays as they left it. A locked index is left alone.
    A missing one is made from the commit.

    Args:
        run: runs git with `private` as its index.
        git_dir: the repository.
        private: where the new index is prepared.
        commit: the new commit.
        entries: path to its entry before and after the commit.

    Raises:
        HistoryProblem: git refused.
        OSError: the disk did.
    """
    index, lock = git_dir / "index", git_dir / "index.lock"
    if os.path.lexists(lock):
        return False
    for left in (private, private.with_name(private.name + ".lock")):  # by a git that was killed
        with suppress(FileNotFoundError):
            os.unlink(left)
    there = calls.regular(index)
    # Run in an empty directory: to write an index, git reads the files it cannot be sure of, and
    # runs the filters that attributes name for them. It finds none there.
    with tempfile.TemporaryDirectory(prefix="empty-", dir=private.parent) as empty:
        inside = Path(empty)
        if there is None:
            run(["read-tree", commit], inside=inside)
        else:
            old = calls.slurp(index, max_bytes=_MAX_INDEX)
            calls.fill_new(private, old, mode=0o600, durable=False)
            lines = _lines(run(["ls-files", "--stage", "-z"], inside=inside), entries)
            if not lines:
                os.unlink(private)
                return True
            run(["update-index", "-z", "--index-info"], stdin=b"".join(lines), inside=inside)
    return _put(private, index, lock, there)


def _lines(listed: bytes, entries: Mapping[str, tuple[Entry | None, Entry | None]]) -> list[bytes]:
    """Return what `update-index --index-info` is to be told, deletions first."""
    staged: dict[str, tuple[str, str] | None] = {}
    for row in listed.split(b"\0"):
        head, _, name = row.partition(b"\t")
        if head:
            mode, object_id, stage = head.decode("ascii").split()
            path = os.fsdecode(name)
            staged[path] = (mode, object_id) if stage == "0" else None  # None: a conflict
    gone: list[str] = []
    come: list[tuple[str, Entry]] = []
    for path, (old, new) in entries.items():
        was = None if old is None else (old.mode, old.id)
        if staged.get(path, ()) != (was or ()):
            continue  # theirs, or in conflict
        if new is None:
            gone.append(path)
        else:
            come.append((path, new))
    kept = staged.keys() - set(gone)
    above = _directories(kept)
    # A file and a directory of one name would make an index that git refuses.
    fits = [
        (path, entry)
        for path, entry in come
        if path not in above and not (_directories([path]) & kept)
    ]
    zero = "0" * 40
    rows = [(path, f"0 {zero}") for path in gone]
    rows += [(path, f"{entry.mode} {entry.id}") for path, entry in fits]
    return [said.encode() + b"\t" + os.fsencode(path) + b"\0" for path, said in rows]


def _directories(paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        above = path.rpartition("/")[0]
        while above and above not in found:
            found.add(above)
            above = above.rpartition("/")[0]
    return found


def _put(private: Path, index: Path, lock: Path, there: os.stat_result | None) -> bool:
    """Give the private index the person's name for it; False: they change theirs at this moment."""
    try:
        fd = os.open(private, calls.OPEN_READ)
        try:
            calls.fsync(fd, private)
        finally:
            os.close(fd)
        if there is not None:
            os.chmod(private, there.st_mode & 0o777)
            # Git re-reads files that are not older than the index: keep what it would doubt.
            os.utime(private, ns=(there.st_atime_ns, there.st_mtime_ns))
        try:
            calls.link(private, lock)
        except FileExistsError:
            return False
        if _seen(calls.regular(index)) != _seen(there):
            return False
        calls.rename(lock, index)
        return True
    finally:
        with suppress(FileNotFoundError):
            if os.path.samefile(private, lock):
                os.unlink(lock)
        with suppress(FileNotFoundError):
            os.unlink(private)


def _seen(status: os.stat_result | None) -> tuple[int, int, int] | None:
    return None if status is None else (status.st_ino, status.st_mtime_ns, status.st_size)
