"""A glance: what a prompt says of files, kept beside the catalog it was made of.

With ten thousand files the catalog takes a tenth of a second to load, and a conversation that opens
none of them needs little of it: how many there are, the names that are shown, and what the folders
looked like, which tells whether all that still holds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lettafs.disk import atomic
from lettafs.disk.fingerprint import Stamp
from lettafs.errors import DiskProblem
from lettafs.index.files.vouch import code_in

__all__ = ["CATALOG", "Glance", "Glimpsed", "load_glance", "save_glance"]

CATALOG = "catalog.json"
"""Name of the catalog's file."""

_NAME = "glance.json"
_PURPOSE = b"lettafs glance 1"
_MAX_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Glimpsed:
    """One folder."""

    root: str
    """The real path it was found at."""
    rules: str
    """As in the catalog."""
    directories: Mapping[str, Stamp | None]
    """What it looked like."""
    swept_rules: str
    counts: tuple[int, int, int, int, int, int]
    """Files, those ready, waiting, empty and failed, and their bytes."""
    outline: tuple[str, ...]
    """The lines that show its files."""


@dataclass(frozen=True, slots=True)
class Glance:
    """All folders."""

    catalog: Stamp
    """What the catalog's file looked like that this was made of."""
    version: str
    """Changes with how files are shown."""
    fingerprint: str
    """As `Known.fingerprint`."""
    folders: Mapping[str, Glimpsed]


def load_glance(directory: Path, *, key: bytes) -> Glance | None:
    """Return what was kept; None: nothing was, or it is not what this user wrote here."""
    try:
        raw = atomic.read_bytes(directory / _NAME, max_bytes=_MAX_BYTES)
        code, _, body = raw.partition(b"\n")
        # Nothing a stranger wrote reaches the parser.
        if not code_in(directory, key=key).holds(
            bytes.fromhex(code.decode("ascii")), _PURPOSE, [body]
        ):
            return None
        said = json.loads(body)
        folders = {name: _folder(of) for name, of in said["folders"].items()}
        return Glance(Stamp(*said["catalog"]), said["version"], said["fingerprint"], folders)
    except (OSError, DiskProblem, ValueError, LookupError, TypeError, AttributeError):
        return None


def save_glance(directory: Path, glance: Glance, *, key: bytes) -> None:
    """Keep a glance; a disk that refuses costs only time."""
    said = {
        "catalog": glance.catalog,
        "version": glance.version,
        "fingerprint": glance.fingerprint,
        "folders": {
            name: {
                "root": of.root,
                "rules": of.rules,
                "directories": list(of.directories.items()),
                "swept_rules": of.swept_rules,
                "counts": of.counts,
                "outline": of.outline,
            }
            for name, of in glance.folders.items()
        },
    }
    body = json.dumps(said, separators=(",", ":")).encode("ascii")
    with suppress(OSError, DiskProblem):
        code = code_in(directory, key=key).of(_PURPOSE, [body]).hex().encode("ascii")
        atomic.replace(directory / _NAME, code + b"\n" + body, mode=0o600, durable=False)


def _folder(said: Any) -> Glimpsed:
    directories = {
        name: None if seen is None else Stamp(*seen) for name, seen in said["directories"]
    }
    files, ready, waiting, empty, failed, size = said["counts"]
    return Glimpsed(
        said["root"],
        said["rules"],
        directories,
        said["swept_rules"],
        (files, ready, waiting, empty, failed, size),
        tuple(said["outline"]),
    )
