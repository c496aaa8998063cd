"""A fork is an agent of its own with the history so far; its source is only read."""

from __future__ import annotations

from pathlib import Path

import pytest

from lettafs.disk import faults
from lettafs.errors import DiskProblem, HistoryProblem, NotAnAgent, UsageProblem
from tests.support.homes import (
    agent_at,
    commits,
    fsck,
    git,
    make_home,
    noted,
    say,
    settled_problems,
    texts,
    tree_of,
)


def test_a_fork_has_its_own_id_and_the_history_and_leaves_the_source_as_it_was(
    tmp_path: Path,
) -> None:
    root, new = tmp_path / "ada", tmp_path / "bea"
    make_home(root)
    say(root, "note 1")
    source = agent_at(root)
    before = tree_of(root)
    fork = source.fork(new)
    assert tree_of(root) == before
    assert fork.settings.id != source.settings.id
    assert fork.settings.name == "bea"
    assert texts(new) == ["note 1"]
    assert commits(new)[1:] == commits(root)
    say(new, "note 2")
    assert noted(new) == "2" and noted(root) == "1"
    assert git(new, "status", "--porcelain") == ""
    assert settled_problems(new) == []
    fsck(new)


def test_a_fork_at_a_checkpoint_is_as_the_agent_was_then(tmp_path: Path) -> None:
    root, new = tmp_path / "ada", tmp_path / "bea"
    make_home(root)
    say(root, "note 1")
    then = git(root, "rev-parse", "HEAD").strip()
    say(root, "note 2")
    before = tree_of(root)
    agent_at(root).fork(new, at=then[:9], name="Bea")
    assert tree_of(root) == before
    assert noted(new) == "1"
    assert texts(new) == ["note 1"]
    assert git(new, "rev-parse", "HEAD~1").strip() == then
    with pytest.raises(HistoryProblem):
        agent_at(root).fork(tmp_path / "none", at="no-such-thing")
    with pytest.raises(UsageProblem):
        agent_at(root).fork(new)


def test_a_sample_without_history_can_be_forked(tmp_path: Path) -> None:
    root, new = tmp_path / "sample", tmp_path / "mine"
    (root / "memory").mkdir(parents=True)
    (root / "agent.toml").write_text('name = "Sample"\n', encoding="utf-8")
    (root / "memory" / "human.md").write_text("Last note: 0\n", encoding="utf-8")
    before = tree_of(root)
    agent_at(root).fork(new)
    assert tree_of(root) == before
    assert not (root / ".git").exists() and not (root / ".lettafs").exists()
    say(new, "note 1")
    assert noted(new) == "1"
    assert settled_problems(new) == []
    with pytest.raises(HistoryProblem):
        agent_at(root).fork(tmp_path / "other", at="HEAD")


def test_what_is_edited_and_not_committed_comes_along(tmp_path: Path) -> None:
    root, new = tmp_path / "ada", tmp_path / "bea"
    make_home(root)
    say(root, "note 1")
    (root / "memory" / "persona.md").write_text("I like tea.\n", encoding="utf-8")
    before = tree_of(root)
    agent_at(root).fork(new)
    assert tree_of(root) == before
    assert (new / "memory" / "persona.md").read_text(encoding="utf-8") == "I like tea.\n"
    assert git(new, "status", "--porcelain") == ""


def test_undo_in_a_fork_takes_back_the_turn_it_came_with_and_not_the_sources(
    tmp_path: Path,
) -> None:
    root, new = tmp_path / "ada", tmp_path / "bea"
    make_home(root)
    say(root, "note 1")
    fork = agent_at(root).fork(new)
    fork.undo()
    assert noted(new) == "0" and noted(root) == "1"
    say(new, "note 5")
    fork.undo()
    assert noted(new) == "0"
    assert settled_problems(new) == []


def test_a_persons_own_tracked_files_are_in_the_fork(tmp_path: Path) -> None:
    root, new = tmp_path / "ada", tmp_path / "bea"
    make_home(root)
    (root / "notes").mkdir()
    (root / "notes" / "plan.txt").write_text("Mine.\n", encoding="utf-8")
    (root / ".env").write_text("KEY=1\n", encoding="utf-8")
    git(root, "add", "-f", "notes", ".env")
    git(root, "commit", "-q", "-m", "Notes")
    agent_at(root).fork(new)
    assert (new / "notes" / "plan.txt").read_text(encoding="utf-8") == "Mine.\n"
    assert "notes/plan.txt" in git(new, "ls-files").splitlines()
    assert not (new / ".env").exists()


def test_names_that_mean_something_else_are_never_copied() -> None:
    from lettafs.home.fork import _may_be_copied

    for path in (".git/config", "a/.GIT/x", ".g\u200cit/x", "GIT~1/x", ".git . /x", "../x", "a\\x"):
        assert not _may_be_copied(path)
    for path in (".env", ".lettafs/lock", "sub/.env", "/x", ".git::$INDEX_ALLOCATION/x"):
        assert not _may_be_copied(path)
    for path in (".github/ci.yml", "notes/a b.txt", "README.md", "sub/.gitignore"):
        assert _may_be_copied(path)


def test_linked_settings_are_said_plainly_when_forked(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    (root / "agent.toml").rename(tmp_path / "elsewhere.toml")
    (root / "agent.toml").symlink_to(tmp_path / "elsewhere.toml")
    with pytest.raises(NotAnAgent, match="link"):
        agent_at(root).fork(tmp_path / "bea")


def test_a_fork_that_failed_can_be_tried_again(tmp_path: Path) -> None:
    root, new = tmp_path / "ada", tmp_path / "bea"
    make_home(root)
    say(root, "note 1")

    def full(name: str, path: Path) -> None:
        if path.name == "agent.toml" or (name == "rename" and path.name == "human.md"):
            raise OSError(28, "full")

    with faults.installed(full), pytest.raises(DiskProblem):
        agent_at(root).fork(new)
    assert [p for p in new.rglob("*") if not p.is_dir()] == []
    agent_at(root).fork(new)
    assert noted(new) == "1"
    fsck(new)
