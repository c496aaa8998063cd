"""The hold on a directory of vectors: one process writes; its threads may nest."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lettafs.disk import atomic, lock

__all__ = ["Hold"]

_NAME = "archival.lock"


class Hold:
    """The right to write in a directory; None is memory, where nobody else is."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._guard = threading.Lock()
        self._held: lock.Held | None = None
        self._depth = 0

    @contextmanager
    def taken(self) -> Iterator[bool]:
        """Hold it while the block runs; False while another process does.

        Raises:
            DiskProblem: the directory or the lock cannot be made.
        """
        with self._guard:
            ours = self._take()
        try:
            yield ours
        finally:
            if ours:
                with self._guard:
                    self._give()

    def _take(self) -> bool:
        if self._depth == 0 and self._directory is not None:
            atomic.make_dirs(self._directory)
            self._held = lock.acquire(self._directory / _NAME, about={"cmd": "embedding"})
            if self._held is None:
                return False
        self._depth += 1
        return True

    def _give(self) -> None:
        self._depth -= 1
        if self._depth == 0 and self._held is not None:
            self._held.release()
            self._held = None
