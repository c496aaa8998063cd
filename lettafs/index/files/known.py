"""What is known of files: the catalog, as it changes while folders are looked at and files read.

The catalog on disk is of one process at a time: another one that meets it being written works on
what it can see, and keeps nothing.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from lettafs.disk import derived, fingerprint, lock
from lettafs.disk.beneath import stamp_beneath
from lettafs.disk.fingerprint import Stamp
from lettafs.errors import DiskProblem
from lettafs.index.files.catalog import (
    Catalog,
    Entry,
    FolderCatalog,
    load_catalog,
    save_catalog,
    shown_name,
)
from lettafs.index.files.glance import CATALOG
from lettafs.index.files.sweep import sweep
from lettafs.index.files.swept import Found, looks_the_same
from lettafs.index.files.task import LIGHT, Task, rules_of
from lettafs.values.file import FileInfo
from lettafs.values.folder import Folder

if TYPE_CHECKING:
    from lettafs.index.files.reading import Reading

__all__ = ["Known"]

_LOCK = "lock"
_FEWEST_DEAD = 1_000


class Known:
    """The catalog of one home's files; several threads may use it."""

    def __init__(self, directory: Path | None, *, root: Path, key: bytes | None) -> None:
        self._directory = directory if key is not None else None
        self._root = root
        self._key = key or b""
        self._lock = threading.RLock()
        self._catalog: Catalog | None = None
        self._seen: Stamp | None = None
        """The catalog's file when it was last read or written."""
        self._by_name: dict[str, tuple[str, str]] = {}
        """Folder and path of each file, by name."""
        self._alive: Counter[str] = Counter()
        """How many files have each content."""
        self._listed_set: set[str] | None = None
        self._unsaved = False
        self._ours = False
        self._version = 0
        self._names: tuple[int, dict[str, tuple[str, ...]]] | None = None
        self._listing: tuple[int, list[FileInfo]] | None = None
        self._fingerprint: tuple[int, str] | None = None

    # -- asked ---------------------------------------------------------------------------------

    @property
    def is_loaded(self) -> bool:
        """Whether the catalog is in memory."""
        return self._catalog is not None

    @property
    def version(self) -> int:
        """Another number whenever anything has changed."""
        return self._version

    def kept(self, version: int) -> Stamp | None:
        """Return what the catalog's file looks like; None: it does not hold what was known then.

        Args:
            version: as `version` was.
        """
        with self._lock:
            if self._directory is None or self._unsaved or self._version != version:
                return None
            now = fingerprint.stamp(self._directory / CATALOG)
            return now if now == self._seen else None

    def seen(self, folder: str) -> FolderCatalog | None:
        """Return what is known of a folder."""
        with self._lock:
            return self._get().folders.get(folder)

    @property
    def is_empty(self) -> bool:
        """Whether no folder is known."""
        return self._catalog is None or not self._catalog.folders

    def files(self, folder: str) -> list[FileInfo]:
        """Return the files of a folder, sorted by path."""
        with self._lock:
            known = self._get().folders.get(folder)
            return [] if known is None else [entry.info for entry in known.entries.values()]

    def listing(self) -> list[FileInfo]:
        """Return every file, sorted by name."""
        with self._lock:
            if self._listing is None or self._listing[0] != self._version:
                infos = [self._entry(name).info for name in sorted(self._by_name)]
                self._listing = (self._version, infos)
            return list(self._listing[1])

    def info(self, name: str) -> FileInfo | None:
        """Return what is known of one file."""
        with self._lock:
            return self._entry(name).info if name in self._by_name else None

    def stamp(self, name: str) -> Stamp | None:
        """Return what a file looked like when it was read; None: it is to be read again."""
        with self._lock:
            return self._entry(name).stamp if name in self._by_name else None

    def left_out(self, folder: str) -> tuple[tuple[str, str], ...]:
        """Return what was seen in a folder and not taken for a file, and why."""
        with self._lock:
            known = self._get().folders.get(folder)
            return () if known is None else tuple(known.swept.skipped)

    def waiting(self) -> int:
        """Return how many files are not read."""
        return sum(info.state == "waiting" for info in self.listing())

    def contents(self) -> list[str]:
        """Return the hashes of all contents, in the order they were first seen."""
        with self._lock:
            return list(self._get().contents)

    def of_content(self, sha256: str) -> list[FileInfo]:
        """Return the files that have this content, sorted by name."""
        with self._lock:
            return [self._entry(name).info for name in self.names().get(sha256, ())]

    def hashes(self) -> set[str]:
        """Return the hashes of the bytes of all files, as far as they were read."""
        return {info.sha256 for info in self.listing() if info.sha256 is not None}

    def names(
        self, *, folder: str | None = None, files: Collection[str] | None = None
    ) -> dict[str, tuple[str, ...]]:
        """Return, by content, the names of the files that can be searched, sorted.

        Args:
            folder: only of this folder.
            files: only these.
        """
        with self._lock:
            if self._names is None or self._names[0] != self._version:
                self._names = (self._version, _names_of(self.listing()))
            if folder is None and files is None:
                return self._names[1]
            wanted = [
                info
                for info in self.listing()
                if folder in (None, info.folder) and (files is None or info.name in files)
            ]
            return _names_of(wanted)

    def fingerprint(self) -> str:
        """Return what is equal while the same contents can be searched."""
        with self._lock:
            if self._fingerprint is None or self._fingerprint[0] != self._version:
                made = blake2b(digest_size=16)
                for sha256 in sorted(self.names()):
                    made.update(bytes.fromhex(sha256))
                self._fingerprint = (self._version, made.hexdigest())
            return self._fingerprint[1]

    # -- looked at -----------------------------------------------------------------------------

    def sweep(
        self,
        folder: Folder,
        path: Path,
        *,
        only_names: bool,
        has_text: Callable[[str], bool],
        stop: Callable[[], bool],
    ) -> list[Task]:
        """Look at a folder, take over which files there are, and return those to be read.

        Args:
            folder: the folder.
            path: its real path.
            only_names: True: where no name has come or gone nothing is looked at, and what is known
                of a file that is still there stays.
            has_text: tells whether the converted text of a content is at hand.
            stop: asked now and then; a look that was stopped changes nothing.

        Raises:
            FileNotFoundError: there is no such directory.
            DiskProblem: it cannot be read.
        """
        rules = rules_of(folder)
        with self._lock:
            old = self._get().folders.get(folder.name)
            if old is not None and old.root != str(path):
                old = None
        before = old.swept if old is not None and old.rules == rules else None
        if only_names and before is not None and looks_the_same(path, before):
            return []
        swept = sweep(path, folder, before=before, stop=stop)
        if stop():
            return []
        with self._lock:
            current = self._get().folders.get(folder.name)
            if current is not None and current.root != str(path):
                current = None
            entries = {} if current is None else current.entries
            # A zip is read by one rule and not by another.
            same_rules = current is not None and current.rules == rules
            taken = {entry.info.name for entry in entries.values()}
            fresh: dict[str, Entry] = {}
            for found in swept.files:
                entry = entries.get(found.path)
                kept = entry is not None and (
                    (only_names or _is_same(entry, found, has_text=has_text))
                    and (same_rules or entry.info.kind != "zip")
                )
                if entry is None or not kept:
                    entry = _unread(folder.name, found, entry, taken)
                taken.add(entry.info.name)
                fresh[found.path] = entry
            known = FolderCatalog(root=str(path), rules=rules, swept=swept, entries=fresh)
            if known != current:
                self._put(folder.name, known)
            return [
                Task(entry.info, path, folder.archives)
                for entry in fresh.values()
                if entry.info.state == "waiting"
            ]

    def looked_at_again(self, task: Task) -> Task | None:
        """Return a task for its file as it looks by now; None: it is gone."""
        stamp = stamp_beneath(task.root, task.info.path)
        if stamp is None:
            return None
        info = replace(task.info, size=stamp.size, modified_ns=stamp.mtime_ns)
        return replace(task, info=info)

    # -- read ----------------------------------------------------------------------------------

    def read(self, task: Task, reading: Reading) -> None:
        """Take over what a file says, unless it is gone or has another place by now."""
        self._change(task, Entry(reading.info, reading.stamp))

    def gone(self, task: Task) -> None:
        """Forget a file that was not there when it was to be read."""
        self._change(task, None)

    def failed(self, task: Task, reason: str) -> None:
        """Note that reading a file went wrong in a way nobody expected."""
        self._change(task, Entry(replace(task.info, state="failed", reason=reason), None))

    def set_waiting(self, info: FileInfo) -> None:
        """Note that a file is being read again."""
        with self._lock:
            if info.name in self._by_name:
                entry = self._entry(info.name)
                if entry.info.state != "waiting":
                    waiting = replace(entry.info, state="waiting")
                    self._set(info.folder, info.path, Entry(waiting, None))

    def _change(self, task: Task, entry: Entry | None) -> None:
        info = task.info
        with self._lock:
            folder = self._get().folders.get(info.folder)
            if folder is None or folder.root != str(task.root) or info.path not in folder.entries:
                return
            self._set(info.folder, info.path, entry)

    def _set(self, folder: str, path: str, entry: Entry | None) -> None:
        known = self._get().folders[folder]
        before = known.entries[path].info
        if entry is None:
            del known.entries[path]
            self._by_name.pop(before.name, None)
        else:
            known.entries[path] = entry
        after = None if entry is None else entry.info
        fresh = _content(after)
        if fresh is not None:
            self._list(fresh)
            self._alive[fresh] += 1
        old = _content(before)
        if old is not None:
            self._alive[old] -= 1
        self._changed()

    def list_again(self, contents: Collection[str]) -> None:
        """List contents once more: the index came to them when there was nothing to read."""
        with self._lock:
            self._get().contents.extend(contents)
            self._changed()

    def _list(self, sha256: str) -> None:
        """List a content, unless it is listed from before."""
        if sha256 not in self._listed():
            self._get().contents.append(sha256)
            self._listed().add(sha256)

    def _listed(self) -> set[str]:
        if self._listed_set is None:
            self._listed_set = set(self._get().contents)
        return self._listed_set

    # -- folders that go -----------------------------------------------------------------------

    def forget_folders(self, kept: Collection[str]) -> None:
        """Forget all folders but these."""
        with self._lock:
            for name in [name for name in self._get().folders if name not in kept]:
                self.forget_folder(name)

    def forget_folder(self, name: str) -> None:
        """Forget a folder that is detached or cannot be reached."""
        with self._lock:
            if name in self._get().folders:
                self._put(name, None)

    def _put(self, name: str, catalog: FolderCatalog | None) -> None:
        folders = self._get().folders
        old = folders.pop(name, None)
        for entry in old.entries.values() if old is not None else ():
            self._by_name.pop(entry.info.name, None)
            if (sha256 := _content(entry.info)) is not None:
                self._alive[sha256] -= 1
        if catalog is not None:
            folders[name] = catalog
            for path, entry in catalog.entries.items():
                self._by_name[entry.info.name] = (name, path)
                if (sha256 := _content(entry.info)) is not None:
                    self._list(sha256)
                    self._alive[sha256] += 1
        self._changed()

    # -- on disk -------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the catalog for this process inside the block, and keep it at the end.

        While another process has it, nothing is kept.
        """
        held = None
        if self._directory is not None:
            with suppress(DiskProblem):
                derived.make(self._directory, root=self._root)
                about = {"cmd": "lettafs", "since": datetime.now(UTC).isoformat(timespec="seconds")}
                held = lock.acquire(self._directory / _LOCK, about=about)
        try:
            self.load()
            self._ours = held is not None
            yield
            self.save()
        finally:
            self._ours = False
            if held is not None:
                held.release()

    def load(self) -> None:
        """Take over what another process has found out, if there is any."""
        if self._directory is None:
            return
        with self._lock:
            seen = fingerprint.stamp(self._directory / CATALOG)
            if self._unsaved or (self._catalog is not None and seen == self._seen):
                return
            if not derived.is_safe(self._directory, root=self._root):
                return
            loaded = load_catalog(self._directory / CATALOG, key=self._key)
            if loaded is not None or self._catalog is None:
                self._take(loaded or Catalog({}, []))
            elif self._catalog.folders:
                self._unsaved = True  # somebody took the file away: it is written anew
            self._seen = seen

    def save(self) -> None:
        """Keep the catalog, if it has changed and is held; a disk that refuses costs only time."""
        with self._lock:
            if self._directory is None or not self._unsaved or not self._ours:
                return
            self._compact()
            with suppress(DiskProblem, OSError):
                save_catalog(self._directory / CATALOG, self._get(), key=self._key)
                self._seen = fingerprint.stamp(self._directory / CATALOG)
                self._unsaved = False

    def discard(self) -> None:
        """Forget everything, on disk too."""
        with self._lock:
            self._take(Catalog({}, []))
            self._unsaved = False
            self._seen = None
            if self._directory is not None and derived.is_safe(self._directory, root=self._root):
                derived.drop(self._directory, [CATALOG])

    def _compact(self) -> None:
        """Leave out contents nobody has, when they are most of the list."""
        contents = self._get().contents
        alive = sum(1 for sha256 in self._alive.values() if sha256 > 0)
        if len(contents) > 2 * alive + _FEWEST_DEAD:
            contents[:] = [sha256 for sha256 in contents if self._alive[sha256] > 0]
            self._listed_set = None

    def _take(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._by_name.clear()
        self._alive.clear()
        self._listed_set = None
        for name, folder in catalog.folders.items():
            for path, entry in folder.entries.items():
                self._by_name[entry.info.name] = (name, path)
                if (sha256 := _content(entry.info)) is not None:
                    self._alive[sha256] += 1
        self._version += 1

    def _get(self) -> Catalog:
        if self._catalog is None:
            self._catalog = Catalog({}, [])
            self.load()
        return self._catalog

    def _entry(self, name: str) -> Entry:
        folder, path = self._by_name[name]
        return self._get().folders[folder].entries[path]

    def _changed(self) -> None:
        self._version += 1
        self._unsaved = True


def _content(info: FileInfo | None) -> str | None:
    """Return the content a file has, or had when it was last read, if that has text.

    That is what its bytes say read as its kind: `a.txt` and `a.html` with the same bytes are two.
    """
    if info is None or not info.chars or info.sha256 is None or info.kind in LIGHT:
        return info.sha256 if info is not None and info.chars else None
    return blake2b(f"{info.kind} {info.sha256}".encode(), digest_size=32).hexdigest()


def _names_of(infos: Collection[FileInfo]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for info in infos:
        if info.state == "ready" and (content := _content(info)) is not None:
            found.setdefault(content, []).append(info.name)
    return {sha256: tuple(names) for sha256, names in found.items()}


def _is_same(entry: Entry, found: Found, *, has_text: Callable[[str], bool]) -> bool:
    """Tell whether a file is as it was when it was read, and its text at hand."""
    info = entry.info
    if info.state == "waiting" or entry.stamp is None or entry.stamp != found.stamp:
        return False
    light = info.state != "ready" or info.kind in LIGHT or info.sha256 is None
    return light or has_text(info.sha256 or "")


def _unread(folder: str, found: Found, before: Entry | None, taken: set[str]) -> Entry:
    """Return the entry of a file that is to be read, with what it was when it was read before."""
    if before is not None:
        info = before.info
    else:
        name = shown_name(folder, found.path, taken)
        info = FileInfo(folder, found.path, name, 0, 0, kind="", state="waiting")
    fresh = replace(
        info, size=found.stamp.size, modified_ns=found.stamp.mtime_ns, state="waiting", reason=""
    )
    return Entry(fresh, None)
