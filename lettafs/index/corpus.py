"""A corpus: what ranking reads of a set of texts, whether an index or the texts themselves give it.

Documents are numbered 0, 1, 2, ... in the order of their places, so that a document's neighbours in
the conversation are its neighbours by number. What ranking needs of them are arrays over these
numbers; the texts are read again only for what is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LONG_WORD",
    "Corpus",
    "Document",
    "Extract",
    "Mark",
    "Marked",
    "Place",
    "Postings",
    "key_hash",
]

R_contra = TypeVar("R_contra", contravariant=True)


class Place(NamedTuple):
    """Where a document comes from; places are ordered as the records are."""

    segment: int
    """Number of the segment file."""
    line: int
    """1 is the segment's first line."""
    piece: int = 0
    """0, 1, ... where one record gives several documents."""


@dataclass(frozen=True, slots=True)
class Document:
    """One text to be found."""

    key: str
    """Id of the message or passage it is of."""
    words: Sequence[str]
    """Its search words, in order, repeats kept."""
    labels: Sequence[str] = ()
    """Words of another kind, each counted once and not part of the text: tags, who speaks."""
    fields: tuple[int, ...] = ()
    """Numbers for filters, 64 bits signed each; the same count in every document of a corpus."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A record that says something of an earlier document: it was undone, or deleted."""

    kind: str
    key: str


class Marked(NamedTuple):
    """A mark with its place."""

    kind: str
    key: str
    place: Place


Extract = Callable[[R_contra], Sequence[Document | Mark]]
"""From a record of a segment to what search knows of it; the same record gives the same."""


class Postings(NamedTuple):
    """In which documents a word stands, and how often."""

    docs: NDArray[np.int32]
    """Ascending."""
    counts: NDArray[np.int32]


class Corpus(Protocol):
    """What ranking reads."""

    @property
    def size(self) -> int:
        """How many documents there are."""
        ...

    @property
    def lengths(self) -> NDArray[np.int32]:
        """How many words each has."""
        ...

    @property
    def keys(self) -> NDArray[np.uint64]:
        """The `key_hash` of each one's key."""
        ...

    @property
    def places(self) -> NDArray[np.int32]:
        """Segment, line and piece of each: shape (size, 3)."""
        ...

    @property
    def fields(self) -> NDArray[np.int64]:
        """The numbers of each: shape (size, count of fields)."""
        ...

    @property
    def marks(self) -> Sequence[Marked]:
        """Every mark, in the order of places."""
        ...

    def postings(self, word: str) -> Postings:
        """Return where a word stands; empty for one nobody used."""
        ...

    def labelled(self, label: str) -> NDArray[np.int32]:
        """Return the documents with a label, ascending."""
        ...

    def labels(self, start: str = "") -> list[str]:
        """Return the labels that begin with `start`, sorted."""
        ...

    def words_beginning(self, start: str, *, limit: int) -> list[str]:
        """Return words that begin with `start`, sorted by their letters, at most `limit`."""
        ...

    def words_ending(self, end: str, *, limit: int) -> list[str]:
        """Return words of at least `LONG_WORD` letters that end with `end`, at most `limit`.

        Which ones, where there are more: the first as sorted by their letters backwards.
        """
        ...


LONG_WORD = 9
"""Letters from which on a word may be a compound, and can be found by its end."""


def key_hash(key: str) -> int:
    """Return 64 bits that stand for a key in arrays."""
    return int.from_bytes(blake2b(key.encode("utf-8", "replace"), digest_size=8).digest(), "big")
