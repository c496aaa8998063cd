"""Columns: what is known of each document beside its words, one row each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Columns"]


class Columns(NamedTuple):
    """Arrays of one length."""

    lengths: NDArray[np.int32]
    """How many words each document has."""
    keys: NDArray[np.uint64]
    """The hash of each one's key."""
    places: NDArray[np.int32]
    """Segment, line and piece: shape (size, 3)."""
    fields: NDArray[np.int64]
    """Numbers for filters: shape (size, count of fields)."""

    @staticmethod
    def empty(*, fields: int) -> Columns:
        """Return columns without a row."""
        return Columns(
            np.zeros(0, np.int32),
            np.zeros(0, np.uint64),
            np.zeros((0, 3), np.int32),
            np.zeros((0, fields), np.int64),
        )

    @staticmethod
    def joined(parts: Sequence[Columns]) -> Columns:
        """Return the rows of all parts, one part after the other; there is at least one."""
        return Columns(
            np.concatenate([part.lengths for part in parts]),
            np.concatenate([part.keys for part in parts]),
            np.concatenate([part.places for part in parts]),
            np.concatenate([part.fields for part in parts]),
        )

    def rows(self, which: NDArray[Any]) -> Columns:
        """Return the rows a mask keeps, or the ones of these numbers in their order."""
        return Columns(
            self.lengths[which], self.keys[which], self.places[which], self.fields[which]
        )

    def order(self) -> NDArray[np.intp] | None:
        """Return what sorts the rows by place; None: they are sorted."""
        segment, line, piece = self.places.T
        # Two numbers of 32 bits and a few pieces fit one of 64 only together; a pair is compared.
        high = segment.astype(np.int64) << 32 | line
        step = np.diff(high)
        if bool(((step > 0) | ((step == 0) & (np.diff(piece) >= 0))).all()):
            return None
        return np.lexsort((piece, high))
