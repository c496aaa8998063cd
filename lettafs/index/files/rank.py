"""Ranking of files: a file by its words altogether, its best piece, and its names.

A file's length is held against it as usual (BM25); of a long one the piece that fits best says more
than how often it has a word somewhere. A word in a name counts as one that stands in the text a few
times, as far as it tells the names apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lettafs.index.corpus import Corpus, key_hash
from lettafs.index.files.names import Names
from lettafs.index.fuse import fuse
from lettafs.index.ranking.expand import Term
from lettafs.index.ranking.query import Query

__all__ = ["RECIPE", "Grouped", "Near", "Ranked", "Recipe", "Scope", "rank_files"]

Scores = NDArray[np.float32]

Near = Callable[[NDArray[np.bool_]], Scores | None]
"""From the documents that may be found to how near each of them is; None: nobody can tell."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What counts how much.

    Tried on the docstrings of the standard library (as files of modules, and one file each) and on
    the chat sessions of the development half of LoCoMo, as files: most changes by a third move
    nDCG@10 by less than a point. `saturation` and `length` are BM25's usual ones.
    """

    saturation: float = 1.2
    """BM25's k1."""
    length: float = 0.75
    """BM25's b for a file."""
    piece_length: float = 0.6
    """BM25's b for a piece; cutting evens lengths out."""
    whole: float = 0.6
    """The share of a file's words altogether; the rest is its best piece's."""
    name: float = 3.0
    """So many times a word in a name stands in the text."""
    kin: float = 0.5
    """The share of words that only stand for one asked for: a paper says what it means with the
    words of its trade."""
    meaning: float = 1.0
    """What the nearest counts beside the best by words."""


RECIPE = Recipe()

_USUAL = 20
"""Fewer files say nothing of what is usual."""


@dataclass(frozen=True, slots=True)
class Grouped:
    """Which documents of a corpus are pieces of one content."""

    keys: NDArray[np.uint64]
    """Of the contents, ascending."""
    of_document: NDArray[np.intp]
    """The number of each document's content."""
    is_last: NDArray[np.bool_]
    """Whether a document is of the last line that lists its content; others are out of date."""
    lengths: Scores
    """How many words each content has."""
    pieces: NDArray[np.intp]
    """How many pieces each content has."""

    @staticmethod
    def of(corpus: Corpus) -> Grouped:
        """Return the contents of a corpus."""
        keys, which = np.unique(corpus.keys, return_inverse=True)
        at = corpus.places[:, 0].astype(np.int64) << 32 | corpus.places[:, 1]
        last = np.full(len(keys), -1, np.int64)
        np.maximum.at(last, which, at)
        is_last = at == last[which]
        lengths = np.bincount(which, corpus.lengths * is_last, len(keys)).astype(np.float32)
        pieces = np.bincount(which[is_last], minlength=len(keys))
        return Grouped(keys, which, is_last, lengths, pieces)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which contents of a corpus may be found, and what their files are called."""

    numbers: NDArray[np.intp]
    """Of the contents, ascending."""
    sha256: Mapping[int, str]
    """By number."""
    documents: NDArray[np.bool_]
    """Which documents are their pieces."""
    names: Names
    """In the order of `numbers`."""

    @staticmethod
    def of(groups: Grouped, names: Mapping[str, Sequence[str]]) -> Scope:
        """Return the contents that have names."""
        asked = {key_hash(sha256): sha256 for sha256 in names}
        there = np.isin(groups.keys, np.fromiter(asked, np.uint64, len(asked)))
        numbers = np.flatnonzero(there)
        keys = groups.keys[numbers].tolist()
        found = [asked[key] for key in keys]
        return Scope(
            numbers,
            dict(zip(numbers.tolist(), found, strict=True)),
            there[groups.of_document] & groups.is_last,
            Names(names[sha256] for sha256 in found),
        )


class Ranked(NamedTuple):
    """How well files and their pieces fit."""

    files: Scores
    """Of each content; 0: it is not found."""
    pieces: Scores
    """Of each document, comparable within its file."""


def rank_files(
    corpus: Corpus,
    groups: Grouped,
    query: Query,
    *,
    scope: Scope,
    near: Near,
    recipe: Recipe = RECIPE,
) -> Ranked:
    """Return how well contents fit a query.

    Args:
        corpus: whose documents are pieces.
        groups: of this corpus.
        query: read for this corpus.
        scope: what may be found.
        near: tells how near pieces are to the query.
        recipe: what counts how much.
    """
    terms = (*query.terms, *query.dated)
    whole, pieces = _by_words(corpus, groups, scope, terms, recipe)
    pieces[~scope.documents] = 0
    best = _best(groups, pieces)
    files = np.zeros(len(groups.keys), np.float32)
    shares = (1 - recipe.whole) * best + recipe.whole * whole
    files[scope.numbers] = shares[scope.numbers]
    told = near(scope.documents)
    if told is not None:
        nearness = np.zeros(corpus.size, np.float32)
        nearness[scope.documents] = told
        unusual = _beyond_usual(_best(groups, nearness), files > 0)
        files = fuse(files, unusual, weight=recipe.meaning)
        pieces = fuse(pieces, nearness, weight=recipe.meaning)
    return Ranked(files, pieces)


def _beyond_usual(near: Scores, with_words: NDArray[np.bool_]) -> Scores:
    """Return how much nearer files are than the usual one that has a word of the query.

    Where all files are of one field each is near to any question of it, and only the difference
    tells. Published figures for such collections bring the least to 0 in the same way.
    """
    some = near[with_words]
    if len(some) < _USUAL:
        return near
    beyond: Scores = np.maximum(near - np.float32(np.median(some)), 0).astype(np.float32)
    return beyond


def _best(groups: Grouped, scores: Scores) -> Scores:
    """Return the greatest score of each content's pieces."""
    best = np.zeros(len(groups.keys), np.float32)
    np.maximum.at(best, groups.of_document, scores)
    return best


def _by_words(
    corpus: Corpus,
    groups: Grouped,
    scope: Scope,
    terms: Sequence[Term],
    recipe: Recipe,
) -> tuple[Scores, Scores]:
    """Return BM25 of each content, names included, and of each piece."""
    whole = np.zeros(len(groups.keys), np.float32)
    pieces = np.zeros(corpus.size, np.float32)
    norm = _norm(groups.lengths, recipe.length)
    piece_norm = _norm(corpus.lengths.astype(np.float32), recipe.piece_length)
    saturation = np.float32(recipe.saturation)
    named = scope.names.having(terms)
    for term, (in_names, name_rarity) in zip(terms, named, strict=True):
        counts, spread = _counts(corpus, groups, term, recipe)
        rarity = _rarity(spread, len(groups.keys))
        times = np.bincount(groups.of_document, counts, len(groups.keys)).astype(np.float32) / norm
        telling = min(1.0, name_rarity / rarity) if rarity else 1.0
        times[scope.numbers] += np.float32(recipe.name * telling) * in_names
        whole += np.float32(rarity) * times / (times + saturation)
        counts /= piece_norm
        pieces += np.float32(term.rarity) * counts / (counts + saturation)
    return whole, pieces


def _counts(corpus: Corpus, groups: Grouped, term: Term, recipe: Recipe) -> tuple[Scores, int]:
    """Return how often a term stands in each piece, and in how many contents it does."""
    counts = np.zeros(corpus.size, np.float32)
    spread = 0
    for number, (word, weight) in enumerate(zip(term.words, term.weights, strict=True)):
        share = weight if not number else weight * recipe.kin
        found = corpus.postings(word)
        if share and len(found.docs):
            counts[found.docs] += np.float32(share) * found.counts
        if not number:
            spread = _spread(groups, found.docs)
    counts[~groups.is_last] = 0
    return counts, spread or _spread(groups, np.flatnonzero(counts))


def _spread(groups: Grouped, documents: NDArray[np.integer]) -> int:
    return len(np.unique(groups.of_document[documents]))


def _norm(lengths: Scores, share: float) -> Scores:
    """Return what lengths are held against texts: 1 in a usual one."""
    usual = max(1.0, float(lengths.mean())) if len(lengths) else 1.0
    norm: Scores = (1 - share + share * lengths / usual).astype(np.float32)
    return norm


def _rarity(spread: int, size: int) -> float:
    return math.log(1 + (size - spread + 0.5) / (spread + 0.5))
