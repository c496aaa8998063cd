"""Ranking of passages: their own words alone.

A date in the question is looked for as it is written: a passage tells of a day, and was put away on
some other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lettafs.index.corpus import Corpus
from lettafs.index.ranking.query import Query

__all__ = ["rank_passages"]

_K1 = 1.2
_B = 0.6
"""BM25's constants: the usual ones, but for lengths, which the cutting into pieces evens out."""


def rank_passages(corpus: Corpus, query: Query) -> NDArray[np.float32]:
    """Return how well each document fits; 0 where no word does."""
    scores = np.zeros(corpus.size, np.float32)
    if not corpus.size:
        return scores
    lengths = corpus.lengths.astype(np.float32)
    norm = _K1 * (1 - _B + _B * lengths / max(1.0, float(lengths.mean())))
    for term in (*query.terms, *query.dated):
        counts = np.zeros(corpus.size, np.float32)
        for word, weight in zip(term.words, term.weights, strict=True):
            found = corpus.postings(word)
            counts[found.docs] += np.float32(weight) * found.counts
        scores += np.float32(term.rarity) * counts / (counts + norm)
    return scores
