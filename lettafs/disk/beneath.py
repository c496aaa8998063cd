"""Files beneath a root that may hold anything: opened without being led out of it, or kept waiting.

A folder of documents is not ours: it may hold links to elsewhere, pipes, devices, files without end
and files somebody is writing. A path is therefore walked name by name from the root down, each
opened from the one before it and none of them followed where it is a link, so that nothing that is
moved meanwhile leads elsewhere. Where the system cannot open a name from a directory (Windows) each
name is looked at before the file is opened: a link put in its place just then is not noticed.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lettafs.disk import calls
from lettafs.disk.fingerprint import Stamp, is_settled
from lettafs.errors import DiskProblem

__all__ = ["BeingWritten", "is_sure", "read_beneath", "stamp_beneath", "why"]

_STEPWISE = os.open in os.supports_dir_fd and hasattr(os, "O_DIRECTORY")
_ENTER = (
    os.O_RDONLY
    | getattr(os, "O_DIRECTORY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
_READ = calls.OPEN_READ | getattr(os, "O_BINARY", 0)

_LOOKS = 4
_PAUSE_S = 0.02
_CHUNK = 1 << 22

_SECOND_NS = 1_000_000_000
_COARSE_NS = 3 * _SECOND_NS
"""FAT's clock ticks every two seconds, and need not be ours."""


class BeingWritten(DiskProblem):
    """A file changed each time it was read; it can be read when that is over."""


def read_beneath(root: Path, path: str, *, max_bytes: int) -> tuple[bytes, Stamp]:
    """Return the bytes of a regular file, all of one moment, and its stamp of that moment.

    Never waits for the other end of a pipe, and reads nothing of a file that is too large.

    Args:
        root: real path of a directory; of a file that stands alone, it or its directory.
        path: from the root on, with forward slashes.
        max_bytes: of a file that is read.

    Raises:
        FileNotFoundError: nothing has this name.
        BeingWritten: it did not keep still.
        DiskProblem: it is no regular file, is too large, lies behind a link or cannot be read. The
            text says why, as a clause.
    """
    place = root / path if "\0" not in path else root
    parts = _parts(path, place)
    for look in range(_LOOKS):
        if look:
            time.sleep(_PAUSE_S)
        with _clauses(place):
            found = _read_once(root, parts, max_bytes=max_bytes, place=place)
        if found is not None:
            return found
    raise BeingWritten("it is being written", path=place)


def stamp_beneath(root: Path, path: str) -> Stamp | None:
    """Return the stamp of a regular file, None where there is none that `read_beneath` would read.

    Args:
        root: as there.
        path: as there.
    """
    try:
        parts = _parts(path, root)
        if not _STEPWISE:
            status = os.lstat(_look_down(root, parts))
        elif (above := _enter(root, parts)) is None:
            status = os.lstat(root)
        else:
            try:
                status = os.stat(parts[-1], dir_fd=above, follow_symlinks=False)
            finally:
                os.close(above)
    except (OSError, DiskProblem, ValueError):
        return None
    return _stamp(status) if stat.S_ISREG(status.st_mode) else None


def is_sure(seen: Stamp, *, taken_at_ns: int) -> bool:
    """Tell whether a stamp taken at this time will change with what it is of.

    As `fingerprint.is_settled`, also where the file system's clock knows whole seconds only.
    """
    newest = max(seen.mtime_ns, seen.ctime_ns)
    if seen.mtime_ns % _SECOND_NS == 0 and seen.ctime_ns % _SECOND_NS == 0:
        return taken_at_ns - newest > _COARSE_NS
    return is_settled(seen, taken_at_ns=taken_at_ns)


def why(error: OSError) -> str:
    """Return what the system said, as a clause for people."""
    match error.errno:
        case errno.EACCES | errno.EPERM:
            return "permission was denied"
        case errno.EIO:
            return "the disk reported an input/output error"
        case errno.ESTALE | errno.ENOTCONN | errno.EHOSTDOWN | errno.ENODEV:
            return "the place it lies in has gone away; is the drive or the share still connected?"
        case errno.ELOOP:
            return "it lies behind a symbolic link, and links are not followed"
        case errno.ENAMETOOLONG:
            return "its path is too long"
        case errno.EMFILE | errno.ENFILE:
            return "too many files are open"
        case _:
            return f"the system said: {error.strerror or error}"


def _parts(path: str, place: Path) -> tuple[str, ...]:
    """Return the names of a path that cannot lead up or elsewhere."""
    parts = tuple(path.split("/"))
    for part in parts:
        if part in ("", ".", "..") or "\0" in part:
            raise DiskProblem("its path is not one that leads down into the folder", path=place)
        if os.sep != "/" and (os.sep in part or ":" in part):  # Windows: a drive, or a stream
            raise DiskProblem("its path is not one that leads down into the folder", path=place)
    return parts


@contextmanager
def _clauses(place: Path) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(errno.ENOENT, "it is not there", str(place)) from error
    except BlockingIOError as error:  # another program holds a lease on it
        raise BeingWritten("it is being written", path=place) from error
    except OSError as error:
        raise DiskProblem(why(error), path=place) from error
    except ValueError as error:  # characters that no name on this system has
        raise DiskProblem("its name cannot be used on this system", path=place) from error


def _read_once(
    root: Path, parts: tuple[str, ...], *, max_bytes: int, place: Path
) -> tuple[bytes, Stamp] | None:
    """Return bytes and stamp; None: the file changed meanwhile."""
    fd = _open(root, parts, place)
    try:
        status = os.fstat(fd)
        _must_be_readable(status, place, max_bytes=max_bytes)
        seen = _stamp(status)
        chunks: list[bytes] = []
        left = seen.size
        # One byte more than it should have shows a file whose size is not what the system says.
        while chunk := os.read(fd, min(left + 1, _CHUNK)):
            chunks.append(chunk)
            left -= len(chunk)
            if left < 0:
                return None
        if left or _stamp(os.fstat(fd)) != seen:
            return None
        return b"".join(chunks), seen
    finally:
        os.close(fd)


def _must_be_readable(status: os.stat_result, place: Path, *, max_bytes: int = sys.maxsize) -> None:
    mode = status.st_mode
    if stat.S_ISDIR(mode):
        raise DiskProblem("it is a directory", path=place)
    if stat.S_ISLNK(mode):
        raise DiskProblem("it is a symbolic link, and links are not followed", path=place)
    if not stat.S_ISREG(mode):
        raise DiskProblem("it is a pipe, a socket or a device", path=place)
    if status.st_size > max_bytes:
        raise DiskProblem(_too_large(status.st_size, max_bytes), path=place)


def _open(root: Path, parts: tuple[str, ...], place: Path) -> int:
    """Return a descriptor on the file; the caller closes it."""
    if not _STEPWISE:
        file = _look_down(root, parts)
        _must_be_readable(os.lstat(file), place)
        return os.open(file, _READ)
    above = _enter(root, parts)
    name = root if above is None else parts[-1]
    try:
        # Looked at first: to open a pipe or a device is felt at its other end.
        status = os.stat(name, dir_fd=above, follow_symlinks=False)
        _must_be_readable(status, place)
        return os.open(name, _READ, dir_fd=above)
    finally:
        if above is not None:
            os.close(above)


def _enter(root: Path, parts: tuple[str, ...]) -> int | None:
    """Return a descriptor on the directory the last name is in; None: the root is that file."""
    try:
        fd = os.open(root, _ENTER)
    except NotADirectoryError:
        if parts == (root.name,) and stat.S_ISREG(os.lstat(root).st_mode):
            return None
        raise _link_or_nothing(root, None) from None
    for part in parts[:-1]:
        try:
            deeper = os.open(part, _ENTER, dir_fd=fd)
        except NotADirectoryError:
            raise _link_or_nothing(part, fd) from None
        finally:
            os.close(fd)
        fd = deeper
    return fd


def _link_or_nothing(name: Path | str, above: int | None) -> OSError:
    """Return what to raise for a name on the way that is no directory: Linux says so of a link."""
    status = os.stat(name, dir_fd=above, follow_symlinks=False)
    number = errno.ELOOP if stat.S_ISLNK(status.st_mode) else errno.ENOENT
    return OSError(number, os.strerror(number))


def _look_down(root: Path, parts: tuple[str, ...]) -> Path:
    """Return where a file is, after a look at every directory above it."""
    if parts == (root.name,) and stat.S_ISREG(os.lstat(root).st_mode):
        return root
    place = root
    for part in parts:
        if stat.S_ISLNK(os.lstat(place).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        place = place / part
    return place


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _too_large(size: int, most: int) -> str:
    has, read = _size(size), _size(most)
    if has == read:
        has, read = f"{size:,} bytes", f"{most:,} bytes"
    return f"it has {has}, more than the {read} that are read"


def _size(count: int) -> str:
    if count < 1_000_000:
        return f"{count:,} bytes"
    return f"{count / 10**6:,.0f} MB" if count < 10**9 else f"{count / 10**9:,.1f} GB"
