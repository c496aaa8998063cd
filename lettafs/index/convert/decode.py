"""Text from bytes that are text already: exact, in this process, fast where they are UTF-8."""

from __future__ import annotations

import codecs

from lettafs.index.convert.charsets import guess_legacy, guess_utf16
from lettafs.index.convert.failure import NO_TEXT, Failure
from lettafs.index.convert.limits import DEFAULT
from lettafs.values.file import FileText

__all__ = ["cut_text", "decode", "decode_bytes"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Longest first where one begins with another: UTF-16's mark begins UTF-32's."""

_ODD = bytes(n for n in range(32) if n not in b"\t\n\r\f\a\b\x0b\x1a\x1b") + b"\x7f"
"""Control characters no text holds in number. Terminals' escapes are text, of a kind."""

_SHOWN = {
    "cp949": "EUC-KR",
    "cp950": "Big5",
    "cp932": "Shift JIS",
    "gb18030": "GB 18030",
    "euc_jp": "EUC-JP",
    "cp1252": "Windows-1252",
    "koi8-r": "KOI8-R",
}
_BINARY = Failure("unsupported", "it is a binary file of a sort that is not read")
_UNKNOWN = Failure("encoding", "it is text in an encoding that cannot be told")


def decode(data: bytes, *, kind: str, text_chars: int = DEFAULT.text_chars) -> FileText | Failure:
    """Return the text of a file as it stands, line ends included, or why there is none.

    A byte order mark is no part of the text. What is not UTF-8 is guessed at, and the note says
    what it was taken for. More than `text_chars` characters are cut at the end of a line.
    """
    if not data:
        return Failure("no-text", "it is empty")
    found = decode_bytes(data)
    if isinstance(found, Failure):
        return found
    text, note = found
    if text.isspace() or not text:
        return Failure("no-text", "it holds nothing but white space") if text else NO_TEXT
    text, cut = cut_text(text, text_chars=text_chars)
    return FileText(text, kind=kind, note=" ".join(part for part in (note, cut) if part))


def cut_text(text: str, *, text_chars: int) -> tuple[str, str]:
    """Return a text of at most so many characters, and the note where that is not all of it."""
    if len(text) <= text_chars:
        return text, ""
    end = text.rfind("\n", 0, text_chars) + 1 or text_chars
    return text[:end], f"Only the first {end:,} of {len(text):,} characters are here."


def decode_bytes(data: bytes) -> tuple[str, str] | Failure:
    """Return text and a note on its encoding (empty for sound UTF-8), or why it is not text."""
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")):
        return _marked(data)
    try:
        text = data.decode()
    except UnicodeDecodeError as problem:
        return _not_utf8(data, problem)
    if "\0" in text:
        return _with_zeros(data)
    # Two samples tell as much as the whole, and cost nothing.
    if _is_odd(data[:8192]) or (len(data) > 8192 and _is_odd(data[-8192:])):
        return _BINARY
    if "\x1b$" in text:
        return _escaped(data) or (text, "")
    return text, ""


def _escaped(data: bytes) -> tuple[str, str] | None:
    """Return text of the encoding that changes character sets by escapes, where it is that."""
    try:
        text = data.decode("iso2022_jp")
    except UnicodeDecodeError:
        return None
    return (text, "It was taken for ISO-2022-JP.") if "\x1b" not in text else None


def _is_odd(sample: bytes) -> bool:
    return (len(sample) - len(sample.translate(None, _ODD))) * 50 > len(sample)


def _marked(data: bytes) -> tuple[str, str] | Failure:
    mark, encoding = next(pair for pair in _MARKS if data.startswith(pair[0]))
    body = data[len(mark) :]
    name = encoding.upper().removesuffix("-LE").removesuffix("-BE")
    note = "" if encoding == "utf-8" else f"It is written in {name}."
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError:
        text = body.decode(encoding, errors="replace")
        if text.count("\ufffd") * 10 > len(text):
            return _BINARY
        note = f"It is written in {name}, with bytes that are not; they are shown as \ufffd."
    if text.count("\0") * 50 > len(text):
        return _BINARY
    return text.replace("\0", "\ufffd"), note


def _with_zeros(data: bytes) -> tuple[str, str] | Failure:
    encoding = guess_utf16(data)
    if encoding is None:
        return Failure("unsupported", "it is a binary file of a sort that is not read")
    return data.decode(encoding, errors="replace"), "It was taken for UTF-16, without a mark."


def _not_utf8(data: bytes, problem: UnicodeDecodeError) -> tuple[str, str] | Failure:
    if b"\0" in data:
        return _with_zeros(data)
    if _is_odd(data[:8192]) or _is_odd(data[-8192:]):
        return _BINARY
    loose = data.decode(errors="replace")
    bad = loose.count("\ufffd")
    good = sum(1 for char in loose[: 1 << 20] if char > "\x7f" and char != "\ufffd")
    # Text that is UTF-8 but for a few bytes; other encodings seldom spell any UTF-8 by chance.
    if good >= 4 * bad or (bad == 1 and problem.end == len(data) and good):
        return loose, "It is UTF-8 with bytes that are not; they are shown as \ufffd."
    encoding = guess_legacy(data)
    if encoding is None:
        return _UNKNOWN
    shown = _SHOWN.get(encoding, encoding.replace("cp125", "Windows-125").upper())
    shown = shown.replace("WINDOWS", "Windows")
    text = data.decode(encoding, errors="replace")
    if text.count("\ufffd") * 10 > len(text):
        return _UNKNOWN
    return text, f"It is not UTF-8; it was taken for {shown}."
