"""What the file tools returned, read back: pieces of files and lines that match."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lettafs.llm._offline.late import late
from lettafs.llm._offline.shelf import SeenFile, SeenLine, page_mark

__all__ = ["Piece", "matches_in", "pieces_in", "view_piece"]

_HEAD = late(r"=== (?P<inside>.+) ===\s*")
_PAGES = r"(?:page|slide|sheet|chapter|section|part|cell)\b"
_WHERE = late(
    rf"(?P<file>.+) \((?:(?P<page>{_PAGES}.*?)(?:, |(?=\))))?"
    r"(?:lines? (?P<first>[\d,]+)(?:\s*[-–]\s*(?P<last>[\d,]+))?|passage #?\d+[^)]*)?\)",
)
_LEADING = late(r"\[(?P<heading>.+)\]|\(the same as .+\)?")
_CUT = late(r"\[cut: (?P<kept>[\d,]+) of (?P<of>[\d,]+) lines\]")
_MATCH = late(rf"(?P<file>.+):(?P<line>\d+)(?: \((?P<page>{_PAGES}.*)\))?")
_HIT = late(r"\s*>\s*(?:(?P<number>\d+)\s*[:|]\s?)?(?P<text>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a file's text."""

    file: str
    lines: tuple[SeenLine, ...]
    """Without those that only begin a page; their numbers where they are known."""
    span: tuple[int, int] | None = None
    """First and last line of the stretch, as it was stated."""
    heading: str = ""


def view_piece(file: SeenFile) -> Piece:
    """Return what the system text shows of an open file, as a piece."""
    return Piece(file.name, file.lines, file.shown)


def pieces_in(text: str) -> tuple[Piece, ...]:
    """Return the pieces a search of files returned, best first; none in any other text."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    found: list[Piece] = []
    at = 0
    while at < len(lines):
        head = _HEAD().fullmatch(lines[at])
        at += 1
        if head is None:
            continue
        where = _WHERE().fullmatch(head["inside"])
        span = _span(where["first"], where["last"]) if where else None
        end = _end(lines, at, span)
        file, page = (where["file"], where["page"] or "") if where else (head["inside"], "")
        shown, heading = _numbered(_trimmed(lines[at:end]), span, page)
        found.append(Piece(file, shown, span, heading))
        at = end
    return tuple(found)


def _end(lines: list[str], at: int, span: tuple[int, int] | None) -> int:
    """Return where a piece ends.

    A line of a file may look like the head of a piece. Where the piece is whole its length says
    what belongs to it; else it ends before the next head that stands after an empty line.
    """
    if span is not None:
        for leading in range(3):
            end = at + leading + span[1] - span[0] + 1
            heads = all(_LEADING().fullmatch(line) for line in lines[at : at + leading])
            if heads and end < len(lines) and not lines[end].strip() and _is_over(lines, end):
                return end
    for end in range(at, len(lines)):
        if _HEAD().fullmatch(lines[end]) and (span is None or not lines[end - 1].strip()):
            return end
    return len(lines)


def _is_over(lines: list[str], end: int) -> bool:
    after = lines[end + 1] if end + 1 < len(lines) else ""
    return end + 1 >= len(lines) or not after.strip() or _HEAD().fullmatch(after) is not None


def _trimmed(lines: list[str]) -> list[str]:
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return lines[:end]


def _span(first: str | None, last: str | None) -> tuple[int, int] | None:
    if first is None:
        return None
    start = int(first.replace(",", ""))
    return start, int(last.replace(",", "")) if last else start


def _numbered(
    body: list[str], span: tuple[int, int] | None, page: str
) -> tuple[tuple[SeenLine, ...], str]:
    """Return the lines of a piece, numbered where that is sure, and its heading."""
    heading = ""
    length = span[1] - span[0] + 1 if span is not None else None
    while body and len(body) != length and (leading := _LEADING().fullmatch(body[0])):
        heading = leading["heading"] or heading
        body = body[1:]
    cut = _CUT().fullmatch(body[-1]) if body else None
    if cut is not None:
        body = body[:-1]
    # Empty lines at the end may be gone; what is shorter by more is not those lines.
    whole = length is not None and length - 2 <= len(body) <= length
    is_sure = whole if cut is None else int(cut["kept"].replace(",", "")) == len(body)
    lines: list[SeenLine] = []
    for at, text in enumerate(body):
        if mark := page_mark(text):
            page = mark
            continue
        number = span[0] + at if is_sure and span is not None else None
        lines.append(SeenLine(number, text, page))
    return tuple(lines), heading


def _sections(text: str) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    for line in text.split("\n"):
        head = _HEAD().fullmatch(line)
        if head is not None:
            found.append((head["inside"], []))
        elif found:
            found[-1][1].append(line.removesuffix("\r"))
    return found


def matches_in(text: str) -> tuple[tuple[str, SeenLine], ...]:
    """Return (file, line) of each match a grep of files returned."""
    found: list[tuple[str, SeenLine]] = []
    for head, body in _sections(text):
        where = _MATCH().fullmatch(head)
        if where is None:
            continue
        for line in body:
            hit = _HIT().fullmatch(line)
            if hit is not None and line.lstrip().startswith(">"):
                number = int(hit["number"] or where["line"])
                found.append((where["file"], SeenLine(number, hit["text"], where["page"] or "")))
                break
        else:
            if body:
                only = SeenLine(int(where["line"]), body[0].strip(), where["page"] or "")
                found.append((where["file"], only))
    return tuple(found)
