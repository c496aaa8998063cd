"""Plain text helpers of the offline model: sentences, words, pronouns, questions.

Everything here is a pure function on strings. It knows English by short word lists only; other
languages pass through unharmed and simply match no rule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from lettafs.llm._offline.late import late

__all__ = [
    "Sentence",
    "canon",
    "capitalised",
    "clean",
    "covers",
    "groups",
    "is_question",
    "keywords",
    "sentences",
    "shorten",
    "stem",
    "straight",
    "to_second_person",
    "to_third_person",
]

_ABBREVIATIONS = (
    "mr",
    "mrs",
    "ms",
    "dr",
    "prof",
    "st",
    "e.g",
    "i.e",
    "etc",
    "al",
    "cf",
    "vs",
    "no",
    "jr",
    "sr",
)
_BULLET = late(r"\s*(?:[-*+•]\s+|\d+[.)]\s+|#+\s+|>\s+)?")
_END = late(r"[.!?…。！？]+[\"'”’)\]*]*(?=\s|$)|[。！？]+")
_WORD = late(r"[^\W_]+(?:['’.-][^\W_]+)*")

_STOP_WORDS = frozenset(
    "a about again all also am an and any anything are as at be been but by can could did do does "
    "doing don't ever exactly for from had has have he her him his how i i'd i'll i'm i've if in "
    "into is isn't it it's its know last like made make many me mean mentioned might mine much my "
    "myself of on or our ours please recall remember remind said say saying says shall she should "
    "so some something spoke talk talked talking tell telling than that that's the their them then "
    "there these they thing things think this those time to told us was we were what what's when "
    "when's where where's which who who's whom whose why will with would you you're your yours "
    "yourself about called conversation discuss discussed yes no not were wasn't okay ok hey hi "
    "hello".split()
)
_SYNONYMS = (
    ("name", "named", "called"),
    ("live", "living", "based", "home", "location", "city", "moved", "reside", "address"),
    ("work", "job", "occupation", "profession", "employer", "employed", "living"),
    ("old", "age"),
    ("birthday", "born", "birth"),
    ("like", "love", "enjoy", "prefer", "favourite", "favorite", "adore"),
    ("hate", "dislike", "detest"),
    ("favourite", "favorite"),
    ("colour", "color"),
    ("allergic", "allergy", "allergies"),
    ("from", "hometown"),
    ("wife", "spouse", "married"),
    ("husband", "spouse", "married"),
)
_COMMAND = late(
    r"^(?:please |can you |could you )*(?:search(?: for| in| through)?|look(?: up| "
    r"for| in| through)|"
    r"find|quote|list|show(?: me)?|tell me|remind me)\s+"
    r"(?:(?:our |the |your )?(?:archival |conversation |history|messages|memory|files|"
    r"archive)+ ?(?:for )?)?|"
    r"\s+(?:in|from) (?:our|the|your|my) (?:archival memory|archive|conversation|"
    r"history|files|memory)\W*$",
    re.IGNORECASE,
)
_CJK = late(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence and where it stands in the text it was found in."""

    text: str
    start: int
    end: int


def straight(text: str) -> str:
    """Return `text` with typographic quotes made plain, so that rules need one form only."""
    return text.translate({0x2019: "'", 0x2018: "'", 0x201C: '"', 0x201D: '"', 0xA0: " "})


def clean(text: str) -> str:
    """Return `text` on one line, runs of white space made single."""
    return " ".join(text.split())


def capitalised(text: str) -> str:
    """Return `text` with its first letter upper-case and the rest as it was."""
    return text[:1].upper() + text[1:]


def shorten(text: str, limit_chars: int) -> str:
    """Return `text` on one line, cut at a word and marked with an ellipsis when too long."""
    line = clean(text)
    if len(line) <= limit_chars:
        return line
    cut = line[: max(limit_chars - 1, 0)]
    space = cut.rfind(" ")
    return (cut[:space] if space > limit_chars // 2 else cut).rstrip(" ,;:") + "…"


@lru_cache(maxsize=64)
def sentences(text: str) -> tuple[Sentence, ...]:
    """Return the sentences of `text` with exact offsets, list bullets left out.

    A line end always ends a sentence; a full stop after an abbreviation or an initial does not.
    """
    found: list[Sentence] = []
    offset = 0
    for line in text.split("\n"):
        bullet = _BULLET().match(line)
        begin = bullet.end() if bullet else 0
        for end in _sentence_ends(line, begin):
            piece = line[begin:end]
            left = len(piece) - len(piece.lstrip())
            body = piece.strip()
            if body:
                start = offset + begin + left
                found.append(Sentence(body, start, start + len(body)))
            begin = end
        offset += len(line) + 1
    return tuple(found)


def _sentence_ends(line: str, begin: int) -> list[int]:
    ends: list[int] = []
    for match in _END().finditer(line, begin):
        if match.group().startswith("."):
            before = line[begin : match.start()].rsplit(None, 1)
            last = before[-1].lower() if before else ""
            initial = len(last) == 1 and last.isalpha() and last != "i"
            if (last in _ABBREVIATIONS or initial) and match.end() < len(line.rstrip()):
                continue
        ends.append(match.end())
    if not ends or ends[-1] < len(line):
        ends.append(len(line))
    return ends


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """Return a crude stem, the same for the usual endings of one English word."""
    low = word.lower().replace("’", "'").removesuffix("'s").rstrip("'")
    for ending, instead in (("ies", "y"), ("ing", ""), ("ed", ""), ("sses", "ss"), ("s", "")):
        if low.endswith(ending) and len(low) - len(ending) >= 3 and not low.endswith("ss"):
            low = low[: len(low) - len(ending)] + instead
            break
    return low.removesuffix("e") if len(low) > 3 else low


def keywords(text: str) -> tuple[str, ...]:
    """Return the words of a question that carry its subject, in order, without repeats."""
    seen: dict[str, None] = {}
    for word in _WORD().findall(_COMMAND().sub("", straight(text))):
        bare = word.removesuffix("'s")
        if bare.lower() not in _STOP_WORDS and word.lower() not in _STOP_WORDS:
            seen.setdefault(bare, None)
    return tuple(seen)


def groups(words: tuple[str, ...]) -> tuple[frozenset[str], ...]:
    """Return for each word the stems that count as it: itself and its synonyms."""
    result = []
    for word in words:
        own = stem(word)
        stems = {own}
        for row in _SYNONYMS:
            if own == stem(row[0]):
                stems.update(stem(other) for other in row)
        result.append(frozenset(stems))
    return tuple(result)


def covers(text: str, wanted: tuple[frozenset[str], ...]) -> float:
    """Return which share of the wanted words `text` mentions, 0.0 to 1.0."""
    if not wanted:
        return 0.0
    present = {stem(word) for word in _WORD().findall(straight(text))}
    hits = 0.0
    for group in wanted:
        if group & present or any(_cjk_overlap(word, text) for word in group):
            hits += 1
    return hits / len(wanted)


def _cjk_overlap(word: str, text: str) -> bool:
    # Scripts without spaces come as one long "word": compare its pairs of characters instead.
    if not _CJK().search(word):
        return False
    pairs = {word[at : at + 2] for at in range(max(len(word) - 1, 1))}
    return 2 * sum(pair in text for pair in pairs) >= len(pairs)


_DROPPED = frozenset(
    "the human human's user user's person person's they their he she his her i my is are am was be "
    "do does also really currently".split()
)


@lru_cache(maxsize=8192)
def canon(text: str) -> tuple[str, ...]:
    """Return the stems of a fact without its subject and copulas, commas kept.

    `They live in Oslo.`, `- Lives in Oslo` and `The human lives in Oslo` are equal in this form.
    """
    tokens = re.findall(r"[^\W_]+(?:['’.-][^\W_]+)*|[,&/]|\d+", straight(text).lower())
    result: list[str] = []
    for token in tokens:
        if token in ("don't", "doesn't", "isn't", "aren't"):
            result.append("not")
        elif token not in _DROPPED:
            result.append(stem(token))
    return tuple(result)


_ASKS = late(
    r"(?:so |and |but |ok |okay |hey |well |then |now |please |also |hi |hello )*[, ]*"
    r"(?:what|what's|whats|who|who's|whos|whom|whose|where|where's|when|when's|why|how|how's|which|"
    r"do (?:i|you|we|they)|does|did|is|isn't|are|aren't|am i|was|were|can (?:you|i|we)|could|"
    r"would|will|have (?:i|you|we)|has|should (?:i|we|you)|shall|"
    r"tell me|remind me|show me|search for|search|look up|find|quote|list)\b",
    re.IGNORECASE,
)


def is_question(text: str) -> bool:
    """Tell whether a sentence asks for something, with or without a question mark."""
    bare = straight(text).strip()
    if bare.rstrip("\"')* ").endswith(("?", "？", "؟")):
        return True
    if re.match(r"(?:what an? |how \w+[!.]*$)", bare, re.IGNORECASE):
        # "What a day" exclaims.
        return False
    return _ASKS().match(bare) is not None


_TO_THIRD = {
    "i'm": "they are", "i've": "they have", "i'll": "they will", "i'd": "they would",
    "i": "they", "me": "them", "my": "their", "mine": "theirs", "myself": "themselves",
}  # fmt: skip
_I_VERBS = {"am": "are", "was": "were"}


def to_third_person(text: str) -> str:
    """Return the words of the person ("my", "I am") as words about them ("their", "they are")."""

    def swap(match: re.Match[str]) -> str:
        verb = match["verb"]
        word = _TO_THIRD[match["word"].lower()]
        return f"{word} {_I_VERBS[verb.lower()]}" if verb else word

    pattern = (
        r"(?<![\w'.-])(?P<word>i'm|i've|i'll|i'd|i|me|myself|my|mine)(?![\w'.-]*\w)"
        r"(?:\s+(?P<verb>am|was)\b)?"
    )
    return re.sub(pattern, swap, straight(text), flags=re.IGNORECASE)


_OPENINGS = (
    (r"the (?:human|user|person) (?:is|are) ", "you are "),
    (r"the (?:human|user|person) has ", "you have "),
    (r"the (?:human|user|person)'s ", "your "),
    (r"they ", "you "),
    (r"their ", "your "),
)


def to_second_person(text: str) -> str | None:
    """Return a line of notes as words to the person; None when its subject is not plainly them."""
    line = straight(text)
    for pattern, instead in _OPENINGS:
        match = re.match(pattern, line, re.IGNORECASE)
        if match:
            rest = line[match.end() :]
            for old, new in (("they", "you"), ("their", "your"), ("them", "you")):
                rest = re.sub(rf"\b{old}\b", new, rest)
            return capitalised(instead + rest)
    return None
