"""The vectors of a home: under which keys there are some, and which are nearest to a question.

A key stands for the exact text of a piece, so a text that is put back, copied or moved is not
embedded again. Vectors belong to an embedder: another one begins a file of its own, beside the old,
and vectors of two never meet.

    archival-XXXXXXXX.vectors   every vector (see `log`)
    archival-XXXXXXXX.usearch   the graph over most of them, once they are many (see `graph`)
    archival.lock               the hold of the one who writes

Everything here is derived. What is damaged, cut, missing, somebody else's or copied from elsewhere
is not read; what is still good is used, and the rest is embedded again.

One store serves the threads of a process; several processes may read while one writes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lettafs.disk import atomic
from lettafs.index.vectors import files, log
from lettafs.index.vectors import graph as graphs
from lettafs.index.vectors.code import Code, code_for
from lettafs.index.vectors.graph import Graph, Growth
from lettafs.index.vectors.hold import Hold
from lettafs.index.vectors.placed import PlacedGraph
from lettafs.index.vectors.rows import FEW_NUMBERS, Keys, Numbers, Rows

__all__ = ["Near", "VectorStore"]

Near = tuple[Keys, NDArray[np.float32]]
"""Keys, nearest first, and the cosine of each."""

_NOTHING: Near = (np.zeros(0, np.uint64), np.zeros(0, np.float32))

_MIN_DEAD = 256
_MOST_PROMISED = 2**31


class _Chosen(NamedTuple):
    rows: Numbers
    """The row of each key; -1 where there is none."""
    once: Numbers
    """The rows there are, each once."""


def _never() -> bool:
    return False


class VectorStore:
    """The vectors of one directory; `open` says of which embedder.

    Args:
        directory: where the files lie; made when it is missing. The caller has made sure that no
            directory above it leads elsewhere. None keeps everything in memory only.
        key: the user's key; None keeps everything in memory only.
        few_numbers: up to how many numbers a search reads all. Measured; for tests to change.
    """

    def __init__(
        self, directory: Path | None, *, key: bytes | None, few_numbers: int = FEW_NUMBERS
    ) -> None:
        self._place = None if key is None else directory
        self._key = key or b""
        self._few_numbers = few_numbers
        self._guard = threading.RLock()
        self._hold = Hold(self._place)
        self.identity: str | None = None
        self.dimensions = 0
        self._forget()

    def _forget(self) -> None:
        self._rows = Rows(self.dimensions, few_numbers=self._few_numbers)
        self._code: Code | None = None
        self._seen: log.Look | None = None
        self._end = 0
        self._unplaced: Graph | None = None
        self._graph: PlacedGraph | None = None
        self._graph_seen: log.Look | None = None
        self._chosen: tuple[Keys, int, _Chosen] | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def open(self, identity: str, dimensions: int) -> None:
        """Turn to the vectors of an embedder: what is kept of them is there.

        Those of another one stay in their own file. Costs nothing when it is open already.

        Raises:
            ValueError: the dimensions are not a number above 0.
        """
        if dimensions <= 0:
            raise ValueError(f"vectors of {dimensions} numbers are none")
        with self._guard:
            if (identity, dimensions) != (self.identity, self.dimensions):
                self.identity, self.dimensions = identity, dimensions
                self._forget()
            self.refresh()

    def refresh(self) -> None:
        """Read what other processes have added since; cheap when there is nothing."""
        with self._guard:
            if self._place is None or self.identity is None:
                return
            code = code_for(
                self._place, key=self._key, identity=self.identity, dimensions=self.dimensions
            )
            if code != self._code:  # the directory was made, or made again
                self._forget()
                self._code = code
            if code is None:
                return
            seen = log.look_at(self._path("vectors"))
            if seen == self._seen:
                return
            grown = (
                seen and self._seen and seen.inode == self._seen.inode and seen.size >= self._end
            )
            if not grown:
                self._rows = Rows(self.dimensions, few_numbers=self._few_numbers)
                self._end = 0
                self._chosen = None
                self._put(self._unplaced)
            self._read(seen)

    def _read(self, seen: log.Look | None) -> None:
        self._seen = seen
        if seen is None or self._code is None:
            return
        # What the file's size promises, within reason: memory is taken only as rows come.
        promised = min(seen.size - self._end, _MOST_PROMISED) // (8 + 2 * self.dimensions)
        self._rows.reserve(promised)
        path = self._path("vectors")
        for keys, vectors, end in log.read(
            path, code=self._code, dimensions=self.dimensions, start=self._end
        ):
            self._rows.add(keys, vectors)
            self._end = end

    def _path(self, kind: str) -> Path:
        assert self._place is not None and self.identity is not None, "only an open store has files"
        return files.path_of(self._place, kind, identity=self.identity, dimensions=self.dimensions)

    def missing(self, keys: Iterable[int] | Keys) -> Keys:
        """Return those of the keys that have no vector, in their order, none twice."""
        wanted = _as_keys(keys)
        with self._guard:
            self.refresh()
            absent = wanted[self._rows.find(wanted) < 0]
        _, first = np.unique(absent, return_index=True)
        return absent[np.sort(first)]

    def writing(self) -> AbstractContextManager[bool]:
        """Hold the files for writing; False while another process does. May be nested.

        Raises:
            DiskProblem: the directory or the lock cannot be made.
        """
        return self._hold.taken()

    def append(self, keys: Iterable[int] | Keys, vectors: NDArray[np.floating]) -> int:
        """Keep vectors; return how many are new.

        Takes the same time however many there are. A key that has one already is passed over, and
        so is a row that points nowhere: zeros, or not finite. 0 while another process writes.

        Args:
            keys: of the texts.
            vectors: the row of each; of any length above 0.

        Raises:
            ValueError: the store is not open, or the rows are not of its dimensions.
            DiskProblem: the disk refused; nothing was kept.
        """
        wanted = _as_keys(keys)
        with np.errstate(all="ignore"):  # what overflows is left out below
            given = np.asarray(vectors, np.float32)
            lengths = np.linalg.norm(given, axis=-1)
        if self.identity is None or given.shape != (len(wanted), self.dimensions):
            raise ValueError(
                f"{given.shape} is not the shape of {len(wanted)} vectors of {self.dimensions}"
            )
        good = np.isfinite(lengths) & (lengths > 0)
        with self.writing() as ours, self._guard:
            if not ours:
                return 0
            self.refresh()
            good &= self._rows.find(wanted) < 0
            _, first = np.unique(wanted, return_index=True)
            once = np.zeros(len(wanted), np.bool_)
            once[first] = True
            good &= once
            wanted = wanted[good]
            rows = (given[good] / lengths[good, np.newaxis]).astype(np.float16)
            if len(wanted) == 0:
                return 0
            if self._code is not None:
                path = self._path("vectors")
                self._end = log.append(path, wanted, rows, code=self._code, end=self._end)
                self._seen = log.look_at(path)
            self._rows.add(wanted, rows)
            return len(wanted)

    def search(self, query: NDArray[np.floating], *, k: int, among: Keys | None = None) -> Near:
        """Return the keys nearest to a vector, and how near; nothing when none can be.

        Every one counts where there are few, or few pass the filter: then the answer is exact. Else
        the graph finds candidates, and what came after it was made is read through; about one in a
        thousand of the nearest may be missed. Equal ones are in the order they came.

        Args:
            query: a vector. One of other dimensions, or without a direction, is near to nothing.
            k: how many at most.
            among: only these keys count.
        """
        asked = self._direction(query)
        if asked is None or k <= 0:
            return _NOTHING
        with self._guard:
            self.refresh()
            pool = slice(None) if among is None else self._rows_of(among).once
            numbers, scores = self._nearest(asked, k, pool)
            return self._rows.keys[numbers], scores

    def nearness(
        self, query: NDArray[np.floating], keys: Keys, *, most: int = 300
    ) -> NDArray[np.float32]:
        """Return the cosine of each key's vector with a vector; 0 for a key that has none.

        Args:
            query: a vector. With one of other dimensions, or without a direction, all are 0.
            keys: of texts; one may come more than once.
            most: where there are many, so many of the nearest have their cosine, the others 0.
        """
        scores = np.zeros(len(keys), np.float32)
        asked = self._direction(query)
        if asked is None:
            return scores
        with self._guard:
            self.refresh()
            rows, once = self._rows_of(keys)
            if len(once) == 0:
                return scores
            by_row = np.zeros(len(self._rows), np.float32)
            if len(once) * self.dimensions <= self._few_numbers:
                by_row[once] = np.clip(self._rows.cosines(once, asked), -1.0, 1.0)
            else:
                numbers, found = self._nearest(asked, most, once)
                by_row[numbers] = found
            has = rows >= 0
            scores[has] = by_row[rows[has]]
            return scores

    def vectors_of(self, keys: Iterable[int] | Keys) -> NDArray[np.float32]:
        """Return the vectors of those of the keys that have one, in their order."""
        with self._guard:
            self.refresh()
            rows = self._rows.find(_as_keys(keys))
            return self._rows.vectors[rows[rows >= 0]].astype(np.float32)

    def _direction(self, query: NDArray[np.floating]) -> NDArray[np.float32] | None:
        with np.errstate(all="ignore"):  # a query that overflows has no direction
            asked = np.asarray(query, np.float32).ravel()
            length = float(np.linalg.norm(asked))
        if asked.size != self.dimensions:
            return None
        return asked / np.float32(length) if np.isfinite(length) and length > 0 else None

    def _rows_of(self, keys: Keys) -> _Chosen:
        """Return the row of each key; remembered, for the next search mostly asks for the same."""
        keys = _as_keys(keys)
        count = len(self._rows)
        if self._chosen is not None:
            asked, counted, chosen = self._chosen
            if counted == count and np.array_equal(asked, keys):
                return chosen
        rows = self._rows.find(keys)
        chosen = _Chosen(rows, np.unique(rows[rows >= 0]))
        self._chosen = (keys.copy(), count, chosen)
        return chosen

    def _nearest(
        self, query: NDArray[np.float32], k: int, pool: Numbers | slice
    ) -> tuple[Numbers, NDArray[np.float32]]:
        size = len(self._rows) if isinstance(pool, slice) else len(pool)
        graph = self._opened_graph() if size * self.dimensions > self._few_numbers else None
        return (graph or self._rows).nearest(query, k=k, among=pool)

    def _opened_graph(self) -> PlacedGraph | None:
        if self._place is not None and self._code is not None:
            path = self._path("usearch")
            seen = log.look_at(path)
            if seen != self._graph_seen:
                self._graph_seen = seen
                self._put(
                    graphs.load(path, code=self._code, dimensions=self.dimensions) if seen else None
                )
        if self._graph is None and self._unplaced is not None:
            self._graph = PlacedGraph(self._unplaced, self._rows)
        return self._graph

    def _put(self, graph: Graph | None) -> None:
        """Use a graph from now on; which rows it is of is found out when it is asked."""
        self._unplaced, self._graph = graph, None

    def settle(self, *, live: Keys | None = None, stop: Callable[[], bool] = _never) -> None:
        """Put the files in order: what is dead goes, the graph catches up. For the background.

        Does little when little has changed. When it is stopped, what was done stays.

        Args:
            live: the keys that are still asked for. When more than half of the vectors are of
                others, those go.
            stop: asked a few times a second.

        Raises:
            DiskProblem: the disk refused; what was there still is.
        """
        with self.writing() as ours:
            if not ours or self.identity is None:
                return
            with self._guard:
                self.refresh()
                if live is not None:
                    self._compact(live)
                task = self._growth()
            if task is None or stop():
                return
            whose = (self.identity, self.dimensions)
            grown = graphs.grow(task, stop=stop)  # others may search meanwhile
            if grown is not None and whose == (self.identity, self.dimensions):
                self._adopt(grown)

    def _compact(self, live: Keys) -> None:
        kept = np.unique(self._rows.find(_as_keys(live)))
        kept = kept[kept >= 0]
        dead = len(self._rows) - len(kept)
        if dead < _MIN_DEAD or dead * 2 <= len(self._rows):
            return
        keys, vectors = self._rows.keys[kept], self._rows.vectors[kept].astype(np.float16)
        if self._code is not None:
            path = self._path("vectors")
            self._end = log.rewrite(path, keys, vectors, code=self._code)
            self._seen = log.look_at(path)
        self._rows = Rows(self.dimensions, few_numbers=self._few_numbers)
        self._rows.add(keys, vectors)
        self._chosen = None
        self._put(self._unplaced)

    def _growth(self) -> Growth | None:
        """Return what a new graph begins from and what it gets, None when it is not worth it."""
        if self._rows.is_few:
            return None
        placed = self._opened_graph()
        if placed is None or placed.is_mostly_gone:
            every = np.arange(len(self._rows))
            return Growth(None, self._rows.keys, self._rows.vectors, every)
        if not placed.should_grow:
            return None
        beside = placed.beside
        return Growth(placed.graph, self._rows.keys[beside], self._rows.vectors, beside)

    def _adopt(self, grown: Graph) -> None:
        path = Path() if self._place is None else self._path("usearch")
        code = self._code if self._place is not None else None
        saved = graphs.save(path, grown, code=code)
        with self._guard:
            self._put(saved)
            self._graph_seen = log.look_at(path) if code is not None else None

    def forget_others(self) -> None:
        """Remove the files of all other embedders but the one that was written last.

        Called when this one has caught up: going back to the other is then still free.

        Raises:
            DiskProblem: the disk refused.
        """
        if self._place is None or self.identity is None:
            return
        with self.writing() as ours:
            if ours:
                files.forget_others(self._place, keep=self._path("vectors").stem)

    def discard(self) -> None:
        """Forget every vector of this embedder, on disk too; they are embedded again.

        Raises:
            DiskProblem: the disk refused.
        """
        with self.writing() as ours, self._guard:
            if ours and self._place is not None and self.identity is not None:
                for kind in ("usearch", "vectors"):
                    with suppress(FileNotFoundError):
                        atomic.unlink(self._path(kind))
                self._forget()
            elif ours:
                self._forget()


def _as_keys(keys: Iterable[int] | Keys) -> Keys:
    if isinstance(keys, np.ndarray):
        return keys.astype(np.uint64, copy=False)
    return np.array(list(keys), np.uint64)
