"""How a git process is started and ended; a script on the PATH stands in for git."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lettafs.disk import git_run
from lettafs.disk.git import Git, Person
from lettafs.disk.git_run import GitKilled, Runner
from lettafs.disk.objects import EMPTY_TREE
from lettafs.errors import HistoryProblem

ADA = Person("Ada", "ada@lettafs.local")
WHEN = "2026-03-01T09:00:00+02:00"

BOTH = pytest.mark.parametrize("command", ["ls-tree", "log"])
"""One command that we start ourselves, and one that GitPython starts."""


def stand_in(place: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    place.mkdir()
    script = place / "git"
    script.write_text(f"#!{sys.executable}\nimport os, signal, sys, time\n{body}\n", "utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(place), os.environ["PATH"]]))


def run(root: Path, command: str, *, timeout_s: float = 20.0) -> str:
    runner = Runner(root, index=root / "index")
    return runner.run([command], timeout_s=timeout_s).decode().strip()


@BOTH
def test_ctrl_c_in_the_terminal_does_not_reach_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    stand_in(tmp_path / "bin", monkeypatch, "print(os.getsid(0) == os.getpid())")
    assert run(tmp_path, command) == "True"


@BOTH
def test_a_source_of_attributes_is_never_taken_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    stand_in(tmp_path / "bin", monkeypatch, "print(os.environ.get('GIT_ATTR_SOURCE'))")
    monkeypatch.delenv("GIT_ATTR_SOURCE", raising=False)
    assert run(tmp_path, command) == "None"
    monkeypatch.setenv("GIT_ATTR_SOURCE", "HEAD")
    assert run(tmp_path, command) == ("None" if command == "ls-tree" else EMPTY_TREE)


@BOTH
def test_a_git_that_is_ended_or_takes_too_long_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    stand_in(tmp_path / "one", monkeypatch, "os.kill(os.getpid(), signal.SIGTERM)")
    with pytest.raises(GitKilled, match="ended by signal 15"):
        run(tmp_path, command)
    stand_in(tmp_path / "two", monkeypatch, "time.sleep(60)")
    with pytest.raises(GitKilled, match="took over"):
        run(tmp_path, command, timeout_s=0.2)
    stand_in(tmp_path / "three", monkeypatch, "sys.exit(1)")
    with pytest.raises(HistoryProblem) as caught:
        run(tmp_path, command)
    assert not isinstance(caught.value, GitKilled)


DIES = """
command = next(a for a in sys.argv if a in ("update-ref", "repack", "update-index", "ls-tree"))
if command == "{command}":
    open(os.environ["{variable}"] + "{lock}", "w").close()
    os.kill(os.getpid(), signal.SIGKILL)
os.execv("{git}", ["git", *sys.argv[1:]])
"""


def dying(command: str, *, variable: str, lock: str) -> str:
    return DIES.format(command=command, variable=variable, lock=lock, git=git_run.program())


def begun(root: Path) -> Git:
    root.mkdir()
    git = Git(root)
    git.init()
    assert git.commit({"a.md": b"one\n"}, message="x", author=ADA, when=WHEN)
    return git


@pytest.mark.parametrize("heals", [True, False])
def test_the_locks_of_a_killed_git_are_cleared_before_the_next_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heals: bool
) -> None:
    git = begun(tmp_path / "home")
    body = dying("update-ref", variable="GIT_DIR", lock="/HEAD.lock")
    with monkeypatch.context() as patched:
        stand_in(tmp_path / "bin", patched, body)
        with pytest.raises(GitKilled):
            git.commit({"a.md": b"two\n"}, message="x", author=ADA, when=WHEN)
    lock = tmp_path / "home" / ".git" / "HEAD.lock"
    assert lock.exists()
    if heals:
        assert git.heal() == [".git/HEAD.lock"]
    assert git.commit({"a.md": b"two\n"}, message="x", author=ADA, when=WHEN)
    assert not lock.exists()
    assert not (tmp_path / "home" / ".lettafs" / "checkpoint.pending").exists()


def test_a_packing_that_is_killed_leaves_its_locks_to_be_healed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = begun(tmp_path / "home")
    body = dying("repack", variable="GIT_DIR", lock="/packed-refs.lock")
    with monkeypatch.context() as patched:
        stand_in(tmp_path / "bin", patched, body)
        with pytest.raises(GitKilled):
            git.pack()
    assert git.heal() == [".git/packed-refs.lock"]
    git.pack()


def test_the_index_follows_again_after_a_git_was_killed_at_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = begun(tmp_path / "home")
    body = dying("update-index", variable="GIT_INDEX_FILE", lock=".lock")
    body = body.replace('"ls-tree")', '"ls-tree", "ls-files")')
    with monkeypatch.context() as patched:
        stand_in(tmp_path / "bin", patched, body)
        assert git.commit({"a.md": b"two\n"}, message="x", author=ADA, when=WHEN)
    behind = tmp_path / "home" / ".lettafs" / "index.behind"
    assert behind.exists()
    assert git.commit({"a.md": b"three\n"}, message="x", author=ADA, when=WHEN)
    assert not behind.exists()


def test_texts_are_left_as_they_are_when_their_joining_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path / "bin", monkeypatch, "os.kill(os.getpid(), signal.SIGKILL)")
    assert Git(tmp_path).merge3(b"a\n", b"b\n", b"a\n") == (b"b\n", False)
