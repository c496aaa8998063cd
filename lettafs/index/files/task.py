"""A task: one file that has to be read."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from lettafs.values.file import FileInfo
from lettafs.values.folder import Folder

__all__ = ["LIGHT", "Task", "rules_of"]

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


def rules_of(folder: Folder) -> str:
    """Return what is equal while a folder takes in the same files of a directory."""
    said = repr((folder.include, folder.exclude, folder.gitignore, folder.archives))
    return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
