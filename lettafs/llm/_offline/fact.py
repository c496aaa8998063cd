"""The fact: one thing a person told, phrased as a note, and the helpers that phrase it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from lettafs.llm._offline.late import late
from lettafs.llm._offline.text import capitalised, clean, to_third_person
from lettafs.llm._offline.words import VAGUE_OBJECTS

__all__ = [
    "FILLERS",
    "LONGEST_FACT_CHARS",
    "NO_MORE",
    "WHEN",
    "Fact",
    "Stance",
    "as_sentence",
    "object_of",
    "said_value",
    "their",
    "they",
]


Stance = Literal["for", "against", "none"]

LONGEST_FACT_CHARS = 300


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing worth writing down."""

    topic: str
    """`name`, `home`, `employer`, `my dog's name`, `opinion`, `swap`, ...; equal topics compete."""
    value: str
    sentence: str
    """As a sentence of notes: `They live in Oslo.`"""
    item: str
    """As an entry of a list: `Lives in Oslo`."""
    about: Literal["human", "persona"] = "human"
    single: bool = False
    """A person has one of these: a new value takes the place of the old."""
    stance: Stance = "none"
    """Of an opinion."""
    counters: tuple[str, ...] = ()
    """Sentences this one makes untrue."""


def they(
    topic: str,
    verb: str,
    value: str,
    *,
    single: bool = False,
    stance: Stance = "none",
    counters: tuple[str, ...] = (),
) -> Fact:
    """Return the fact that they `verb` the `value`."""
    return Fact(
        topic=topic,
        value=value,
        sentence=as_sentence(f"They {verb} {value}"),
        item=f"{_item_verb(verb)} {value}",
        single=single,
        stance=stance,
        counters=counters,
    )


def _item_verb(verb: str) -> str:
    first, _, rest = verb.partition(" ")
    short = {"are": "", "have": "has", "do": "does", "no": "no"}.get(first)
    if short is None:
        short = first + ("es" if first.endswith(("ch", "sh", "s", "x", "o")) else "s")
        if first.endswith("y") and first[-2:-1] not in "aeou":
            short = first[:-1] + "ies"
    return capitalised(f"{short} {rest}".strip())


def as_sentence(text: str) -> str:
    """Return `text` with a full stop, unless it ends in one already."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


FILLERS = late(
    r"(?:[\s,]+(?:too|as well|very much|a lot|so much|btw|by the way|now|these days|"
    r"though|actually|"
    r"please|thanks|thank you|lol|haha|right now|nowadays|currently|at the moment|really))+$",
    re.IGNORECASE,
)
WHEN = late(
    r"[\s,]+(?:(?:just )?(?:last|this) (?:year|month|week|spring|summer|autumn|fall|"
    r"winter)|yesterday|"
    r"today|recently|(?:back )?in (?:19|20)\d\d|since .+|(?:\w+ )?(?:years?|months?|weeks?) ago|"
    r"(?:with|for|because) .+)$",
    re.IGNORECASE,
)
NO_MORE = late(r"\s+any ?(?:more|longer)$", re.IGNORECASE)


def said_value(text: str) -> str | None:
    """Return what was said of something as notes say it; None when there is nothing usable."""
    text = clean(text).strip(" ,;:")
    text = text.rstrip(".!…") if not re.search(r"\b[A-Za-z]\.$", text) else text
    text = FILLERS().sub("", text).strip(" ,;:")
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].strip()
    if not re.search(r"\w", text) or len(text) > LONGEST_FACT_CHARS:
        return None
    return to_third_person(text)


def object_of(text: str) -> str | None:
    """Return what a liking is of; None for what means nothing by itself ("it", "how ...")."""
    value = said_value(NO_MORE().sub("", clean(text).rstrip(" .!")))
    if value is None:
        return None
    first = value.split()[0].lower().strip(",")
    if re.match(r"the (?:way|idea|fact|look|sound|thought|part)\b", value, re.IGNORECASE):
        return None
    if first in VAGUE_OBJECTS and not re.match(r"to (?!know|think|say|ask|see)\w+", value):
        return None
    return value


def their(what: str, value: str) -> Fact:
    """Return the fact that `what` of theirs, of which they have one, is `value`."""
    plural = (
        what.endswith("s") and not what.endswith(("ss", "'s")) and what.split()[-1] != "address"
    )
    verb = "are" if plural else "is"
    return Fact(
        topic=f"my {what.lower()}",
        value=value,
        sentence=as_sentence(f"Their {what} {verb} {value}"),
        item=f"{capitalised(what)}: {value}",
        single=True,
    )
