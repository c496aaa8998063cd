"""A look into a container before anything else reads it: what it is, and if it can be unpacked.

A zip can hold a thousand times its size, name parts in each other's bytes, and carry XML that takes
a parser forever. All of it is told by reading the directory and by inflating the XML parts in small
pieces, which stops at the first limit that is passed.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterable
from pyexpat import XMLParserType
from xml.parsers import expat

from lettafs.index.convert.failure import PASSWORD, Failure, damaged
from lettafs.index.convert.limits import Limits

__all__ = ["check_container", "check_xml", "inside_of"]

_PIECE = 64 * 1024
_MB = 1_000_000
_BOMB = Failure("bomb", "it unpacks to far more than its size: it looks like a bomb")
_TOO_BIG = Failure("bomb", "what it unpacks to is more than is read")
_TOO_MANY = Failure("bomb", "it holds more parts than are read")
_OVERLAP = Failure("bomb", "its parts lie in each other: it looks like a bomb")
_TOO_DEEP = Failure("nested", "it is nested too deeply")
_TOO_RICH = Failure("nested", "it holds more elements than are read")
_ENTITIES = Failure("unsafe", "it declares entities or a document type, as no such document does")

_STRANGE = Failure("damaged", "it is written in an encoding that no such document uses")

_XML = (".xml", ".rels", ".vml")
_MARKUP = (*_XML, ".xhtml", ".html", ".htm", ".opf", ".ncx", ".css", ".txt")
_PACKAGED = ("docx", "pptx", "xlsx")


def inside_of(data: bytes, *, promised: str) -> str | Failure:
    """Return which kind a zip container is by its directory, or why it cannot be read.

    `promised` is what its beginning looked like; it stands where the directory says nothing else.
    """
    names = _names(data)
    if isinstance(names, Failure):
        return names
    if "[Content_Types].xml" in names:
        for folder, kind in (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "xlsx")):
            if any(name.startswith(folder) for name in names):
                return kind
    if "META-INF/container.xml" in names and "mimetype" in names:
        return "epub"
    return "zip" if promised in (*_PACKAGED, "epub") else promised


def _names(data: bytes) -> set[str] | Failure:
    book = _open(data)
    if isinstance(book, Failure):
        return book
    return set(book.namelist())


def _open(data: bytes, *, entries: int = 10_000) -> zipfile.ZipFile | Failure:
    # Counted before zipfile makes an object of each.
    end = data.rfind(b"PK\5\6")
    if end >= 0 and data.count(b"PK\1\2", max(0, end - 400 * entries), end) > entries:
        return _TOO_MANY
    if end >= 0 and int.from_bytes(data[end + 12 : end + 16], "little") > 400 * entries:
        return _TOO_MANY
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError, OverflowError):
        return damaged("a zip container")


def check_container(data: bytes, *, kind: str, limits: Limits) -> Failure | None:
    """Return why a zip container must not be unpacked; None where it may be."""
    book = _open(data, entries=limits.entries)
    if isinstance(book, Failure):
        return book
    entries = book.infolist()
    found = _check_directory(entries, size=len(data), kind=kind, limits=limits)
    if found is not None or kind == "zip":
        return found
    elements = 0
    for entry in entries:
        name = entry.filename.lower()
        if name.endswith((".xml", ".rels", ".opf")):
            # Sheets are read as they stream by, and their cells are counted there.
            deep = kind != "xlsx" or not name.startswith(("xl/worksheets/", "xl/sharedstrings"))
            counted = _check_part(book, entry, kind=kind, deep=deep, limits=limits)
            if isinstance(counted, Failure):
                return counted
            elements += counted
            if elements > limits.xml_elements:
                return _TOO_RICH
    return None


def _check_directory(
    entries: list[zipfile.ZipInfo], *, size: int, kind: str, limits: Limits
) -> Failure | None:
    if len(entries) > limits.entries:
        return _TOO_MANY
    if any(entry.flag_bits & 0x1 for entry in entries):
        return PASSWORD
    total = 0
    before = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < before:
            return _OVERLAP
        before = entry.header_offset + 30 + entry.compress_size
        total += entry.file_size
        if total > limits.unpacked_bytes:
            return _TOO_BIG
        is_markup = kind == "zip" or entry.filename.lower().endswith(_MARKUP)
        if is_markup and entry.file_size > _MB:
            if entry.file_size > limits.ratio * max(entry.compress_size, 1):
                return _BOMB
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # Their libraries have no bound on memory, and no program writes documents so.
            return damaged("a document that programs write") if kind != "zip" else None
    if before > size:
        return damaged("a whole zip container")
    return None


def _check_part(
    book: zipfile.ZipFile, entry: zipfile.ZipInfo, *, kind: str, deep: bool, limits: Limits
) -> int | Failure:
    """Return how many elements a part holds, or why it must not be read."""
    try:
        with book.open(entry) as part:
            pieces = iter(lambda: part.read(_PIECE), b"")
            if not deep:
                return _search(pieces)
            scan = _Scan(limits, forbids_types=kind in _PACKAGED)
            for piece in pieces:
                found = scan.feed(piece)
                if found is not None:
                    return found
            return scan.elements
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, EOFError):
        return damaged("a whole zip container")


_DECLARES = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def _search(pieces: Iterable[bytes]) -> int | Failure:
    """Look for declarations in a part that is too long to be parsed twice."""
    tail = b""
    for piece in pieces:
        # Without zeros UTF-16 reads like ASCII.
        window = tail + piece.replace(b"\0", b"")
        if b"<!" in window and _DECLARES.search(window):
            return _ENTITIES
        tail = window[-16:]
    return 0


def check_xml(data: bytes, *, limits: Limits) -> Failure | None:
    """Return why XML must not be read by a parser that builds a tree; None where it may be."""
    scan = _Scan(limits, forbids_types=False)
    for at in range(0, len(data), _PIECE):
        found = scan.feed(data[at : at + _PIECE])
        if found is not None:
            return found
    return _TOO_RICH if scan.elements > limits.xml_elements else None


class _Stop(Exception):
    """What was found; it ends the parsing."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class _Scan:
    """Counts depth and elements of XML that comes in pieces, and refuses declarations."""

    def __init__(self, limits: Limits, *, forbids_types: bool) -> None:
        self.elements = 0
        self._limits = limits
        self._depth = 0
        self._broken = False
        self._parser: XMLParserType = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.EntityDeclHandler = self._refuse
        if forbids_types:
            self._parser.StartDoctypeDeclHandler = self._refuse

    def _start(self, _name: str, _attributes: object) -> None:
        self.elements += 1
        self._depth += 1
        if self._depth > self._limits.xml_depth:
            raise _Stop(_TOO_DEEP)
        if self.elements > self._limits.xml_elements:
            raise _Stop(_TOO_RICH)

    def _end(self, _name: str) -> None:
        self._depth -= 1

    def _refuse(self, *_declared: object) -> None:
        raise _Stop(_ENTITIES)

    def feed(self, piece: bytes) -> Failure | None:
        """Return what was found in a piece. Broken XML is left to its reader, which stops there."""
        if self._broken:
            return None
        try:
            self._parser.Parse(piece, False)
        except _Stop as stop:
            return stop.failure
        except expat.ExpatError:
            self._broken = True
        except (LookupError, ValueError):
            return _STRANGE
        return None
