"""C git reads our homes: what lettafs writes is a plain repository to everybody else."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

from lettafs.disk.git import Git, Person

ADA = Person("Ada Lovelace", "agent-1@lettafs.local")


def plain(root: Path, *command: str) -> str:
    surroundings = {
        **os.environ,
        "GIT_AUTHOR_NAME": "Pat",
        "GIT_AUTHOR_EMAIL": "pat@example.com",
        "GIT_COMMITTER_NAME": "Pat",
        "GIT_COMMITTER_EMAIL": "pat@example.com",
    }
    done = subprocess.run(
        ["git", "-C", str(root), *command], capture_output=True, env=surroundings, timeout=60
    )
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout.decode()


NAMES = ("a", "a.b", "a-b", "a/x", "a/y/z", "b/c.md", "b/c/d", "memory/ü.md", "z z", "b.c/d")


def random_changes(chance: random.Random, *, turns: int) -> Iterator[dict[str, bytes | None]]:
    """Yield changes of three files a turn, in which no file is another's directory."""
    there: set[str] = set()
    for turn in range(turns):
        changes: dict[str, bytes | None] = {}
        for name in chance.sample(NAMES, 3):
            if name in there and chance.random() < 0.4:
                changes[name] = None
            elif not any(
                other.startswith(name + "/") or name.startswith(other + "/")
                for other in there | changes.keys()
            ):
                changes[name] = b"%d %s" % (turn, name.encode())
        there -= {name for name, data in changes.items() if data is None}
        there |= {name for name, data in changes.items() if data is not None}
        yield changes


def apply(root: Path, changes: dict[str, bytes | None]) -> None:
    """Make the changes in a directory; deletions take emptied directories along."""
    for name, data in changes.items():
        if data is None:
            (root / name).unlink()
            for place in (root / name).parents:
                if place == root or any(place.iterdir()):
                    break
                place.rmdir()
    for name, data in changes.items():
        if data is not None:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)


def test_a_long_random_history_is_what_git_itself_would_have_made(tmp_path: Path) -> None:
    """The same files, committed by both: the trees are equal, down to their ids."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    git = Git(ours)
    git.init()
    plain(theirs, "init", "-q", "-b", "main")
    for turn, changes in enumerate(random_changes(random.Random(3), turns=40)):
        for root in (ours, theirs):
            apply(root, changes)
        git.commit(
            changes,
            message=f"Turn {turn}\n",
            author=ADA,
            when="2026-03-01T09:00:00+00:00",
            allow_empty=True,
        )
        plain(theirs, "add", "-A")
        plain(theirs, "commit", "-q", "--allow-empty", "-m", f"Turn {turn}")
        tree = plain(theirs, "rev-parse", "HEAD^{tree}")
        assert plain(ours, "rev-parse", "HEAD^{tree}") == tree
        status = plain(ours, "status", "--porcelain")
        assert [line for line in status.splitlines() if ".lettafs" not in line] == []
    assert plain(ours, "fsck", "--strict", "--no-dangling") == ""
    assert plain(ours, "log", "--format=%an %s").splitlines()[0] == "Ada Lovelace Turn 39"
    assert len(plain(ours, "reflog", "main").splitlines()) == 40


def test_a_person_and_an_agent_take_turns_on_one_branch(tmp_path: Path) -> None:
    git = Git(tmp_path)
    git.init()
    (tmp_path / ".gitignore").write_bytes(b"/.lettafs/\n")
    for turn in range(5):
        path = tmp_path / "memory" / f"{turn}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"agent\n")
        changes: dict[str, bytes | None] = {f"memory/{turn}.md": b"agent\n"}
        changes[".gitignore"] = b"/.lettafs/\n"
        assert git.commit(changes, message="Agent", author=ADA, when="2026-03-01T09:00:00Z")
        path.write_bytes(b"agent\nperson\n")
        plain(tmp_path, "commit", "-qam", "Person")
        assert plain(tmp_path, "status", "--porcelain") == ""
    authors = [commit.author.name for commit in git.log(limit=None)]
    assert authors == ["Pat", "Ada Lovelace"] * 5
    assert plain(tmp_path, "clone", "-q", str(tmp_path), str(tmp_path / "copy")) == ""
    assert (tmp_path / "copy" / "memory" / "4.md").read_bytes() == b"agent\nperson\n"


def test_git_can_pack_what_we_wrote_and_we_read_it_after(tmp_path: Path) -> None:
    git = Git(tmp_path)
    git.init()
    made = [
        git.commit({"a": b"%d" % n}, message="x", author=ADA, when="2026-03-01T09:00:00Z")
        for n in range(10)
    ]
    plain(tmp_path, "gc", "-q", "--prune=now")
    again = Git(tmp_path)
    assert [again.read(str(commit), "a") for commit in made] == [b"%d" % n for n in range(10)]
    assert again.commit({"a": b"more"}, message="x", author=ADA, when="2026-03-01T09:00:00Z")
    assert plain(tmp_path, "fsck", "--strict") == ""
