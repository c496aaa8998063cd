"""The files of the index: Whoosh's storage over a sealed directory.

What is read was opened under the seal and comes whole into memory, so that no later change of a
file can reach a reader. What is written is new: no file is ever written twice.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from lettafs.disk import derived
from lettafs.disk.seal import SealBroken, Sealed, open_sealed
from lettafs.index.engine.whoosh_parts import BufferFile, Storage, StructFile

__all__ = ["Files"]


class Files(Storage):  # type: ignore[misc]  # Whoosh has no types
    """Storage for one generation of the index."""

    def __init__(self, directory: Path, *, sealed: Sealed | None) -> None:
        self._directory = directory
        self._sealed = sealed
        """None: nothing is read."""

    def read(self, name: str) -> bytes:
        """Return a sealed file's bytes.

        Raises:
            SealBroken: it is not what was sealed.
            OSError: it cannot be read.
        """
        if self._sealed is None:
            raise SealBroken(f"{name} is not sealed")
        fd = open_sealed(self._directory, name, self._sealed)
        with os.fdopen(fd, "rb") as file:
            data = file.read()
        if len(data) != self._sealed.files[name].size:
            raise SealBroken(f"{name} has changed while it was read")
        return data

    def open_file(self, name: str, *_: object, **__: object) -> Any:
        """Return a sealed file's bytes as a file of Whoosh's."""
        return BufferFile(self.read(name), name=name)

    def create_file(self, name: str, *_: object, **__: object) -> Any:
        """Return a new file, open for writing."""
        return StructFile(derived.create(self._directory, name), name=name)

    def delete_file(self, name: str) -> None:
        """Take a file away that was begun and is not wanted."""
        derived.drop(self._directory, [name])

    def file_exists(self, name: str) -> bool:
        """Tell whether a file is sealed."""
        return self._sealed is not None and name in self._sealed.files

    def file_length(self, name: str) -> int:
        """Return a sealed file's length."""
        if self._sealed is None or name not in self._sealed.files:
            raise SealBroken(f"{name} is not sealed")
        return self._sealed.files[name].size

    def list(self) -> list[str]:
        """Return the names of the sealed files."""
        return [] if self._sealed is None else list(self._sealed.files)
