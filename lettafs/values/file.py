"""A file of an attached folder, its text, and where in the text its pages begin."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

__all__ = ["FileInfo", "FileState", "FileText", "PageMark"]

FileState = Literal["waiting", "ready", "empty", "failed"]
"""`waiting`: not read yet. `empty`: read, and it holds no text, as `reason` says. `failed`: it
cannot be read, as `reason` says; it is tried again when it changes."""


class PageMark(NamedTuple):
    """Where a page begins."""

    start: int
    """Offset in the text, in characters."""
    label: str
    """`page 3`, `slide 3`, `sheet Costs`: unique within its text."""


@dataclass(frozen=True)
class FileText:
    """What a file says. Lines are divided by LF alone; a page begins at a line's beginning."""

    text: str
    pages: tuple[PageMark, ...] = ()
    """In order; empty for a text without pages."""
    kind: str = "text"
    """`text`, `code`, `markdown`, `table` (csv and its like), or what it was converted from:
    `pdf`, `docx`, `pptx`, ..."""
    note: str = ""
    """What a reader should know of it, as a sentence: that it is cut, for one."""

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """Offset of each line's beginning; a line feed at the end begins no further line."""
        starts = [0]
        at = self.text.find("\n")
        while at != -1 and at + 1 < len(self.text):
            starts.append(at + 1)
            at = self.text.find("\n", at + 1)
        return tuple(starts) if self.text else ()

    @property
    def line_count(self) -> int:
        """How many lines there are, without finding where they begin."""
        return self.text.count("\n") + (not self.text.endswith("\n")) if self.text else 0

    def line_of(self, offset: int) -> int:
        """Return the number of the line an offset lies in; 1 is the first."""
        return max(1, bisect_right(self.line_starts, offset))

    def page_of(self, offset: int) -> str:
        """Return the label of the page an offset lies on; empty where there is none."""
        number = bisect_right(self.pages, offset, key=lambda mark: mark.start)
        return self.pages[number - 1].label if number else ""

    def lines(self, first: int, last: int) -> list[str]:
        """Return lines by number, both included, without line ends; those that there are."""
        starts = self.line_starts
        found = []
        for number in range(max(first, 1), min(last, len(starts)) + 1):
            end = starts[number] - 1 if number < len(starts) else len(self.text)
            found.append(self.text[starts[number - 1] : end].removesuffix("\n").removesuffix("\r"))
        return found


@dataclass(frozen=True, slots=True)
class FileInfo:
    """What is known of one file of a folder."""

    folder: str
    """Name of its folder."""
    path: str
    """In the folder, with forward slashes; of a folder that is one file, the file's name."""
    name: str
    """What the agent calls it: `folder/path`, made safe to print; unique."""
    size: int
    """Bytes."""
    modified_ns: int
    kind: str
    state: FileState
    reason: str = ""
    """Why it is `empty` or `failed`, or a note on a file that is `ready`; a clause."""
    sha256: str | None = None
    """Of its bytes, where they were read."""
    chars: int = 0
    """Of its text."""
    lines: int = 0
    pages: int = 0
