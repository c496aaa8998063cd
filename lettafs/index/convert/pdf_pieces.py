"""Pieces and rows: words of a PDF page that stand side by side on a baseline."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter

from lettafs.index.convert.pdf_words import Word

__all__ = ["Piece", "Row", "pieces_of", "rows_of"]

_APART = 0.85
"""A gap as wide as this, in the size of the text, parts two pieces."""
_WIDE = 1.5
"""A gap that shows in a line of text, as two spaces."""


_left = attrgetter("x0")
_height = attrgetter("y")
_size = attrgetter("size")


@dataclass(slots=True)
class Piece:
    """Words on one baseline without a wide gap between them, or a table that was drawn."""

    x0: float
    x1: float
    y: float
    size: float
    words: list[Word] = field(default_factory=list)
    table: list[str] | None = None
    """Its lines, as Markdown."""

    @property
    def text(self) -> str:
        """The words, in the order they are read."""
        words = sorted(self.words, key=_left)
        if _is_leftward(words):
            words.reverse()
        return " ".join(word.text for word in words)


class Row:
    """Pieces on one baseline, from the left to the right."""

    __slots__ = ("pieces", "size", "x0", "x1", "y")

    def __init__(self, pieces: list[Piece]) -> None:
        pieces.sort(key=_left)
        self.pieces = pieces
        largest = max(pieces, key=_size)
        self.x0 = pieces[0].x0
        self.x1 = max(piece.x1 for piece in pieces)
        self.size = largest.size
        self.y = largest.y
        """Its baseline, which is that of its largest text."""

    @property
    def letters(self) -> int:
        """How many it has."""
        return sum(len(word.text) for piece in self.pieces for word in piece.words)

    @property
    def widest_gap(self) -> float:
        """Between two of its pieces."""
        return max((b.x0 - a.x1 for a, b in pairwise(self.pieces)), default=0.0)

    @property
    def is_stretched(self) -> bool:
        """Whether its words stand equally far apart: a line of a narrow column, set to width."""
        words = sorted((word for piece in self.pieces for word in piece.words), key=_left)
        gaps = [right.x0 - left.x1 for left, right in pairwise(words)]
        return len(gaps) > 1 and max(gaps) - min(gaps) < 0.2 * self.size

    @property
    def text(self) -> str:
        """Its words on one line; a wide gap shows as two spaces."""
        pieces = self.pieces
        if self.is_stretched:
            return " ".join(piece.text for piece in pieces)
        if _is_leftward([word for piece in pieces for word in piece.words]):
            return "  ".join(piece.text for piece in reversed(pieces))
        parts = [pieces[0].text]
        for left, right in pairwise(pieces):
            parts.append("  " if right.x0 - left.x1 > _WIDE * self.size else " ")
            parts.append(right.text)
        return "".join(parts)


def pieces_of(words: Iterable[Word]) -> list[Piece]:
    """Return words put together into pieces; in no particular order.

    Words come in the order they were drawn, which is nearly always the order inside a line, so
    that an index or a note number finds its own line and not its neighbour's.
    """
    found: list[Piece] = []
    now: Piece | None = None
    for word in words:
        if now is not None and _joins(now, word.x0, word.x1, word.y, word.size):
            if word.size > 1.15 * now.size:
                now.y = word.y
            now.x0, now.x1 = min(now.x0, word.x0), max(now.x1, word.x1)
            now.size = max(now.size, word.size)
            now.words.append(word)
        else:
            now = Piece(word.x0, word.x1, word.y, word.size, [word])
            found.append(now)
    return _closed_up(found)


def _joins(piece: Piece, x0: float, x1: float, y: float, size: float) -> bool:
    larger = max(piece.size, size)
    if abs(y - piece.y) > (0.2 if 0.87 < size / piece.size < 1.15 else 0.5) * larger:
        return False
    gap = max(x0 - piece.x1, piece.x0 - x1)
    return -0.4 * larger <= gap <= _APART * larger


def _closed_up(pieces: list[Piece]) -> list[Piece]:
    """Put together pieces that stand close but were drawn apart."""
    found: list[Piece] = []
    for row in rows_of(pieces):
        now = row.pieces[0]
        for piece in row.pieces[1:]:
            if _joins(now, piece.x0, piece.x1, piece.y, piece.size):
                if piece.size > 1.15 * now.size:
                    now.y = piece.y
                now.x1, now.size = max(now.x1, piece.x1), max(now.size, piece.size)
                now.words.extend(piece.words)
            else:
                found.append(now)
                now = piece
        found.append(now)
    return found


def rows_of(pieces: Iterable[Piece]) -> list[Row]:
    """Return pieces as rows from the top to the bottom; a drawn table is a row of its own."""
    rows: list[list[Piece]] = []
    base, size = 0.0, 0.0
    for piece in sorted(pieces, key=_height):
        alone = piece.table is not None or (rows and rows[-1][0].table is not None)
        if rows and not alone and piece.y - base <= 0.42 * max(size, piece.size):
            rows[-1].append(piece)
            if piece.size > 1.15 * size:
                base, size = piece.y, piece.size
        else:
            rows.append([piece])
            base, size = piece.y, piece.size
    return [Row(row) for row in rows]


def _is_leftward(words: Sequence[Word]) -> bool:
    """Whether words are of a script that runs from the right to the left."""
    if all(word.text.isascii() for word in words):
        return False
    letters = [unicodedata.bidirectional(letter) for word in words for letter in word.text]
    leftward = sum(letter in ("R", "AL") for letter in letters)
    return leftward > sum(letter == "L" for letter in letters)
