"""Words divided at a line's end, put together again.

`revo-` and `lution` become `revolution` at the end of the first line; the lines stay lines. A
hyphen that belongs to the word stays (`chat-optimized`, `GPT-4`): the document's own words tell
the two apart, and where they say nothing, an English ending does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["join_divided"]

_HYPHENS = "-\u00ad\u2010"
_LONGEST_WORD = 80
_DIVIDED = re.compile(r"([^\W\d_]+(?:[-'’][^\W\d_]+)*)([-\u00ad\u2010])$")
_NUMBERED = re.compile(r"[^\W_][-\u2010]$")
_REST = re.compile(r"([^\W\d_]+)(\S*)\s*")
_WORD = re.compile(r"[^\W\d_]+(?:[-\u2010][^\W\d_]+)*")
_ENDINGS = frozenset(
    "ability able al ally ance ances ation ations ed ence ences ent er ers es est ful fully ible "
    "ic ical ing ings ion ions ise ised ish ism ist ists ity ive ively ization ize ized less ly "
    "ment ments ness or ors ous s sion sions tion tions ture tures ual ually y".split()
)
_BEGINNINGS = frozenset(
    "after all any back be can every for fore here how in inter may more never no not off on out "
    "over some sub super text there to under up what when where with".split()
)
"""Words of their own that also begin longer ones."""


def join_divided(pages: Sequence[list[str]]) -> list[list[str]]:
    """Return the pages' lines with the words whole that were divided between two of them."""
    ends = (line[-1:] for page in pages for line in page)
    if not any(end in _HYPHENS for end in ends if end):
        return [[line.replace("\u00ad", "") for line in page] for page in pages]
    whole, hyphened = _words(line for page in pages for line in page)
    return [_joined(page, whole, hyphened) for page in pages]


def _words(lines: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return the words of a document: those without a hyphen, and those with one."""
    whole: set[str] = set()
    hyphened: set[str] = set()
    for line in lines:
        found = _WORD.findall(line.lower().rstrip())
        if found and line[-1:] in _HYPHENS:
            found.pop()
        for word in found:
            (whole if "-" not in word and "\u2010" not in word else hyphened).add(word)
    return whole, hyphened


def _joined(lines: list[str], whole: set[str], hyphened: set[str]) -> list[str]:
    found: list[str] = []
    for line in lines:
        if found and found[-1] and line and not line.startswith("| "):
            before, line = _across(found[-1], line, whole, hyphened)
            found[-1] = before
            if not line:
                continue
        found.append(line)
    return [line.replace("\u00ad", "") for line in found]


def _across(above: str, below: str, whole: set[str], hyphened: set[str]) -> tuple[str, str]:
    """Return two lines, a word between them whole on the first."""
    if above[-1] not in _HYPHENS:
        return above, below
    # A line may be one endless word; only its end matters, and a search from each letter is slow.
    divided = _DIVIDED.search(above, max(len(above) - _LONGEST_WORD, 0))
    rest = _REST.match(below)
    if divided is None or rest is None or not rest[1][0].islower():
        if _NUMBERED.search(above) and below[0].isalnum() and (below[0].isdigit() or rest):
            token = below.split(maxsplit=1)
            return above + token[0], token[1] if len(token) > 1 else ""
        return above, below
    keep = "" if divided[2] == "\u00ad" else _hyphen(divided[1], rest[1], whole, hyphened)
    return above[: divided.start(2)] + keep + rest[1] + rest[2], below[rest.end() :]


def _hyphen(head: str, tail: str, whole: set[str], hyphened: set[str]) -> str:
    """Return what belongs between the two parts of a word: a hyphen, or nothing."""
    first, second = head.lower(), tail.lower()
    if first + second in whole:
        return ""
    if f"{first}-{second}" in hyphened or "-" in first:
        return "-"
    if second in _ENDINGS or first not in whole or first in _BEGINNINGS or len(first) < 3:
        return ""
    return "-" if second in whole or len(first) >= 4 else ""
