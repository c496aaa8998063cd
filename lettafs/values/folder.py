"""A folder: documents an agent can open, grep and search, as `folders/NAME.toml` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Folder", "FolderInfo"]


@dataclass(frozen=True, slots=True)
class Folder:
    """One attached folder, or one attached file."""

    name: str
    """The stem of its file in `folders/`; every file of it is called `NAME/path`."""
    path: str
    """Where it lies: from the home on, or from the root or `~` on where it is outside."""
    id: str | None = None
    """`source-` and a UUID 4; None where a person wrote the file by hand."""
    description: str = ""
    instructions: str = ""
    """What the agent is told to do with it."""
    include: tuple[str, ...] = ()
    """Patterns as in `.gitignore`; empty: all files. A file they name is read even where the
    defaults would leave it out."""
    exclude: tuple[str, ...] = ()
    gitignore: bool = True
    """Whether files that the folder's own `.gitignore` files name are left out."""
    archives: bool = False
    """Whether the files in a zip are read."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Keys lettafs does not interpret, as parsed."""

    @property
    def is_outside(self) -> bool:
        """Whether it lies outside the home, by what its path looks like."""
        # A drive or a backslash is Windows' way to say it.
        return self.path.startswith(("/", "~", "\\")) or self.path[1:2] == ":"


@dataclass(frozen=True, slots=True)
class FolderInfo:
    """A folder, and how far its files have been read."""

    folder: Folder
    place: str | None
    """Where it really lies; None: it cannot be reached, as `trouble` says."""
    trouble: str = ""
    """Why its files cannot be read, as a sentence; empty: they can."""
    files: int = 0
    ready: int = 0
    waiting: int = 0
    empty: int = 0
    failed: int = 0
    size: int = 0
    """Bytes of all its files."""
    left_out: tuple[tuple[str, str], ...] = ()
    """What was seen and not taken for a file, and why: links, pipes, what lies too deep."""
