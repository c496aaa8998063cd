"""The catalog: what is known of every file, kept so that a start does not have to read them again.

One JSON file of columns, a row for each file, under a code that needs the user's key and holds for
the very directory it was written in. A catalog that was copied, changed, cut or written by somebody
else is not there: the folders are then looked at as if for the first time.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, fields
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, get_args

from lettafs.disk import atomic
from lettafs.disk.fingerprint import Stamp
from lettafs.errors import DiskProblem
from lettafs.index.files.sweep import Found, Swept
from lettafs.index.files.vouch import code_in
from lettafs.values.file import FileInfo, FileState

__all__ = ["Catalog", "Entry", "FolderCatalog", "load_catalog", "save_catalog", "shown_name"]

T = TypeVar("T")

_PURPOSE = b"lettafs files 1"
_MAX_BYTES = 256 * 2**20
_STATES: tuple[FileState, ...] = get_args(FileState)
_HEX = re.compile("[0-9a-f]*")
_ODD = (ValueError, LookupError, TypeError, AttributeError)
"""What is raised by reading a catalog that says something that cannot be."""
_MOST = 2**128
"""No number of a file is beyond it."""

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""What moves a terminal's cursor, turns the reading direction, ends a line, or cannot be written:
controls, marks of direction, separators of lines, halves of characters, tags."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one file."""

    info: FileInfo
    stamp: Stamp | None
    """What it looked like when it was read; None: it may change without looking otherwise."""


@dataclass(slots=True)
class FolderCatalog:
    """What is known of one folder."""

    root: str
    """The real path it was found at."""
    rules: str
    """What is the same as long as the same files belong to it."""
    swept: Swept
    """What was seen in it."""
    entries: dict[str, Entry]
    """By path in the folder."""


@dataclass(slots=True)
class Catalog:
    """What is known of the files of a home."""

    folders: dict[str, FolderCatalog] = field(default_factory=dict)
    """By name."""
    contents: list[str] = field(default_factory=list)
    """SHA-256 of each content, in hex, in the order they were first seen."""


def load_catalog(path: Path, *, key: bytes) -> Catalog | None:
    """Return what was kept; None: nothing was, or it is not what this user wrote in this directory.

    Args:
        path: the file.
        key: the user's.
    """
    try:
        raw = atomic.read_bytes(path, max_bytes=_MAX_BYTES)
        code, _, body = raw.partition(b"\n")
        # Nothing a stranger wrote reaches the parser.
        if not code_in(path.parent, key=key).holds(
            bytes.fromhex(code.decode("ascii")), _PURPOSE, [body]
        ):
            return None
        return _parsed(json.loads(body))
    except (OSError, DiskProblem, RecursionError, *_ODD):
        return None


def save_catalog(path: Path, catalog: Catalog, *, key: bytes) -> None:
    """Keep a catalog in place of what was kept; only its owner can read the file.

    Args:
        path: the file. Its directory is there.
        catalog: what is known.
        key: the user's.

    Raises:
        DiskProblem: the disk refused, or the directory is missing or none.
    """
    body = json.dumps(_told(catalog), separators=(",", ":"), check_circular=False).encode("ascii")
    try:
        code = code_in(path.parent, key=key).of(_PURPOSE, [body])
    except OSError as error:
        raise DiskProblem(f"{path.parent} is not a directory to write in", path=path) from error
    atomic.replace(path, code.hex().encode("ascii") + b"\n" + body, mode=0o600, durable=False)


def shown_name(folder: str, path: str, taken: Container[str]) -> str:
    """Return what a file is called: its folder and path, safe to print, and like no other.

    Args:
        folder: name of the folder.
        path: in the folder, as the system gives it.
        taken: what other files are called.
    """
    name = f"{folder}/{_UNSAFE.sub(chr(0xFFFD), path)}"
    if name not in taken:
        return name
    number = blake2b(path.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()
    for digits in range(4, len(number) + 1):
        if (other := f"{name}~{number[:digits]}") not in taken:
            return other
    raise ValueError(f"{name!r} is taken for the very same path")


# -- as JSON -----------------------------------------------------------------------------------
#
# A file has a row in up to three tables: as it was found, what is known of it, and what it looked
# like when it was read. The last two mostly repeat the first, so a row says 0 where it would.


def _told(catalog: Catalog) -> dict[str, object]:
    numbers = {sha256: number for number, sha256 in enumerate(catalog.contents)}
    return {
        "contents": catalog.contents,
        "folders": {
            name: _told_folder(name, known, numbers) for name, known in catalog.folders.items()
        },
    }


def _told_folder(name: str, known: FolderCatalog, numbers: dict[str, int]) -> dict[str, object]:
    swept = known.swept
    found = {one.path: one.stamp for one in swept.files}
    words: dict[str, int] = {}
    rows = [_told_entry(name, path, e, found, numbers, words) for path, e in known.entries.items()]
    return {
        "root": known.root,
        "rules": known.rules,
        "swept_rules": swept.rules,
        "is_whole": swept.is_whole,
        "skipped": swept.skipped,
        "directories": list(swept.directories.items()),
        "found": [[one.path for one in swept.files], *_columns((f.stamp for f in swept.files), 4)],
        "entries": [list(known.entries), *_columns(rows, 11)],
        "words": list(words),
    }


def _columns(rows: Iterable[Sequence[Any]], count: int) -> list[Sequence[Any]]:
    return list(zip(*rows, strict=True)) or [()] * count


def _told_entry(
    folder: str,
    path: str,
    entry: Entry,
    found: dict[str, Stamp],
    numbers: dict[str, int],
    words: dict[str, int],
) -> tuple[Any, ...]:
    info, seen = entry.info, found.get(path)
    return (
        0 if info.name == f"{folder}/{path}" else info.name,
        None if seen is not None and info.size == seen.size else info.size,
        None if seen is not None and info.modified_ns == seen.mtime_ns else info.modified_ns,
        words.setdefault(info.kind, len(words)),
        _STATES.index(info.state),
        words.setdefault(info.reason, len(words)),
        None if info.sha256 is None else numbers.get(info.sha256, info.sha256),
        info.chars,
        info.lines,
        info.pages,
        0 if seen is not None and entry.stamp == seen else entry.stamp,
    )


def _parsed(said: Any) -> Catalog:
    """Return the catalog.

    Raises:
        ValueError: it says something that cannot be; or another one of `_ODD`.
    """
    contents = said["contents"]
    _all(
        _are(contents, str)
        and set(map(len, contents)) <= {64}
        and _HEX.fullmatch("".join(contents)) is not None
    )
    folders = {name: _parsed_folder(name, of, contents) for name, of in said["folders"].items()}
    return Catalog(folders, contents)


def _parsed_folder(name: str, said: Any, contents: list[str]) -> FolderCatalog:
    paths, *columns = said["found"]
    _all(len(columns) == 4 and _are(paths, str))
    stamps = _stamps(columns, len(paths))
    directories = {_text(key): _one_stamp(seen) for key, seen in said["directories"]}
    swept = Swept(
        tuple(_made(Found, paths, stamps)),
        tuple((_text(path), _text(reason)) for path, reason in said["skipped"]),
        MappingProxyType(directories),
        _text(said["swept_rules"]),
        said["is_whole"] is True,
    )
    entries = _parsed_entries(name, said, dict(zip(paths, stamps, strict=True)), contents)
    return FolderCatalog(_text(said["root"]), _text(said["rules"]), swept, entries)


def _parsed_entries(
    folder: str, said: Any, found: dict[str, Stamp], contents: list[str]
) -> dict[str, Entry]:
    paths, *columns = said["entries"]
    words = said["words"]
    _all(len(columns) == 11 and _are(paths, str) and _are(words, str))
    _all(len(set(paths)) == len(paths) and all(len(column) == len(paths) for column in columns))
    names, sizes, times, kinds, states, reasons, hashes, chars, lines, pages, stamps = columns
    for column in (kinds, states, reasons, chars, lines, pages):
        _all(_are(column, int) and (not column or 0 <= min(column) <= max(column) < _MOST))
    seen = [found.get(path) for path in paths]
    infos = _made(
        FileInfo,
        [folder] * len(paths),
        paths,
        [
            f"{folder}/{p}" if name == 0 else _text(name)
            for p, name in zip(paths, names, strict=True)
        ],
        [
            found[p].size if n is None else _number(n, least=0)
            for p, n in zip(paths, sizes, strict=True)
        ],
        [found[p].mtime_ns if n is None else _number(n) for p, n in zip(paths, times, strict=True)],
        [words[number] for number in kinds],
        [_STATES[number] for number in states],
        [words[number] for number in reasons],
        [None if said is None else _hash(said, contents) for said in hashes],
        chars,
        lines,
        pages,
    )
    read = [one if said == 0 else _one_stamp(said) for one, said in zip(seen, stamps, strict=True)]
    return dict(zip(paths, _made(Entry, infos, read), strict=True))


def _made(kind: type[T], *columns: Sequence[object]) -> list[T]:
    """Return frozen values of a kind, made from their fields' columns.

    Filled slot by slot: the constructor of a frozen dataclass takes five times as long, which a
    start with 10,000 files would feel.
    """
    made = [object.__new__(kind) for _ in columns[0]]
    for slot, column in zip(fields(kind), columns, strict=True):  # type: ignore[arg-type]
        deque(map(getattr(kind, slot.name).__set__, made, column), maxlen=0)
    return made


def _one_stamp(said: Any) -> Stamp | None:
    return None if said is None else _stamps([[number] for number in said], 1)[0]


def _stamps(columns: Sequence[Sequence[int]], count: int) -> list[Stamp]:
    _all(len(columns) == 4)
    for column in columns:
        _all(len(column) == count and _are(column, int))
        least = 0 if column is columns[0] else -_MOST  # a size is none below nothing
        _all(not column or least <= min(column) <= max(column) < _MOST)
    return list(map(Stamp._make, zip(*columns, strict=True)))


def _hash(said: object, contents: list[str]) -> str:
    if type(said) is int and said >= 0:
        return contents[said]
    _all(isinstance(said, str) and len(said) == 64 and _HEX.fullmatch(said) is not None)
    return str(said)


def _text(said: object) -> str:
    _all(type(said) is str)
    return str(said)


def _number(said: object, *, least: int = -_MOST) -> int:
    if type(said) is not int or not least <= said < _MOST:
        raise ValueError("no number that can be")
    return said


def _are(column: Iterable[object], kind: type) -> bool:
    return isinstance(column, list) and set(map(type, column)) <= {kind}


def _all(holds: bool) -> None:
    if not holds:
        raise ValueError("a catalog that cannot be")
