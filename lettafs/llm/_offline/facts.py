"""Facts a person tells: found by rules in single sentences, phrased as notes.

A rule matches a whole clause or nothing. What is asked, supposed or reported is no fact.
"""

from __future__ import annotations

import re

from lettafs.llm._offline.fact import Fact, as_sentence, said_value
from lettafs.llm._offline.late import late
from lettafs.llm._offline.manners import manner, your_name
from lettafs.llm._offline.names import i_am_name
from lettafs.llm._offline.rules import HUMAN_RULES, i_am, origin
from lettafs.llm._offline.text import clean, is_question, straight
from lettafs.llm._offline.words import NOT_NAMES

__all__ = ["facts_in"]

_LEAD_IN = late(
    r"(?:(?P<correction>actually|no|nope|sorry|correction|i meant|i mean|wait|oops|rather|"
    r"that's wrong|that's not right|wrong)|(?P<lasting>from now on|from today on|in "
    r"(?:the )?future|"
    r"going forward|henceforth)|(?P<greeting>hey|hi|hello|good (?:morning|afternoon|"
    r"evening)|greetings|"
    r"nice to meet you(?: too)?|it's nice to meet you|pleased to meet you)|well|so|ok|"
    r"okay|oh|ah|yes|"
    r"yeah|yep|sure|by the way|btw|fyi|also|and|but|plus|just so you know|for the "
    r"record|to be clear|"
    r"as you know|you should know(?: that)?|i should (?:say|mention)(?: that)?|let me "
    r"(?:say|add)(?: that)?|"
    r"thanks|thank you|there|great|good|cool|first|today|now|then|please note(?: "
    r"that)?|in fact|in case you wonder)"
    r"(?:\s*[,!:.-]+\s*|\s+|$)",
    re.IGNORECASE,
)
_NO_FACT = late(
    r"(?:if|even|when|whenever|suppose|supposing|imagine|pretend|let's say|maybe|"
    r"perhaps|i wish|unless|"
    r"once|assume|assuming|in case|as if|although my name)\b",
    re.IGNORECASE,
)
_REPORTED = late(
    r"\b(?:said|says|told me|asked me|wrote|claims?|claimed|thinks?|heard that|called out|replied|"
    r"pretended|dreamt|dreamed)\b",
    re.IGNORECASE,
)
_CLAUSE = late(
    r"\s*[;—]\s*|\s+[-–]\s+|"
    r"\s*,\s*(?:and |but |so |also |and also )?(?=(?:i|i'm|i've|i'd|im|my|call me|you|"
    r"your|please|people|"
    r"everyone|friends|we|it's|it is|what|what's|who|how|where|when|do|can|could|nice|from now|"
    r"right|isn't|don't|correct)\b)|"
    r"\s+(?:and also|and|but|because|so)\s+(?=(?:i|i'm|i've|im|my|you|your|call me|"
    r"people call|please|we|what|what's|"
    r"how|from now)\b)",
    re.IGNORECASE,
)
_SHARED_SUBJECT = late(
    r"\s*,?\s+(?:and|but)\s+(?=(?:also |really |now |currently )?(?:like|love|hate|"
    r"enjoy|prefer|adore|live|work|"
    r"have|don't|study|play|speak|teach|am|dislike)\b)",
    re.IGNORECASE,
)
_TAG = late(
    r"(?:right|correct|isn't it|don't i|am i|aren't i|do i|ok|okay|yes|no|you know)\s*\?+$",
    re.IGNORECASE,
)


def facts_in(sentence: str) -> tuple[Fact, ...]:
    """Return the facts a sentence tells, in order; none when it asks, supposes or reports."""
    text = clean(straight(sentence))
    if re.match(r"oh,? no\b", text, re.IGNORECASE):
        # Sympathy, not a correction: "Oh no, Jon!"
        return ()
    lasting = correction = False
    shouted = len(text) > 4 and text.upper() == text and text.lower() != text
    found: list[Fact] = []
    for clause in _clauses(text):
        bare, flags = _strip_lead_ins(clause)
        lasting = lasting or "lasting" in flags
        correction = correction or "correction" in flags
        if not bare:
            continue
        if _NO_FACT().match(bare):
            break
        if is_question(bare) or _REPORTED().search(bare):
            continue
        if shouted:
            # In capitals throughout, a capital letter says nothing.
            bare = bare.lower()
        found.extend(_facts_of(bare, lasting=lasting, correction=correction, shouted=shouted))
        correction = correction or re.search(r"\bnot\b|n't\b", bare, re.IGNORECASE) is not None
    return tuple(dict.fromkeys(found))


def _clauses(text: str) -> tuple[str, ...]:
    if _TAG().search(text):
        return ()
    result: list[str] = []
    for clause in _CLAUSE().split(text):
        pieces = (
            _SHARED_SUBJECT().split(clause) if re.search(r"(?:^|\W)i\b", clause, re.I) else [clause]
        )
        result.append(pieces[0])
        result.extend(f"I {piece}" for piece in pieces[1:])
    return tuple(clause for clause in result if clause.strip())


def _strip_lead_ins(clause: str) -> tuple[str, frozenset[str]]:
    flags: set[str] = set()
    bare = clause.strip(" ,")
    while (match := _LEAD_IN().match(bare)) is not None and match.end() > 0:
        flags.update(name for name, value in match.groupdict().items() if value)
        bare = bare[match.end() :].strip(" ,")
    trailing = re.search(r"[\s,]+(?:from now on|in future|going forward)[\s.!]*$", bare, re.I)
    if trailing:
        flags.add("lasting")
        bare = bare[: trailing.start()]
    return bare, frozenset(flags)


def _facts_of(bare: str, *, lasting: bool, correction: bool, shouted: bool) -> list[Fact]:
    if correction and (swap := _swap(bare)) is not None:
        return [swap]
    if (swap := _explicit_swap(bare)) is not None:
        return [swap]
    for rule in HUMAN_RULES:
        if rule is i_am_name and shouted:
            continue
        fact = rule(bare)
        if fact is not None:
            return [fact, *_apposition(bare, fact)]
    named = None if shouted else your_name(bare)
    told = named or manner(bare, lasting=lasting)
    return [told] if told else []


def _apposition(bare: str, fact: Fact) -> list[Fact]:
    if fact.topic != "name":
        return []
    rest = bare[bare.find(fact.value) + len(fact.value) :]
    match = re.match(r"\s*,?\s+(?P<more>(?:an?|from)\s+.+)$", rest, re.IGNORECASE)
    if match is None:
        return []
    more = f"I'm {match['more']}"
    other = origin(more) or i_am(more)
    return [other] if other else []


_CORRECTIONS = (
    r"(?:it's |it is |that's )?not (?P<old>[^,;]{1,40}?)\s*(?:,|;|\s-|\sbut)\s*"
    r"(?:but |it's |rather )*(?P<new>[^,;]{1,40}?)[\s.!]*$",
    r"(?:it's |it is |that's |i meant )?(?P<new>[^,;]{1,40}?), (?:and )?not "
    r"(?P<old>[^,;]{1,40}?)[\s.!]*$",
    r"(?:it's |it is )?(?P<new>(?-i:[A-Z])[\w'-]+) not (?P<old>(?-i:[A-Z])[\w'-]+)[\s.!]*$",
)


def _explicit_swap(bare: str) -> Fact | None:
    if re.match(r"(?:i|my|you|we|he|she|they|there|this)\b", bare, re.IGNORECASE):
        return None
    for pattern in _CORRECTIONS:
        match = re.match(pattern, bare, re.IGNORECASE)
        if match is None:
            continue
        old, new = said_value(match["old"]), said_value(match["new"])
        short = old and new and len(old.split()) <= 3 and len(new.split()) <= 3
        if old and new and short and old.lower() != new.lower():
            return Fact(f"swap {old}", new, as_sentence(new), new)
    return None


def _swap(bare: str) -> Fact | None:
    match = re.match(
        r"(?:it's|it is|that's|make that|i meant|should be)\s+(?:now |actually |"
        r"really )?(?P<new>[^,;]{1,60}?)[\s.!]*$",
        bare,
        re.IGNORECASE,
    )
    one = match["new"] if match else (bare if re.fullmatch(r"[A-Z][\w'-]+[.!]?", bare) else "")
    value = said_value(one) if one else None
    if value is None or value.split()[0].lower() in NOT_NAMES or len(value.split()) > 4:
        return None
    return Fact("swap", value, as_sentence(value), value)
