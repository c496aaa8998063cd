"""Where a folder really lies, and whether it may be read."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from lettafs.disk import atomic
from lettafs.errors import DiskProblem
from lettafs.values.folder import Folder

__all__ = ["Allowed", "Placed", "placed"]

Allowed = Callable[[str], bool]
"""Tells of a real path outside the home whether this user allowed the agent to read it."""


class Placed(NamedTuple):
    """A folder's place."""

    path: Path | None
    """Its real path; None: it cannot be reached."""
    trouble: str = ""
    """Why not, as a sentence."""


def placed(root: Path, folder: Folder, *, allowed: Allowed) -> Placed:
    """Return where a folder lies; nothing in it is looked at.

    Inside the home no link on the way is followed. Outside, the user has to have allowed exactly
    the place that the path leads to now: the file that names it may come from a stranger.

    Args:
        root: the home.
        folder: the folder.
        allowed: says what was allowed.
    """
    try:
        return _outside(folder, root, allowed) if folder.is_outside else _inside(folder, root)
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: no home for ~name
        reason = getattr(error, "strerror", None) or str(error)
        return Placed(None, f"{folder.path} cannot be reached: {reason}.")


def _inside(folder: Folder, root: Path) -> Placed:
    parts = [part for part in folder.path.replace("\\", "/").split("/") if part not in ("", ".")]
    if ".." in parts:
        return Placed(
            None,
            f"{folder.path} leads out of the agent's directory: a folder elsewhere is named by its "
            "path from the root, or from ~, on.",
        )
    if not parts or parts[0] in (".git", ".lettafs", ".env"):
        return Placed(None, f"{folder.path} is the agent itself, not a folder of documents.")
    path = root.joinpath(*parts)
    try:
        atomic.check_inside(root, path)
    except DiskProblem:
        return Placed(None, f"{folder.path} lies behind a symbolic link, which is not followed.")
    if path.is_symlink():
        return Placed(None, f"{folder.path} is a symbolic link, which is not followed.")
    if not path.exists():
        return Placed(None, f"{folder.path} is not there.")
    return Placed(path)


def _outside(folder: Folder, root: Path, allowed: Allowed) -> Placed:
    given = Path(folder.path).expanduser()
    if not given.is_absolute():
        return Placed(None, f"{folder.path} is no path on this system.")
    # Asked before anything there is opened or listed: a stranger's file may name any place.
    real = os.path.realpath(given)
    if not allowed(real):
        agent, path, name = map(_quoted, (root.resolve().name, folder.path, folder.name))
        return Placed(
            None,
            f"{folder.path} lies outside this agent, and on this machine nobody has allowed it to "
            f"be read: `lettafs attach {agent} {path} --name {name}` does.",
        )
    if not os.path.exists(real):
        return Placed(None, f"{folder.path} is not there.")
    return Placed(Path(real))


def _quoted(word: str) -> str:
    """Return a word as a shell takes it; `~/papers` as it stands."""
    return word if re.fullmatch(r"(~/)?[\w@%+=:,./-]+", word, re.ASCII) else shlex.quote(word)
