"""Names of the files of vectors: two for each embedder that a home has had."""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from lettafs.disk import atomic
from lettafs.index.vectors.log import look_at

__all__ = ["forget_others", "path_of"]

_PREFIX = "archival-"
_KINDS = ("vectors", "usearch")


def path_of(directory: Path, kind: str, *, identity: str, dimensions: int) -> Path:
    """Return where an embedder's vectors lie (`vectors`), or the graph over them (`usearch`)."""
    about = f"{identity}\0{dimensions}".encode("utf-8", "surrogatepass")
    return directory / f"{_PREFIX}{blake2b(about, digest_size=4).hexdigest()}.{kind}"


def forget_others(directory: Path, *, keep: str) -> None:
    """Remove the files of all embedders but one and, of the others, the one written last.

    Args:
        directory: where they lie.
        keep: the stem of the files that stay anyhow.

    Raises:
        DiskProblem: the disk refused.
    """
    others: dict[str, int] = {}
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            stem, _, kind = entry.name.rpartition(".")
            seen = look_at(Path(entry.path))
            if stem.startswith(_PREFIX) and stem != keep and kind in _KINDS and seen is not None:
                others[stem] = max(others.get(stem, 0), seen.mtime_ns)
    for stem in sorted(others, key=lambda name: others[name])[:-1]:
        for kind in _KINDS:
            atomic.unlink(directory / f"{stem}.{kind}")
