"""A zip as one text: each of its files under its name, read as if it lay in the folder itself."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable

from lettafs.index.convert.decode import decode
from lettafs.index.convert.failure import PASSWORD, Failure, damaged
from lettafs.index.convert.kinds import kind_of
from lettafs.index.convert.limits import Limits
from lettafs.index.convert.paged import Paged
from lettafs.values.file import FileText

__all__ = ["read_zip"]

Read = Callable[[bytes, str], "FileText | Failure"]


def read_zip(
    data: bytes, *, read: Read, has_time: Callable[[], bool], limits: Limits
) -> FileText | Failure:
    """Return the texts of a container's files; `read` converts one, given its bytes and kind.

    When `has_time` says no, the rest is left out and the note says so. Nothing is unpacked to disk,
    so a name that climbs out of the folder is just a name. A container in a container is not read.
    """
    text = Paged(text_chars=limits.text_chars)
    left_out = 0
    with zipfile.ZipFile(io.BytesIO(data)) as container:
        for entry in container.infolist():
            if entry.is_dir() or text.is_full:
                continue
            if not has_time():
                text.cut()
                break
            if entry.flag_bits & 0x1:
                return PASSWORD
            found = _member(container, entry, read=read, limits=limits)
            if isinstance(found, Failure):
                left_out += 1
                continue
            text.page(f"file {entry.filename}")
            text.add(found.text)
    files = f"{left_out} file{'s' if left_out > 1 else ''}"
    if left_out and not text.holds_text:
        return Failure("unsupported", f"none of its files can be read ({files})")
    return text.done(
        "zip", note=f"{files} in it could not be read or held no text." if left_out else ""
    )


def _member(
    container: zipfile.ZipFile, entry: zipfile.ZipInfo, *, read: Read, limits: Limits
) -> FileText | Failure:
    if entry.file_size > limits.source_bytes:
        return Failure("too-large", "it is larger than is read")
    try:
        data = container.read(entry)
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, EOFError):
        return damaged("a whole file")
    kind = kind_of(entry.filename, data[: 64 * 1024])
    match kind.way:
        case "decode":
            return decode(data, kind=kind.name, text_chars=limits.text_chars)
        case "convert" if kind.name != "zip":
            return read(data, kind.name)
        case _:
            return Failure("unsupported", kind.reason or "it is an archive in an archive")
