"""Terms with the documents they stand in: one by one, or many in a row as a few arrays.

A segment has many terms and most of them stand in few documents. What is done for each one by
itself takes most of the time a segment is written in, so they are written in stretches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["STRETCH_TERMS", "Stretch", "Term", "stretches"]

STRETCH_TERMS = 256
"""Terms of a stretch: a few milliseconds of work."""


class Term(NamedTuple):
    """A word or a label with the documents it stands in."""

    text: str
    docs: NDArray[np.int32]
    counts: NDArray[np.int32]


class Stretch(NamedTuple):
    """Terms in a row, each in at least one document."""

    texts: Sequence[str]
    """Ascending."""
    starts: NDArray[np.int64]
    """Where each term's documents begin in `docs` and `counts`; one more, where the last ones end.
    """
    docs: NDArray[np.int32]
    counts: NDArray[np.int32]


def stretches(terms: Iterable[Term]) -> Iterator[Stretch]:
    """Yield terms in stretches; each has at least one document."""
    rest = iter(terms)
    while some := list(islice(rest, STRETCH_TERMS)):
        yield Stretch(
            [term.text for term in some],
            np.cumsum([0, *(len(term.docs) for term in some)], dtype=np.int64),
            np.concatenate([term.docs for term in some]),
            np.concatenate([term.counts for term in some]),
        )
