"""Fusion: one ranking from how well the words of a text fit a query, and how near its meaning is.

Scores are added, not ranks: adding ranks (reciprocal rank fusion with equal weights) loses to words
alone where meaning is the weaker of the two, because it throws away how much better the first is
than the second. Both sides are brought to 0 to 1 first, words by the best of them, nearness by the
best or by `_SURE`, whichever is more, so that the best of nothing but strangers does not count as
much as a find.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["WEIGHT", "fuse"]

WEIGHT = 0.75
"""What the nearest text's meaning counts beside the best-fitting text's words.

On the development half of LoCoMo (chat turns, where meaning alone is much the weaker side) anything
from 0.5 to 1 is within one point of R@10 of the best; on prose, where the two are equals, equal
shares are best. The middle of the one and the lower end of the other.
"""

_SURE = 4.0
"""Nearness that counts in full: six standard deviations above strangers, two of them taken off."""

_ALONE = 1.0
"""Nearness a text without any word of the query must have. Of texts that have nothing to do with a
query, two in a thousand do."""


def fuse(
    words: NDArray[np.float32], near: NDArray[np.float32], *, weight: float = WEIGHT
) -> NDArray[np.float32]:
    """Return how well each text fits, 0 for what neither side found.

    A higher score on either side never lowers a text's place, and a text that only one side found
    is found.

    Args:
        words: how well the words of each fit; 0 where none does.
        near: how near the meaning of each is, as `Meaning.near` gives it; 0 for what is no nearer
            than strangers, and for what has no vector.
        weight: what the nearest counts beside the best by words.
    """
    fitting = np.maximum(words, 0).astype(np.float32)
    if (best := float(fitting.max(initial=0.0))) > 0:
        fitting /= np.float32(best)
    counted = np.where((fitting > 0) | (near >= _ALONE), np.maximum(near, 0), 0)
    top = max(float(counted.max(initial=0.0)), _SURE)
    return (fitting + np.float32(weight / top) * counted).astype(np.float32)
