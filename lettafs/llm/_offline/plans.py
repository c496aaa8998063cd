"""From facts to edits: what a block says already, what a fact replaces, what is new.

Planning works on the blocks as shown, one edit after the other, so that every `old` text is exact
and occurs once at the moment its edit is made.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from lettafs.llm._offline.fact import Fact
from lettafs.llm._offline.match import OPINION, block_for, known_name, name_span, value_span
from lettafs.llm._offline.prompt import SeenBlock
from lettafs.llm._offline.text import Sentence, canon, covers, groups, keywords, sentences

__all__ = [
    "Add",
    "Known",
    "Plan",
    "Refused",
    "Swap",
    "applied",
    "in_style",
    "plan_facts",
    "plan_forgetting",
    "swap_span",
]


@dataclass(frozen=True, slots=True)
class Add:
    """A new last line for a block."""

    block: SeenBlock
    """As it stands before this edit."""
    text: str
    fact: Fact


@dataclass(frozen=True, slots=True)
class Swap:
    """One exact, unique piece of a block gives way to another."""

    block: SeenBlock
    old: str
    new: str
    fact: Fact | None
    """None: the piece is forgotten."""


@dataclass(frozen=True, slots=True)
class Known:
    """The block says so already; `quote` is where."""

    label: str
    quote: str
    fact: Fact


@dataclass(frozen=True, slots=True)
class Refused:
    """The fact has no place to go."""

    why: Literal["read_only", "no_block", "nothing_to_correct"]
    label: str
    fact: Fact


Plan = Add | Swap | Known | Refused


def plan_facts(facts: Sequence[Fact], blocks: Sequence[SeenBlock]) -> tuple[Plan, ...]:
    """Return what each fact means for the blocks, in order."""
    current = list(blocks)
    plans: list[Plan] = []
    for fact in facts:
        plan = _plan_swap(fact, current) if fact.topic.startswith("swap") else _plan(fact, current)
        plans.append(plan)
        if isinstance(plan, Add | Swap):
            at = current.index(plan.block)
            current[at] = replace(plan.block, value=applied(plan))
    return tuple(plans)


def applied(plan: Add | Swap) -> str:
    """Return the value of the block after the edit."""
    match plan:
        case Add(block=block, text=text):
            return f"{block.value}\n{text}" if block.value else text
        case Swap(block=block, old=old, new=new):
            return block.value.replace(old, new, 1)


def _plan(fact: Fact, blocks: list[SeenBlock]) -> Plan:
    block = block_for(fact.about, blocks)
    if block is None:
        return Refused("no_block", fact.about, fact)
    lines = sentences(block.value)
    for sentence in lines:
        if _says(sentence.text, fact):
            return Known(block.label, sentence.text, fact)
    swap = _counter(fact, block, lines) or _single(fact, block, lines)
    swap = swap or (_opinion(fact, block, lines) if fact.topic == "opinion" else None)
    if isinstance(swap, Known):
        return swap
    if block.read_only:
        return Refused("read_only", block.label, fact)
    return swap or Add(block, in_style(fact, block.value), fact)


def _says(line: str, fact: Fact) -> bool:
    have = canon(line)
    if fact.topic == "name":
        # "My name is ..." in a human block is the same note as "Name: ...".
        span = name_span(line, fact.about)
        return span is not None and _same_name(line[span[0] : span[1]], fact.value)
    return any(_starts(have, canon(form)) for form in (fact.sentence, fact.item))


def _same_name(have: str, new: str) -> bool:
    one, other = have.lower().split(), new.lower().split()
    return one[: len(other)] == other


def _starts(have: tuple[str, ...], want: tuple[str, ...]) -> bool:
    if not want:
        return False
    breaks = {"and", ",", "&", "or"}
    for at in range(len(have) - len(want) + 1):
        end = at + len(want)
        if have[at:end] == want and (at == 0 or have[at - 1] in breaks):
            return end == len(have) or have[end] in breaks
    return False


def _counter(fact: Fact, block: SeenBlock, lines: Sequence[Sentence]) -> Swap | None:
    for counter in fact.counters:
        want = canon(counter)
        for line in lines:
            have = canon(line.text)
            if have == want:
                return swap_span(block, line.start, line.end, _like(line.text, fact), fact)
    return None


def _like(line: str, fact: Fact) -> str:
    """Return the fact as a sentence or as a list entry, as the line it replaces is."""
    return fact.sentence if line.rstrip().endswith((".", "!", "?")) else fact.item


def _single(fact: Fact, block: SeenBlock, lines: Sequence[Sentence]) -> Swap | Known | None:
    if not fact.single:
        return None
    for line in lines:
        span = value_span(line.text, fact)
        if span is None:
            continue
        start, end = span
        have = line.text[start:end]
        if canon(have) == canon(fact.value) and have.lower() == fact.value.lower():
            return Known(block.label, line.text, fact)
        new = line.text[:start] + fact.value + line.text[end:]
        return swap_span(block, line.start, line.end, new, fact)
    return None


def _opinion(fact: Fact, block: SeenBlock, lines: Sequence[Sentence]) -> Swap | Known | None:
    own = known_name("human", (block,))
    for line in lines:
        text = line.text.replace("’", "'")
        if own and text.startswith(own + " "):
            text = "they" + text[len(own) :]
        match = OPINION().fullmatch(text)
        if match is None:
            continue
        things = [
            part.strip() for part in re.split(r",\s*(?:and )?|\s+and\s+|\s+or\s+", match["what"])
        ]
        same = [thing for thing in things if canon(thing) == canon(fact.value)]
        if not same and canon(match["what"]) != canon(fact.value):
            continue
        negative = re.match(
            r"(?:do|does|don't|no|cannot|can't|hate|dislike|detest)", match["verb"], re.I
        )
        stance = "against" if negative else "for"
        if stance == fact.stance:
            return Known(block.label, line.text, fact)
        rest = [thing for thing in things if thing not in same] if same else []
        new = _like(line.text, fact)
        if rest:
            kept = line.text[: len(line.text) - len(text) + match.start("what")]
            if own and line.text.startswith(own):
                kept = own + match["lead"][4:] + match["verb"] + " "
            stop = "." if line.text.endswith(".") else ""
            new = f"{kept}{_listed(rest)}{stop} {new}" if stop else f"{kept}{_listed(rest)}; {new}"
        return swap_span(block, line.start, line.end, new, fact)
    return None


def _listed(things: Sequence[str]) -> str:
    if len(things) == 1:
        return things[0]
    return f"{', '.join(things[:-1])} and {things[-1]}"


def _plan_swap(fact: Fact, blocks: list[SeenBlock]) -> Plan:
    """Plan "not Oslo, Bergen": the one line that says the old gets the new."""
    old = fact.topic.removeprefix("swap").strip()
    if not old:
        return Refused("nothing_to_correct", "human", fact)
    pattern = re.compile(rf"(?<!\w){re.escape(old)}(?!\w)", re.IGNORECASE)
    for about in ("human", "persona"):
        block = block_for(about, blocks)
        if block is None:
            continue
        hits = [line for line in sentences(block.value) if pattern.search(line.text)]
        if len(hits) == 1:
            if block.read_only:
                return Refused("read_only", block.label, fact)
            line = hits[0]
            new = pattern.sub(lambda _: fact.value, line.text, count=1)
            return swap_span(block, line.start, line.end, new, fact)
        known = [
            line for line in sentences(block.value) if covers(line.text, groups((fact.value,)))
        ]
        if known:
            return Known(block.label, known[0].text, fact)
    return Refused("nothing_to_correct", "human", fact)


def plan_forgetting(what: str, blocks: Sequence[SeenBlock]) -> Swap | Refused | None:
    """Return the edit that takes out the one line `what` names; None when none or several do."""
    wanted = groups(keywords(what))
    hits: list[tuple[SeenBlock, Sentence]] = []
    block = block_for("human", blocks)
    for line in sentences(block.value) if block else ():
        name = keywords(what) in ((), ("name",)) and "name" in what.lower()
        if block and (name_span(line.text, "human") if name else covers(line.text, wanted) == 1.0):
            hits.append((block, line))
    if len(hits) != 1:
        return None
    block, line = hits[0]
    if block.read_only:
        return Refused("read_only", block.label, Fact("forget", what, line.text, line.text))
    start, end = line.start, line.end
    begin = block.value.rfind("\n", 0, start) + 1
    if not block.value[begin:start].strip(" \t-*+•0123456789.)#>"):
        rest = block.value[end:].split("\n", 1)[0]
        if not rest.strip() and begin > 0:
            start, end = begin - 1, end + len(rest.rstrip("\r"))
        elif not rest.strip():
            start = begin
    if start > 0 and block.value[start - 1] == " ":
        start -= 1
    elif start == begin and block.value[end : end + 1] == " ":
        end += 1
    return swap_span(block, start, end, "", None)


def swap_span(block: SeenBlock, start: int, end: int, new: str, fact: Fact | None) -> Swap:
    """Return the swap of a span, widened until its old text occurs once in the value."""
    value = block.value
    before = after = ""
    while not _occurs_once(value, value[start:end]):
        left = value.rfind("\n", 0, max(start - 1, 0)) + 1 if start > 0 else 0
        right = value.find("\n", end + 1)
        right = len(value) if right < 0 else right
        before = value[left:start] + before
        after = after + value[end:right]
        start, end = left, right
    return Swap(block, value[start:end], before + new + after, fact)


def _occurs_once(value: str, piece: str) -> bool:
    first = value.find(piece)
    return value.find(piece, first + 1) < 0


def in_style(fact: Fact, value: str) -> str:
    """Return the fact as the block is written: an entry below a list, else a sentence."""
    lines = [line for line in value.splitlines() if line.strip()]
    bullet = re.match(r"(\s*[-*+•]\s+)", lines[-1]) if lines else None
    if bullet:
        return bullet[1] + fact.item
    if fact.about == "persona" and re.match(r"\s*you(?:'re| are|r)\b", value, re.IGNORECASE):
        text = re.sub(r"^I am\b", "You are", re.sub(r"^My\b", "Your", fact.sentence))
        return re.sub(r"^I\b", "You", text)
    return fact.sentence
