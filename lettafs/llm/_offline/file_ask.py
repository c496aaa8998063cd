"""What can be asked of attached files, as values."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Close", "FileAsk", "Grep", "ListFiles", "Open", "Place", "Search", "Unclear"]


@dataclass(frozen=True, slots=True)
class Place:
    """Which part of a file is asked for."""

    page: str = ""
    """`page 3`, `slide 3`, `sheet Costs`; empty when lines are meant."""
    lines: tuple[int, int] | None = None
    """First and last line, counted from 1."""


@dataclass(frozen=True, slots=True)
class Open:
    """Open a file and quote from it."""

    file: str
    """Its name; as it was said when there is no such file on the shelf."""
    is_known: bool = True
    place: Place | None = None
    about: tuple[str, ...] = ()
    """What of it is asked, in words; empty for its beginning."""
    sums_up: bool = False
    """A summary was wanted, which takes a model that thinks."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """A name that fits several files."""

    said: str
    among: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """Find what files say about something."""

    query: str
    file: str | None = None
    folder: str | None = None


@dataclass(frozen=True, slots=True)
class Grep:
    """Find the lines that match."""

    pattern: str
    file: str | None = None
    folder: str | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """Close a file, or all."""

    file: str | None
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class ListFiles:
    """Say which files there are."""

    only_open: bool = False
    folder: str | None = None


FileAsk = Open | Unclear | Search | Grep | Close | ListFiles
