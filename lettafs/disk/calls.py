"""The system calls that change the disk, each with a fault point before and after it.

Private to this room: the other modules here build safe operations from them. `OSError` passes
through; `refusals` turns it into a `DiskProblem` at the edge of the room.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lettafs.disk import faults
from lettafs.disk.faults import Op
from lettafs.errors import DiskProblem

__all__ = [
    "CANNOT_EXCHANGE",
    "OPEN_READ",
    "TEMP_PREFIX",
    "chmod",
    "create",
    "exchange_names",
    "fill_new",
    "fsync",
    "fsync_dir",
    "link",
    "make_dir",
    "mark",
    "odd_directory",
    "refusals",
    "regular",
    "rename",
    "rename_noreplace",
    "slurp",
    "temp_beside",
    "truncate",
    "unlink",
    "unmark",
    "write",
]

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
OPEN_READ = os.O_RDONLY | _NOFOLLOW | _CLOEXEC | getattr(os, "O_NONBLOCK", 0)
"""Never follows a last link, and never waits for the other end of a pipe."""

CANNOT_EXCHANGE = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EXDEV, errno.EPERM})
"""What a file system says that cannot exchange two names."""

_MAX_READ = 64 * 2**20

TEMP_PREFIX = ".tmp-"
"""How the name of an unfinished file begins; `atomic.clear_temps` removes what a crash left."""


@contextmanager
def refusals(path: Path, doing: str, *, let: tuple[type[OSError], ...] = ()) -> Iterator[None]:
    """Raise an `OSError` of the block as `DiskProblem` in plain words, except those in `let`."""
    try:
        yield
    except OSError as error:
        if let and isinstance(error, let):
            raise
        raise DiskProblem(f"Could not {doing} {path}: {_words(error)}", path=path) from error


def _words(error: OSError) -> str:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return "the disk is full. Free some space and try again"
        case errno.EROFS:
            return "the file system is read-only. Make it writable and try again"
        case errno.EACCES | errno.EPERM:
            return "permission was denied. Check who owns it and its mode"
        case errno.EIO:
            return "the disk reported an input/output error. Check the disk before you go on"
        case errno.ELOOP:
            return "it is a symbolic link, and links are not followed. Replace it by a real file"
        case errno.ENOENT:
            return "it, or the directory it belongs in, is not there"
        case errno.EEXIST:
            return "it is there already"
        case _:
            return f"{error.strerror or error}"


def regular(path: Path) -> os.stat_result | None:
    """Return the status of the regular file at `path`, None when nothing is there.

    Raises:
        DiskProblem: something else is there: a link, a directory, a pipe, a device.
    """
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    _must_be_regular(path, status)
    return status


def odd_directory(root: Path, parts: tuple[str, ...]) -> Path | None:
    """Return the first thing on the way down from `root` that is a link or no directory at all.

    None: there is no such thing, or the way ends before it is met.
    """
    place = root
    for part in parts:
        place = place / part
        try:
            status = os.lstat(place)
        except FileNotFoundError:
            return None
        if not stat.S_ISDIR(status.st_mode):
            return place
    return None


def _must_be_regular(path: Path, status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    kinds: list[tuple[Callable[[int], bool], str]] = [
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
    ]
    kind = next((name for test, name in kinds if test(status.st_mode)), "a device")
    raise DiskProblem(f"{path} is {kind}, not a regular file: it is left alone", path=path)


def slurp(path: Path, *, max_bytes: int = _MAX_READ) -> bytes:
    """Return the bytes of the regular file at `path`.

    Raises:
        DiskProblem: it is not a regular file, or larger than `max_bytes`.
        OSError: as the system says.
    """
    try:
        fd = os.open(path, OPEN_READ)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link; a socket or a pipe without reader
            _must_be_regular(path, os.lstat(path))
        raise
    try:
        status = os.fstat(fd)
        _must_be_regular(path, status)
        if status.st_size > max_bytes:
            raise DiskProblem(
                f"{path} has {status.st_size} bytes, more than the {max_bytes} that are read",
                path=path,
            )
        chunks: list[bytes] = []
        left = max_bytes + 1
        while left > 0 and (chunk := os.read(fd, min(left, 1 << 20))):
            chunks.append(chunk)
            left -= len(chunk)
        if left == 0:
            raise DiskProblem(f"{path} grew beyond {max_bytes} bytes while it was read", path=path)
        return b"".join(chunks)
    finally:
        os.close(fd)


def create(path: Path, *, mode: int = 0o666) -> int:
    """Return a descriptor on a new file; `FileExistsError` when the name is taken."""
    faults.check("create", path)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _CLOEXEC, mode)
    try:
        faults.done(Op("create", path))
    except BaseException:
        os.close(fd)
        with suppress(OSError):
            os.unlink(path)
        raise
    return fd


def write(fd: int, data: bytes, path: Path, *, offset: int = 0) -> None:
    """Write all of `data`; `offset` is where it goes, for the log only."""
    try:
        faults.check("write", path)
    except faults.ShortWrite as short:
        kept = data[: short.keep]
        _write_all(fd, kept)
        faults.done(Op("write", path, data=kept, offset=offset))
        raise
    _write_all(fd, data)
    faults.done(Op("write", path, data=data, offset=offset))


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def fsync(fd: int, path: Path, *, data_only: bool = False) -> None:
    """Make a file's bytes durable; `data_only` leaves out times, never the size."""
    faults.check("fsync", path)
    _fsync(fd, data_only=data_only)
    faults.done(Op("fsync", path))


def _fsync(fd: int, *, data_only: bool) -> None:
    if sys.platform == "darwin":
        # Reason: macOS's fsync leaves the bytes in the drive's cache.
        import fcntl

        with suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
            return
    if data_only and hasattr(os, "fdatasync"):
        os.fdatasync(fd)
    else:
        os.fsync(fd)


def fsync_dir(path: Path) -> None:
    """Make the names in a directory durable."""
    faults.check("fsync_dir", path)
    if hasattr(os, "O_DIRECTORY"):  # Windows cannot open a directory, and needs no such call
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | _CLOEXEC)
        try:
            os.fsync(fd)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems
                raise
        finally:
            os.close(fd)
    faults.done(Op("fsync_dir", path))


def chmod(fd: int, mode: int, path: Path) -> None:
    """Give an open file its mode."""
    faults.check("chmod", path)
    os.fchmod(fd, mode)
    faults.done(Op("chmod", path))


def rename(source: Path, target: Path) -> None:
    """Give `source` the name `target`, in place of what had it."""
    faults.check("rename", target)
    os.replace(source, target)
    faults.done(Op("rename", source, target=target))


def link(source: Path, target: Path) -> None:
    """Give `source` a second name; `FileExistsError` when it is taken."""
    faults.check("link", target)
    os.link(source, target, follow_symlinks=False)
    faults.done(Op("link", source, target=target))


def unlink(path: Path) -> None:
    """Take a name away."""
    faults.check("unlink", path)
    os.unlink(path)
    faults.done(Op("unlink", path))


def truncate(fd: int, size: int, path: Path) -> None:
    """Cut an open file to `size` bytes."""
    faults.check("truncate", path)
    os.ftruncate(fd, size)
    faults.done(Op("truncate", path, offset=size))


def make_dir(path: Path, *, mode: int = 0o777) -> None:
    """Make one directory; `FileExistsError` when the name is taken."""
    faults.check("mkdir", path)
    os.mkdir(path, mode)
    faults.done(Op("mkdir", path))


def exchange_names(one: Path, other: Path) -> None:
    """Let two existing files trade names in one indivisible step.

    Raises:
        OSError: with an errno of `CANNOT_EXCHANGE` where there is no such step.
    """
    faults.check("exchange", other)
    _rename_flagged(one, other, linux=2, darwin=2)  # RENAME_EXCHANGE, RENAME_SWAP
    faults.done(Op("exchange", one, target=other))


def rename_noreplace(source: Path, target: Path) -> None:
    """Give `source` the name `target`; `FileExistsError` when it is taken."""
    faults.check("rename", target)
    try:
        _rename_flagged(source, target, linux=1, darwin=4)  # RENAME_NOREPLACE, RENAME_EXCL
    except OSError as error:
        if error.errno not in CANNOT_EXCHANGE - {errno.EXDEV}:
            raise
        os.link(source, target, follow_symlinks=False)
        os.unlink(source)
    faults.done(Op("rename", source, target=target))


def _rename_flagged(source: Path, target: Path, *, linux: int, darwin: int) -> None:
    call = _flagged_call()
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), str(source), None, str(target))
    flags = darwin if sys.platform == "darwin" else linux
    if call(os.fsencode(source), os.fsencode(target), flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(source), None, str(target))


@functools.cache
def _flagged_call() -> Callable[[bytes, bytes, int], int] | None:
    """Return the C library's rename with flags, None where there is none."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
    except (OSError, TypeError):
        return None
    name = "renamex_np" if sys.platform == "darwin" else "renameat2"
    function = getattr(library, name, None)
    if function is None:
        return None
    function.restype = ctypes.c_int
    if sys.platform == "darwin":
        function.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint]
        return lambda source, target, flags: int(function(source, target, flags))
    function.argtypes = [
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_uint,
    ]
    here = -100  # AT_FDCWD: paths are taken as they stand
    return lambda source, target, flags: int(function(here, source, here, target, flags))


def temp_beside(path: Path, data: bytes, *, mode: int | None, durable: bool = True) -> Path:
    """Return a new file in the directory of `path` that holds `data`; removed when this fails.

    `mode` None gives what the process's umask leaves of 0666.
    """
    temp = path.with_name(f"{TEMP_PREFIX}{secrets.token_hex(8)}")
    fill_new(temp, data, mode=mode, durable=durable)
    return temp


def fill_new(path: Path, data: bytes, *, mode: int | None, durable: bool = True) -> None:
    """Make `path`, which must not exist, hold `data`; it is gone again when this fails."""
    fd = create(path, mode=0o666 if mode is None else mode)
    try:
        try:
            if mode is not None:
                chmod(fd, mode, path)
            write(fd, data, path)
            if durable:
                fsync(fd, path)
        finally:
            os.close(fd)
    except BaseException:
        with suppress(OSError):
            os.unlink(path)
        raise


def mark(path: Path) -> None:
    """Make an empty file, or give the one that is there the time of now; not durable."""
    faults.check("create", path)
    flags = os.O_WRONLY | os.O_CREAT | _NOFOLLOW | _CLOEXEC
    fd = os.open(path, flags, 0o666)
    try:
        os.utime(fd if os.utime in os.supports_fd else path)
    finally:
        os.close(fd)
    faults.done(Op("create", path))


def unmark(path: Path) -> None:
    """Take such a file away, if it is there."""
    with suppress(FileNotFoundError):
        unlink(path)
