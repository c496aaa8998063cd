"""A text put together page by page, clean, and no longer than it may be."""

from __future__ import annotations

from lettafs.index.convert.failure import NO_TEXT, Failure
from lettafs.values.file import FileText, PageMark

__all__ = ["Paged", "clean"]

_ENDS = str.maketrans({"\r": "\n", "\v": "\n", "\f": "\n"})
_GONE = dict.fromkeys([*range(9), *range(14, 32), *range(127, 160), 11, 12, 13])
_LONGEST_LABEL = 80


def clean(text: str) -> str:
    """Return a text with line feeds for line ends and no control characters but TAB."""
    if "\r" in text or "\v" in text or "\f" in text:
        text = text.replace("\r\n", "\n").translate(_ENDS)
    if text.isprintable():
        return text
    return text.translate(_GONE)


class Paged:
    """Collects pages until the text is as long as it may be; `is_full` tells when to stop."""

    def __init__(self, *, text_chars: int) -> None:
        self.text_chars = text_chars
        self.is_full = False
        self._is_cut = False
        self._parts: list[str] = []
        self._length = 0
        self._marks: list[PageMark] = []
        self._labels: set[str] = set()
        self.holds_text = False

    def page(self, label: str) -> None:
        """Begin a page; its label is made unique and fit for one line."""
        label = " ".join(clean(label).replace("-->", "").split())[:_LONGEST_LABEL].rstrip()
        unique, number = label, 2
        while unique in self._labels:
            unique, number = f"{label} ({number})", number + 1
        if self._length:
            self._put("\n")
        if self._length + len(unique) + 10 > self.text_chars:
            self.is_full = True
        if not self.is_full:
            self._labels.add(unique)
            self._marks.append(PageMark(self._length, unique))
            self._put(f"<!-- {unique} -->\n")

    def add(self, text: str) -> None:
        """Add text, ended by a line feed; what is beyond the limit is left out."""
        text = clean(text).strip("\n")
        if self.is_full or not text or text.isspace():
            return
        self.holds_text = True
        room = self.text_chars - self._length - 1
        if len(text) > room:
            end = text.rfind("\n", 0, max(room, 0)) + 1
            text = text[: end or max(room, 0)].rstrip("\n")
            self.is_full = True
        self._put(text + "\n")

    def cut(self) -> None:
        """Let the reader know that there is more on this page."""
        self._is_cut = True

    def _put(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)

    def done(self, kind: str, *, note: str = "") -> FileText | Failure:
        """Return the whole, or that there is no text."""
        if not self.holds_text:
            return NO_TEXT
        if self.is_full or self._is_cut:
            note = " ".join((note, "It is longer than what is here.")).strip()
        return FileText("".join(self._parts), pages=tuple(self._marks), kind=kind, note=note)
