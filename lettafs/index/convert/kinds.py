"""Kinds of files: by what their first bytes are, and by their name where bytes leave it open."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import Literal

from lettafs.index.convert.charsets import guess_utf16
from lettafs.index.convert.names import kind_by_name

__all__ = ["VERSION", "Kind", "Way", "kind_of"]

VERSION = "1"
"""Changes when the same bytes give another text."""

Way = Literal["decode", "convert", "none"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is, and which way leads to its text."""

    name: str
    """`text`, `code`, `markdown`, `table`, `pdf`, `docx`, `pptx`, `xlsx`, `xls`, `html`, `epub`,
    `ipynb`, `msg`, `rss`, `zip`, `image`, `audio`, `video`, `binary`, ..."""
    way: Way
    """`decode`: in this process. `convert`: in a child. `none`: it holds no text we read."""
    reason: str = ""
    """Of `none`: a clause."""


_IMAGE = Kind("image", "none", "it is an image")
_AUDIO = Kind("audio", "none", "it is a sound recording")
_VIDEO = Kind("video", "none", "it is a film")
_ARCHIVE = Kind("archive", "none", "it is an archive of a sort that is not read")
_FONT = Kind("font", "none", "it is a font")
_PROGRAM = Kind("binary", "none", "it is a program")
_DATABASE = Kind("binary", "none", "it is a database, which is not read")
_BINARY = Kind("binary", "none", "it is a binary file of a sort that is not read")
_OPEN = Kind("opendocument", "none", "it is an OpenDocument file, which is not read yet")
_RTF = Kind("rtf", "none", "it is a rich text file (RTF), which is not read: save it as .docx")
_DOC = Kind("doc", "none", "it is an old Word document, which is not read: save it as .docx")
_PPT = Kind("ppt", "none", "it is an old PowerPoint file, which is not read: save it as .pptx")

_BY_NAME = {
    name: Kind(name, "convert")
    for name in "docx pptx xlsx xls html epub ipynb msg rss pdf zip".split()
} | {name: Kind(name, "decode") for name in ("code", "markdown", "table", "text")}

_MAGIC: dict[bytes, Kind] = {
    b"\x89PNG\r\n\x1a\n": _IMAGE,
    b"\xff\xd8\xff": _IMAGE,
    b"GIF87a": _IMAGE,
    b"GIF89a": _IMAGE,
    b"II*\0": _IMAGE,
    b"MM\0*": _IMAGE,
    b"\0\0\1\0": _IMAGE,
    b"8BPS\0": _IMAGE,
    b"\0\0\0\x0cjP  ": _IMAGE,
    b"\xff\x0a": _IMAGE,
    b"ID3\2": _AUDIO,
    b"ID3\3": _AUDIO,
    b"ID3\4": _AUDIO,
    b"fLaC\0": _AUDIO,
    b"OggS\0": _AUDIO,
    b"MThd\0": _AUDIO,
    b"\x1aE\xdf\xa3": _VIDEO,
    b"\0\0\1\xba": _VIDEO,
    b"\0\0\1\xb3": _VIDEO,
    b"FLV\1": _VIDEO,
    b"0&\xb2u\x8ef\xcf\x11": _VIDEO,
    b"\x1f\x8b\x08": _ARCHIVE,
    b"\x1f\x9d": _ARCHIVE,
    b"BZh": _ARCHIVE,
    b"\xfd7zXZ\0": _ARCHIVE,
    b"7z\xbc\xaf\x27\x1c": _ARCHIVE,
    b"Rar!\x1a\7": _ARCHIVE,
    b"\x28\xb5\x2f\xfd": _ARCHIVE,
    b"\x04\x22\x4d\x18": _ARCHIVE,
    b"MSCF\0": _ARCHIVE,
    b"!<arch>\n": _ARCHIVE,
    b"\xed\xab\xee\xdb": _ARCHIVE,
    b"\x7fELF": _PROGRAM,
    b"\xca\xfe\xba\xbe": _PROGRAM,
    b"\xfe\xed\xfa\xce": _PROGRAM,
    b"\xfe\xed\xfa\xcf": _PROGRAM,
    b"\xce\xfa\xed\xfe": _PROGRAM,
    b"\xcf\xfa\xed\xfe": _PROGRAM,
    b"\0asm": _PROGRAM,
    b"SQLite format 3\0": _DATABASE,
    b"wOFF\0": _FONT,
    b"wOF2\0": _FONT,
    b"OTTO\0": _FONT,
    b"\0\1\0\0\0": _FONT,
    b"ttcf\0": _FONT,
    b"{\\rtf": _RTF,
}
_MAGICS = tuple(_MAGIC)
_FIRST_BYTES = {magic[0] for magic in _MAGICS} | set(b"PR%M\xd0B\0\xff\xfe\xef")

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OPENING_TAG = re.compile(
    rb"\s*(?:<\?xml[^>]{0,400}\?>\s*|<!--.{0,4000}?-->\s*){0,8}<(!doctype\s+html|html|rss|feed|rdf:RDF)"
    rb"(?=[\s>])",
    re.IGNORECASE | re.DOTALL,
)


def kind_of(name: str, head: bytes) -> Kind:
    """Return a file's kind, from its name and its first 64 KiB.

    Bytes decide: a picture named `.docx` is a picture. Among texts, where bytes say little, the
    name does: a Python file stays code though it begins like a web page.
    """
    # Most files are text; of these, few begin with a byte that something else begins with.
    if head[:1] and head[0] in _FIRST_BYTES:
        found = _by_magic(name, head)
        if found is not None:
            return found
    promised = kind_by_name(name)
    # Readers of PDF accept some bytes before the mark, and so must we.
    if promised == "pdf" and b"%PDF-" in head[:1024]:
        return _BY_NAME["pdf"]
    if b"\0" in head and not _is_wide_text(head):
        return _BINARY
    return _text_kind(promised, head)


def _by_magic(name: str, head: bytes) -> Kind | None:
    if head.startswith(_MAGICS):
        return next(_MAGIC[magic] for magic in _MAGICS if head.startswith(magic))
    if head.startswith((b"PK\3\4", b"PK\5\6", b"PK\7\x08")):
        return _zip_kind(name, head)
    if head.startswith(_OLE):
        return _ole_kind(name, head)
    if head.startswith(b"%PDF-"):
        return _BY_NAME["pdf"]
    if head[4:8] == b"ftyp":
        return _AUDIO if name.lower().endswith((".m4a", ".m4b")) else _of_ftyp(head[8:12])
    if head.startswith(b"RIFF"):
        return {b"WAVE": _AUDIO, b"AVI ": _VIDEO, b"WEBP": _IMAGE}.get(head[8:12])
    if b"\0" in head[:512]:
        if head.startswith(b"MZ"):
            return _PROGRAM
        if head.startswith(b"BM"):
            return _IMAGE
        # MPEG audio without a tag: eleven set bits. UTF-16's mark has them too.
        if len(head) > 2 and head[0] == 0xFF and head[1] in (0xFB, 0xF3, 0xF2, 0xFA):
            return _AUDIO
    return None


def _of_ftyp(brand: bytes) -> Kind:
    if brand.startswith((b"M4A", b"M4B")):
        return _AUDIO
    return _IMAGE if brand in (b"heic", b"heix", b"mif1", b"avif", b"msf1") else _VIDEO


_CONTENT_TYPES = (
    (b"wordprocessingml", "docx"),
    (b"presentationml", "pptx"),
    (b"spreadsheetml", "xlsx"),
)
_OFFICE_PARTS = (
    b"[Content_Types].xml",
    b"_rels/",
    b"docProps/",
    b"customXml/",
    b"word/",
    b"ppt/",
    b"xl/",
)
"""What an Office file begins with; a zip of such files holds their names further on."""
_FOLDERS = ((b"word/", "docx"), (b"ppt/", "pptx"), (b"xl/", "xlsx"))


def _zip_kind(name: str, head: bytes) -> Kind:
    """Return what a zip container is, from the local headers in its head.

    The child looks again, at the whole directory, before it reads anything.
    """
    promised = kind_by_name(name)
    first, content = _first_entry(head)
    if first == b"mimetype":
        if content.startswith(b"application/epub"):
            return _BY_NAME["epub"]
        if content.startswith(b"application/vnd.oasis"):
            return _OPEN
    if first.startswith(_OFFICE_PARTS) and b"[Content_Types].xml" in head:
        if first == b"[Content_Types].xml":
            for mark, kind in _CONTENT_TYPES:
                if mark in content:
                    return _BY_NAME[kind]
        for mark, kind in _FOLDERS:
            if b"PK\3\4" in head and mark in head:
                return _BY_NAME[kind]
    if promised in ("docx", "pptx", "xlsx", "epub"):
        return _BY_NAME[promised]
    return _BY_NAME["zip"]


def _first_entry(head: bytes) -> tuple[bytes, bytes]:
    """Return the name and the beginning of the content of a container's first entry."""
    if len(head) < 30 or not head.startswith(b"PK\3\4"):
        return b"", b""
    method = int.from_bytes(head[8:10], "little")
    named = 30 + int.from_bytes(head[26:28], "little")
    data = head[named + int.from_bytes(head[28:30], "little") :]
    content = b""
    if method == 0:
        content = data[:4096]
    elif method == 8:
        try:
            content = zlib.decompressobj(-15).decompress(data, 65536)
        except zlib.error:
            content = b""
    return head[30:named], content


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


_OLE_STREAMS = (
    (_utf16("EncryptedPackage"), Kind("office", "convert")),
    (_utf16("__properties_version1.0"), _BY_NAME["msg"]),
    (_utf16("WordDocument"), _DOC),
    (_utf16("PowerPoint Document"), _PPT),
    (_utf16("Workbook"), _BY_NAME["xls"]),
)


def _ole_kind(name: str, head: bytes) -> Kind:
    """Return what an old Office container is; the child looks again, at its whole directory."""
    for mark, kind in _OLE_STREAMS:
        if mark in head:
            return kind
    match kind_by_name(name):
        case "xls" | "msg" as promised:
            return _BY_NAME[promised]
        case "doc":
            return _DOC
        case "ppt":
            return _PPT
        case _:
            return Kind("office", "convert")


def _is_wide_text(head: bytes) -> bool:
    """Tell whether zero bytes lie as they do in UTF-16 and UTF-32 text."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")):
        return True
    return guess_utf16(head[: len(head) // 2 * 2]) is not None


def _text_kind(promised: str, head: bytes) -> Kind:
    match promised:
        case "code":
            # `.xml` is code here, unless it is a feed.
            return _feed_or(_BY_NAME["code"], head)
        case "markdown" | "table" | "text" | "html" | "rss":
            return _BY_NAME[promised]
        case "ipynb" if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return _BY_NAME["ipynb"]
        case _:
            pass
    if head.startswith(b"#!"):
        return _BY_NAME["code"]
    opening = _OPENING_TAG.match(head.removeprefix(b"\xef\xbb\xbf"))
    if opening is None:
        return _BY_NAME["text"]
    return _BY_NAME["html" if b"html" in opening[1].lower() else "rss"]


def _feed_or(kind: Kind, head: bytes) -> Kind:
    start = head[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith((b"<?xml", b"<rss", b"<feed", b"<!--")):
        opening = _OPENING_TAG.match(head.removeprefix(b"\xef\xbb\xbf"))
        if opening is not None and opening[1] in (b"rss", b"feed"):
            return _BY_NAME["rss"]
    return kind
