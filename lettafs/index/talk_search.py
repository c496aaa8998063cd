"""Search in recall: what was said, by words with the neighbours as context, or as it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lettafs.format.recall_line import MessageRecord, RecallRecord
from lettafs.index import documents
from lettafs.index.corpus import Corpus, key_hash
from lettafs.index.engine.index import WordIndex
from lettafs.index.exact import holding
from lettafs.index.ranking.lex import rank_talk
from lettafs.index.ranking.query import Query, read_query
from lettafs.index.ranking.talk import Talk, talk_of
from lettafs.index.wanted import Wanted, best_first, shown_of, within
from lettafs.stores.recall import Recall
from lettafs.values.hit import Hit
from lettafs.values.message import Message

__all__ = ["TalkSearch"]

_TIME, _ROLE, _CONVERSATION, _FLAGS, _RUN = range(len(documents.TALK_FIELDS))
_TOOL = documents.ROLES.index("tool")


class TalkSearch:
    """Finds messages of one home."""

    def __init__(self, recall: Recall, *, directory: Path | None, key: bytes | None) -> None:
        self._recall = recall
        self.index: WordIndex[RecallRecord] = WordIndex(
            recall.segments,
            extract=documents.talk_documents,
            fields=len(documents.TALK_FIELDS),
            directory=directory,
            key=key,
            version=documents.VERSION,
        )
        self._known: tuple[Corpus, object, Talk] | None = None

    def find(
        self, query: str, wanted: Wanted, *, limit: int, skip: int = 0, exact: bool = False
    ) -> list[Hit]:
        """Return the messages that fit, best first; without a query the newest first.

        Args:
            query: a question, words, or with `exact` a piece of text.
            wanted: which messages may be found.
            limit: how many at most.
            skip: how many of the best are passed over: those of earlier pages.
            exact: the text as it stands, ignoring case; newest first.
        """
        corpus = self.index.snapshot()
        fits = _fitting(corpus, wanted)
        if not query.strip():
            scores = np.where(fits, np.float32(1), np.float32(0))
        elif exact:
            holds = holding(self._recall.segments, corpus, query, said=_said)
            scores = np.where(fits & holds, np.float32(1), np.float32(0))
        else:
            asked = read_query(query, corpus, now=wanted.now)
            if len(query.split()) == 1 and asked.terms:
                # One word is no question: what stands beside it is no answer.
                fits &= _saying(corpus, asked)
            scores = np.where(
                fits, rank_talk(corpus, asked, self._talk(corpus, wanted)), np.float32(0)
            )
        ranked = bool(query.strip()) and not exact
        found: list[Hit] = []
        seen: set[str] = set()
        for number, message in self._messages(corpus, scores):
            if message.id in seen:  # a union of two machines' histories holds some twice
                continue
            seen.add(message.id)
            if len(seen) > skip:
                hit = _hit(message, float(scores[number]) if ranked else 0.0)
                shown = shown_of(hit.text, query, wanted, exact=exact)
                found.append(replace(hit, snippet=shown))
            if len(found) == limit:
                break
        return found

    def _talk(self, corpus: Corpus, wanted: Wanted) -> Talk:
        """Return who is whose neighbour: not what was taken back, nor the question of this turn."""
        asked = (wanted.without_run, frozenset(wanted.again), wanted.partial)
        known = self._known  # another thread may search too, and ask for something else
        if known is None or known[0] is not corpus or known[1] != asked:
            fields = corpus.fields
            talk = talk_of(
                times_us=fields[:, _TIME],
                roles=fields[:, _ROLE],
                conversations=fields[:, _CONVERSATION],
                spoken=_standing(corpus, wanted) & (fields[:, _ROLE] != _TOOL),
            )
            self._known = known = (corpus, asked, talk)
        return known[2]

    def _messages(
        self, corpus: Corpus, scores: NDArray[np.float32]
    ) -> Iterator[tuple[int, Message]]:
        """Yield what scores above 0 with its text as the files have it now."""
        for number in best_first(scores):
            segment, line, _ = corpus.places[number].tolist()
            record = self._recall.segments.at(segment, line)
            if not isinstance(record, MessageRecord):
                continue
            if key_hash(record.message.id) == int(corpus.keys[number]):
                yield number, record.message


def _said(record: RecallRecord) -> str:
    return documents.said_in(record.message) if isinstance(record, MessageRecord) else ""


def _fitting(corpus: Corpus, wanted: Wanted) -> NDArray[np.bool_]:
    fields = corpus.fields
    roles = [n for n, role in enumerate(documents.ROLES) if role in wanted.roles]
    fits = np.isin(fields[:, _ROLE], roles)
    fits &= within(fields[:, _TIME], fields[:, _FLAGS], wanted) & _standing(corpus, wanted)
    if wanted.conversation_id is not None:
        wanted_conversation = documents.signed(key_hash(wanted.conversation_id))
        fits &= fields[:, _CONVERSATION] == wanted_conversation
    return fits


def _saying(corpus: Corpus, asked: Query) -> NDArray[np.bool_]:
    """Return which documents hold a word that is looked for themselves."""
    says = np.zeros(corpus.size, np.bool_)
    for term in asked.terms:
        for word in term.words:
            says[corpus.postings(word).docs] = True
    return says


def _standing(corpus: Corpus, wanted: Wanted) -> NDArray[np.bool_]:
    """Return what counts as said: not what was taken back, broke off, or is said just now."""
    fields = corpus.fields
    stands = np.ones(corpus.size, np.bool_)
    if not wanted.partial:
        stands &= fields[:, _FLAGS] & documents.PARTIAL == 0
    if wanted.without_run is not None:
        shown = fields[:, _RUN] == documents.signed(key_hash(wanted.without_run))
        if wanted.again:
            shown &= ~np.isin(corpus.keys, np.array([*map(key_hash, wanted.again)], np.uint64))
        stands &= ~shown
    dropped = [key_hash(mark.key) for mark in corpus.marks if mark.kind == documents.DROPPED]
    if dropped:
        stands &= ~np.isin(corpus.keys, np.array(dropped, np.uint64))
    return stands


def _hit(message: Message, score: float) -> Hit:
    return Hit(
        "recall",
        message.id,
        message.created_at,
        documents.said_in(message),
        score,
        role=message.role,
        name=message.name,
        conversation_id=message.conversation_id,
    )
