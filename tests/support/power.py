"""What a power cut leaves: a directory rebuilt from the log of changes, as a file system might.

The model: the bytes of a file are durable after its `fsync`, a name after the `fsync_dir` of its
directory. Everything else may be there or not at the moment of the cut. Git's own steps are not in
the log; its branch moves while `checkpoint.pending` lies there, and is on disk once that is gone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple, get_args

from lettafs.disk.faults import Op

__all__ = ["MARKER", "VARIANTS", "Disk", "Left", "Variant"]

Variant = Literal["all", "nothing", "names", "zeros", "half", "data"]
"""Of what was not made durable: everything is there; nothing; names without bytes; names with zeros
for bytes; names with half of the bytes; bytes without new names."""

VARIANTS: tuple[Variant, ...] = get_args(Variant)
MARKER = ".lettafs/checkpoint.pending"


@dataclass(slots=True)
class _File:
    synced: bytes = b""
    now: bytes = b""

    def left(self, variant: Variant) -> bytes:
        match variant:
            case "all" | "data":
                return self.now
            case "nothing" | "names":
                return self.synced
            case "zeros":
                return self.synced + b"\0" * (len(self.now) - len(self.synced))
            case "half":
                new = len(self.now) - len(self.synced)
                return self.now[: len(self.synced) + max(new // 2, 0)]


class Left(NamedTuple):
    """A name found after the cut."""

    number: int
    """Equal for two names of one file."""
    data: bytes


@dataclass
class Disk:
    """A directory, as it is now and as much of it as is durable."""

    root: Path
    names: dict[str, _File] = field(default_factory=dict)
    durable: dict[str, _File] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    durable_folders: set[str] = field(default_factory=set)
    git: dict[str, bytes] = field(default_factory=dict)
    """What git itself wrote (its branch, log and index), on disk when the marker has gone."""

    @classmethod
    def of(cls, root: Path, before: dict[str, bytes], folders: Sequence[str]) -> Disk:
        """Return a disk on which everything is durable."""
        files = {path: _File(data, data) for path, data in before.items()}
        return cls(root, dict(files), dict(files), set(folders), set(folders))

    def do(self, op: Op) -> None:
        """Let one change happen."""
        path = self._path(op.path)
        match op.name:
            case "create":
                self.names.setdefault(path, _File())
            case "write":
                file = self.names[path]
                at = op.offset or 0
                file.now = file.now[:at].ljust(at, b"\0") + op.data + file.now[at + len(op.data) :]
            case "truncate":
                file = self.names[path]
                file.now = file.now[: op.offset or 0]
            case "fsync":
                file = self.names[path]
                file.synced = file.now
            case "fsync_dir":
                self._settle(path)
            case "mkdir":
                self.folders.add(path)
            case "unlink":
                self.names.pop(path, None)
                if path == MARKER:
                    self._git_is_done()
            case "rename" | "link" | "exchange":
                assert op.target is not None, op
                self._move(op.name, path, self._path(op.target))
            case "chmod":
                pass
            case _:
                raise AssertionError(f"the simulator does not know {op}")

    def _path(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _move(self, how: str, path: str, target: str) -> None:
        file = self.names[path]
        if how == "exchange":
            self.names[path] = self.names[target]
        elif how == "rename":
            del self.names[path]
        self.names[target] = file

    def _settle(self, folder: str) -> None:
        def here(path: str) -> bool:
            return str(PurePosixPath(path).parent) == folder

        for path in [path for path in self.durable if here(path) and path not in self.names]:
            del self.durable[path]
        self.durable.update((path, file) for path, file in self.names.items() if here(path))
        self.durable_folders |= {path for path in self.folders if here(path)}

    def _git_is_done(self) -> None:
        # A file system that has the branch's new name has every name that was made before it.
        for path, data in self.git.items():
            self.names[path] = self.durable[path] = _File(data, data)
        for path, file in self.names.items():
            if path.startswith(".git/objects/"):
                self.durable[path] = file
        self.durable_folders |= {path for path in self.folders if path.startswith(".git")}

    def left(self, variant: Variant) -> dict[str, Left]:
        """Return what is found after a power cut at this moment."""
        with_names = variant not in ("nothing", "data")
        names = self.names if with_names else self.durable
        folders = self.folders if with_names else self.durable_folders
        return {
            path: Left(id(file), file.left(variant))
            for path, file in names.items()
            if all(str(p) in folders for p in PurePosixPath(path).parents if str(p) != ".")
        }

    def build(self, root: Path, files: dict[str, Left]) -> None:
        """Make `root` that directory; two names of one file are two names of one file."""
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        for folder in sorted(self.durable_folders):
            (root / folder).mkdir(parents=True, exist_ok=True)
        made: dict[int, Path] = {}
        for name, left in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if left.number in made:
                os.link(made[left.number], path)
            else:
                path.write_bytes(left.data)
                made[left.number] = path
