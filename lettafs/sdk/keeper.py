"""The keeper: brings an agent's indexes up to its files, beside the conversation.

Nothing depends on it: a search reads what no index has yet. It works in a thread of its own between
turns, stops where it stands when a turn begins or the program ends, and goes on from there.
"""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from lettafs.errors import LettafsError
from lettafs.home.home import Home

if TYPE_CHECKING:
    from lettafs.values.progress import Progress

__all__ = ["Keeper"]

_LEAVE_S = 2.0
"""How long a program that ends waits for batches to be finished."""

_begun: weakref.WeakSet[Keeper] = weakref.WeakSet()
"""Keepers that have worked in the background; no agent is kept in memory for being among them."""


class Keeper:
    """Keeps one home's indexes up."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._turns = 0
        """Turns that are under way: the background waits for their end."""
        self._between_turns = threading.Event()
        self._between_turns.set()
        self._again = False
        """Whether there is more to do when what is being done is over: a turn broke it off, or
        something has changed since it was begun."""

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Let the background work stand still inside the block.

        Two threads of Python take turns many times slower than one works: a turn of 10 ms would
        take a second.
        """
        with self._lock:
            self._turns += 1
            self._between_turns.clear()
        try:
            yield
        finally:
            with self._lock:
                self._turns -= 1
                if self._turns == 0:
                    self._between_turns.set()

    def nudge(self, *, surely: bool = False) -> None:
        """Begin to work in the background where there is enough to do; returns at once.

        Never fails: it is asked for at the end of every turn, whatever became of the directory.

        Args:
            surely: whether there is known to be something, which a glance need not show: a
                document may have changed that kept its name.
        """
        # RuntimeError: the system has no thread to give, or the program is ending.
        with self._lock, suppress(LettafsError, RuntimeError):
            if self._thread is not None and self._thread.is_alive():
                self._again = self._again or surely or self._stop.is_set()
                self._let_go_on()
                return
            if not surely and not self._home.is_behind():
                return
            self._let_go_on()
            thread = threading.Thread(target=self._work, name="lettafs-index", daemon=True)
            thread.start()
            self._thread = thread
            _begun.add(self)

    def _let_go_on(self) -> None:
        self._stop.clear()
        if self._turns:
            self._between_turns.clear()  # `rest` may have let go what stood still

    def rest(self, *, wait_s: float = 0.0) -> None:
        """Let the background work stop where it stands, until the next nudge.

        Args:
            wait_s: seconds to wait until it has.
        """
        self._stop.set()
        self._between_turns.set()  # what stands still has to see it
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
        self._home.catch_up(stop=stop, progress=progress, vectors_for_s=vectors_for_s)

    def _work(self) -> None:
        try:
            while True:
                self._again = False
                self._home.catch_up(stop=self._must_stop, wait=self._wait)
                with self._lock:
                    if not self._again or self._stop.is_set():
                        self._thread = None  # whoever nudges from here on begins another one
                        return
                if self._wait():
                    return
        except Exception as error:
            # Whatever it is, searches work without indexes; doctor and `rebuild` show it.
            self._home.finder.note_trouble(f"{type(error).__name__}: {error}")

    def _must_stop(self) -> bool:
        if self._stop.is_set():
            return True
        if self._between_turns.is_set():
            return False
        self._again = True  # what a turn breaks off goes on after it
        return True

    def _wait(self) -> bool:
        """Wait until no turn is under way; tell whether to stop then."""
        self._between_turns.wait()
        return self._stop.is_set()


@atexit.register
def _leave() -> None:
    """Let all background work end before the interpreter does."""
    until = time.monotonic() + _LEAVE_S
    keepers = list(_begun)
    for keeper in keepers:
        keeper.rest()
    for keeper in keepers:
        keeper.rest(wait_s=max(until - time.monotonic(), 0.0))
