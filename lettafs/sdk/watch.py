"""Watching: a person's edit is noticed at once, while a chat waits for input.

Of attached folders the documents are watched too: see `folder_news.py`. It writes nothing, and
nothing depends on it: what it misses is seen when the next turn begins, or by the next file tool.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Lock, Timer
from typing import TYPE_CHECKING

from lettafs.disk import atomic
from lettafs.disk.fingerprint import blob_sha1
from lettafs.errors import LettafsError
from lettafs.format import layout
from lettafs.sdk.folder_news import Attached, FolderNews

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver, ObservedWatch

__all__ = ["watching"]

_QUIET_S = 0.08
"""Editors write a file in several steps; one notice is enough."""
_CHANGES = ("created", "modified", "moved", "deleted", "closed")
_MOST_DIRECTORIES = 2_000
"""In a larger tree only the directories at its top are listened to that are not left out."""
_MOST_WATCHES = 32
"""Each is a thread of its own."""


@contextmanager
def watching(
    root: Path,
    changed: Callable[[str], None],
    *,
    ours: Callable[[], bool],
    ended: list[Callable[[], None]],
    attached: Attached = tuple,
    nudge: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Call `changed` with the path of each canonical file that changes, from another thread.

    Of documents in attached folders it gets `papers: a.pdf`, or `papers: 12 files`.

    Args:
        root: the home.
        changed: gets the path relative to the home.
        ours: tells whether a turn of this process is running; its own writes are not reported.
        ended: gets, while this watches, a function to call when such a turn has ended. Events come
            late, so that its last writes would else pass for a person's.
        attached: the folders that can be read, asked again when one may have come or gone.
        nudge: called when documents have changed: they can be read again in the background.
    """
    from watchdog.observers import Observer
    from watchdog.observers.polling import PollingObserverVFS

    # Two events about one new folder can meet in watchdog, which warns of what does no harm.
    warnings.filterwarnings("ignore", "Callback with id", RuntimeWarning)
    teller = _Teller(root, changed, ours)
    news = FolderNews(attached, tell=changed, nudge=nudge, busy=ours, listen=_listen)
    ended.append(teller.take_as_known)
    observer: BaseObserver = Observer()
    try:
        _follow(root, observer, teller, folders=news.look_round)
        observer.start()
    except OSError:
        # No more inotify watches on this machine: look once a second instead.
        # Links are not followed: one in `memory` may lead anywhere.
        observer = PollingObserverVFS(os.lstat, os.scandir, polling_interval=1)
        _follow(root, observer, teller, folders=news.look_round)
        observer.start()
    news.start()
    try:
        yield
    finally:
        ended.remove(teller.take_as_known)
        teller.stop()
        # Who is stopped in the middle of reading an event says so as an error; it is none.
        spoken = logging.getLogger("watchdog.observers.inotify")
        was, spoken.disabled = spoken.disabled, True
        news.stop()
        observer.stop()
        observer.join(timeout=2.0)
        spoken.disabled = was


def _follow(
    root: Path, observer: BaseObserver, teller: _Teller, *, folders: Callable[[], None]
) -> None:
    """Let the teller hear of the home's own files and of the folders people edit in.

    Git's objects and what is transient are many and no news: they are not even listened to.

    Args:
        root: the home.
        observer: what listens.
        teller: what hears.
        folders: called when a file that attaches a folder may have come, changed or gone.
    """
    from watchdog.events import FileSystemEvent, FileSystemEventHandler

    entered: dict[str, ObservedWatch] = {}

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            # Opening and reading are events too; only what can change a file counts.
            if event.event_type in _CHANGES:
                for name in (event.src_path, event.dest_path):
                    listen(Path(os.fsdecode(name)))
                    teller.heard(os.fsdecode(name), folder=event.is_directory)

    handler = Handler()

    def listen(path: Path) -> None:
        """Begin to listen in a folder that has appeared; end it in one that is gone."""
        if layout.FOLDERS in (path.name, path.parent.name):
            folders()
        if path.parent != root or path.name not in (layout.MEMORY, layout.FOLDERS):
            return
        there = path.is_dir() and not path.is_symlink()
        if not there and path.name in entered:
            observer.unschedule(entered.pop(path.name))
        elif there and path.name not in entered:
            # Documents that lie in `folders` are heard of as those of other folders are.
            deep = path.name == layout.MEMORY
            entered[path.name] = observer.schedule(handler, str(path), recursive=deep)

    listen(root / layout.MEMORY)
    listen(root / layout.FOLDERS)
    observer.schedule(handler, str(root))


def _listen(place: Path, heard: Callable[[], None]) -> Callable[[], None] | None:
    """Call `heard` whenever something happens beneath a place; return what ends that.

    None: the system has no watches or threads left, or the place is gone.
    """
    from watchdog.events import FileSystemEvent, FileSystemEventHandler
    from watchdog.observers import Observer

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            # Our own reading opens files and closes them.
            if event.event_type in _CHANGES:
                heard()

    # One for each folder: two that share a place must not end with each other.
    observer = Observer()
    handler = Handler()
    try:
        for directory, deep in _to_watch(place):
            observer.schedule(handler, str(directory), recursive=deep)
        observer.start()
    except (OSError, RuntimeError):
        _end(observer)
        return None
    return partial(_end, observer)


def _end(observer: BaseObserver) -> None:
    with suppress(OSError, RuntimeError):  # it may not even have begun
        observer.stop()
        observer.join(timeout=2.0)


def _to_watch(place: Path) -> list[tuple[Path, bool]]:
    """Return which directories to listen to, and whether with all that is in them.

    The whole tree, unless it is so large that what is left out had better be left out here too.
    """
    from lettafs.index.files.ignore import is_rubbish  # late: most conversations have no folder

    if not place.is_dir():
        return [(place.parent, False)]  # an editor that replaces a file ends a watch of it
    if _directories(place, most=_MOST_DIRECTORIES) < _MOST_DIRECTORIES:
        return [(place, True)]
    with os.scandir(place) as entries:
        below = sorted(
            Path(entry.path)
            for entry in entries
            if entry.is_dir(follow_symlinks=False) and not is_rubbish(entry.name, is_directory=True)
        )
    fit = [one for one in below if _directories(one, most=_MOST_DIRECTORIES) < _MOST_DIRECTORIES]
    return [(place, False), *((one, True) for one in fit[:_MOST_WATCHES])]


def _directories(place: Path, *, most: int) -> int:
    """Return how many directories lie in a tree, itself among them; counts no further than that."""
    number = 0
    for _ in os.walk(place):
        number += 1
        if number >= most:
            break
    return number


class _Teller:
    """Tells once per change, and only when the bytes have changed."""

    def __init__(
        self, root: Path, changed: Callable[[str], None], ours: Callable[[], bool]
    ) -> None:
        self._root = root
        self._changed = changed
        self._ours = ours
        self._lock = Lock()
        self._waiting: dict[str, Timer] = {}
        self._known: dict[str, str | None] = {}
        self._stopped = False
        self.take_as_known()

    def _canonical(self) -> list[str]:
        from lettafs.disk.fingerprint import sweep

        return list(sweep(self._root, self._tells_of)[0])

    @staticmethod
    def _tells_of(path: str) -> bool:
        """Recall and archival grow with every turn, by anybody: not news. Documents are others'."""
        if path.startswith((f"{layout.RECALL}/", f"{layout.ARCHIVAL}/")):
            return False
        if path.startswith(f"{layout.FOLDERS}/") and layout.folder_name(path) is None:
            return False
        return layout.is_canonical(path)

    def take_as_known(self) -> None:
        """Look at every file; what it says now is no news."""
        known = {path: self._digest(path) for path in self._canonical()}
        with self._lock:
            self._known = dict(known)

    def heard(self, name: str, *, folder: bool) -> None:
        """Note that something happened to a file, or to a folder with all that is in it."""
        try:
            path = Path(name).relative_to(self._root).as_posix()
        except ValueError:
            return
        paths = {path}
        if folder:
            with self._lock:
                paths = {*self._known, *self._canonical()}
        for each in paths:
            if self._tells_of(each) and (each == path or each.startswith(f"{path}/")):
                self._look_soon(each)

    def _look_soon(self, path: str) -> None:
        with self._lock:
            if self._stopped:
                return
            if path in self._waiting:
                self._waiting[path].cancel()
            timer = self._waiting[path] = Timer(_QUIET_S, self._tell, [path])
            timer.daemon = True
            timer.start()

    def _tell(self, path: str) -> None:
        with self._lock:
            digest = self._digest(path)
            self._waiting.pop(path, None)
            if self._stopped or self._known.get(path) == digest:
                return
            self._known[path] = digest
        if not self._ours():
            self._changed(path)

    def _digest(self, path: str) -> str | None:
        try:
            return blob_sha1(atomic.read_bytes(self._root / path))
        except (FileNotFoundError, LettafsError):
            return None

    def stop(self) -> None:
        """Tell nothing any more."""
        with self._lock:
            self._stopped = True
            for timer in self._waiting.values():
                timer.cancel()
