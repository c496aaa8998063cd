from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lettafs.disk import lock
from lettafs.errors import DiskProblem

ABOUT = {"cmd": "lettafs chat ada", "since": "09:00"}

CHILD = """
import sys, time
from pathlib import Path
from lettafs.disk import lock
held = lock.acquire(Path(sys.argv[1]), about={"cmd": "child"})
print("held" if held else "busy", flush=True)
sys.stdin.read()
"""


def child(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def waited_for(path: Path) -> lock.Held:
    end_s = time.monotonic() + 20
    while (held := lock.acquire(path, about=ABOUT)) is None:
        assert time.monotonic() < end_s, "never got the hold"
        time.sleep(0.002)
    return held


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_second_hold_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    path = tmp_path / ".lettafs" / "lock"
    first = lock.acquire(path, about=ABOUT)
    assert first is not None
    assert lock.acquire(path, about=ABOUT) is None
    first.release()
    first.release()
    with lock.acquire(path, about=ABOUT) or pytest.fail("still held"):
        assert lock.acquire(path, about=ABOUT) is None


def test_the_hold_of_a_killed_process_ends_with_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    process = child(path)
    try:
        assert said(process) == "held"
        assert lock.acquire(path, about=ABOUT) is None
        assert lock.holder(path).startswith(f"process {process.pid} on ")
        assert "`child`" in lock.holder(path)
    finally:
        end(process)
    held = waited_for(path)
    second = child(path)
    try:
        assert said(second) == "busy"
    finally:
        end(second)
        held.release()


def test_threads_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(20):
            with waited_for(path):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.0005)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 80
    assert max(most) == 1


def test_holder_shows_no_control_characters_and_survives_any_content(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text(json.dumps({"pid": 1, "cmd": "x\x1b[2J\u202ey"}), encoding="utf-8")
    assert lock.holder(path) == "process 1, `x[2Jy`"
    for content in (b"", b"[]", b"\xff", b"[" * 4000, b"x" * 10_000):
        path.write_bytes(content)
        assert lock.holder(path) == "another process"
    path.unlink()
    assert lock.holder(path) == "another process"


def test_a_link_is_no_lock(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_bytes(b"secret")
    (tmp_path / "lock").symlink_to(canary)
    with pytest.raises(DiskProblem):
        lock.acquire(tmp_path / "lock", about=ABOUT)
    assert canary.read_bytes() == b"secret"


def test_a_deleted_lock_file_does_not_let_two_in(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first = lock.acquire(path, about=ABOUT)
    assert first is not None
    first.release()
    path.unlink()
    second = lock.acquire(path, about=ABOUT)
    assert second is not None
    assert lock.acquire(path, about=ABOUT) is None
    second.release()
