"""A sweep: which files lie in a folder, and what each looks like, without opening any of them.

Only directories and files of the folder itself are seen: no link is followed. The order is that of
the paths, so that the same ones are taken wherever there are too many. A sweep remembers what the
directories looked like; a later one lists those again that have changed, and looks at the files of
the others by the names it knows. What is found is as of some moment of the sweep: a file or link
that is put in the place of another while it goes on is for `disk.beneath` to refuse, and for the
next sweep to see.
"""

from __future__ import annotations

import errno
import itertools
import os
import stat
import time
from collections.abc import Callable, Mapping
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import assert_never

from lettafs.disk import fingerprint
from lettafs.disk.beneath import is_sure, read_beneath, why
from lettafs.disk.fingerprint import Stamp
from lettafs.errors import DiskProblem
from lettafs.index.files.ignore import GITIGNORE, Here, here_at, rules_of
from lettafs.index.files.swept import Found, Swept, base_of, by_directory, is_as, looks_the_same
from lettafs.values.folder import Folder

__all__ = ["Found", "Swept", "looks_the_same", "sweep"]

MAX_FILES = 100_000
MAX_DEPTH = 64
MAX_SKIPPED = 1_000
_MAX_GITIGNORE_BYTES = 2**18
_ASK_EVERY = 256
"""Files between two questions whether to stop."""

_LINK = "a symbolic link: what it points to is read only where it lies"
_ODD = "a pipe, a socket or a device: it is not opened"


def sweep(
    root: Path,
    folder: Folder,
    *,
    before: Swept | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Swept:
    """Return which files lie in a folder.

    Args:
        root: real path of the folder, or of the single file it is.
        folder: whose rules say what is left out; of a single file nothing is.
        before: an earlier sweep of the same place, which makes this one cheaper; what is found is
            the same.
        stop: asked now and then. When it says so `before` comes back, or what was seen so far where
            there is none.

    Raises:
        FileNotFoundError: nothing is at `root`.
        DiskProblem: it cannot be read, or is neither a directory nor a file. The text is a clause.
    """
    status = _look_at_root(root)
    rules = rules_of(folder)
    if stat.S_ISREG(status.st_mode):
        return Swept((Found(root.name, _stamp(status)),), rules=rules)
    if before is not None and (before.rules != rules or "" not in before.directories):
        before = None
    walk = _Walk(root, folder, before, stop)
    try:
        walk.enter("", here_at(folder), depth=0, same=before is not None)
    except _TooMany:
        pass  # what was taken is the first of it, in order
    except _Stop:
        if before is not None:
            return before
        found, skipped = tuple(walk.files), tuple(walk.skipped)
        return Swept(found, skipped, {"": None}, rules, is_whole=False)
    # A drive that is pulled out meanwhile looks as if its files had been deleted.
    if _look_at_root(root).st_ino != status.st_ino:
        raise DiskProblem("another directory took its place while it was looked at", path=root)
    return Swept(tuple(walk.files), walk.told(), MappingProxyType(walk.directories), rules)


class _Stop(Exception):
    """Somebody wanted the sweep to stop."""


class _TooMany(Exception):
    """There are more files than are taken."""


class _Walk:
    """One sweep, as far as it has come."""

    def __init__(
        self, root: Path, folder: Folder, before: Swept | None, stop: Callable[[], bool]
    ) -> None:
        self.files: list[Found] = []
        self.skipped: list[tuple[str, str]] = []
        self.directories: dict[str, Stamp | None] = {}
        self._base = base_of(root)
        self._root = root
        self._gitignore = folder.gitignore
        self._before: Mapping[str, Stamp | None] = {} if before is None else before.directories
        self._known = {} if before is None else by_directory(before)
        self._stop = stop
        self._unasked = 0
        self._untold = 0

    def told(self) -> tuple[tuple[str, str], ...]:
        """Return what was skipped, sorted by path."""
        more = f"and {self._untold:,} more that are no files to read"
        return (*sorted(self.skipped), *([("", more)] if self._untold else []))

    def enter(self, prefix: str, here: Here, *, depth: int, same: bool) -> None:
        """Look into a directory and those in it.

        Args:
            prefix: the directory, with a slash at the end; empty for the root.
            here: what is left out in it, but for its own `.gitignore`.
            depth: how far below the root it is.
            same: whether all that is above says so as it did before.

        Raises:
            _TooMany: not all of it was taken.
        """
        self._ask()
        place = (self._base + prefix).rstrip("/") or "/"
        taken_at_ns = time.time_ns()
        try:
            status = os.lstat(place)
            if not stat.S_ISDIR(status.st_mode):
                return  # something else took its place; the directory above has changed
            seen = _stamp(status)
            self.directories[prefix] = None  # until all of it is known
            here, same = self._with_gitignore(prefix, here, same=same)
            listed = None
            if same and self._before.get(prefix) == seen:
                listed = self._seen_again(prefix, here)
            if listed is not None:
                is_sure_of_all = prefix not in self._known or self._skip(
                    self._known[prefix].skipped
                )
            else:
                listed, is_sure_of_all = self._list(place, prefix, here, depth=depth)
        except (FileNotFoundError, NotADirectoryError):
            self.directories.pop(prefix, None)
            return
        except OSError as error:
            if not prefix:
                raise DiskProblem(why(error), path=self._root) from error
            self.directories[prefix] = None
            self._skip([(prefix[:-1], f"a directory that cannot be listed: {why(error)}")])
            return
        for name, found in listed:
            if isinstance(found, Found):
                self._take(found)
            else:
                self.enter(prefix + name, found, depth=depth + 1, same=same)
        if is_sure_of_all and is_sure(seen, taken_at_ns=taken_at_ns):
            self.directories[prefix] = seen

    def _take(self, found: Found) -> None:
        if len(self.files) >= MAX_FILES:
            reason = f"there are more than {MAX_FILES:,} files: it and those after it are left out"
            self.skipped.append((found.path, reason))
            raise _TooMany
        self.files.append(found)

    def _ask(self, *, files: int = _ASK_EVERY) -> None:
        self._unasked += files
        if self._unasked >= _ASK_EVERY:
            self._unasked = 0
            if self._stop():
                raise _Stop

    def _skip(self, skipped: list[tuple[str, str]]) -> bool:
        """Note what is not taken; False: there is more of it than is told."""
        room = max(0, MAX_SKIPPED - len(self.skipped))
        self.skipped += skipped[:room]
        self._untold += len(skipped[room:])
        return len(skipped) <= room

    def _with_gitignore(self, prefix: str, here: Here, *, same: bool) -> tuple[Here, bool]:
        """Return what is left out in a directory, and whether that is as it was before."""
        if not self._gitignore:
            return here, same
        key = prefix + GITIGNORE
        taken_at_ns = time.time_ns()
        seen = fingerprint.stamp(self._base + key)
        before = self._before.get(key)
        if seen is None:  # none, or a link, which git does not read either
            return here, same and key not in self._before
        self.directories[key] = None
        try:
            data, seen = read_beneath(self._root, key, max_bytes=_MAX_GITIGNORE_BYTES)
        except FileNotFoundError:
            return here, False
        except DiskProblem as error:
            self._skip([(key, f"what it says is not heeded: {error}")])
            return here, False
        if is_sure(seen, taken_at_ns=taken_at_ns):
            self.directories[key] = seen
        return here.with_gitignore(os.fsdecode(data)), same and seen == before

    def _seen_again(self, prefix: str, here: Here) -> list[tuple[str, Found | Here]] | None:
        """Return what is in a directory that has not changed; None: it has to be listed after all.

        What is in it is looked at all the same: writing to a file does not change its directory.
        """
        known = self._known.get(prefix)
        if known is None:
            return []
        listed: list[tuple[str, Found | Here]] = []
        begin = len(prefix)
        base, lstat, is_regular = self._base, os.lstat, stat.S_ISREG
        for found in known.files:
            try:
                status = lstat(base + found.path)
            except (OSError, ValueError):
                return None
            if not is_regular(status.st_mode):
                return None
            if not is_as(status, found.stamp):
                found = Found(found.path, _stamp(status))
            listed.append((found.path[begin:], found))
        self._ask(files=len(listed))
        for name in known.directories:
            inner = here.enter(name)
            if inner is not None:
                listed.append((f"{name}/", inner))
        listed.sort(key=itemgetter(0))
        return listed

    def _list(
        self, place: str, prefix: str, here: Here, *, depth: int
    ) -> tuple[list[tuple[str, Found | Here]], bool]:
        """Return what is in a directory, in order, and whether all of it could be looked at."""
        listed: list[tuple[str, Found | Here]] = []
        skipped: list[tuple[str, str]] = []
        is_sure_of_all = True
        files = 0
        with os.scandir(place) as entries:
            for entry in entries:
                name = entry.name
                try:
                    found = self._judge(entry, prefix + name, here)
                except FileNotFoundError:
                    continue  # gone since it was listed
                except (OSError, ValueError) as error:
                    reason = why(error) if isinstance(error, OSError) else "its name is odd"
                    found = f"it cannot be looked at: {reason}"
                    is_sure_of_all = False
                if isinstance(found, Here) and depth == MAX_DEPTH:
                    found = f"it lies more than {MAX_DEPTH} directories deep"
                match found:
                    case None:
                        pass
                    case str():
                        skipped.append((prefix + name, found))
                    case Here():
                        listed.append((f"{name}/", found))
                    case Found():
                        listed.append((name, found))
                        files += 1
                    case _:
                        assert_never(found)
                if files > 2 * MAX_FILES:
                    listed, files = _first(listed), MAX_FILES + 1
        listed.sort(key=itemgetter(0))
        return listed, self._skip(sorted(skipped)) and is_sure_of_all

    def _judge(self, entry: os.DirEntry[str], path: str, here: Here) -> Found | Here | str | None:
        """Return the file, what is left out in the directory, or why it is neither; None: out."""
        self._ask(files=1)
        if entry.is_dir(follow_symlinks=False):
            return here.enter(entry.name)
        if not here.has_file(entry.name):
            return None
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISREG(status.st_mode):
            return Found(path, _stamp(status))
        return _LINK if stat.S_ISLNK(status.st_mode) else _ODD


def _first(listed: list[tuple[str, Found | Here]]) -> list[tuple[str, Found | Here]]:
    """Return the first of a directory, as far as they can be reached before there are too many."""
    listed.sort(key=itemgetter(0))
    places = (place for place, (_, found) in enumerate(listed) if isinstance(found, Found))
    return listed[: next(itertools.islice(places, MAX_FILES, None)) + 1]


def _look_at_root(root: Path) -> os.stat_result:
    try:
        status = os.lstat(root)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(errno.ENOENT, "it is not there", str(root)) from error
    except OSError as error:
        raise DiskProblem(why(error), path=root) from error
    if not stat.S_ISDIR(status.st_mode) and not stat.S_ISREG(status.st_mode):
        is_link = stat.S_ISLNK(status.st_mode)
        raise DiskProblem(f"it is {_LINK if is_link else _ODD}", path=root)
    return status


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
