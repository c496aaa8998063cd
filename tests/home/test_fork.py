"""A fork is an agent of its own with the history so far; its source is only read."""

from __future__ import annotations

from pathlib import Path

import pytest

from lettafs.errors import HistoryProblem, UsageProblem
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
