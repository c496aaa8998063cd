"""Where a line of notes says a thing: a name, a home, a liking."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lettafs.llm._offline.fact import Fact
from lettafs.llm._offline.late import late
from lettafs.llm._offline.names import take_name
from lettafs.llm._offline.prompt import SeenBlock
from lettafs.llm._offline.text import sentences

__all__ = ["OPINION", "block_for", "known_name", "name_span", "value_span"]

_LABELS = {
    "human": ("human", "user", "about_human", "about_user", "person"),
    "persona": ("persona", "agent", "assistant", "self", "about_me"),
}


def block_for(about: str, blocks: Sequence[SeenBlock]) -> SeenBlock | None:
    """Return the block that holds what is known about the `human` or the `persona`."""
    for label in _LABELS[about]:
        for block in blocks:
            if block.label.lower() == label:
                return block
    for label in _LABELS[about]:
        for block in blocks:
            if block.label.lower().rsplit("/", 1)[-1] == label:
                return block
    return None


def known_name(about: str, blocks: Sequence[SeenBlock]) -> str | None:
    """Return the name a block gives the person or the agent."""
    block = block_for(about, blocks)
    if block is None:
        return None
    for sentence in sentences(block.value):
        span = name_span(sentence.text, about)
        if span is not None:
            taken = take_name(sentence.text[span[0] : span[1]], lower_ok=True)
            return taken[0] if taken else None
    return None


_SUBJECT = (
    r"(?:(?:the )?(?:human|user|person)|they|he|she|i)(?:(?:'s|'re|'m)| (?:is|are|am))?"
    r"(?: (?:now|currently|also|just|originally))*"
)
_REST = r"(?P<v>.+?)(?=\s+(?:and|but|with|since|as)\b|[.;!]?$|\. )"


def value_span(line: str, fact: Fact) -> tuple[int, int] | None:
    """Return where a line says the one value of the fact's topic; None when it does not."""
    if fact.topic == "name":
        return name_span(line, fact.about)
    for pattern in _patterns(fact.topic):
        match = re.match(pattern, line.replace("’", "'"), re.IGNORECASE)
        if match is not None:
            return match.span("v")
    return None


def _patterns(topic: str) -> tuple[str, ...]:
    lead = rf"(?:{_SUBJECT}\s+)?"
    match topic:
        case "home":
            where = r"(?:lives?|living|resides?|based|located) (?:in|at|near|on) "
            return (
                rf"{lead}{where}{_REST}",
                rf"\W*(?:location|home|city|lives in)\**:\**\s*{_REST}",
            )
        case "employer":
            return (
                rf"{lead}(?:works?|working) (?:at|for) {_REST}",
                rf"\W*employer\**:\**\s*{_REST}",
            )
        case "job":
            job = r"\W*(?:job|occupation|profession)\**:\**\s*"
            return (rf"{lead}(?:works?|working) as {_REST}", rf"{job}{_REST}")
        case "age":
            return (
                rf"{lead}(?:(?:is|are|am) )?(?P<v>\d{{1,3}} years old)",
                r"\W*age\**:\**\s*(?P<v>\d{1,3}(?: years old)?)",
            )
        case "origin":
            return (rf"{lead}(?:(?:is|are|comes?|am) )?from {_REST}",)
        case _ if topic.startswith("my "):
            return _possession_patterns(topic.removeprefix("my "))
        case _:
            return ()


def _possession_patterns(what: str) -> tuple[str, ...]:
    owner = r"\W*(?:(?:their|my|his|her|the (?:human|user|person)'s) )?"
    name = re.escape(what).replace("favourite", "favou?rite").replace("favorite", "favou?rite")
    patterns = [rf"{owner}{name}\**(?:\**:\**|\s+(?:is|are))\s*(?:on )?{_REST}"]
    if what.endswith("'s name"):
        noun = re.escape(what.removesuffix("'s name"))
        patterns.append(rf"{owner}{noun} (?:is )?(?:called|named|is) {_REST}")
        patterns.append(
            rf"{_SUBJECT} (?:have|has|got) (?:an? )?(?:\w+ )?{noun},? (?:called|named) {_REST}"
        )
        patterns.append(rf"\W*has (?:an? )?(?:\w+ )?{noun},? (?:called|named) {_REST}")
    return tuple(patterns)


_OWN_NAME = late(r"(?:^|[\s*_])name[*_]*(?:\s*:[*_]*|\s+is|'s)[*_]*\s*(?P<v>\S.*)$", re.IGNORECASE)
_NAME_OWNERS = frozenset({
    "", "human's", "user's", "person's", "their", "my", "his", "her", "the", "first", "full",
    "preferred", "your", "assistant's", "agent's", "and",
})  # fmt: skip


def name_span(line: str, about: str) -> tuple[int, int] | None:
    """Return where a line says the name of the person or of the agent."""
    text = line.replace("’", "'")
    match = _OWN_NAME().search(text)
    if match is not None:
        before = re.sub(r"[*_>#-]", " ", text[: match.start()]).lower().split()
        if (before[-1] if before else "") in _NAME_OWNERS and len(before) <= 4:
            return _name_end(text, match.start("v"))
        return None
    subject = r"(?:the )?(?:human|user|person|they|he|she|i|agent|assistant|you)"
    called = re.match(rf"{subject} (?:(?:is|are|am) (?:called|named)|goes by|go by)\s+", text, re.I)
    if called is not None:
        return _name_end(text, called.end())
    if about == "persona":
        am = re.match(r"(?:i am|i'm|you are|you're)\s+(?=[A-Z])", text) or re.match(
            r"(?:I am|I'm|You are|You're)\s+(?=[A-Z])", text
        )
        if am is not None and take_name(text[am.end() :], lower_ok=False) is not None:
            return _name_end(text, am.end())
    return None


def _name_end(text: str, start: int) -> tuple[int, int]:
    taken = take_name(text[start:], lower_ok=False)
    if taken is not None and text.startswith(taken[0], start):
        return start, start + len(taken[0])
    rest = re.match(r".+?(?=[.;!]?$|[.;!]\s|,|\s+and\b)", text[start:])
    return start, start + (rest.end() if rest else len(text) - start)


OPINION = late(
    rf"(?P<lead>(?:{_SUBJECT}\s+)?(?:(?:really|also)\s+)*)"
    r"(?P<verb>(?:(?:do|does) not|don't|doesn't|no longer|cannot|can't)\s+(?:like|"
    r"love|enjoy|stand)s?|"
    r"likes?|loves?|enjoys?|adores?|prefers?|hates?|dislikes?|detests?|"
    r"(?:(?:is|are) )?(?:fond of|into|keen on))\s+(?P<what>.+?)[.!]?$",
    re.IGNORECASE,
)
