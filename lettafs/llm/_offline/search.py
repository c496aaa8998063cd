"""Looking things up: lines of the blocks, calls of search tools, and what those returned."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lettafs.llm._offline.file_calls import FILE_TOOLS
from lettafs.llm._offline.late import late
from lettafs.llm._offline.prompt import Done, SeenBlock, properties, spoken
from lettafs.llm._offline.text import (
    Sentence,
    clean,
    covers,
    groups,
    is_question,
    keywords,
    sentences,
    shorten,
    straight,
)
from lettafs.values.message import Message
from lettafs.values.tool import ToolSpec

__all__ = [
    "SEARCH_TOOLS",
    "Hit",
    "block_hits",
    "hits_of",
    "query_of",
    "search_calls",
    "subject_of",
    "window_hits",
]

SEARCH_TOOLS = ("archival_memory_search", "conversation_search", *FILE_TOOLS)

OWN_WORDS = (
    "I found ", "From archival memory", "From our conversation", "From the ", "From your files",
    "I have no model of the world", "I am the offline stand-in", "I put \"", "I added \"",
    "I changed \"", "I removed \"", "I am not sure which", "I was offered no tool", "I did not get",
    "That is already in the ", "That is in our history", "Noted in our history", "All right",
    "Nice to meet you, ", "Hello", "Your name is ", "My notes ", "Nothing yet", "The human block ",
    "I opened ", "I have no file called", "I could not ", "I cannot open ", "Several files fit ",
    "Attached", "I closed ", "No folder is attached", "No file is open", "I did not get ",
)  # fmt: skip
"""Openings of this model's own replies; quoting them back would be an echo."""

_QUOTE_CHARS = 240
_ENOUGH = 0.6


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found that bears on a question."""

    source: str
    """`archival memory`, `our conversation`, `your files (NAME)`, `the human block`."""
    text: str
    score: float
    date: str = ""
    who: str = ""
    """`you` or `me`, where a speaker is known."""

    def quote(self) -> str:
        """Return the hit with its source and date, as a sentence."""
        note = ", ".join(part for part in (self.date, self.who) if part)
        return f'From {self.source}{f" ({note})" if note else ""}: "{self.text}"'


def subject_of(question: str) -> str:
    """Return the stretch of a question that says what it is about; the whole of it if none does."""
    text = clean(straight(question)).strip(" ?？!.")
    words = keywords(text)
    if not words:
        return text
    return text[text.find(words[0]) : text.rfind(words[-1]) + len(words[-1])]


def query_of(question: str) -> str:
    """Return what to search for."""
    words = " ".join(keywords(question))
    return shorten(words if len(words) > 3 else subject_of(question), 200).rstrip("…") or "?"


def block_hits(question: str, blocks: Sequence[SeenBlock]) -> tuple[Hit, ...]:
    """Return the lines of blocks that answer a question, best first."""
    wanted = groups(_weighty(question))
    if not wanted:
        return ()
    found: list[Hit] = []
    for block in blocks:
        for sentence in sentences(block.value):
            score = covers(sentence.text, wanted)
            if (score == 1.0 or (len(wanted) > 2 and score >= _ENOUGH)) and not is_question(
                sentence.text
            ):
                source = f"the {block.label} block"
                found.append(Hit(source, shorten(sentence.text, _QUOTE_CHARS), score))
    return tuple(sorted(found, key=lambda hit: -hit.score))


_ASKING = late(
    r"^(?:do you (?:know|remember)|can you (?:tell|remind) me|tell me|remind me)\b", re.IGNORECASE
)
_VERBS_OF_WHAT: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\bwhat do i like\b|\bwhat (?:do|things) i (?:love|enjoy)\b", ("like",)),
    (r"\bwhere (?:do|am|did) i (?:live|living|based|moved?)\b", ("live",)),
    (r"\bwhere am i from\b|\bwhere do i come from\b", ("from",)),
    (r"\bhow old am i\b|\bwhat is my age\b|\bwhat's my age\b", ("age",)),
    (r"\bwhat do i do(?: for a living| for work)?\b|\bwhat('s| is) my (?:job|work)\b", ("work",)),
    (r"\bwhat don't i like\b|\bwhat do i (?:hate|dislike)\b", ("hate",)),
)  # fmt: skip


def _weighty(question: str) -> tuple[str, ...]:
    text = straight(question)
    for pattern, words in _VERBS_OF_WHAT:
        if re.search(pattern + r"[?!. ]*$", text, re.IGNORECASE):
            return words
    words = keywords(_ASKING().sub("", text))
    liking = re.search(r"\b(?:do|did) i (?:still |really )?(like)\b", text, re.IGNORECASE)
    return (*words, "like") if liking and words else words


def search_calls(
    question: str,
    tools: Mapping[str, ToolSpec],
    *,
    talk_first: bool,
    files_first: bool = False,
    file_query: str = "",
) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Return the searches worth making for a question with the tools there are, best first.

    Args:
        question: what was asked.
        tools: what there is to search with.
        talk_first: it is about what was said.
        files_first: it is about what documents say.
        file_query: what to search files for, when it is not what to search memory for.
    """
    query = query_of(question)
    order = ["archival_memory_search", "conversation_search"]
    if talk_first:
        order.reverse()
    calls: list[tuple[str, dict[str, Any]]] = [
        (name, {"query": query}) for name in order if name in tools
    ]
    for name in FILE_TOOLS:
        if name in tools and _fits(tools[name]):
            place = 0 if files_first else len(calls)
            calls.insert(place, (name, {"query": file_query or query}))
            break
    return tuple(calls)


def _fits(spec: ToolSpec) -> bool:
    required = spec.parameters.get("required")
    names = set(required) if isinstance(required, list | tuple) else set()
    known = {"query", "request_heartbeat", "thinking", "inner_thoughts"}
    offered = properties(spec.parameters)
    return names <= known and (not offered or "query" in offered)


def hits_of(done: Done, question: str, *, asked: Sequence[str]) -> tuple[Hit, ...]:
    """Return what a finished search found that bears on the question, best first.

    Args:
        done: the search and its return.
        question: what was asked.
        asked: the words of this turn, which are never an answer.
    """
    wanted = groups(keywords(question) or (clean(question).strip(" ?？!."),))
    echoes = {_plain(text) for text in (*asked, question)}
    found: list[Hit] = []
    for text, date, who, place in _entries(done):
        own = who == "assistant" and text.lstrip().startswith(OWN_WORDS)
        if who == "tool" or own or _plain(text) in echoes:
            continue
        part, score = _best_part(text, wanted)
        if score < _ENOUGH and not (score >= 0.5 and len(wanted) > 1):
            continue
        if done.name == "conversation_search" and _only_asks(text):
            continue
        speaker = {"user": "you", "assistant": "me"}.get(who, "")
        # What the person said weighs more than what was answered to it.
        score -= 0.25 if who == "assistant" else 0.0
        found.append(Hit(place, part, score, date, speaker))
    return tuple(sorted(found, key=lambda hit: -hit.score))


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _only_asks(text: str) -> bool:
    parts = sentences(text)
    return bool(parts) and all(is_question(part.text) for part in parts)


def _best_part(text: str, wanted: tuple[frozenset[str], ...]) -> tuple[str, float]:
    whole = covers(text, wanted)
    if len(clean(text)) <= _QUOTE_CHARS:
        return clean(text), whole
    parts = sentences(text)[:400]
    best: Sentence | None = max(parts, key=lambda part: covers(part.text, wanted), default=None)
    return shorten(best.text if best else text, _QUOTE_CHARS), whole


def _entries(done: Done) -> list[tuple[str, str, str, str]]:
    """Return (text, date, role, source) of each result, from JSON or from plain lines."""
    source = {
        "archival_memory_search": "archival memory",
        "conversation_search": "our conversation",
    }.get(done.name, "your files")
    try:
        data = json.loads(done.text)
    except ValueError:
        return [(line, _line_date(line), "", source) for line in _lines(done.text)]
    if isinstance(data, Mapping):
        for key in ("results", "matches", "passages", "items"):
            if isinstance(data.get(key), list):
                data = data[key]
                break
        else:
            return []
    if not isinstance(data, list):
        return []
    return [entry for item in data if (entry := _entry(item, source)) is not None]


def _lines(text: str) -> list[str]:
    if re.match(
        r"\s*(?:no (?:results|matches|passages)|none|showing 0|found 0)\b", text, re.IGNORECASE
    ):
        return []
    return [line.strip() for line in text.splitlines() if line.strip()][:200]


def _line_date(line: str) -> str:
    match = re.search(r"\b\d{4}-\d\d-\d\d\b", line[:60])
    return match.group() if match else ""


def _entry(item: object, source: str) -> tuple[str, str, str, str] | None:
    if isinstance(item, str):
        return item, "", "", source
    if not isinstance(item, Mapping):
        return None
    text = next(
        (_words(item[key]) for key in ("content", "text", "snippet", "message") if key in item), ""
    )
    if not text.strip():
        return None
    stamp = str(item.get("timestamp") or item.get("created_at") or item.get("date") or "")
    date = stamp[:10] if re.match(r"\d{4}-\d\d-\d\d", stamp) else stamp[:40]
    place = next(
        (
            str(item[key])
            for key in ("file", "file_name", "path", "source", "name")
            if item.get(key)
        ),
        "",
    )
    if source == "your files" and place:
        source = f"your files, {place}"
    return text, date, str(item.get("role") or ""), source


def _words(content: object) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return " ".join(
            _words(part.get("text", "") if isinstance(part, Mapping) else part) for part in content
        )
    return "" if content is None else json.dumps(content, ensure_ascii=False)


def window_hits(
    question: str, earlier: Sequence[Message], *, asked: Sequence[str]
) -> tuple[Hit, ...]:
    """Return what the messages still in the window say about a question, best and latest first."""
    wanted = groups(keywords(question))
    echoes = {_plain(text) for text in asked}
    found: list[Hit] = []
    for message in reversed(earlier):
        if message.role not in ("user", "assistant") or message.kind not in ("message", "summary"):
            continue
        text = spoken(message)
        own = message.role == "assistant" and text.lstrip().startswith(OWN_WORDS)
        if not text.strip() or own or _plain(text) in echoes:
            continue
        for part in sentences(text)[:400]:
            score = covers(part.text, wanted)
            if score == 1.0 and not is_question(part.text):
                who = "you" if message.role == "user" else "me"
                if message.kind == "summary":
                    who = "summary"
                score -= 0.25 if who == "me" else 0.0
                date = message.created_at[:10]
                found.append(
                    Hit("our conversation", shorten(part.text, _QUOTE_CHARS), score, date, who)
                )
    return tuple(sorted(found, key=lambda hit: -hit.score))
