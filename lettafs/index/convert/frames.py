"""Frames between the pool and its children: a small JSON head, and bytes, both told in length."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

__all__ = ["BadFrame", "read_frame", "write_frame"]

_MOST_HEAD = 16_000_000
"""Bytes; a mark for each of many pages fits."""


class BadFrame(Exception):
    """What came is no frame: the other side ended, or is no longer to be trusted."""


def write_frame(stream: BinaryIO, head: Mapping[str, Any], body: bytes = b"") -> None:
    """Send one frame."""
    told = json.dumps({**head, "size": len(body)}).encode()
    stream.write(len(told).to_bytes(4, "big"))
    stream.write(told)
    if body:
        stream.write(body)
    stream.flush()


def read_frame(stream: BinaryIO, *, most_body: int) -> tuple[dict[str, Any], bytes]:
    """Return the next frame's head and body.

    Raises:
        BadFrame: the stream ended, or what came is no frame, or its body is too long.
    """
    length = int.from_bytes(_exactly(stream, 4), "big")
    if length > _MOST_HEAD:
        raise BadFrame("the head is too long")
    try:
        head = json.loads(_exactly(stream, length))
    except (ValueError, RecursionError) as problem:
        raise BadFrame("the head is not JSON") from problem
    size = head.pop("size", None) if isinstance(head, dict) else None
    if not isinstance(size, int) or not 0 <= size <= most_body:
        raise BadFrame("the body is too long")
    return head, _exactly(stream, size)


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise BadFrame("the stream ended")
    return data
