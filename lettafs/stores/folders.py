"""Folders: which documents the agent's owner attached, one file in `folders/` each."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from lettafs.disk import atomic, fingerprint
from lettafs.disk.fingerprint import Stamp
from lettafs.errors import DiskProblem
from lettafs.format import folder_toml, layout
from lettafs.values.folder import Folder
from lettafs.values.problem import Problem

__all__ = ["Folders", "LoadedFolders"]

_MAX_BYTES = 128 * 1024


@dataclass(frozen=True, slots=True)
class LoadedFolders:
    """The folders there are, by name, and what is wrong with their files."""

    folders: tuple[Folder, ...]
    problems: tuple[Problem, ...]


class Folders:
    """The attached folders of one home; their files are read again only where they look changed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, tuple[Stamp, Folder | None, tuple[Problem, ...]]] = {}

    def load(self) -> LoadedFolders:
        """Return the folders as the files are now, sorted by name. Never fails."""
        found: dict[str, Folder] = {}
        problems: list[Problem] = []
        folded: dict[str, str] = {}
        known: dict[str, tuple[Stamp, Folder | None, tuple[Problem, ...]]] = {}
        for path in self._paths():
            stamp = fingerprint.stamp(self._root / path)
            if stamp is None:
                said = "it is no regular file, and is not opened; nothing is attached by it"
                problems.append(Problem("folder", path, said))
                continue
            kept = self._known.get(path)
            if kept is None or kept[0] != stamp:
                try:
                    data = atomic.read_bytes(self._root / path, max_bytes=_MAX_BYTES)
                except FileNotFoundError:
                    continue
                except DiskProblem as error:
                    problems.append(Problem("folder", path, str(error).rstrip(".")))
                    continue
                kept = (stamp, *folder_toml.parse_folder(data, path=path))
            known[path] = kept
            _, folder, wrong = kept
            problems += wrong
            if folder is None:
                continue
            key = layout.folded(folder.name)
            if key in folded:
                said = f"its name is that of {folded[key]} on some systems; it is left out"
                problems.append(Problem("folder", path, said, remedy="rename one of them"))
                continue
            folded[key] = path
            found[folder.name] = folder
        # A stamp taken right after a save may hide the next one: such a file is read again.
        self._known = {path: kept for path, kept in known.items() if _is_old(kept[0])}
        return LoadedFolders(tuple(found[name] for name in sorted(found)), tuple(problems))

    @property
    def is_any(self) -> bool:
        """Whether any file attaches a folder, or tries to."""
        return bool(self._paths())

    def path_of(self, name: str) -> str:
        """Return the path of the file that attaches a folder; the usual one where there is none.

        A file's name may be written otherwise than the folder's: not composed (NFC), as some
        systems do.
        """
        found = (path for path in self._paths() if layout.folder_name(path) == name)
        return next(found, layout.folder_path(name))

    def _paths(self) -> list[str]:
        directory = self._root / layout.FOLDERS
        try:
            if directory.is_symlink():
                return []
            names = os.listdir(directory)
        except OSError:
            return []
        return sorted(
            f"{layout.FOLDERS}/{name}"
            for name in names
            if name.endswith(".toml") and not name.startswith(".")
        )


def _is_old(stamp: Stamp) -> bool:
    return fingerprint.is_settled(stamp, taken_at_ns=time.time_ns())
