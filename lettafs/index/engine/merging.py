"""Merging: several small segments become one, and what is out of date in them goes.

Segments are merged with segments about as large as they, so that each document is written again
only a few times however long the history grows, and a search asks only a few segments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import merge as merge_sorted
from itertools import groupby
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from lettafs.index.corpus import LONG_WORD
from lettafs.index.engine.columns import Columns
from lettafs.index.engine.storage import Files
from lettafs.index.engine.stored import Entry, Stored, write_terms
from lettafs.index.engine.stretch import Term, stretches
from lettafs.index.engine.terms import LABELS, WORDS

__all__ = ["Stopped", "merge", "to_merge"]

_FACTOR = 6
"""So many segments of a size become one of the next size."""
_SMALL = 1_000
"""Documents; smaller segments count as one size."""
_MOST = 8
"""More segments than these are not left."""


class Stopped(Exception):
    """Somebody wanted the work to stop; nothing of it is left."""


def to_merge(entries: Sequence[Entry]) -> slice | None:
    """Return which neighbours to merge next; None: none need it."""
    levels = [_level(entry.size) for entry in entries]
    for start in range(len(entries) - _FACTOR, -1, -1):
        run = slice(start, start + _FACTOR)
        if max(levels[run]) == min(levels[run]):
            return run
    if len(entries) > _MOST:
        sums = [a.size + b.size for a, b in zip(entries, entries[1:], strict=False)]
        start = sums.index(min(sums))
        return slice(start, start + 2)
    return None


def _level(size: int) -> int:
    level = 0
    while size >= _SMALL * _FACTOR:
        size //= _FACTOR
        level += 1
    return level


def merge(
    parts: Sequence[Stored], files: Files, *, name: str, stop: Callable[[], bool]
) -> Entry | None:
    """Write segments as one, without what is out of date; None: nothing is left.

    Raises:
        Stopped: `stop` said so. The files begun are no part of any generation.
    """
    columns: list[Columns] = []
    numbers: list[NDArray[np.int32]] = []
    first = 0
    for part in parts:
        mine = part.columns()
        keep = ~np.isin(mine.places[:, 0], list(part.entry.without))
        fresh = np.full(len(keep), -1, np.int32)
        fresh[keep] = np.arange(first, first + int(keep.sum()), dtype=np.int32)
        first += int(keep.sum())
        numbers.append(fresh)
        columns.append(mine.rows(keep))
    if first == 0:
        return None
    joined = Columns.joined(columns)
    order = joined.order()
    if order is not None:
        joined = joined.rows(order)
        rank = np.empty(first, np.int32)
        rank[order] = np.arange(first, dtype=np.int32)
        numbers = [np.where(fresh < 0, -1, rank[fresh]).astype(np.int32) for fresh in numbers]
    words = list(_terms(parts, numbers, field=WORDS, stop=stop))
    return write_terms(
        files,
        name=name,
        columns=joined,
        labels=stretches(_terms(parts, numbers, field=LABELS, stop=stop)),
        backwards=sorted(term.text[::-1] for term in words if len(term.text) >= LONG_WORD),
        words=stretches(words),
    )


def _numbered(part: Stored, at: int, *, field: str) -> Iterator[tuple[str, int, Term]]:
    """Yield a part's terms with its number: a function, so that each keeps its own number."""
    for term in part.terms(field):
        yield term.text, at, term


def _terms(
    parts: Sequence[Stored],
    numbers: Sequence[NDArray[np.int32]],
    *,
    field: str,
    stop: Callable[[], bool],
) -> Iterator[Term]:
    """Yield the terms of all parts, sorted, with the documents' new numbers."""
    # Mostly nothing is out of date and the parts follow one another: then so do their postings.
    in_order = bool((np.diff(np.concatenate(numbers), prepend=-1) > 0).all())
    rows = [_numbered(part, at, field=field) for at, part in enumerate(parts)]
    for asked, (text, group) in enumerate(groupby(merge_sorted(*rows), key=itemgetter(0))):
        if asked % 256 == 0 and stop():
            raise Stopped
        found = [(numbers[at][term.docs], term.counts) for _, at, term in group]
        docs, counts = found[0]
        if len(found) > 1:
            docs = np.concatenate([docs for docs, _ in found])
            counts = np.concatenate([counts for _, counts in found])
        if not in_order:
            keep = docs >= 0
            docs, counts = docs[keep], counts[keep]
            order = np.argsort(docs, kind="stable")
            docs, counts = docs[order], counts[order]
        if len(docs):
            yield Term(text, docs, counts)
