from __future__ import annotations

import errno
import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lettafs.disk import atomic, faults
from lettafs.errors import DiskProblem

ALL = 1_000


def files_of(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_replaced_file_keeps_its_mode_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(b"old")
    path.chmod(0o640)
    atomic.replace(path, b"new")
    assert files_of(tmp_path) == {"a.md": b"new"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    atomic.replace(path, b"secret", mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_replace_makes_bytes_durable_before_the_name_and_then_the_name(tmp_path: Path) -> None:
    with faults.recorded() as log:
        atomic.replace(tmp_path / "a.md", b"new")
    assert [op.name for op in log] == ["create", "write", "fsync", "rename", "fsync_dir"]
    with faults.recorded() as log:
        atomic.replace(tmp_path / "a.md", b"new", durable=False)
    assert "fsync" not in [op.name for op in log]


def test_a_link_is_neither_read_nor_replaced_nor_appended_to(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_bytes(b"secret")
    link = tmp_path / "link.md"
    link.symlink_to(canary)
    doings: list[Callable[[], object]] = [
        lambda: atomic.read_bytes(link),
        lambda: atomic.replace(link, b"x"),
        lambda: atomic.append(link, b"x\n", new_file=True),
        lambda: atomic.cut_tail(link, 0, save_to=None),
        lambda: atomic.exchange(link, b"x", expected=b"secret", keep_in=tmp_path / ".l" / "d"),
        lambda: atomic.remove(link, expected=b"secret"),
        lambda: atomic.rename_noreplace(link, tmp_path / "other"),
        lambda: atomic.make_dirs(link),
    ]
    for do in doings:
        with pytest.raises(DiskProblem):
            do()
    with pytest.raises(FileExistsError):
        atomic.write_new(link, b"x")
    assert canary.read_bytes() == b"secret"
    assert link.is_symlink()


def test_pipes_devices_and_huge_files_are_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(10 * 2**30)
    for path, word in ((pipe, "pipe"), (Path("/dev/zero"), "device"), (tmp_path, "directory")):
        with pytest.raises(DiskProblem, match=word):
            atomic.read_bytes(path)
    with pytest.raises(DiskProblem, match="more than"):
        atomic.read_bytes(huge)
    with pytest.raises(DiskProblem):
        atomic.append(pipe, b"x\n", new_file=False)
    with pytest.raises(FileNotFoundError):
        atomic.read_bytes(tmp_path / "missing")


def test_write_new_never_takes_a_name_that_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "a"
    atomic.write_new(path, b"one")
    with pytest.raises(FileExistsError):
        atomic.write_new(path, b"two")
    assert files_of(tmp_path) == {"a": b"one"}


def test_appended_lines_are_durable_with_the_name_of_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "000001.jsonl"
    with faults.recorded() as log:
        atomic.append(path, b"one\n", new_file=True)
        atomic.append(path, b"two\n", new_file=False)
    assert path.read_bytes() == b"one\ntwo\n"
    names = [op.name for op in log]
    assert names == ["create", "write", "fsync", "fsync_dir", "write", "fsync"]
    assert [op.offset for op in log if op.name == "write"] == [0, 4]
    with pytest.raises(DiskProblem):
        atomic.append(tmp_path / "gone.jsonl", b"x\n", new_file=False)


@pytest.mark.parametrize("keep", [0, 1, 3])
def test_a_short_write_is_cut_off_again(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "a.jsonl"
    atomic.append(path, b"one\n", new_file=True)

    def hook(name: str, where: Path) -> None:
        if name == "write":
            raise faults.ShortWrite(errno.ENOSPC, keep)

    with faults.installed(hook), pytest.raises(DiskProblem, match="disk is full"):
        atomic.append(path, b"two\n", new_file=False)
    assert path.read_bytes() == b"one\n"
    atomic.append(path, b"two\n", new_file=False)
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_failed_fsync_is_not_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    atomic.append(path, b"one\n", new_file=True)
    asked: list[str] = []

    def hook(name: str, where: Path) -> None:
        asked.append(name)
        if name == "fsync":
            raise OSError(errno.EIO, "I/O error")

    with faults.installed(hook), pytest.raises(DiskProblem, match="input/output"):
        atomic.append(path, b"two\n", new_file=False)
    assert asked.count("fsync") == 1
    assert path.read_bytes() == b"one\n"


def test_a_tail_is_saved_and_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":1}\n{"b"')
    save_to = tmp_path / "lost+found" / "a.jsonl"
    atomic.cut_tail(path, 8, save_to=save_to)
    assert files_of(tmp_path) == {"a.jsonl": b'{"a":1}\n', "lost+found/a.jsonl": b'{"b"'}
    path.write_bytes(b"12345678other")
    atomic.cut_tail(path, 8, save_to=save_to)
    assert (tmp_path / "lost+found" / "a.jsonl-1").read_bytes() == b"other"
    assert save_to.read_bytes() == b'{"b"'


def test_cutting_needs_no_space(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"whole\nhalf")

    def hook(name: str, where: Path) -> None:
        if name in ("create", "write", "mkdir"):
            raise OSError(errno.ENOSPC, "full")

    with faults.installed(hook):
        atomic.cut_tail(path, 6, save_to=tmp_path / "lost" / "tail")
    assert path.read_bytes() == b"whole\n"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_failure_at_any_call_leaves_old_or_new_and_no_litter(tmp_path: Path, number: int) -> None:
    """Fail the first, second, ... call of each writer until it gets through."""
    keep_in = tmp_path / ".lettafs" / "displaced"
    path = tmp_path / "memory" / "a.md"
    path.parent.mkdir()

    def exchange() -> None:
        atomic.exchange(path, b"new", expected=b"old", keep_in=keep_in)

    doings: dict[str, tuple[Callable[[], object], set[bytes | None]]] = {
        "replace": (lambda: atomic.replace(path, b"new"), {b"old", b"new"}),
        "append": (lambda: atomic.append(path, b"+", new_file=False), {b"old", b"old+"}),
        "cut": (lambda: atomic.cut_tail(path, 1, save_to=tmp_path / "x" / "y"), {b"old", b"o"}),
        "exchange": (exchange, {b"old", b"new"}),
        "remove": (lambda: atomic.remove(path, expected=b"old", keep_in=keep_in), {b"old", None}),
    }
    for name, (do, allowed) in doings.items():
        for n in range(1, ALL):
            path.write_bytes(b"old")
            failed = False
            with faults.installed(faults.fail_nth(n, OSError(number, os.strerror(number)))):
                try:
                    do()
                except DiskProblem as error:
                    failed = True
                    assert isinstance(error.__cause__, OSError)
            now = path.read_bytes() if path.exists() else None
            assert now in allowed, (name, n, now)
            if now is None:  # taken aside: still there for whoever looks
                assert any(data == b"old" for data in files_of(tmp_path).values()) or not failed
            assert not list(path.parent.glob(".tmp-*")), (name, n)
            for kept in keep_in.glob("*/memory/a.md") if keep_in.exists() else ():
                assert kept.read_bytes() in (b"old", b"new")
            if not failed:
                break
        else:
            pytest.fail(f"{name} never got through")


def test_directories_are_made_through_no_link(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    home = tmp_path / "home"
    home.mkdir()
    (home / "memory").symlink_to(tmp_path / "out")
    with pytest.raises(DiskProblem, match="not a real directory"):
        atomic.check_inside(home, home / "memory" / "a" / "b.md")
    with pytest.raises(DiskProblem):
        atomic.check_inside(home, tmp_path / "else.md")
    with pytest.raises(DiskProblem, match="leads out"):
        atomic.check_inside(home, home / "..")
    (home / "file").write_bytes(b"x")
    with pytest.raises(DiskProblem, match="file is not a real directory"):
        atomic.check_inside(home, home / "file" / "a.md")
    with pytest.raises(DiskProblem, match="too long"):
        atomic.check_inside(home, home / ("x" * 300) / "a.md")
    atomic.check_inside(home, home / "new" / "a.md")
    atomic.make_dirs(home / "new" / "deep")
    atomic.make_dirs(home / "new" / "deep")
    assert (home / "new" / "deep").is_dir()


def test_unfinished_files_are_cleared_and_others_kept(tmp_path: Path) -> None:
    temp = ".tmp-0123456789abcdef"
    (tmp_path / temp).write_bytes(b"half")
    (tmp_path / ".tmp-notes").write_bytes(b"theirs")
    (tmp_path / "a.md").write_bytes(b"a")
    assert [path.name for path in atomic.clear_temps(tmp_path)] == [temp]
    assert files_of(tmp_path) == {"a.md": b"a", ".tmp-notes": b"theirs"}
    for name in ("memory/deep", "memory/.mine", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / temp).write_bytes(b"half")
    (tmp_path / "memory" / "link").symlink_to(tmp_path / "elsewhere")
    assert atomic.clear_temps(tmp_path / "memory" / "link") == []
    assert atomic.clear_temps(tmp_path / "none") == []
    assert atomic.clear_temps(tmp_path / "memory", nested=False) == []
    assert atomic.clear_temps(tmp_path / "memory") == [tmp_path / "memory" / "deep" / temp]
    assert atomic.unlink(tmp_path / "a.md")
    assert not atomic.unlink(tmp_path / "a.md")


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_on_a_really_full_disk_nothing_is_torn_and_it_goes_on_once_there_is_room(
    tmp_path: Path,
) -> None:
    line = b"x" * 999 + b"\n"
    with small_disk(tmp_path / "small") as home:
        journal, block = home / "recall.jsonl", home / "memory.md"
        atomic.replace(block, b"old" * 1000)
        atomic.append(journal, line, new_file=True)
        ballast = home / "ballast"
        ballast.write_bytes(b"b" * 100_000)
        acknowledged = 1
        while True:
            try:
                atomic.append(journal, line * 7, new_file=False)
            except DiskProblem as error:
                assert "disk is full" in str(error)
                break
            acknowledged += 7
        assert journal.read_bytes() == line * acknowledged
        with pytest.raises(DiskProblem, match="disk is full"):
            atomic.replace(block, b"new" * 40_000)
        keep_in = home / ".lettafs" / "displaced"
        with pytest.raises(DiskProblem, match="disk is full"):
            atomic.exchange(block, b"n" * 40_000, expected=b"old" * 1000, keep_in=keep_in)
        assert block.read_bytes() == b"old" * 1000
        with journal.open("ab") as file:
            file.truncate(len(line) * acknowledged)
        atomic.cut_tail(journal, len(line), save_to=home / "lost" / "tail")
        assert journal.read_bytes() == line
        ballast.unlink()
        atomic.append(journal, line, new_file=False)
        atomic.replace(block, b"new")
        assert block.read_bytes() == b"new"
