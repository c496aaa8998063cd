r"""A block's file: an optional header between two `---` lines, then the value, byte for byte.

The value is never trimmed and never completed: what stands behind the header's closing line is the
block, with or without a last newline, with LF, CRLF or both.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from lettafs.errors import BlockProblem
from lettafs.format.header import Header, HeaderFault, read_header, with_entry
from lettafs.format.layout import MEMORY, path_label
from lettafs.values.block import DEFAULT_LIMIT_CHARS, Block
from lettafs.values.problem import Problem

__all__ = ["MAX_BLOCK_BYTES", "parse_block", "render_block", "with_key", "with_value"]

MAX_BLOCK_BYTES = 1024 * 1024
"""A larger file is not a block: no model reads that much on every turn."""

_INTERPRETED = frozenset({"label", "description", "limit", "read_only"})

_LIMIT = re.compile(r"[1-9][0-9]*(?:_[0-9]+)*", re.ASCII)
_MAX_LIMIT_DIGITS = 15

# A closing line may be the file's last and lack its line end: an editor left it so.
_FENCE = re.compile(rb"^---\r?(?:\n|\Z)", re.MULTILINE)

# The lines git leaves around and between two versions, in their order.
_CONFLICT = tuple(
    re.compile(line, re.MULTILINE) for line in (rb"^<<<<<<< ", rb"^=======\r?$", rb"^>>>>>>> ")
)

_BOM = b"\xef\xbb\xbf"

# How Python names the bytes of a file name that are not UTF-8.
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class _Parts:
    """A file cut in two; `inner` lies between the header's fences."""

    inner: bytes | None
    """None: the file has no header."""
    fenced: bytes
    """The header with both of its `---` lines, as they stand."""
    body: bytes


def parse_block(data: bytes, *, path: str) -> Block | Problem:
    """Return the block a file holds, or what is wrong with it.

    Args:
        data: the whole file.
        path: where it lies; names the block when the header does not.
    """
    fault = _unreadable(data, path)
    if fault is not None:
        return fault
    parts = _split(data)
    header: Header | HeaderFault = Header()
    if parts.inner is not None:
        header = read_header(parts.inner.decode())
    if isinstance(header, HeaderFault):
        return _header_problem(header, path)
    try:
        return Block(
            label=_label(header, path),
            value=parts.body.decode(),
            description=_text(header, "description", ""),
            limit_chars=_limit(header),
            read_only=_read_only(header),
            extra=_extra(header),
            path=path,
            sha256=hashlib.sha256(data).hexdigest(),
        )
    except HeaderFault as found:
        return _header_problem(found, path)


def render_block(
    value: str,
    *,
    label_in_header: str | None = None,
    description: str = "",
    limit_chars: int | None = None,
    read_only: bool = False,
) -> bytes:
    """Return the bytes of a new block's file, with a header only where there is need of one.

    Args:
        value: the block's text.
        label_in_header: the label, where the path cannot say it.
        description: told to the model.
        limit_chars: None leaves it to the default.
        read_only: True: the agent may not change it.

    Raises:
        BlockProblem: no file can hold this (NUL, half of a surrogate pair, more than 1 MiB).
    """
    data = b""
    data = with_key(data, "label", label_in_header)
    data = with_key(data, "description", description or None)
    data = with_key(data, "limit", limit_chars)
    data = with_key(data, "read_only", read_only or None)
    return with_value(data, value)


def with_value(data: bytes, value: str) -> bytes:
    """Return the file with another value; the header's bytes are the same.

    An empty header is added when the value would be misread without one.

    Raises:
        BlockProblem: no file can hold this value, or the file's header cannot be read.
    """
    body = _encoded(value)
    parts = _split(data)
    fenced = parts.fenced
    if parts.inner is None:
        if body.startswith(_BOM) or re.match(rb"---\r?(?:\n|\Z)", body):
            fenced = b"---\n---\n"
    elif body and not fenced.endswith(b"\n"):
        fenced = fenced.removesuffix(b"\r") + _newline(fenced)
    return _checked(fenced + body, value)


def with_key(data: bytes, key: str, value: str | int | bool | None) -> bytes:
    """Return the file with one key of its header set, or with None taken out.

    The bytes of the other keys, of comments and of the value are the same. The file comes back
    unchanged when the key says so already; a header is added when there is none and need of one.

    Raises:
        BlockProblem: the key cannot have this value, or the header cannot be read or not be
            changed in place.
    """
    parts = _split(data)
    if parts.inner is None and value is None:
        return data
    opening, inner, closing = _opened(parts)
    newline = _newline(opening)
    try:
        text = inner.decode()
        changed = with_entry(text, key, value, newline=newline.decode())
    except UnicodeDecodeError as error:
        raise BlockProblem("The block's header is not UTF-8; mend it by hand first.") from error
    except HeaderFault as fault:
        place = "" if fault.line is None else f"line {fault.line + 1}: "
        raise BlockProblem(
            f"The block's header cannot be changed: {place}{fault.message}."
        ) from fault
    if changed == text:
        return data
    return _checked(opening + _encoded(changed) + closing + parts.body, None)


def _split(data: bytes) -> _Parts:
    opening = _FENCE.match(data)
    closing = _FENCE.search(data, opening.end()) if opening is not None else None
    if opening is None or closing is None:
        return _Parts(None, b"", data)
    return _Parts(
        inner=data[opening.end() : closing.start()],
        fenced=data[: closing.end()],
        body=data[closing.end() :],
    )


def _opened(parts: _Parts) -> tuple[bytes, bytes, bytes]:
    """Return the header's first line, what it holds and its last line; a new one if need be."""
    if parts.inner is None:
        return b"---\n", b"", b"---\n"
    start = parts.fenced.index(b"\n") + 1
    end = start + len(parts.inner)
    return parts.fenced[:start], parts.inner, parts.fenced[end:]


def _newline(fenced: bytes) -> bytes:
    """Return how the header's own lines end."""
    return b"\r\n" if fenced.startswith(b"---\r\n") else b"\n"


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise BlockProblem(
            f"Character {error.start + 1} is half of a surrogate pair, which no text file can "
            "hold; leave it out."
        ) from error


def _checked(data: bytes, value: str | None) -> bytes:
    """Return the bytes if they read back as a block (with that value), else raise BlockProblem."""
    block = parse_block(data, path=f"{MEMORY}/block.md")
    if isinstance(block, Problem):
        line = "" if block.line is None else f" (line {block.line})"
        raise BlockProblem(f"The block cannot be written so: {block.message}{line}.")
    if value is not None and block.value != value:
        raise BlockProblem("The block cannot be written so: its text would not read back as it is.")
    return data


def _unreadable(data: bytes, path: str) -> Problem | None:
    """Return why the file cannot be read as text at all, if so."""
    if not path.isascii() and _SURROGATE.search(path):
        return Problem(
            "encoding",
            _SURROGATE.sub("?", path),
            "the file's name is not UTF-8",
            remedy="rename it",
        )
    if len(data) > MAX_BLOCK_BYTES:
        return Problem(
            "too-large",
            path,
            f"the file has {len(data)} bytes; a block has at most {MAX_BLOCK_BYTES}",
            remedy="shorten it, or move it out of memory/",
        )
    if data.startswith(_BOM):
        return Problem(
            "encoding",
            path,
            "the file begins with a byte order mark",
            line=1,
            remedy="save it as UTF-8 without a byte order mark",
        )
    zero = data.find(0)
    if zero != -1:
        return Problem(
            "encoding",
            path,
            "the file holds a NUL byte, so it is not text",
            line=_line_at(data, zero),
            remedy="remove the byte, or save the file as UTF-8",
        )
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return Problem(
            "encoding",
            path,
            "the file is not UTF-8",
            line=_line_at(data, error.start),
            remedy="save it as UTF-8",
        )
    return _conflict(data, path)


def _conflict(data: bytes, path: str) -> Problem | None:
    """Return where git has left two versions side by side, if it has."""
    if b"<<<<<<< " not in data:  # Nearly always: no line is looked at.
        return None
    first = end = -1
    for marker in _CONFLICT:
        found = marker.search(data, end + 1)
        if found is None:
            return None
        end = found.start()
        first = end if first == -1 else first
    return Problem(
        "conflict-markers",
        path,
        "git has left both sides of a merge in the file",
        line=_line_at(data, first),
        remedy="keep one side, or join them, and remove the lines <<<<<<<, ======= and >>>>>>>",
    )


def _line_at(data: bytes, index: int) -> int:
    return data.count(b"\n", 0, index) + 1


def _header_problem(fault: HeaderFault, path: str) -> Problem:
    return Problem(
        "front-matter",
        path,
        fault.message,
        line=None if fault.line is None else fault.line + 1,  # The first line is the opening fence.
        remedy="correct the header; if it is meant as text, put two lines `---` before it",
    )


def _label(header: Header, path: str) -> str:
    label = _text(header, "label", path_label(path))
    if not label:
        raise HeaderFault("`label` is empty", _line_of(header, "label"))
    return label


def _text(header: Header, key: str, default: str) -> str:
    entry = header.get(key)
    if entry is None:
        return default
    if entry.value is None:
        raise HeaderFault(f"`{key}` is a list or a mapping; it has to be text", entry.line)
    return entry.value


def _limit(header: Header) -> int:
    text = _text(header, "limit", str(DEFAULT_LIMIT_CHARS))
    digits = text.replace("_", "")
    if _LIMIT.fullmatch(text) is None or len(digits) > _MAX_LIMIT_DIGITS:
        raise HeaderFault(
            "`limit` has to be a whole number of characters above 0, such as 20000",
            _line_of(header, "limit"),
        )
    return int(digits)


def _read_only(header: Header) -> bool:
    match _text(header, "read_only", "false").lower():
        case "true":
            return True
        case "false":
            return False
        case _:
            raise HeaderFault("`read_only` has to be true or false", _line_of(header, "read_only"))


def _line_of(header: Header, key: str) -> int | None:
    entry = header.get(key)
    return None if entry is None else entry.line


def _extra(header: Header) -> Mapping[str, str]:
    return {
        entry.key: entry.source if entry.value is None else entry.value
        for entry in header.entries
        if entry.key not in _INTERPRETED
    }
