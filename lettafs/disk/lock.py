"""The hold on a home: one writer at a time, over processes and threads.

The kernel keeps the hold and ends it with its process, so nothing is ever stale. What the file says
(process, host, command, since) is for the message to a second comer, and nothing is decided by it.
On a network drive the hold is as good as the drive's own locks.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from lettafs.disk import calls
from lettafs.errors import DiskProblem

__all__ = ["Held", "acquire", "holder"]

_MAX_ABOUT = 4096


class Held:
    """The hold, until `release` or the end of the process; also a context manager."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self._fd: int | None = fd
        self._taken_at_ns = os.fstat(fd).st_mtime_ns

    @property
    def wanted(self) -> bool:
        """True when somebody has asked for the hold since it was taken, and did not get it."""
        return self._fd is not None and os.fstat(self._fd).st_mtime_ns != self._taken_at_ns

    def release(self) -> None:
        """End the hold; a second call does nothing."""
        fd, self._fd = self._fd, None
        if fd is None:
            return
        try:
            with suppress(OSError):  # the text is a courtesy; a full disk must not keep the hold
                os.ftruncate(fd, 0)
            _unlock(fd)
        finally:
            os.close(fd)

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()


def acquire(path: Path, *, about: Mapping[str, str]) -> Held | None:
    """Return the hold on the lock file at `path`, None while somebody else has it. Never waits.

    Args:
        path: the lock file; it and its directory are made when missing, and it is never deleted.
        about: what to tell a second comer, `cmd` and `since` first of all.

    Raises:
        DiskProblem: the file cannot be made or opened, or is a link.
    """
    with calls.refusals(path, "lock"):
        with suppress(FileExistsError):
            calls.make_dir(path.parent)
        for _ in range(10):
            fd = _open(path)
            try:
                if not _try_lock(fd):
                    with suppress(OSError):  # tells the holder that somebody waits: see `wanted`
                        os.utime(path, follow_symlinks=False)
                    os.close(fd)
                    return None
                if _is_still(path, fd):
                    _tell(fd, about)
                    return Held(path, fd)
            except BaseException:
                with suppress(OSError):
                    os.close(fd)
                raise
            os.close(fd)  # somebody deleted `.lettafs` in between: hold the new file instead
    raise DiskProblem(f"Could not lock {path}: it keeps disappearing", path=path)


def holder(path: Path) -> str:
    """Say in words who last took the lock, as far as the file tells.

    Example:
        process 123 on tower, `lettafs chat ada`, since 09:00
    """
    try:
        said = json.loads(calls.slurp(path, max_bytes=_MAX_ABOUT))
    except (OSError, DiskProblem, ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        return "another process"
    facts = {key: _printable(value) for key, value in said.items()}
    words = f"process {facts['pid']}" if facts.get("pid") else "another process"
    if facts.get("host"):
        words += f" on {facts['host']}"
    if facts.get("cmd"):
        words += f", `{facts['cmd']}`"
    if facts.get("since"):
        words += f", since {facts['since']}"
    return words


def _printable(value: object) -> str:
    """Return text that is safe in a terminal: the file may come from anybody."""
    return "".join(c for c in str(value) if c.isprintable())[:200]


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    flags |= getattr(os, "O_NONBLOCK", 0)  # a pipe with this name must not hold us
    fd = os.open(path, flags, 0o666)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise DiskProblem(f"{path} is not a regular file: it cannot be the lock", path=path)
    return fd


def _is_still(path: Path, fd: int) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(fd))
    except FileNotFoundError:
        return False


def _tell(fd: int, about: Mapping[str, str]) -> None:
    said = {"pid": os.getpid(), "host": socket.gethostname(), **about}
    with suppress(OSError):  # a full disk: the hold counts, not the text
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps(said).encode()[:_MAX_ABOUT], 0)


if sys.platform == "win32":

    def _try_lock(fd: int) -> bool:
        # Reason: the module exists on Windows only.
        import msvcrt

        try:
            os.lseek(fd, 1 << 30, os.SEEK_SET)  # beyond the text, which others must be able to read
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(fd: int) -> None:
        import msvcrt

        os.lseek(fd, 1 << 30, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

else:

    def _try_lock(fd: int) -> bool:
        # Reason: the module exists on Unix only.
        import fcntl

        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return False
            raise
        return True

    def _unlock(fd: int) -> None:
        import fcntl

        fcntl.flock(fd, fcntl.LOCK_UN)
