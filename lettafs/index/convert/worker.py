"""The child: takes documents from one pipe, gives texts to another, and has nothing else.

Started by `child.py` with the pool's limits as an argument. It says when it is ready, then answers
one frame with one frame until its pipe ends.
"""

from __future__ import annotations

import dataclasses
import gc
import os
import warnings
from typing import Any, BinaryIO

from lettafs.index.convert import confine
from lettafs.index.convert.failure import MEMORY, Failure
from lettafs.index.convert.frames import BadFrame, read_frame, write_frame
from lettafs.index.convert.limits import Limits
from lettafs.values.file import FileText

__all__ = ["main"]


def main(limits: Limits) -> None:
    """Convert documents until there are no more."""
    requests, replies = _take_pipes()
    os.umask(0o077)
    warnings.simplefilter("ignore")
    has_left = confine.leave_the_network()
    confine.watch_parent(requests.fileno())
    # Here, after the network is gone: a second of loading, once for many documents.
    from lettafs.index.convert.documents import Documents

    documents = Documents(limits)
    _load_the_rest()
    confine.limit(limits)
    confine.forbid()
    gc.freeze()
    write_frame(replies, {"ready": True, "no_network": has_left, **_memory()})
    while True:
        try:
            head, data = read_frame(requests, most_body=limits.source_bytes)
        except BadFrame:
            return
        confine.allow_cpu(limits.cpu_s)
        found = documents.convert(data, kind=str(head["kind"]), archives=bool(head["archives"]))
        del data
        told, body = _told(found)
        write_frame(replies, {**told, **_memory()}, body)
        del found, told, body
        gc.collect()


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Return the two pipes; what a library prints goes nowhere from now on."""
    requests, replies = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)
    return os.fdopen(requests, "rb"), os.fdopen(replies, "wb")


def _load_the_rest() -> None:
    # Modules that readers load when first used: better before the limits than under them.
    import mimetypes

    import openpyxl  # noqa: F401
    import pypdfium2  # noqa: F401
    import xlrd  # type: ignore[import-untyped]  # noqa: F401

    # Without the machine's own lists: the same bytes give the same text everywhere.
    mimetypes.init([])


def _memory() -> dict[str, int]:
    now = confine.memory_in_use()
    return {"resident": now.resident, "peak": now.peak}


def _told(found: FileText | Failure) -> tuple[dict[str, Any], bytes]:
    match found:
        case Failure():
            return {"failure": dataclasses.asdict(found)}, b""
        case FileText():
            try:
                # Half of a pair of surrogates is no character, and has no bytes.
                body = found.text.encode("utf-8", errors="replace")
            except MemoryError:
                return {"failure": dataclasses.asdict(MEMORY)}, b""
            return {
                "kind": found.kind,
                "note": found.note,
                "pages": [list(mark) for mark in found.pages],
            }, body
