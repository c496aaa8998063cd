"""A summary in the conversation's own words: what compaction keeps when no model can write one.

It picks whole sentences, never rephrases them, and drops the less telling first when room is short.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from lettafs.llm._offline.facts import facts_in
from lettafs.llm._offline.hearing import small_talk
from lettafs.llm._offline.late import late
from lettafs.llm._offline.prompt import spoken
from lettafs.llm._offline.search import OWN_WORDS
from lettafs.llm._offline.text import clean, is_question, sentences, shorten
from lettafs.llm._offline.words import NOT_NAMES
from lettafs.llm.base import ModelRequest
from lettafs.llm.transcript import read_transcript
from lettafs.values.message import Message

__all__ = ["extractive_summary", "summary_reply"]

_Section = Literal["Told", "Decided", "Open", "Figures", "Said"]

_TITLES: dict[_Section, str] = {
    "Told": "What the human told about themselves:",
    "Decided": "Decisions and plans:",
    "Open": "Questions without an answer:",
    "Figures": "Numbers and dates:",
    "Said": "Also said:",
}
_LINE_CHARS = 200
_USUAL_CHARS = 4_000
"""The length of a summary when the request names none."""
_LENGTH = late(r"\bat most (\d{1,9}) characters\b")
_DECIDING = late(
    r"\b(?:decided?|decision|agreed?|let's|we(?:'ll| will| should| must)|i(?:'ll| "
    r"will| plan to|'m going to)|"
    r"going with|settled? on|chose|chosen|plan(?:ned)? to|deadline|must|have to|"
    r"promised?|scheduled)\b",
    re.IGNORECASE,
)
_NUMBER = late(
    r"\d|\b(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|"
    r"february|april|june|july|"
    r"august|september|october|november|december)\b",
    re.IGNORECASE,
)
_ORDER: tuple[_Section, ...] = ("Told", "Decided", "Open", "Figures", "Said")


def summary_reply(request: ModelRequest) -> str:
    """Return the answer to a request for a summary: of the transcript in it, as long as it says."""
    words = request.messages[-1].text if request.messages else ""
    lengths = _LENGTH().findall(words)
    limit = int(lengths[-1]) if lengths else _USUAL_CHARS
    return extractive_summary(read_transcript(words), limit_chars=limit)


def extractive_summary(messages: Sequence[Message], *, limit_chars: int) -> str:
    """Return the telling sentences of a conversation, sorted under short titles.

    Facts the person told come first, then decisions, open questions, numbers and dates, names, and
    what room is left for. An earlier summary among the messages is carried over. The same messages
    give the same text, never longer than `limit_chars`; it is empty when nothing was said.
    """
    picked: dict[_Section, dict[str, None]] = {title: {} for title in _ORDER}
    names: dict[str, int] = {}
    for at, message in enumerate(messages):
        if message.kind == "summary":
            _carry_over(message, picked, names)
        elif message.kind == "message" and message.role in ("user", "assistant"):
            _pick(message, _answered(messages, at), picked, names)
    return _fit(picked, names, _heading(messages), limit_chars)


def _heading(messages: Sequence[Message]) -> str:
    spoken_of = [
        each for each in messages if each.role in ("user", "assistant") and spoken(each).strip()
    ]
    if not spoken_of:
        return ""
    days = sorted({each.created_at[:10] for each in spoken_of if each.created_at[:4].isdigit()})
    when = "" if not days else f", {days[0]}" if len(days) == 1 else f", {days[0]} to {days[-1]}"
    count = len(spoken_of)
    return f"Earlier in this conversation ({count} message{'s' if count != 1 else ''}{when}):"


def _answered(messages: Sequence[Message], at: int) -> bool:
    """Tell whether the message was replied to with more than that nothing was found."""
    for later in messages[at + 1 :]:
        if later.role == "user" and later.kind == "message":
            return False
        if later.role == "assistant" and (words := spoken(later).strip()):
            return not words.startswith("I found nothing about")
    return False


def _pick(
    message: Message,
    answered: bool,
    picked: dict[_Section, dict[str, None]],
    names: dict[str, int],
) -> None:
    text = spoken(message)
    if message.role == "assistant" and text.startswith(OWN_WORDS):
        return
    for sentence in sentences(text):
        line = clean(sentence.text)
        if small_talk(line) is not None or len(re.findall(r"\w", line)) < 2:
            continue
        _count_names(line, names)
        section = _section(message, line, answered)
        if section is None:
            continue
        if section == "Told":
            for fact in facts_in(line):
                names.setdefault(fact.value, 1) if fact.topic == "name" else None
                picked["Told"].setdefault(fact.sentence)
            continue
        speaker = "human" if message.role == "user" else "agent"
        picked[section].setdefault(f"{speaker}: {shorten(line, _LINE_CHARS)}")


def _section(message: Message, line: str, answered: bool) -> _Section | None:
    if message.role == "user" and any(fact.about == "human" for fact in facts_in(line)):
        return "Told"
    if is_question(line):
        return "Open" if message.role == "user" and not answered else None
    if _DECIDING().search(line):
        return "Decided"
    return "Figures" if _NUMBER().search(line) else "Said"


def _count_names(line: str, names: dict[str, int]) -> None:
    words = re.finditer(r"[^\W\d_][\w'’-]*", line)
    for match in words:
        word = match.group().removesuffix("'s").removesuffix("’s")
        # The first word of a sentence is capitalised anyway.
        if (
            match.start() == 0
            or not word[0].isupper()
            or len(word) < 2
            or word.lower() in NOT_NAMES
        ):
            continue
        if word.startswith(("I'", "I’")) or re.search(rf"\d {word}\b|\b{word} \d", line):
            # The second is a date.
            continue
        names[word] = names.get(word, 0) + 1


def _carry_over(
    message: Message, picked: dict[_Section, dict[str, None]], names: dict[str, int]
) -> None:
    section: _Section = "Said"
    titles = {title: key for key, title in _TITLES.items()}
    for raw in spoken(message).splitlines():
        line = clean(raw)
        if line in titles:
            section = titles[line]
        elif line.startswith("Names: "):
            for name in line.removeprefix("Names: ").rstrip(".").split(", "):
                names[name] = names.get(name, 0) + 1
        elif line.startswith("- "):
            picked[section].setdefault(shorten(line[2:], _LINE_CHARS))
        elif line and not line.startswith("Earlier in this conversation"):
            picked["Said"].setdefault(shorten(line, _LINE_CHARS))


def _fit(
    picked: dict[_Section, dict[str, None]],
    names: dict[str, int],
    heading: str,
    limit_chars: int,
) -> str:
    """Return as many lines as fit: the sections in order, the latest lines of each first."""
    who = ", ".join(sorted(names, key=lambda name: (-names[name], name))[:20])
    if not heading and not who and not any(picked.values()):
        return ""
    room = limit_chars - len(heading)
    kept: dict[_Section, list[str]] = {title: [] for title in _ORDER}
    names_line = f"\nNames: {who}" if who else ""
    for section in _ORDER:
        if section == "Said":
            names_line = names_line if len(names_line) <= room else ""
            room -= len(names_line)
        for line in reversed(picked[section]):
            cost = len(line) + 3 + (0 if kept[section] else len(_TITLES[section]) + 1)
            if cost > room:
                continue
            kept[section].insert(0, line)
            room -= cost
    body = "".join(
        f"\n{_TITLES[section]}" + "".join(f"\n- {line}" for line in kept[section])
        for section in _ORDER
        if kept[section]
    )
    whole = (heading + body + names_line).strip("\n")
    if len(whole) <= limit_chars:
        return whole
    return shorten(whole, limit_chars) if limit_chars > 0 else ""
