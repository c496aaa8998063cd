"""The overview: the folders and how their files are shown, from a glance where that still holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lettafs.disk import fingerprint
from lettafs.index.files.glance import CATALOG, Glance, Glimpsed, load_glance, save_glance
from lettafs.index.files.swept import Swept, looks_the_same
from lettafs.index.files.task import rules_of
from lettafs.values.file import FileInfo
from lettafs.values.folder import Folder, FolderInfo

if TYPE_CHECKING:
    from lettafs.index.files.catalog import FolderCatalog
    from lettafs.index.files.known import Known

__all__ = ["Outlines", "Overview", "Places", "Render", "counted", "info_of"]

Places = Mapping[str, tuple[Folder, Path]]
"""The folders that can be reached, by name, each with its real path."""

Outlines = Mapping[str, Sequence[str]]
"""The lines that show the files of each folder, by its name."""

Render = Callable[[Mapping[str, Sequence[FileInfo]]], Outlines]
"""From the files of each folder, by its name, to how they are shown."""


class Overview:
    """Overviews of one home's files."""

    def __init__(
        self, known: Callable[[], Known], directory: Path | None, *, key: bytes | None
    ) -> None:
        """Make one; nothing is read yet.

        Args:
            known: gives the catalog.
            directory: where it lies; None: nothing is kept.
            key: the user's.
        """
        self._known = known
        self._directory = directory if key is not None else None
        self._key = key or b""
        self._made: tuple[tuple[int, str, Sequence[str]], Outlines] | None = None
        """The last outlines, and what they are of: what was known, how it is shown, which folders.
        """

    def kept(self, places: Places, *, version: str | None = None) -> Glance | None:
        """Return the glance that was kept, if it holds for the catalog that is on disk.

        Args:
            places: the folders.
            version: of how files are shown; None: any.
        """
        if self._directory is None:
            return None
        glance = load_glance(self._directory, key=self._key)
        catalog = fingerprint.stamp(self._directory / CATALOG)
        if glance is None or glance.catalog != catalog or glance.folders.keys() != places.keys():
            return None
        if version is not None and glance.version != version:
            return None
        for name, (folder, path) in places.items():
            seen = glance.folders[name]
            if seen.root != str(path) or seen.rules != rules_of(folder):
                return None
            swept = Swept((), (), seen.directories, seen.swept_rules)
            if not looks_the_same(path, swept):
                return None
        return glance

    def outlines(self, names: Sequence[str], render: Render, *, version: str) -> Outlines:
        """Return how the files of folders are shown, and keep that for a glance.

        Args:
            names: of the folders.
            render: shows files.
            version: changes with what that gives.
        """
        known = self._known()
        # Before all else: what other threads find out meanwhile is shown the next time.
        now = known.version
        of = (now, version, tuple(names))
        made = self._made
        if made is None or made[0] != of:
            seen = {name: known.seen(name) for name in names}
            files = {name: sorted(known.files(name), key=lambda info: info.name) for name in names}
            made = self._made = (of, render(files))
            self._keep(seen, files, made[1], now=now, version=version)
        return made[1]

    def _keep(
        self,
        seen: Mapping[str, FolderCatalog | None],
        files: Mapping[str, Sequence[FileInfo]],
        outlines: Outlines,
        *,
        now: int,
        version: str,
    ) -> None:
        known = self._known()
        made_of = known.fingerprint()
        catalog = known.kept(now)
        if self._directory is None or catalog is None:
            return
        folders: dict[str, Glimpsed] = {}
        for name, infos in files.items():
            of = seen[name]
            if of is None:
                continue  # it cannot be reached
            if None in of.swept.directories.values() or not of.swept.is_whole:
                return  # it would not hold the next time either
            folders[name] = Glimpsed(
                of.root,
                of.rules,
                of.swept.directories,
                of.swept.rules,
                counted(infos),
                tuple(outlines[name]),
            )
        save_glance(self._directory, Glance(catalog, version, made_of, folders), key=self._key)


def counted(infos: Sequence[FileInfo]) -> tuple[int, int, int, int, int, int]:
    """Return how many files there are, of each state, and their bytes; as in `Glimpsed.counts`."""
    states = [info.state for info in infos]
    return (
        len(infos),
        states.count("ready"),
        states.count("waiting"),
        states.count("empty"),
        states.count("failed"),
        sum(info.size for info in infos),
    )


def info_of(
    folder: Folder,
    place: Path | None,
    trouble: str,
    counts: tuple[int, int, int, int, int, int],
    left_out: tuple[tuple[str, str], ...] = (),
) -> FolderInfo:
    """Return what is told of a folder."""
    files, ready, waiting, empty, failed, size = counts
    return FolderInfo(
        folder,
        place=None if place is None else str(place),
        trouble=trouble,
        files=files,
        ready=ready,
        waiting=waiting,
        empty=empty,
        failed=failed,
        size=size,
        left_out=left_out,
    )
