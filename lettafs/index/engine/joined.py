"""A corpus joined from parts, numbered in the order of places as if it were one.

Each part numbers its documents from 0. Mostly the parts follow one another, and a document's number
is its part's first number more; a text segment that was edited long ago and indexed again lies
between others, and then a part has a table of numbers.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from lettafs.index.corpus import Marked, Postings
from lettafs.index.engine.columns import Columns

__all__ = ["Joined", "Part"]

T = TypeVar("T")

_NO_DOCS = np.zeros(0, np.int32)
_NOTHING = Postings(_NO_DOCS, _NO_DOCS)
_KEPT_BYTES = 8 * 2**20
"""Joined postings kept; a word of every message of 100,000 takes 0.8 MB."""


class Part(Protocol):
    """What a joined corpus reads of each part."""

    def postings(self, word: str) -> Postings:
        """Return where a word stands, in the part's own numbers."""
        ...

    def labelled(self, label: str) -> NDArray[np.int32]:
        """Return the documents with a label."""
        ...

    def labels(self, start: str = "") -> list[str]:
        """Return the labels that begin with `start`, sorted."""
        ...

    def words_beginning(self, start: str, *, limit: int) -> list[str]:
        """Return words that begin with `start`, sorted."""
        ...

    def words_ending(self, end: str, *, limit: int) -> list[str]:
        """Return long words that end with `end`, sorted by their letters backwards."""
        ...


class _Numbered:
    """A part with the numbers its documents have in the whole."""

    def __init__(self, part: Part, numbers: NDArray[np.int32]) -> None:
        self.part = part
        self.whole = bool((numbers >= 0).all())
        """False: some of its documents are out of date."""
        self.first = int(numbers[0]) if len(numbers) else 0
        in_row = self.whole and bool(np.array_equal(numbers, self.first + np.arange(len(numbers))))
        self.numbers = None if in_row else numbers

    def renumbered(self, found: Postings) -> Postings:
        docs, counts = found
        if self.numbers is None:
            return Postings(docs + np.int32(self.first), counts)
        docs = self.numbers[docs]
        if not self.whole:
            alive = docs >= 0
            docs, counts = docs[alive], counts[alive]
        return Postings(docs, counts)


class Joined:
    """The documents of all parts that are not out of date."""

    def __init__(
        self,
        parts: Sequence[tuple[Part, Columns, NDArray[np.bool_] | None]],
        marks: Iterable[Marked],
        *,
        fields: int,
        rescue: Callable[[], Joined] | None = None,
    ) -> None:
        """Join parts.

        Args:
            parts: each with its columns, and which of its documents are up to date (None: all).
            marks: every mark.
            fields: how many numbers a document has.
            rescue: makes the same corpus of texts alone, should reading a part fail.
        """
        joined = Columns.joined(
            [
                Columns.empty(fields=fields),
                *(columns if keep is None else columns.rows(keep) for _, columns, keep in parts),
            ]
        )
        order = joined.order()
        if order is not None:
            joined = joined.rows(order)
        self.size = len(joined.lengths)
        self.lengths, self.keys, self.places, self.fields = joined
        self.marks: Sequence[Marked] = sorted(marks, key=lambda mark: mark.place)
        self._parts = _numbered(parts, order, size=self.size)
        self._sorted = order is None
        self._rescue = rescue
        self._instead: Part | None = None
        self._cache: OrderedDict[str, Postings] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def postings(self, word: str) -> Postings:
        """Return where a word stands; empty for one nobody used."""
        with self._lock:
            known = self._cache.get(word)
            if known is not None:
                self._cache.move_to_end(word)
                return known
        found = self._try(lambda: self._postings(word), lambda other: other.postings(word))
        weight = found.docs.nbytes + found.counts.nbytes + 400
        with self._lock:
            if word not in self._cache:
                self._cache[word] = found
                self._held += weight
            while self._held > _KEPT_BYTES:
                _, gone = self._cache.popitem(last=False)
                self._held -= gone.docs.nbytes + gone.counts.nbytes + 400
        return found

    def labelled(self, label: str) -> NDArray[np.int32]:
        """Return the documents with a label, ascending."""
        return self._try(lambda: self._labelled(label), lambda other: other.labelled(label))

    def labels(self, start: str = "") -> list[str]:
        """Return the labels that begin with `start`, sorted."""
        return self._try(lambda: self._labels(start), lambda other: other.labels(start))

    def words_beginning(self, start: str, *, limit: int) -> list[str]:
        """Return words that begin with `start`, sorted by their letters, at most `limit`."""
        return self._try(
            lambda: self._words(lambda part, n: part.words_beginning(start, limit=n), limit),
            lambda other: other.words_beginning(start, limit=limit),
        )

    def words_ending(self, end: str, *, limit: int) -> list[str]:
        """Return long words that end with `end`, the first by their letters backwards."""
        return self._try(
            lambda: self._words(
                lambda part, n: part.words_ending(end, limit=n), limit, backwards=True
            ),
            lambda other: other.words_ending(end, limit=limit),
        )

    def _try(self, read: Callable[[], T], instead: Callable[[Part], T]) -> T:
        """Return what the parts say or, once one cannot be read, what the texts say."""
        if self._instead is None:
            try:
                return read()
            except Exception:
                # Damaged files make Whoosh raise nearly anything.
                if self._rescue is None:
                    raise
                self._instead = _Cut(self._rescue(), size=self.size)
        return instead(self._instead)

    def _postings(self, word: str) -> Postings:
        return self._joined((numbered, numbered.part.postings(word)) for numbered in self._parts)

    def _labelled(self, label: str) -> NDArray[np.int32]:
        return self._joined(
            (numbered, Postings(docs, docs))
            for numbered in self._parts
            if len(docs := numbered.part.labelled(label))
        ).docs

    def _joined(self, found: Iterable[tuple[_Numbered, Postings]]) -> Postings:
        live = [numbered.renumbered(postings) for numbered, postings in found if len(postings.docs)]
        if not live:
            return _NOTHING
        if len(live) == 1:
            docs, counts = live[0]
        else:
            docs = np.concatenate([postings.docs for postings in live])
            counts = np.concatenate([postings.counts for postings in live])
        if not self._sorted:
            order = np.argsort(docs, kind="stable")
            docs, counts = docs[order], counts[order]
        return Postings(docs, counts)

    def _labels(self, start: str) -> list[str]:
        return sorted(
            {
                label
                for numbered in self._parts
                for label in numbered.part.labels(start)
                if numbered.whole or (numbered.renumbered(_both(numbered.part, label)).docs.size)
            }
        )

    def _words(
        self, read: Callable[[Part, int], list[str]], limit: int, *, backwards: bool = False
    ) -> list[str]:
        found: set[str] = set()
        for numbered in self._parts:
            found.update(_alive(numbered, read, limit))
        return sorted(found, key=(lambda word: word[::-1]) if backwards else None)[:limit]


class _Cut:
    """A corpus of texts that may have grown since: the documents beyond `size` are left out."""

    def __init__(self, texts: Part, *, size: int) -> None:
        self._texts = texts
        self._size = size

    def postings(self, word: str) -> Postings:
        docs, counts = self._texts.postings(word)
        near = docs < self._size
        return Postings(docs[near], counts[near])

    def labelled(self, label: str) -> NDArray[np.int32]:
        docs = self._texts.labelled(label)
        return docs[docs < self._size]

    def labels(self, start: str = "") -> list[str]:
        return self._texts.labels(start)

    def words_beginning(self, start: str, *, limit: int) -> list[str]:
        return self._texts.words_beginning(start, limit=limit)

    def words_ending(self, end: str, *, limit: int) -> list[str]:
        return self._texts.words_ending(end, limit=limit)


def _both(part: Part, label: str) -> Postings:
    docs = part.labelled(label)
    return Postings(docs, docs)


def _alive(numbered: _Numbered, read: Callable[[Part, int], list[str]], limit: int) -> list[str]:
    """Return the part's first words that stand in a document which is up to date."""
    if numbered.whole:
        return read(numbered.part, limit)
    wanted = limit
    while True:
        words = read(numbered.part, wanted)
        alive = [
            word for word in words if numbered.renumbered(numbered.part.postings(word)).docs.size
        ][:limit]
        if len(alive) == limit or len(words) < wanted:
            return alive
        wanted *= 4


def _numbered(
    parts: Sequence[tuple[Part, Columns, NDArray[np.bool_] | None]],
    order: NDArray[np.intp] | None,
    *,
    size: int,
) -> list[_Numbered]:
    """Return each part with the numbers of its documents; -1 for one that is out of date."""
    rank = np.arange(size, dtype=np.int32)
    if order is not None:
        rank[order] = np.arange(size, dtype=np.int32)
    found = []
    at = 0
    for part, columns, keep in parts:
        numbers = np.full(len(columns.lengths), -1, np.int32)
        live = len(numbers) if keep is None else int(keep.sum())
        mine = rank[at : at + live]
        at += live
        if keep is None:
            numbers = mine
        else:
            numbers[keep] = mine
        if live:
            found.append(_Numbered(part, numbers))
    return found
