"""How the offline model puts things: what was written down, what was found, what it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lettafs.llm._offline.hearing import SmallTalk
from lettafs.llm._offline.late import late
from lettafs.llm._offline.match import block_for, known_name
from lettafs.llm._offline.prompt import Done, SeenBlock
from lettafs.llm._offline.search import Hit, block_hits, subject_of
from lettafs.llm._offline.text import (
    clean,
    sentences,
    shorten,
    straight,
    to_second_person,
)

__all__ = [
    "MODEL_HINT",
    "about_talk",
    "answer_from_blocks",
    "describe_edit",
    "found_text",
    "kept_text",
    "nothing_found",
    "quoted",
    "wants_conversation",
]

MODEL_HINT = "For answers that take thought, choose a real model with `--model`."
_KEPT = "it stays in our conversation history, where I can search for it"
_QUOTE_CHARS = 160
_BLOCK_CHARS = 600


def quoted(text: str) -> str:
    """Return `text` in quotation marks, on one line, cut when long."""
    return f'"{shorten(text, _QUOTE_CHARS)}"'


def about_talk(kind: SmallTalk, blocks: Sequence[SeenBlock]) -> str:
    """Return the reply to a piece of small talk."""
    name = known_name("human", blocks)
    own = known_name("persona", blocks)
    match kind:
        case "greeting":
            me = f" {own} here." if own else ""
            return (f"Hello, {name}." if name else "Hello.") + me
        case "wellbeing":
            return (
                "I have no feelings to report, but my memory works. What shall I keep or look up?"
            )
        case "thanks":
            return f"You are welcome, {name}." if name else "You are welcome."
        case "bye":
            what = "What you told me stays in my memory."
            return f"Goodbye, {name}. {what}" if name else f"Goodbye. {what}"
        case "help":
            return (
                "Tell me facts about yourself or about how I should be, and I write them into my "
                'memory blocks. Say "remember that ..." and I keep it; ask, and I search my '
                f"memory and quote what I find. I do not reason. {MODEL_HINT}"
            )
        case "who" | "model":
            me = f"I am {own}, spoken for by" if own else "I am"
            return (
                f"{me} `lettafs/offline`, the built-in stand-in for a language model: "
                f"it keeps facts, "
                f"searches and quotes by rules, and does not reason. {MODEL_HINT}"
            )
        case "task":
            return (
                "That takes a model that thinks, and I am the offline stand-in: I "
                "keep facts, search "
                f"and quote. {MODEL_HINT}"
            )
        case "agree":
            return "All right."
        case "never":
            return "All right, I leave everything as it is."


def kept_text(earlier: Sequence[str]) -> str:
    """Return the reply to a statement no rule took up: said at length once, then briefly."""
    if not any(_KEPT in text for text in earlier):
        return (
            f"I found no fact in that for my memory blocks, but {_KEPT}. I am the offline stand-in "
            f"and do not reason. {MODEL_HINT}"
        )
    return "Noted in our history." if len(earlier) % 2 else "That is in our history now."


def describe_edit(done: Done, *, name_was: str | None) -> str:
    """Return what one finished edit changed, in plain words.

    Args:
        done: a call of a memory tool that succeeded.
        name_was: the name of the person it took out, when it did that.
    """
    label, old, new = edit_of(done)
    place = f"the {label} block"
    if done.name == "archival_memory_insert":
        return f"I put {quoted(new)} into archival memory."
    if name_was is not None and label_is_human(label):
        return f"I had {name_was} in my notes about you, so I changed that in {place}."
    if done.name == "memory_rethink":
        return f"I rewrote {place}."
    if old and not new.strip():
        return f"I removed {quoted(old)} from {place}."
    if old:
        if new.startswith(old):
            return f"I added {quoted(new[len(old) :])} to {place}."
        return f"I changed {quoted(old)} to {quoted(new)} in {place}."
    return f"I added {quoted(_unbulleted(new))} to {place}."


def label_is_human(label: str) -> bool:
    """Tell whether a block of this label is about the person."""
    return block_for("human", (SeenBlock(label, ""),)) is not None


def _unbulleted(text: str) -> str:
    return re.sub(r"^\s*[-*+•]\s+", "", text)


def edit_of(done: Done) -> tuple[str, str, str]:
    """Return (label, old text, new text) of an edit call, empty where it has none."""
    arguments = done.arguments
    label = str(arguments.get("label") or arguments.get("path") or "").removeprefix("/memories/")
    old = str(arguments.get("old_string") or arguments.get("old_content") or "")
    for key in ("new_string", "new_content", "content", "insert_text", "new_memory", "file_text"):
        if arguments.get(key) is not None:
            return label, old, str(arguments[key])
    return label, old, ""


_ABOUT_ME = late(
    r"what (?:do|did|else do) you (?:know|remember|have)(?: (?:about|on|of) me)?|who am i|"
    r"what(?:'s| is) in (?:your|the) (?:memory|human block|notes)|what have you "
    r"(?:learn(?:ed|t)|noted|"
    r"written(?: down)?|got)(?: about me)?|(?:tell me|show me)(?: everything| what| "
    r"all)?(?: you know)? "
    r"about (?:me|myself)|what (?:did|have) i (?:tell|told) you(?: about (?:me|myself))?|"
    r"(?:do you know|do you remember) (?:me|who i am)|show (?:me )?(?:your|the) memory",
    re.IGNORECASE,
)
_MY_NAME = late(
    r"\b(?:what(?:'s| is| was)|whats|do you (?:still )?(?:know|remember|recall)|tell "
    r"me|remind me|say|"
    r"remember)\b.{0,30}\bmy (?:first |full |own )?name\b(?!')|what am i called|"
    r"what do (?:people|you) call me|^my name\W*$",
    re.IGNORECASE,
)
_IS_MY_NAME = late(
    r"(?:so )?(?:is|isn't|was) my name (?P<a>[^?]+?)|am i (?:called|named) (?P<b>[^?]+?)|"
    r"my name is (?P<c>[^?,]+?)(?:, (?:right|isn't it|correct|yes|no))?|am i (?P<d>[A-Z][\w'-]+)",
    re.IGNORECASE,
)
_YOUR_NAME = late(
    r"\b(?:what(?:'s| is)|whats|do you have|tell me|say|and)\b.{0,20}\b(?:your name|a "
    r"name|yours)\b|"
    r"what (?:are you called|should i call you|can i call you|do i call you)|is your name\b",
    re.IGNORECASE,
)
_CONVERSATION = late(
    r"\b(?:(?:did|have) (?:i|we|you) (?:\w+ )?(?:say|said|tell|told|mention(?:ed)?|"
    r"talk(?:ed)?|speak|"
    r"spoken|discuss(?:ed)?|ask(?:ed)?|write|written|decide(?:d)?)|"
    r"(?:search|look) (?:in |through )?(?:our |the )?(?:conversation|history|messages)|"
    r"when did (?:i|we|you)|last time (?:i|we)|(?:i|we) (?:said|told you|talked|"
    r"mentioned|discussed))\b",
    re.IGNORECASE,
)


def wants_conversation(question: str) -> bool:
    """Tell whether a question is about what was said rather than what is so."""
    return _CONVERSATION().search(straight(question)) is not None


def answer_from_blocks(question: str, blocks: Sequence[SeenBlock]) -> str | None:
    """Return the answer the memory blocks hold; None when they hold none."""
    text = straight(clean(question)).rstrip("?!. ")
    human = block_for("human", blocks)
    if _ABOUT_ME().fullmatch(re.sub(r"^(?:so|and|hey|ok|please|well)[, ]+", "", text, flags=re.I)):
        return _all_about(human)
    if _YOUR_NAME().search(text):
        return _own_name(blocks)
    is_name = _IS_MY_NAME().fullmatch(text)
    if _MY_NAME().search(text) or is_name:
        asked = next((part for part in is_name.groups() if part), "") if is_name else ""
        answer = _their_name(asked.strip(" \"'"), human)
        if answer is not None or _MY_NAME().search(text):
            return answer
    if wants_conversation(question):
        return None
    return _from_lines(question, _in_order(question, blocks))


def _all_about(human: SeenBlock | None) -> str:
    if human is None or not human.value.strip():
        return "Nothing yet: I have no notes about you. Tell me your name, or what you like."
    return f'The {human.label} block says: "{shorten(human.value, _BLOCK_CHARS)}"'


def _own_name(blocks: Sequence[SeenBlock]) -> str:
    name = known_name("persona", blocks)
    if name is None:
        return 'My notes give me no name. Say "your name is ..." and I write it down.'
    persona = block_for("persona", blocks)
    return f"My name is {name}. (From the {persona.label if persona else 'persona'} block.)"


def _their_name(asked: str, human: SeenBlock | None) -> str | None:
    name = known_name("human", (human,)) if human else None
    if human is None or name is None:
        return None
    line = next(
        line.text
        for line in sentences(human.value)
        if known_name("human", (_only(human, line.text),))
    )
    source = f'(From the {human.label} block: "{shorten(line, _QUOTE_CHARS)}")'
    if not asked:
        return f"Your name is {name}. {source}"
    same = asked.lower() == name.lower() or asked.lower() == name.split()[0].lower()
    return f"{'Yes, your' if same else 'My notes say otherwise: your'} name is {name}. {source}"


def _only(block: SeenBlock, line: str) -> SeenBlock:
    return SeenBlock(block.label, line)


def _in_order(question: str, blocks: Sequence[SeenBlock]) -> tuple[SeenBlock, ...]:
    words = set(re.findall(r"[a-z']+", straight(question).lower()))
    mine = bool(words & {"i", "i'm", "my", "me", "mine", "i've"})
    yours = bool(words & {"you", "your", "yours", "you're"}) and not mine
    first = block_for("persona" if yours else "human", blocks)
    last = block_for("persona", blocks)
    if mine and first is not None and last is not None:
        # What the persona block says of itself is no answer about the person.
        blocks = [block for block in blocks if block is not last]
    rest = [block for block in blocks if block is not first]
    return (*([first] if first else []), *rest)


def _from_lines(question: str, blocks: Sequence[SeenBlock]) -> str | None:
    hits = block_hits(question, blocks)[:3]
    if not hits:
        return None
    told = to_second_person(hits[0].text) if len(hits) == 1 else None
    if told is not None:
        return f'{told} (From {hits[0].source}: "{hits[0].text}")'
    by_source: dict[str, list[str]] = {}
    for hit in hits:
        by_source.setdefault(hit.source, []).append(f'"{hit.text}"')
    return " ".join(f"From {source}: {', '.join(texts)}." for source, texts in by_source.items())


def found_text(hits: Sequence[Hit]) -> str:
    """Return up to three of the hits as quotes with source and date."""
    chosen: list[Hit] = []
    for hit in hits:
        words = _plain(hit.text)
        if len(chosen) < 3 and not any(
            words in _plain(other.text) or _plain(other.text) in words for other in chosen
        ):
            chosen.append(hit)
    return " ".join(hit.quote() for hit in chosen)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def nothing_found(question: str, places: Sequence[str], *, hint: bool) -> str:
    """Return the plain statement that nothing was found, and where it was sought."""
    where = ", ".join(places[:-1]) + (" or " if len(places) > 1 else "") + places[-1]
    subject = shorten(subject_of(question), 80)
    text = f'I found nothing about "{subject}" in {where}'
    words = set(re.findall(r"[a-z']+", straight(question).lower()))
    if words & {"i", "my", "me", "we", "our", "us", "you", "your"}:
        return f"{text}." + (f" {MODEL_HINT}" if hint else "")
    return f"{text}, and I have no model of the world to answer from." + (
        f" {MODEL_HINT}" if hint else ""
    )
