"""Blocks: core memory as one Markdown file each.

Reading gives blocks *and* problems. Writing is compare-and-swap: an edit is a function from the old
text to the new one, applied to the bytes that are there now. If somebody saves in between, their
text is put back in its place and the function is applied to it, so that both edits live.
"""

from __future__ import annotations

import os
import stat
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from lettafs.disk import atomic, fingerprint
from lettafs.errors import BlockProblem
from lettafs.format import frontmatter, layout
from lettafs.values.block import Block
from lettafs.values.problem import Problem

__all__ = [
    "BlockWrite",
    "Loaded",
    "block_paths",
    "create",
    "delete",
    "digest",
    "edit",
    "load",
    "rename",
]

_TRIES = 8


@dataclass(frozen=True, slots=True)
class Loaded:
    """The blocks of a home, sorted by label, and what could not be read."""

    blocks: tuple[Block, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class BlockWrite:
    """A change to one file that is about to be made, or was made."""

    path: str
    before: bytes | None
    """None: the file is new."""
    after: bytes | None
    """None: the file goes away."""


Announce = Callable[[BlockWrite], None]
"""Called with every change just before it is made: the caller writes it ahead to the journal."""

Render = Callable[[str | None], bytes]
"""From the label its header must name to a new block's bytes; None: the path says the label."""


def block_paths(root: Path) -> tuple[list[str], list[Problem]]:
    """Return the paths of block files in order, and what lies there that must not be opened."""
    paths: list[str] = []
    problems: list[Problem] = []
    if (root / layout.MEMORY).is_symlink():
        problems.append(_link(layout.MEMORY))
    else:
        _visit(root, layout.MEMORY, paths, problems, depth=0)
    return sorted(paths), problems


def _visit(
    root: Path, folder: str, paths: list[str], problems: list[Problem], *, depth: int
) -> None:
    for entry in _entries(root, folder, problems):
        path = f"{folder}/{entry.name}"
        if entry.is_symlink():
            if layout.is_block_path(path) or not entry.is_file():
                problems.append(_link(path))
        elif entry.is_dir(follow_symlinks=False):
            if not entry.name.startswith(".") and depth < 12:
                _visit(root, path, paths, problems, depth=depth + 1)
        elif layout.is_block_path(path):
            if entry.is_file(follow_symlinks=False):
                paths.append(path)
            else:
                problems.append(Problem("not-a-file", path, "it is not a regular file"))


def _entries(root: Path, folder: str, problems: list[Problem]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(root / folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    except OSError as error:
        reason = error.strerror or str(error)
        problems.append(Problem("unreadable", folder, f"the folder cannot be read: {reason}"))
        return []


def _link(path: str) -> Problem:
    remedy = "put the file itself there"
    return Problem("symlink", path, "a symbolic link is not followed", remedy=remedy)


def load(root: Path) -> Loaded:
    """Return the blocks of a home; one broken file never hides the others."""
    paths, problems = block_paths(root)
    blocks: dict[str, Block] = {}
    claimed: dict[str, str] = {}
    for path in paths:
        try:
            data = atomic.read_bytes(root / path, max_bytes=frontmatter.MAX_BLOCK_BYTES)
        except FileNotFoundError:
            continue  # gone since it was listed: an editor replacing it; the next read has it
        except Exception as error:  # whatever it is, it is about this file alone
            problems.append(_unread(root, path, error))
            continue
        parsed = frontmatter.parse_block(data, path=path)
        if isinstance(parsed, Problem):
            problems.append(parsed)
            continue
        keys = (f"label {_composed(parsed.label)}", f"path {layout.folded(path)}")
        other = next((claimed[key] for key in keys if key in claimed), None)
        if other is not None:
            problems.append(_collision(parsed, other))
            continue
        claimed.update(dict.fromkeys(keys, path))
        blocks[parsed.label] = parsed
    ordered = tuple(blocks[label] for label in sorted(blocks))
    return Loaded(ordered, tuple(problems))


def _unread(root: Path, path: str, error: Exception) -> Problem:
    seen = fingerprint.stamp(root / path)
    most = frontmatter.MAX_BLOCK_BYTES
    if seen is None or seen.size <= most:
        return Problem("unreadable", path, str(error).rstrip("."))
    words = f"the file has {seen.size} bytes; a block has at most {most}"
    return Problem("too-large", path, words, remedy="shorten it, or move it out of memory/")


def _collision(block: Block, other: str) -> Problem:
    return Problem(
        "label-collision",
        block.path,
        f"the label {block.label!r}, or the file's name, is already taken by {other}",
        remedy="rename one of the two files",
    )


def _composed(label: str) -> str:
    """Return a key that is equal for two labels that are one: those that look the same."""
    return unicodedata.normalize("NFC", label)


def _current(root: Path, path: str, *, patient: bool = True) -> bytes | None:
    """Read a block that is not being written at this moment; None: it is not there."""
    full = root / path
    atomic.check_inside(root, full)
    if patient:
        atomic.quiet(full, now=time.time, sleep=time.sleep)
    try:
        return atomic.read_bytes(full, max_bytes=frontmatter.MAX_BLOCK_BYTES)
    except FileNotFoundError:
        return None


def edit(
    root: Path, path: str, *, change: Callable[[Block, bytes], bytes], announce: Announce
) -> BlockWrite:
    """Change one block's file, whatever anybody else does to it meanwhile.

    Args:
        root: the home.
        path: of the block, relative to the home.
        change: from the block and its file's bytes to the new bytes; called again when somebody
            saved in between. What it raises ends the edit with nothing changed.
        announce: called before each attempt.

    Raises:
        BlockProblem: the file is gone, broken, or changes faster than it can be edited.
        DiskProblem: the disk refused; the file is as it was.
    """
    for _ in range(_TRIES):
        data = _current(root, path)
        if data is None:
            raise BlockProblem(f"{path} is not there any more; nothing was changed.")
        after = change(_sound(data, path), data)
        write = BlockWrite(path, data, after)
        if after == data:
            return write
        announce(write)
        displaced = atomic.exchange(
            root / path, after, expected=data, keep_in=root / layout.DISPLACED
        )
        if displaced is None:
            return write
    raise BlockProblem(
        f"{path} is being changed by somebody else too fast to edit; nothing was done. Try again."
    )


def _sound(data: bytes, path: str) -> Block:
    """Return the block these bytes hold; a broken file is for a person to mend."""
    parsed = frontmatter.parse_block(data, path=path)
    if isinstance(parsed, Problem):
        raise BlockProblem(f"{parsed}. Nothing was changed: a person has to mend the file first.")
    return parsed


def create(root: Path, label: str, render: Render, *, announce: Announce) -> BlockWrite:
    """Make a new block's file.

    Args:
        root: the home.
        label: of the block; decides its path.
        render: gives the bytes, from the label that path needs in the header.
        announce: called before the file is made.

    Raises:
        BlockProblem: the label is taken, or `render` raised it.
        DiskProblem: the disk refused.
    """
    if any(_composed(block.label) == _composed(label) for block in load(root).blocks):
        raise BlockProblem(f"A block labelled {label!r} is already there.")
    _check_room(root)
    path = layout.block_path(label, taken=_names(root, layout.MEMORY, depth=0))
    data = render(None if layout.path_label(path) == label else label)
    atomic.check_inside(root, root / path)
    atomic.make_dirs((root / path).parent)
    write = BlockWrite(path, None, data)
    announce(write)
    if atomic.exchange(root / path, data, expected=None, keep_in=root / layout.DISPLACED) is None:
        return write
    raise BlockProblem(f"{path} was made by somebody else at this moment; nothing was changed.")


def _check_room(root: Path) -> None:
    with suppress(FileNotFoundError):
        if not stat.S_ISDIR((root / layout.MEMORY).lstat().st_mode):
            raise BlockProblem(
                f"{layout.MEMORY} is a link or a file, and nothing is written through it: a person "
                "has to put a directory there first."
            )


def _names(root: Path, folder: str, *, depth: int) -> Iterator[str]:
    """Yield every name below a folder, also of what is no block: a file cannot be made there."""
    for entry in _entries(root, folder, []):
        path = f"{folder}/{entry.name}"
        if not entry.is_dir(follow_symlinks=False):
            yield path
            continue
        yield f"{path}/"
        # What is made lies no deeper than a label is long, and never in a hidden directory.
        if not entry.name.startswith(".") and depth < 12:
            yield from _names(root, path, depth=depth + 1)


def delete(root: Path, path: str, *, announce: Announce) -> BlockWrite:
    """Take a block's file away.

    Raises:
        BlockProblem: it is gone already, it is broken, or somebody saved it at this moment.
        DiskProblem: the disk refused.
    """
    data = _current(root, path)
    if data is None:
        raise BlockProblem(f"{path} is not there any more.")
    _sound(data, path)
    write = BlockWrite(path, data, None)
    announce(write)
    if not atomic.remove(root / path, expected=data, keep_in=root / layout.DISPLACED):
        raise BlockProblem(f"{path} was saved by somebody else at this moment; it is kept.")
    return write


def rename(
    root: Path, path: str, label: str, *, announce: Announce
) -> tuple[BlockWrite, BlockWrite]:
    """Give a block another label: its new file, then its old one gone.

    Raises:
        BlockProblem: the new label is taken, the file is broken, or it changed at this moment: then
            both are kept.
        DiskProblem: the disk refused.
    """
    data = _current(root, path)
    if data is None:
        raise BlockProblem(f"{path} is not there any more.")
    _sound(data, path)
    made = create(
        root, label, lambda says: frontmatter.with_key(data, "label", says), announce=announce
    )
    return made, delete(root, path, announce=announce)


def digest(data: bytes | None) -> str | None:
    """Return the hash the journal and the fingerprints name a file's bytes by."""
    return None if data is None else sha256(data).hexdigest()
