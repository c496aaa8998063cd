"""A seal vouches for derived files of a directory: this user wrote them, here, and nobody since.

Some derived files are read by libraries that run what they read. They are therefore opened only
under a seal: a file beside them that names each with its number, size and times, and the number of
the directory they lie in, under a code that needs the user's own key. A clone, an unpacked archive,
a copy, another user's directory and a file changed since have no seal that holds. Bad content of a
seal is never an error: there is then no seal, and what it stood for is made anew.

A seal is no defence against a program that runs as the user: it could read the key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import stat
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lettafs.disk import calls, fingerprint
from lettafs.errors import DiskProblem

__all__ = [
    "SEAL_NAME",
    "FileSeal",
    "SealBroken",
    "Sealed",
    "load_key",
    "open_sealed",
    "read_seal",
    "write_seal",
]

SEAL_NAME = "seal"
"""Name of the seal's file in the directory it is for."""

KEY_NAME = "index.key"
_KEY_BYTES = 32
_MAX_SEAL_BYTES = 64 * 2**20
_PURPOSE = "lettafs: derived files of this directory, form 1"
_CHUNK = 1 << 20


class SealBroken(ValueError):
    """A file is not, or no longer, the one that was sealed."""


@dataclass(frozen=True, slots=True)
class FileSeal:
    """What one sealed file looked like."""

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    sha256: str | None = None
    """Hex digest of its bytes, where looks alone are not to be trusted."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a seal that holds says."""

    files: Mapping[str, FileSeal]
    """By name in the directory. Other files there are vouched for by nobody."""
    state: Mapping[str, Any]
    """What the writer noted; authentic, as it was given."""


def read_seal(directory: Path, *, key: bytes) -> Sealed | None:
    """Return what the seal of a directory says, None when there is none that holds.

    It holds when it was written with this key for this very directory, and every file it names is a
    regular file that looks as it did. Bytes of files are not read here: see `open_sealed`.
    """
    try:
        number = _number_of(directory)
        raw = calls.slurp(directory / SEAL_NAME, max_bytes=_MAX_SEAL_BYTES)
        code, _, body = raw.partition(b"\n")
        # The code is checked first: nothing a stranger wrote reaches the parser.
        if not hmac.compare_digest(code, _code(body, key)):
            return None
        said = json.loads(body)
        if said["purpose"] != _PURPOSE or said["directory"] != number:
            return None
        files = {name: FileSeal(*found) for name, found in said["files"].items()}
        for name, expected in files.items():
            if not _matches(os.lstat(directory / name), expected):
                return None
        return Sealed(files, said["state"])
    except (OSError, DiskProblem, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def write_seal(
    directory: Path,
    *,
    key: bytes,
    names: Iterable[str],
    state: Mapping[str, Any],
    hashed: Iterable[str] = (),
) -> Sealed:
    """Seal files of a directory as they are now; return what the seal says.

    The files' bytes are made durable first, so that no power cut leaves a seal over bytes that were
    never written. Waits, for 50 ms at most, until a later change could not hide in the same tick of
    the file system's clock; a file whose times do not settle by then is sealed with its digest.

    Args:
        directory: where the files lie, and the seal will.
        key: the user's, from `load_key`.
        names: the files to vouch for, without directories. An earlier seal is replaced whole.
        state: what the writer wants to know of them later; anything JSON holds.
        hashed: those of `names` whose bytes `open_sealed` is to check, not their looks alone.

    Raises:
        DiskProblem: a file is missing or not a regular one, or the disk refused.
        ValueError: a name has a directory in it, or is the seal's own.
    """
    wanted = sorted(set(names))
    digest = set(hashed)
    for name in wanted:
        if name in ("", ".", "..", SEAL_NAME) or "/" in name or os.sep in name or "\0" in name:
            raise ValueError(f"{name!r} is not the name of a file to seal")
    with calls.refusals(directory, "seal"):
        number = _number_of(directory)
        for name in wanted:
            _sync(directory / name)
        files = _looks(directory, wanted, digest)
    said = {
        "purpose": _PURPOSE,
        "directory": number,
        "files": {
            name: [seen.inode, seen.size, seen.mtime_ns, seen.ctime_ns, seen.sha256]
            for name, seen in files.items()
        },
        "state": state,
    }
    body = json.dumps(said, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
    path = directory / SEAL_NAME
    with calls.refusals(path, "write"):
        calls.regular(path)
        temp = calls.temp_beside(path, _code(body, key) + b"\n" + body, mode=0o600)
        try:
            calls.rename(temp, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temp)
            raise
    # What the next reader gets, so that tuples and numbers do not differ between the two.
    return Sealed(files, json.loads(body)["state"])


def open_sealed(directory: Path, name: str, sealed: Sealed) -> int:
    """Return a descriptor on a sealed file, for reading; the caller closes it.

    The descriptor itself was compared with the seal, so what is read from it is what was sealed,
    whatever has the name by then.

    Raises:
        SealBroken: the seal does not name it, or it is not the file that was sealed.
    """
    expected = sealed.files.get(name)
    if expected is None:
        raise SealBroken(f"{name} is not sealed")
    try:
        fd = os.open(directory / name, calls.OPEN_READ)
    except (OSError, ValueError) as error:
        raise SealBroken(f"{name} cannot be opened: {error}") from error
    try:
        if not _matches(os.fstat(fd), expected):
            raise SealBroken(f"{name} has changed since it was sealed")
        if expected.sha256 is not None and _digest(fd) != expected.sha256:
            raise SealBroken(f"{name} has other bytes than were sealed")
        return fd
    except OSError as error:
        os.close(fd)
        raise SealBroken(f"{name} cannot be read: {error}") from error
    except BaseException:
        os.close(fd)
        raise


def load_key(config_dir: Path) -> bytes | None:
    """Return the user's key for seals, made when there is none yet.

    None where it cannot be had safely: the directory cannot be written, the key's file is a link,
    belongs to somebody else, can be read by others or is no key. Derived files are then not used.
    """
    path = config_dir / KEY_NAME
    try:
        if not os.path.lexists(path):
            _make_key(path)
        fd = os.open(path, calls.OPEN_READ)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or not _is_private(status):
                return None
            key = os.read(fd, _KEY_BYTES + 1)
        finally:
            os.close(fd)
    except (OSError, DiskProblem, ValueError):
        return None
    return key if len(key) == _KEY_BYTES else None


def _make_key(path: Path) -> None:
    _make_private_dirs(path.parent)
    # Made whole under another name, so that a second process never reads half a key.
    temp = calls.temp_beside(path, secrets.token_bytes(_KEY_BYTES), mode=0o600)
    try:
        calls.rename_noreplace(temp, path)
    except FileExistsError:
        os.unlink(temp)  # another process was first: its key is the one
    except BaseException:
        with suppress(OSError):
            os.unlink(temp)
        raise
    calls.fsync_dir(path.parent)


def _make_private_dirs(directory: Path) -> None:
    missing: list[Path] = []
    place = directory
    while not os.path.lexists(place):
        missing.append(place)
        place = place.parent
    for place in reversed(missing):
        with suppress(FileExistsError):
            calls.make_dir(place, mode=0o700)


def _is_private(status: os.stat_result) -> bool:
    if not hasattr(os, "geteuid"):
        return True  # Windows: the directory's own access list decides
    return status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) & 0o077 == 0


def _number_of(directory: Path) -> int:
    """Return what identifies a directory; a link to one has no number of its own to give."""
    status = os.lstat(directory)
    if not stat.S_ISDIR(status.st_mode):
        raise DiskProblem(f"{directory} is not a directory: it is left alone", path=directory)
    return status.st_ino


def _code(body: bytes, key: bytes) -> bytes:
    return hmac.new(key, body, hashlib.sha256).hexdigest().encode("ascii")


def _matches(status: os.stat_result, expected: FileSeal) -> bool:
    return (
        stat.S_ISREG(status.st_mode)
        and status.st_ino == expected.inode
        and status.st_size == expected.size
        and status.st_mtime_ns == expected.mtime_ns
        and status.st_ctime_ns == expected.ctime_ns
    )


def _sync(path: Path) -> None:
    fd = os.open(path, calls.OPEN_READ)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise DiskProblem(f"{path} is not a regular file: it is not sealed", path=path)
        calls.fsync(fd, path)
    finally:
        os.close(fd)


def _looks(directory: Path, names: Iterable[str], digest: set[str]) -> dict[str, FileSeal]:
    seen = {name: calls.regular(directory / name) for name in names}
    newest = max(
        (max(status.st_mtime_ns, status.st_ctime_ns) for status in seen.values() if status),
        default=0,
    )
    wait_ns = newest + fingerprint.RACY_NS - time.time_ns()
    if 0 <= wait_ns <= fingerprint.RACY_NS:
        time.sleep((wait_ns + 1_000_000) / 1e9)
    return {name: _look(directory / name, hash_it=name in digest) for name in names}


def _look(path: Path, *, hash_it: bool) -> FileSeal:
    fd = os.open(path, calls.OPEN_READ)
    try:
        taken_at_ns = time.time_ns()
        status = os.fstat(fd)
        seen = fingerprint.Stamp(
            status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
        )
        # Whole seconds, both: the file system's clock may be slow.
        coarse = not (status.st_mtime_ns % 1_000_000_000 or status.st_ctime_ns % 1_000_000_000)
        sure = fingerprint.is_settled(seen, taken_at_ns=taken_at_ns) and not coarse
        sha256 = _digest(fd) if hash_it or not sure else None
        return FileSeal(
            status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, sha256
        )
    finally:
        os.close(fd)


def _digest(fd: int) -> str:
    """Return the SHA-256 of a descriptor's bytes; its position is the start afterwards."""
    found = hashlib.sha256()
    os.lseek(fd, 0, os.SEEK_SET)
    while chunk := os.read(fd, _CHUNK):
        found.update(chunk)
    os.lseek(fd, 0, os.SEEK_SET)
    return found.hexdigest()
