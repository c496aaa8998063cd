"""Whether indexes lag so far behind the files that bringing them up is worth its cost.

Asked after every turn, so it looks at a few files' times and loads nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lettafs.disk.seal import SEAL_NAME
from lettafs.format import layout
from lettafs.stores.archival import Archival
from lettafs.stores.recall import Recall

if TYPE_CHECKING:
    from lettafs.stores.segments import Segments

__all__ = ["CAUGHT_UP", "SHELF_INDEX", "TALK_INDEX", "VECTORS", "is_behind"]

TALK_INDEX = "recall"
SHELF_INDEX = "archival"
VECTORS = "vectors"
CAUGHT_UP = "caught-up"
"""A file among the vectors that is written anew each time no passage lacks one."""
"""Directories under the place for indexes."""

_SMALL_BYTES = 2**17
"""A history shorter than this is read faster than an index is opened."""


def is_behind(recall: Recall, archival: Archival, *, directory: Path, by_meaning: bool) -> bool:
    """Tell whether there is enough to do for indexes in `directory`.

    Args:
        recall: the messages.
        archival: the passages.
        directory: the place for this home's indexes.
        by_meaning: whether passages get vectors.
    """
    return (
        _words_are(recall.segments, directory / TALK_INDEX)
        or _words_are(archival.segments, directory / SHELF_INDEX)
        or (by_meaning and _vectors_are(archival.segments, directory / VECTORS))
    )


def _words_are(segments: Segments[Any], directory: Path) -> bool:
    paths = segments.paths()
    if len(paths) <= _SMALL_BYTES // layout.SEGMENT_ROLL_BYTES:
        return False
    # The last segment is always partly new; the one before it is written to no more.
    return _changed(segments.file(paths[-2])) > _changed(directory / SEAL_NAME)


def _vectors_are(segments: Segments[Any], directory: Path) -> bool:
    paths = segments.paths()
    return bool(paths) and _changed(segments.file(paths[-1])) > _changed(directory / CAUGHT_UP)


def _changed(path: Path) -> int:
    """Return when a file changed; 0 for one that is not there."""
    try:
        return os.lstat(path).st_mtime_ns
    except OSError:
        return 0
