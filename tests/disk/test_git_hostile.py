"""Nothing that a directory's `.git` names is ever run, whatever is asked of its history."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from lettafs.disk import git as git_module
from lettafs.disk.git import Git, Person
from lettafs.errors import HistoryProblem

from .hostile import Hostile, hostile

ADA = Person("Ada", "ada@example.com")
WHEN = "2026-03-01T09:00:00+02:00"


def commit(git: Git, changes: dict[str, bytes | None], *, beside: bool = False) -> None:
    on: Literal["head", "pending"] = "pending" if beside else "head"
    assert git.commit(changes, message="Say more\n\nX: y\n", author=ADA, when=WHEN, on=on)


def copy(git: Git, place: Path) -> None:
    (place / "copy").mkdir()
    git.copy_objects_to(place / "copy", commit=head(git))


def forget_pending(git: Git, _: Path) -> None:
    commit(git, {"memory/human.md": b"new\n"}, beside=True)
    assert git.pending() is not None
    git.drop_pending()
    assert git.pending() is None


def keep_pending(git: Git, _: Path) -> None:
    commit(git, {"memory/human.md": b"new\n"}, beside=True)
    assert git.keep_pending().startswith("refs/lettafs/kept/")
    assert git.pending() is None


def head(git: Git) -> str:
    found = git.state().head
    assert found is not None
    return found


DOINGS: dict[str, Callable[[Git, Path], object]] = {
    "init": lambda git, _: git.init(),
    "state": lambda git, _: git.state(),
    "commit": lambda git, _: commit(git, {"memory/human.md": b"new\n", "memory/b.md": b"b\n"}),
    "commit pending": lambda git, _: commit(git, {"memory/human.md": b"new\n"}, beside=True),
    "files": lambda git, _: git.files(head(git)),
    "read": lambda git, _: git.read(head(git), "memory/human.md"),
    "log": lambda git, _: git.log(limit=None, paths=["memory/human.md"]),
    "changes": lambda git, _: git.changes(None, head(git)),
    "changes between": lambda git, _: git.changes(git.resolve("HEAD~1"), head(git)),
    "blame": lambda git, _: git.blame(head(git), "memory/human.md"),
    "merge3": lambda git, _: git.merge3(b"a\n", b"b\n", b"c\n"),
    "identity": lambda git, _: git.identity({}),
    "pending": forget_pending,
    "keep_pending": keep_pending,
    "heal": lambda git, _: git.heal(),
    "wants_packing": lambda git, _: git.wants_packing(),
    "pack": lambda git, _: git.pack(),
    "problems": lambda git, _: git.problems(),
    "copy": copy,
}


@pytest.mark.parametrize("name", DOINGS)
def test_nothing_of_a_hostile_repository_runs(tmp_path: Path, name: str) -> None:
    fixture = hostile(tmp_path)
    DOINGS[name](Git(fixture.root), tmp_path)
    assert fixture.ran() == set()


def test_files_git_would_doubt_are_not_read_to_write_an_index(tmp_path: Path) -> None:
    """To git an index entry as young as the index is in doubt: it would run a filter to be sure."""
    fixture = hostile(tmp_path)
    index = (fixture.root / ".git" / "index").stat().st_mtime_ns
    for path in fixture.root.rglob("*.*"):
        if ".git" not in path.parts:
            os.utime(path, ns=(index + 10**9, index + 10**9))
    (fixture.root / ".git" / "hooks" / "post-index-change").unlink()
    fixture.plain(
        "-c", "core.bare=false", f"--work-tree={fixture.root}", "update-index", "-q", "--refresh"
    )
    fixture.ran()
    DOINGS["commit"](Git(fixture.root), tmp_path)
    assert fixture.ran() == set()


def test_every_public_method_is_tried_on_the_hostile_repository() -> None:
    public = {name for name in vars(Git) if not name.startswith("_")}
    tried = {name.split()[0] for name in DOINGS} | {"drop_pending", "resolve", "loose_count"}
    named = {"copy": "copy_objects_to"}
    looked_at_only = {"available", "why_not", "exists"}
    covered = {named.get(name, name) for name in tried} | looked_at_only | {"read_many"}
    assert public == covered


def test_plain_git_does_run_them(tmp_path: Path) -> None:
    """The negative control: without it, a fixture that never fires would prove nothing."""
    fixture = hostile(tmp_path)
    config = str(fixture.root / ".git" / "config")
    for key in ("core.bare", "core.worktree"):  # else plain git refuses before it runs anything
        fixture.plain("config", "--file", config, "--unset", key)
    ran: set[str] = set()
    (fixture.root / "memory" / "human.md").write_text("changed\n", encoding="utf-8")
    for command in (
        ["status"],
        ["diff"],
        ["-c", "diff.external=", "log", "-p"],
        ["add", "-A"],
        ["-c", "commit.gpgSign=false", "commit", "-m", "x"],
        ["commit", "--allow-empty", "-m", "signed"],
        ["checkout", "-f", "HEAD~1", "--", "memory/human.md"],
        ["fetch", "local"],
    ):
        fixture.plain(*command)
        ran |= fixture.ran()
    expected = {"fsmonitor", "diff-command", "textconv", "clean", "smudge", "gpg"}
    expected |= {"hook-pre-commit", "hook-post-index-change", "hook-reference-transaction"}
    expected |= {"uploadpack-local"}
    assert expected <= ran, expected - ran


def test_a_missing_object_is_not_fetched(tmp_path: Path) -> None:
    fixture = hostile(tmp_path)
    git = Git(fixture.root)
    blob = git.files(head(git))["memory/human.md"]
    (fixture.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(HistoryProblem, match="damaged"):
        Git(fixture.root).read(head(git), "memory/human.md")
    with pytest.raises(HistoryProblem):
        git.blame(head(git), "memory/human.md")
    assert fixture.ran() == set()
    assert any(p.code == "history-damaged" for p in git.problems())
    assert fixture.ran() == set()


def test_a_doctor_is_told_of_the_settings(tmp_path: Path) -> None:
    fixture = hostile(tmp_path)
    (said,) = [p for p in Git(fixture.root).problems() if p.code == "git-config"]
    assert "core.fsmonitor" in said.message


def spoil_git_link(fixture: Hostile) -> None:
    os.rename(fixture.root / ".git", fixture.root.parent / "elsewhere")
    (fixture.root / ".git").symlink_to(fixture.root.parent / "elsewhere")


def spoil_git_file(fixture: Hostile) -> None:
    os.rename(fixture.root / ".git", fixture.root.parent / "elsewhere")
    (fixture.root / ".git").write_text(f"gitdir: {fixture.root.parent}/elsewhere\n", "utf-8")


def spoil_inner_link(fixture: Hostile) -> None:
    (fixture.root / ".git" / "refs" / "heads" / "x").symlink_to(fixture.root / "agent.toml")


def spoil_logs(fixture: Hostile) -> None:
    log = fixture.root / ".git" / "logs" / "HEAD"
    log.unlink()
    log.symlink_to(fixture.root.parent / "canary")


def spoil_fanout(fixture: Hostile) -> None:
    place = fixture.root / ".git" / "objects" / "zz"
    place.symlink_to(fixture.root.parent)


def spoil_commondir(fixture: Hostile) -> None:
    (fixture.root / ".git" / "commondir").write_text("/elsewhere\n", encoding="utf-8")


def spoil_sha256(fixture: Hostile) -> None:
    config = fixture.root / ".git" / "config"
    config.write_text(
        config.read_text("utf-8") + "[extensions]\n\tobjectFormat = sha256\n", "utf-8"
    )


def spoil_reftable(fixture: Hostile) -> None:
    (fixture.root / ".git" / "reftable").mkdir()


@pytest.mark.parametrize(
    "spoil, word",
    [
        (spoil_git_link, "symbolic link"),
        (spoil_git_file, "points elsewhere"),
        (spoil_inner_link, "symbolic link"),
        (spoil_logs, "symbolic link"),
        (spoil_fanout, "symbolic link"),
        (spoil_commondir, "points elsewhere"),
        (spoil_sha256, "SHA-256"),
        (spoil_reftable, "reftable"),
    ],
)
def test_a_repository_that_leads_elsewhere_has_no_history_and_says_why(
    tmp_path: Path, spoil: Callable[[Hostile], None], word: str
) -> None:
    fixture = hostile(tmp_path)
    spoil(fixture)
    git = Git(fixture.root)
    assert not git.available
    assert word in git.why_not
    assert git.state().head is None
    assert git.pending() is None
    assert git.heal() == []
    assert [p.code for p in git.problems()] == ["history-off"]
    assert git.identity({"GIT_AUTHOR_NAME": "Pat"}).name == "Pat"
    with pytest.raises(HistoryProblem, match=word):
        git.commit({"a": b"a"}, message="x", author=ADA, when=WHEN)
    assert fixture.ran() == set()


def test_a_repository_inside_the_home_is_reported_and_nothing_of_it_runs(tmp_path: Path) -> None:
    git = Git(tmp_path / "home")
    (tmp_path / "home").mkdir()
    git.init()
    inner = hostile(tmp_path / "inner")
    os.rename(inner.root / ".git", tmp_path / "home" / "docs")
    made = git.commit(
        {"docs/HEAD": (tmp_path / "home" / "docs" / "HEAD").read_bytes()},
        message="x",
        author=ADA,
        when=WHEN,
    )
    assert made is not None
    assert [(p.code, p.path) for p in git.problems()] == [("embedded-repository", "docs")]
    assert inner.ran() == set()


def test_without_git_on_the_path_nothing_raises_until_history_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\ntouch ran\n", encoding="utf-8")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.pathsep.join([".", "", "/nowhere"]))
    git = Git(tmp_path)
    assert not git.available
    assert "not installed" in git.why_not
    assert git.state().head is None
    assert git.merge3(b"a", b"b", b"c") == (b"b", False)
    assert git.identity({}) == Person("Owner", "owner@localhost")
    with pytest.raises(HistoryProblem, match="not installed"):
        git.init()
    assert not (tmp_path / "ran").exists()


ALLOWED = {
    "git_run.py": {"Git"},  # the command runner; its `execute` with our own arguments and no other
}


def test_only_the_command_runner_of_gitpython_is_used_and_only_in_one_place() -> None:
    """Most of GitPython's object interface runs what a repository's configuration names."""
    package = Path(git_module.__file__).parents[1]
    for path in sorted(package.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in (
                "git",
                "gitdb",
            ):
                names |= {alias.name for alias in node.names}
            if isinstance(node, ast.Import) and any(
                alias.name.split(".")[0] in ("git", "gitdb") for alias in node.names
            ):
                names |= {
                    use.attr
                    for use in ast.walk(tree)
                    if isinstance(use, ast.Attribute)
                    and ast.unparse(use.value) in ("git", "git.cmd")
                    and use.attr != "cmd"
                }
        assert names <= ALLOWED.get(path.name, set()), f"{path}: {sorted(names)}"


def test_processes_are_started_by_the_runner_alone() -> None:
    package = Path(git_module.__file__).parent
    for path in sorted(package.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert "subprocess.run" not in text and "os.system" not in text
        if "subprocess" in text or "Popen" in text:
            assert path.name == "git_run.py"
            assert text.count(".execute(") == 1
            assert text.count("subprocess.Popen(") == 1
            assert text.count("[path, *FLAGS, *command]") == 1, "both get the same arguments"
