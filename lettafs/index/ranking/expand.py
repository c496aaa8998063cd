"""Terms: a word looked for, with the words of the corpus that stand for it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lettafs.index.corpus import LONG_WORD, Corpus
from lettafs.index.ranking.kin import kin_of
from lettafs.index.words import is_unspaced

__all__ = ["Term", "term_for"]

_MOST_VARIANTS = 24
_MOST_BEGINNINGS = 400
"""Words looked through for a misspelled one, or that hold one letter of an unspaced script."""

_SHORTEST_STEM = 4
"""Letters a word must have to be looked for as the beginning of others."""
_LONGEST_ENDING = 4
_SHORTEST_PART = 4
"""Letters of a part of a compound."""
_SHORTEST_GUESS = 5
"""Letters of a word that may be misspelled: of shorter ones, one letter makes another word."""

_ENDING = 0.8
_COMPOUND = 0.5
_GUESS = 0.6
_KIN = 0.5
_KIN_FROM = 0.25


@dataclass(frozen=True, slots=True)
class Term:
    """Words that count as one: what one says of a document, the others say as well."""

    words: tuple[str, ...]
    """The word asked for comes first."""
    weights: tuple[float, ...]
    """How much of an occurrence each word's is, up to 1."""
    rarity: float
    """What finding it says: the logarithm of how few documents have it."""


def term_for(word: str, corpus: Corpus, *, name: bool = False) -> Term:
    """Return a word, and what stands for it in a corpus: other forms, compounds, kin.

    A name stands for itself: whoever asks for Rome does not mean Paris.
    """
    spread = _spread(word, corpus)
    words = {word: 1.0}
    for other, weight in _variants(word, corpus, absent=not spread):
        words.setdefault(other, weight)
    if spread == 0:
        spread = min(corpus.size, sum(_spread(other, corpus) for other in words))
    rarity = _rarity(spread, corpus)
    if not name:
        for other, near in kin_of(word):
            found = _spread(other, corpus)
            if found and other not in words:
                # A common word says no more for being kin to a rare one.
                share = min(1.0, _rarity(found, corpus) / rarity) if rarity else 1.0
                words[other] = _KIN * (near - _KIN_FROM) / (1 - _KIN_FROM) * share
    return Term(tuple(words), tuple(words.values()), rarity)


def _spread(word: str, corpus: Corpus) -> int:
    return len(corpus.postings(word).docs)


def _rarity(spread: int, corpus: Corpus) -> float:
    return math.log(1 + (corpus.size - spread + 0.5) / (spread + 0.5))


def _variants(word: str, corpus: Corpus, *, absent: bool) -> list[tuple[str, float]]:
    if is_unspaced(word):
        # A letter begins every pair it stands in but for the last of a run, which is alone.
        alone = len(word) == 1
        pairs = corpus.words_beginning(word, limit=_MOST_BEGINNINGS) if alone else []
        return [(pair, 1.0) for pair in pairs]
    if not word.isalpha() or len(word) < _SHORTEST_STEM:
        return []
    longer = corpus.words_beginning(word, limit=_MOST_VARIANTS * 4)
    found: list[tuple[str, float]] = []
    if len(word) > _SHORTEST_STEM:
        found += [(w, _COMPOUND) for w in corpus.words_ending(word, limit=_MOST_VARIANTS)]
        found += [(w, _COMPOUND) for w in longer if len(w) >= LONG_WORD]
    if absent:
        found += [(w, _ENDING) for w in longer if len(w) - len(word) <= _LONGEST_ENDING]
        found += [(w, _COMPOUND) for w in longer]
        found += _shorter(word, corpus) or _parts(word, corpus) or _guesses(word, corpus)
    return found[: 2 * _MOST_VARIANTS]


def _shorter(word: str, corpus: Corpus) -> list[tuple[str, float]]:
    """Return the longest word that this one is a form of: of Versicherungen, Versicherung."""
    for end in range(len(word) - 1, max(_SHORTEST_STEM, len(word) - _LONGEST_ENDING) - 1, -1):
        if _spread(word[:end], corpus):
            return [(word[:end], _ENDING)]
    return []


def _parts(word: str, corpus: Corpus) -> list[tuple[str, float]]:
    """Return the longest words a compound begins and ends with, where the corpus has them.

    Of Krankenversicherungskarte, Krankenversicherung and Karte.
    """
    if len(word) < 2 * _SHORTEST_PART:
        return []
    cuts = range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1)
    backs = [word[at:] for at in cuts if _spread(word[at:], corpus)]
    fronts = [word[:at] for at in reversed(cuts) if _spread(word[:at], corpus)]
    return [(part, _COMPOUND) for part in (*fronts[:1], *backs[:1])]


def _guesses(word: str, corpus: Corpus) -> list[tuple[str, float]]:
    """Return words that are this one but for one letter more, less, other or exchanged."""
    if len(word) < _SHORTEST_GUESS:
        return []
    near = corpus.words_beginning(word[:2], limit=_MOST_BEGINNINGS * 10)
    return [(other, _GUESS) for other in near if _one_apart(word, other)][:_MOST_VARIANTS]


def _one_apart(one: str, other: str) -> bool:
    if abs(len(one) - len(other)) > 1:
        return False
    at = 0
    while at < min(len(one), len(other)) and one[at] == other[at]:
        at += 1
    left, right = one[at:], other[at:]
    return (
        left[1:] == right[1:]
        or left[1:] == right
        or left == right[1:]
        or (left[:2] == right[1::-1] and left[2:] == right[2:])
    )
