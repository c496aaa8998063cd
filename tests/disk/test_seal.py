"""A seal holds for the files it was made over, where they lie, with the key it was made with."""

from __future__ import annotations

import json
import os
import shutil
import stat
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lettafs.disk.seal import (
    SEAL_NAME,
    SealBroken,
    Sealed,
    load_key,
    open_sealed,
    read_seal,
    write_seal,
)
from lettafs.errors import DiskProblem

KEY = bytes(range(32))
STATE = {"lines": 3, "of": ["a", "ä"], "deep": {"x": None}}


def sealed_directory(place: Path, *, hashed: bool = False) -> Path:
    directory = place / "index"
    directory.mkdir()
    (directory / "one").write_bytes(b"first")
    (directory / "two").write_bytes(b"second")
    names = ["one", "two"]
    write_seal(directory, key=KEY, names=names, state=STATE, hashed=names if hashed else [])
    return directory


def test_what_was_sealed_is_read_back(tmp_path: Path) -> None:
    directory = sealed_directory(tmp_path)
    sealed = read_seal(directory, key=KEY)
    assert sealed is not None
    assert sealed.state == STATE
    assert set(sealed.files) == {"one", "two"}
    assert sealed.files["one"].size == 5
    assert stat.S_IMODE((directory / SEAL_NAME).stat().st_mode) == 0o600
    assert contents(directory, sealed) == {"one": b"first", "two": b"second"}


def contents(directory: Path, sealed: Sealed) -> dict[str, bytes]:
    found = {}
    for name in sealed.files:
        with os.fdopen(open_sealed(directory, name, sealed), "rb") as file:
            found[name] = file.read()
    return found


def test_writing_returns_what_reading_will(tmp_path: Path) -> None:
    directory = tmp_path
    (directory / "one").write_bytes(b"first")
    written = write_seal(directory, key=KEY, names=["one"], state={"pair": (1, 2)}, hashed=["one"])
    assert written == read_seal(directory, key=KEY)


def change_bytes(directory: Path) -> None:
    (directory / "one").write_bytes(b"FIRST")


def change_length(directory: Path) -> None:
    (directory / "one").write_bytes(b"first and more")


def change_time(directory: Path) -> None:
    os.utime(directory / "one", ns=(1, 1))


def change_bytes_not_time(directory: Path) -> None:
    before = (directory / "one").stat()
    (directory / "one").write_bytes(b"FIRST")
    os.utime(directory / "one", ns=(before.st_atime_ns, before.st_mtime_ns))


def delete(directory: Path) -> None:
    (directory / "two").unlink()


def exchange_for_a_copy(directory: Path) -> None:
    shutil.copy2(directory / "one", directory / "copy")
    os.replace(directory / "copy", directory / "one")


def exchange_for_a_link(directory: Path) -> None:
    (directory / "one").rename(directory / "elsewhere")
    (directory / "one").symlink_to("elsewhere")


def exchange_for_a_directory(directory: Path) -> None:
    (directory / "one").unlink()
    (directory / "one").mkdir()


def flip_in_the_seal(directory: Path) -> None:
    raw = bytearray((directory / SEAL_NAME).read_bytes())
    raw[len(raw) // 2] ^= 1
    (directory / SEAL_NAME).write_bytes(raw)


def cut_the_seal(directory: Path) -> None:
    raw = (directory / SEAL_NAME).read_bytes()
    (directory / SEAL_NAME).write_bytes(raw[:70])


def empty_the_seal(directory: Path) -> None:
    (directory / SEAL_NAME).write_bytes(b"")


def link_the_seal(directory: Path) -> None:
    (directory / SEAL_NAME).rename(directory / "elsewhere")
    (directory / SEAL_NAME).symlink_to("elsewhere")


def pipe_the_seal(directory: Path) -> None:
    (directory / SEAL_NAME).unlink()
    os.mkfifo(directory / SEAL_NAME)


def add_to_the_seal(directory: Path) -> None:
    code, _, body = (directory / SEAL_NAME).read_bytes().partition(b"\n")
    said = json.loads(body)
    said["state"]["lines"] = 4
    again = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    (directory / SEAL_NAME).write_bytes(code + b"\n" + again)


@pytest.mark.parametrize(
    "change",
    [
        change_bytes,
        change_length,
        change_time,
        change_bytes_not_time,
        delete,
        exchange_for_a_copy,
        exchange_for_a_link,
        exchange_for_a_directory,
        flip_in_the_seal,
        cut_the_seal,
        empty_the_seal,
        link_the_seal,
        pipe_the_seal,
        add_to_the_seal,
    ],
)
def test_any_change_breaks_the_seal(tmp_path: Path, change: Callable[[Path], None]) -> None:
    directory = sealed_directory(tmp_path)
    assert read_seal(directory, key=KEY) is not None
    change(directory)
    assert read_seal(directory, key=KEY) is None


def test_another_users_seal_does_not_hold(tmp_path: Path) -> None:
    directory = sealed_directory(tmp_path)
    assert read_seal(directory, key=bytes(32)) is None


def test_a_directory_without_a_seal_has_none(tmp_path: Path) -> None:
    assert read_seal(tmp_path, key=KEY) is None
    assert read_seal(tmp_path / "nowhere", key=KEY) is None


def test_a_seal_holds_for_its_own_directory_only(tmp_path: Path) -> None:
    directory = sealed_directory(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    for name in ("one", "two", SEAL_NAME):
        os.link(directory / name, other / name)  # the very same files: only the place differs
    # A further name changes a file's ctime; the seal is made anew over that.
    write_seal(directory, key=KEY, names=["one", "two"], state=STATE)
    os.unlink(other / SEAL_NAME)
    shutil.copyfile(directory / SEAL_NAME, other / SEAL_NAME)
    assert read_seal(directory, key=KEY) is not None
    assert read_seal(other, key=KEY) is None


def test_a_link_to_a_sealed_directory_is_not_sealed(tmp_path: Path) -> None:
    directory = sealed_directory(tmp_path)
    (tmp_path / "link").symlink_to(directory)
    assert read_seal(tmp_path / "link", key=KEY) is None


@pytest.mark.parametrize(
    "change", [change_bytes_not_time, delete, exchange_for_a_copy, exchange_for_a_link]
)
def test_a_file_changed_since_the_seal_was_read_is_not_opened(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    directory = sealed_directory(tmp_path)
    sealed = read_seal(directory, key=KEY)
    assert sealed is not None
    change(directory)
    with pytest.raises(SealBroken):
        contents(directory, sealed)


def test_a_file_the_seal_does_not_name_is_not_opened(tmp_path: Path) -> None:
    directory = sealed_directory(tmp_path)
    sealed = read_seal(directory, key=KEY)
    assert sealed is not None
    (directory / "three").write_bytes(b"planted")
    for name in ("three", "../index/one", "/etc/hostname", SEAL_NAME):
        with pytest.raises(SealBroken):
            open_sealed(directory, name, sealed)


def test_bytes_are_checked_where_that_was_asked_for(tmp_path: Path) -> None:
    directory = sealed_directory(tmp_path, hashed=True)
    sealed = read_seal(directory, key=KEY)
    assert sealed is not None
    assert contents(directory, sealed) == {"one": b"first", "two": b"second"}
    assert sealed.files["one"].sha256 is not None
    other = Sealed({"one": replace(sealed.files["one"], sha256="0" * 64)}, {})
    with pytest.raises(SealBroken, match="other bytes"):
        open_sealed(directory, "one", other)


def test_a_file_is_sealed_only_when_a_later_change_would_show(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"first")
    sealed = write_seal(tmp_path, key=KEY, names=["one"], state={})
    assert time.time_ns() - sealed.files["one"].ctime_ns > 50_000_000


def test_a_file_whose_time_cannot_be_trusted_is_sealed_with_its_digest(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"first")
    ahead = time.time_ns() + 3600 * 10**9
    os.utime(tmp_path / "one", ns=(ahead, ahead))
    assert write_seal(tmp_path, key=KEY, names=["one"], state={}).files["one"].sha256 is not None


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", SEAL_NAME, "a\0b"])
def test_only_plain_names_are_sealed(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError):
        write_seal(tmp_path, key=KEY, names=[name], state={})


def test_what_is_no_file_is_not_sealed(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "real").write_bytes(b"x")
    (tmp_path / "link").symlink_to("real")
    os.mkfifo(tmp_path / "pipe")
    for name in ("directory", "link", "pipe", "missing"):
        with pytest.raises(DiskProblem):
            write_seal(tmp_path, key=KEY, names=[name], state={})
    assert read_seal(tmp_path, key=KEY) is None


def test_the_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    config = tmp_path / "user" / "config"
    key = load_key(config)
    assert key is not None and len(key) == 32
    assert load_key(config) == key
    assert load_key(tmp_path / "other") != key
    assert stat.S_IMODE((config / "index.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(config.stat().st_mode) == 0o700
    assert os.listdir(config) == ["index.key"]


def readable_by_others(path: Path) -> None:
    path.chmod(0o640)


def shortened(path: Path) -> None:
    path.write_bytes(b"x" * 31)


def lengthened(path: Path) -> None:
    path.write_bytes(b"x" * 33)


def linked(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("change", [readable_by_others, shortened, lengthened, linked, piped])
def test_a_key_that_is_not_the_users_own_secret_is_none(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    assert load_key(tmp_path) is not None
    change(tmp_path / "index.key")
    assert load_key(tmp_path) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_of_somebody_else_is_none(tmp_path: Path) -> None:
    assert load_key(tmp_path) is not None
    os.chown(tmp_path / "index.key", 12345, 12345)
    assert load_key(tmp_path) is None


def test_there_is_no_key_where_none_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert load_key(tmp_path / "file" / "config") is None
