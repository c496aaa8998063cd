"""Workers: threads that read heavy files, each waiting for a child that converts.

They end with the program without being waited for: what they were at is read again the next time.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from lettafs.index.files.task import Task

__all__ = ["Batch", "Workers"]

_THREADS = 2
_IDLE_S = 2.0


class Batch:
    """Tasks that were given together."""

    def __init__(self, tasks: Sequence[Task], workers: Workers) -> None:
        self._left = {id(task) for task in tasks}
        self._total = len(tasks)
        self._workers = workers
        self._changed = threading.Condition()

    @property
    def done(self) -> int:
        """How many are read."""
        with self._changed:
            return self._total - len(self._left)

    def wait(self, timeout_s: float) -> bool:
        """Wait until all are read, or time is up; tell whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._left, timeout_s)

    def cancel(self) -> None:
        """Take back those that nobody has begun."""
        self._workers.take_back(self)

    def over(self, task: Task) -> None:
        """Note that one is read."""
        with self._changed:
            self._left.discard(id(task))
            self._changed.notify_all()

    def holds(self, task: Task) -> bool:
        """Tell whether a task is one of these."""
        with self._changed:
            return id(task) in self._left


class Workers:
    """Two threads and what they have to do."""

    def __init__(self, read: Callable[[Task], None]) -> None:
        """Make them; threads begin when there is something to do.

        Args:
            read: reads a file, and never fails.
        """
        self._read = read
        self._queue: deque[tuple[Task, Batch | None]] = deque()
        self._under_way: set[str] = set()
        self._changed = threading.Condition()
        self._threads = 0

    def put(self, task: Task) -> None:
        """Have a file read soon, unless it is about to be."""
        with self._changed:
            if task.info.name not in self._under_way:
                self._add(task, None)

    def put_all(self, tasks: Sequence[Task]) -> Batch:
        """Have files read, in order."""
        batch = Batch(tasks, self)
        with self._changed:
            for task in tasks:
                self._add(task, batch)
        return batch

    def take_back(self, batch: Batch) -> None:
        """Forget the tasks of a batch that nobody has begun."""
        with self._changed:
            kept = [(task, of) for task, of in self._queue if of is not batch]
            gone = [task for task, of in self._queue if of is batch]
            self._queue = deque(kept)
            self._under_way -= {task.info.name for task in gone}
        for task in gone:
            batch.over(task)

    def _add(self, task: Task, batch: Batch | None) -> None:
        self._under_way.add(task.info.name)
        self._queue.append((task, batch))
        if self._threads < _THREADS:
            try:
                threading.Thread(target=self._work, name="lettafs-files", daemon=True).start()
            except RuntimeError:  # the system has no thread to give
                if not self._threads:
                    raise
            else:
                self._threads += 1
        self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: bool(self._queue), _IDLE_S):
                    self._threads -= 1
                    return
                task, batch = self._queue.popleft()
            try:
                self._read(task)
            finally:
                with self._changed:
                    self._under_way.discard(task.info.name)
                if batch is not None:
                    batch.over(task)
