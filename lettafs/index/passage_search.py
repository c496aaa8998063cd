"""Search in archival memory: by words, and by meaning where vectors are at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lettafs.format.passage_line import ArchivalRecord, PassageRecord
from lettafs.index import documents
from lettafs.index.corpus import Corpus, key_hash
from lettafs.index.engine.index import WordIndex
from lettafs.index.exact import holding
from lettafs.index.fuse import fuse
from lettafs.index.ranking.passages import rank_passages
from lettafs.index.ranking.query import read_query
from lettafs.index.wanted import Wanted, best_first, shown_of, within
from lettafs.stores.archival import Archival
from lettafs.values.hit import Hit
from lettafs.values.passage import Passage

__all__ = ["ByMeaning", "PassageSearch"]

_TIME, _FLAGS, _TEXT, _START, _END = range(len(documents.PASSAGE_FIELDS))

ByMeaning = Callable[[str, NDArray[np.uint64]], NDArray[np.float32] | None]
"""From a query and the hashes of texts to how near each is, 0 for one that is no nearer than
strangers are. None: there is no embedder, or it did not answer."""


class PassageSearch:
    """Finds passages of one home, a long one by its pieces."""

    def __init__(self, archival: Archival, *, directory: Path | None, key: bytes | None) -> None:
        self._archival = archival
        self.index: WordIndex[ArchivalRecord] = WordIndex(
            archival.segments,
            extract=documents.passage_documents,
            fields=len(documents.PASSAGE_FIELDS),
            directory=directory,
            key=key,
            version=documents.VERSION,
        )

    def find(
        self,
        query: str,
        wanted: Wanted,
        *,
        limit: int,
        skip: int = 0,
        exact: bool = False,
        by_meaning: ByMeaning,
    ) -> list[Hit]:
        """Return the passages that fit, best first, each once; without a query the newest first.

        Args:
            query: a question, words, or with `exact` a piece of text.
            wanted: which passages may be found.
            limit: how many at most.
            skip: how many of the best are passed over: those of earlier pages.
            exact: the text as it stands, ignoring case; newest first.
            by_meaning: how near texts are to the query.
        """
        corpus = self.index.snapshot()
        fits = _fitting(corpus, wanted)
        ranked = bool(query.strip()) and not exact
        if ranked:
            asked = read_query(query, corpus, now=wanted.now)
            scores = np.where(fits, rank_passages(corpus, asked), np.float32(0))
            near = _near(corpus, query, fits, by_meaning)
            scores = scores if near is None else fuse(scores, near)
        else:
            if exact and query.strip():
                fits &= holding(self._archival.segments, corpus, query, said=_said)
            scores = np.where(fits, np.float32(1), np.float32(0))
        found: list[Hit] = []
        seen: set[int] = set()
        for number in best_first(scores):
            key = int(corpus.keys[number])
            if key in seen:
                continue
            passage = self._passage(corpus, number)
            if passage is None:
                continue
            if not ranked:
                number = _piece_with(corpus, number, passage, query.casefold() if exact else "")
            seen.add(key)
            if len(seen) > skip:
                score = float(scores[number]) if ranked else 0.0
                hit = _hit(corpus, number, passage, score)
                shown = shown_of(hit.text, query, wanted, exact=exact)
                found.append(replace(hit, snippet=shown))
            if len(found) == limit:
                break
        return found

    def pieces(self) -> dict[int, Callable[[], str | None]]:
        """Return, by the hash of its text, what reads each piece there is.

        It returns None for a piece that has gone since.
        """
        corpus = self.index.snapshot()
        alive = np.flatnonzero(_alive(corpus))
        hashes = np.ascontiguousarray(corpus.fields[alive, _TEXT]).view(np.uint64)
        return {
            key: partial(self._text, corpus, number)
            for key, number in zip(hashes.tolist(), alive.tolist(), strict=True)
        }

    def _text(self, corpus: Corpus, number: int) -> str | None:
        passage = self._passage(corpus, number)
        if passage is None:
            return None
        start, end = corpus.fields[number, [_START, _END]].tolist()
        return passage.text[start:end]

    def _passage(self, corpus: Corpus, number: int) -> Passage | None:
        """Return the passage a document is of, as the files have it now."""
        segment, line, _ = corpus.places[number].tolist()
        record = self._archival.segments.at(segment, line)
        if not isinstance(record, PassageRecord):
            return None
        return record.passage if key_hash(record.passage.id) == int(corpus.keys[number]) else None


def _said(record: ArchivalRecord) -> str:
    if not isinstance(record, PassageRecord):
        return ""
    return "\n".join([record.passage.text, *record.passage.tags])


def _near(
    corpus: Corpus, query: str, fits: NDArray[np.bool_], by_meaning: ByMeaning
) -> NDArray[np.float32] | None:
    """Return how near each document that fits is to a query; nobody is asked where none does."""
    if not fits.any():
        return None
    hashes = np.ascontiguousarray(corpus.fields[:, _TEXT]).view(np.uint64)
    found = by_meaning(query, hashes[fits])
    if found is None:
        return None
    near = np.zeros(corpus.size, np.float32)
    near[fits] = found
    return near


def _fitting(corpus: Corpus, wanted: Wanted) -> NDArray[np.bool_]:
    fits = _alive(corpus)
    fits &= within(corpus.fields[:, _TIME], corpus.fields[:, _FLAGS], wanted)
    if wanted.tags:
        having = np.zeros(corpus.size, np.int32)
        tags = set(wanted.tags)
        for tag in tags:
            having[corpus.labelled(documents.tag_label(tag))] += 1
        fits &= having >= (len(tags) if wanted.all_tags else 1)
    return fits


def _alive(corpus: Corpus) -> NDArray[np.bool_]:
    """Return which documents are of a passage's last record, with no deletion after it."""
    at = corpus.places[:, 0].astype(np.int64) << 32 | corpus.places[:, 1]
    ends: dict[int, int] = {}
    for mark in corpus.marks:
        ends[key_hash(mark.key)] = mark.place.segment << 32 | mark.place.line
    alive = np.ones(corpus.size, np.bool_)
    _, which = np.unique(corpus.keys, return_inverse=True)
    if corpus.size:
        last = np.zeros(int(which.max()) + 1, np.int64)
        np.maximum.at(last, which, at)
        alive &= at == last[which]
    for gone in np.flatnonzero(np.isin(corpus.keys, np.array(list(ends), np.uint64))):
        alive[gone] &= at[gone] > ends[int(corpus.keys[gone])]
    return alive


def _piece_with(corpus: Corpus, number: int, passage: Passage, needle: str) -> int:
    """Return the first piece of a passage that holds a text, or its first where a tag does."""
    place = corpus.places[number]
    first = max(number - int(place[2]), 0)
    for piece in range(first, corpus.size):
        if (corpus.places[piece, :2] != place[:2]).any():
            break
        start, end = corpus.fields[piece, [_START, _END]].tolist()
        if needle in passage.text[start:end].casefold():
            return piece
    return first if (corpus.places[first, :2] == place[:2]).all() else number


def _hit(corpus: Corpus, number: int, passage: Passage, score: float) -> Hit:
    start, end = corpus.fields[number, [_START, _END]].tolist()
    piece, heading = "", ""
    pieces = documents.pieces_of(passage)
    mine = int(corpus.places[number, 2])
    if 1 < len(pieces) > mine:
        piece, heading = f"{mine + 1} of {len(pieces)}", " > ".join(pieces[mine].heading)
    return Hit(
        "archival",
        passage.id,
        passage.created_at,
        passage.text[start:end] if piece else passage.text,
        score,
        tags=passage.tags,
        piece=piece,
        heading=heading,
    )
