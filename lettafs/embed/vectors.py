"""Vectors as a server sent them, checked and brought to length 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["unit_rows"]


def unit_rows(rows: Sequence[object], *, count: int) -> NDArray[np.float32]:
    """Return the rows as float32 of length 1.

    Raises:
        ValueError: there are not `count` rows of one length, or a row has no direction (zeros, or
            something that is no number). The text continues "it sent ".
    """
    if len(rows) != count:
        raise ValueError(f"{len(rows)} vectors for {count} texts")
    try:
        # float64, so that no number a server writes becomes infinite here.
        found = np.array(rows, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("vectors of different lengths, or something that is no number") from None
    if found.ndim != 2 or found.shape[1] == 0:
        raise ValueError("something that is not one vector for each text")
    # Twice: squares of very large or small numbers leave the range.
    largest = np.abs(found).max(axis=1, keepdims=True)
    if not np.isfinite(largest).all() or (largest == 0).any():
        raise ValueError("a vector of zeros, or one that holds no number (NaN)")
    found /= largest
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found.astype(np.float32)
