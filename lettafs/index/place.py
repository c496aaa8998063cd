"""Where a home's indexes lie, and what making and reading them needs from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lettafs.embed.base import Embedder

__all__ = ["NO_EMBEDDER", "IndexPlace"]

NO_EMBEDDER = "none"
"""In place of an embedder's handle: this agent's passages are found by words only."""


@dataclass(frozen=True, slots=True)
class IndexPlace:
    """One home's place for indexes."""

    directory: Path
    """`.lettafs/index` of the home, or where the person wants indexes kept."""
    key: Callable[[], bytes | None]
    """Returns the user's key for seals; None: there is none, and no index is kept."""
    embedder: Callable[[str | None], Embedder | None]
    """Returns the embedder of a handle (None: the built-in one); None: by words only.

    Raises LettafsError for a handle that makes no sense or lacks its key."""
    texts: Path | None = None
    """`.lettafs/text` of the home, or beside the indexes elsewhere; None: converted texts of files
    are not kept."""
