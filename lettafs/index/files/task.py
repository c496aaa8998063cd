"""A task: one file that has to be read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lettafs.values.file import FileInfo

__all__ = ["LIGHT", "Task"]

LIGHT = frozenset({"text", "code", "markdown", "table"})
"""Kinds whose text is decoded from their bytes in no time."""

_HEAVY = frozenset(
    "pdf docx docm pptx pptm xlsx xlsm xls doc ppt html htm xhtml epub ipynb msg zip odt ods odp "
    "rss atom xml".split()
)
"""Endings of files that are worth a thread of their own."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be read."""

    info: FileInfo
    root: Path
    """Real path of its folder."""
    archives: bool = False
    """Whether the files in a zip are read."""

    @property
    def is_heavy(self) -> bool:
        """Whether it probably has to be converted, by its name."""
        return self.info.path.rpartition(".")[2].lower() in _HEAVY
