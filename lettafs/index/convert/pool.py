"""Children that convert documents: few, reused, replaced when one fails, gone when we are gone."""

from __future__ import annotations

import threading
import weakref

from lettafs.index.convert.child import Child
from lettafs.index.convert.failure import CONVERTER, Failure
from lettafs.index.convert.limits import DEFAULT, MB, Limits
from lettafs.values.file import FileText

__all__ = ["Pool"]

_MOST_STARTS = 3
"""In a row that fail, before no more are tried: every document would wait for the next."""


class Pool:
    """Converts documents in at most `workers` processes, which start when first needed.

    Safe to use from several threads: as many documents as there are workers are converted at once,
    others wait. No document raises, hangs or takes more than the limits say.
    """

    def __init__(self, *, limits: Limits = DEFAULT, workers: int = 2) -> None:
        self.limits = limits
        self.peak_memory_bytes = 0
        """The most one child has had resident; 0 where the system does not tell."""
        self._workers = workers
        self._turn = threading.Condition()
        self._idle: list[Child] = []
        self._children: set[Child] = set()
        self._failed_starts = 0
        self._end = weakref.finalize(self, _end_all, self._children)

    def convert(
        self, data: bytes, *, name: str, kind: str, archives: bool = False
    ) -> FileText | Failure:
        """Return a document's text as Markdown, or why there is none.

        `kind` is a `Kind.name` whose way is `convert`; `name` is for people, nothing is read by it.
        A zip is read only with `archives`.
        """
        if not data:
            return Failure("no-text", "it is empty")
        if len(data) > self.limits.source_bytes:
            most = f"{self.limits.source_bytes / MB:g} MB"
            return Failure("too-large", f"it is larger than {most}")
        if kind == "zip" and not archives:
            # The beginning of a document may not tell it from a plain zip; its directory does.
            if b"[Content_Types].xml" not in data and b"META-INF/container.xml" not in data:
                return Failure("archive", "it is an archive, and reading archives is off")
        child = self._take()
        if isinstance(child, Failure):
            return child
        try:
            return child.ask(data, kind=kind, archives=archives)
        finally:
            self._give_back(child)

    def close(self) -> None:
        """End the children. The pool may be used again; it then starts new ones."""
        with self._turn:
            children = list(self._children)
            self._idle.clear()
            self._failed_starts = 0
        for child in children:
            child.end()
        with self._turn:
            self._children.difference_update(children)
            self._turn.notify_all()

    @property
    def pids(self) -> list[int]:
        """Process ids of the children there are."""
        with self._turn:
            return [child.pid for child in self._children if child.pid is not None]

    def _take(self) -> Child | Failure:
        with self._turn:
            while not self._idle and len(self._children) >= self._workers:
                self._turn.wait()
            if self._idle:
                return self._idle.pop()
            if self._failed_starts >= _MOST_STARTS:
                return CONVERTER
            child = Child(self.limits)
            self._children.add(child)
        failure = child.start()
        with self._turn:
            self._failed_starts = 0 if failure is None else self._failed_starts + 1
        if failure is not None:
            self._give_back(child)
            return failure
        return child

    def _give_back(self, child: Child) -> None:
        self.peak_memory_bytes = max(self.peak_memory_bytes, child.peak_memory_bytes)
        if child.is_worn:
            child.end()
        with self._turn:
            if child.is_worn:
                self._children.discard(child)
            else:
                self._idle.append(child)
            self._turn.notify()


def _end_all(children: set[Child]) -> None:
    for child in list(children):
        child.end()
