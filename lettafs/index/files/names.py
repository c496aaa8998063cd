"""Names of files, as search reads them: `papers/budget-report.xlsx` is a budget, and a report."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from lettafs.index.ranking.expand import Term
from lettafs.index.words import words_of

__all__ = ["Names", "name_words"]

_MOST_KEPT = 100_000
_kept: dict[str, frozenset[str]] = {}


class Names:
    """The names of some files, a few names each.

    Args:
        names: of each file, in the order that `having` answers in.
    """

    def __init__(self, names: Iterable[Sequence[str]]) -> None:
        files: defaultdict[str, list[int]] = defaultdict(list)
        self._count = 0
        for each in names:
            for word in frozenset().union(*map(name_words, each)):
                files[word].append(self._count)
            self._count += 1
        self._files = dict(files)

    def having(self, terms: Sequence[Term]) -> list[tuple[NDArray[np.float32], float]]:
        """Return of each term how much of it stands in each file's names, and how rare that is.

        A number alone is in many names without being meant: it counts beside another term.
        """
        shares = np.zeros((len(terms), self._count), np.float32)
        for row, term in zip(shares, terms, strict=True):
            for word, weight in zip(term.words, term.weights, strict=True):
                there = self._files.get(word, [])
                row[there] = np.maximum(row[there], np.float32(weight))
        is_number = np.array([term.words[0].isdigit() for term in terms], np.bool_)
        if is_number.any():
            shares[np.ix_(is_number, ~(shares[~is_number] > 0).any(axis=0))] = 0
        found = []
        for row in shares:
            spread = int(np.count_nonzero(row))
            rarity = math.log(1 + (self._count - spread + 0.5) / (spread + 0.5))
            found.append((row, rarity))
        return found


def name_words(name: str) -> frozenset[str]:
    """Return the search words of a name; its extension is none, but for who writes the name."""
    known = _kept.get(name)
    if known is None:
        path = PurePosixPath(name)
        words = Counter(words_of(name))
        words.subtract(words_of(path.suffix))
        known = frozenset(word for word, count in words.items() if count > 0)
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[name] = known
    return known
