"""The files of one home's attached folders: which there are, what they say, and search in them.

Everything known of them is derived: a catalog of what was seen, converted texts, an index of words
and vectors of meaning. What is asked here answers for the files as they are; `refresh` looks at
them again, and reads what has changed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lettafs.disk import atomic, derived
from lettafs.disk.beneath import stamp_beneath
from lettafs.errors import DiskProblem, LettafsError
from lettafs.index.files.overview import (
    Outlines,
    Overview,
    Places,
    Render,
    counted,
    info_of,
)
from lettafs.index.files.place import Allowed, placed
from lettafs.index.files.task import LIGHT, Task
from lettafs.index.files.workers import Workers
from lettafs.index.place import IndexPlace
from lettafs.stores.folders import Folders
from lettafs.values.file import FileInfo, FileText
from lettafs.values.folder import Folder, FolderInfo
from lettafs.values.hit import Hit
from lettafs.values.progress import Progress

if TYPE_CHECKING:
    from lettafs.embed.base import Embedder
    from lettafs.index.files.finding import Finding
    from lettafs.index.files.glance import Glance
    from lettafs.index.files.known import Known
    from lettafs.index.files.reading import Reader

__all__ = ["Files"]

FILES = "files"
_CAUGHT_UP = "caught-up"
_QUIET_S = 0.2
"""A file younger than this may still be being written."""
_LOOKS = 3
_HURRY_S = 0.5
"""How often what was read so far is made known while there is much to read."""


def _never() -> bool:
    return False


class Files:
    """The attached files of one home; several threads may ask at once."""

    def __init__(
        self,
        root: Path,
        folders: Folders,
        *,
        place: IndexPlace | None,
        allowed: Allowed,
        embedding: Callable[[], str | None],
        embedder: Callable[[], Embedder | None],
    ) -> None:
        """Make one; nothing is read yet.

        Args:
            root: the home.
            folders: which are attached.
            place: where what is derived lies; None: it is kept in memory.
            allowed: says which places outside the home may be read.
            embedding: says which embedder the agent has now, by handle.
            embedder: gives it.
        """
        self._root = root
        self._folders = folders
        self._allowed = allowed
        self._embedding = embedding
        self._embedder = embedder
        self._key = place.key() if place is not None else None
        directory = place.directory / FILES if place is not None and self._key else None
        self._directory = self._unbarred(directory)
        self._texts_in = self._unbarred(place.texts if place is not None else None)
        self._read_by: Reader | None = None
        self._workers = Workers(self._read_aside)
        self._catalog: Known | None = None
        self._overview = Overview(lambda: self._known, self._directory, key=self._key)
        self._refreshing = threading.Lock()
        self._finding: Finding | None = None
        self._making = threading.RLock()
        self._troubles: dict[str, str] = {}
        self._roots: dict[str, Path] = {}
        self._archived: set[str] = set()
        """Folders of which the files in a zip are read."""
        self._background: str | None = None

    def _unbarred(self, directory: Path | None) -> Path | None:
        """Return where something is kept; None: nowhere, for it would lead out of the home.

        A directory from a stranger may have links where what is derived lies.
        """
        if directory is None or derived.is_barred(directory, root=self._root):
            return None
        return directory

    @property
    def _known(self) -> Known:
        """What is known of files; loaded when a glance does not do."""
        with self._making:
            if self._catalog is None:
                from lettafs.index.files.known import Known  # late: as the reader

                self._catalog = Known(self._directory, root=self._root, key=self._key)
            return self._catalog

    def _glimpsed(self, places: Places, *, version: str | None = None) -> Glance | None:
        """Return the glance that was kept, if it holds and there is nothing better in memory."""
        if self._catalog is not None and self._catalog.is_loaded:
            return None
        return self._overview.kept(places, version=version)

    @property
    def _reader(self) -> Reader:
        """What reads files; loaded when there is one to read."""
        with self._making:
            if self._read_by is None:
                from lettafs.index.files.reading import Reader  # late: many starts read nothing

                self._read_by = Reader(self._texts_in, root=self._root, key=self._key)
            return self._read_by

    @property
    def _found_in(self) -> Finding:
        """What finds; loaded when it is first asked."""
        with self._making:
            if self._finding is None:
                from lettafs.index.files.finding import Finding  # late: many starts find nothing

                self._finding = Finding(
                    self._directory,
                    root=self._root,
                    key=self._key,
                    contents=self._known.contents,
                    text_of=self._text_of,
                    embedder=self._embedder,
                )
            return self._finding

    # -- what there is -------------------------------------------------------------------------

    @property
    def is_attached(self) -> bool:
        """Whether any folder is attached, or a file tries to attach one."""
        return self._folders.is_any

    @property
    def trouble(self) -> str | None:
        """Why search is less than it could be, as a sentence; None: it is not."""
        asked = None if self._finding is None else self._finding.trouble
        return asked or self._background

    def folders(self) -> list[FolderInfo]:
        """Return the folders, sorted by name, and how far their files have been read."""
        self._glance()
        return [
            info_of(
                folder,
                self._roots.get(folder.name),
                self._troubles.get(folder.name, ""),
                counted(self._known.files(folder.name)),
                self._known.left_out(folder.name),
            )
            for folder in self._folders.load().folders
        ]

    def shown(self, render: Render, *, version: str) -> tuple[list[FolderInfo], Outlines]:
        """Return the folders, and how their files are shown; what was left out is not told.

        With many files this is much quicker than `listing` in a process that asks for nothing else.

        Args:
            render: shows files.
            version: changes with what that gives for the same files.
        """
        places = self._places()
        glance = self._glimpsed(places, version=version)
        if glance is None:
            infos = self.folders()
            names = [info.folder.name for info in infos]
            return infos, self._overview.outlines(names, render, version=version)
        seen = glance.folders
        folders = self._folders.load().folders
        infos = [
            info_of(
                folder,
                self._roots.get(folder.name),
                self._troubles.get(folder.name, ""),
                seen[folder.name].counts if folder.name in seen else (0, 0, 0, 0, 0, 0),
            )
            for folder in folders
        ]
        empty = render({folder.name: () for folder in folders if folder.name not in seen})
        return infos, {**empty, **{name: of.outline for name, of in seen.items()}}

    def listing(self) -> list[FileInfo]:
        """Return every file, sorted by name, as far as it is known.

        Files that have come or gone are noticed; whether one has other bytes than when it was read
        is not looked at here.
        """
        if not self.is_attached:
            return []
        self._glance()
        return self._known.listing()

    def info(self, name: str) -> FileInfo | None:
        """Return what is known of one file; None: there is none of this name."""
        return self._known.info(name)

    def text(self, name: str, *, look: bool = True) -> FileText | None:
        """Return what a file says; None where it is not read, as its state says.

        Args:
            name: as in `FileInfo.name`.
            look: whether the file is looked at first, and read again where it has changed. One
                that has to be converted is then read in the background.
        """
        if look:
            self._look_at(name)
        info = self._known.info(name)
        if info is None or info.state != "ready" or info.sha256 is None:
            return None
        return self._text(info)

    def _has_text(self, sha256: str) -> bool:
        return self._reader.texts.has(sha256)

    def _text(self, info: FileInfo) -> FileText | None:
        """Return the text of a file that was read; None: it says something else by now."""
        assert info.sha256 is not None, "a file that is ready has a hash"
        reader = self._reader
        if info.kind not in LIGHT:
            kept = reader.texts.get(info.sha256)
            if kept is not None and kept.kind == info.kind:
                return kept
        root = self._roots.get(info.folder)
        if root is None:
            return None
        try:
            return reader.again(root, info, archives=self._archives(info.folder))
        except (FileNotFoundError, LettafsError):
            return None

    def _text_of(self, sha256: str) -> FileText | None:
        # One of them may have gone, or changed, since it was looked at.
        texts = map(self._text, self._known.of_content(sha256))
        return next((text for text in texts if text is not None), None)

    def _archives(self, name: str) -> bool:
        return name in self._archived

    def find(
        self,
        query: str,
        *,
        now: datetime,
        limit: int,
        skip: int = 0,
        exact: bool = False,
        folder: str | None = None,
        files: Collection[str] | None = None,
        snippet_chars: int = 240,
    ) -> list[Hit]:
        """Return the pieces of files that fit, best first.

        Args:
            query: a question, words, or with `exact` a piece of text.
            now: what `yesterday` in a question is counted from.
            limit: how many at most.
            skip: how many of the best are passed over: those of earlier pages.
            exact: the text as it stands, ignoring case.
            folder: only files of this folder.
            files: only these files, by name.
            snippet_chars: how long the part may be that is shown of a longer piece.
        """
        self._glance()
        names = self._known.names(folder=folder, files=files)
        finding = self._found_in
        if missed := finding.missed(names):
            self._known.list_again(missed)
        found = finding.find(
            query,
            names=names,
            limit=limit,
            skip=skip,
            exact=exact,
            now=now,
            snippet_chars=snippet_chars,
        )
        return [replace(hit, created_at=self._changed_at(hit.id)) for hit in found]

    def _changed_at(self, name: str) -> str:
        info = self._known.info(name)
        if info is None:
            return ""
        try:
            moment = datetime.fromtimestamp(info.modified_ns / 1e9, UTC)
        except (OverflowError, ValueError, OSError):
            return ""
        return moment.isoformat(timespec="seconds")

    # -- looking again -------------------------------------------------------------------------

    def _places(self) -> dict[str, tuple[Folder, Path]]:
        """Return the folders that can be reached, and note why others cannot."""
        found: dict[str, tuple[Folder, Path]] = {}
        troubles: dict[str, str] = {}
        for folder in self._folders.load().folders:
            place = placed(self._root, folder, allowed=self._allowed)
            if place.path is None:
                troubles[folder.name] = place.trouble
            else:
                found[folder.name] = (folder, place.path)
        self._troubles, self._roots = troubles, {name: path for name, (_, path) in found.items()}
        self._archived = {name for name, (folder, _) in found.items() if folder.archives}
        return found

    def _glance(self) -> None:
        """Notice files that have come or gone, without reading any."""
        if not self.is_attached and (self._catalog is None or self._catalog.is_empty):
            return
        self._known.load()
        self._sweep(only_names=True, stop=_never)

    def _sweep(self, *, only_names: bool, stop: Callable[[], bool]) -> list[Task]:
        """Look at every folder; return what has to be read.

        Args:
            only_names: whether a folder in which no name has come or gone is left as it is known.
            stop: asked now and then.
        """
        places = self._places()
        self._known.forget_folders(places)
        tasks: list[Task] = []
        for name, (folder, path) in places.items():
            if stop():
                break
            try:
                tasks += self._known.sweep(
                    folder, path, only_names=only_names, has_text=self._has_text, stop=stop
                )
                self._troubles.pop(name, None)
            except (FileNotFoundError, DiskProblem) as error:
                self._known.forget_folder(name)
                said = error.strerror if isinstance(error, FileNotFoundError) else str(error)
                self._troubles[name] = f"{folder.path} cannot be read: {said}."
        return tasks

    def _look_at(self, name: str) -> None:
        """Read one file again where it has changed."""
        info = self._known.info(name)
        root = self._roots.get(info.folder) if info is not None else None
        if info is None or root is None:
            return
        if info.state != "waiting":
            now = stamp_beneath(root, info.path)
            if now is not None and now == self._known.stamp(name):
                return
        task = Task(info, root, self._archives(info.folder))
        if task.is_heavy:
            self._known.set_waiting(info)
            self._workers.put(task)
        else:
            self._read(task)

    def refresh(
        self,
        *,
        for_s: float | None = None,
        stop: Callable[[], bool] = _never,
        progress: Callable[[Progress], None] | None = None,
    ) -> int:
        """Look at the folders, and read what has changed; return how many files are left to read.

        Args:
            for_s: seconds it may take; what is being converted then goes on in the background.
                None: until all is read.
            stop: asked often; True ends it where it stands.
            progress: told how many files are read.
        """
        until = None if for_s is None else time.monotonic() + for_s

        def enough() -> bool:
            return stop() or (until is not None and time.monotonic() > until)

        if not self._refreshing.acquire(timeout=-1 if for_s is None else for_s):
            return self._known.waiting()
        try:
            with self._known.writing():
                tasks = self._quiet(self._sweep(only_names=False, stop=stop), enough)
                self._read_all(tasks, enough, progress)
        finally:
            self._refreshing.release()
        return self._known.waiting()

    def _quiet(self, tasks: list[Task], enough: Callable[[], bool]) -> list[Task]:
        """Wait until no file is being written; leave those that are, for another time."""
        for _ in range(_LOOKS):
            now_ns = time.time_ns()
            young = [task for task in tasks if 0 <= now_ns - task.info.modified_ns < _QUIET_S * 1e9]
            if not young or enough():
                break
            newest = max(task.info.modified_ns for task in young)
            time.sleep(max(0.0, min(_QUIET_S, _QUIET_S - (now_ns - newest) / 1e9)))
            fresh = {id(task): self._known.looked_at_again(task) for task in young}
            tasks = [t for task in tasks if (t := fresh.get(id(task), task)) is not None]
        else:
            now_ns = time.time_ns()
            tasks = [t for t in tasks if not 0 <= now_ns - t.info.modified_ns < _QUIET_S * 1e9]
        return tasks

    def _read_all(
        self,
        tasks: Sequence[Task],
        enough: Callable[[], bool],
        progress: Callable[[Progress], None] | None,
    ) -> None:
        heavy = [task for task in tasks if task.is_heavy]
        light = [task for task in tasks if not task.is_heavy]
        total, read = len(tasks), 0
        batch = self._workers.put_all(heavy)
        told = time.monotonic()

        def tell() -> None:
            nonlocal told
            if progress is not None:
                progress(Progress("files", read + batch.done, total))
            if time.monotonic() - told > _HURRY_S:
                self._known.save()
                told = time.monotonic()

        for number, task in enumerate(light):
            if enough():
                batch.cancel()
                return
            self._read(task)
            read += 1
            if number % 50 == 0:
                tell()
        while not batch.wait(0.05):
            tell()
            if enough():
                batch.cancel()
                return
        tell()

    def _read_aside(self, task: Task) -> None:
        """Read a file on a worker's thread, whatever becomes of it."""
        try:
            self._read(task)
        except Exception as error:
            self._known.failed(task, f"{type(error).__name__}: {error}")

    def _read(self, task: Task) -> None:
        try:
            reading = self._reader.read(task.root, task.info, archives=task.archives)
        except FileNotFoundError:
            self._known.gone(task)
            return
        self._known.read(task, reading)

    # -- what is derived -----------------------------------------------------------------------

    def catch_up(
        self,
        *,
        stop: Callable[[], bool] = _never,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        """Read what has changed, and bring the index of words up to it. Never fails.

        Args:
            stop: asked often; True ends the work where it stands, to be gone on with later.
            progress: told how far it has come.
        """
        if not self.is_attached and (self._catalog is None or self._catalog.is_empty):
            return

        def told(done: int, total: int) -> None:
            if progress is not None:
                progress(Progress("words of files", done, total))

        self._background = None
        try:
            self.refresh(stop=stop, progress=progress)
            if not stop():
                self._found_in.catch_up(stop=stop, progress=told)
        except DiskProblem as error:
            self._background = f"The index of files cannot be kept: {error}"
        except Exception as error:
            # The libraries of an index raise nearly anything where a file is damaged.
            self._background = f"The index of files cannot be kept: {type(error).__name__}: {error}"

    def catch_up_vectors(
        self,
        *,
        stop: Callable[[], bool] = _never,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        """Make the vectors that are missing; never fails.

        Args:
            stop: asked often; True ends the work where it stands, to be gone on with later.
            progress: told how far it has come.
        """
        if not self.is_attached or stop():
            return

        def told(done: int, total: int) -> None:
            if progress is not None:
                progress(Progress("vectors of files", done, total))

        mark = self._mark(self._known.fingerprint())
        whole = self._found_in.catch_up_vectors(self._known.names(), stop=stop, progress=told)
        if whole and self._directory is not None:
            with suppress(DiskProblem):
                derived.make(self._directory, root=self._root)
                atomic.replace(self._directory / _CAUGHT_UP, mark, durable=False)

    def _mark(self, fingerprint: str) -> bytes:
        """Return what is equal while the same contents have vectors of the same embedder."""
        return f"{self._embedding() or ''} {fingerprint}\n".encode()

    def is_behind(self) -> bool:
        """Tell whether there is something to catch up with, as far as a glance tells."""
        if not self.is_attached or self._directory is None:
            return False
        glance = self._glimpsed(self._places())
        if glance is not None:
            waiting = any(of.counts[2] for of in glance.folders.values())
            fingerprint, some = (
                glance.fingerprint,
                any(of.counts[1] for of in glance.folders.values()),
            )
        else:
            self._glance()
            waiting, fingerprint = bool(self._known.waiting()), self._known.fingerprint()
            some = bool(self._known.names())
        if waiting:
            return True
        try:
            mark = atomic.read_bytes(self._directory / _CAUGHT_UP, max_bytes=4096)
        except (FileNotFoundError, DiskProblem):
            return some
        return mark != self._mark(fingerprint)

    def pieces(self) -> tuple[int, int]:
        """Return how many pieces can be found by words, and how many by meaning too."""
        return self._found_in.counted(self._known.names())

    def discard(self) -> None:
        """Forget all that is derived but vectors; `catch_up` makes it anew."""
        self._found_in.discard()
        self._reader.texts.discard()
        self._known.discard()
        if self._directory is not None and derived.is_safe(self._directory, root=self._root):
            derived.drop(self._directory, [_CAUGHT_UP])

    def drop_unused(self) -> int:
        """Take away converted texts of documents that are attached no more; return how many.

        None is taken while a folder cannot be reached, which may be on a drive that is not
        connected, nor while a file was never read: it may be one of these documents.
        """
        self._known.load()
        self._sweep(only_names=True, stop=_never)
        unread = (info.state == "waiting" and not info.sha256 for info in self._known.listing())
        if self._troubles or any(unread):
            return 0
        return self._reader.texts.keep_only(self._known.hashes())

    @property
    def peak_memory_bytes(self) -> int:
        """The most memory a child that converts has had; 0: none was needed."""
        return 0 if self._read_by is None else self._read_by.peak_memory_bytes

    def close(self) -> None:
        """Let go of the children that convert documents."""
        if self._read_by is not None:
            self._read_by.close()
