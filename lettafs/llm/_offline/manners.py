"""Rules for what people say about the agent: its name, and how it should speak."""

from __future__ import annotations

import re

from lettafs.llm._offline.fact import FILLERS, LONGEST_FACT_CHARS, Fact, as_sentence
from lettafs.llm._offline.names import may_follow_name, take_name
from lettafs.llm._offline.text import capitalised, clean
from lettafs.llm._offline.words import MANNERS, STYLE_VERBS

__all__ = ["manner", "your_name"]

_PERSONA_WORDS = {
    "me": "the human", "my": "the human's", "you": "I", "your": "my", "yourself": "myself",
    "i": "they", "i'm": "they are",
}  # fmt: skip


def _as_persona(text: str) -> str:
    return re.sub(
        r"(?<![\w'-])(i'm|yourself|your|you|me|my|i)(?![\w'-])",
        lambda match: _PERSONA_WORDS[match[1].lower()],
        text,
        flags=re.IGNORECASE,
    )


def your_name(clause: str) -> Fact | None:
    """Return the name a clause gives the agent."""
    match = re.match(
        r"(?:your (?:new )?name(?:'s| is| will be| shall be| should be)|"
        r"(?:let me|i(?:'ll| will| shall| want to| would like to|'d like to|'m going "
        r"to|'m gonna)) call you|"
        r"you(?:'re| are)(?: now)? (?:called|named)|you(?: shall| will| should)? "
        r"(?:be|go by)(?: called| named)|"
        r"you(?:'re| are)(?: now)?|call yourself|you can be called)\s+(?:(?:now|from now on) )?",
        clause,
        re.IGNORECASE,
    )
    if match is None:
        return None
    lower_ok = re.search(r"name|call", match.group(), re.IGNORECASE) is not None
    taken = take_name(clause[match.end() :], lower_ok=lower_ok)
    if taken is None or not may_follow_name(taken[1]):
        return None
    name = taken[0]
    return Fact("name", name, f"My name is {name}.", f"Name: {name}", "persona", single=True)


def manner(clause: str, *, lasting: bool) -> Fact | None:
    """Return the way of speaking a clause asks for.

    Args:
        clause: one clause, its opening words taken off.
        lasting: whether "from now on" was said, which makes any request one for good.
    """
    match = re.match(
        r"(?:please |kindly )*(?:(?P<you>you (?:should|must|shall|need to|have to|are to|ought to)|"
        r"i(?: want|'d like| would like| need) you to|try to)\s+)?(?P<what>.+)",
        clause,
        re.IGNORECASE,
    )
    if match is None:
        return None
    what = FILLERS().sub("", clean(match["what"]).rstrip(" .!"))
    if not what or len(what) > LONGEST_FACT_CHARS:
        return None
    words = what.lower().split()
    you_are = re.match(r"you(?:'re| are) (?:now )?(?P<role>an? .+)", what, re.IGNORECASE)
    if you_are and (lasting or re.match(r"you(?:'re| are) now", what, re.IGNORECASE)):
        role = _as_persona(you_are["role"])
        return Fact("manner", role, as_sentence(f"I am {role}"), f"Am {role}", "persona")
    if not _asks_manner(words, asked=match["you"] is not None, lasting=lasting):
        return None
    told = re.sub(r"^(?:don't|do not)\b", "not", _as_persona(what), flags=re.IGNORECASE)
    told = told[0].lower() + told[1:]
    return Fact("manner", told, as_sentence(f"I should {told}"), capitalised(told), "persona")


_OTHER_SUBJECTS = frozenset(
    "i i'm i've i'll my we the it it's you your there that he she they".split()
)


def _asks_manner(words: list[str], *, asked: bool, lasting: bool) -> bool:
    """Tell whether words ask for a way to speak, and not for courage: "never give up"."""
    if words[0] in _OTHER_SUBJECTS:
        return False
    if lasting:
        return words[0].isascii() and len(words) > 1
    second = words[1] if len(words) > 1 else ""
    match words[0]:
        case "always" | "never" | "only":
            return second in STYLE_VERBS and words[2:3] != ["up"]
        case "be" | "keep" | "stay" | "remain":
            return any(word.strip(",.") in MANNERS for word in words[1:5])
        case "answer" | "reply" | "respond" | "speak" | "talk" | "write":
            how = {"in", "like", "with", "as", "briefly", "concisely", "only"}
            return asked or bool(how & set(words[1:4]))
        case "don't" | "not" | "stop" | "avoid":
            return _forbids_manner(words[1:])
        case "do":
            return second == "not" and _forbids_manner(words[2:])
        case _:
            return asked and words[0] in STYLE_VERBS


def _forbids_manner(words: list[str]) -> bool:
    if words[:1] and words[0] in ("be", "being"):
        return any(word.strip(",.") in MANNERS for word in words[1:5])
    verbs = ("use", "using", "call", "calling", "say", "saying", "answer", "write", "ask", "emoji")
    return bool(words) and words[0] in verbs
