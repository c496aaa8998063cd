"""Journal lines: one JSON object each, with a checksum that tells damage from a person's edit.

A line is `{...,"crc":"9ae0f3d1"}` and a line feed; the checksum is of the object without its last
field. A line whose checksum is wrong is still used when it is JSON: somebody edited it by hand.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from lettafs.errors import UsageProblem
from lettafs.values.problem import Problem

__all__ = ["MAX_LINE_BYTES", "Line", "frame", "unframe", "whole_length"]

MAX_LINE_BYTES = 8 * 1024 * 1024
"""A longer line is neither written nor read."""

_MAX_DEPTH = 100

_CRC_OPEN = b',"crc":"'
_CRC_CLOSE = b'"}'
_CRC_BYTES = len(_CRC_OPEN) + 8 + len(_CRC_CLOSE)

_BOM = b"\xef\xbb\xbf"
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Line:
    """What a line holds: a record or a problem, never both."""

    record: dict[str, Any] | None
    """Without its `crc`."""
    problem: Problem | None
    edited: bool
    """True: not the bytes lettafs wrote."""


def frame(record: Mapping[str, Any]) -> bytes:
    """Return the record as a journal line, checksum and line feed included.

    Halves of surrogate pairs (models do send them) are joined when they fit and replaced by U+FFFD
    when they do not: the line is valid UTF-8.

    Args:
        record: at least one field, all of JSON's kinds; no field is named `crc`.

    Raises:
        UsageProblem: the line would be longer than 8 MiB.
    """
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    try:
        body = text.encode()
    except UnicodeEncodeError:
        body = _joined(text).encode()
    if len(body) + _CRC_BYTES > MAX_LINE_BYTES:
        raise UsageProblem(
            f"This is too long to be kept: {len(body)} bytes in one record; "
            f"at most {MAX_LINE_BYTES} fit."
        )
    return b'%s,"crc":"%08x"}\n' % (body[:-1], zlib.crc32(body))


def unframe(line: bytes, *, path: str, line_no: int) -> Line:
    """Return what a line holds; never raises.

    A byte order mark before it and a CR at its end, as editors leave them, are passed over.

    Args:
        line: one line, with or without its line feed.
        path: the segment, for the problem's place.
        line_no: 1 is the segment's first line.
    """
    if len(line) > MAX_LINE_BYTES:
        message = f"the line has {len(line)} bytes; at most {MAX_LINE_BYTES} are read"
        return Line(None, _problem(message, path, line_no, code="too-large"), True)
    bare = line.removesuffix(b"\n")
    edited = not _crc_is_right(bare)
    if edited:
        bare = bare.removeprefix(_BOM).removesuffix(b"\r")
    try:
        record = _decoded(bare)
    except _Damaged as error:
        return Line(None, _problem(f"the line is damaged: {error}", path, line_no), True)
    record.pop("crc", None)
    return Line(record, None, edited)


def whole_length(data: bytes) -> int:
    """Return how many bytes of a segment are good up to the last whole line.

    What lies behind is a torn tail: a line without its line feed, or lines at the end that are not
    JSON objects. A last line that lacks only its line feed, as some editors save it, is whole: its
    checksum is right. Damage in the middle is none of it.
    """
    end = data.rfind(b"\n") + 1
    if end < len(data) <= end + MAX_LINE_BYTES and _crc_is_right(data[end:]):
        return len(data)
    while end:
        start = data.rfind(b"\n", 0, end - 1) + 1
        if end - start > MAX_LINE_BYTES:  # Not read, but nothing says that it was torn.
            return end
        if unframe(data[start:end], path="", line_no=1).record is not None:
            return end
        end = start
    return 0


def _crc_is_right(bare: bytes) -> bool:
    """Tell whether these are the bytes lettafs wrote, by their last field."""
    cut = len(bare) - _CRC_BYTES
    if cut < 2 or bare[cut : cut + len(_CRC_OPEN)] != _CRC_OPEN or bare[-2:] != _CRC_CLOSE:
        return False
    return b"%08x" % zlib.crc32(b"}", zlib.crc32(bare[:cut])) == bare[-10:-2]


def _decoded(bare: bytes) -> dict[str, Any]:
    """Return the object a line is, or raise `_Damaged`."""
    try:
        text = bare.decode()
        record = _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise _Damaged(f"it is not UTF-8 (byte {error.start + 1})") from error
    except json.JSONDecodeError as error:
        raise _Damaged(f"it is not JSON (column {error.colno}: {error.msg})") from error
    except RecursionError as error:
        raise _Damaged("it is nested too deeply") from error
    except ValueError as error:  # Python reads whole numbers of some thousand digits, no longer.
        raise _Damaged("a number in it is too long") from error
    if not isinstance(record, dict):
        raise _Damaged("it is not a JSON object")
    if text.count("[") + text.count("{") > _MAX_DEPTH and _is_too_deep(record):
        raise _Damaged("it is nested too deeply")
    if "\\u" in text:
        # Only an escape can name half of a surrogate pair.
        return {_joined(key): _whole(value) for key, value in record.items()}
    return record


class _Damaged(Exception):
    """Why a line is no record, in words that fit behind a colon."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise _Damaged("a key stands twice")
    return record


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _Damaged("a number in it is too large")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise _Damaged(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_finite, parse_constant=_refuse_constant
)


def _is_too_deep(record: object) -> bool:
    level = [record]
    for _ in range(_MAX_DEPTH):
        level = [
            child
            for node in level
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return False
    return True


def _whole(node: Any) -> Any:
    """Return the value with every string made of whole characters."""
    match node:
        case str():
            return _joined(node)
        case dict():
            return {_joined(key): _whole(value) for key, value in node.items()}
        case list():
            return [_whole(item) for item in node]
        case _:
            return node


def _joined(text: str) -> str:
    """Return the text with surrogate pairs joined and halves replaced by U+FFFD."""
    if _SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _problem(message: str, path: str, line_no: int, *, code: str = "damaged-line") -> Problem:
    return Problem(
        code,
        path,
        message,
        line=line_no,
        remedy="the line is kept and skipped; mend it by hand, or take it from an earlier commit",
    )
