"""A repository in the middle of something: no branch is touched, nothing is lost."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lettafs.disk.git import Git, Person, RepoState
from lettafs.errors import HistoryProblem

ADA = Person("Ada", "ada@lettafs.local")
WHEN = "2026-03-01T09:00:00+02:00"


def plain(root: Path, *command: str, fails: bool = False) -> str:
    who = {"NAME": "Pat", "EMAIL": "pat@example.com"}
    surroundings = {
        **os.environ,
        **{f"GIT_AUTHOR_{key}": value for key, value in who.items()},
        **{f"GIT_COMMITTER_{key}": value for key, value in who.items()},
        "GIT_EDITOR": "true",
    }
    done = subprocess.run(
        ["git", "-C", str(root), *command], capture_output=True, env=surroundings, timeout=30
    )
    assert (done.returncode != 0) == fails, (command, done.stderr)
    return done.stdout.decode()


def branched(root: Path) -> Git:
    """Two branches that both changed one file."""
    git = Git(root)
    git.init()
    for branch, text in (("main", "base"), ("side", "side"), ("main", "main")):
        if text == "side":
            plain(root, "checkout", "-q", "-b", "side")
        elif text == "main":
            plain(root, "checkout", "-q", "main")
        (root / "memory").mkdir(exist_ok=True)
        (root / "memory" / "human.md").write_text(f"{text}\n", encoding="utf-8")
        (root / ".gitignore").write_text("/.lettafs/\n", encoding="utf-8")
        plain(root, "add", "-A")
        plain(root, "commit", "-qm", f"{branch}: {text}")
    return git


def merge(root: Path) -> None:
    plain(root, "merge", "side", fails=True)


def rebase(root: Path) -> None:
    plain(root, "rebase", "side", fails=True)


def rebase_apply(root: Path) -> None:
    plain(root, "rebase", "--apply", "side", fails=True)


def pick(root: Path) -> None:
    plain(root, "cherry-pick", "side", fails=True)


def revert(root: Path) -> None:
    plain(root, "revert", "--no-edit", "HEAD~1", fails=True)


def bisect(root: Path) -> None:
    plain(root, "bisect", "start", "HEAD", "HEAD~1")


def detach(root: Path) -> None:
    plain(root, "checkout", "-q", "--detach")


STATES: list[tuple[Callable[[Path], None], str | None]] = [
    (merge, "merge"),
    (rebase, "rebase"),
    (rebase_apply, "rebase"),
    (pick, "cherry-pick"),
    (revert, "revert"),
    (bisect, "bisect"),
    (detach, None),
]


@pytest.mark.parametrize("enter, operation", STATES)
def test_no_branch_is_touched_while_something_is_under_way(
    tmp_path: Path, enter: Callable[[Path], None], operation: str | None
) -> None:
    git = branched(tmp_path)
    enter(tmp_path)
    state = git.state()
    assert state.operation == operation
    assert not state.settled
    refs = plain(tmp_path, "for-each-ref")
    index = (tmp_path / ".git" / "index").read_bytes()
    with pytest.raises(HistoryProblem):
        git.commit({"recall/000001.jsonl": b"{}\n"}, message="x", author=ADA, when=WHEN)
    first = git.commit(
        {"recall/000001.jsonl": b"{}\n"}, message="x", author=ADA, when=WHEN, on="pending"
    )
    second = git.commit(
        {"recall/000001.jsonl": b"{}\n{}\n"}, message="y", author=ADA, when=WHEN, on="pending"
    )
    assert first is not None and second is not None
    assert git.pending() == second
    (last, before) = git.log(limit=2, start=second)
    assert (last.parents, before.parents) == ((first,), (state.head,))
    assert git.state() == state
    name = f"refs/lettafs/pending/{state.branch or 'detached'}"
    assert plain(tmp_path, "for-each-ref") == refs + f"{second} commit\t{name}\n"
    assert (tmp_path / ".git" / "index").read_bytes() == index


def test_pending_checkpoints_are_found_from_the_branch_and_dropped(tmp_path: Path) -> None:
    git = branched(tmp_path)
    detach(tmp_path)
    made = git.commit({"a.md": b"a"}, message="x", author=ADA, when=WHEN, on="pending")
    plain(tmp_path, "checkout", "-q", "main")
    assert git.state().settled
    assert git.pending() == made
    git.pack()  # packed refs are found as well
    assert git.pending() == made
    git.drop_pending()
    assert git.pending() is None
    git.drop_pending()


def test_an_unborn_branch_gets_its_first_commit_under_any_name(tmp_path: Path) -> None:
    git = Git(tmp_path)
    git.init()
    plain(tmp_path, "symbolic-ref", "HEAD", "refs/heads/feature/x")
    assert git.state() == RepoState(None, "feature/x", True, False, None)
    made = git.commit({"a.md": b"a"}, message="x", author=ADA, when=WHEN)
    assert git.state() == RepoState(made, "feature/x", False, False, None)


def test_an_unborn_pending_commit_has_no_parent(tmp_path: Path) -> None:
    git = Git(tmp_path)
    git.init()
    (tmp_path / ".git" / "MERGE_HEAD").write_text("x\n", encoding="utf-8")
    made = git.commit({"a.md": b"a"}, message="x", author=ADA, when=WHEN, on="pending")
    assert made is not None
    assert git.log(limit=1, start=made)[0].parents == ()
    assert git.state().head is None


def test_packed_and_loose_refs_agree_with_git(tmp_path: Path) -> None:
    git = branched(tmp_path)
    for _ in range(2):
        for branch in ("main", "side"):
            plain(tmp_path, "checkout", "-q", branch)
            assert git.state().head == plain(tmp_path, "rev-parse", "HEAD").strip()
        plain(tmp_path, "pack-refs", "--all")


@pytest.mark.parametrize(
    "text",
    ["", "ref: ", "ref: ../../x", "ref: refs/heads/../../config", "zz", "\0", "ref: refs/heads/"],
)
def test_a_damaged_head_reads_as_no_commit(tmp_path: Path, text: str) -> None:
    git = branched(tmp_path)
    (tmp_path / ".git" / "HEAD").write_text(text, encoding="utf-8")
    assert git.state().head is None


def test_a_branch_that_names_itself_ends(tmp_path: Path) -> None:
    git = branched(tmp_path)
    (tmp_path / ".git" / "refs" / "heads" / "main").write_text("ref: refs/heads/main\n", "utf-8")
    assert git.state().head is None


def test_an_index_with_many_files_features_follows(tmp_path: Path) -> None:
    git = branched(tmp_path)
    for key, value in (
        ("feature.manyFiles", "true"),
        ("index.version", "4"),
        ("core.splitIndex", "true"),
        ("core.untrackedCache", "true"),
    ):
        plain(tmp_path, "config", key, value)
    plain(tmp_path, "update-index", "--index-version", "4")
    (tmp_path / "memory" / "human.md").write_bytes(b"new\n")
    made = git.commit({"memory/human.md": b"new\n"}, message="x", author=ADA, when=WHEN)
    assert made is not None
    assert plain(tmp_path, "status", "--porcelain") == ""
