"""How much of what answers a question is found: through the agent's own search, and beside others.

Evidence recall at k: of the messages that hold the answer, the part that is among the first k; the
mean over all questions. Each question is put as it is, to an agent that has one conversation.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from lettafs.format.recall_line import MessageRecord
from lettafs.index import documents
from lettafs.index.corpus import Document, Place
from lettafs.index.ranking.lex import RECIPE, Recipe, rank_talk
from lettafs.index.ranking.query import read_query
from lettafs.index.ranking.stop import STOP_WORDS
from lettafs.index.ranking.talk import talk_of
from lettafs.tools.base import ToolContext
from lettafs.tools.recall import CONVERSATION_SEARCH
from tests.bench.chats import VARIANTS, Asked, Chat, chats_file, chats_in
from tests.bench.table import Table
from tests.support.homes import begin_turn, make_home
from tests.support.memory_corpus import MemoryCorpus

__all__ = ["retrieval_tables"]

_MOST = 50
_ANSWER_CHARS = 4_000
_NOW = datetime(2025, 1, 1, 12, tzinfo=UTC)

Found = tuple[list[str], list[str]]
"""Ids found, best first; and those of them that a tool's answer of 4,000 characters shows."""
Search = Callable[[str], Found]

_WITHOUT: dict[str, Recipe] = {
    "the whole recipe, bare texts": RECIPE,
    "without what was said around": replace(RECIPE, context=0.0),
    "without words of like meaning": replace(RECIPE, kin=0.0),
    "without who speaks": replace(RECIPE, speaker=0.0),
    "without dates": replace(RECIPE, date=0.0),
    "without preferring statements": replace(RECIPE, statement=0.0),
    "without preferring what says when": replace(RECIPE, time_word=0.0),
}


@dataclass(frozen=True, slots=True)
class _Score:
    chat: str
    category: str
    at_5: float
    at_10: float
    ndcg: float
    shown: float


def retrieval_tables(scratch: Path, *, chats: Path | None = None, quick: bool) -> list[Table]:
    """Return the tables; none where there are no chats. `quick` takes the first chat only."""
    path = chats_file(chats)
    if path is None:
        return []
    rows: list[tuple[str, list[_Score]]] = []
    for variant, about in VARIANTS.items():
        found = chats_in(path, variant=variant)[: 1 if quick else None]
        asked = f"conversation_search, {about}"
        rows.append((asked, _scores(found, lambda chat: _by_tool(scratch, chat))))
    plain = chats_in(path, variant="name")[: 1 if quick else None]
    for about, recipe in _WITHOUT.items():
        rows.append((about, _scores(plain, lambda chat, how=recipe: _by_recipe(chat, how))))  # type: ignore[misc]
    # With the name in the text, as such an index would be given it.
    spoken = chats_in(path, variant="prefix")[: 1 if quick else None]
    rows.append(("Whoosh, stemmed, any word", _scores(spoken, _by_whoosh)))
    rows.append(("as it stands, most words first", _scores(plain, _by_substring)))
    rows.append(("as it stands, the whole question", _scores(plain, _by_question)))
    asked_count = len(rows[0][1])
    note = (
        f"{len(plain)} conversations, {asked_count} questions. In 4,000: what of it the first 4,000"
        " characters of the answer show: the tool's is JSON with times and ids, the rows below are"
        " bare texts."
    )
    categories = sorted({score.category for score in rows[0][1]})
    head = ("search", "R@5", "R@10", "nDCG@10", "in 4,000")
    return [
        Table("What is found in long chats", head, tuple(map(_overall, rows)), note=note),
        Table(
            "R@10 by kind of question",
            ("search", *categories),
            tuple(_split(row, "category", categories) for row in rows),
        ),
        Table(
            "R@10 by conversation",
            ("search", *(chat.name for chat in plain)),
            tuple(_split(row, "chat", [chat.name for chat in plain]) for row in rows),
        ),
    ]


def _overall(row: tuple[str, list[_Score]]) -> tuple[str, ...]:
    name, scores = row
    return (
        name,
        *(
            f"{100 * statistics.mean(getattr(score, what) for score in scores):.1f}"
            for what in ("at_5", "at_10", "ndcg", "shown")
        ),
    )


def _split(row: tuple[str, list[_Score]], by: str, values: Sequence[str]) -> tuple[str, ...]:
    name, scores = row
    cells = []
    for value in values:
        mine = [score.at_10 for score in scores if getattr(score, by) == value]
        cells.append(f"{100 * statistics.mean(mine):.1f}" if mine else "-")
    return (name, *cells)


def _scores(chats: Sequence[Chat], made: Callable[[Chat], Search]) -> list[_Score]:
    scores = []
    for chat in chats:
        search = made(chat)
        scores += [_score(chat, asked, search(asked.question)) for asked in chat.questions]
    return scores


def _score(chat: Chat, asked: Asked, found: Found) -> _Score:
    ids, shown = found
    wanted = asked.evidence

    def part(some: Sequence[str]) -> float:
        return len(wanted & set(some)) / len(wanted)

    gain = sum(1 / math.log2(at + 2) for at, each in enumerate(ids[:10]) if each in wanted)
    most = sum(1 / math.log2(at + 2) for at in range(min(10, len(wanted))))
    return _Score(
        chat.name, asked.category, part(ids[:5]), part(ids[:10]), gain / most, part(shown)
    )


def _by_tool(scratch: Path, chat: Chat) -> Search:
    """Return the search a model makes: of an agent that has the chat in recall, on disk."""
    root = scratch / chat.name
    shutil.rmtree(root, ignore_errors=True)
    home = make_home(root)
    home.recall.append([MessageRecord(0, message) for message in chat.messages])
    begin_turn(root).close()
    context = ToolContext(begin_turn(root), {}, _NOW, UTC)

    def search(question: str) -> Found:
        text = CONVERSATION_SEARCH.call(context, {"query": question, "limit": _MOST})
        ids = [result["id"] for result in json.loads(text)["results"]]
        return ids, [each for each in ids if text.index(each) + len(each) <= _ANSWER_CHARS]

    return search


def _by_recipe(chat: Chat, recipe: Recipe) -> Search:
    documents_of = [
        (Place(1, at + 1), found)
        for at, message in enumerate(chat.messages)
        for found in documents.talk_documents(MessageRecord(at + 1, message))
        if isinstance(found, Document)
    ]
    corpus = MemoryCorpus(documents_of, fields=len(documents.TALK_FIELDS))
    times, roles, conversations = corpus.fields[:, :3].T
    talk = talk_of(
        times_us=times,
        roles=roles,
        conversations=conversations,
        spoken=np.ones(corpus.size, np.bool_),
    )
    keys = [found.key for _, found in documents_of]

    def search(question: str) -> Found:
        query = read_query(question, corpus, now=_NOW)
        scores = rank_talk(corpus, query, talk, recipe=recipe)
        order = np.lexsort((-np.arange(len(scores)), -scores))
        ids = [keys[at] for at in order[:_MOST] if scores[at] > 0]
        return ids, _fitting(chat, ids)

    return search


def _by_whoosh(chat: Chat) -> Search:
    from whoosh import fields, query, scoring
    from whoosh.analysis import StemmingAnalyzer
    from whoosh.filedb.filestore import RamStorage

    analyzer = StemmingAnalyzer()
    schema = fields.Schema(id=fields.STORED, text=fields.TEXT(analyzer=analyzer))
    index = RamStorage().create_index(schema)
    writer = index.writer()
    for message in chat.messages:
        writer.add_document(id=message.id, text=message.text)
    writer.commit()
    searcher = index.searcher(weighting=scoring.BM25F())

    def search(question: str) -> Found:
        asked = " ".join(_content_words(question))
        words = query.Or([query.Term("text", token.text) for token in analyzer(asked)])
        ids = [hit["id"] for hit in searcher.search(words, limit=_MOST)]
        return ids, _fitting(chat, ids)

    return search


def _by_substring(chat: Chat) -> Search:
    texts = [(message.id, message.text.lower()) for message in chat.messages]

    def search(question: str) -> Found:
        words = _content_words(question)
        ranked = [(sum(word in text for word in words), at) for at, (_, text) in enumerate(texts)]
        ids = [texts[at][0] for count, at in sorted(ranked, reverse=True)[:_MOST] if count]
        return ids, _fitting(chat, ids)

    return search


def _by_question(chat: Chat) -> Search:
    def search(question: str) -> Found:
        ids = [m.id for m in reversed(chat.messages) if question.lower() in m.text.lower()]
        return ids[:_MOST], _fitting(chat, ids[:_MOST])

    return search


def _content_words(question: str) -> list[str]:
    words = re.findall(r"\w+", question.lower())
    return [word for word in words if word not in STOP_WORDS] or words


def _fitting(chat: Chat, ids: Sequence[str]) -> list[str]:
    """Return those of the results whose texts alone fit the answer, one a line."""
    texts = {message.id: message.text for message in chat.messages}
    room, shown = _ANSWER_CHARS, []
    for each in ids:
        room -= len(texts[each]) + 1
        if room < 0:
            break
        shown.append(each)
    return shown
