"""A graph in its place among the rows: which row each of its numbers is, and which it lacks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lettafs.index.vectors.graph import Graph
from lettafs.index.vectors.rows import Numbers, Rows, best

__all__ = ["PlacedGraph"]

_MIN_BESIDE = 2_000
"""Rows beside the graph that are read one by one before it is worth growing it."""

_BESIDE_PART = 8
"""The graph grows when an eighth of its size has come: its saves then cost each row a little."""

_MOST_CANDIDATES = 2_000
"""Where a filter would need more candidates than this, reading all that pass it is as fast."""


class PlacedGraph:
    """A graph, and the rows it is of; rows may be added, and are then beside it."""

    def __init__(self, graph: Graph, rows: Rows) -> None:
        self.graph = graph
        self._rows = rows
        self._row_of = rows.find(graph.keys)
        self._placed = len(rows)
        lacking = np.ones(self._placed, np.bool_)
        lacking[self._row_of[self._row_of >= 0]] = False
        self._lacking = np.flatnonzero(lacking)

    @property
    def beside(self) -> Numbers:
        """The rows that are not in the graph."""
        return np.concatenate([self._lacking, np.arange(self._placed, len(self._rows))])

    @property
    def is_mostly_gone(self) -> bool:
        """Whether more than half of what it holds has no row any more."""
        return int((self._row_of < 0).sum()) * 2 > len(self.graph)

    @property
    def should_grow(self) -> bool:
        """Whether so many rows are beside it that making a larger one is worth it."""
        return len(self.beside) >= max(_MIN_BESIDE, len(self.graph) // _BESIDE_PART)

    def nearest(
        self, query: NDArray[np.float32], *, k: int, among: Numbers | slice
    ) -> tuple[Numbers, NDArray[np.float32]]:
        """Return the rows nearest to a unit vector and their cosines, as `Rows.nearest`.

        The graph is asked for more candidates than wanted, and for more again while a filter leaves
        too few of them; what is beside it is read through.
        """
        rows = self._rows
        beside = self.beside
        allowed = None
        share = 1.0
        if not isinstance(among, slice):
            allowed = np.zeros(len(rows), np.bool_)
            allowed[among] = True
            beside = beside[allowed[beside]]
            share = len(among) / len(rows)
        late, _ = rows.nearest(query, k=k, among=beside)
        count = int((2 * k + 80) / share) + 1
        while count <= _MOST_CANDIDATES + 4 * k:
            found = self._row_of[self.graph.near(query, count=count)]
            found = found[found >= 0]
            if allowed is not None:
                found = found[allowed[found]]
            if len(found) >= k or count >= len(self.graph):
                numbers = np.concatenate([found, late])
                return best(numbers, rows.cosines(numbers, query), k)
            count *= 4
        return rows.nearest(query, k=k, among=among)
