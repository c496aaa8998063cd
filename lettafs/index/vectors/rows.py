"""Rows: vectors in memory, each under its key, and the nearest of them by reading every one.

Few vectors are held as 32-bit numbers, which numpy multiplies fastest; many as the 16-bit numbers
they have on disk, half as large, which usearch multiplies without widening them first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEW_NUMBERS", "Keys", "Numbers", "Rows", "Vectors", "best"]

Keys = NDArray[np.uint64]
Numbers = NDArray[np.int64]
Vectors = NDArray[np.float16 | np.float32]

FEW_NUMBERS = 20_000 * 384
"""So many numbers, rows times dimensions, are read through for every search; 30 MB of memory.

Measured with `python -m tests.bench --only passages`: 4 ms of one slow core, with no graph to build
(ten seconds and more) and every filter for nothing. A graph answers in 1 to 3 ms at any size, so
much beyond this the reading costs more than building one is worth.
"""

_BLOCK_ROWS = 8_192
_LOOSE_ROWS = 1_024
_NONE = np.zeros(0, np.int64)


class Rows:
    """Vectors of length 1, numbered 0, 1, 2, ... as they came; no key twice."""

    def __init__(self, dimensions: int, *, few_numbers: int = FEW_NUMBERS) -> None:
        self.dimensions = dimensions
        self.few_numbers = few_numbers
        self._count = 0
        self._keys = np.zeros(0, np.uint64)
        self._vectors: Vectors = np.zeros((0, dimensions), np.float32)
        self._sorted = self._keys
        """The keys of the first rows, sorted, with the row of each."""
        self._order = _NONE
        self._loose: tuple[int, Keys, Numbers] = (0, self._keys, _NONE)
        """The same of the rows after them; the number is how many rows there were then."""

    def __len__(self) -> int:
        return self._count

    @property
    def keys(self) -> Keys:
        """The key of each row."""
        return self._keys[: self._count]

    @property
    def vectors(self) -> Vectors:
        """The rows; 16-bit or 32-bit numbers, equal in value."""
        return self._vectors[: self._count]

    @property
    def is_few(self) -> bool:
        """Whether there are so few that reading all is the fastest way to the nearest."""
        return self._count * self.dimensions <= self.few_numbers

    def reserve(self, count: int) -> None:
        """Make room for so many more rows. Memory is taken when they come, not before."""
        wanted = self._count + count
        # Never back to wide numbers: a log that is being read was given its whole size at once.
        narrow = self._vectors.dtype == np.float16 or wanted * self.dimensions > self.few_numbers
        kind: type[np.float16 | np.float32] = np.float16 if narrow else np.float32
        if wanted <= len(self._keys) and self._vectors.dtype == kind:
            return
        room = max(wanted, self._count + self._count // 4 + _LOOSE_ROWS)
        keys = np.empty(room, np.uint64)
        keys[: self._count] = self.keys
        vectors = np.empty((room, self.dimensions), kind)
        vectors[: self._count] = self.vectors
        self._keys, self._vectors = keys, vectors

    def add(self, keys: Keys, vectors: NDArray[np.float16]) -> None:
        """Put rows at the end; their keys are new."""
        self.reserve(len(keys))
        end = self._count + len(keys)
        self._keys[self._count : end] = keys
        self._vectors[self._count : end] = vectors
        self._count = end

    def find(self, keys: Keys) -> Numbers:
        """Return the row of each key, -1 where there is none."""
        if self._count - len(self._order) > max(_LOOSE_ROWS, len(self._order) // 8):
            self._order = np.argsort(self.keys, kind="stable")
            self._sorted = self.keys[self._order]
        found = _look_up(keys, self._sorted, self._order)
        begin = len(self._order)
        if begin < self._count:
            if self._loose[0] != self._count:
                order = np.argsort(self.keys[begin:], kind="stable")
                self._loose = (self._count, self.keys[begin:][order], order + begin)
            later = _look_up(keys, self._loose[1], self._loose[2])
            found = np.where(found < 0, later, found)
        return found

    def nearest(
        self, query: NDArray[np.float32], *, k: int, among: Numbers | slice = slice(None)
    ) -> tuple[Numbers, NDArray[np.float32]]:
        """Return the rows nearest to a unit vector, by reading them all, and their cosines.

        Args:
            query: 32-bit numbers, of length 1.
            k: how many at most.
            among: which rows count; numbers without repeats, or a range.
        """
        numbers: Numbers = np.arange(self._count)[among] if isinstance(among, slice) else among
        if len(numbers) == 0 or k <= 0:
            return _NONE, np.zeros(0, np.float32)
        if self._vectors.dtype == np.float32:
            # One product over all is faster than copying the wanted rows together.
            return best(numbers, _dots(self.vectors, query)[numbers], k)
        found = [
            self._nearest_in(numbers[at : at + _BLOCK_ROWS], query, k, among)
            for at in range(0, len(numbers), _BLOCK_ROWS)
        ]
        chosen = np.concatenate(found)
        return best(chosen, self.cosines(chosen, query), k)

    def _nearest_in(
        self, numbers: Numbers, query: NDArray[np.float32], k: int, among: Numbers | slice
    ) -> Numbers:
        # Reason: 0.1 s and 15 MB that nobody needs who has few vectors.
        from usearch.compiled import MetricKind
        from usearch.index import search

        if isinstance(among, slice):
            block = self._vectors[numbers[0] : numbers[-1] + 1]
        else:
            block = self._vectors[numbers]
        # A few more than asked for: rounding may have put neighbours in another order.
        count = min(k + 16, len(numbers))
        matches = search(block, query.astype(np.float16), count, MetricKind.IP, exact=True)
        picked: Numbers = numbers[np.asarray(matches.keys, np.int64)]
        return picked

    def cosines(self, numbers: Numbers, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return how near rows are to a unit vector."""
        if self._vectors.dtype == np.float32 and len(numbers) * 8 > self._count:
            return _dots(self.vectors, query)[numbers]
        scores = np.empty(len(numbers), np.float32)
        for at in range(0, len(numbers), _BLOCK_ROWS):
            some = numbers[at : at + _BLOCK_ROWS]
            scores[at : at + len(some)] = _dots(self._vectors[some], query)
        return scores


def best(
    numbers: Numbers, scores: NDArray[np.float32], k: int
) -> tuple[Numbers, NDArray[np.float32]]:
    """Return the `k` highest scores, best first, lower numbers first among equals."""
    if len(numbers) > 4 * k:
        # All that equal the last one stay, so that which of them are given is no accident.
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        keep = scores >= least
        numbers, scores = numbers[keep], scores[keep]
    order = np.lexsort((numbers, -scores))[:k]
    return numbers[order], np.clip(scores[order], -1.0, 1.0)


def _dots(vectors: Vectors, query: NDArray[np.float32]) -> NDArray[np.float32]:
    # One thread on purpose: a product by BLAS wakes one for every core, and where another program
    # has a core it waits for that one. 20,000 rows then take 15 ms instead of 4.
    products: NDArray[np.float32] = np.einsum(
        "ij,j->i", vectors.astype(np.float32, copy=False), query
    )
    return products


def _look_up(keys: Keys, ordered: Keys, rows: Numbers) -> Numbers:
    if len(ordered) == 0:
        return np.full(len(keys), -1, np.int64)
    at = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    return np.where(ordered[at] == keys, rows[at], -1)
