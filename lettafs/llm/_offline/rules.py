"""Rules for what people say about themselves: likes, home, work, age, pets, belongings.

Each rule takes one clause and gives a fact or None; the first that gives one wins.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from lettafs.llm._offline.fact import (
    NO_MORE,
    WHEN,
    Fact,
    object_of,
    said_value,
    their,
    they,
)
from lettafs.llm._offline.names import i_am_name, my_name, take_name
from lettafs.llm._offline.text import clean
from lettafs.llm._offline.words import (
    NOT_NAMES,
    NOT_TRAITS,
    POSSESSIONS,
    RELATIONS,
    TRAITS,
    VAGUE_OBJECTS,
)

__all__ = ["HUMAN_RULES", "i_am", "origin"]

_FOR = ("like", "love", "adore", "enjoy", "prefer")
_AGAINST = ("hate", "dislike", "detest", "despise")
_ADVERBS = (
    r"(?:(?:really|also|do|absolutely|still|quite|totally|just|now|actually|especially|"
    r"always|particularly|truly|mostly|generally|usually|rather|much) )*"
)


def _opinion(clause: str) -> Fact | None:
    match = re.match(
        rf"(?:i|we) {_ADVERBS}(?P<verb>{'|'.join(_FOR + _AGAINST)}|can't stand|cannot "
        rf"stand|am into|"
        rf"am a (?:big |huge )?fan of)\s+(?P<what>.+)",
        clause,
        re.IGNORECASE,
    ) or re.match(
        r"(?:i'm|i am) (?:really |very |so )?(?P<verb>fond of|into|keen on|a (?:big |"
        r"huge )?fan of)\s+(?P<what>.+)",
        clause,
        re.IGNORECASE,
    )
    if match is None:
        return None
    what = object_of(match["what"])
    if what is None:
        return None
    verb = match["verb"].lower()
    against = verb in _AGAINST or "stand" in verb
    verb = {"can't stand": "cannot stand", "am into": "are into"}.get(verb, verb)
    if verb.startswith(("fond", "into", "keen", "a ")):
        verb = f"are {verb}"
    if verb.startswith("am a"):
        verb = f"are{verb[2:]}"
    return they("opinion", verb, what, stance="against" if against else "for")


def _no_opinion(clause: str) -> Fact | None:
    match = re.match(
        r"(?:i|we) (?:(?P<gone>no longer|stopped|have stopped)|don't|do not|never|didn't)"
        r"(?: (?:really|even|actually|particularly|much))* "
        r"(?P<verb>lik(?:e|ing)|lov(?:e|ing)|enjoy(?:ing)?|prefer(?:ring)?|care "
        r"for)\s+(?P<what>.+)",
        clause,
        re.IGNORECASE,
    ) or re.match(
        r"(?:i'm|i am) (?:(?P<gone>no longer)|not)(?: (?:really|a|an|much|very))* "
        r"(?P<verb>fan of|into|keen on|fond of)\s+(?P<what>.+)",
        clause,
        re.IGNORECASE,
    )
    if match is None:
        return None
    gone = match["gone"] is not None or NO_MORE().search(match["what"].rstrip(" .!")) is not None
    what = object_of(match["what"])
    if what is None:
        return None
    verb = "no longer like" if gone else "do not like"
    return they("opinion", verb, what, stance="against")


def _favourite(clause: str) -> Fact | None:
    match = re.match(
        r"my (?:(?:new|current|all-time|absolute) )*(?P<word>favou?rite) (?P<what>[\w' -]{1,60}?)"
        r"(?:'s| is| are)\s+(?:(?:now|actually|still|definitely|probably) )*(?P<value>.+)",
        clause,
        re.IGNORECASE,
    )
    if match is not None:
        word, what, value = match["word"], match["what"], said_value(match["value"])
    else:
        match = re.match(
            r"(?P<value>[^,]{1,80}?) (?:is|are) my (?:all-time )?(?P<word>favou?rite) "
            r"(?P<what>[\w' -]{1,60})",
            clause,
            re.IGNORECASE,
        )
        if match is None:
            return None
        word, what, value = match["word"], match["what"].strip(), said_value(match["value"])
    if value is None or value.lower() in VAGUE_OBJECTS:
        return None
    return their(f"{word.lower()} {what}", value)


def _home(clause: str) -> Fact | None:
    match = re.match(
        rf"(?:i|we) {_ADVERBS}(?:currently )?(?:(?P<moved>(?:have )?(?:just "
        rf")?(?:recently )?moved(?: house)?)|(?:live|reside)(?: now)?|am based|are "
        rf"based) "
        rf"(?P<how>in|to|at|near|on)\s+(?P<where>.+)",
        clause,
        re.IGNORECASE,
    ) or re.match(
        r"(?:i'm|i am|i've|we've|we're)(?: now| currently| just| recently)* "
        r"(?:(?P<moved>moved)|living|based) (?P<how>in|to|at|near)\s+(?P<where>.+)",
        clause,
        re.IGNORECASE,
    )
    if match is None or (match["moved"] and match["how"].lower() != "to"):
        return None
    where = said_value(WHEN().sub("", clean(match["where"]).rstrip(" .!")))
    if where is None or where.split()[0].lower() in ("it", "them", "that", "this", "bed", "see"):
        return None
    how = match["how"].lower()
    return they("home", f"live {'in' if how == 'to' else how}", where, single=True)


def origin(clause: str) -> Fact | None:
    """Return where somebody is from."""
    match = re.match(
        r"(?:i'm|i am|i come|i'm originally|i originally come|we're) (?:originally "
        r")?from\s+(?P<where>.+)",
        clause,
        re.IGNORECASE,
    )
    where = said_value(match["where"]) if match else None
    if where is None or not (where[0].isupper() or where.startswith("the ")):
        return None
    return they("origin", "are from", where, single=True)


def _work(clause: str) -> Fact | None:
    match = re.match(
        rf"(?:(?:i|we) {_ADVERBS}(?:currently )?work|(?:i'm|i am)(?: now| currently)* "
        rf"(?:working|employed)) "
        rf"(?P<how>at|for|as|in|with)\s+(?P<what>.+)",
        clause,
        re.IGNORECASE,
    )
    if match is None:
        return None
    what = said_value(WHEN().sub("", clean(match["what"]).rstrip(" .!")))
    if what is None or what.split()[0].lower() in VAGUE_OBJECTS | {"night", "home", "least"}:
        return None
    how = match["how"].lower()
    topic = {"at": "employer", "for": "employer", "as": "job"}.get(how, "field")
    return they(topic, f"work {how}", what, single=topic != "field")


def _age(clause: str) -> Fact | None:
    match = re.match(
        r"(?:(?:i'm|i am|i just turned|i turned)(?: now| already)? (?P<age>\d{1,3})"
        r"(?:[ -]years?(?:[ -]old| of age)?)?|my age is (?P<other>\d{1,3}))[\s.!]*$",
        clause,
        re.IGNORECASE,
    )
    if match is None:
        return None
    return they("age", "are", f"{match['age'] or match['other']} years old", single=True)


def _born(clause: str) -> Fact | None:
    match = re.match(r"i was born (?P<how>on|in|at)\s+(?P<when>.+)", clause, re.IGNORECASE)
    value = said_value(match["when"]) if match else None
    if match is None or value is None:
        return None
    return they(f"born {match['how'].lower()}", f"were born {match['how'].lower()}", value)


def _health(clause: str) -> Fact | None:
    match = re.match(
        r"(?:i'm|i am) (?P<not>not |no longer )?(?:also |very |really |highly "
        r")*(?P<what>allergic to|intolerant to|afraid of|scared of)\s+(?P<of>.+)",
        clause,
        re.IGNORECASE,
    )
    if match is None:
        return None
    gone = NO_MORE().search(match["of"].rstrip(" .!")) is not None
    what = object_of(match["of"])
    if what is None:
        return None
    kind = match["what"].lower()
    if match["not"]:
        gone = gone or match["not"].lower().startswith("no longer")
        verb = f"are {'no longer' if gone else 'not'} {kind}"
        return they(kind, verb, what, counters=(f"They are {kind} {what}.",))
    return they(
        kind,
        f"are {kind}",
        what,
        counters=(f"They are not {kind} {what}.", f"They are no longer {kind} {what}."),
    )


def _have(clause: str) -> Fact | None:
    match = re.match(
        r"(?:i|we)(?: also)?(?: have|'ve got| have got| got| own| adopted)(?: also)?\s+"
        r"(?P<what>(?:(?:a|an|two|three|four|five|six|one|no|\d+)\s+(?:[\w'-]+\s+){0,3}?"
        r"(?P<noun>[\w'-]+))(?P<called>\s*,?\s+(?:called|named|who is called)\s+.+)?)[\s.!]*$",
        clause,
        re.IGNORECASE,
    )
    if match is None:
        return None
    noun = match["noun"].lower()
    lasting = RELATIONS | {
        "kids",
        "children",
        "brothers",
        "sisters",
        "dogs",
        "cats",
        "sons",
        "daughters",
        "twins",
        "car",
        "house",
        "garden",
        "boat",
        "degree",
        "phd",
        "bike",
        "siblings",
        "pets",
        "horses",
    }
    if not match["called"] and noun not in lasting:
        return None
    what = said_value(match["what"])
    if what is None:
        return None
    name = re.search(r"(?:called|named)\s+(.+)$", what)
    if name is not None and noun in RELATIONS:
        fact = they(f"my {noun}'s name", "have", what, single=True)
        return replace(fact, value=name[1])
    return they("has", "have", what)


def i_am(clause: str) -> Fact | None:
    """Return what somebody is: a trade, a trait, a belonging."""
    match = re.match(
        r"(?:i'm|i am) (?P<not>not |no longer )?(?:(?:also|now|currently|actually) "
        r")*(?P<what>(?P<article>an? )?(?P<first>[^\W\d_][\w-]*)(?P<rest>.*))$",
        clause,
        re.IGNORECASE | re.DOTALL,
    )
    if match is None:
        return None
    first = match["first"].lower()
    if match["article"]:
        if first in NOT_TRAITS:
            return None
    elif first not in TRAITS or len(match["rest"].split()) > 3:
        return None
    gone = NO_MORE().search(clause.rstrip(" .!")) is not None
    what = said_value(NO_MORE().sub("", clean(match["what"]).rstrip(" .!")))
    if what is None:
        return None
    if match["not"]:
        gone = gone or match["not"].lower().startswith("no longer")
        return they(
            "is", f"are {'no longer' if gone else 'not'}", what,
            counters=(f"They are {what}.", f"They work as {what}."),
        )  # fmt: skip
    return they(
        "is", "are", what, counters=(f"They are not {what}.", f"They are no longer {what}.")
    )


_HABITS = (
    "study|teach|play|speak|collect|eat|drink|smoke|drive|own|use|run|train|practise|"
    "practice|write|read|grow|build"
)


def _habit(clause: str) -> Fact | None:
    match = re.match(
        rf"(?:i|we) {_ADVERBS}(?P<verb>{_HABITS})\s+(?P<what>.+)", clause, re.IGNORECASE
    )
    if match is None:
        return None
    verb, what = match["verb"].lower(), object_of(match["what"])
    if what is None:
        return None
    # "I drive home" and "I run late" are moments; "I drive a Volvo" is a fact.
    if verb in ("drive", "own", "use", "run", "write", "read", "build", "train") and not re.match(
        r"(?:an? |two |three |their |[A-Z])", what
    ):
        return None
    return they("does", verb, what)


def _not_habit(clause: str) -> Fact | None:
    match = re.match(
        rf"(?:i|we) (?:(?P<gone>no longer|stopped)|don't|do not|never|can't|cannot)(?: "
        rf"\w+ly)? (?P<verb>live|work|have|{_HABITS})"
        r"(?P<rest>(?: (?:in|at|for|as|near|with))?(?:\s+.+)?)$",
        clause,
        re.IGNORECASE,
    )
    if match is None:
        return None
    rest = clean(match["rest"]).rstrip(" .!")
    gone = match["gone"] is not None or NO_MORE().search(" " + rest) is not None
    what = said_value(NO_MORE().sub("", " " + rest))
    verb = match["verb"].lower()
    if what is None or what.split()[0] in VAGUE_OBJECTS:
        return None
    durable = verb in ("live", "work", "eat", "drink", "smoke", "speak", "drive") or gone
    if not durable or what in ("a clue", "an idea"):
        return None
    phrase = f"no longer {verb}" if gone else f"do not {verb}"
    return they("does not", phrase, what, counters=(f"They {verb} {what}.",))


def _left_job(clause: str) -> Fact | None:
    match = re.match(
        r"i(?:'ve| have)? (?:just |recently )?(?:quit|left|resigned from)(?: my job "
        r"at| working (?:at|for)| my work at)\s+(?P<where>.+)",
        clause,
        re.IGNORECASE,
    )
    where = said_value(WHEN().sub("", clean(match["where"]).rstrip(" .!"))) if match else None
    if where is None:
        return None
    counters = (f"They work at {where}.", f"They work for {where}.")
    return they("does not", "no longer work at", where, counters=counters)


_MY_THING = (
    r"(?:my|our) (?P<what>(?:[\w'-]+ ){0,4}?[\w'-]+?)"
    r"(?P<verb>'s called|'s named| (?:is|are) (?:called|named)| is| are)\s+"
    r"(?:(?:now|actually|on|still) )?(?P<value>.+)",
    r"(?:my|our) (?P<what>[\w-]+(?: [\w-]+)?)(?P<verb>'s)\s+(?P<value>.+)",
)


def _my_thing(clause: str) -> Fact | None:
    match = next(
        (found for form in _MY_THING if (found := re.match(form, clause, re.IGNORECASE))), None
    )
    if match is None:
        return None
    what, value = clean(match["what"]), said_value(match["value"])
    if value is None or value.split()[0].lower() in ("not", "no", "what", "that", "if"):
        return None
    noun = what.split()[-1].lower()
    if match["verb"].lower().endswith(("called", "named")):
        return their(f"{what}'s name", value)
    if noun == "name" and what.lower() != "name":
        return their(what, value)
    if noun in POSSESSIONS and not _is_mood(value):
        return their(what, value)
    if noun in RELATIONS:
        taken = take_name(value, lower_ok=False)
        if taken is not None and not taken[1].strip(" .!"):
            return their(f"{what}'s name", taken[0])
        if re.match(r"(?:an? |\d+ years old)", value) and not _is_mood(value):
            return replace(their(what, value), single=False)
    return None


def _is_mood(value: str) -> bool:
    words = value.lower().split()
    if words[0] in ("a", "an") and len(words) > 1:
        return words[1] in NOT_TRAITS
    named_day = value[0].isupper()
    return words[0] in NOT_NAMES and not named_day and words[0] not in ("first", "second", "the")


def _is_my(clause: str) -> Fact | None:
    match = re.match(
        r"(?P<name>[^,]{1,60}?) is my (?P<what>[\w'-]+(?: [\w'-]+)?)[\s.!]*$", clause, re.IGNORECASE
    )
    if match is None or match["what"].split()[-1].lower() not in RELATIONS:
        return None
    taken = take_name(match["name"], lower_ok=False)
    if taken is None or taken[1].strip():
        return None
    return their(f"{match['what']}'s name", taken[0])


def _pronouns(clause: str) -> Fact | None:
    match = re.match(
        r"i (?:use|go by) (?P<what>\w+/\w+(?:/\w+)?)(?: pronouns)?[\s.!]*$", clause, re.IGNORECASE
    )
    return their("pronouns", match["what"]) if match else None


HUMAN_RULES: tuple[Callable[[str], Fact | None], ...] = (
    my_name, i_am_name, _pronouns, _favourite, _no_opinion, _opinion, _home, origin, _work,
    _left_job, _age, _born, _health, _have, i_am, _not_habit, _habit, _my_thing, _is_my,
)  # fmt: skip
