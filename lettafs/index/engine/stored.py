"""A stored segment of the index: three files, written once, read whole, never changed.

`.trm` and `.pst` hold Whoosh's terms and postings, `.col` its columns, one after the other. The
list of columns, with the width of each, is kept with the segment's name in the sealed state.
"""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lettafs.index.corpus import Marked, Postings
from lettafs.index.engine.batch import Batch
from lettafs.index.engine.columns import Columns
from lettafs.index.engine.storage import Files
from lettafs.index.engine.stretch import Stretch, Term
from lettafs.index.engine.terms import LABELS, REVERSED, WORDS, TermReader, TermWriter

__all__ = ["Cache", "Column", "Entry", "Stored", "write_batch", "write_terms"]

EXTENSIONS = (".trm", ".pst", ".col")

_CODES = (("B", np.uint8), ("H", np.uint16), ("i", np.int32), ("q", np.int64), ("Q", np.uint64))
_DTYPES = {code: np.dtype(dtype).newbyteorder(">") for code, dtype in _CODES}
"""Codes of Whoosh's numeric columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of numbers in the file of columns."""

    code: str
    """Width, as `struct` names it."""
    default: int
    """The value of rows that are not written."""
    rows: int
    """How many are written: all, or none where every one is the default."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A segment as the sealed state lists it."""

    name: str
    size: int
    columns: tuple[Column, ...]
    without: frozenset[int] = frozenset()
    """Numbers of text segments whose documents in here are out of date."""

    @property
    def files(self) -> tuple[str, ...]:
        """Names of its files."""
        return tuple(f"{self.name}{extension}" for extension in EXTENSIONS)


class Cache:
    """Decoded postings, the least used of them let go when they hold more than so many bytes."""

    def __init__(self, max_bytes: int) -> None:
        self._max = max_bytes
        self._held = 0
        self._found: OrderedDict[tuple[str, str, str], Postings] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[str, str, str], read: Callable[[], Postings]) -> Postings:
        """Return what is kept under a key, read first when it is not."""
        with self._lock:
            known = self._found.get(key)
            if known is not None:
                self._found.move_to_end(key)
                return known
        fresh = read()
        with self._lock:
            if key not in self._found:
                self._found[key] = fresh
                self._held += _weight(fresh)
            while self._held > self._max:
                _, gone = self._found.popitem(last=False)
                self._held -= _weight(gone)
        return fresh


def _weight(postings: Postings) -> int:
    return postings.docs.nbytes + postings.counts.nbytes + 400  # a key and two arrays weigh that


class Stored:
    """A segment, open: it answers as a corpus does, out-of-date documents included."""

    marks: Sequence[Marked] = ()

    def __init__(self, entry: Entry, files: Files, *, fields: int, cache: Cache) -> None:
        """Read the segment's files.

        Raises:
            Exception: of any kind, where they are damaged or not what was sealed.
        """
        terms, postings, columns = (files.read(name) for name in entry.files)
        self.entry = entry
        self.size = entry.size
        self._terms = TermReader(terms, postings)
        self._columns = columns
        self._fields = fields
        self._cache = cache

    def as_listed(self, entry: Entry) -> Stored:
        """Return the same segment as another generation lists it."""
        if entry == self.entry:
            return self
        other = copy.copy(self)
        other.entry = entry
        return other

    def columns(self) -> Columns:
        """Return what is known of each document; read anew each time, and not kept."""
        found = []
        at = 0
        for column in self.entry.columns:
            dtype = _DTYPES[column.code]
            if column.rows:
                found.append(np.frombuffer(self._columns, dtype, column.rows, at))
                at += column.rows * dtype.itemsize
            else:
                found.append(np.full(self.size, column.default, dtype))
        lengths, keys, *rest = found
        places = np.stack([column.astype(np.int32) for column in rest[:3]], axis=1)
        fields = np.zeros((self.size, self._fields), np.int64)
        for number, values in enumerate(rest[3:]):
            fields[:, number] = values
        return Columns(lengths.astype(np.int32), keys.astype(np.uint64), places, fields)

    def has_others_than(self, numbers: frozenset[int]) -> bool:
        """Tell whether there is a document of any other text segment than these."""
        return not bool(np.isin(self.columns().places[:, 0], list(numbers)).all())

    def postings(self, word: str) -> Postings:
        """Return where a word stands; empty for one nobody used."""
        return self._cached(WORDS, word)

    def labelled(self, label: str) -> NDArray[np.int32]:
        """Return the documents with a label, ascending."""
        return self._cached(LABELS, label).docs

    def _cached(self, field: str, term: str) -> Postings:
        key = (self.entry.name, field, term)
        return self._cache.get(key, lambda: self._terms.arrays(field, term))

    def labels(self, start: str = "") -> list[str]:
        """Return the labels that begin with `start`, sorted."""
        return list(self._terms.beginning(LABELS, start))

    def words_beginning(self, start: str, *, limit: int) -> list[str]:
        """Return words that begin with `start`, sorted by their letters, at most `limit`."""
        return list(islice(self._terms.beginning(WORDS, start), limit))

    def words_ending(self, end: str, *, limit: int) -> list[str]:
        """Return long words that end with `end`, sorted by their letters backwards."""
        found = islice(self._terms.beginning(REVERSED, end[::-1]), limit)
        return [word[::-1] for word in found]

    def terms(self, field: str) -> Iterable[Term]:
        """Yield the terms of a field, sorted."""
        for text, value in self._terms.items(field):
            docs, counts = self._terms.decoded(value)
            yield Term(text, docs, counts)


def write_batch(
    batch: Batch, files: Files, *, name: str, breathe: Callable[[], object] = lambda: None
) -> Entry:
    """Write documents as a new segment; return it for the list.

    Args:
        batch: the documents.
        files: where to.
        name: of the segment; no other may have had it.
        breathe: called many times a second: it may wait there.
    """

    def breathing(words: Iterable[Stretch]) -> Iterator[Stretch]:
        for stretch in words:
            breathe()
            yield stretch

    return write_terms(
        files,
        name=name,
        columns=batch.columns,
        labels=batch.with_labels(),
        backwards=batch.long_words_reversed(),
        words=breathing(batch.words()),
    )


def write_terms(
    files: Files,
    *,
    name: str,
    columns: Columns,
    labels: Iterable[Stretch],
    backwards: Sequence[str],
    words: Iterable[Stretch],
) -> Entry:
    """Write a new segment; return it for the list.

    Args:
        files: where to.
        name: of the segment; no other may have had it.
        columns: of its documents.
        labels: sorted, as `backwards` and `words`; documents are rows of `columns`.
        backwards: the long words, letters backwards.
        words: the words.
    """
    writer = TermWriter(files.create_file(f"{name}.trm"), files.create_file(f"{name}.pst"))
    try:
        writer.start_field(LABELS)
        for stretch in labels:
            writer.add(stretch)
        writer.start_field(REVERSED)
        writer.add_bare(backwards)
        writer.start_field(WORDS)
        for stretch in words:
            writer.add(stretch)
        writer.close()
    except BaseException:
        writer.abandon()
        for extension in EXTENSIONS:
            files.delete_file(f"{name}{extension}")
        raise
    with files.create_file(f"{name}.col") as file:
        written = [_write_column(column, file) for column in _split(columns)]
    return Entry(name, len(columns.lengths), tuple(written))


def _split(columns: Columns) -> list[NDArray[Any]]:
    lengths, keys, places, fields = columns
    return [lengths, keys, *places.T, *fields.T]


def _write_column(values: NDArray[Any], file: Any) -> Column:
    if not len(values):
        return Column("B", 0, 0)
    least, most = int(values.min()), int(values.max())
    code, dtype = next(
        (code, dtype)
        for code, dtype in _CODES
        if np.iinfo(dtype).min <= least and most <= np.iinfo(dtype).max
    )
    if least == most:
        return Column(code, least, 0)
    file.write(values.astype(_DTYPES[code]).tobytes())
    return Column(code, 0, len(values))
