"""Ranking of a conversation: words, what was said around them, who speaks, when.

A message is found by its own words and, weaker, by those around it: an answer rarely repeats the
question. Every message is scored; nothing is left out for being a late candidate.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lettafs.index.corpus import Corpus
from lettafs.index.moments import UNKNOWN_US
from lettafs.index.ranking.dates import Span
from lettafs.index.ranking.expand import Term
from lettafs.index.ranking.query import Query
from lettafs.index.ranking.talk import REACH, Talk
from lettafs.index.words import words_of

__all__ = ["RECIPE", "Recipe", "rank_talk"]

Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What counts how much."""

    saturation: float = 0.8
    """BM25's k1: small, since in a chat a word once is nearly all that can be."""
    length: float = 0.4
    """BM25's b: how much a long message is held against itself."""
    context: float = 0.4
    """What words around a message count beside its own."""
    before: tuple[float, float, float] = (1.2, 0.7, 0.5)
    """The share of the last message before, the second last, the third last."""
    after: tuple[float, float, float] = (0.9, 0.6, 0.4)
    kin: float = 1.0
    """The share of words that only stand for one asked for."""
    statement: float = 0.2
    """Gain of a message whose author speaks of themselves: such messages hold the facts."""
    time_word: float = 0.2
    """Gain of a message that says when, where that is asked."""
    speaker: float = 0.22
    """Added when the one named speaks; the best message by its words has 1."""
    date: float = 0.6
    """Added on the day named."""


RECIPE = Recipe()

_MYSELF = tuple(words_of("I me my we our"))
_TIME_WORDS = tuple(
    dict.fromkeys(
        words_of(
            "yesterday today tonight tomorrow last next ago since recently soon earlier day week "
            "weekend month year morning afternoon evening night monday tuesday wednesday thursday "
            "friday saturday sunday january february march april june july august september "
            "october november december spring summer autumn fall winter few couple"
        )
    )
)
_ASKS_WHEN = re.compile(
    r"\bwhen\b|\bhow (long|recently|soon)\b|\b(what|which) (day|date|week|month|year|time)\b",
    re.IGNORECASE,
)
_DAY_US = 86_400 * 1_000_000
_CLOSE = ((0, 1.0), (2, 0.7), (7, 0.4))
"""Days from a day named, and how close that is: people tell next day, or at the weekend."""
_WITHIN = 0.6
"""How close a message in a week, month or year named is."""
_ADDRESSES = 0.04
"""The share of one side's messages that say a name, from which on it is the other side's."""
_ONE_SIDED = 10
"""So many times as often as the other side says it."""


def rank_talk(corpus: Corpus, query: Query, talk: Talk, *, recipe: Recipe = RECIPE) -> Scores:
    """Return how well each document fits; 0 where nothing does.

    The best one by its words has 1, to which the named speaker and date add.
    """
    scores = np.zeros(corpus.size, np.float32)
    if not corpus.size:
        return scores
    terms, speaks = _speaking(corpus, query, talk)
    close = _closeness(query.dates, talk.times_us)
    sought = (*terms, *query.dated)
    if sought:
        scores = _words(corpus, sought, talk, recipe)
    # A day is enough where nothing else is asked for.
    found = scores > 0 if terms else (scores > 0) | (close > 0)
    if recipe.statement:
        gain = np.float32(recipe.statement)
        scores *= 1 + gain * talk.once("myself", lambda: _having(corpus, _MYSELF))
    if recipe.time_word and _ASKS_WHEN.search(query.text):
        gain = np.float32(recipe.time_word)
        scores *= 1 + gain * talk.once("times", lambda: _having(corpus, _TIME_WORDS))
    scores /= max(float(scores.max()), 1e-9)
    if query.dates:
        scores += np.float32(recipe.date) * close
    if speaks is not None:
        scores += np.float32(recipe.speaker) * speaks
    return np.where(found, scores, np.float32(0))


def _words(corpus: Corpus, terms: tuple[Term, ...], talk: Talk, recipe: Recipe) -> Scores:
    """Return BM25 over each message and what is around it."""
    own = talk.once(("own", recipe), lambda: _norm(_lengths(corpus, talk), corpus, recipe))
    near = talk.once(
        ("near", recipe),
        lambda: (
            np.float32(recipe.context)
            * _norm(_around(_lengths(corpus, talk), talk, recipe), corpus, recipe)
        ),
    )
    total = np.zeros(talk.count, np.float32)
    for term in terms:
        counts = _counts(corpus, term, talk, recipe)
        heard = _around(counts, talk, recipe)
        heard *= near
        counts *= own
        heard += counts
        np.add(heard, np.float32(recipe.saturation), out=counts)
        heard /= counts
        heard *= np.float32(term.rarity)
        total += heard
    return total[talk.slots]


def _lengths(corpus: Corpus, talk: Talk) -> Scores:
    lengths = np.zeros(talk.count, np.float32)
    lengths[talk.slots] = corpus.lengths
    return lengths


def _norm(lengths: Scores, corpus: Corpus, recipe: Recipe) -> Scores:
    """Return what an occurrence counts in texts of these lengths: 1 in a usual one."""
    usual = max(1.0, float(lengths.sum()) / max(1, corpus.size))
    long = lengths * np.float32(recipe.length / usual)
    norm: Scores = np.reciprocal(long + np.float32(1 - recipe.length))
    return norm


def _counts(corpus: Corpus, term: Term, talk: Talk, recipe: Recipe) -> Scores:
    counts = np.zeros(talk.count, np.float32)
    for at, (word, weight) in enumerate(zip(term.words, term.weights, strict=True)):
        share = weight if at == 0 else weight * recipe.kin
        if share:
            found = corpus.postings(word)
            counts[talk.slots[found.docs]] += np.float32(share) * found.counts
    return counts


def _around(values: Scores, talk: Talk, recipe: Recipe) -> Scores:
    """Return the weighted sum of the values before and after each slot."""
    total = np.zeros_like(values)
    inner = total[REACH : talk.spoken]
    part = np.empty_like(inner)
    for away, (before, after) in enumerate(zip(recipe.before, recipe.after, strict=True), 1):
        for shift, share in ((-away, before), (away, after)):
            from_there = values[REACH + shift : talk.spoken + shift]
            np.multiply(from_there, np.float32(share), out=part)
            inner += part
    return total


def _having(corpus: Corpus, words: tuple[str, ...]) -> Scores:
    """Return 1 for documents with any of the words, else 0."""
    has = np.zeros(corpus.size, np.float32)
    for word in words:
        has[corpus.postings(word).docs] = 1
    return has


def _speaking(
    corpus: Corpus, query: Query, talk: Talk
) -> tuple[tuple[Term, ...], NDArray[np.bool_] | None]:
    """Return the terms that are not names of who speaks, and which documents those named said."""
    said = np.zeros(corpus.size, np.bool_)
    for label in query.speakers:
        said[corpus.labelled(label)] = True
    named = bool(query.speakers)
    terms = []
    for term in query.terms:
        role = _addressed(corpus, term.words[0], talk) if term.words[0] in query.names else None
        if role is None:
            terms.append(term)
        else:
            said |= talk.roles == role
            named = True
    if not terms and not query.dates:
        return query.terms, None  # nothing but names: the words are all there is
    return tuple(terms), said if named else None


def _addressed(corpus: Corpus, word: str, talk: Talk) -> int | None:
    """Return the role whom the other side calls by a name; None where it is nobody's.

    Messages without their author's name still tell it: people say the other's name, not their own.
    """
    docs = corpus.postings(word).docs
    roles, sizes = np.unique(talk.roles[talk.slots < talk.spoken], return_counts=True)
    if len(roles) != 2:
        return None
    calls = [int(np.count_nonzero(talk.roles[docs] == role)) for role in roles]
    for caller, called in ((0, 1), (1, 0)):
        often = calls[caller] >= max(3.0, _ADDRESSES * int(sizes[caller]))
        if often and calls[caller] >= _ONE_SIDED * calls[called]:
            return int(roles[called])
    return None


def _closeness(dates: tuple[Span, ...], times_us: NDArray[np.int64]) -> Scores:
    """Return how near each time is to the dates named, 0 to 1."""
    best = np.zeros(len(times_us), np.float32)
    known = times_us != UNKNOWN_US
    for span in dates:
        early = np.where(known, span.start_us - times_us, 0)
        late = np.where(known, times_us - span.end_us, 0)
        days = np.maximum(np.maximum(early, late), 0) / _DAY_US
        if span.unit == "day":
            close = np.select([days <= away for away, _ in _CLOSE], [c for _, c in _CLOSE], 0.0)
        else:
            close = np.where(days <= 0, _WITHIN, 0.0)
        best = np.maximum(best, np.where(known, close, 0).astype(np.float32))
    return best
