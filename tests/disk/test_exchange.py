from __future__ import annotations

import errno
import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lettafs.disk import atomic, faults


def home(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "memory").mkdir()
    return tmp_path / "memory" / "human.md", tmp_path / ".lettafs" / "displaced"


def kept(keep_in: Path) -> list[bytes]:
    return [file.read_bytes() for file in sorted(keep_in.rglob("*")) if file.is_file()]


def settle_all(keep_in: Path) -> list[atomic.Displaced]:
    return atomic.settle(keep_in, older_than_s=0, now=lambda: time.time() + 60)


def test_an_edit_of_what_was_read_takes_place(tmp_path: Path) -> None:
    path, keep_in = home(tmp_path)
    path.write_bytes(b"old")
    path.chmod(0o600)
    assert atomic.exchange(path, b"new", expected=b"old", keep_in=keep_in) is None
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert kept(keep_in) == [b"old"]
    assert settle_all(keep_in) == []
    assert list(keep_in.iterdir()) == []
    assert list(path.parent.iterdir()) == [path]


def test_a_save_in_between_stays_and_is_returned(tmp_path: Path) -> None:
    path, keep_in = home(tmp_path)
    path.write_bytes(b"a person's")
    assert atomic.exchange(path, b"new", expected=b"old", keep_in=keep_in) == b"a person's"
    assert path.read_bytes() == b"a person's"
    assert settle_all(keep_in) == []


def test_a_new_file_never_takes_the_place_of_one(tmp_path: Path) -> None:
    path, keep_in = home(tmp_path)
    assert atomic.exchange(path, b"new", expected=None, keep_in=keep_in) is None
    assert atomic.exchange(path, b"newer", expected=None, keep_in=keep_in) == b"new"
    assert path.read_bytes() == b"new"
    assert settle_all(keep_in) == []


def test_a_file_that_has_gone_is_not_brought_back(tmp_path: Path) -> None:
    path, keep_in = home(tmp_path)
    assert atomic.exchange(path, b"new", expected=b"old", keep_in=keep_in) == b""
    assert not path.exists()
    assert kept(keep_in) == []


def test_an_editor_that_still_has_the_old_file_open_loses_nothing(tmp_path: Path) -> None:
    path, keep_in = home(tmp_path)
    path.write_bytes(b"old")
    with path.open("r+b") as editor:
        assert atomic.exchange(path, b"new", expected=b"old", keep_in=keep_in) is None
        editor.write(b"old, and a late line")
    (late,) = settle_all(keep_in)
    assert (late.path, late.data) == ("memory/human.md", b"old, and a late line")
    assert settle_all(keep_in) == [late]  # until it is kept elsewhere
    atomic.discard(late)
    assert settle_all(keep_in) == []
    assert list(keep_in.iterdir()) == []


def test_what_belongs_behind_a_link_by_now_is_left_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    path, keep_in = home(tmp_path / "home")
    path.write_bytes(b"old")
    with path.open("r+b") as editor:
        assert atomic.exchange(path, b"new", expected=b"old", keep_in=keep_in) is None
        editor.write(b"old, and a late line")
    path.rename(tmp_path / "real.md")
    path.symlink_to(tmp_path / "real.md")
    assert settle_all(keep_in) == []
    path.unlink()
    path.parent.rename(tmp_path / "elsewhere")
    path.parent.symlink_to(tmp_path / "elsewhere")
    assert settle_all(keep_in) == []
    assert kept(keep_in) == [b"old, and a late line"]
    path.parent.unlink()
    assert [late.path for late in settle_all(keep_in)] == ["memory/human.md"]
    keep_in.parent.rename(tmp_path / "ours")
    keep_in.parent.symlink_to(tmp_path / "ours")
    assert settle_all(keep_in) == []


def test_a_new_file_is_made_where_there_is_neither_such_a_rename_nor_a_second_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, keep_in = home(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr("lettafs.disk.calls._rename_flagged", refuse)
    monkeypatch.setattr(os, "link", refuse)
    assert atomic.exchange(path, b"new", expected=None, keep_in=keep_in) is None
    assert path.read_bytes() == b"new"
    assert atomic.exchange(path, b"newer", expected=None, keep_in=keep_in) == b"new"
    assert list(path.parent.iterdir()) == [path]
    assert settle_all(keep_in) == []


def test_what_was_displaced_just_now_is_not_settled_yet(tmp_path: Path) -> None:
    path, keep_in = home(tmp_path)
    path.write_bytes(b"old")
    atomic.exchange(path, b"new", expected=b"old", keep_in=keep_in)
    assert atomic.settle(keep_in, older_than_s=60, now=time.time) == []
    assert atomic.settle(keep_in, older_than_s=2, now=lambda: 0.0) == []  # the clock went back
    assert kept(keep_in) == [b"old"]


@pytest.mark.parametrize("style", ["rename", "in place"])
def test_a_third_save_during_the_trade_back_has_the_name_in_the_end(
    tmp_path: Path, style: str
) -> None:
    """One save lands before the trade, another before the trade back: none is lost."""
    path, keep_in = home(tmp_path)
    path.write_bytes(b"second")
    trades = 0

    def hook(name: str, where: Path) -> None:
        nonlocal trades
        if name != "exchange":
            return
        trades += 1
        if trades == 2:
            if style == "rename":
                (tmp_path / "swap").write_bytes(b"third")
                os.replace(tmp_path / "swap", path)
            else:
                path.write_bytes(b"third")

    with faults.installed(hook):
        found = atomic.exchange(path, b"agent", expected=b"first", keep_in=keep_in)
    assert trades == 3
    assert found == b"third"
    assert path.read_bytes() == b"third"
    assert [late.data for late in settle_all(keep_in)] == [b"second"]


@pytest.mark.parametrize("crash_at", range(1, 12))
def test_after_a_crash_at_any_call_every_text_is_somewhere(tmp_path: Path, crash_at: int) -> None:
    path, keep_in = home(tmp_path)
    path.write_bytes(b"a person's")
    count = 0

    class Crash(BaseException):
        pass

    def hook(name: str, where: Path) -> None:
        nonlocal count
        if name.startswith("exchange"):
            count += 1
            if count == crash_at:
                raise Crash

    with faults.installed(hook):
        try:
            atomic.exchange(path, b"agent's", expected=b"old", keep_in=keep_in)
        except Crash:
            pass
    texts = {path.read_bytes()} | {late.data for late in settle_all(keep_in)}
    assert b"a person's" in texts


def test_removal_puts_back_what_was_saved_in_between(tmp_path: Path) -> None:
    path, keep_in = home(tmp_path)
    path.write_bytes(b"a person's")
    for place in (keep_in, None):
        assert atomic.remove(path, expected=b"old", keep_in=place) is False
        assert path.read_bytes() == b"a person's"
    assert atomic.remove(path, expected=b"a person's", keep_in=keep_in) is True
    assert not path.exists()
    assert settle_all(keep_in) == []
    assert atomic.remove(path, expected=b"x", keep_in=keep_in) is True
    path.write_bytes(b"any")
    assert atomic.remove(path, expected=None) is True
    assert list(path.parent.iterdir()) == []


def test_renaming_never_takes_a_name_that_is_taken(tmp_path: Path) -> None:
    path, _ = home(tmp_path)
    other = path.with_name("other.md")
    path.write_bytes(b"a")
    other.write_bytes(b"b")
    with pytest.raises(FileExistsError):
        atomic.rename_noreplace(path, other)
    other.unlink()
    atomic.rename_noreplace(path, other)
    assert other.read_bytes() == b"a"
    with pytest.raises(FileNotFoundError):
        atomic.rename_noreplace(path, other)


def test_quiet_waits_for_a_save_to_end_and_not_for_ever(tmp_path: Path) -> None:
    path, _ = home(tmp_path)
    path.write_bytes(b"")
    modified = path.stat().st_mtime
    slept: list[float] = []
    atomic.quiet(path, now=lambda: modified + sum(slept), sleep=slept.append)
    assert 0.02 <= sum(slept) <= 0.03
    slept.clear()
    atomic.quiet(path, now=lambda: modified, sleep=slept.append, cap_s=0.2)
    assert 0.2 <= sum(slept) <= 0.25
    slept.clear()
    atomic.quiet(path, now=lambda: modified + 1, sleep=slept.append)
    atomic.quiet(path, now=lambda: modified - 3600, sleep=slept.append)
    atomic.quiet(tmp_path / "missing", now=lambda: 0.0, sleep=slept.append)
    assert slept == []


def test_displaced_files_that_are_links_are_left_alone(tmp_path: Path) -> None:
    _, keep_in = home(tmp_path)
    slot = keep_in / f"{'0' * 32}-{'1' * 32}-{'2' * 12}" / "memory"
    slot.mkdir(parents=True)
    (tmp_path / "secret").write_bytes(b"secret")
    (slot / "human.md").symlink_to(tmp_path / "secret")
    assert settle_all(keep_in) == []


def no_exchange(name: str, where: Path) -> None:
    if name == "exchange":
        raise OSError(errno.EINVAL, "not supported here")


def test_where_names_cannot_be_exchanged_it_compares_and_renames(tmp_path: Path) -> None:
    path, keep_in = home(tmp_path)
    path.write_bytes(b"old")
    with faults.installed(no_exchange):
        with path.open("r+b") as editor:
            assert atomic.exchange(path, b"new", expected=b"old", keep_in=keep_in) is None
            editor.write(b"late save")
        assert path.read_bytes() == b"new"
        assert atomic.exchange(path, b"newer", expected=b"old", keep_in=keep_in) == b"new"
    assert [late.data for late in settle_all(keep_in)] == [b"late save"]
    assert [file.name for file in path.parent.iterdir()] == ["human.md"]


def save_by_rename(path: Path, data: bytes) -> None:
    temp = path.with_name("editor.swp")
    temp.write_bytes(data)
    os.replace(temp, path)


def save_in_place(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)


def save_by_delete_and_create(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    save_in_place(path, data)


@pytest.mark.parametrize("save", [save_by_rename, save_in_place, save_by_delete_and_create])
def test_no_line_of_a_person_who_saves_during_edits_is_lost(
    tmp_path: Path, save: Callable[[Path, bytes], None], long: bool
) -> None:
    """A person reads, adds a line and saves; an agent edits the same file all the time."""
    path, keep_in = home(tmp_path)
    path.write_bytes(b"start\n")
    rounds = 1000 if long else 200
    saved: list[bytes] = []
    conflicts: list[bytes] = []
    stop = threading.Event()
    chance = random.Random(1)

    def person() -> None:
        while not stop.is_set():
            time.sleep(chance.uniform(0.03, 0.05))
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue
            line = b"person %d\n" % len(saved)
            save(path, data + line)
            saved.append(line)

    thread = threading.Thread(target=person)
    thread.start()
    try:
        edits = 0
        while edits < rounds:
            atomic.quiet(path, now=time.time, sleep=time.sleep)
            try:
                data = atomic.read_bytes(path)
            except FileNotFoundError:
                time.sleep(0.002)
                continue
            kept_lines = [line for line in data.splitlines(True) if not line.startswith(b"agent")]
            new = b"".join(kept_lines) + b"agent %d\n" % edits
            if atomic.exchange(path, new, expected=data, keep_in=keep_in) is None:
                edits += 1
                for late in atomic.settle(keep_in, older_than_s=2.0, now=time.time):
                    conflicts.append(late.data)
                    atomic.discard(late)
            time.sleep(chance.uniform(0, 0.004))
    finally:
        stop.set()
        thread.join()
    conflicts += [late.data for late in settle_all(keep_in)]
    everything = path.read_bytes() + b"".join(conflicts)
    assert len(saved) > 20
    # A person who read before an edit and saved after it brings their older text: that is theirs
    # to do, so what counts is their own lines.
    assert [line for line in saved if line not in everything] == []
