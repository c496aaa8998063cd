"""What a view shows: numbered lines of a file, within a limit, and the words around them.

Both the section of open files and the tool that opens them go through here, so that what the tool
says is shown is what is shown.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from lettafs.values.file import FileInfo, FileText
from lettafs.values.view import View

__all__ = [
    "Shown",
    "attribute",
    "plain",
    "show",
    "size_words",
    "visible",
]

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_UNITS = {"pptx": "slide", "xlsx": "sheet", "xls": "sheet", "zip": "file"}
"""What the pages of a kind are called where they are not called pages."""
_REASON_CHARS = 120


def visible(text: str) -> str:
    r"""Return text with what would act on a terminal, or turn its order, as `\x1b` or `\u202e`."""
    return _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def plain(text: str) -> str:
    """Return a short text as it can stand in one line between two tags."""
    text = visible(" ".join(text.split()))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def attribute(text: str) -> str:
    """Return a name as it can stand between double quotes in a tag."""
    text = visible(text).replace("\n", "\\n").replace("\t", "\\t")
    if any(char in text for char in '&<>"'):
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        text = text.replace('"', "&quot;")
    return text


def size_words(info: FileInfo) -> str:
    """Return how long a file is, as `12 pages` or `340 lines`, or why there is nothing of it."""
    match info.state:
        case "waiting":
            return "not read yet"
        case "failed":
            return f"cannot be read: {info.reason[:_REASON_CHARS]}"
        case "empty":
            return f"no text: {info.reason[:_REASON_CHARS]}"
        case "ready":
            if info.pages:
                return _counted(info.pages, _UNITS.get(info.kind, "page"))
            return _counted(info.lines, "line")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


@dataclass(frozen=True, slots=True)
class Shown:
    """What of a file is shown."""

    text: str
    """A header that says which lines, then each with its number, then what is missing, if any."""
    first: int
    """Number of the first line shown; 1 is the file's first. 0: none is."""
    last: int
    of: int
    """Lines of the file."""
    pages: str = ""
    """On which pages they are, `page 3` or `page 3 to page 5`; empty where there are none."""
    is_cut: bool = False
    """Whether there was no room for some of the lines asked for."""
    facts: tuple[str, ...] = ()
    """What else is known, as `pages=12`."""


def show(
    text: FileText, view: View, *, limit_chars: int, tools: Collection[str] = ("open_file",)
) -> Shown:
    """Return the lines of a view, numbered as in the file, as far as they fit.

    The header and the line that says what is missing do not count for the limit. A first line that
    is too long by itself is cut within; all else is cut between lines.

    Args:
        text: of the file.
        view: which of its lines.
        limit_chars: for the numbered lines.
        tools: names of the tools the agent has: how to see more is told in their terms.
    """
    total = len(text.line_starts)
    facts = tuple([f"pages={len(text.pages)}"] if text.pages else [])
    facts += (f"lines={total}",)
    if text.note:
        facts += (f"note={plain(text.note)}",)
    if total == 0:
        return Shown("[the file is empty]", 0, 0, 0, facts=facts)
    if view.start >= total:
        words = f"[the file has {total:,} lines now, and line {view.start + 1:,} is past its end]"
        return Shown(words, 0, 0, total, facts=facts)
    wanted = total if view.length is None else min(total, view.start + view.length)
    first = view.start + 1
    lines, last, rest = _fitting(text, first, wanted, limit_chars)
    page = visible(text.page_of(text.line_starts[first - 1]))
    shown_lines = [f"[lines {first}-{last} of {total}{f', from {page}' if page else ''}]", *lines]
    is_cut = last < wanted or rest > 0
    if is_cut:
        shown_lines.append(_missing(last, wanted, rest, tools))
    pages = _pages(text, first, last)
    return Shown("\n".join(shown_lines), first, last, total, pages, is_cut, facts)


def _fitting(
    text: FileText, first: int, wanted: int, limit_chars: int
) -> tuple[list[str], int, int]:
    """Return the numbered lines that fit, the last one's number, and what it lacks in characters.

    Looks at no more of the text than is shown: it may be millions of characters.
    """
    starts = text.line_starts
    lines: list[str] = []
    room = limit_chars
    for number in range(first, wanted + 1):
        begins = starts[number - 1]
        ends = starts[number] if number < len(starts) else len(text.text)
        ends -= text.text.endswith("\n", begins, ends)
        ends -= text.text.endswith("\r", begins, ends)
        raw = text.text[begins : min(ends, begins + limit_chars)]
        line = f"{number}: {visible(raw)}"
        if len(line) + 1 > room or len(raw) < ends - begins:
            if lines:
                return lines, number - 1, 0
            kept = max(room - len(f"{number}: "), 1)
            begun = f"{number}: {visible(raw[:kept])}"
            return [begun], number, max(ends - begins - kept, 0)
        lines.append(line)
        room -= len(line) + 1
    return lines, wanted, 0


def _missing(last: int, wanted: int, rest: int, tools: Collection[str]) -> str:
    how = ""
    if "open_file" in tools:
        how = "open_file with view_range"
    elif "open_files" in tools:
        how = "open_files with offset"
    if last < wanted:
        which = f"lines {last + 1}-{wanted} are" if last + 1 < wanted else f"line {wanted} is"
        what = f"{which} not shown"
        shows = f"; {how} shows {'them' if last + 1 < wanted else 'it'}" if how else ""
    else:
        what, shows = "", ""
    if rest:
        long = f"line {last} goes on for {rest:,} more characters"
        what = f"{long}; {what}" if what else long
    return f"...[TRUNCATED: {what}{shows}]"


def _pages(text: FileText, first: int, last: int) -> str:
    if not text.pages:
        return ""
    begins = text.page_of(text.line_starts[first - 1])
    ends = text.page_of(text.line_starts[last - 1])
    return begins if begins == ends or not begins else f"{begins} to {ends}"
