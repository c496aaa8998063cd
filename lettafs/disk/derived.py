"""A directory of derived files: made, filled and emptied without following a link out of the home.

What lies in it can be made anew, so nothing here is durable by itself: a seal makes it so.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from lettafs.disk import atomic, calls
from lettafs.errors import DiskProblem

__all__ = ["create", "drop", "is_barred", "is_safe", "make", "names"]


def is_safe(directory: Path, *, root: Path) -> bool:
    """Tell whether a directory is there and no link, nor any directory between it and `root`.

    A directory that is not below `root` was named by the person: only it itself is looked at.
    """
    try:
        if not directory.is_relative_to(root):
            return directory.is_dir() and not directory.is_symlink()
        parts = directory.relative_to(root).parts
        return directory.is_dir() and calls.odd_directory(root, parts) is None
    except OSError:
        return False


def is_barred(directory: Path, *, root: Path) -> bool:
    """Tell whether a link leads to a directory, so that it is never looked into.

    Where it, or what is above it, is missing or a file nothing leads elsewhere. A directory that is
    not below `root` was named by the person: only it itself is looked at.
    """
    try:
        if not directory.is_relative_to(root):
            return directory.is_symlink()
        place = calls.odd_directory(root, directory.relative_to(root).parts)
        return place is not None and place.is_symlink()
    except OSError:
        return True


def make(directory: Path, *, root: Path) -> None:
    """Make a directory for derived files, and the missing ones above it.

    Raises:
        DiskProblem: the disk refused, or a link or a file is in the way.
    """
    if directory.is_relative_to(root):
        atomic.check_inside(root, directory / "file")
    atomic.make_dirs(directory)
    if not is_safe(directory, root=root):
        raise DiskProblem(f"{directory} is not a real directory: it is left alone", path=directory)


def create(directory: Path, name: str) -> BinaryIO:
    """Return a new file, open for writing, that only its owner can read.

    Raises:
        OSError: the name is taken, or the disk refused.
    """
    return os.fdopen(calls.create(directory / name, mode=0o600), "wb")


def names(directory: Path) -> list[str]:
    """Return the names of what is in a directory, sorted; none when it cannot be listed."""
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def drop(directory: Path, files: Iterable[str]) -> None:
    """Take files away; one that cannot be taken away stays, and is tried again another time."""
    for name in files:
        with suppress(OSError):
            calls.unlink(directory / name)
