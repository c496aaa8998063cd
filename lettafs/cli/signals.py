"""Signals that end a turn: what was done is kept, and the exit code says which it was."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

__all__ = ["EXIT_CODES", "Stop", "stopped_by_signals"]

EXIT_CODES: Final[dict[signal.Signals, int]] = {
    signal.SIGINT: 130,
    signal.SIGTERM: 143,
    **({signal.SIGHUP: 143} if hasattr(signal, "SIGHUP") else {}),  # absent on Windows
}


class Stop:
    """A task that signals cancel."""

    def __init__(self, task: asyncio.Task[object]) -> None:
        self._task = task
        self.exit_code: int | None = None
        """The code that belongs to the signal; None while none came."""

    def request(self, exit_code: int) -> None:
        """Cancel the task, once: the turn's end is short and must not be cut in two."""
        if self.exit_code is None:
            self.exit_code = exit_code
            self._task.cancel()

    def forgive(self) -> None:
        """Let the task go on: the cancellation has done its work."""
        self._task.uncancel()


@contextmanager
def stopped_by_signals() -> Iterator[Stop]:
    """Cancel the running task on Ctrl-C, SIGTERM and SIGHUP for the time of the block."""
    task = asyncio.current_task()
    assert task is not None  # we are in a coroutine
    stop = Stop(task)
    loop = asyncio.get_running_loop()
    watched = []
    for number, code in EXIT_CODES.items():
        with suppress(NotImplementedError):  # Windows: Ctrl-C arrives as KeyboardInterrupt
            loop.add_signal_handler(number, stop.request, code)
            watched.append(number)
    try:
        yield stop
    finally:
        for number in watched:
            loop.remove_signal_handler(number)
