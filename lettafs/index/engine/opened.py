"""An open generation of the index: its segments, read under the seal that was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lettafs.disk import derived, fingerprint
from lettafs.disk.fingerprint import Stamp
from lettafs.disk.seal import SEAL_NAME, Sealed, read_seal
from lettafs.index.engine.state import State
from lettafs.index.engine.storage import Files
from lettafs.index.engine.stored import Cache, Stored

__all__ = ["Opened", "open_sealed_index", "seal_stamp"]


@dataclass(frozen=True, slots=True)
class Opened:
    """A generation whose files are in memory."""

    stamp: Stamp
    """Of the seal's file: another one means another generation."""
    sealed: Sealed
    state: State
    parts: Sequence[Stored]
    """As listed in the state."""


def seal_stamp(directory: Path, *, root: Path) -> Stamp | None:
    """Return what the seal of an index looks like; None: there is none, or links lead to it."""
    if not derived.is_safe(directory, root=root):
        return None
    return fingerprint.stamp(directory / SEAL_NAME)


def open_sealed_index(
    directory: Path,
    *,
    stamp: Stamp,
    key: bytes,
    version: str,
    fields: int,
    cache: Cache,
    before: Opened | None = None,
) -> Opened | None:
    """Return the generation a seal vouches for; None: there is none, or it is of another version.

    Args:
        directory: where it lies; see `seal_stamp`.
        stamp: what the seal looked like.
        key: the user's.
        version: what it has to be of.
        fields: how many numbers a document has.
        cache: for decoded postings.
        before: a generation that was open: segments that are in both are not read again.

    Raises:
        Exception: of any kind, where a file is damaged or has gone since.
    """
    sealed = read_seal(directory, key=key)
    if sealed is None or sealed.state.get("version") != version:
        return None
    state = State.from_json(sealed.state)
    files = Files(directory, sealed=sealed)
    known = {} if before is None else {part.entry.name: part for part in before.parts}
    parts = []
    for entry in state.entries:
        part = known.get(entry.name)
        if part is not None:
            parts.append(part.as_listed(entry))
        else:
            parts.append(Stored(entry, files, fields=fields, cache=cache))
    return Opened(stamp, sealed, state, parts)
