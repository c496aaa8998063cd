"""What a sweep found: files, what is no file to read, and what the directories looked like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lettafs.disk.fingerprint import Stamp

__all__ = ["Found", "InDirectory", "Swept", "by_directory"]


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
