"""Names: taken from what follows "my name is" and its kin, and refused where no name can be."""

from __future__ import annotations

import re

from lettafs.llm._offline.fact import Fact, as_sentence
from lettafs.llm._offline.text import capitalised
from lettafs.llm._offline.words import NAME_PARTICLES, NOT_NAMES

__all__ = ["i_am_name", "may_follow_name", "my_name", "take_name"]


def take_name(text: str, *, lower_ok: bool) -> tuple[str, str] | None:
    """Return a name `text` begins with, and what follows it; None when it begins with no name.

    Args:
        text: words after "my name is" and the like.
        lower_ok: whether a name may be written small, as where only a name can stand.
    """
    text = text.strip().lstrip("*_`")
    quoted = re.match(r"\"([^\W\d_][^\"\n{}]{0,59})\"", text)
    if quoted:
        return quoted[1], text[quoted.end() :]
    taken: list[str] = []
    at = 0
    for match in re.finditer(r"\S+", text):
        token = match.group()
        bare = token.strip("\"'.,;:!?()*`…")
        if not _name_word(bare, taken, text[match.end() :], lower_ok):
            break
        title = bare.lower() in ("mr", "mrs", "ms", "dr", "prof") or len(bare) == 1
        particle = bare in NAME_PARTICLES and taken
        word = bare if particle else capitalised(bare)
        taken.append(f"{word}." if title and token.endswith(".") else word)
        at = match.start() + len(token.rstrip("\"'.,;:!?()*`…"))
        if len(taken) == 6 or (token[-1] in ",;:!?.…)" and not (title and token.endswith("."))):
            break
    while taken and taken[-1] in NAME_PARTICLES:
        at = text.rfind(taken.pop(), 0, at)
    name = " ".join(taken)
    if not name or len(name) > 60:
        return None
    return name, text[at:].lstrip("\"'*`)")


def _name_word(bare: str, taken: list[str], rest: str, lower_ok: bool) -> bool:
    if not re.fullmatch(r"[^\W\d_](?:[\w'.-]*\w)?", bare):
        return False
    low = bare.lower()
    if not taken and (low in NOT_NAMES or low.removesuffix("'s") != low):
        return False
    if bare[0] != bare[0].lower() or bare[0].lower() == bare[0].upper():
        return low not in ("and", "but", "i", "i'm", "my", "from", "nice", "what", "how", "not")
    if low in NAME_PARTICLES and taken:
        following = [word for word in rest.split() if word not in NAME_PARTICLES]
        return bool(following) and following[0][0].isupper()
    if not lower_ok:
        return False
    if not taken:
        return (
            re.match(r"$|[\s]*$|\s+(?:and|but|by|from|btw|now|please|thanks|not)\b", rest)
            is not None
            or (len(rest.split()) == 1)
            or rest.lstrip().startswith((",", "(", "-"))
        )
    return taken[0][0].isupper() and len(taken) == 1 and not rest.strip() and low not in NOT_NAMES


def _name_fact(name: str) -> Fact:
    return Fact(
        "name", name, as_sentence(f"The human's name is {name}"), f"Name: {name}", single=True
    )


def my_name(clause: str) -> Fact | None:
    """Return the name a clause gives the person ("my name is", "call me")."""
    match = re.match(
        r"(?:my (?:full |first |real |actual |given |own )?name(?:'s| is)|the name(?:'s| is)|"
        r"i(?:'m| am) (?:called|named)|i go by(?: the name(?: of)?)?|"
        r"(?:people|everyone|everybody|friends|my friends|most people|they)"
        r"(?: usually| mostly| all| just)* calls? me|"
        r"(?:you can |you may |please |just |simply |do )*call me|"
        r"(?:refer to|address) me as)\s+(?:(?:now|actually|really|just)\s+)*",
        clause,
        re.IGNORECASE,
    )
    if match is None:
        return None
    taken = take_name(clause[match.end() :], lower_ok=True)
    if taken is None or not may_follow_name(taken[1]):
        return None
    return _name_fact(taken[0])


def may_follow_name(rest: str) -> bool:
    """Tell whether a clause may go on like this after a name."""
    pattern = (
        r"[\s.!…)]*$|\s*[,;:(!.-]|\s+(?:and|but|by|from|btw|now|please|thanks|not|for|in|"
        r"if|instead|actually|here|speaking)\b"
    )
    return re.match(pattern, rest, re.IGNORECASE) is not None


def i_am_name(clause: str) -> Fact | None:
    """Return the name of "I'm Brad", "this is Brad" and "Brad here", where it can be one."""
    match = re.match(
        r"(?:i'm|i am|im|it's me,?)\s+(?:actually\s+|really\s+)?", clause, re.IGNORECASE
    )
    if match is not None:
        taken = take_name(clause[match.end() :], lower_ok=False)
        fits = r"[\s.!…)]*$|\s*[,;:(!.-]|\s+(?:and|but|by|from|btw|not|nice|here)\b"
        if taken is not None and re.match(fits, taken[1], re.IGNORECASE):
            return _name_fact(taken[0])
    here = re.fullmatch(
        r"(?:this is )?(\S+(?: \S+)?) (?:here|speaking)[.!]*", clause, re.IGNORECASE
    ) or re.fullmatch(r"this is (\S+(?: \S+)?)[.!]*", clause, re.IGNORECASE)
    if here is not None:
        taken = take_name(here[1], lower_ok=False)
        if taken is not None and not taken[1].strip(" .!"):
            return _name_fact(taken[0])
    return None
