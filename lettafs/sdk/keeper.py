"""The keeper: brings an agent's indexes up to its files, beside the conversation.

Nothing depends on it: a search reads what no index has yet. It works in a thread of its own between
turns, stops where it stands when a turn begins or the program ends, and goes on from there.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from lettafs.home.home import Home

if TYPE_CHECKING:
    from lettafs.values.progress import Progress

__all__ = ["Keeper"]

_LEAVE_S = 2.0
"""How long a program that ends waits for a batch to be finished."""


class Keeper:
    """Keeps one home's indexes up."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def nudge(self) -> None:
        """Begin to work in the background where there is enough to do; returns at once."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            if not self._home.is_behind():
                return
            if self._thread is None:
                atexit.register(self.rest, wait_s=_LEAVE_S)
            self._stop.clear()
            self._thread = threading.Thread(target=self._work, name="lettafs-index", daemon=True)
            self._thread.start()

    def rest(self, *, wait_s: float = 0.0) -> None:
        """Let the background work stop where it stands.

        Args:
            wait_s: seconds to wait until it has.
        """
        self._stop.set()
        thread = self._thread
        if thread is not None and wait_s > 0:
            thread.join(wait_s)

    def keep_up(
        self,
        *,
        stop: Callable[[], bool],
        progress: Callable[[Progress], None] | None = None,
        vectors_for_s: float | None = None,
    ) -> None:
        """Do now what there is to do, until `stop` says so."""
        self.rest(wait_s=_LEAVE_S)
        finder = self._home.finder
        finder.catch_up(stop=stop, progress=progress, vectors_for_s=vectors_for_s)

    def _work(self) -> None:
        try:
            self._home.finder.catch_up(stop=self._stop.is_set)
        except Exception as error:
            # Whatever it is, searches work without indexes; doctor and `rebuild` show it.
            self._home.finder.note_trouble(f"{type(error).__name__}: {error}")
