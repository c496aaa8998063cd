"""A batch: documents taken apart into terms and columns, held in arrays.

It answers as a corpus does, so that lines no index has yet are searched in this form; and a segment
of the index is written from it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray

from lettafs.index.corpus import LONG_WORD, Document, Marked, Place, Postings, key_hash
from lettafs.index.engine.columns import Columns
from lettafs.index.engine.stretch import STRETCH_TERMS, Stretch, Term, stretches

__all__ = ["Batch", "Builder"]

_NO_DOCS = np.zeros(0, np.int32)


class Batch:
    """Documents in the order of their places. Made by `Builder`; never changes."""

    marks: Sequence[Marked] = ()

    def __init__(
        self,
        columns: Columns,
        words: Sequence[str],
        starts: NDArray[np.int64],
        postings: Postings,
        *,
        labels: Mapping[str, NDArray[np.int32]],
    ) -> None:
        self.size = len(columns.lengths)
        self.columns = columns
        self._words = words
        """Sorted, each once."""
        self._starts = starts
        """Where each word's postings begin, and the end of the last one's."""
        self._postings = postings
        self._labels = labels
        self._reversed: list[str] | None = None

    @property
    def lengths(self) -> NDArray[np.int32]:
        """How many words each document has."""
        return self.columns.lengths

    @property
    def keys(self) -> NDArray[np.uint64]:
        """The hash of each document's key."""
        return self.columns.keys

    @property
    def places(self) -> NDArray[np.int32]:
        """Segment, line and piece of each document."""
        return self.columns.places

    @property
    def fields(self) -> NDArray[np.int64]:
        """The numbers of each document."""
        return self.columns.fields

    def postings(self, word: str) -> Postings:
        """Return where a word stands; empty for one nobody used."""
        at = bisect_left(self._words, word)
        if at == len(self._words) or self._words[at] != word:
            return Postings(_NO_DOCS, _NO_DOCS)
        rows = slice(int(self._starts[at]), int(self._starts[at + 1]))
        return Postings(self._postings.docs[rows], self._postings.counts[rows])

    def labelled(self, label: str) -> NDArray[np.int32]:
        """Return the documents with a label, ascending."""
        return self._labels.get(label, _NO_DOCS)

    def labels(self, start: str = "") -> list[str]:
        """Return the labels that begin with `start`, sorted."""
        return [label for label in self._labels if label.startswith(start)]

    def words_beginning(self, start: str, *, limit: int) -> list[str]:
        """Return words that begin with `start`, sorted by their letters, at most `limit`."""
        return _run(self._words, start, limit)

    def words_ending(self, end: str, *, limit: int) -> list[str]:
        """Return long words that end with `end`, sorted by their letters backwards."""
        if self._reversed is None:
            self._reversed = self.long_words_reversed()
        return [word[::-1] for word in _run(self._reversed, end[::-1], limit)]

    def long_words_reversed(self) -> list[str]:
        """Return every word that may be a compound, its letters backwards, sorted."""
        return sorted(word[::-1] for word in self._words if len(word) >= LONG_WORD)

    def words(self) -> Iterator[Stretch]:
        """Yield every word, sorted."""
        docs, counts = self._postings
        for at in range(0, len(self._words), STRETCH_TERMS):
            texts = self._words[at : at + STRETCH_TERMS]
            starts = self._starts[at : at + len(texts) + 1]
            rows = slice(int(starts[0]), int(starts[-1]))
            yield Stretch(texts, starts - starts[0], docs[rows], counts[rows])

    def with_labels(self) -> Iterator[Stretch]:
        """Yield every label, sorted."""
        yield from stretches(
            Term(label, docs, np.ones(len(docs), np.int32)) for label, docs in self._labels.items()
        )


class Builder:
    """Takes documents in the order of their places, and makes a batch of them."""

    def __init__(self, *, fields: int) -> None:
        self._fields = fields
        self._numbers: defaultdict[str, int] = defaultdict(count().__next__)
        """A number for each word, in the order they came; a new one for a word that is asked for
        the first time."""
        self._said = array("I")
        """The words of all documents, one after the other, as numbers."""
        self._lengths = array("i")
        self._keys = array("Q")
        self._places = array("i")
        self._rows = array("q")
        self._labels: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self._lengths)

    def add(self, place: Place, document: Document) -> None:
        """Take a document."""
        words = document.words
        for label in dict.fromkeys(document.labels):
            self._labels.setdefault(label, []).append(len(self._lengths))
        # A list first: an array grows by it at once, and by anything else one number at a time.
        self._said.extend(array("I", list(map(self._numbers.__getitem__, words))))
        self._lengths.append(len(words))
        self._keys.append(key_hash(document.key))
        self._places.extend(place)
        self._rows.extend(document.fields)

    def build(self) -> Batch:
        """Return the documents taken."""
        size = len(self)
        columns = Columns(
            np.array(self._lengths, np.int32),
            np.array(self._keys, np.uint64),
            np.array(self._places, np.int32).reshape(size, 3),
            np.array(self._rows, np.int64).reshape(size, self._fields),
        )
        words = sorted(self._numbers)
        rank = np.empty(len(words), np.int64)
        rank[[self._numbers[word] for word in words]] = np.arange(len(words))
        # One number stands for a word in a document, so that sorting them groups both.
        docs = np.repeat(np.arange(size, dtype=np.int64), columns.lengths)
        pairs = rank[np.array(self._said, np.int64)] * max(size, 1) + docs
        pairs, counts = np.unique(pairs, return_counts=True)
        which, found = np.divmod(pairs, max(size, 1))
        starts = np.searchsorted(which, np.arange(len(words) + 1))
        labels = {label: np.array(self._labels[label], np.int32) for label in sorted(self._labels)}
        postings = Postings(found.astype(np.int32), counts.astype(np.int32))
        return Batch(columns, words, starts, postings, labels=labels)


def _run(ordered: Sequence[str], start: str, limit: int) -> list[str]:
    first = bisect_left(ordered, start)
    found = []
    for word in ordered[first : first + limit]:
        if not word.startswith(start):
            break
        found.append(word)
    return found
