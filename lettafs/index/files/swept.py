"""What a sweep found: files, what is no file to read, and what the directories looked like."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from lettafs.disk import fingerprint
from lettafs.disk.fingerprint import Stamp
from lettafs.values.folder import Folder

__all__ = [
    "Found",
    "InDirectory",
    "Swept",
    "base_of",
    "by_directory",
    "is_as",
    "looks_the_same",
]


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is there."""

    path: str
    """From the folder on, with forward slashes; of a folder that is one file, its name."""
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found."""

    files: tuple[Found, ...]
    """Sorted by path."""
    skipped: tuple[tuple[str, str], ...] = ()
    """What is there and no file to read, by path, and why, as a clause. What the rules leave out is
    not told."""
    directories: Mapping[str, Stamp | None] = field(default_factory=lambda: MappingProxyType({}))
    """What was looked into: `""`, `a/`, `a/b/`, and each `a/.gitignore`. None: it may change, or
    have changed, without looking otherwise. Empty for a folder that is one file."""
    rules: str = ""
    """What is the same as long as the folder's rules are."""
    is_whole: bool = True
    """False: it was stopped before it had seen everything."""


@dataclass(slots=True)
class InDirectory:
    """What an earlier sweep found in one directory."""

    files: list[Found] = field(default_factory=list)
    directories: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)


def by_directory(before: Swept) -> dict[str, InDirectory]:
    """Return what an earlier sweep found, by the prefix of the directory it is in."""
    known: dict[str, InDirectory] = {}

    def of(path: str, end: int | None = None) -> InDirectory:
        prefix = path[: path.rfind("/", 0, end) + 1]
        found = known.get(prefix)
        if found is None:
            found = known[prefix] = InDirectory()
        return found

    for found in before.files:
        of(found.path).files.append(found)
    for key in before.directories:
        if key[-1:] == "/":
            of(key, len(key) - 1).directories.append(key[key.rfind("/", 0, -1) + 1 : -1])
    for path, reason in before.skipped:
        # What was looked into and could not be is told again when it is looked into.
        own = path in before.directories or f"{path}/" in before.directories
        if path and not own:
            of(path).skipped.append((path, reason))
    return known


def looks_the_same(root: Path, swept: Swept, *, folder: Folder | None = None) -> bool:
    """Tell whether no name has come or gone since; whether files have changed is not looked at.

    Costs one look at each directory. False may also mean that it cannot be told.

    Args:
        root: as it was swept.
        swept: what was found.
        folder: where it is given, whether its rules are the same too.
    """
    if folder is not None:
        from lettafs.index.files.ignore import rules_of  # late: a glance asks without

        if rules_of(folder) != swept.rules:
            return False
    if not swept.is_whole:
        return False
    if not swept.directories:
        return fingerprint.stamp(root) is not None
    base = base_of(root)
    for key, seen in swept.directories.items():
        if seen is None:
            return False
        is_right = stat.S_ISDIR if key[-1:] in ("", "/") else stat.S_ISREG
        try:
            status = os.lstat((base + key).rstrip("/") or "/")  # with the slash a link is followed
        except (OSError, ValueError):
            return False
        if not is_right(status.st_mode) or not is_as(status, seen):
            return False
    return True


def base_of(root: Path) -> str:
    """Return what a path in a folder follows."""
    return f"{root}/" if root != Path("/") else "/"


def is_as(status: os.stat_result, seen: Stamp) -> bool:
    """Tell whether a file looks as it did."""
    return (
        status.st_mtime_ns == seen.mtime_ns
        and status.st_ctime_ns == seen.ctime_ns
        and status.st_size == seen.size
        and status.st_ino == seen.ino
    )
