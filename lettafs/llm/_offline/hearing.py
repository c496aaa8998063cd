"""What a message asks for: facts to keep, things to remember or forget, questions, small talk."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from lettafs.llm._offline.fact import Fact
from lettafs.llm._offline.facts import facts_in
from lettafs.llm._offline.late import late
from lettafs.llm._offline.names import take_name
from lettafs.llm._offline.text import (
    capitalised,
    clean,
    is_question,
    sentences,
    straight,
    to_third_person,
)

__all__ = ["Heard", "SmallTalk", "hear", "small_talk"]

SmallTalk = Literal[
    "greeting", "wellbeing", "thanks", "bye", "help", "who", "model", "agree", "never", "task"
]

_MOST_SENTENCES = 60
_MOST_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Heard:
    """A message, sorted."""

    facts: tuple[Fact, ...] = ()
    remember: tuple[str, ...] = ()
    """Phrased as notes, for archival memory."""
    asides: tuple[Fact, ...] = ()
    """Facts inside what is to be remembered: they matter where the blocks say otherwise."""
    forget: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    talk: tuple[SmallTalk, ...] = ()
    statements: tuple[str, ...] = ()
    """What no rule took up."""
    met: bool = False
    """The person said it was nice to meet us."""


_TALK: tuple[tuple[SmallTalk, str], ...] = (
    (
        "greeting",
        r"(?:hi|hello|hey|hiya|yo|howdy|greetings|good (?:morning|afternoon|evening|day)|"
        r"(?:it's )?(?:nice|good|great|pleased) to (?:meet|see) you(?: too| again)?)"
        r"(?:[ ,]+(?:there|again|friend|agent|everyone|all|you|hi|hello|\w+))?",
    ),
    (
        "wellbeing",
        r"(?:(?:hi|hello|hey)[ ,]+)?(?:how are you(?: doing)?(?: today)?|how's it going|"
        r"what's up|how do you do)",
    ),
    (
        "thanks",
        r"(?:ok |okay |great |cool )?(?:many )?(?:thanks|thank you|thx|cheers|ty)(?: (?:a "
        r"lot|so much|very much|you|for .{1,60}))?",
    ),
    (
        "bye",
        r"(?:ok |okay )?(?:good ?bye|bye(?: bye)?|see you(?: later| soon| tomorrow)?|good "
        r"night|cya|ciao|take care|farewell)",
    ),
    (
        "help",
        r"(?:please )?(?:help(?: me)?|what can you do(?: for me)?|what do you do|how "
        r"do(?:es)? (?:you|this) work|what (?:are|is) (?:your|the) commands?|how can you "
        r"help(?: me)?|what should i (?:say|do|ask|try))",
    ),
    (
        "who",
        r"(?:who|what)(?:'s| is| are|'re) (?:you|this)(?:,? (?:exactly|really))?|are you (?:a |"
        r"an )?(?:real|human|person|robot|bot|ai|llm|language model|alive|sentient|"
        r"conscious|chatgpt|gpt|claude|intelligent|smart|there)|(?:tell me|say something) "
        r"about yourself|introduce yourself|can you think|do you (?:think|understand(?: "
        r"me)?|reason)",
    ),
    (
        "model",
        r"(?:what|which) (?:language )?model (?:are you|is this|do you use|are you using|"
        r"am i (?:talking|speaking) to)|what(?:'s| is) your model|are you offline",
    ),
    (
        "agree",
        r"(?:(?:ok|okay|yes|yeah|ah|oh|cool|great)[ ,]+)*"
        r"(?:ok|okay|k|yes|yeah|yep|sure|cool|great|nice|good|fine|perfect|awesome|"
        r"alright|right|got it|i see|wow|lol|haha|hm+|no|nope|interesting|understood|"
        r"exactly|indeed|not really|maybe|no problem|you're welcome|well done|good (?:job|"
        r"bot))",
    ),
    (
        "task",
        r"(?:(?:can|could|will|would) you |please |now )*(?:write|compose|translate|"
        r"calculate|compute|"
        r"summari[sz]e|explain|draw|code|program|generate|create|solve|tell|sing|make|plan|count|"
        r"imagine|invent|draft|rewrite|help me) (?!me (?:about|what|when|where|who|"
        r"how|everything|all)\b|"
        r"(?:about|sure)\b).{1,300}|"
        r"(?:(?:what(?:'s| is)|how much is|compute|calculate) "
        r")?[(-]*\d[\d\s().]*(?:[-+*/^x%][\d\s().]+)+=?",
    ),
    ("never", r"(?:never ?mind|forget (?:it|about it|that)|nvm|stop|cancel)"),
)

_REMEMBER = late(
    r"(?:(?:ok|okay|hey|hi|so|and|also|well|now)[ ,]+)*"
    r"(?:(?:can|could|would|will) you |i(?: want| need|'d like| would like) you to |"
    r"please |kindly |just |do )*"
    r"(?P<verb>remember|note to self(?=[ :])|note|don't forget|do not forget|never "
    r"forget|keep in mind|"
    r"bear in mind|make a note|"
    r"take (?:a )?note|write down|save|store|memorise|memorize|remind yourself|put "
    r"(?:it )?on record|"
    r"archive|jot down)(?:,? please)?\b(?P<that>(?:\s+(?:this|the fact))?(?:\s+that\b|\s*[:,-])|"
    r"\s+(?:this|of this)\s*[:,-])?\s+(?P<what>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_FORGET = late(
    r"(?:please |you can |just )*(?:forget|delete|remove|erase)(?: (?:about|that|the "
    r"fact that))*\s+"
    r"(?P<what>(?:my|i|me|the|what|where|i'm)\b.{0,200})",
    re.IGNORECASE,
)


def small_talk(sentence: str) -> SmallTalk | None:
    """Return which kind of small talk a sentence is; None for anything with content."""
    bare = straight(sentence).strip().strip("!.?… )(:;,'\"").lower()
    for kind, pattern in _TALK:
        if re.fullmatch(pattern, bare):
            return kind
    return None


def hear(text: str, *, earlier: Sequence[str] = ()) -> Heard:
    """Return a message sorted into what it asks for.

    Args:
        text: the person's words.
        earlier: their messages before it, oldest first: what "actually, it's ..." corrects.
    """
    heard = Heard(
        met=re.search(r"\b(?:nice|pleased|good|great) to meet you", text, re.I) is not None
    )
    for sentence in sentences(text[:_MOST_CHARS])[:_MOST_SENTENCES]:
        heard = _sort(heard, sentence.text)
    resolved = dict.fromkeys(_resolve(fact, earlier) for fact in heard.facts)
    return replace(heard, facts=tuple(fact for fact in resolved if fact is not None))


def _sort(heard: Heard, sentence: str) -> Heard:
    line = clean(straight(sentence))
    if not re.search(r"\w", line):
        return heard
    talk = small_talk(line)
    if talk is not None:
        return replace(heard, talk=(*heard.talk, talk))
    noted = _noted(line)
    manner = facts_in(f"from now on {noted[3:]}") if noted and noted[:3].lower() == "to " else ()
    if manner and facts_in(noted[3:] if noted else "") == manner:
        # "Remember to answer in French" is about the agent.
        return replace(heard, facts=(*heard.facts, *manner))
    if noted is not None:
        return replace(
            heard,
            remember=(*heard.remember, _as_note(noted)),
            asides=(*heard.asides, *facts_in(noted)),
        )
    forget = _FORGET().fullmatch(line.rstrip(".!"))
    if forget is not None:
        return replace(heard, forget=(*heard.forget, forget["what"].strip()))
    facts = facts_in(line)
    if facts:
        heard = replace(heard, facts=(*heard.facts, *facts))
    question = _question_in(line, has_facts=bool(facts))
    if question:
        talk = small_talk(question)
        if talk is not None:
            return replace(heard, talk=(*heard.talk, talk))
        return replace(heard, questions=(*heard.questions, question))
    if facts:
        return heard
    if re.match(r"(?:hi|hello|hey|good (?:morning|evening|afternoon))\b", line, re.IGNORECASE):
        heard = replace(heard, talk=(*heard.talk, "greeting"))
    return replace(heard, statements=(*heard.statements, sentence))


def _noted(line: str) -> str | None:
    match = _REMEMBER().fullmatch(line)
    if match is None:
        return None
    what = match["what"].strip()
    verb = match["verb"].lower()
    told = match["that"] is not None
    if not told and re.match(
        r"(?:to|when|how|what|who|where|why|if|me|it|us|him|her)\b", what, re.I
    ):
        # "Remember to ..." is a fact about what is to be done; "remember when ..." asks.
        if not re.match(r"to\s+\w", what, re.I) or verb not in ("remember", "don't forget", "note"):
            return None
    if (
        not told
        and verb in ("save", "store", "archive", "write down", "never forget")
        and (len(what.split()) < 2)
    ):
        return None
    if line.endswith("?") and not re.match(r".{0,20}\b(?:can|could|would|will) you\b", line, re.I):
        # "Remember that evening?" asks.
        return None
    what = what.rstrip("?").strip() if line.endswith("?") else what
    return what if re.search(r"\w{2}|\d", what) else None


_PAST = frozenset(
    "ate became began bought brought broke built came caught chose cut did drove "
    "drew fell felt flew "
    "forgot found gave got grew had heard held hid hurt kept knew learnt led left "
    "lent let lost made "
    "meant met paid put quit ran read rode rose said sang sat saw sent set slept "
    "sold spent spoke stole "
    "swam taught thought threw told took understood was went were woke won wore "
    "wrote will would can "
    "could should must may might shall cannot can't won't never always already just "
    "also only".split()
)


def _as_note(text: str) -> str:
    """Return what was to be remembered, phrased as a note about the human."""
    text = re.sub(r"^to (?=\w)", "the human asked to be reminded to ", text, flags=re.IGNORECASE)
    text = re.sub(r"^i'm\b", "I am", text, flags=re.IGNORECASE)
    text = re.sub(r"^i've\b", "I have", text, flags=re.IGNORECASE)
    text = re.sub(r"^i'll\b", "I will", text, flags=re.IGNORECASE)
    match = re.match(r"i (?P<verb>[\w']+)(?P<rest>.*)$", text, re.IGNORECASE | re.DOTALL)
    if match is not None:
        text = f"the human {_third(match['verb'])}{to_third_person(match['rest'])}"
    elif re.match(r"my\b", text, re.IGNORECASE):
        text = f"the human's{to_third_person(text[2:])}"
    else:
        text = to_third_person(text)
    text = capitalised(text.strip())
    return text if text.endswith((".", "!", "?", '"', "…")) else f"{text}."


def _third(verb: str) -> str:
    low = verb.lower()
    fixed = {"am": "is", "have": "has", "do": "does", "don't": "does not", "haven't": "has not"}
    if low in fixed:
        return fixed[low]
    if low in _PAST or low.endswith("ed"):
        return low
    if low.endswith(("s", "sh", "ch", "x", "z", "o")):
        return f"{low}es"
    if low.endswith("y") and low[-2:-1] not in "aeiou":
        return f"{low[:-1]}ies"
    return f"{low}s"


def _question_in(line: str, *, has_facts: bool) -> str | None:
    bare = re.sub(
        r"^(?:please|kindly|so|and|ok|okay|hey|hi|hello|well|now)[ ,]+", "", line, flags=re.I
    )
    asks = is_question(bare)
    if not has_facts:
        return line if asks else None
    # A fact and a question in one breath: "My name is Brad, what's yours?"
    pieces = re.split(r"[,;—]\s*(?:and |but |so )?|\s+(?:and|but|so)\s+", line)
    last = pieces[-1].strip()
    return last if len(pieces) > 1 and is_question(last) else None


def _resolve(fact: Fact, earlier: Sequence[str]) -> Fact | None:
    """Return what a bare "it's ..." corrects: the last single thing told; None if unclear."""
    if fact.topic != "swap":
        return fact
    for text in reversed(earlier[-4:]):
        for sentence in reversed(sentences(text[:_MOST_CHARS])[:_MOST_SENTENCES]):
            for old in reversed(facts_in(sentence.text)):
                if old.single or old.topic.startswith("swap "):
                    return _with_value(old, fact.value) if _alike(old.value, fact.value) else None
            if re.search(r"\bmy name\b", sentence.text, re.IGNORECASE):
                return _as_name(fact)
    return _as_name(fact)


def _alike(old: str, new: str) -> bool:
    # A place is not corrected by "raining", nor an age by a name.
    if old[0].isdigit() or new[0].isdigit():
        return old[0].isdigit() == new[0].isdigit()
    return old[0].isupper() == new[0].isupper() and not new.endswith("ing")


def _as_name(fact: Fact) -> Fact | None:
    taken = take_name(fact.value, lower_ok=False)
    if taken is None or taken[1].strip():
        return None
    return facts_in(f"my name is {taken[0]}")[0]


def _with_value(old: Fact, value: str) -> Fact:
    if old.topic.startswith("swap "):
        return replace(old, topic=f"swap {old.value}", value=value, sentence=value, item=value)
    if old.topic == "age" and value.isdigit():
        value = f"{value} years old"
    return replace(
        old,
        value=value,
        sentence=old.sentence.replace(old.value, value),
        item=old.item.replace(old.value, value),
    )
