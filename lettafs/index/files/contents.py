"""Contents: the list of distinct files' hashes, presented to the word index as growing text.

A content is what files with the same bytes have in common, known by its SHA-256. The list of those
that were ever seen grows at its end alone; a line of it is a hash, and some lines are a segment. No
file of it is on disk: its bytes and what they look like are made from the list, so that any two
processes with the same list have the same. An index over it thus knows how far it goes.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path

from lettafs.disk.fingerprint import Stamp
from lettafs.format import layout
from lettafs.index.corpus import Document, Extract, Mark, key_hash
from lettafs.index.documents import signed
from lettafs.index.files.pieces import VERSION as PIECES_VERSION
from lettafs.index.files.pieces import FilePiece, pieces_of
from lettafs.index.words import VERSION as WORDS_VERSION
from lettafs.index.words import words_of
from lettafs.values.file import FileText
from lettafs.values.problem import Problem

__all__ = ["ABSENT", "FIELDS", "VERSION", "Contents", "content_documents", "meant", "text_extract"]

VERSION = f"1.{PIECES_VERSION}.{WORDS_VERSION}"
"""Changes with the documents a text gives."""

FIELDS = ("text", "start", "end")
"""Of a piece: the hash of what is embedded of it, and where it lies in the text."""

ABSENT = "absent"
"""Mark of a content whose text could not be had when its line was read: it is to be listed again.
"""

_LINES = 10
"""Lines of a segment. The index takes a segment at once, and a book may be five million characters.
"""
_FOLDER = "contents"
_UNNAMED = ("page ", "slide ")
"""Pages whose label says nothing of what is on them."""
_MEANT_CHARS = 200
"""Characters of headings, and of context, that an embedder is given before a piece."""


class Contents:
    """The list of contents, as segments of lines.

    Args:
        listed: gives the hashes, in the order they were first seen; only ever grows at its end. A
            list that begins otherwise is another one, and is indexed anew from there.
        root: the home.
    """

    def __init__(self, listed: Callable[[], Sequence[str]], *, root: Path) -> None:
        self._listed = listed
        self._root = root
        self._lock = threading.Lock()
        self._known: list[tuple[list[str], bytes, Stamp]] = []
        """Of each segment: its hashes, its bytes, what it looks like."""

    def stamps(self) -> list[tuple[str, Stamp]]:
        """Return every segment with a stamp that is equal for equal bytes only."""
        with self._lock:
            self._look()
            return [
                (f"{_FOLDER}/{layout.segment_name(number)}", stamp)
                for number, (_, _, stamp) in enumerate(self._known, 1)
            ]

    def read(self, path: str) -> bytes:
        """Return a segment's bytes as `stamps` last saw them; none of one that is not there."""
        number = layout.segment_number(path.rpartition("/")[2])
        with self._lock:
            if number is None or number > len(self._known):
                self._look()
            there = number is not None and number <= len(self._known)
            return self._known[number - 1][1] if number is not None and there else b""

    def parsed(self, path: str, raw: Sequence[bytes], *, first: int) -> Iterator[str | Problem]:
        """Yield the hash each line is."""
        for line in raw:
            yield line.decode("utf-8", "replace")

    def file(self, path: str) -> Path:
        """Return where a path below the home lies."""
        return self._root / path

    def at(self, number: int, line: int) -> str | None:
        """Return the hash in one line of one segment."""
        with self._lock:
            if not 1 <= number <= len(self._known):
                self._look()
            hashes = self._known[number - 1][0] if 1 <= number <= len(self._known) else []
            return hashes[line - 1] if 1 <= line <= len(hashes) else None

    def last_places(self, wanted: Collection[str]) -> dict[str, tuple[int, int]]:
        """Return the segment and line that list each of some contents last."""
        with self._lock:
            self._look()
            return {
                sha256: (number, line)
                for number, (hashes, _, _) in enumerate(self._known, 1)
                for line, sha256 in enumerate(hashes, 1)
                if sha256 in wanted
            }

    def _look(self) -> None:
        listed = self._listed()
        for number in range((len(listed) + _LINES - 1) // _LINES):
            hashes = list(listed[number * _LINES : (number + 1) * _LINES])
            if number < len(self._known) and self._known[number][0] == hashes:
                continue
            data = "".join(f"{each}\n" for each in hashes).encode("utf-8", "replace")
            # A time long ago: the stamp is trusted. In place of a file's number, the bytes' own.
            digest = int.from_bytes(hashlib.sha256(data).digest()[:7], "big")
            known = (hashes, data, Stamp(len(data), 1, 1, digest))
            self._known[number : number + 1] = [known]
        del self._known[(len(listed) + _LINES - 1) // _LINES :]


def text_extract(texts: Callable[[str], FileText | None]) -> Extract[str]:
    """Return what makes documents of a hash, given what reads the text of one."""
    return partial(_extract, texts)


def _extract(texts: Callable[[str], FileText | None], sha256: str) -> Sequence[Document | Mark]:
    text = texts(sha256)
    return (Mark(ABSENT, sha256),) if text is None else content_documents(sha256, text)


def content_documents(sha256: str, text: FileText) -> list[Document]:
    """Return what search knows of a text: a document for each piece."""
    found = []
    for piece in pieces_of(text):
        words = words_of(text.text[piece.start : piece.end])
        for told in (*piece.heading, piece.context):
            words += words_of(told)
        label = text.page_of(piece.start)
        if not label.startswith(_UNNAMED):
            words += words_of(label)
        fields = (signed(key_hash(meant(text, piece))), piece.start, piece.end)
        found.append(Document(sha256, words, (), fields))
    return found


def meant(text: FileText, piece: FilePiece) -> str:
    """Return what is embedded of a piece: its innermost headings and its context before it.

    An embedder reads only so much, so that little of what stands around a piece is repeated.
    """
    said = text.text[piece.start : piece.end]
    around = [" > ".join(piece.heading)[-_MEANT_CHARS:], piece.context[:_MEANT_CHARS]]
    return "\n".join([*(told for told in around if told), said])
