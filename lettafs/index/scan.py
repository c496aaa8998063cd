"""Search by reading everything: BM25 over a list of texts, or an exact substring.

It needs no index, so it is right at once after every turn; its cost grows with the history.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lettafs.index.words import words_of

__all__ = ["Scored", "exact", "rank"]

_K1 = 1.2
_B = 0.75
"""BM25's usual constants (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009)."""

_QUESTION_WORDS = frozenset(
    "a about an and are at be by can could did do does for from had has have how i in is it me my "
    "of on or our say she he that the their there they this to us was we were what when where "
    "which who whom whose why will with would you your".split()
)
"""Words of a question that say nothing of what is asked for."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One text found: its place in the input, and how well it fits."""

    index: int
    score: float


def rank(query: str, texts: Sequence[str]) -> list[Scored]:
    """Return the texts that share a word with the query, best first, newer first among equals."""
    wanted = _query_words(query)
    if not wanted:
        return []
    lengths: list[int] = []
    hits: list[tuple[int, Counter[str]]] = []
    frequency: Counter[str] = Counter()
    for index, text in enumerate(texts):
        words = words_of(text)
        lengths.append(len(words))
        counts = Counter(word for word in words if word in wanted)
        if counts:
            hits.append((index, counts))
            frequency.update(counts.keys())
    mean = sum(lengths) / len(lengths) if lengths else 1.0
    total = len(texts)
    idf = {
        word: math.log(1 + (total - count + 0.5) / (count + 0.5))
        for word, count in frequency.items()
    }
    scored = []
    for index, counts in hits:
        norm = _K1 * (1 - _B + _B * lengths[index] / (mean or 1.0))
        score = sum(idf[w] * c * (_K1 + 1) / (c + norm) for w, c in counts.items())
        scored.append(Scored(index, score))
    return sorted(scored, key=lambda item: (-item.score, -item.index))


def _query_words(query: str) -> frozenset[str]:
    words = frozenset(words_of(query))
    return words - _QUESTION_WORDS or words


def exact(query: str, texts: Iterable[str]) -> list[Scored]:
    """Return the texts that hold the query as it stands, ignoring case, newest first."""
    needle = query.casefold()
    found = [Scored(index, 1.0) for index, text in enumerate(texts) if needle in text.casefold()]
    return found[::-1]
