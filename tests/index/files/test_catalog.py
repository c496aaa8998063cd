from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import stat
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lettafs.disk.fingerprint import Stamp
from lettafs.errors import DiskProblem
from lettafs.index.files.catalog import (
    Catalog,
    Entry,
    FolderCatalog,
    load_catalog,
    save_catalog,
    shown_name,
)
from lettafs.index.files.sweep import Found, Swept
from lettafs.index.vectors.code import Code
from lettafs.values.file import FileInfo

KEY = bytes(range(32))

PATHS = st.text(
    st.sampled_from("ab/\n\x1b\x9b\t\u202e\u2028ü日🙂\udcff\udc80\ufffd~"), min_size=1, max_size=8
)
WORDS = st.sampled_from(["", "a link", "it is\nodd", "ü"])
NUMBERS = st.integers(0, 2**63 - 1)
TIMES = st.integers(-(2**62), 2**62)
STAMPS = st.builds(Stamp, NUMBERS, TIMES, TIMES, st.integers(0, 2**64 - 1))
HASHES = st.integers(0, 9).map(lambda n: hashlib.sha256(b"%d" % n).hexdigest())


@st.composite
def folders(draw: st.DrawFn, name: str) -> FolderCatalog:
    found = draw(st.dictionaries(PATHS, STAMPS, max_size=6))
    entries = {}
    for path in [*found, *draw(st.lists(PATHS, max_size=2))]:
        stamp = draw(st.none() | STAMPS | st.just(found.get(path)))
        there = found.get(path, Stamp(1, 2, 3, 4))
        info = FileInfo(
            name,
            path,
            draw(st.sampled_from([f"{name}/{path}", "other", ""])),
            draw(st.just(there.size) | NUMBERS),
            draw(st.just(there.mtime_ns) | TIMES),
            draw(st.sampled_from(["text", "pdf", ""])),
            draw(st.sampled_from(["waiting", "ready", "empty", "failed"])),
            draw(WORDS),
            draw(st.none() | HASHES),
            draw(NUMBERS),
            draw(NUMBERS),
            draw(NUMBERS),
        )
        entries[path] = Entry(info, stamp)
    swept = Swept(
        tuple(Found(path, found[path]) for path in sorted(found)),
        tuple(draw(st.lists(st.tuples(PATHS, WORDS), max_size=2))),
        draw(st.dictionaries(PATHS, st.none() | STAMPS, max_size=3)),
        draw(WORDS),
        draw(st.booleans()),
    )
    return FolderCatalog(draw(PATHS), draw(WORDS), swept, entries)


@st.composite
def catalogs(draw: st.DrawFn) -> Catalog:
    names = draw(st.lists(st.sampled_from(["papers", "a b", "ü"]), unique=True))
    contents = draw(st.lists(HASHES, max_size=4))
    return Catalog({name: draw(folders(name)) for name in names}, contents)


def one() -> Catalog:
    seen = Stamp(7, 1_700_000_000_000_000_001, 1_700_000_000_000_000_002, 99)
    sha256 = hashlib.sha256(b"x").hexdigest()
    info = FileInfo("papers", "a.md", "papers/a.md", 7, seen.mtime_ns, "text", "ready", "", sha256)
    swept = Swept((Found("a.md", seen),), (("l", "a link"),), {"": seen, "b/": None}, "rules")
    entries = {"a.md": Entry(info, seen)}
    return Catalog({"papers": FolderCatalog("/p", "r", swept, entries)}, [sha256])


@settings(
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(catalogs())
def test_a_catalog_comes_back_as_it_was_kept(tmp_path: Path, catalog: Catalog) -> None:
    save_catalog(tmp_path / "catalog.json", catalog, key=KEY)
    assert load_catalog(tmp_path / "catalog.json", key=KEY) == catalog


def test_only_its_owner_can_read_a_catalog(tmp_path: Path) -> None:
    (tmp_path / "catalog.json").touch(mode=0o666)
    save_catalog(tmp_path / "catalog.json", one(), key=KEY)
    assert stat.S_IMODE((tmp_path / "catalog.json").stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["catalog.json"]


def test_no_catalog_is_none(tmp_path: Path) -> None:
    assert load_catalog(tmp_path / "catalog.json", key=KEY) is None
    assert load_catalog(tmp_path / "none" / "catalog.json", key=KEY) is None
    (tmp_path / "catalog.json").mkdir()
    assert load_catalog(tmp_path / "catalog.json", key=KEY) is None


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"{}", b"zz\n{}", b"00" * 24 + b"\n{}", b"\xff\n" * 9]
)
def test_what_is_no_catalog_is_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "catalog.json").write_bytes(data)
    assert load_catalog(tmp_path / "catalog.json", key=KEY) is None


def test_a_catalog_of_another_user_or_another_directory_is_none(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    save_catalog(here / "catalog.json", one(), key=KEY)
    assert load_catalog(here / "catalog.json", key=bytes(32)) is None
    shutil.copytree(here, there)
    assert load_catalog(there / "catalog.json", key=KEY) is None
    os.rename(here, tmp_path / "moved")
    assert load_catalog(tmp_path / "moved" / "catalog.json", key=KEY) == one()
    (tmp_path / "link").symlink_to(tmp_path / "moved")
    assert load_catalog(tmp_path / "link" / "catalog.json", key=KEY) is None
    (there / "catalog.json").unlink()
    (there / "catalog.json").symlink_to(tmp_path / "moved" / "catalog.json")
    assert load_catalog(there / "catalog.json", key=KEY) is None


def test_a_catalog_is_not_written_where_there_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    for directory in (tmp_path / "none", tmp_path / "link"):
        with pytest.raises(DiskProblem):
            save_catalog(directory / "catalog.json", one(), key=KEY)


def test_no_changed_byte_and_no_cut_is_ever_trusted(tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    save_catalog(path, one(), key=KEY)
    whole = path.read_bytes()
    chance = random.Random(4)
    for _ in range(200):
        changed = bytearray(whole)
        changed[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        loaded = load_catalog(path, key=KEY)
        # A letter of the code in the other case is the same code.
        assert loaded is None or bytes(changed).lower() == whole.lower()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        assert load_catalog(path, key=KEY) is None


ODD = (
    '[null, true, -1, 1.5, "x", [], {}, [1], [[]], {"a": 1}, 1e60, '
    "9999999999999999999999999999999999999999999]"
)


def forged(path: Path, said: Any) -> None:
    """Write what we would never write, under a code that holds."""
    about = json.dumps(["lettafs files, form 1", path.parent.stat().st_ino]).encode()
    code = Code(blake2b(about, key=KEY, digest_size=32).digest())
    body = json.dumps(said).encode()
    path.write_bytes(code.of(b"lettafs files 1", [body]).hex().encode() + b"\n" + body)


def places(said: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = list(said.items() if isinstance(said, dict) else enumerate(said))
    return [
        place
        for key, value in inner
        for place in [
            (*at, key),
            *(places(value, (*at, key)) if isinstance(value, dict | list) else []),
        ]
    ]


def test_every_field_is_looked_at_before_it_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    save_catalog(path, one(), key=KEY)
    body = path.read_bytes().partition(b"\n")[2]
    forged(path, json.loads(body))
    assert load_catalog(path, key=KEY) == one(), "the forger knows how"
    refused = 0
    for place in places(json.loads(body)):
        for odd in json.loads(ODD):
            said = json.loads(body)
            into = said
            for key in place[:-1]:
                into = into[key]
            into[place[-1]] = odd
            forged(path, said)
            loaded = load_catalog(path, key=KEY)
            if loaded is None:
                refused += 1
            else:
                believable(loaded)
    assert refused > 300


def believable(catalog: Catalog) -> None:
    def stamped(stamp: Stamp | None) -> bool:
        return stamp is None or all(type(n) is int and abs(n) <= 2**128 for n in stamp)

    assert all(type(sha256) is str and len(sha256) == 64 for sha256 in catalog.contents)
    for name, folder in catalog.folders.items():
        assert type(folder.root) is str and type(folder.rules) is str
        assert type(folder.swept.rules) is str and type(folder.swept.is_whole) is bool
        assert all(type(f.path) is str and stamped(f.stamp) for f in folder.swept.files)
        assert all(type(t) is str for pair in folder.swept.skipped for t in pair)
        assert all(len(pair) == 2 for pair in folder.swept.skipped)
        assert all(type(k) is str and stamped(s) for k, s in folder.swept.directories.items())
        for path, entry in folder.entries.items():
            info = entry.info
            assert (info.folder, info.path) == (name, path) and stamped(entry.stamp)
            assert all(type(t) is str for t in (path, info.name, info.kind, info.reason))
            assert info.state in ("waiting", "ready", "empty", "failed")
            assert info.sha256 is None or len(info.sha256) == 64
            numbers = (info.size, info.chars, info.lines, info.pages)
            assert all(type(n) is int and 0 <= n < 2**128 for n in numbers)
            assert type(info.modified_ns) is int and abs(info.modified_ns) < 2**128


@pytest.mark.parametrize(
    "path, shown",
    [
        ("a/b c.md", "docs/a/b c.md"),
        ("e\u0301 ü 日本 🙂.md", "docs/e\u0301 ü 日本 🙂.md"),
        ("new\nline\t.md", "docs/new\ufffdline\ufffd.md"),
        ("\x1b[31mred\x07", "docs/\ufffd[31mred\ufffd"),
        ("\x9b2J\x7f", "docs/\ufffd2J\ufffd"),
        ("\u202egnp.exe\u2069\u200f", "docs/\ufffdgnp.exe\ufffd\ufffd"),
        ("\udcff\udcfe", "docs/\ufffd\ufffd"),
        ("a\u2028b\ufeffc\U000e0041", "docs/a\ufffdb\ufffdc\ufffd"),
        ("x" * 3000, "docs/" + "x" * 3000),
    ],
)
def test_a_shown_name_is_safe_to_print_and_otherwise_as_it_is(path: str, shown: str) -> None:
    assert shown_name("docs", path, ()) == shown


def test_names_that_would_be_shown_alike_are_told_apart() -> None:
    taken: set[str] = set()
    for path in ("a\n.md", "a\t.md", "a\ufffd.md", "a\x00.md"):
        name = shown_name("docs", path, taken)
        assert name not in taken
        assert name == shown_name("docs", path, taken), "the same each time"
        taken.add(name)
    assert "docs/a\ufffd.md" in taken
    assert sorted(len(name) for name in taken) == [10, 15, 15, 15]
    longer = shown_name("docs", "a\t.md", taken)
    assert longer not in taken and len(longer) == 16


@settings(max_examples=60, deadline=None, database=None)
@given(st.lists(PATHS, unique=True, max_size=8))
def test_every_shown_name_can_be_written_and_is_like_no_other(paths: list[str]) -> None:
    taken: set[str] = set()
    for path in paths:
        taken.add(shown_name("docs", path, taken))
    assert len(taken) == len(paths)
    for name in taken:
        assert name.encode("utf-8")
        assert len(name.splitlines()) == 1 and "\x1b" not in name
