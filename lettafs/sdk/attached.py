"""Attaching folders, with the user's leave for those outside the agent."""

from __future__ import annotations

import os
from pathlib import Path

from lettafs.disk.trust import Trust
from lettafs.errors import UsageProblem
from lettafs.home import attach as home_attach
from lettafs.home.home import Home
from lettafs.home.turn import Turn
from lettafs.values.folder import Folder

__all__ = ["allow_alike", "attach", "detach"]


def attach(
    turn: Turn, path: Path, *, name: str | None, about: Folder, trust: Trust | None
) -> Folder:
    """Attach what lies at a path, and note that the user allows it.

    Raises:
        UsageProblem: there is nothing to attach, or the name is taken, or nobody can allow it.
        DiskProblem: the disk refused.
    """
    home = turn.home
    folder, real = home_attach.folder_for(home, path, name=name, about=about)
    if folder.is_outside:
        if trust is None:
            raise UsageProblem("This agent was opened without anybody who could allow a folder.")
        # First: a file that attaches what is not allowed would only be a trouble to explain.
        trust.allow(home.root, "folder", real, at=turn.time())
    return home_attach.attach(turn, folder)


def detach(turn: Turn, name: str, *, trust: Trust | None) -> Folder:
    """Detach a folder, and take back that it was allowed, unless another one needs it.

    Raises:
        UsageProblem: there is no such folder.
        DiskProblem: the disk refused.
    """
    folder = home_attach.detach(turn, name)
    left = turn.home.folders.load().folders
    if folder.is_outside and trust is not None:
        real = _real(folder)
        # Two files may name one place in two ways.
        if all(not other.is_outside or _real(other) != real for other in left):
            trust.forget(turn.home.root, "folder", real)
    return folder


def allow_alike(home: Home, new: Path, *, trust: Trust, at: str) -> None:
    """Allow a fork to read what its source may: it is the same user's, and made by them.

    Raises:
        DiskProblem: the list cannot be written.
    """
    for folder in home.folders.load().folders:
        if folder.is_outside:
            real = _real(folder)
            if trust.allows(home.root, "folder", real):
                trust.allow(new, "folder", real, at=at)


def _real(folder: Folder) -> str:
    """Return the real path a folder outside leads to; its own where nobody can tell."""
    try:
        return os.path.realpath(Path(folder.path).expanduser())
    except (OSError, RuntimeError, ValueError):  # RuntimeError: no home for ~name
        return folder.path
