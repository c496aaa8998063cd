"""Whole files or none: reading, replacing, appending, cutting, so that a crash leaves old or new.

Every function that writes returns when what it wrote is durable. `OSError` becomes `DiskProblem` in
plain words, except where a docstring says otherwise. The last component of a path is never followed
when it is a link; `check_inside` looks at those before it.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import suppress
from pathlib import Path

from lettafs.disk import calls
from lettafs.disk.exchange import (
    Displaced,
    discard,
    exchange,
    quiet,
    remove,
    rename_noreplace,
    settle,
)
from lettafs.errors import DiskProblem

__all__ = [
    "Displaced",
    "append",
    "check_inside",
    "clear_temps",
    "cut_tail",
    "discard",
    "exchange",
    "make_dirs",
    "quiet",
    "read_bytes",
    "remove",
    "rename_noreplace",
    "replace",
    "settle",
    "unlink",
    "write_new",
]


_TEMP = re.compile(re.escape(calls.TEMP_PREFIX) + "[0-9a-f]{16}")


def read_bytes(path: Path, *, max_bytes: int = 64 * 2**20) -> bytes:
    """Return the bytes of a regular file, at most `max_bytes` of them.

    Never waits: a pipe, a device or a link is refused, and a size is looked at before it is read.

    Raises:
        FileNotFoundError: nothing has this name.
        DiskProblem: it is not a regular file, is too large, or cannot be read.
    """
    with calls.refusals(path, "read", let=(FileNotFoundError,)):
        return calls.slurp(path, max_bytes=max_bytes)


def replace(path: Path, data: bytes, *, mode: int | None = None, durable: bool = True) -> None:
    """Make `path` hold `data`: a reader sees the old bytes or the new, also after a crash.

    The file keeps its mode unless `mode` is given. `durable=False` is for derived files: still old
    or new for every reader, but a power cut may leave the file empty.

    Raises:
        DiskProblem: the disk refused, or something other than a regular file has the name.
    """
    with calls.refusals(path, "write"):
        there = calls.regular(path)
        if mode is None and there is not None:
            mode = stat.S_IMODE(there.st_mode)
        temp = calls.temp_beside(path, data, mode=mode, durable=durable)
        try:
            calls.rename(temp, path)
        except BaseException:
            with suppress(OSError):  # gone when the rename had happened
                os.unlink(temp)
            raise
        if durable:
            calls.fsync_dir(path.parent)


def write_new(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Make a new file that holds `data`; a crash leaves all of it or none.

    Raises:
        FileExistsError: the name is taken; nothing was changed.
        DiskProblem: the disk refused.
    """
    with calls.refusals(path, "write", let=(FileExistsError,)):
        temp = calls.temp_beside(path, data, mode=mode)
        try:
            calls.rename_noreplace(temp, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temp)
            raise
        calls.fsync_dir(path.parent)


def append(path: Path, data: bytes, *, new_file: bool) -> None:
    """Add `data` to the end of a file, durably; when that fails the file is what it was.

    Args:
        path: the file. The caller holds the lock under which only it appends.
        data: whole lines, LF at the end.
        new_file: True makes the file when it is missing, and makes its name durable. False
            refuses a file that has gone.

    Raises:
        DiskProblem: the disk refused. Nothing of `data` counts as written. After a failed fsync
            the kernel may have dropped bytes it reports as clean, so no second one is tried.
    """
    flags = os.O_RDWR | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    flags |= getattr(os, "O_NONBLOCK", 0)  # a pipe with this name must not hold us
    with calls.refusals(path, "write"):
        fresh = calls.regular(path) is None
        if fresh and new_file:
            with suppress(FileExistsError):
                os.close(calls.create(path))
        fd = os.open(path, flags)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise DiskProblem(f"{path} is not a regular file: it is left alone", path=path)
            _append(fd, data, path, old_size=status.st_size)
        finally:
            os.close(fd)
        if new_file:
            calls.fsync_dir(path.parent)


def _append(fd: int, data: bytes, path: Path, *, old_size: int) -> None:
    try:
        calls.write(fd, data, path, offset=old_size)
        calls.fsync(fd, path, data_only=True)
    except BaseException:
        # Our own partial tail goes at once; somebody else's bytes behind it would stay.
        with suppress(OSError):
            size = os.fstat(fd).st_size
            tail = os.pread(fd, size - old_size, old_size) if size > old_size else b""
            if tail and data.startswith(tail):
                calls.truncate(fd, old_size, path)
        raise


def cut_tail(path: Path, size: int, *, save_to: Path | None) -> None:
    """Cut a file to its first `size` bytes, durably; what lay behind goes to `save_to`.

    Saving is tried, not promised: the cut succeeds on a full disk too. When `save_to` is taken by
    other bytes, a number is added to its name. A file that is not longer than `size` is left alone.

    Raises:
        DiskProblem: the file cannot be opened or cut.
    """
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    with calls.refusals(path, "cut"):
        if calls.regular(path) is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        fd = os.open(path, flags)
        try:
            there = os.fstat(fd).st_size
            if there <= size:
                return
            if save_to is not None:
                with suppress(OSError, DiskProblem):
                    _save(save_to, os.pread(fd, there - size, size))
            calls.truncate(fd, size, path)
            calls.fsync(fd, path)
        finally:
            os.close(fd)


def _save(path: Path, data: bytes) -> None:
    make_dirs(path.parent)
    for number in range(100):
        name = path if number == 0 else path.with_name(f"{path.name}-{number}")
        try:
            write_new(name, data)
        except FileExistsError:
            if read_bytes(name) == data:  # the crash came between saving and cutting
                return
        else:
            return


def make_dirs(path: Path) -> None:
    """Make a directory and the missing ones above it, durably.

    Raises:
        DiskProblem: the disk refused, or something else has one of the names.
    """
    with calls.refusals(path, "make the directory"):
        missing: list[Path] = []
        place = path
        while not os.path.lexists(place):
            missing.append(place)
            place = place.parent
        if not stat.S_ISDIR(os.lstat(place).st_mode) and (missing or place == path):
            # A link to a directory above us may be how the person arranged their disk; the
            # directory itself may not be one.
            if place == path or not place.is_dir():
                raise DiskProblem(f"{place} is not a directory: it is left alone", path=place)
        for place in reversed(missing):
            with suppress(FileExistsError):
                calls.make_dir(place)
            calls.fsync_dir(place.parent)


def unlink(path: Path) -> bool:
    """Take a file of our own away, durably; False when it was not there.

    For derived and transient files only: what a person may be saving goes through `remove`.

    Raises:
        DiskProblem: the disk refused.
    """
    with calls.refusals(path, "delete"):
        try:
            calls.unlink(path)
        except FileNotFoundError:
            return False
        calls.fsync_dir(path.parent)
        return True


def clear_temps(directory: Path, *, nested: bool = True) -> list[Path]:
    """Remove unfinished files a crash left in `directory` and below it; return their paths.

    With `nested` false only in `directory` itself.

    No links are followed, `directory` itself being one or not; directories below it whose names
    begin with a dot are not entered. Only under the turn's lock: another writer's file in the
    making looks the same.
    """
    removed: list[Path] = []
    waiting = [str(directory)]
    while waiting:
        place = waiting.pop()
        with suppress(OSError):
            if not stat.S_ISDIR(os.lstat(place).st_mode):
                continue
            with os.scandir(place) as entries:
                listed = list(entries)
            for entry in listed:
                if entry.is_dir(follow_symlinks=False):
                    if nested and not entry.name.startswith("."):
                        waiting.append(entry.path)
                elif _TEMP.fullmatch(entry.name):
                    with suppress(OSError):
                        os.unlink(entry.path)
                        removed.append(Path(entry.path))
    return removed


def check_inside(root: Path, path: Path) -> None:
    """Refuse a path whose directories between `root` and its last component hold a link.

    Call it before the first write below a directory that came from elsewhere. Components that do
    not exist yet are fine. Looks once at each that does, and never at the last.

    Raises:
        DiskProblem: a directory on the way is a link, or the path is not below `root`.
    """
    try:
        parts = path.relative_to(root).parts
    except ValueError:
        raise DiskProblem(f"{path} is not inside {root}", path=path) from None
    if ".." in parts:
        raise DiskProblem(f"{path} leads out of {root}", path=path)
    with calls.refusals(path, "look at the directories above"):
        odd = calls.odd_directory(root, parts[:-1])
    if odd is not None:
        raise DiskProblem(f"{odd} is not a real directory: nothing is written through it", path=odd)
