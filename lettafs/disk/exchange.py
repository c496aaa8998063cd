"""Changing a file that a person may be saving at this moment, so that neither text is lost.

An edit lets the new bytes and the old trade names in one step, and only then looks at what it
displaced. When that is what the edit was made from, done. When not, somebody saved in between: the
names trade back, and the caller applies its edit again to what the person saved.

The new bytes are prepared in `keep_in` (`.lettafs/displaced/`), so that after the trade the old
file already lies there, under a name that tells where it belonged and which bytes are known
elsewhere:

    .lettafs/displaced/EXPECTED-NEW-RANDOM/memory/human.md

EXPECTED and NEW are the first 32 hex digits of SHA-256. An editor may still hold the old file open
and write to it: `settle` looks again later, after a crash too, and returns every file there whose
bytes are neither. The home is the directory two levels above `keep_in`.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lettafs.disk import calls
from lettafs.errors import DiskProblem

__all__ = [
    "Displaced",
    "discard",
    "exchange",
    "quiet",
    "remove",
    "rename_noreplace",
    "settle",
]

_SLOT = re.compile(r"(?P<expected>[0-9a-f]{32})-(?P<new>[0-9a-f]{32})-[0-9a-f]{12}")
_FUTURE_S = 1.0
_ROUNDS = 100


@dataclass(frozen=True, slots=True)
class Displaced:
    """A text that was saved into a file after, or while, an edit took its place."""

    path: str
    """Where it belonged: relative to the home, with forward slashes."""
    data: bytes
    place: Path
    """Where it lies now; `discard` removes it once the text is kept elsewhere."""


def exchange(path: Path, data: bytes, *, expected: bytes | None, keep_in: Path) -> bytes | None:
    """Make `path` hold `data` if it holds `expected`; None when it does so now.

    Otherwise nothing has changed and the bytes found there are returned, `b""` when the file has
    gone: read it anew after `quiet` (it may be half saved), apply the edit to that, and call again.

    Args:
        path: the file, below the home.
        data: its new bytes; the file keeps its mode.
        expected: the bytes the edit was made from; None: there must be no file.
        keep_in: `.lettafs/displaced` of the home, on the same file system; made when missing.

    Where the file system cannot exchange names this compares and then renames, which leaves a
    window of microseconds for a save by rename to be lost.

    Raises:
        DiskProblem: the disk refused, or something other than a regular file has the name.
    """
    with calls.refusals(path, "write"):
        there = calls.regular(path)
        if expected is None:
            return _place_new(path, data, keep_in=keep_in)
        if there is None:
            return b""
        mode = stat.S_IMODE(there.st_mode)
        slot = _slot(path, expected, data, keep_in=keep_in)
        try:
            _fill(slot, data, mode=mode)
            calls.exchange_names(slot, path)
        except FileNotFoundError:
            _drop(slot)
            return b""
        except OSError as error:
            _drop(slot)
            if error.errno not in calls.CANNOT_EXCHANGE:
                raise
            return _compare_and_rename(path, data, expected=expected, keep_in=keep_in, mode=mode)
        found = _verify(slot, path, expected=expected, data=data)
        calls.fsync_dir(path.parent)
        return found


def _verify(slot: Path, path: Path, *, expected: bytes, data: bytes) -> bytes | None:
    """Look at what was displaced; trade back until the newest save has the name again.

    After each trade the slot should hold what we had last put at the name. When it holds something
    else, that is a still newer save, and it is the one that belongs there.
    """
    held = _content(slot)
    if held == expected:
        return None
    placed: bytes | None = data
    for _ in range(_ROUNDS):
        try:
            calls.exchange_names(slot, path)
        except FileNotFoundError:
            # Our bytes were deleted meanwhile: the save goes back to its name, unless taken again.
            with suppress(FileExistsError):
                calls.rename_noreplace(slot, path)
            break
        newest = _content(slot)
        if newest == placed:
            break
        placed, held = held, newest
    if held is None:
        raise DiskProblem(f"{path} is no longer a regular file: it is left alone", path=path)
    # The slot stays: it holds our bytes, or an older save for `settle` to hand out.
    return held


def _content(path: Path) -> bytes | None:
    try:
        return calls.slurp(path)
    except DiskProblem:  # a link, say, that somebody put in the file's place
        return None


def _place_new(path: Path, data: bytes, *, keep_in: Path) -> bytes | None:
    slot = _slot(path, b"", data, keep_in=keep_in)
    try:
        _fill(slot, data, mode=None)
        calls.rename_noreplace(slot, path)
    except FileExistsError:
        _drop(slot)
        with suppress(FileNotFoundError):
            return calls.slurp(path)
        return b""  # it was there and has gone again: the caller looks anew
    except OSError as error:
        _drop(slot)
        if error.errno not in calls.CANNOT_EXCHANGE:
            raise
        try:
            _place_from_beside(path, data)  # keep_in is another file system
        except FileExistsError:
            return calls.slurp(path)
    else:
        _drop(slot)
    calls.fsync_dir(path.parent)
    return None


def _place_from_beside(path: Path, data: bytes) -> None:
    temp = calls.temp_beside(path, data, mode=None)
    try:
        calls.rename_noreplace(temp, path)
    except OSError as error:
        if error.errno not in calls.CANNOT_EXCHANGE:
            raise
        # Neither such a step nor second names (exFAT, some FUSE): a crash may leave half of it.
        calls.fill_new(path, data, mode=None)
    finally:
        with suppress(OSError):
            os.unlink(temp)


def _compare_and_rename(
    path: Path, data: bytes, *, expected: bytes, keep_in: Path, mode: int
) -> bytes | None:
    """The weaker way, for file systems whose names cannot be exchanged."""
    temp = calls.temp_beside(path, data, mode=mode)
    try:
        slot = _slot(path, expected, data, keep_in=keep_in)
        linked = False
        with suppress(OSError):  # no second names here: a late in-place save may be lost
            calls.link(path, slot)
            linked = True
        found = calls.slurp(path)
        if found != expected or (linked and not os.path.samefile(path, slot)):
            _drop(slot)
            return found
        calls.rename(temp, path)
        calls.fsync_dir(path.parent)
        return None
    except FileNotFoundError:
        return b""
    finally:
        with suppress(OSError):
            os.unlink(temp)


def remove(path: Path, *, expected: bytes | None, keep_in: Path | None = None) -> bool:
    """Delete `path` if it holds `expected`; False when somebody saved other bytes there.

    The file is moved aside first and looked at there, so that a save in between is put back; with
    `keep_in` it stays there, and a save that comes later still is found by `settle`.

    Args:
        path: the file, below the home. Missing is as good as deleted.
        expected: the bytes it must hold; None: whatever they are.
        keep_in: `.lettafs/displaced` of the home.

    Raises:
        DiskProblem: the disk refused, or it is not a regular file.
    """
    with calls.refusals(path, "delete"):
        if calls.regular(path) is None:
            return True
        if keep_in is None:
            slot = path.with_name(f"{calls.TEMP_PREFIX}{secrets.token_hex(8)}")
        else:
            known = b"" if expected is None else expected
            slot = _slot(path, known, known, keep_in=keep_in)
        try:
            calls.rename(path, slot)
        except FileNotFoundError:
            return True
        gone = expected is None or _content(slot) == expected
        if not gone:
            with suppress(FileExistsError):  # saved anew meanwhile; `settle` hands out the other
                calls.rename_noreplace(slot, path)
        elif keep_in is None or expected is None:
            _drop(slot) if keep_in is not None else calls.unlink(slot)
        calls.fsync_dir(path.parent)
        return gone


def rename_noreplace(source: Path, target: Path) -> None:
    """Give a file a new name that is free, durably; what is being saved into it goes along.

    Raises:
        FileExistsError: the new name is taken; nothing was changed.
        FileNotFoundError: there is no such file, or no directory for the new name.
        DiskProblem: the disk refused, or it is not a regular file.
    """
    with calls.refusals(source, "rename", let=(FileExistsError, FileNotFoundError)):
        if calls.regular(source) is None:
            raise FileNotFoundError(source)
        calls.rename_noreplace(source, target)
        calls.fsync_dir(target.parent)
        if source.parent != target.parent:
            calls.fsync_dir(source.parent)


def quiet(
    path: Path,
    *,
    now: Callable[[], float],
    sleep: Callable[[float], None],
    quiet_s: float = 0.02,
    cap_s: float = 1.0,
) -> None:
    """Wait until `path` was not written to for `quiet_s` seconds, at most about `cap_s`.

    An editor that saves in place empties the file first; this lets it finish. `now` is seconds
    since the epoch, as files have them. A file that is missing, or dated in the future, is not
    waited for.
    """
    waited = 0.0
    while waited < cap_s:
        try:
            modified = os.lstat(path).st_mtime
        except OSError:
            return
        age = now() - modified
        if age >= quiet_s or age < -_FUTURE_S:
            return
        pause = min(max(quiet_s - age, 0.001), quiet_s)
        sleep(pause)
        waited += pause


def settle(keep_in: Path, *, older_than_s: float, now: Callable[[], float]) -> list[Displaced]:
    """Return what was saved into files after they were displaced; forget those nobody touched.

    Only what was displaced at least `older_than_s` seconds ago is looked at (2 suits editors). A
    returned file stays until `discard`, so that a crash before it is kept elsewhere loses nothing.
    What belongs, by now, behind a link stays too and is not returned.
    """
    late: list[Displaced] = []
    home = keep_in.parent.parent
    if not keep_in.is_dir() or calls.odd_directory(home, keep_in.relative_to(home).parts):
        return late
    for top in sorted(keep_in.iterdir()):
        names = _SLOT.fullmatch(top.name)
        if names is None or top.is_symlink() or not top.is_dir():
            continue
        files = [file for file in top.rglob("*") if file.is_file() and not file.is_symlink()]
        if not files:
            _prune(top)
        for file in files:
            with suppress(OSError, DiskProblem):
                # The change time: displacing sets it, and no editor sets it back.
                if now() - os.lstat(file).st_ctime < older_than_s:
                    continue
                if file.name.startswith(calls.TEMP_PREFIX):  # never had the name of a file
                    _drop(file)
                    continue
                data = calls.slurp(file)
                if _digest(data) in (names["expected"], names["new"]):
                    _drop(file)
                elif not _is_behind_link(home, file.relative_to(top)):
                    late.append(Displaced(file.relative_to(top).as_posix(), data, file))
    return late


def _is_behind_link(home: Path, path: Path) -> bool:
    return calls.odd_directory(home, path.parts[:-1]) is not None or os.path.islink(home / path)


def discard(displaced: Displaced) -> None:
    """Forget a displaced text that is now kept elsewhere."""
    _drop(displaced.place)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _slot(path: Path, expected: bytes, data: bytes, *, keep_in: Path) -> Path:
    """Return a fresh place in `keep_in` for what `path` holds; its directories exist."""
    home = keep_in.parent.parent
    name = f"{_digest(expected)}-{_digest(data)}-{secrets.token_hex(6)}"
    slot = keep_in / name / path.relative_to(home)
    _make_plain_dirs(slot.parent, stop=home)
    return slot


def _fill(slot: Path, data: bytes, *, mode: int | None) -> None:
    """Make a slot's file, which is there whole or not at all: half of it would pass for a save."""
    temp = calls.temp_beside(slot, data, mode=mode)
    try:
        calls.rename(temp, slot)
    except BaseException:
        with suppress(OSError):
            os.unlink(temp)
        raise


def _make_plain_dirs(path: Path, *, stop: Path) -> None:
    """Make directories below `stop`, through no links; they are transient, so not made durable."""
    place = stop
    for part in path.relative_to(stop).parts:
        place = place / part
        try:
            calls.make_dir(place)
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(place).st_mode):
                raise DiskProblem(f"{place} is not a real directory", path=place) from None


def _drop(file: Path) -> None:
    """Remove a file of a slot and the directories that held only it."""
    with suppress(OSError):
        os.unlink(file)
    top = file.parent
    while not _SLOT.fullmatch(top.name) and top != top.parent:
        with suppress(OSError):
            os.rmdir(top)
        top = top.parent
    with suppress(OSError):
        os.rmdir(top)


def _prune(top: Path) -> None:
    for place in sorted(top.rglob("*"), reverse=True):
        with suppress(OSError):
            os.rmdir(place)
    with suppress(OSError):
        os.rmdir(top)
