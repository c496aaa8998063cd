"""Attaching a folder of documents to an agent, and detaching it: one file in `folders/`."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from lettafs.errors import UsageProblem
from lettafs.format import folder_toml, layout
from lettafs.format.toml_text import TomlFault
from lettafs.home.home import Home
from lettafs.home.turn import Turn
from lettafs.values.folder import Folder

__all__ = ["attach", "detach", "folder_for"]


def folder_for(home: Home, path: Path, *, name: str | None, about: Folder) -> tuple[Folder, str]:
    """Return the folder that attaching a path makes, and the real path it leads to.

    A path that is attached already keeps its name, and its settings where `about` has none.

    Args:
        home: the agent it is for.
        path: a directory or a file, as a person gives it.
        name: what to call it; None: by the path's last part.
        about: what else is said of it; its name and path do not count.

    Raises:
        UsageProblem: there is nothing, it is neither, or the name is taken or no good.
    """
    real = _existing(path)
    written = _written(home.root.resolve(), real)
    present = {folder.name: folder for folder in home.folders.load().folders}
    same = next((folder for folder in present.values() if folder.path == written), None)
    if same is not None and name in (None, same.name):
        return _updated(same, about), real
    if name is not None:
        name = unicodedata.normalize("NFC", name)
        if not layout.is_safe_folder_name(name):
            raise UsageProblem(
                f"{name!r} cannot be a folder's name: letters, digits, - _ . and spaces, up to 64."
            )
        taken = _meets(name, present)
        if taken is not None:
            raise UsageProblem(
                f"There is a folder named {taken} already, which is {present[taken].path}: choose "
                f"another --name, or detach it first."
            )
    else:
        name = _free_name(os.path.abspath(path.expanduser()), present)
    return replace(about, name=name, path=written), real


def attach(turn: Turn, folder: Folder) -> Folder:
    """Write the file that attaches a folder, and commit it as the person's; return the folder.

    Raises:
        UsageProblem: a file of that name is there that cannot be changed in place.
        BlockChanged: it was saved by somebody at this moment.
        DiskProblem: the disk refused.
    """
    path = turn.home.folders.path_of(folder.name)
    if folder.id is None:
        folder = replace(folder, id=turn.new_id("source"))
    before = turn.bytes_of(path)
    if before is None:
        data = folder_toml.render_folder(folder)
    else:
        try:
            data = folder_toml.with_folder(before, folder)
        except TomlFault as fault:
            raise UsageProblem(
                f"{path} cannot be read ({fault.message}): mend it first."
            ) from fault
    if data == before:
        return folder
    turn.write_file(path, data, expected=before)
    done = "Attach" if before is None else "Describe"
    turn.commit_own(f"{done} {folder.name}", {"Lettafs-Adopted": "true"}, author=turn.person)
    return folder


def detach(turn: Turn, name: str) -> Folder:
    """Take away the file that attaches a folder, and commit that; the documents stay.

    Raises:
        UsageProblem: there is no such folder.
        BlockChanged: its file was saved by somebody at this moment.
        DiskProblem: the disk refused.
    """
    folders = {folder.name: folder for folder in turn.home.folders.load().folders}
    wanted = layout.folded(name.removesuffix(".toml"))
    found = next((f for f in folders.values() if layout.folded(f.name) == wanted), None)
    if found is None:
        known = ", ".join(folders) or "none"
        raise UsageProblem(f"There is no attached folder named {name!r}. Folders: {known}.")
    path = turn.home.folders.path_of(found.name)
    turn.write_file(path, None, expected=turn.bytes_of(path))
    prefix = f"{found.name}/"
    views = turn.views
    kept = tuple(view for view in views if not view.file.startswith(prefix))
    if kept != views:
        turn.set_views(kept)
    turn.commit_own(f"Detach {found.name}", {"Lettafs-Adopted": "true"}, author=turn.person)
    return found


def _existing(path: Path) -> str:
    try:
        given = path.expanduser()
    except RuntimeError as error:
        raise UsageProblem(f"{path} names no one's home directory.") from error
    real = os.path.realpath(given)
    try:
        mode = os.stat(real).st_mode
    except PermissionError as error:  # of a directory above it
        raise UsageProblem(f"{path} cannot be read: look at its permissions.") from error
    except (OSError, ValueError) as error:  # a name that is too long, or holds a NUL
        raise UsageProblem(f"There is nothing at {path} to attach: look at the path.") from error
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise UsageProblem(
            f"{path} is neither a directory nor a regular file: attach a folder or a document."
        )
    if not os.access(real, os.R_OK):
        raise UsageProblem(f"{path} cannot be read: look at its permissions.")
    return real


def _written(root: Path, real: str) -> str:
    """Return a real path as a folder's file says it: short, and without the user's name."""
    path = Path(real)
    if path == root or root.is_relative_to(path):
        raise UsageProblem(
            f"{path} holds the agent itself: attach a folder beside it, or one inside it."
        )
    if path.is_relative_to(root):
        inside = path.relative_to(root)
        if inside.parts[0] in (layout.GIT, layout.LETTAFS, layout.ENV):
            raise UsageProblem(f"{path} is part of the agent itself, not a folder of documents.")
        return inside.as_posix()
    user = Path.home().resolve()
    if path.is_relative_to(user) and path != user:
        return f"~/{path.relative_to(user).as_posix()}"
    return str(path)


def _updated(folder: Folder, about: Folder) -> Folder:
    return replace(
        folder,
        description=about.description or folder.description,
        instructions=about.instructions or folder.instructions,
        include=about.include or folder.include,
        exclude=about.exclude or folder.exclude,
        gitignore=folder.gitignore and about.gitignore,
        archives=folder.archives or about.archives,
    )


def _free_name(given: str, present: Collection[str]) -> str:
    """Return a name made of the path's last part that no folder has."""
    last = Path(given).name if os.path.isdir(given) else Path(given).stem
    name = re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFC", last)).strip("-. ")[:40]
    if not layout.is_safe_folder_name(name):
        name = "folder"
    if _meets(name, present) is None:
        return name
    return next(
        other for number in range(2, 10_000) if not _meets(other := f"{name}-{number}", present)
    )


def _meets(name: str, present: Collection[str]) -> str | None:
    return next((other for other in present if layout.folded(other) == layout.folded(name)), None)
