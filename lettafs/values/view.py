"""A view: the part of an open file that stands in front of the model."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["View"]


@dataclass(frozen=True, slots=True)
class View:
    """One open file."""

    file: str
    """Its name, as in `FileInfo.name`."""
    start: int = 0
    """Lines of the file before the first that is shown."""
    length: int | None = None
    """Lines that are shown; None: as many as there is room for."""
