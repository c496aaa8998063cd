"""What a file looks like from outside, so that a change is seen without reading it.

A stamp that is equal means the bytes are equal, with one exception that every user of stamps must
know: a file written twice within one tick of its clock has one stamp for two contents. A stamp is
therefore trusted only when it was taken well after the file's own time: see `is_settled`.
"""

from __future__ import annotations

import hashlib
import os
import stat as stat_bits
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from lettafs.values.problem import Problem

__all__ = ["RACY_NS", "Stamp", "blob_sha1", "is_settled", "stamp", "sweep"]

RACY_NS = 50_000_000
"""A file changed less than this many nanoseconds before its stamp was taken may change unseen."""

_MAX_DEPTH = 16


class Stamp(NamedTuple):  # a tuple is made and compared faster, and there is one per file
    """Size, times and number of a file."""

    size: int
    mtime_ns: int
    ctime_ns: int
    ino: int


def stamp(path: Path | str) -> Stamp | None:
    """Return the stamp of a regular file; None when there is none at `path`, or a link, or else."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return _stamp(status) if stat_bits.S_ISREG(status.st_mode) else None


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def is_settled(seen: Stamp, *, taken_at_ns: int) -> bool:
    """Tell whether a stamp taken at this time can be trusted to change with the file.

    A file dated in the future is not: the clock that dated it may pass that time again.
    """
    return taken_at_ns - max(seen.mtime_ns, seen.ctime_ns) > RACY_NS


def blob_sha1(data: bytes) -> str:
    """Return the id git gives a file of these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def sweep(root: Path, wanted: Callable[[str], bool]) -> tuple[dict[str, Stamp], list[Problem]]:
    """Return the stamps of the regular files under `root` whose paths are `wanted`, and problems.

    Paths are relative, with forward slashes. Links, pipes and devices under a wanted path are
    problems; directories whose names begin with a dot are not entered, nor are links.
    """
    found: dict[str, Stamp] = {}
    problems: list[Problem] = []
    _walk(str(root), "", wanted, found, problems, depth=0)
    return found, problems


def _walk(
    directory: str,
    prefix: str,
    wanted: Callable[[str], bool],
    found: dict[str, Stamp],
    problems: list[Problem],
    *,
    depth: int,
) -> None:
    try:
        with os.scandir(directory) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    except OSError as error:
        said = f"the directory cannot be read: {error.strerror}"
        problems.append(Problem("unreadable", prefix.rstrip("/") or ".", said))
        return
    for entry in listed:
        path = prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            # A directory is entered where some file in it could be wanted.
            if not entry.name.startswith(".") and _could_hold(path, wanted):
                if depth < _MAX_DEPTH:
                    _walk(entry.path, path + "/", wanted, found, problems, depth=depth + 1)
                else:
                    problems.append(Problem("too-deep", path, "it lies too deep and is not read"))
        elif entry.is_file(follow_symlinks=False):
            if wanted(path):
                try:
                    found[path] = _stamp(entry.stat(follow_symlinks=False))
                except FileNotFoundError:
                    continue  # gone since it was listed
                except OSError as error:  # its directory may be listed, not entered
                    said = f"the file cannot be looked at: {error.strerror}"
                    problems.append(Problem("unreadable", path, said))
        elif wanted(path) or (entry.is_symlink() and _could_hold(path, wanted)):
            problems.append(_odd(entry, path))


def _could_hold(path: str, wanted: Callable[[str], bool]) -> bool:
    return any(wanted(f"{path}/{name}") for name in ("x.md", "x.jsonl", "x.toml", "x/x.md"))


def _odd(entry: os.DirEntry[str], path: str) -> Problem:
    if entry.is_symlink():
        remedy = "put the file itself there"
        return Problem("symlink", path, "a symbolic link is not followed", remedy=remedy)
    return Problem("not-a-file", path, "it is a pipe, a socket or a device and is not opened")
