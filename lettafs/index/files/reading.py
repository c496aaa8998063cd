"""Reading one file: from its bytes to what is known of it, and its text."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from lettafs.disk.beneath import BeingWritten, is_sure, read_beneath, stamp_beneath
from lettafs.disk.fingerprint import Stamp
from lettafs.errors import DiskProblem
from lettafs.index.convert.decode import decode
from lettafs.index.convert.failure import Failure
from lettafs.index.convert.kinds import VERSION, kind_of
from lettafs.index.convert.limits import Limits
from lettafs.index.convert.pool import Pool
from lettafs.index.files.task import LIGHT
from lettafs.index.files.texts import Texts
from lettafs.values.file import FileInfo, FileState, FileText

__all__ = ["Reader", "Reading"]

_HEAD_BYTES = 64 * 1024


class Reading(NamedTuple):
    """What became of a file."""

    info: FileInfo
    stamp: Stamp | None
    """Of what was read; None: it was not read, or may change without looking otherwise."""
    text: FileText | None


class Reader:
    """Reads files into texts. Several threads may read at once."""

    def __init__(
        self,
        directory: Path | None,
        *,
        root: Path,
        key: bytes | None,
        limits: Limits | None = None,
        workers: int = 2,
    ) -> None:
        """Make one; nothing is read, and no child begun, yet.

        Args:
            directory: where converted texts are kept; None: in memory.
            root: the home.
            key: the user's.
            limits: what a document may take.
            workers: children at most.
        """
        self.texts = Texts(directory, root=root, key=key, version=VERSION)
        self._limits = limits or Limits()
        self._workers = workers
        self._pool: Pool | None = None
        self._making = threading.Lock()

    @property
    def pool(self) -> Pool:
        """The children that convert; they begin when there is something to convert."""
        with self._making:
            if self._pool is None:
                self._pool = Pool(limits=self._limits, workers=self._workers)
            return self._pool

    @property
    def peak_memory_bytes(self) -> int:
        """The most memory a child has had; 0: there was none."""
        return 0 if self._pool is None else self._pool.peak_memory_bytes

    def close(self) -> None:
        """Let the children go; they begin anew when they are needed."""
        with self._making:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def again(self, root: Path, info: FileInfo, *, archives: bool = False) -> FileText | None:
        """Return the text of a file that was read before; None: it has other bytes by now.

        Args:
            root: real path of its folder.
            info: what was found when it was read.
            archives: whether what lies in a zip is read.

        Raises:
            FileNotFoundError: it is gone.
            DiskProblem: it cannot be read.
        """
        if info.kind not in LIGHT:
            reading = self.read(root, info, archives=archives)
            return reading.text if reading.info.sha256 == info.sha256 else None
        data, _ = read_beneath(root, info.path, max_bytes=self._limits.source_bytes)
        if hashlib.sha256(data).hexdigest() != info.sha256:
            return None
        text = decode(data, kind=info.kind)
        return text if isinstance(text, FileText) else None

    def read(self, root: Path, info: FileInfo, *, archives: bool = False) -> Reading:
        """Return what a file says; never fails for what it holds.

        Raises:
            FileNotFoundError: it is gone.

        Args:
            root: real path of its folder.
            info: which file; its folder, path and name are kept.
            archives: whether what lies in a zip is read.
        """
        taken_at_ns = time.time_ns()
        try:
            data, stamp = read_beneath(root, info.path, max_bytes=self._limits.source_bytes)
        except BeingWritten:
            waiting = replace(info, state="waiting", reason="it is being written")
            return Reading(waiting, None, None)
        except DiskProblem as error:
            failed = replace(info, state="failed", reason=str(error).rstrip("."), sha256=None)
            # What is too large, or no file, stays so until it changes.
            return Reading(failed, stamp_beneath(root, info.path), None)
        sure = stamp if is_sure(stamp, taken_at_ns=taken_at_ns) else None
        sha256 = hashlib.sha256(data).hexdigest()
        kind = kind_of(info.path, data[:_HEAD_BYTES])
        info = replace(info, size=stamp.size, modified_ns=stamp.mtime_ns)
        info = replace(info, sha256=sha256, kind=kind.name, chars=0, lines=0, pages=0, reason="")
        way = "convert" if kind.name == "zip" and archives else kind.way
        if way == "none":
            return Reading(replace(info, state="empty", reason=kind.reason), sure, None)
        text: FileText | Failure | None
        if way == "decode":
            text = decode(data, kind=kind.name)
        else:
            text = self._kept(sha256, kind.name, archives=archives)
            if text is None:
                text = self.pool.convert(
                    data, name=info.path.rpartition("/")[2], kind=kind.name, archives=archives
                )
                if isinstance(text, FileText):
                    self.texts.put(sha256, text)
        if isinstance(text, Failure):
            state: FileState = "empty" if text.is_empty else "failed"
            if text.code == "converter":
                sure = None  # not the document's fault: it is tried again
            return Reading(replace(info, state=state, reason=text.reason), sure, None)
        known = replace(
            info,
            state="ready",
            reason=text.note,
            chars=len(text.text),
            lines=text.line_count,
            pages=len(text.pages),
        )
        return Reading(known, sure, text)

    def _kept(self, sha256: str, kind: str, *, archives: bool) -> FileText | None:
        """Return what a document with these bytes was converted to, as this kind of document."""
        text = None if kind == "zip" and not archives else self.texts.get(sha256)
        return text if text is not None and text.kind == kind else None
