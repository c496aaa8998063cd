"""The attached files as the system text shows them: its `<directories>` section, read back.

Every line of a file's text stands behind its number there, so no text of a file can pass for a
line of the section.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from lettafs.llm._offline.late import late
from lettafs.llm._offline.prompt import blocks_end

__all__ = ["SeenFile", "SeenFolder", "SeenLine", "Shelf", "page_mark", "read_shelf"]


@dataclass(frozen=True, slots=True)
class SeenLine:
    """One line of a file."""

    number: int | None
    """1 is the file's first; None where it is not known."""
    text: str
    page: str = ""
    """The page it stands on, `page 3`; empty where there are none or it is not known."""


@dataclass(frozen=True, slots=True)
class SeenFile:
    """One file the section names."""

    name: str
    folder: str
    status: str
    """`open`, `closed`, or a word for what is wrong."""
    note: str = ""
    """What the section says of it in words: `12 pages`."""
    lines: tuple[SeenLine, ...] = ()
    """What is shown of an open one, without the lines that only begin a page."""
    shown: tuple[int, int] | None = None
    """First and last line that is shown, by the view's own heading."""
    total: int | None = None
    """Lines it has in all, by the view's own heading."""
    pages: int = 0
    """Pages it has in all, where that is said."""

    @property
    def is_whole(self) -> bool:
        """Whether all of it is shown."""
        return self.total == 0 or (self.total is not None and self.shown == (1, self.total))


@dataclass(frozen=True, slots=True)
class SeenFolder:
    """One folder the section names."""

    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Shelf:
    """All that the section names."""

    folders: tuple[SeenFolder, ...] = ()
    files: tuple[SeenFile, ...] = ()
    is_complete: bool = True
    """Whether every file is named; a long list is cut."""
    in_hand: str = ""
    """The file this turn has dealt with already: what "it" means while the turn goes on."""

    def file(self, name: str) -> SeenFile | None:
        """Return a file by its full name."""
        return next((each for each in self.files if each.name == name), None)

    def may_have(self, name: str) -> bool:
        """Tell whether there can be a file of this name: what a list leaves out is not known."""
        return not self.is_complete or self.file(name) is not None


_FOLDER = late(r"<directory\b(?P<attributes>[^>]*)>")
_FILE = late(r"<file\b(?P<attributes>(?:\s+[\w-]+=\"[^\"]*\")+)\s*(?P<end>/?)>(?P<note>.*)")
_ATTRIBUTE = late(r"([\w-]+)=\"([^\"]*)\"")
_FACT = late(r"^- (\w+)=(.*)$", re.MULTILINE)
_PAST_END = late(r"the file has (?P<total>[\d,]+) lines?\b|the file is (?P<empty>empty)")
_FROM_PAGE = late(r"\bfrom (?P<label>[^\n]+)\]\s*")
_RANGE = late(r"lines? (?P<first>[\d,]+)(?:\s*[-–]\s*(?P<last>[\d,]+))?\s+of\s+(?P<total>[\d,]+)")
_NUMBERED = late(r"\s*(?P<number>\d+): ?(?P<text>.*)", re.DOTALL)
_MARK = late(r"<!-- (?P<label>(?:page|slide|sheet|chapter|part|section|cell)\b.*?) -->\s*")


def page_mark(text: str) -> str:
    """Return the page a line of a converted document begins, `page 3`; empty if it begins none."""
    match = _MARK().fullmatch(text.strip())
    return match["label"] if match else ""


def read_shelf(system: str) -> Shelf:
    """Return what the directories section of a system text names; an empty shelf without one."""
    begin = re.compile(r"^<directories>[ \t]*\r?$", re.MULTILINE).search(system, blocks_end(system))
    if begin is None:
        return Shelf()
    end = re.compile(r"^</directories>", re.MULTILINE).search(system, begin.end())
    section = system[begin.end() : end.start() if end else len(system)]
    return _Reader(section.split("\n")).read()


class _Reader:
    """Goes through the section line by line; holds the place and what was found so far."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = [line.removesuffix("\r") for line in lines]
        self._at = 0
        self._folders: list[SeenFolder] = []
        self._files: list[SeenFile] = []
        self._is_complete = True

    def read(self) -> Shelf:
        """Return the shelf."""
        while self._at < len(self._lines):
            line = self._lines[self._at].strip()
            self._at += 1
            if match := _FOLDER().match(line):
                name = _attributes(match["attributes"]).get("name", "")
                self._folders.append(SeenFolder(name))
            elif match := _FILE().match(line):
                self._files.append(self._file(match))
            elif line.startswith("<more"):
                self._is_complete = False
            elif line.startswith("<description>") and self._folders:
                text = self._until("</description>", line.removeprefix("<description>"))
                self._folders[-1] = replace(self._folders[-1], description=text)
            elif line.startswith("<instructions>"):
                self._until("</instructions>", line.removeprefix("<instructions>"))
        return Shelf(tuple(self._folders), tuple(self._files), self._is_complete)

    def _file(self, match: re.Match[str]) -> SeenFile:
        attributes = _attributes(match["attributes"])
        folder = self._folders[-1].name if self._folders else ""
        seen = SeenFile(attributes.get("name", ""), folder, attributes.get("status", "closed"))
        if match["end"]:
            return seen
        if match["note"].rstrip().endswith("</file>"):
            note = match["note"].rstrip().removesuffix("</file>")
            return replace(seen, note=html.unescape(note).strip())
        return self._open_file(seen, match["note"])

    def _open_file(self, seen: SeenFile, first: str) -> SeenFile:
        notes = [first] if first.strip() else []
        facts: dict[str, str] = {}
        while self._at < len(self._lines):
            line = self._lines[self._at].strip()
            self._at += 1
            if line == "<metadata>":
                facts |= _FACT().findall(self._until("</metadata>", ""))
            elif line == "<value>":
                seen = _with_view(seen, self._value(), facts)
            elif line.endswith("</file>"):
                notes.append(line.removesuffix("</file>"))
                break
            else:
                notes.append(line)
        notes.append(facts.get("note", ""))
        return replace(seen, note=html.unescape(" ".join(notes)).strip())

    def _value(self) -> list[str]:
        found: list[str] = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if line.strip() == "</value>":
                break
            found.append(line)
        return found

    def _until(self, closing: str, first: str) -> str:
        parts = [first]
        while closing not in parts[-1] and self._at < len(self._lines):
            parts.append(self._lines[self._at])
            self._at += 1
        return "\n".join(parts).partition(closing)[0].strip()


def _attributes(text: str) -> dict[str, str]:
    return {key: html.unescape(value) for key, value in _ATTRIBUTE().findall(text)}


def _with_view(seen: SeenFile, value: list[str], facts: Mapping[str, str]) -> SeenFile:
    heading = value[0] if value and value[0].lstrip().startswith("[") else ""
    # A view may begin in the middle of a page.
    begins = _FROM_PAGE().search(heading)
    page = begins["label"] if begins else ""
    lines: list[SeenLine] = []
    for raw in value:
        match = _NUMBERED().fullmatch(raw)
        if match is None:
            # The heading, and the line that says what was left out.
            continue
        if mark := page_mark(match["text"]):
            page = mark
            continue
        lines.append(SeenLine(int(match["number"]), match["text"], page))
    pages = facts.get("pages", "")
    seen = replace(seen, lines=tuple(lines), pages=_number(pages) if pages[:1].isdigit() else 0)
    span = _RANGE().search(heading)
    if span is not None:
        shown = _number(span["first"]), _number(span["last"] or span["first"])
        return replace(seen, shown=shown, total=_number(span["total"]))
    past = _PAST_END().search(heading)
    if past is None:
        return seen
    return replace(seen, shown=(0, 0), total=0 if past["empty"] else _number(past["total"]))


def _number(text: str) -> int:
    return int(text.replace(",", ""))
