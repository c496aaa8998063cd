"""Pieces of a file's text: what search finds, each short enough for an embedder to read whole.

A text is divided where its kind has joints: prose between its parts (`index/split`), tables between
rows, code between definitions; and always between pages. A table or a piece of code that is short
stays whole, with what stands around it where there is room.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lettafs.index.files.outline import Outline, headings_at, outline_of_pages
from lettafs.index.split import LIMIT_CHARS, split
from lettafs.values.file import FileText

__all__ = ["VERSION", "FilePiece", "page_ranges", "pieces_of"]

VERSION = "1"
"""Changes when the same text gives other pieces."""

_WHOLE_CHARS = LIMIT_CHARS * 6 // 5
"""What is at most so long stays whole, as in `split`."""
_CONTEXT_CHARS = 300
_LINE_CHARS = 100
_ENCLOSING = 3
"""Lines of what a piece of code lies in that are told: a class, a function, a key."""
_TAB = 4

_CODE_LINE = re.compile(r"^[ \t]*(?=\S)", re.MULTILINE)
_LETTER = re.compile(r"[^\W_]")


class FilePiece(NamedTuple):
    """A range of a text: `text[piece.start:piece.end]`."""

    start: int
    end: int
    heading: tuple[str, ...] = ()
    """The titles it stands under where it begins, outermost first."""
    context: str = ""
    """What a reader needs to make sense of it and is no part of it: the first row of its table, the
    lines of code it lies in."""


def pieces_of(text: FileText) -> list[FilePiece]:
    """Return the pieces of a file's text, in order; none of a text with nothing to read.

    Every character but white space and the lines that only name a page lies in a piece. The same
    text gives the same pieces. Takes time in proportion to the text.
    """
    if not text.text.strip():
        return []
    ranges = page_ranges(text)
    match text.kind:
        case "table":
            found = (piece for start, end in ranges for piece in _values(text.text, start, end))
        case "code":
            found = (piece for start, end in ranges for piece in _code(text.text, start, end))
        case _:
            outlines = outline_of_pages(text.text, ranges)
            found = (
                piece
                for (start, end), outline in zip(ranges, outlines, strict=True)
                for piece in _markdown(text.text, start, end, outline)
            )
    return list(_trimmed(text.text, found))


def page_ranges(text: FileText) -> list[tuple[int, int]]:
    """Return where each page's own text begins and ends, without the line that names it."""
    starts = [0, *(mark.start for mark in text.pages)]
    ends = [*starts[1:], len(text.text)]
    ranges = []
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if number:
            line = f"<!-- {text.pages[number - 1].label} -->"
            if text.text.startswith(line, start):
                after = text.text.find("\n", start, end)
                start = end if after < 0 else after + 1
        if start < end:
            ranges.append((start, end))
    return ranges


def _trimmed(text: str, pieces: Iterable[FilePiece]) -> Iterator[FilePiece]:
    """Yield pieces without the blank lines around them; none that is blank."""
    for piece in pieces:
        said = text[piece.start : piece.end]
        bare = said.strip()
        if bare:
            sign = len(said) - len(said.lstrip())
            end = piece.start + sign + len(bare)
            # What a first line of code is indented by tells where it belongs.
            line = said.rfind("\n", 0, sign) + 1
            start = line if sign - line <= _LINE_CHARS else sign
            yield piece._replace(start=piece.start + start, end=end)


def _markdown(text: str, start: int, end: int, outline: Outline) -> Iterator[FilePiece]:
    """Yield the pieces of a page: its prose, tables and code, short ones together."""

    def piece(begin: int, until: int, context: str = "") -> FilePiece:
        return FilePiece(begin, until, headings_at(outline.headings, _sign(text, begin)), context)

    held: tuple[int, int] | None = None  # a piece that may still grow
    for kind, begin, until in _runs(start, end, outline):
        if held is not None and until - held[0] <= LIMIT_CHARS:
            held = (held[0], until)
            continue
        if held is not None:
            yield piece(*held)
        held = (begin, until)
        if until - begin <= _WHOLE_CHARS:
            continue
        match kind:
            case "table":
                head = text[begin : _next_line(text, begin)].strip()[:_CONTEXT_CHARS]
                for row in _packed(text, _lines(text, begin, until), context=head):
                    yield piece(row.start, row.end, "" if row.start == begin else head)
                held = None
            case "fence":
                for part in _code(text, begin, until):
                    yield piece(part.start, part.end, part.context)
                held = None
            case _:
                *whole, last = _split(text, begin, until) or [FilePiece(begin, until)]
                for part in whole:
                    yield piece(part.start, part.end)
                held = (last.start, last.end)
    if held is not None:
        yield piece(*held)


def _runs(start: int, end: int, outline: Outline) -> Iterator[tuple[str, int, int]]:
    """Yield the tables and fences of a page, and the prose between them."""
    at = start
    for block in outline.blocks:
        if block.start > at:
            yield "prose", at, block.start
        yield block.kind, block.start, block.end
        at = block.end
    if at < end:
        yield "prose", at, end


def _values(text: str, start: int, end: int) -> Iterator[FilePiece]:
    """Yield the pieces of a table of values: rows, with the first row to tell what they mean."""
    if end - start <= _WHOLE_CHARS:
        yield FilePiece(start, end)
        return
    head = text[start : _next_line(text, start)].strip()[:_CONTEXT_CHARS]
    if _LETTER.search(head) is None or head.replace(".", "").replace(",", "").isdigit():
        head = ""  # numbers only: a row like the others
    for piece in _packed(text, _records(text, start, end), context=head):
        yield piece._replace(context="" if piece.start == start else head)


def _records(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the rows of a table of values; a value in quotes may have line ends."""
    begin, is_quoted, trusts_quotes = start, False, True
    for line_start, line_end in _lines(text, start, end):
        if trusts_quotes and text.count('"', line_start, line_end) % 2:
            is_quoted = not is_quoted
        if is_quoted and line_end - begin > LIMIT_CHARS:
            # A quotation mark by itself: from here on a line is a row.
            is_quoted = trusts_quotes = False
        if not is_quoted:
            yield begin, line_end
            begin = line_end
    if begin < end:
        yield begin, end


def _packed(
    text: str, rows: Iterable[tuple[int, int]], *, context: str = ""
) -> Iterator[FilePiece]:
    """Yield as many rows together as there is room for; a row too long for one piece in several."""
    room = LIMIT_CHARS - len(context)
    begin = until = -1
    for row_start, row_end in rows:
        if begin >= 0 and row_end - begin > room:
            yield FilePiece(begin, until, (), context)
            begin = -1
        if row_end - row_start > _WHOLE_CHARS:
            yield from (p._replace(context=context) for p in _split(text, row_start, row_end))
            continue
        begin = row_start if begin < 0 else begin
        until = row_end
    if begin >= 0:
        yield FilePiece(begin, until, (), context)


class _CodeLine(NamedTuple):
    start: int
    indent: int
    is_after_blank: bool
    closes: bool
    """Whether it begins with a closing bracket: it ends what is before it."""


def _code(text: str, start: int, end: int) -> Iterator[FilePiece]:
    """Yield the pieces of code: definitions together as far as there is room.

    A piece begins at the outermost line it can begin at, after a blank line where there is one.
    """
    lines = _code_lines(text, start, end)
    within: list[tuple[int, str]] = []
    at = seen = 0
    while at < len(lines):
        begin = lines[at].start
        while seen < at:
            _enclose(within, text, lines[seen])
            seen += 1
        outer = [said for indent, said in within if indent < lines[at].indent]
        context = "\n".join(outer[-_ENCLOSING:])
        if end - begin <= _WHOLE_CHARS:
            yield FilePiece(begin, end, (), context)
            return
        after = _code_cut(lines, at)
        until = lines[after].start if after < len(lines) else end
        if until - begin > _WHOLE_CHARS:
            yield from (p._replace(context=context) for p in _split(text, begin, until))
        else:
            yield FilePiece(begin, until, (), context)
        at = after


def _code_lines(text: str, start: int, end: int) -> list[_CodeLine]:
    lines = []
    before = start
    for match in _CODE_LINE.finditer(text, start, end):
        is_after_blank = text.count("\n", before, match.start()) > 1
        indent = len(match[0].expandtabs(_TAB))
        closes = text[match.end()] in ")]}"
        lines.append(_CodeLine(match.start(), indent, is_after_blank, closes))
        before = match.end()
    return lines


def _code_cut(lines: list[_CodeLine], at: int) -> int:
    """Return the line the next piece begins at: of those in reach the outermost, then the last."""
    begin = lines[at].start
    best: int | None = None
    best_key = (True, 0)
    number = at + 1
    while number < len(lines) and lines[number].start - begin <= LIMIT_CHARS:
        line = lines[number]
        key = (not line.is_after_blank, line.indent)
        if line.start - begin >= LIMIT_CHARS // 4 and not line.closes:
            if best is None or key <= best_key:
                best, best_key = number, key
        number += 1
    return max(number - 1, at + 1) if best is None else best


def _enclose(within: list[tuple[int, str]], text: str, line: _CodeLine) -> None:
    """Keep the lines that lie further out than those behind them."""
    said = text[line.start : line.start + line.indent + _LINE_CHARS].partition("\n")[0].strip()
    if _LETTER.search(said) is None:
        return  # a bracket closes something, and opens nothing a reader knows by it
    while within and within[-1][0] >= line.indent:
        within.pop()
    within.append((line.indent, said))


def _split(text: str, start: int, end: int) -> list[FilePiece]:
    found = split(text[start:end])
    return [FilePiece(start + piece.start, start + piece.end) for piece in found]


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = start
    while at < end:
        after = min(_next_line(text, at), end)
        yield at, after
        at = after


def _next_line(text: str, start: int) -> int:
    line_feed = text.find("\n", start)
    return len(text) if line_feed < 0 else line_feed + 1


def _sign(text: str, start: int) -> int:
    """Return the first place from `start` on that is not white space."""
    while start < len(text) and text[start].isspace():
        start += 1
    return start
