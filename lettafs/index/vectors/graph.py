"""The graph: which vectors are near which, so that a search reads a few hundred of very many.

Made by usearch (HNSW) over vectors rounded to 8 bits, which are half as large again as the rows on
disk and twice as fast to walk; what it finds is scored again from the rows, so the rounding costs
nothing. The file is one code and what it covers: the keys in the graph, then usearch's own bytes.
The whole is read into memory; the very bytes the code was checked on are what usearch gets.

A graph never changes: growing makes another one. Keys that are gone stay in it and are passed over.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lettafs.disk import atomic
from lettafs.errors import DiskProblem
from lettafs.index.vectors.code import CODE_BYTES, Code
from lettafs.index.vectors.log import clear
from lettafs.index.vectors.rows import Keys, Numbers, Vectors

if TYPE_CHECKING:
    from usearch.index import Index

__all__ = ["Graph", "Growth", "grow", "load", "save"]

_HEAD = struct.Struct("<4sIQ")
_MAGIC = b"LFG1"
_MAX_BYTES = 4 * 2**30

_CONNECTIVITY = 16
_EXPANSION_ADD = 64
_EXPANSION_SEARCH = 256
"""Measured with a hundred candidates scored again: recall@10 is 1.00 at 100,000 clustered rows, and
0.99 where half of the clusters came late. Half of this is 1 ms faster and finds 0.97 there. Twice
the expansion when adding takes half as long again to build and finds no more."""

_STEP = 512
"""Rows added between two looks at whether to stop."""


class Graph:
    """A graph over the vectors of some keys."""

    def __init__(self, keys: Keys, index: Index, data: bytes | None = None) -> None:
        self.keys = keys
        """By their number in the graph."""
        self._index = index
        self._data = data
        """What the index reads from, kept alive for it; None for one that can still grow."""

    def __len__(self) -> int:
        return len(self.keys)

    def near(self, query: NDArray[np.float32], *, count: int) -> Numbers:
        """Return about so many of the nearest, as numbers in the graph, in no order.

        Args:
            query: a vector of the graph's dimensions.
            count: how many to look for.
        """
        wide = max(_EXPANSION_SEARCH, count)
        self._index.expansion_search = wide  # type: ignore[misc]  # its setter has another name
        matches = self._index.search(_rounded(query[np.newaxis])[0], min(count, len(self)))
        found: Numbers = np.asarray(matches.keys, np.int64)
        return found[(found >= 0) & (found < len(self))]


def _rounded(vectors: NDArray[np.floating]) -> NDArray[np.int8]:
    """Return vectors of the same directions, each as large as 8 bits can hold it."""
    wide = vectors.astype(np.float32)
    largest = np.abs(wide).max(axis=1, keepdims=True)
    rounded: NDArray[np.int8] = np.rint(wide * (127 / np.maximum(largest, 1e-12))).astype(np.int8)
    return rounded


def _empty(dimensions: int) -> Index:
    # Reason: 0.1 s and 15 MB that nobody needs who has few vectors.
    from usearch.index import Index

    return Index(
        ndim=dimensions,
        metric="cos",
        dtype="i8",
        connectivity=_CONNECTIVITY,
        expansion_add=_EXPANSION_ADD,
        expansion_search=_EXPANSION_SEARCH,
        enable_key_lookups=False,
    )


class Growth(NamedTuple):
    """What a new graph is made from."""

    old: Graph | None
    """What it begins from; stays as it is."""
    keys: Keys
    """Of the vectors that are new in it."""
    vectors: Vectors
    """These vectors, among others; not copied, so that memory is not needed twice."""
    rows: Numbers
    """Which of them belong to the keys."""


def grow(growth: Growth, *, stop: Callable[[], bool]) -> Graph | None:
    """Return the new graph, with as many of the first vectors as were done when `stop` said so.

    None when not one was added.

    Args:
        growth: what it is made from.
        stop: asked a few times a second.
    """
    old, keys, vectors, rows = growth
    index = _empty(vectors.shape[1])
    before = np.zeros(0, np.uint64)
    if old is not None and old._data is not None:
        index.load(memoryview(old._data)[_index_begins(len(old)) :])
        before = old.keys
    done = 0
    while done < len(keys) and not stop():
        some = vectors[rows[done : done + _STEP]]
        numbers = np.arange(done, done + len(some), dtype=np.uint64) + np.uint64(len(before))
        # One thread: a search or a turn at the same time has the rest of the machine.
        index.add(numbers, _rounded(some), threads=1)
        done += len(some)
    if done == 0:
        return None
    return Graph(np.concatenate([before, keys[:done]]), index)


def _index_begins(count: int) -> int:
    return CODE_BYTES + _HEAD.size + 8 * count


def _purpose() -> bytes:
    # Reason: as above. Another version's graph is made anew rather than read.
    import usearch

    return f"graph {usearch.__version__}".encode("ascii")[:16]


def save(path: Path, graph: Graph, *, code: Code | None) -> Graph:
    """Write a graph that was grown, in the place of the one before; return it as it was written.

    Without a code nothing is written.

    Raises:
        DiskProblem: the disk refused.
    """
    head = _HEAD.pack(_MAGIC, graph._index.ndim, len(graph)) + graph.keys.astype("<u8").tobytes()
    body = graph._index.save(None)
    assert body is not None, "saving to nowhere gives the bytes"
    graph._index.reset()  # type: ignore[no-untyped-call]  # the memory is needed for what comes now
    made = bytes(CODE_BYTES) if code is None else code.of(_purpose(), (head, memoryview(body)))
    data = b"".join((made, head, body))
    del body
    if code is not None:
        clear(path)
        atomic.replace(path, data, mode=0o600, durable=False)
    return _opened(data, len(graph))


def load(path: Path, *, code: Code, dimensions: int) -> Graph | None:
    """Return the graph of a file; None when there is none, or its bytes are not just what we wrote.

    No byte reaches usearch before the code holds for all of them.
    """
    try:
        data = atomic.read_bytes(path, max_bytes=_MAX_BYTES)
    except (OSError, DiskProblem, ValueError):
        return None
    view = memoryview(data)
    if len(view) < CODE_BYTES + _HEAD.size:
        return None
    if not code.holds(bytes(view[:CODE_BYTES]), _purpose(), (view[CODE_BYTES:],)):
        return None
    magic, numbers, count = _HEAD.unpack_from(view, CODE_BYTES)
    if magic != _MAGIC or numbers != dimensions or _index_begins(count) > len(view):
        return None
    try:
        return _opened(data, count)
    except Exception:  # whatever usearch says of a file it wrote itself: it is made anew
        return None


def _opened(data: bytes, count: int) -> Graph:
    # Reason: as above.
    from usearch.index import Index

    begins = _index_begins(count)
    keys = np.frombuffer(data, "<u8", count, CODE_BYTES + _HEAD.size).astype(np.uint64)
    index = Index.restore(memoryview(data)[begins:], view=True, enable_key_lookups=False)
    if index is None or len(index) != count:
        raise ValueError("the graph does not hold what it says")
    return Graph(keys, index, data)
