"""Snippets: the part of a long text that answers."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import cache

from lettafs.index.ranking.stop import STOP_WORDS
from lettafs.index.words import asked_words, fold, pieces_of, words_of

__all__ = ["snippet"]

_CUT = "..."
_SHORTEST_STEM = 5
"""Letters of a word that is found within others."""
_SENTENCE_END = re.compile(
    r"[.!?\u2026\u0964\u061f][\"'\u201d\u2019)\]]*\s+|[\u3002\uff01\uff1f]|\n+"
)
_SPACE = re.compile(r"\s+")
_LEAN = 6
"""A cut moves by up to this part of the passage for the sake of a whole sentence."""
_JOINERS = frozenset("\u200d\ufe0e\ufe0f")


def snippet(text: str, query: str, *, limit_chars: int) -> str:
    """Return the text, or where it is longer the passage with most of what is looked for.

    It begins and ends at a sentence or a word where it can, with `...` at a cut, and has at most
    `limit_chars` characters. Without a match it is the beginning.
    """
    if len(text) <= limit_chars:
        return text
    room = limit_chars - 2 * (len(_CUT) + 1)
    if room < 1:
        return text[: max(0, limit_chars)]
    hits = _hits(text, _wanted(query))
    # A word that is rare in this text tells its places apart.
    often = Counter(word for _, word in hits)
    weights = {word: 1 / (1 + math.log(count)) for word, count in often.items()}
    start, end = _cuts(text, _densest(hits, weights, room), room)
    front = "" if start == 0 else f"{_CUT} "
    back = "" if end == len(text) else f" {_CUT}"
    return f"{front}{text[start:end].strip()}{back}"


def _wanted(query: str) -> list[str]:
    """Return the words of a query; without the common ones, if there are others."""
    words = list(dict.fromkeys(asked_words(query)))
    return [word for word in words if word not in _common()] or words


@cache
def _common() -> frozenset[str]:
    return frozenset(word for stop in STOP_WORDS for word in asked_words(stop))


def _hits(text: str, wanted: list[str]) -> list[tuple[int, str]]:
    """Return where words looked for stand, in order.

    A long one is found in other forms and compounds too, as in ranking.
    """
    long = [word for word in wanted if len(word) >= _SHORTEST_STEM]
    known: dict[str, list[str]] = {}
    hits: list[tuple[int, str]] = []
    for at, piece in pieces_of(text):
        here = known.get(piece)
        if here is None:
            words = words_of(piece)
            here = [word for word in wanted if word in words]
            here = here or [word for word in long if any(word in other for other in words)]
            known[piece] = here
        for word in here:
            hits += [(at + offset, word) for offset in _offsets(piece, word)]
    return sorted(hits)


def _offsets(piece: str, word: str) -> list[int]:
    """Return where a word stands within a piece: several places in a run without spaces."""
    if piece.isascii():
        return [0]
    folded = fold(piece)
    if len(folded) != len(piece) or word not in folded:
        return [0]
    return [match.start() for match in re.finditer(re.escape(word), folded)]


def _densest(hits: list[tuple[int, str]], weights: Mapping[str, float], room: int) -> int:
    """Return where the passage begins that holds the rarest and most different words."""
    best, best_span = 0.0, (0, 0)
    inside: Counter[str] = Counter()
    worth, first = 0.0, 0
    for last, (at, word) in enumerate(hits):
        # A word once more adds a little: it tells two passages with the same words apart.
        worth += weights[word] if not inside[word] else 0.01
        inside[word] += 1
        while at + len(word) - hits[first][0] > room and first < last:
            gone = hits[first][1]
            inside[gone] -= 1
            worth -= weights[gone] if not inside[gone] else 0.01
            first += 1
        if worth > best + 1e-9:
            best, best_span = worth, (hits[first][0], at + len(word))
    start, end = best_span
    return max(0, (start + end - room) // 2) if end else 0


def _cuts(text: str, start: int, room: int) -> tuple[int, int]:
    """Return where to cut near a place, so that at most `room` characters stay."""
    start = min(start, len(text) - room)
    slack = room // _LEAN
    if start > 0:
        lead = text[start : start + slack]
        begun = _SENTENCE_END.search(lead) or _SPACE.search(lead)
        start = start + begun.end() if begun else _whole(text, start)
    end = min(len(text), start + room)
    if end < len(text):
        floor = end - slack
        ends = [match.end() for match in _SENTENCE_END.finditer(text, floor, end)]
        spaces = [match.start() for match in _SPACE.finditer(text, floor, end)]
        end = (ends or spaces or [_whole(text, end, back=True)])[-1]
    return start, end


def _whole(text: str, at: int, *, back: bool = False) -> int:
    """Return the nearest place at which no letter is cut from its marks."""
    step = -1 if back else 1
    while 0 < at < len(text) and _continues(text, at):
        at += step
    return at


def _continues(text: str, at: int) -> bool:
    here, before = text[at], text[at - 1]
    return (
        unicodedata.category(here) in ("Mn", "Mc", "Me")
        or here in _JOINERS
        or before == "\u200d"
        or "\U0001f3fb" <= here <= "\U0001f3ff"
        or "\udc00" <= here <= "\udfff"
        or "\u1160" <= here <= "\u11ff"
    )
