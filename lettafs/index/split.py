"""Pieces of a long text, each short enough to be read whole by an embedder.

A text is divided where its writer divided it: before a heading, then between paragraphs, then
between lines and sentences, then at a comma, then between words; where there are no such places,
between two characters as a reader sees them. Neighbours overlap by a sentence or two, so that what
is said across a border is whole in one of them. A piece is a range of the text, so a finding can
name the passage and the place in it.

The default limit comes from the built-in embedder: it reads 256 word pieces, about 1,000 characters
of English prose. An embedder cuts what it cannot read, so a denser text loses the end of a piece
for search by meaning, never for search by words.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

__all__ = ["LIMIT_CHARS", "OVERLAP_CHARS", "Piece", "split"]

LIMIT_CHARS = 1_000
"""Characters (code points) a piece has at most, with some slack for a text hardly longer."""

OVERLAP_CHARS = 150
"""Characters of the piece before that a piece may repeat at most."""

_SLACK = 1.2
"""What is at most so many times the limit stays whole: a short rest makes a poor piece."""

_TITLE_CHARS = 120

_HEADING_OR_FENCE = re.compile(
    r"^ {0,3}(?:(?P<hashes>#{1,6})[ \t]+(?P<title>\S.*)|(?P<fence>`{3,}|~{3,}).*)$"
    r"|^(?P<above>\S.*)\r?\n(?P<line>={3,}|-{3,})[ \t]*\r?$",
    re.MULTILINE,
)
_SIGNS = ("# ", "#\t", "```", "~~~", "\n===", "\n---")
"""A text without any of these has no heading and no fence."""
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n\s*|\u2029\s*")
_LINE = re.compile(r"[\n\u2028]\s*")

_CLOSING = "[\"'\u2019\u201d\u00bb)\\]}]{0,4}"
_CLOSING_WIDE = "[\u300d\u300f\u3011\u300b\uff09\u201d\u2019]{0,4}"
_SENTENCE = re.compile(
    # A full stop ends a sentence before a space, unless small letters go on behind it.
    rf"[.!?\u2026\u061f\u06d4\u0964\u0965\u1362\u104b\u17d4]{_CLOSING}\s+(?![a-z])"
    # Chinese, Japanese and Tibetan ends need no space behind them.
    rf"|[\u3002\uff01\uff1f\uff0e\uff61\u0f0d]{_CLOSING_WIDE}\s*"
)
_TITLES = frozenset("Mr Mrs Ms Dr Prof St No vs etc cf Fig Inc Ltd Jr Sr approx".split())
_LONGEST_TITLE = max(map(len, _TITLES))
_CLAUSE = re.compile("[,;:\u2014]\\s+|[\uff0c\u3001\uff1b\uff1a]\\s*")
_SPACE = re.compile(r"\s+")


class Piece(NamedTuple):
    """A range of a text: `text[piece.start:piece.end]`."""

    start: int
    end: int
    heading: tuple[str, ...] = ()
    """The titles it stands under where it begins, outermost first."""


def split(
    text: str, *, limit_chars: int = LIMIT_CHARS, overlap_chars: int = OVERLAP_CHARS
) -> list[Piece]:
    """Return the pieces of a text, in order; none of a text with nothing to read.

    Every character but white space lies in one piece or two. The same text gives the same pieces,
    and text added at the end leaves all but the last two of them as they were. Takes time in
    proportion to the text.

    Args:
        text: any text; Markdown headings are understood.
        limit_chars: how long a piece may be. A text or a rest up to 1.2 times as long stays whole,
            and what a reader sees as one character is never divided, however long.
        overlap_chars: how much of a piece the next may repeat; a fifth of the limit at most.

    Raises:
        ValueError: the limit is below 20 characters.
    """
    if limit_chars < 20:
        raise ValueError("a piece needs at least 20 characters")
    if not text.strip():
        return []
    sections = _sections(text)
    if len(text) <= limit_chars * _SLACK:
        return [Piece(0, len(text), _path_at(sections, _first_sign(text, 0)))]
    places = _Places(text, [section.start for section in sections])
    overlap = max(0, min(overlap_chars, limit_chars // 5))
    pieces: list[Piece] = []
    for start, end in _ranges(text, places, limit_chars, overlap):
        pieces.append(Piece(start, end, _path_at(sections, start)))
    return pieces


class _Section(NamedTuple):
    start: int
    """Where its heading begins."""
    path: tuple[str, ...]


def _sections(text: str) -> list[_Section]:
    """Return where headings stand, with the titles in force from there on."""
    found: list[_Section] = []
    if not any(sign in text for sign in _SIGNS):
        return found  # most texts: to look for a few letters is far quicker than line by line
    open_titles: list[tuple[int, str]] = []
    fence = ""
    for match in _HEADING_OR_FENCE.finditer(text):
        if (mark := match["fence"]) is not None:
            # A fence is closed by its own kind, at least as long; what lies within is code.
            if not fence:
                fence = mark
            elif mark.startswith(fence):
                fence = ""
            continue
        if fence:
            continue
        if match["hashes"] is not None:
            level, title = len(match["hashes"]), match["title"].rstrip().rstrip("#").rstrip()
        else:
            level, title = (1 if match["line"][0] == "=" else 2), match["above"].rstrip()
        while open_titles and open_titles[-1][0] >= level:
            open_titles.pop()
        open_titles.append((level, title[:_TITLE_CHARS]))
        path = tuple(name for _, name in open_titles if name)
        found.append(_Section(match.start(), path))
    return found


def _path_at(sections: Sequence[_Section], place: int) -> tuple[str, ...]:
    number = bisect_right(sections, place, key=lambda section: section.start)
    return sections[number - 1].path if number else ()


class _Places:
    """Where a text may be divided: each place is the beginning of what follows it."""

    def __init__(self, text: str, headings: list[int]) -> None:
        self.headings = headings
        taken = set(headings)
        # Nothing is divided right behind a heading: it belongs to what it is over.
        behind = {_next_line(text, start) for start in headings}
        self.paragraphs = [
            match.end()
            for match in _PARAGRAPH.finditer(text)
            if match.end() not in taken and not _is_behind(text, match.start(), behind)
        ]
        taken.update(self.paragraphs)
        sentences = {
            match.end() for match in _LINE.finditer(text) if match.start() + 1 not in behind
        }
        for match in _SENTENCE.finditer(text):
            start, end = match.span()
            if text[start] != "." or not _is_abbreviation(text, start):
                sentences.add(end)
        self.sentences = sorted(sentences - behind)


def _next_line(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end + 1


def _is_behind(text: str, end_of_line: int, behind: set[int]) -> bool:
    return end_of_line + 1 in behind and text[end_of_line] == "\n"


def _is_abbreviation(text: str, stop: int) -> bool:
    """Tell whether a full stop belongs to the word before it: an initial, a title, a number."""
    if stop > _LONGEST_TITLE and text[stop - _LONGEST_TITLE - 1 : stop].isalpha():
        return False
    begin = stop
    least = max(0, stop - 8)
    while begin > least and text[begin - 1].isalnum():
        begin -= 1
    word = text[begin:stop]
    return (
        word in _TITLES
        or (len(word) == 1 and word.isupper())
        or (word.isdigit() and (begin == 0 or text[begin - 1] == "\n"))  # the number of an item
    )


def _ranges(text: str, places: _Places, limit: int, overlap: int) -> Iterator[tuple[int, int]]:
    start, done = _next_start(text, 0, before=-1), 0
    length = _trimmed(text, start, len(text))
    while start < length and done < length:
        if length - start <= limit * _SLACK:
            yield start, length
            return
        cut, at_heading = _cut(text, places, start, max(done, start), limit)
        end = _trimmed(text, start, cut)
        yield start, end
        done = _first_sign(text, max(cut, end))
        begin = cut if at_heading else _overlapped(text, places, cut - overlap, cut)
        start = _next_start(text, max(begin, start + 1), before=start)


def _cut(text: str, places: _Places, start: int, done: int, limit: int) -> tuple[int, bool]:
    """Return where the piece that begins at `start` ends, and whether a heading follows.

    It ends behind `done`, which the pieces before it have reached.
    """
    end = start + limit
    quarter, half = (max(done, start + limit // part) for part in (4, 2))
    for least, found in (
        (quarter, places.headings),
        (half, places.paragraphs),
        (half, places.sentences),
        (quarter, places.paragraphs),
        (quarter, places.sentences),
    ):
        if (place := _last_within(found, least, end)) is not None:
            return place, found is places.headings
    for pattern, least in ((_CLAUSE, half), (_SPACE, half), (_SPACE, done)):
        last = None
        for match in pattern.finditer(text, least, end):
            if match.end() > least and _is_border(text, match.end(), start):
                last = match.end()
        if last is not None:
            return last, False
    return _between_characters(text, start, done, end), False


def _last_within(places: Sequence[int], after: int, up_to: int) -> int | None:
    """Return the last place behind `after` and not behind `up_to`."""
    number = bisect_right(places, up_to)
    return places[number - 1] if number and places[number - 1] > after else None


def _overlapped(text: str, places: _Places, least: int, cut: int) -> int:
    """Return where the next piece begins: at the first sentence from `least` on, or word."""
    if cut <= least:
        return cut
    for found in (places.sentences, places.paragraphs):
        number = bisect_left(found, least)
        if number < len(found) and found[number] < cut:
            return found[number]
    # A sentence longer than the overlap: repeat its last words.
    match = _SPACE.search(text, least, cut)
    return match.end() if match is not None and _is_border(text, match.end(), least) else cut


def _next_start(text: str, begin: int, *, before: int) -> int:
    """Return where the next piece begins, behind `before`: at a sign, not inside a character."""
    sign = _first_sign(text, begin)
    start = sign
    while not _is_border(text, start, before):  # a mark may stand over a space
        start -= 1
    if start > before:
        return start
    while not _is_border(text, sign, before):
        sign += 1
    return sign


def _trimmed(text: str, start: int, cut: int) -> int:
    """Return where a piece ends without the white space behind it."""
    end = cut
    while end > start and text[end - 1].isspace():
        end -= 1
    while not _is_border(text, end, start):
        end += 1
    return end


def _first_sign(text: str, start: int) -> int:
    """Return the first place from `start` on that is not white space."""
    match = _SPACE.match(text, start)
    return start if match is None else match.end()


def _between_characters(text: str, start: int, done: int, end: int) -> int:
    """Return a place between two characters as a reader sees them, `end` or the next before it."""
    for place in range(end, done, -1):
        if _is_border(text, place, start):
            return place
    place = end + 1
    while place < len(text) and not _is_border(text, place, start):
        place += 1
    return min(place, len(text))


_JOINERS = frozenset("\u200c\u200d\u2060\ufeff\u0e33\u0eb3\uff9e\uff9f")
"""What never begins a character: joiners, and signs that Unicode counts as letters."""

_PREFIXES = re.compile("[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u200d\u2060\ufeff]")
"""What never ends one."""


def _is_border(text: str, place: int, start: int) -> bool:
    """Tell whether `place` lies between two characters; cautious where Unicode would allow it.

    `start` is a border before it, from which flags are counted.
    """
    if place <= 0 or place >= len(text):
        return True
    before, after = text[place - 1], text[place]
    if before < "\u0300" and after < "\u0300":  # Latin without marks: most texts, most of the time
        return not (before == "\r" and after == "\n")
    if after in _JOINERS or _PREFIXES.match(before) is not None:
        return False
    if unicodedata.category(after)[0] == "M" or "\U0001f3fb" <= after <= "\U0001f3ff":
        return False
    if "\U000e0020" <= after <= "\U000e007f":  # the rest of a flag that is spelled out
        return False
    if unicodedata.combining(before) == 9 and not after.isspace():  # Indian letters joined to one
        return False
    if _is_flag_half(before) and _is_flag_half(after):
        begin = place
        while begin > start and _is_flag_half(text[begin - 1]):
            begin -= 1
        return (place - begin) % 2 == 0
    return not (_is_jamo(after) and _joins_syllable(before, after))


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


_LEADS = re.compile("[\u1100-\u115f\ua960-\ua97c]")
_VOWELS = re.compile("[\u1160-\u11a7\ud7b0-\ud7c6]")
_WHOLE = re.compile("[\uac00-\ud7a3]")


def _is_jamo(char: str) -> bool:
    return (
        "\u1100" <= char <= "\u11ff" or "\ua960" <= char <= "\ua97c" or "\uac00" <= char <= "\ud7fb"
    )


def _joins_syllable(before: str, after: str) -> bool:
    """Tell whether two Korean signs are of one syllable: consonants, then vowels, then an end."""
    if _LEADS.match(after) is not None or _WHOLE.match(after) is not None:
        return _LEADS.match(before) is not None
    if _VOWELS.match(after) is not None:
        return _LEADS.match(before) is not None or _takes_vowel(before)
    return _is_jamo(before) and _LEADS.match(before) is None


def _takes_vowel(char: str) -> bool:
    """Tell whether it is a vowel, or a syllable that ends in one."""
    if _VOWELS.match(char) is not None:
        return True
    return _WHOLE.match(char) is not None and (ord(char) - 0xAC00) % 28 == 0
