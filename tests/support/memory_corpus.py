"""The plainest corpus there is: documents in dictionaries, no index, no arrays until asked."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from lettafs.index.corpus import LONG_WORD, Document, Marked, Place, Postings, key_hash

__all__ = ["MemoryCorpus"]

_NO_DOCS = np.zeros(0, np.int32)


class MemoryCorpus:
    """A corpus in dictionaries: what every other one is held against."""

    def __init__(
        self, found: Iterable[tuple[Place, Document] | Marked] = (), *, fields: int = 0
    ) -> None:
        lengths: list[int] = []
        keys: list[int] = []
        places: list[Place] = []
        numbers: list[tuple[int, ...]] = []
        marks: list[Marked] = []
        words: dict[str, dict[int, int]] = {}
        labels: dict[str, list[int]] = {}
        for item in found:
            if isinstance(item, Marked):
                marks.append(item)
                continue
            place, document = item
            number = len(lengths)
            lengths.append(len(document.words))
            keys.append(key_hash(document.key))
            places.append(place)
            numbers.append(document.fields)
            for word in document.words:
                counts = words.setdefault(word, {})
                counts[number] = counts.get(number, 0) + 1
            for label in dict.fromkeys(document.labels):
                labels.setdefault(label, []).append(number)
        self.size = len(lengths)
        self.lengths = np.array(lengths, np.int32)
        self.keys = np.array(keys, np.uint64)
        self.places = np.array(places, np.int32).reshape(self.size, 3)
        self.fields = np.array(numbers, np.int64).reshape(self.size, fields)
        self.marks: Sequence[Marked] = marks
        self._words = words
        self._labels = labels
        self._sorted: list[str] | None = None
        self._reversed: list[str] | None = None

    def postings(self, word: str) -> Postings:
        """Return where a word stands; empty for one nobody used."""
        counts = self._words.get(word)
        if not counts:
            return Postings(_NO_DOCS, _NO_DOCS)
        return Postings(
            np.fromiter(counts.keys(), np.int32, len(counts)),
            np.fromiter(counts.values(), np.int32, len(counts)),
        )

    def labelled(self, label: str) -> NDArray[np.int32]:
        """Return the documents with a label, ascending."""
        return np.array(self._labels.get(label, ()), np.int32)

    def labels(self, start: str = "") -> list[str]:
        """Return the labels that begin with `start`, sorted."""
        return sorted(label for label in self._labels if label.startswith(start))

    def words_beginning(self, start: str, *, limit: int) -> list[str]:
        """Return words that begin with `start`, sorted by their letters, at most `limit`."""
        if self._sorted is None:
            self._sorted = sorted(self._words)
        return _run(self._sorted, start, limit)

    def words_ending(self, end: str, *, limit: int) -> list[str]:
        """Return long words that end with `end`, as the protocol says."""
        if self._reversed is None:
            self._reversed = sorted(word[::-1] for word in self._words if len(word) >= LONG_WORD)
        return [word[::-1] for word in _run(self._reversed, end[::-1], limit)]


def _run(ordered: list[str], start: str, limit: int) -> list[str]:
    first = bisect_left(ordered, start)
    found = []
    for word in ordered[first : first + limit]:
        if not word.startswith(start):
            break
        found.append(word)
    return found
