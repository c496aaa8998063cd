"""The log of vectors: a file that only grows, a frame for every batch.

    frame   b"LFV1", number of rows (uint32), code (24 bytes), keys (uint64 each), rows (float16)

Numbers are little-endian. The code covers the frame and its place in the file, so a frame is whole,
ours and where we put it, or it is not read. What follows a frame that is not is not read either:
those vectors are made anew, and the next writer cuts the rest off. Adding a batch therefore takes
the same time whatever the log holds, and a crash costs the last batch at most.
"""

from __future__ import annotations

import io
import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lettafs.disk import atomic
from lettafs.errors import DiskProblem
from lettafs.index.vectors.code import CODE_BYTES, Code
from lettafs.index.vectors.rows import Keys, Vectors

__all__ = ["Batch", "Look", "append", "clear", "look_at", "read", "rewrite"]

_MAGIC = b"LFV1"
_HEAD = struct.Struct("<4sI")
_HEAD_BYTES = _HEAD.size + CODE_BYTES
_PURPOSE = b"log"
_MAX_ROWS = 4_096
"""Rows of a frame: a reader takes no more memory at once, however many a writer brings."""

_OPEN = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a pipe with this name must not hold us
)


class Look(NamedTuple):
    """What a file looks like: the same look, nothing new to read."""

    inode: int
    size: int
    mtime_ns: int


class Batch(NamedTuple):
    """The rows of one frame."""

    keys: Keys
    vectors: NDArray[np.float16]
    end: int
    """Where the frame ends in the file."""


def look_at(path: Path) -> Look | None:
    """Return what the log's file looks like, None where there is no regular file of one name."""
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return None
    # A second name may be a person's file elsewhere, which must not be cut or added to.
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        return None
    return Look(status.st_ino, status.st_size, status.st_mtime_ns)


def read(path: Path, *, code: Code, dimensions: int, start: int = 0) -> Iterator[Batch]:
    """Yield the frames from `start` on, up to the first that is not whole, not ours or not there.

    Never raises for what the file holds, or for a file that cannot be read.
    """
    try:
        fd = os.open(path, _OPEN)
    except (OSError, ValueError):
        return
    with io.BufferedReader(io.FileIO(fd, "rb"), 1 << 18) as file:
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                return
            file.seek(start)
            at = start
            while (batch := _next(file, at, status.st_size, code, dimensions)) is not None:
                yield batch
                at = batch.end
        except OSError:
            return


def _next(file: io.BufferedIOBase, at: int, size: int, code: Code, dimensions: int) -> Batch | None:
    head = file.read(_HEAD_BYTES)
    if len(head) < _HEAD_BYTES:
        return None
    magic, count = _HEAD.unpack_from(head)
    length = count * (8 + 2 * dimensions)
    end = at + _HEAD_BYTES + length
    if magic != _MAGIC or not 0 < count <= _MAX_ROWS or end > size:
        return None
    body = file.read(length)
    if len(body) < length:
        return None
    if not code.holds(head[_HEAD.size :], _PURPOSE, _covered(at, count, body)):
        return None
    keys = np.frombuffer(body, "<u8", count).astype(np.uint64, copy=False)
    rows = np.frombuffer(body, "<f2", count * dimensions, 8 * count)
    return Batch(keys, rows.astype(np.float16, copy=False).reshape(count, dimensions), end)


def _covered(at: int, count: int, body: bytes) -> tuple[bytes, bytes]:
    return struct.pack("<QI", at, count), body


def _frames(keys: Keys, vectors: Vectors, *, code: Code, at: int) -> Iterator[bytes]:
    for begin in range(0, len(keys), _MAX_ROWS):
        some = keys[begin : begin + _MAX_ROWS]
        rows = vectors[begin : begin + _MAX_ROWS]
        body = some.astype("<u8").tobytes() + rows.astype("<f2").tobytes()
        made = code.of(_PURPOSE, _covered(at, len(some), body))
        frame = _HEAD.pack(_MAGIC, len(some)) + made + body
        at += len(frame)
        yield frame


def append(path: Path, keys: Keys, vectors: Vectors, *, code: Code, end: int) -> int:
    """Put rows at the end of the log; return where it ends now.

    Args:
        path: the log's file; made when it is missing.
        keys: of the rows.
        vectors: the rows.
        code: what vouches for them.
        end: where the last good frame ends; whatever lies behind it is cut off. The caller holds
            the hold under which only it writes.

    Raises:
        DiskProblem: the disk refused, or something other than a file has the name.
    """
    seen = look_at(path)
    if seen is None:
        clear(path)
    elif seen.size > end:
        atomic.cut_tail(path, end, save_to=None)
    data = b"".join(_frames(keys, vectors, code=code, at=end))
    atomic.append(path, data, new_file=seen is None)
    return end + len(data)


def rewrite(path: Path, keys: Keys, vectors: Vectors, *, code: Code) -> int:
    """Make the log hold these rows and no others; return where it ends.

    Raises:
        DiskProblem: the disk refused.
    """
    clear(path)
    data = b"".join(_frames(keys, vectors, code=code, at=0))
    atomic.replace(path, data, mode=0o600)
    return len(data)


def clear(path: Path) -> None:
    """Take away a link or whatever else is not a file of our own; what it leads to is not touched.

    Raises:
        DiskProblem: it cannot be taken away.
    """
    if look_at(path) is None and os.path.lexists(path):
        try:
            atomic.unlink(path)
        except DiskProblem as error:
            raise DiskProblem(
                f"{path} is in the way of the vectors: remove it", path=path
            ) from error
