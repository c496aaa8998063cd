"""News of attached folders: which documents have changed while a chat waits for input.

Whoever listens to the file system says only that something happened in a folder; a sweep then says
what, by the rules that decide what belongs to the folder. Where nobody can listen, a sweep is made
now and then. Nothing is written, and nothing depends on it: a file tool looks again by itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lettafs.errors import LettafsError
from lettafs.values.folder import Folder

if TYPE_CHECKING:
    from lettafs.index.files.sweep import Swept

__all__ = ["Attached", "FolderNews", "Listen"]

Attached = Callable[[], Sequence[tuple[Folder, Path]]]
"""Returns the folders that can be read, with the real place of each."""
Listen = Callable[[Path, Callable[[], None]], Callable[[], None] | None]
"""Calls a function whenever something happens beneath a place, and returns what ends that; None:
nobody can listen there."""

_BEGIN_S = 1.0
"""The first sweep waits so long: whoever begins to watch has more urgent work."""
_QUIET_S = 0.3
"""A folder in which nothing happened for so long is looked at, and a file is told of."""
_LONGEST_S = 3.0
"""After so long it is looked at although things go on happening."""
_ROUND_S = 5.0
"""How often the attached folders themselves are looked up."""
_HEARING_S, _DEAF_S = 30.0, 2.0
"""How often a folder is looked at without a word, where somebody listens and where nobody can."""
_SHARE = 50
"""A look that took a second is not repeated without a word for so many seconds."""
_FREELY = 3
_FORGOTTEN_S = 120.0


class FolderNews:
    """Tells of changed documents, from a thread of its own."""

    def __init__(
        self,
        attached: Attached,
        *,
        tell: Callable[[str], None],
        nudge: Callable[[], None],
        busy: Callable[[], bool],
        listen: Listen,
    ) -> None:
        """Make one; nothing is looked at yet.

        Args:
            attached: the folders, asked again now and then.
            tell: gets `papers: a.pdf`, or `papers: 12 files`.
            nudge: called when there may be something new to read.
            busy: tells whether a turn is running; nothing is looked at then.
            listen: hears of what happens beneath a place.
        """
        self._attached = attached
        self._tell = tell
        self._nudge = nudge
        self._busy = busy
        self._listen = listen
        self._shelves: dict[tuple[str, Path], _Shelf] = {}
        self._stopped = threading.Event()
        self._wake = threading.Event()
        self._round_due = 0.0
        self._thread = threading.Thread(target=self._run, name="lettafs-folders", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        with suppress(RuntimeError):  # the system has no thread to give: there is no news then
            self._thread.start()

    def stop(self) -> None:
        """Tell nothing any more."""
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)
        for shelf in list(self._shelves.values()):
            shelf.close()

    def look_round(self) -> None:
        """Look up the attached folders soon: one may have come or gone."""
        self._round_due = 0.0
        self._wake.set()

    def _run(self) -> None:
        if self._stopped.wait(_BEGIN_S):
            return
        while not self._stopped.is_set():
            self._wake.clear()
            # Whatever it is, a folder without news is no reason to end a conversation.
            with suppress(Exception):
                self._look()
            self._wake.wait(self._pause_s())

    def _look(self) -> None:
        if self._busy():
            return
        now = time.monotonic()
        if now >= self._round_due:
            self._round_due = now + _ROUND_S
            self._look_up()
        for shelf in list(self._shelves.values()):
            if self._stopped.is_set():
                return
            if shelf.due <= time.monotonic():
                news = shelf.look(tell=self._tell)
                if news and not self._stopped.is_set():
                    self._nudge()

    def _pause_s(self) -> float:
        due = min((shelf.due for shelf in self._shelves.values()), default=self._round_due)
        pause = min(due, self._round_due) - time.monotonic()
        # While a turn is running what is due waits; a file being written is looked at again.
        return max(pause, _QUIET_S)

    def _look_up(self) -> None:
        """Begin with folders that are new, and end with those that are not there any more."""
        there = {(folder.name, place): folder for folder, place in self._attached()}
        for key in self._shelves.keys() - there.keys():
            self._shelves.pop(key).close()
        for key, folder in there.items():
            shelf = self._shelves.get(key)
            if shelf is not None and shelf.folder == folder:
                shelf.keep_listening()
                continue
            if shelf is not None:
                shelf.close()
            self._shelves[key] = _Shelf(folder, key[1], self._listen, wake=self._wake.set)


class _Shelf:
    """One folder, as it was last seen."""

    def __init__(
        self, folder: Folder, place: Path, listen: Listen, *, wake: Callable[[], None]
    ) -> None:
        self.folder = folder
        self._place = place
        self._listen = listen
        self._wake = wake
        self._seen: Swept | None = None
        self._files: dict[str, tuple[int, int, int]] = {}
        """What was told of each file, or was there at first: size, time and number."""
        self._told: dict[str, tuple[float, int]] = {}
        """When a file was last told of, and how often in a short while."""
        self._first: float | None = None
        self._last = 0.0
        self._next = 0.0
        self._number = _number_of(place)
        self._end = listen(place, self._heard)

    def close(self) -> None:
        """Hear nothing any more."""
        end, self._end = self._end, None
        if end is not None:
            end()

    def keep_listening(self) -> None:
        """Listen again where another directory lies in the place of the one that was heard."""
        number = _number_of(self._place)
        if number is not None and number != self._number:
            self.close()
            self._number = number
            self._end = self._listen(self._place, self._heard)
            self._next = 0.0

    def _heard(self) -> None:
        self._last = time.monotonic()
        if self._first is None:
            self._first = self._last
            self._wake()

    @property
    def due(self) -> float:
        """When it is to be looked at, on the monotonic clock."""
        first = self._first
        if first is None:
            return self._next
        return min(self._last + _QUIET_S, first + _LONGEST_S, self._next)

    def look(self, *, tell: Callable[[str], None]) -> bool:
        """Look at the files, and tell what has changed; return whether anything has.

        The first look tells nothing, and says that there may be something.
        """
        from lettafs.index.files.sweep import sweep  # late: most conversations have no folder

        self._first = None
        begun = time.monotonic()
        before = self._seen
        try:
            self._seen = swept = sweep(self._place, self.folder, before=before)
        except (OSError, LettafsError):  # gone for now, maybe for a moment
            self._next = begun + _DEAF_S
            return False
        finally:
            took = time.monotonic() - begun
        self._next = time.monotonic() + max(
            _SHARE * took, _DEAF_S if self._end is None else _HEARING_S
        )
        there = {
            found.path: (found.stamp.size, found.stamp.mtime_ns, found.stamp.ino)
            for found in swept.files
        }
        if before is None:
            self._files = there
            return True
        changed = self._changed(there)
        told = self._worth_telling(changed)
        if len(told) == 1:
            tell(f"{self.folder.name}: {told[0]}")
        elif told:
            tell(f"{self.folder.name}: {len(told):,} files")
        return bool(changed)

    def _changed(self, there: Mapping[str, tuple[int, int, int]]) -> list[str]:
        """Return the files that are new, gone, or have changed; take note of what is there.

        A file that is being written is left for later; one that was renamed is told once.
        """
        now_ns = time.time_ns()
        changed, numbers = [], set()
        for path, stamp in there.items():
            known = self._files.get(path)
            if known is not None and known[:2] == stamp[:2]:
                continue
            if 0 <= now_ns - stamp[1] < _QUIET_S * 1e9:
                self._heard()
                continue
            self._files[path] = stamp
            numbers.add(stamp)
            changed.append(path)
        for path in self._files.keys() - there.keys():
            if self._files.pop(path) not in numbers:
                changed.append(path)
        return changed

    def _worth_telling(self, changed: Sequence[str]) -> list[str]:
        """Return those that are told: a file written all the time is told ever less often."""
        now = time.monotonic()
        self._told = {
            path: said for path, said in self._told.items() if now - said[0] < _FORGOTTEN_S
        }
        worth = []
        for path in changed:
            when, times = self._told.get(path, (0.0, 0))
            if times < _FREELY or now - when > min(2.0**times, _FORGOTTEN_S / 2):
                self._told[path] = (now, times + 1)
                worth.append(path)
        return worth


def _number_of(place: Path) -> tuple[int, int] | None:
    try:
        status = place.stat(follow_symlinks=False)
    except OSError:
        return None
    return status.st_dev, status.st_ino
