"""The outline of a Markdown text: its headings, and the blocks that are better not cut.

Read line by line as far as search needs it, in time in proportion to the text: a heading inside a
fence is code, a table is what follows a line of `|---|`, and nobody's mistake is an error.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Literal, NamedTuple

__all__ = ["Block", "Outline", "headings_at", "outline_of", "outline_of_pages"]

_TITLE_CHARS = 120

_SIGN = re.compile(
    r"^ {0,3}(?:(?P<hashes>#{1,6})[ \t]+(?P<title>\S.*)|(?P<fence>`{3,}|~{3,})(?P<info>.*))$"
    r"|^ {0,3}(?P<rule>\|[ \t:|-]+)\r?$"
    r"|^(?P<above>\S.*)\r?\n(?P<line>={3,}|-{3,})[ \t]*\r?$",
    re.MULTILINE,
)
_SIGNS = ("# ", "#\t", "```", "~~~", "|", "\n===", "\n---")
"""A text without any of these has no heading and no block."""
_ROW = re.compile(r" {0,3}\|")


class Block(NamedTuple):
    """A range of a text that is a table or a fenced piece of code."""

    kind: Literal["table", "fence"]
    start: int
    end: int
    """Behind its last line's LF."""


class Outline(NamedTuple):
    """What was seen in a range of a text, in order."""

    headings: list[tuple[int, tuple[str, ...]]]
    """Where each stands, and the titles in force from there on, outermost first."""
    blocks: list[Block]


def outline_of_pages(text: str, ranges: Sequence[tuple[int, int]]) -> list[Outline]:
    """Return the outline of each range; headings hold on in the ranges behind theirs."""
    titles: list[tuple[int, str]] = []
    return [outline_of(text, start, end, titles=titles) for start, end in ranges]


def headings_at(headings: Sequence[tuple[int, tuple[str, ...]]], place: int) -> tuple[str, ...]:
    """Return the titles a place stands under."""
    number = bisect_right(headings, place, key=lambda heading: heading[0])
    return headings[number - 1][1] if number else ()


def outline_of(text: str, start: int, end: int, *, titles: list[tuple[int, str]]) -> Outline:
    """Return the outline of a range that begins at a line's beginning.

    Args:
        text: all of it.
        start: where the range begins.
        end: where it ends; what is open there is closed.
        titles: level and title of the headings that hold where it begins; on return, of those that
            hold where it ends.
    """
    found: list[tuple[int, tuple[str, ...]]] = []
    if titles:
        found.append((start, _path(titles)))
    blocks: list[Block] = []
    if all(text.find(sign, start, end) < 0 for sign in _SIGNS):
        return Outline(found, blocks)  # to look for a few letters is far quicker than line by line
    fence, fence_start = "", start
    done = start
    for match in _SIGN.finditer(text, start, end):
        if (mark := match["fence"]) is not None:
            if not fence and match.start() >= done:
                fence, fence_start = mark, match.start()
            elif fence and mark.startswith(fence) and not match["info"].strip():
                done = _line_end(text, match.end(), end)
                blocks.append(Block("fence", fence_start, done))
                fence = ""
        elif fence or match.start() < done:
            continue
        elif match["rule"] is not None:
            head = text.rfind("\n", done, max(done, match.start() - 1)) + 1 or done
            if "-" in match["rule"] and head < match.start() and _ROW.match(text, head):
                done = _table_end(text, match.end(), end)
                blocks.append(Block("table", head, done))
        else:
            _open(titles, match)
            found.append((match.start(), _path(titles)))
    if fence:
        blocks.append(Block("fence", fence_start, end))
    return Outline(found, blocks)


def _open(titles: list[tuple[int, str]], match: re.Match[str]) -> None:
    if match["hashes"] is not None:
        level, title = len(match["hashes"]), match["title"].rstrip().rstrip("#").rstrip()
    else:
        level, title = (1 if match["line"][0] == "=" else 2), match["above"].rstrip()
    while titles and titles[-1][0] >= level:
        titles.pop()
    titles.append((level, title[:_TITLE_CHARS]))


def _path(titles: list[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(title for _, title in titles if title)


def _line_end(text: str, at: int, end: int) -> int:
    line_feed = text.find("\n", at, end)
    return end if line_feed < 0 else line_feed + 1


def _table_end(text: str, at: int, end: int) -> int:
    at = _line_end(text, at, end)
    while at < end and _ROW.match(text, at) is not None:
        at = _line_end(text, at, end)
    return at
