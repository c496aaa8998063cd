"""Whether indexes lag so far behind the files that bringing them up is worth its cost.

Asked after every turn, so it looks at a few files' times and loads nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lettafs.disk import atomic
from lettafs.disk.seal import SEAL_NAME
from lettafs.errors import DiskProblem
from lettafs.format import layout
from lettafs.index.place import NO_EMBEDDER
from lettafs.stores.archival import Archival
from lettafs.stores.recall import Recall

if TYPE_CHECKING:
    from lettafs.stores.segments import Segments

__all__ = ["CAUGHT_UP", "SHELF_INDEX", "TALK_INDEX", "VECTORS", "is_behind", "vectors_mark"]

TALK_INDEX = "recall"
SHELF_INDEX = "archival"
VECTORS = "vectors"
"""Directories under the place for indexes."""
CAUGHT_UP = "caught-up"
"""A file among the vectors: the `vectors_mark` of what was there when none was missing."""

_SMALL_BYTES = 2**17
"""A history shorter than this is read faster than an index is opened."""
_MAX_MARK_BYTES = 1024


def is_behind(
    recall: Recall, archival: Archival, *, directory: Path, embedding: str | None
) -> bool:
    """Tell whether there is enough to do for indexes in `directory`.

    A folder that cannot be listed has nothing that could be indexed.

    Args:
        recall: the messages.
        archival: the passages.
        directory: the place for this home's indexes.
        embedding: handle of the embedder that makes vectors, as agent.toml has it.
    """
    try:
        return (
            _words_are(recall.segments, directory / TALK_INDEX)
            or _words_are(archival.segments, directory / SHELF_INDEX)
            or _vectors_are(archival, directory / VECTORS, embedding=embedding)
        )
    except DiskProblem:
        return False


def vectors_mark(archival: Archival, *, embedding: str | None) -> bytes:
    """Return what stands for the passages there are and the embedder that is named.

    Take it before the passages are read: what is put away meanwhile then changes it.

    Raises:
        DiskProblem: the folder cannot be listed.
    """
    seen = [(path, stamp and list(stamp)) for path, stamp in archival.segments.stamps()]
    said = json.dumps([(embedding or "").strip(), seen])
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest().encode("ascii")


def _words_are(segments: Segments[Any], directory: Path) -> bool:
    paths = segments.paths()
    if len(paths) <= _SMALL_BYTES // layout.SEGMENT_ROLL_BYTES:
        return False
    # The last segment is always partly new; the one before it is written to no more.
    return _changed(segments.file(paths[-2])) > _changed(directory / SEAL_NAME)


def _vectors_are(archival: Archival, directory: Path, *, embedding: str | None) -> bool:
    if (embedding or "").strip() == NO_EMBEDDER or not archival.segments.paths():
        return False
    try:
        known = atomic.read_bytes(directory / CAUGHT_UP, max_bytes=_MAX_MARK_BYTES)
    except (FileNotFoundError, DiskProblem):
        return True
    return known != vectors_mark(archival, embedding=embedding)


def _changed(path: Path) -> int:
    """Return when a file changed; 0 for one that is not there."""
    try:
        return os.lstat(path).st_mtime_ns
    except OSError:
        return 0
