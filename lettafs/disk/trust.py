"""What this user allowed this machine to do for an agent directory: `trust.json`, theirs alone.

An agent directory may come from a stranger, and it may name things outside itself, such as a folder
of documents. Nothing of that is touched before the user said so, here, for this very directory: it
is known by its place and its number, so that a copy, or another directory in its place, has to be
allowed anew. The file lies with the user's configuration, never in an agent.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from lettafs.disk import atomic, calls, lock
from lettafs.errors import DiskProblem

__all__ = ["Trust", "TrustKind"]

TrustKind = Literal["folder"]
"""`folder`: documents outside the agent directory, by their real path."""

_NAME = "trust.json"
_MAX_BYTES = 16 * 2**20
_FORM = 1


class Trust:
    """The user's list of what was allowed; read anew each time it is asked."""

    def __init__(self, config_dir: Path) -> None:
        self._path = config_dir / _NAME

    def allows(self, root: Path, kind: TrustKind, item: str) -> bool:
        """Tell whether the user allowed an agent directory this. Never fails: no is the default."""
        try:
            return _digest(kind, item) in self._said(_whose(root)).get("items", {})
        except (OSError, DiskProblem, AttributeError, TypeError):
            return False

    def allow(self, root: Path, kind: TrustKind, item: str, *, at: str) -> None:
        """Note that the user allows it.

        Args:
            root: the agent directory.
            kind: what sort of thing.
            item: exactly what: of a folder its real path.
            at: when, as records carry times.

        Raises:
            DiskProblem: the list cannot be written.
        """
        with self._changing() as entries:
            said = entries.setdefault(_whose(root), {"path": str(root.resolve()), "items": {}})
            said["items"][_digest(kind, item)] = {"kind": kind, "shown": item, "at": at}

    def forget(self, root: Path, kind: TrustKind, item: str) -> None:
        """Take it back.

        Raises:
            DiskProblem: the list cannot be written.
        """
        if not self.allows(root, kind, item):
            return
        with self._changing() as entries:
            entries.get(_whose(root), {}).get("items", {}).pop(_digest(kind, item), None)

    def _said(self, whose: str) -> dict[str, Any]:
        found = self._entries().get(whose)
        return found if isinstance(found, dict) else {}

    def _entries(self) -> dict[str, Any]:
        """Return what the file holds; nothing where it is not the user's own, or damaged."""
        try:
            fd = os.open(self._path, calls.OPEN_READ)
        except (OSError, ValueError):
            return {}
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or not _is_own(status):
                return {}
        finally:
            os.close(fd)
        with suppress(FileNotFoundError, DiskProblem, ValueError, RecursionError):
            said = json.loads(atomic.read_bytes(self._path, max_bytes=_MAX_BYTES))
            if isinstance(said, dict) and said.get("form") == _FORM:
                entries = said.get("agents")
                return entries if isinstance(entries, dict) else {}
        return {}

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        """Yield the entries to be changed, and write them at the end; one process at a time."""
        atomic.make_dirs(self._path.parent)
        held = None
        for _ in range(50):
            held = lock.acquire(self._path.with_name("trust.lock"), about={"cmd": "lettafs"})
            if held is not None:
                break
            import time  # late: nearly never needed

            time.sleep(0.05)
        if held is None:
            raise DiskProblem(f"{self._path} is being changed by another process.", path=self._path)
        with held:
            entries = self._entries()
            yield entries
            data = json.dumps({"form": _FORM, "agents": entries}, indent=1, sort_keys=True)
            atomic.replace(self._path, data.encode() + b"\n", mode=0o600)


def _whose(root: Path) -> str:
    """Return what identifies an agent directory on this machine."""
    real = root.resolve()
    status = real.stat()
    return f"{real}|{status.st_dev:x}:{status.st_ino:x}"


def _digest(kind: str, item: str) -> str:
    return hashlib.sha256(f"{kind}\0{item}".encode("utf-8", "surrogatepass")).hexdigest()


def _is_own(status: os.stat_result) -> bool:
    if not hasattr(os, "geteuid"):
        return True  # Windows: the directory's own access list decides
    return status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) & 0o022 == 0
