"""The words and rules of one PDF page: what pdfium knows of it, with positions a layout can use.

Positions are those of a reader, not of the file: `y` grows downwards, and a text that stands
turned on its page (a landscape table, a page with a `/Rotate`, a stamp up the margin) is turned
until it reads from left to right. Words that are turned alike make one `Face`; most pages have
one.

pdfium is asked about the first and last letter of a word only: it puts spaces between words
itself, and asking about every letter takes four times as long.
"""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

# Late for whoever imports this module: it loads a library of 7 MB, wanted for PDF files alone.
import pypdfium2.raw as pdfium

__all__ = ["Face", "Rule", "Word", "faces_of", "letters_of", "plain_lines"]

_RULES = 4000
"""Paths of a page that are looked at; a drawn map has a hundred thousand."""
_SEGMENTS = 400
"""Strokes of one path that are looked at."""
_THIN = 2.5
"""Points: a filled box not thicker than this is a line somebody drew."""
_FAR = 1e6
"""Points: no page is as large."""
_DEEP = 4
"""How deep forms within forms are followed to find rules."""

_LIGATURES = {
    "\ufb00": "ff",
    "\ufb01": "fi",
    "\ufb02": "fl",
    "\ufb03": "ffi",
    "\ufb04": "ffl",
    "\ufb05": "st",
    "\ufb06": "st",
}
_BULLETS = {"\uf0b7": "•", "\uf0a7": "▪", "\uf0d8": "➢", "\uf0fc": "✓", "\uf06e": "▪"}
"""What word processors draw with symbol fonts, whose letters have no meaning of their own."""
_LINE_END_HYPHEN = "\ufffe\x02"
"""What pdfium gives for a hyphen at a line's end, as text and as letter."""


_SPAN = re.compile(f"[^\\s{_LINE_END_HYPHEN}]*[{_LINE_END_HYPHEN}]|[^\\s{_LINE_END_HYPHEN}]+")
"""A word. pdfium puts no space behind a hyphen at a line's end."""
_SURROGATE = re.compile("[\ud800-\udfff]")


class Word(NamedTuple):
    """Letters without a space between them, and where they stand, in points."""

    text: str
    x0: float
    x1: float
    y: float
    """Baseline."""
    size: float
    """Of its font."""


class Rule(NamedTuple):
    """A straight line along or across the text."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def is_level(self) -> bool:
        """Whether it runs along the lines of text."""
        return self.x1 - self.x0 >= self.y1 - self.y0


@dataclass(slots=True)
class Face:
    """The words of a page that are turned the same way, and the rules as seen from them."""

    degrees: int
    """How far they are turned on the page, counter-clockwise."""
    words: list[Word] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)


def letters_of(page: Any) -> str:
    """Return the letters of a pdfium text page, one for each index pdfium counts them by."""
    count = pdfium.FPDFText_CountChars(page)
    if count <= 0:
        return ""
    buffer = ctypes.create_string_buffer((count + 1) * 2)
    written = pdfium.FPDFText_GetText(
        page, 0, count, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort))
    )
    text = buffer.raw[: max(written - 1, 0) * 2].decode("utf-16-le", errors="surrogatepass")
    get = pdfium.FPDFText_GetUnicode
    if len(text) == count and get(page, count - 1) == ord(text[-1]) and not _SURROGATE.search(text):
        return text
    # pdfium leaves some letters out of the text that it still counts: ask for each of them.
    return "".join(_letter(get(page, at)) for at in range(count))


def _letter(code: int) -> str:
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\0"


def faces_of(page: Any, text: Any, letters: str) -> list[Face]:
    """Return a page's words, those that are turned alike together; the most letters first.

    Args:
        page: a loaded pdfium page.
        text: its pdfium text page.
        letters: what `letters_of` gave for it.
    """
    faces: dict[int, Face] = {}
    weights: dict[int, int] = {}
    pen = _Pen(text)
    for start, end in (found.span() for found in _SPAN.finditer(letters)):
        said = _said(letters[start:end])
        if not said:
            continue
        degrees, word = pen.place(start, end - 1, said)
        if not (-_FAR < word.x0 <= word.x1 < _FAR and -_FAR < word.y < _FAR):
            word = Word(said, 0.0, 0.0, 0.0, 1.0)  # nowhere, or not a number
        face = faces.get(degrees)
        if face is None:
            face = faces[degrees] = Face(degrees)
        face.words.append(word)
        weights[degrees] = weights.get(degrees, 0) + len(said)
    ordered = sorted(faces.values(), key=lambda face: (-weights[face.degrees], face.degrees))
    if ordered and len(ordered[0].words) > 3:
        first = ordered[0]
        first.rules = [_turned(rule, first.degrees) for rule in _rules(page)]
    return ordered


def plain_lines(letters: str) -> list[str]:
    """Return the lines of a page as they were drawn, without asking where they stand."""
    letters = letters.replace("\ufffe", "\ufffe\n").replace("\x02", "\x02\n")
    lines = (" ".join(_said(line).split()) for line in re.split(r"[\r\n]+", letters))
    return [line for line in lines if line]


def _said(raw: str) -> str:
    """Return a word as a reader would type it: ligatures undone, invisible letters left out."""
    if raw.isascii() and raw.isprintable():
        return raw
    return "".join(_clean(letter) for letter in raw)


def _clean(letter: str) -> str:
    if letter in _LINE_END_HYPHEN:
        return "-"
    known = _LIGATURES.get(letter) or _BULLETS.get(letter)
    if known:
        return known
    code = ord(letter)
    if letter == "\u00ad":  # a soft hyphen; the layout still wants it at a line's end
        return letter
    if (code & 0xFFFE) == 0xFFFE or 0xFDD0 <= code <= 0xFDEF or code == 0xFEFF:
        return ""
    return "" if unicodedata.category(letter) in ("Cc", "Cs") or code == 0x200B else letter


class _Pen:
    """Tells where words stand; asks pdfium as little as it can, since each question takes long.

    A word with letters as high as those of the word before is taken to be set in its font.
    """

    def __init__(self, text: Any) -> None:
        self._text = text
        self._matrix = pdfium.FS_MATRIX()
        self._first = pdfium.FS_RECTF()
        self._last = pdfium.FS_RECTF()
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._seen = (0.0, 0.0, 0.0, 0.0)
        """Of the word before: bottom, height, size, and how far its baseline is above."""

    def place(self, first: int, last: int, said: str) -> tuple[int, Word]:
        """Return how a word is turned, and the word as its reader sees it."""
        one, other = self._first, self._last
        pdfium.FPDFText_GetLooseCharBox(self._text, first, one)
        bottom, top, left, right = one.bottom, one.top, one.left, one.right
        is_level = False
        if last > first:
            pdfium.FPDFText_GetLooseCharBox(self._text, last, other)
            is_level = other.bottom == bottom and other.top == top
            left, right = min(left, other.left), max(right, other.right)
        seen_bottom, seen_height, size, rise = self._seen
        if (is_level or bottom == seen_bottom) and top - bottom == seen_height:
            return 0, Word(said, left, right, -(bottom + rise), size)
        if last > first:
            bottom, top = min(bottom, other.bottom), max(top, other.top)
        return self._asked(first, last, said, (left, bottom, right, top))

    def _asked(
        self, first: int, last: int, said: str, box: tuple[float, float, float, float]
    ) -> tuple[int, Word]:
        matrix = self._matrix
        pdfium.FPDFText_GetMatrix(self._text, first, matrix)
        left, bottom, right, top = box
        degrees = _degrees(matrix.a, matrix.b)
        size = pdfium.FPDFText_GetFontSize(self._text, first)
        size *= math.hypot(matrix.c, matrix.d) or 1.0
        height = {0: top - bottom, 180: top - bottom, 90: right - left, 270: right - left}.get(
            degrees, size
        )
        if height > 1.0 and not height / 3 <= size <= height * 3:
            size = height  # a font that is drawn, letter by letter, in a unit of its own
        size = min(max(size, 1.0), 2000.0)
        x, y = self._origin(first, degrees)
        if degrees % 90 == 0:
            if degrees == 0:
                self._seen = bottom, top - bottom, size, -y - bottom
            ends = _turn(left, bottom, degrees)[0], _turn(right, top, degrees)[0]
            return degrees, Word(said, min(ends), max(ends), y, size)
        # Turned by an odd angle the box says little; letters are about half as wide as high.
        end, _ = self._origin(last, degrees)
        return degrees, Word(said, min(x, end), max(x, end) + size / 2, y, size)

    def _origin(self, at: int, degrees: int) -> tuple[float, float]:
        pdfium.FPDFText_GetCharOrigin(self._text, at, self._x, self._y)
        return _turn(self._x.value, self._y.value, degrees)


def _degrees(a: float, b: float) -> int:
    """Return how far a text is turned; a scan's few degrees are none."""
    if not b and a > 0:
        return 0
    degrees = round(math.degrees(math.atan2(b, a)))
    nearest = round(degrees / 90) * 90
    return (nearest if abs(degrees - nearest) <= 3 else degrees) % 360


def _turn(x: float, y: float, degrees: int) -> tuple[float, float]:
    """Return a point of the page as somebody sees it who reads text turned so."""
    match degrees:
        case 0:
            return x, -y
        case 90:
            return y, x
        case 180:
            return -x, y
        case 270:
            return -y, -x
        case _:
            angle = math.radians(degrees)
            cos, sin = math.cos(angle), math.sin(angle)
            return x * cos + y * sin, x * sin - y * cos


def _turned(rule: Rule, degrees: int) -> Rule:
    x0, y0 = _turn(rule.x0, rule.y0, degrees)
    x1, y1 = _turn(rule.x1, rule.y1, degrees)
    return Rule(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


def _rules(page: Any) -> list[Rule]:
    """Return the straight lines of a page, in the page's own coordinates."""
    found: list[Rule] = []
    budget = [_RULES]
    unchanged = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    count = pdfium.FPDFPage_CountObjects(page)
    for at in range(min(count, _RULES * 5)):
        if budget[0] <= 0:
            break
        _gather(pdfium.FPDFPage_GetObject(page, at), unchanged, found, budget, _DEEP)
    return found


_Matrix = tuple[float, float, float, float, float, float]


def _gather(item: Any, above: _Matrix, found: list[Rule], budget: list[int], deep: int) -> None:
    kind = pdfium.FPDFPageObj_GetType(item)
    if kind == pdfium.FPDF_PAGEOBJ_PATH:
        budget[0] -= 1
        _straight(item, _through(_matrix_of(item), above), found)
    elif kind == pdfium.FPDF_PAGEOBJ_FORM and deep > 0:
        below = _through(_matrix_of(item), above)
        for at in range(min(pdfium.FPDFFormObj_CountObjects(item), _RULES * 5)):
            if budget[0] <= 0:
                return
            _gather(pdfium.FPDFFormObj_GetObject(item, at), below, found, budget, deep - 1)


def _matrix_of(item: Any) -> _Matrix:
    matrix = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(item, matrix):
        return (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    return matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f


def _through(inner: _Matrix, outer: _Matrix) -> _Matrix:
    a, b, c, d, e, f = inner
    p, q, r, s, t, u = outer
    return (
        a * p + b * r,
        a * q + b * s,
        c * p + d * r,
        c * q + d * s,
        e * p + f * r + t,
        e * q + f * s + u,
    )


def _straight(path: Any, matrix: _Matrix, found: list[Rule]) -> None:
    """Add the straight level and upright strokes of a path; of a filled box, its thin shape."""
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    if not pdfium.FPDFPath_GetDrawMode(path, fill, stroke):
        return
    if not stroke.value and not fill.value:
        return
    strokes: list[tuple[float, float, float, float]] = []
    begin = here = (0.0, 0.0)
    for at in range(min(pdfium.FPDFPath_CountSegments(path), _SEGMENTS)):
        segment = pdfium.FPDFPath_GetPathSegment(path, at)
        x, y = ctypes.c_float(), ctypes.c_float()
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        a, b, c, d, e, f = matrix
        there = (a * x.value + c * y.value + e, b * x.value + d * y.value + f)
        match pdfium.FPDFPathSegment_GetType(segment):
            case pdfium.FPDF_SEGMENT_MOVETO:
                begin = there
            case pdfium.FPDF_SEGMENT_LINETO:
                strokes.append((*here, *there))
        here = there
        if pdfium.FPDFPathSegment_GetClose(segment):
            strokes.append((*here, *begin))
            here = begin
    if stroke.value:
        found.extend(_axis_aligned(strokes))
        return
    if not strokes or len(strokes) > 8:
        return
    xs = [x for line in strokes for x in (line[0], line[2])]
    ys = [y for line in strokes for y in (line[1], line[3])]
    wide, high = max(xs) - min(xs), max(ys) - min(ys)
    if high <= _THIN < wide:
        middle = (max(ys) + min(ys)) / 2
        found.append(Rule(min(xs), middle, max(xs), middle))
    elif wide <= _THIN < high:
        middle = (max(xs) + min(xs)) / 2
        found.append(Rule(middle, min(ys), middle, max(ys)))


def _axis_aligned(strokes: list[tuple[float, float, float, float]]) -> Iterator[Rule]:
    for x0, y0, x1, y1 in strokes:
        across, up = abs(x1 - x0), abs(y1 - y0)
        if (across <= 1.0 < up) or (up <= 1.0 < across):
            yield Rule(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
