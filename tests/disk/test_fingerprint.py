from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lettafs.disk import fingerprint


def everything(path: str) -> bool:
    return not path.rpartition("/")[2].startswith(".")


@pytest.mark.parametrize("data", [b"", b"x", b"a\r\n\x00\xff" * 1000])
def test_blob_ids_are_those_of_git(data: bytes) -> None:
    command = ["git", "hash-object", "--stdin"]
    git = subprocess.run(command, input=data, capture_output=True, check=True, cwd="/")
    assert fingerprint.blob_sha1(data) == git.stdout.decode().strip()


def test_a_sweep_finds_wanted_files_and_calls_links_and_pipes_problems(tmp_path: Path) -> None:
    for path in ("agent.toml", "memory/a.md", "memory/deep/ü b.md", ".git/x.md", "memory/.b.md"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"x")
    (tmp_path / "memory" / "link.md").symlink_to(tmp_path / "agent.toml")
    (tmp_path / "memory" / "out").symlink_to("/")
    os.mkfifo(tmp_path / "memory" / "pipe.md")
    found, problems = fingerprint.sweep(tmp_path, everything)
    assert sorted(found) == ["agent.toml", "memory/a.md", "memory/deep/ü b.md"]
    assert found["agent.toml"] == fingerprint.stamp(tmp_path / "agent.toml")
    assert [(p.code, p.path) for p in problems] == [
        ("symlink", "memory/link.md"),
        ("symlink", "memory/out"),
        ("not-a-file", "memory/pipe.md"),
    ]


NOBODY = """
import os, sys
from pathlib import Path
from lettafs.disk import fingerprint, refs
if os.geteuid() == 0:
    os.setuid(65534)  # modes do not bind root
found, problems = fingerprint.sweep(Path("."), lambda path: True)
print(sorted(found), [(p.code, p.path) for p in problems])
print(refs.trouble(Path(".")), refs.lock_files(Path(".git")))
"""


def test_a_directory_that_may_be_listed_and_not_entered_is_a_problem(tmp_path: Path) -> None:
    for path in ("memory/a.md", "other/b.md", ".git/HEAD"):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_bytes(b"x")
    tmp_path.chmod(0o755)
    for name in ("memory", ".git"):
        (tmp_path / name).chmod(0o644)
    try:
        done = subprocess.run(
            [sys.executable, "-c", NOBODY],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
        )
    finally:
        for name in ("memory", ".git"):
            (tmp_path / name).chmod(0o755)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["['other/b.md'] [('unreadable', 'memory/a.md')]", "None []"]


def test_a_sweep_enters_only_directories_that_can_hold_something_wanted(tmp_path: Path) -> None:
    for path in ("memory/a.md", "other/b.md"):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_bytes(b"x")
    (tmp_path / "other" / "link.md").symlink_to("/")
    found, problems = fingerprint.sweep(tmp_path, lambda path: path.startswith("memory/"))
    assert (list(found), problems) == (["memory/a.md"], [])


def test_a_stamp_changes_with_the_file_and_links_have_none(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert fingerprint.stamp(path) is None
    path.write_bytes(b"one")
    before = fingerprint.stamp(path)
    os.utime(path, ns=(1, 1))
    assert fingerprint.stamp(path) != before
    (tmp_path / "link").symlink_to(path)
    assert fingerprint.stamp(tmp_path / "link") is None


def test_a_stamp_taken_right_after_a_change_is_not_trusted() -> None:
    seen = fingerprint.Stamp(1, 10**18, 10**18, 1)
    assert not fingerprint.is_settled(seen, taken_at_ns=10**18 + 49_000_000)
    assert fingerprint.is_settled(seen, taken_at_ns=10**18 + 51_000_000)
    assert not fingerprint.is_settled(seen, taken_at_ns=10**18 - 1)
