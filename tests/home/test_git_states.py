"""Whatever git is in the middle of, the conversation goes on and no branch is touched."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.homes import (
    commits,
    fsck,
    git,
    journal,
    make_home,
    noted,
    problems,
    say,
    settled_problems,
    texts,
    tree_of,
)

PERSONA = "memory/persona.md"


def _two_branches(root: Path) -> None:
    """Have `main` and `side` change the persona, each in its own way."""
    make_home(root)
    say(root, "note 1")
    git(root, "checkout", "-q", "-b", "side")
    for text in ("I like tea.\n", "I like green tea.\n"):
        (root / PERSONA).write_text(text, encoding="utf-8")
        git(root, "commit", "-q", "-am", text)
    git(root, "checkout", "-q", "main")
    (root / PERSONA).write_text("I like cake.\n", encoding="utf-8")
    git(root, "commit", "-q", "-am", "Like cake")


def _settle_conflict(root: Path) -> None:
    (root / PERSONA).write_text("I like tea and cake.\n", encoding="utf-8")
    git(root, "add", PERSONA)


def _merge(root: Path) -> None:
    git(root, "merge", "side", check=False)


def _end_merge(root: Path) -> None:
    _settle_conflict(root)
    git(root, "commit", "-q", "--no-edit")


def _rebase(root: Path) -> None:
    git(root, "rebase", "side", check=False)


def _end_rebase(root: Path) -> None:
    _settle_conflict(root)
    git(root, "add", "-A")  # git does not go on beside changes that are not staged
    git(root, "rebase", "--continue")


def _cherry_pick(root: Path) -> None:
    git(root, "cherry-pick", "side~1", check=False)


def _end_cherry_pick(root: Path) -> None:
    _settle_conflict(root)
    git(root, "cherry-pick", "--continue")


def _bisect(root: Path) -> None:
    git(root, "bisect", "start", "HEAD", "HEAD~2")


def _end_bisect(root: Path) -> None:
    git(root, "stash", "-q", check=False)
    git(root, "bisect", "reset")
    git(root, "stash", "pop", "-q", check=False)


def _detach(root: Path) -> None:
    git(root, "checkout", "-q", "--detach")


def _end_detach(root: Path) -> None:
    git(root, "checkout", "-q", "main")


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        pytest.param(_merge, _end_merge, id="merge"),
        pytest.param(_rebase, _end_rebase, id="rebase"),
        pytest.param(_cherry_pick, _end_cherry_pick, id="cherry-pick"),
        pytest.param(_detach, _end_detach, id="detached"),
    ],
)
def test_checkpoints_wait_beside_the_branch_and_come_home(
    tmp_path: Path, begin: Callable[[Path], None], end: Callable[[Path], None]
) -> None:
    root = tmp_path / "ada"
    _two_branches(root)
    begin(root)
    heads = git(root, "for-each-ref", "refs/heads")
    where = (root / ".git" / "HEAD").read_bytes()
    say(root, "note 2")
    say(root, "note 3")
    assert noted(root) == "3"
    assert git(root, "for-each-ref", "refs/heads") == heads
    assert (root / ".git" / "HEAD").read_bytes() == where
    (pending,) = git(root, "for-each-ref", "--format=%(refname)", "refs/lettafs").split()
    assert git(root, "log", "--format=%s", "-2", pending).splitlines() == [
        'Answer "note 3" and edit human',
        'Answer "note 2" and edit human',
    ]
    end(root)
    say(root, "hello")
    assert git(root, "for-each-ref", "refs/lettafs") == ""
    assert noted(root) == "3"
    assert texts(root) == ["note 1", "note 2", "note 3", "hello"]
    assert git(root, "show", "HEAD:memory/human.md") == (root / "memory/human.md").read_text(
        "utf-8"
    )
    assert git(root, "status", "--porcelain") == ""
    assert settled_problems(root) == []
    fsck(root)


def test_a_bisect_is_left_to_go_on_and_the_conversation_is_not_lost(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    _two_branches(root)
    _bisect(root)
    heads = git(root, "for-each-ref", "refs/heads")
    say(root, "hello")
    assert git(root, "for-each-ref", "refs/heads") == heads
    assert git(root, "for-each-ref", "refs/lettafs") != ""
    assert texts(root)[-1] == "hello"
    _end_bisect(root)
    say(root, "And now?")
    assert texts(root)[-1] == "And now?"
    assert "hello" in texts(root)
    fsck(root)


def test_a_persons_edit_during_a_merge_is_used_and_not_committed_for_them(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    _two_branches(root)
    _merge(root)
    staged = git(root, "ls-files", "--stage")
    say(root, "note 2")
    assert "<<<<<<<" in (root / PERSONA).read_text(encoding="utf-8")
    assert git(root, "ls-files", "--stage") == staged
    assert "conflict-markers" in {problem.code for problem in problems(root)}


def test_an_unborn_branch_gets_its_first_commit(tmp_path: Path) -> None:
    root = tmp_path / "hand"
    (root / "memory").mkdir(parents=True)
    (root / "agent.toml").write_text('name = "Hand"\n', encoding="utf-8")
    git(root, "init", "-q", "-b", "trunk")
    say(root, "hello")
    assert git(root, "branch", "--show-current").strip() == "trunk"
    assert commits(root) == ['Hand: Answer "hello"', "Pat: Begin Hand"]
    assert settled_problems(root) == []


def test_an_index_of_version_four_with_something_staged_stays_the_persons(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    git(root, "update-index", "--index-version", "4")
    (root / "own.txt").write_text("mine\n", encoding="utf-8")
    git(root, "add", "own.txt")
    say(root, "note 1")
    assert git(root, "status", "--porcelain") == "A  own.txt\n"
    assert "own.txt" not in git(root, "ls-tree", "-r", "--name-only", "HEAD")


def test_hooks_and_a_hostile_configuration_run_nothing(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    mark = tmp_path / "ran"
    for name in ("pre-commit", "post-commit", "reference-transaction", "post-index-change"):
        hook = root / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch '{mark}'\n", encoding="utf-8")
        hook.chmod(0o755)
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch '{mark}'\ncat\n", encoding="utf-8")
    program.chmod(0o755)
    for key in ("core.fsmonitor", "filter.x.clean", "diff.external", "gpg.program"):
        git(root, "config", key, str(program))
    git(root, "config", "commit.gpgSign", "true")
    (root / ".gitattributes").write_text("* filter=x\n", encoding="utf-8")
    say(root, "note 1")
    (root / PERSONA).write_text("I like tea.\n", encoding="utf-8")
    say(root, "note 2")
    problems(root)
    assert not mark.exists()
    git(root, "status")  # plain git runs it: the fixture is alive
    assert mark.exists()


def test_a_deleted_history_begins_anew_and_nothing_else_is_lost(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    say(root, "note 1")
    shutil.rmtree(root / ".git")
    say(root, "note 2")
    assert texts(root) == ["note 1", "note 2"]
    assert commits(root)[-1] == "Pat: Begin Ada"
    assert git(root, "status", "--porcelain") == ""
    assert settled_problems(root) == []


def test_a_home_inside_another_repository_leaves_that_alone(tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q", "-b", "main")
    (outer / "a.txt").write_text("a\n", encoding="utf-8")
    git(outer, "add", "a.txt")
    git(outer, "commit", "-q", "-m", "First")
    before = tree_of(outer)
    make_home(outer / "ada")
    say(outer / "ada", "note 1")
    after = tree_of(outer)
    assert {p: d for p, d in after.items() if not p.startswith("ada/")} == before
    assert len(commits(outer / "ada")) == 2
    shutil.rmtree(outer / "ada" / ".git")
    say(outer / "ada", "note 2")
    assert commits(outer) == ["Pat: First"]


def test_a_damaged_history_is_reported_and_does_not_keep_anybody_from_talking(
    tmp_path: Path,
) -> None:
    root = tmp_path / "ada"
    make_home(root)
    say(root, "note 1")
    tree = git(root, "rev-parse", "HEAD^{tree}").strip()
    broken = root / ".git" / "objects" / tree[:2] / tree[2:]
    broken.chmod(0o644)
    broken.write_bytes(b"")
    (root / ".lettafs" / "fingerprints.json").unlink()
    say(root, "note 2")
    assert noted(root) == "2"
    assert texts(root) == ["note 1", "note 2"]
    assert {problem.code for problem in problems(root)} & {"history", "history-damaged"}


def test_a_lock_somebody_left_postpones_the_checkpoint_until_it_is_gone(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    lock = root / ".git" / "refs" / "heads" / "main.lock"
    lock.touch()
    before = commits(root)
    say(root, "note 1")
    assert noted(root) == "1"
    assert commits(root) == before
    assert lock.exists(), "it is not ours to remove"
    assert "git-lock" in {problem.code for problem in problems(root)}
    lock.unlink()
    say(root, "hello")
    assert git(root, "status", "--porcelain") == ""
    assert settled_problems(root) == []


def test_an_index_locked_by_a_person_follows_with_the_next_commit(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    lock = root / ".git" / "index.lock"
    lock.touch()
    say(root, "note 1")
    assert lock.exists(), "it is not ours to remove"
    lock.unlink()
    say(root, "hello")
    assert git(root, "status", "--porcelain") == ""


def test_two_machines_histories_merge_without_a_conflict(tmp_path: Path) -> None:
    root, other = tmp_path / "ada", tmp_path / "other"
    make_home(root)
    say(root, "hello")
    shutil.copytree(root, other)
    say(root, "from here")
    say(other, "from there")
    git(root, "pull", "-q", "--no-rebase", "--no-edit", str(other), "main")
    say(root, "And now?")
    assert sorted(texts(root)) == ["And now?", "from here", "from there", "hello"]
    ids = [record["id"] for record in journal(root) if record["type"] == "message"]
    assert len(ids) == len(set(ids))
    assert git(root, "status", "--porcelain") == ""
    fsck(root)
