"""Git's objects as values: the next tree from the last one and some changes, and loose files.

Objects are named by their content, so writing one can harm nothing, and the same one may be written
twice. Only what changed is encoded: a commit of three files in a home of ten thousand makes three
blobs and the trees above them.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lettafs.disk import calls
from lettafs.errors import DiskProblem, HistoryProblem, UsageProblem

__all__ = [
    "EMPTY_TREE",
    "Entry",
    "Listing",
    "Made",
    "differences",
    "find",
    "make_commit",
    "make_tree",
    "parse_listing",
    "store",
    "tree_id",
]

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_TREE_MODE = "40000"
_FILE_MODES = frozenset({"100644", "100755"})


@dataclass(frozen=True, slots=True)
class Entry:
    """What a tree says of one name."""

    mode: str
    """Octal, as git writes it: 100644, 100755, 120000 (a link), 160000 (a submodule), 40000."""
    id: str


Listing = Mapping[str, Mapping[str, Entry]]
"""Every directory of a commit by its path (`""` is the top) with its entries by name."""


@dataclass(frozen=True, slots=True)
class Made:
    """A tree, with the new objects it stands on."""

    id: str
    listing: Mapping[str, Mapping[str, Entry]]
    objects: dict[str, tuple[bytes, bytes]]
    """Id to (kind, content); those of unchanged files and directories are not among them."""


def parse_listing(raw: bytes) -> dict[str, dict[str, Entry]]:
    """Return the listing that `ls-tree -r -t -z` printed.

    Raises:
        HistoryProblem: a tree has a name that git itself would never give to a file.
    """
    listing: dict[str, dict[str, Entry]] = {"": {}}
    for line in raw.split(b"\0"):
        if not line:
            continue
        head, _, name = line.partition(b"\t")
        mode, kind, object_id = head.decode("ascii").split()
        path = os.fsdecode(name)
        directory, _, base = path.rpartition("/")
        above = listing.get(directory)
        if above is None or base in above or not _can_be_name(base):
            raise HistoryProblem(
                f"The history is damaged: a directory in it has an entry {path!r}, which cannot be"
                " the path of a file. `git fsck` says more"
            )
        above[base] = Entry(mode.lstrip("0"), object_id)
        if kind == "tree":
            listing[path] = {}
    return listing


def find(listing: Listing, path: str) -> Entry | None:
    """Return what a listing says of a path; None when it is not there."""
    directory, _, name = path.rpartition("/")
    return listing.get(directory, {}).get(name)


def tree_id(listing: Listing) -> str:
    """Return the id of a listing's top."""
    return _add({}, b"tree", _tree(listing.get("", {})))


def differences(before: Listing, after: Listing) -> dict[str, tuple[Entry | None, Entry | None]]:
    """Return path to old and new entry, of everything but directories that is not the same."""
    found: dict[str, tuple[Entry | None, Entry | None]] = {}
    for directory in before.keys() | after.keys():
        old, new = before.get(directory, {}), after.get(directory, {})
        if old is new:
            continue
        for name in old.keys() | new.keys():
            pair = tuple(
                None if entry is None or entry.mode == _TREE_MODE else entry
                for entry in (old.get(name), new.get(name))
            )
            if pair[0] != pair[1]:
                path = f"{directory}/{name}" if directory else name
                found[path] = (pair[0], pair[1])
    return found


def make_tree(before: Listing, changes: Mapping[str, bytes | None]) -> Made:
    """Return the tree that has `changes` (None: deleted) made to the tree `before`.

    A file keeps its executable bit. A directory that becomes empty goes away.

    Raises:
        UsageProblem: a path that cannot be in a tree.
    """
    listing = _Copied(before)
    objects: dict[str, tuple[bytes, bytes]] = {}
    touched: set[str] = set()
    for path, data in sorted(changes.items(), key=lambda change: change[1] is not None):
        directory, _, name = _checked(path).rpartition("/")
        if data is None:
            there = listing.trees.get(directory, {}).get(name)
            if there is not None and there.mode != _TREE_MODE:
                del listing.own(directory)[name]
                touched.add(directory)
            continue
        _make_room(listing, directory, name, touched)
        old = listing.trees[directory].get(name)
        mode = old.mode if old is not None and old.mode in _FILE_MODES else "100644"
        listing.own(directory)[name] = Entry(mode, _add(objects, b"blob", data))
        touched.add(directory)
    _make_directories(listing, touched, objects)
    top = _add(objects, b"tree", _tree(listing.trees[""]))
    return Made(top, listing.trees, objects)


class _Copied:
    """A listing of which only the directories that change are copied."""

    def __init__(self, before: Listing) -> None:
        self.trees: dict[str, Mapping[str, Entry]] = {"": {}, **before}
        self._own: dict[str, dict[str, Entry]] = {}

    def own(self, directory: str) -> dict[str, Entry]:
        """Return a directory's entries to be changed; a new directory has none."""
        mine = self._own.get(directory)
        if mine is None or self.trees.get(directory) is not mine:
            mine = self._own[directory] = dict(self.trees.get(directory, {}))
            self.trees[directory] = mine
        return mine


def _checked(path: str) -> str:
    if not all(_can_be_name(name) for name in path.split("/")):
        raise UsageProblem(f"{path!r} cannot be the path of a file in git")
    return path


def _can_be_name(name: str) -> bool:
    return name not in ("", ".", "..") and name.lower() != ".git" and "\0" not in name


def _make_room(listing: _Copied, directory: str, name: str, touched: set[str]) -> None:
    """Have directories down to `directory`, in the place of files; and no directory at `name`."""
    place = ""
    for part in directory.split("/") if directory else ():
        inner = f"{place}/{part}" if place else part
        if inner not in listing.trees:
            listing.own(inner)
            listing.own(place)[part] = Entry(_TREE_MODE, EMPTY_TREE)
            touched.update((place, inner))
        place = inner
    full = f"{directory}/{name}" if directory else name
    if full in listing.trees:
        for path in [p for p in listing.trees if p == full or p.startswith(full + "/")]:
            del listing.trees[path]
            touched.discard(path)
        del listing.own(directory)[name]


def _make_directories(
    listing: _Copied, touched: set[str], objects: dict[str, tuple[bytes, bytes]]
) -> None:
    """Name the touched directories anew, deepest first, and so the ones above them."""
    waiting = set(touched)
    for path in touched:
        while path:
            path = path.rpartition("/")[0]
            waiting.add(path)
    for path in sorted(waiting - {""}, key=lambda p: -p.count("/")):
        tree = listing.trees.get(path)
        if tree is None:
            continue
        above, _, name = path.rpartition("/")
        if tree:
            listing.own(above)[name] = Entry(_TREE_MODE, _add(objects, b"tree", _tree(tree)))
        else:
            del listing.trees[path]
            listing.own(above).pop(name, None)


def _tree(entries: Mapping[str, Entry]) -> bytes:
    # Git sorts a directory as though its name ended in a slash.
    rows = sorted(
        (os.fsencode(name) + (b"/" if entry.mode == _TREE_MODE else b""), name, entry)
        for name, entry in entries.items()
    )
    return b"".join(
        entry.mode.encode() + b" " + os.fsencode(name) + b"\0" + bytes.fromhex(entry.id)
        for _, name, entry in rows
    )


def make_commit(
    tree: str, *, parents: tuple[str, ...], author: str, message: str
) -> tuple[str, bytes]:
    """Return the id and content of a commit; `author` is `NAME <EMAIL> SECONDS ZONE`."""
    head = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    head += [f"author {author}", f"committer {author}"]
    text = "\n".join(head) + "\n\n" + message.replace("\0", "").rstrip("\n") + "\n"
    objects: dict[str, tuple[bytes, bytes]] = {}
    content = text.encode("utf-8", "replace")
    return _add(objects, b"commit", content), content


def _add(objects: dict[str, tuple[bytes, bytes]], kind: bytes, content: bytes) -> str:
    raw = kind + b" %d\0" % len(content) + content
    object_id = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
    objects[object_id] = (kind, content)
    return object_id


def store(directory: Path, objects: Mapping[str, tuple[bytes, bytes]]) -> None:
    """Write objects that are not there yet as loose files in `directory`, durably.

    Raises:
        DiskProblem: the disk refused; what was written stays, and does no harm.
    """
    ready: list[tuple[Path, Path]] = []
    try:
        with calls.refusals(directory, "write to"):
            for object_id, (kind, content) in objects.items():
                target = directory / object_id[:2] / object_id[2:]
                there = calls.regular(target)
                if there is not None and there.st_size > 0:  # empty: a power cut under another git
                    continue
                _have_directory(target.parent)
                temp = target.with_name(f"tmp_obj_{secrets.token_hex(6)}")  # git's litter name
                raw = zlib.compress(kind + b" %d\0" % len(content) + content, 1)
                calls.fill_new(temp, raw, mode=0o444, durable=False)
                ready.append((temp, target))
            # All are written before the first is waited for: the disk then has one long job.
            for temp, _ in ready:
                fd = os.open(temp, calls.OPEN_READ)
                try:
                    calls.fsync(fd, temp)
                finally:
                    os.close(fd)
            while ready:
                calls.rename(*ready[-1])
                ready.pop()
    finally:
        for temp, _ in ready:
            with suppress(OSError):
                os.unlink(temp)


def _have_directory(path: Path) -> None:
    try:
        calls.make_dir(path)
    except FileExistsError:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise DiskProblem(f"{path} is not a real directory", path=path) from None
