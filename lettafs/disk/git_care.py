"""Looking after a repository: locks a crash left, loose objects, and what a doctor should know."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from lettafs.disk import calls, refs
from lettafs.errors import DiskProblem
from lettafs.values.problem import Problem

__all__ = [
    "copy_objects",
    "embedded_repositories",
    "foreign_locks",
    "fsck_problems",
    "heal",
    "incomplete",
    "loose_count",
    "many_loose",
    "plain_directory",
    "unusual_settings",
]

_CLOCK_TICK_S = 0.02
_FANOUT = re.compile(r"[0-9a-f]{2}")
_LOOSE = re.compile(r"[0-9a-f]{38}")
_PACK = re.compile(r"pack-[0-9a-f]{40}\.(?:pack|idx|rev|bitmap|mtimes|keep)")
_MANY_IN_ONE = 8
_MAX_FSCK_LINES = 20
_MAX_DIRECTORIES = 5000

_USUAL = (
    r"core\.(?:repositoryformatversion|filemode|bare|logallrefupdates|ignorecase|symlinks"
    r"|precomposeunicode|autocrlf|eol|quotepath|untrackedcache|commitgraph)"
    r"|user\.(?:name|email|signingkey)|gc\.auto|feature\.manyfiles|index\.(?:version|threads)"
    r"|init\.defaultbranch|pull\.(?:rebase|ff)|push\.(?:default|autosetupremote)"
    r"|remote\..+\.(?:url|fetch|pushurl)|branch\..+\.(?:remote|merge|rebase)"
)


def plain_directory(path: Path) -> None:
    """Make a directory of ours when it is missing; refuse a link in its place."""
    try:
        calls.make_dir(path)
    except FileExistsError:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise DiskProblem(f"{path} is not a real directory", path=path) from None


def heal(root: Path, *, marker: Path, private: Path) -> list[str]:
    """Remove the locks and litter of a checkpoint of ours that a crash cut short.

    The marker says that one was under way. Locks made since it was written are ours: nobody but the
    holder of the turn writes it, and a person's git holds a lock on a ref for milliseconds. Their
    index may be locked for minutes while they write a message, so there the file itself has to be
    the one we prepared. The marker stays, for the caller to remove when all is done.
    """
    git_dir = root / ".git"
    removed: list[Path] = []
    with calls.refusals(git_dir, "clear up in"):
        ours = _status(private)
        lock = _status(git_dir / "index.lock")
        if ours is not None and lock is not None and os.path.samestat(ours, lock):
            calls.unlink(git_dir / "index.lock")
            removed.append(git_dir / "index.lock")
        begun = _status(marker)
        if begun is not None:
            for path in [*refs.lock_files(git_dir), *_litter(git_dir / "objects")]:
                status = _status(path)
                if status is not None and status.st_mtime >= begun.st_mtime - _CLOCK_TICK_S:
                    with suppress(FileNotFoundError):
                        calls.unlink(path)
                        removed.append(path)
        for path in (private, private.with_name(private.name + ".lock")):
            with suppress(FileNotFoundError):
                calls.unlink(path)
        for kind in ("merge-*", "empty-*"):
            for place in private.parent.glob(kind):
                if not place.is_symlink():
                    shutil.rmtree(place, ignore_errors=True)
    return [path.relative_to(root).as_posix() for path in removed if path.name.endswith(".lock")]


def _status(path: Path) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _litter(directory: Path) -> Iterator[Path]:
    for place in (directory, *_fanouts(directory)):
        with suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                if entry.name.startswith("tmp_obj_"):
                    yield Path(entry.path)


def _fanouts(directory: Path) -> Iterator[Path]:
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if _FANOUT.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                yield Path(entry.path)


def loose_count(git_dir: Path) -> int:
    """Return how many loose objects there are."""
    count = 0
    for place in _fanouts(git_dir / "objects"):
        with suppress(OSError):
            count += sum(1 for name in os.listdir(place) if _LOOSE.fullmatch(name))
    return count


def many_loose(git_dir: Path) -> bool:
    """Tell whether about 2,000 objects lie loose: ids are spread evenly over 256 directories."""
    try:
        return len(os.listdir(git_dir / "objects" / "17")) >= _MANY_IN_ONE
    except OSError:
        return False


def foreign_locks(root: Path, *, marker: Path) -> list[Problem]:
    """Return git's lock files, when they are not those of a checkpoint of ours."""
    if os.path.lexists(marker):
        return []
    paths = refs.lock_files(root / ".git")
    if os.path.lexists(root / ".git" / "index.lock"):
        paths.append(root / ".git" / "index.lock")
    return [
        Problem(
            "git-lock",
            path.relative_to(root).as_posix(),
            "another git program holds this lock, or ended without removing it",
            remedy="when no git is running here, delete the file",
        )
        for path in paths
    ]


def unusual_settings(keys: Iterable[str]) -> list[Problem]:
    """Return one note that lists the settings lettafs does not obey."""
    odd = sorted({key for key in keys if not re.fullmatch(_USUAL, key, re.IGNORECASE)})
    if not odd:
        return []
    shown = ", ".join("".join(c for c in key if c.isprintable())[:80] for key in odd[:12])
    more = f" and {len(odd) - 12} more" if len(odd) > 12 else ""
    return [
        Problem(
            "git-config",
            ".git/config",
            f"it has settings that lettafs does not obey, but your own git may: {shown}{more}",
            remedy="look at them before you run git here, if the directory is from somebody else",
        )
    ]


def embedded_repositories(root: Path) -> list[Problem]:
    """Return directories that git would take for a repository of their own, were it run in them."""
    found: list[Problem] = []
    for number, (directory, below, files) in enumerate(os.walk(root)):
        if number >= _MAX_DIRECTORIES:
            break
        place = Path(directory)
        if place == root:
            below[:] = [name for name in below if name not in (".git", ".lettafs")]
        elif "HEAD" in files and "objects" in below and "refs" in below:
            found.append(
                Problem(
                    "embedded-repository",
                    place.relative_to(root).as_posix(),
                    "a git repository lies inside the agent, whose settings git would obey there",
                    remedy="delete it, unless you put it there",
                )
            )
            below.clear()
    return found


def fsck_problems(status: int, printed: bytes) -> list[Problem]:
    """Return what a check of all objects found."""
    if status == 0:
        return []
    lines = [
        line
        for line in printed.decode("utf-8", "replace").splitlines()
        if line.strip() and not line.startswith("hint:")
    ]
    said = lines[:_MAX_FSCK_LINES] or [f"the check ended with status {status}"]
    remedy = "restore .git from a copy, or clone it from another machine; files are not affected"
    return [Problem("history-damaged", ".git", line.strip(), remedy=remedy) for line in said]


def incomplete(git_dir: Path) -> str | None:
    """Return why not all of a history lies in its own object store, as a clause; None: it does."""
    if os.path.lexists(git_dir / "shallow"):
        return "it is shallow, and its older commits are elsewhere"
    alternates = _status(git_dir / "objects" / "info" / "alternates")
    if alternates is not None and alternates.st_size > 0:
        return "it borrows objects from another repository (.git/objects/info/alternates)"
    with suppress(OSError), os.scandir(git_dir / "objects" / "pack") as entries:
        if any(entry.name.endswith(".promisor") for entry in entries):
            return "it is a partial clone, and some of its objects are elsewhere"
    return None


def copy_objects(source: Path, target: Path) -> None:
    """Copy all objects from one repository's store to another's, as plain files, through no links.

    Raises:
        DiskProblem: the disk refused.
    """
    with calls.refusals(target, "copy objects to"):
        for place in (*_fanouts(source), source / "pack"):
            if place.is_symlink() or not place.is_dir():
                continue
            plain_directory(target / place.name)
            for entry in sorted(os.scandir(place), key=lambda e: e.name):
                known = _PACK if place.name == "pack" else _LOOSE
                if known.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    _copy(Path(entry.path), target / place.name / entry.name)
            calls.fsync_dir(target / place.name)
        calls.fsync_dir(target)


def _copy(source: Path, target: Path) -> None:
    if os.path.lexists(target):
        return
    temp = target.with_name(f"tmp_obj_{target.name}")
    with suppress(FileNotFoundError):
        os.unlink(temp)
    reader = os.open(source, calls.OPEN_READ)
    try:
        writer = calls.create(temp, mode=0o444)
        try:
            while chunk := os.read(reader, 1 << 20):
                calls.write(writer, chunk, temp)
            calls.fsync(writer, temp)
        finally:
            os.close(writer)
    finally:
        os.close(reader)
    calls.rename(temp, target)
