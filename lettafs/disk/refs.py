"""Where a repository stands, read from its files alone: no process, nothing run, nothing followed.

This is on the way of every turn. What a repository must not be (a link to elsewhere, another form
of storage) is found here too, before git is first let near it.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lettafs.disk import calls
from lettafs.errors import DiskProblem

__all__ = ["PENDING", "RepoState", "lock_files", "pending_ref", "read_ref", "read_state", "trouble"]

PENDING = "refs/lettafs/pending/"
"""Checkpoints made while no branch may be touched."""

_ID = re.compile(r"[0-9a-f]{40}")
_REF = re.compile(r"refs/[^\x00-\x20\x7f~^:?*\[\\]+")
_MAX_REF = 4096
_MAX_PACKED = 32 * 2**20
_MAX_CONFIG = 2**20
_LINKS_ALLOWED_IN = frozenset({"hooks"})  # never run, never read


@dataclass(frozen=True, slots=True)
class RepoState:
    """Where `HEAD` points, and whether somebody is in the middle of something."""

    head: str | None
    """The commit; None when there is none yet."""
    branch: str | None
    """Its short name; None when `HEAD` is detached."""
    unborn: bool
    """True: the branch has no commit yet."""
    detached: bool
    operation: str | None
    """`merge`, `rebase`, `cherry-pick`, `revert` or `bisect` under way."""

    @property
    def settled(self) -> bool:
        """True when a checkpoint may go to the branch."""
        return not self.detached and self.operation is None


def read_state(git_dir: Path) -> RepoState:
    """Return where the repository stands; a missing one reads as one without commits."""
    operation = _operation(git_dir)
    text = _text(git_dir / "HEAD")
    if text is None:
        return RepoState(None, "main", True, False, operation)
    if text.startswith("ref:"):
        name = text[4:].strip()
        commit = read_ref(git_dir, name)
        branch = name.removeprefix("refs/heads/")
        return RepoState(commit, branch, commit is None, False, operation)
    commit = text if _ID.fullmatch(text) else None
    return RepoState(commit, None, False, True, operation)


def _operation(git_dir: Path) -> str | None:
    signs = (
        ("rebase-merge", "rebase"),  # first: a rebase picks, and may stop in one of the others
        ("rebase-apply", "rebase"),
        ("MERGE_HEAD", "merge"),
        ("CHERRY_PICK_HEAD", "cherry-pick"),
        ("REVERT_HEAD", "revert"),
        ("sequencer", "cherry-pick"),  # between two picks, after one was committed by hand
        ("BISECT_LOG", "bisect"),
    )
    return next((name for sign, name in signs if os.path.lexists(git_dir / sign)), None)


def read_ref(git_dir: Path, name: str) -> str | None:
    """Return the commit a ref names, loose or packed; None when there is none."""
    for _ in range(5):
        if not _REF.fullmatch(name) or ".." in name or "//" in name or name.endswith("/"):
            return None
        text = _text(git_dir / name)
        if text is None:
            return _packed(git_dir).get(name)
        if text.startswith("ref:"):
            name = text[4:].strip()
            continue
        return text if _ID.fullmatch(text) else None
    return None


def pending_ref(git_dir: Path, *, branch: str | None) -> tuple[str, str] | None:
    """Return name and commit of the pending checkpoint; `branch`'s own first, None: there is none.

    There is one at a time: the next is made on top of it, under whatever name it has.
    """
    own = PENDING + (branch or "detached")
    names = [own, *sorted(_names_under(git_dir, PENDING) - {own})]
    for name in names:
        commit = read_ref(git_dir, name)
        if commit is not None:
            return name, commit
    return None


def _names_under(git_dir: Path, prefix: str) -> set[str]:
    names = {name for name in _packed(git_dir) if name.startswith(prefix)}
    for directory, _, files in os.walk(git_dir / prefix):
        inside = Path(directory).relative_to(git_dir).as_posix()
        names.update(f"{inside}/{file}" for file in files if not file.endswith(".lock"))
    return names


def _packed(git_dir: Path) -> dict[str, str]:
    text = _text(git_dir / "packed-refs", max_bytes=_MAX_PACKED)
    refs: dict[str, str] = {}
    for line in (text or "").splitlines():
        commit, space, name = line.partition(" ")
        if space and _ID.fullmatch(commit):
            refs[name] = commit
    return refs


def _text(path: Path, *, max_bytes: int = _MAX_REF) -> str | None:
    try:
        return os.fsdecode(calls.slurp(path, max_bytes=max_bytes)).strip()
    except (OSError, DiskProblem):
        return None


def lock_files(git_dir: Path) -> list[Path]:
    """Return the lock files that can keep a checkpoint from being made."""
    found = [
        path
        for name in ("HEAD", "packed-refs")
        if os.path.lexists(path := git_dir / f"{name}.lock")
    ]
    for directory, _, files in os.walk(git_dir / "refs"):
        found += [Path(directory) / file for file in sorted(files) if file.endswith(".lock")]
    return found


def trouble(root: Path) -> str | None:
    """Return why history must stay off here, as a clause; None when `.git` is sound or missing."""
    git_dir = root / ".git"
    if not os.path.lexists(git_dir):
        return None
    if git_dir.is_symlink():
        return ".git is a symbolic link, and links are not followed"
    if not git_dir.is_dir():
        return ".git is a file that points elsewhere, not a directory of its own"
    odd = _first_link(git_dir)
    if odd is not None:
        return f"{odd.relative_to(root)} is a symbolic link, and links are not followed"
    for name in ("commondir", "gitdir"):
        if os.path.lexists(git_dir / name):
            return f".git/{name} points elsewhere"
    config = _text(git_dir / "config", max_bytes=_MAX_CONFIG) or ""
    if re.search(r"(?im)objectformat\s*=\s*\"?sha256", config):
        return "the repository uses SHA-256 object names, which are not supported"
    if re.search(r"(?im)refstorage\s*=\s*\"?reftable", config) or os.path.lexists(
        git_dir / "reftable"
    ):
        return "the repository keeps its refs in a reftable, which is not supported"
    return None


def _first_link(git_dir: Path) -> Path | None:
    """Return a link inside `.git`; of objects only their directories are looked at."""
    waiting = [git_dir]
    while waiting:
        directory = waiting.pop()
        inside = directory.relative_to(git_dir).parts
        with suppress(OSError), os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_symlink():
                    return Path(entry.path)
                if not entry.is_dir(follow_symlinks=False):
                    continue
                if not inside and entry.name in _LINKS_ALLOWED_IN:
                    continue
                if not (inside[:1] == ("objects",) and len(entry.name) == 2):
                    waiting.append(Path(entry.path))
    return None
