"""While the branch cannot be touched nothing is lost: neither words nor edits."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

import lettafs
from lettafs.sdk.agent import Agent


def git(root: Path, *command: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *command], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def scripted(root: Path, *replies: dict[str, object]) -> Agent:
    script = root.parent / "script.jsonl"
    script.write_text("\n".join(map(json.dumps, replies)), encoding="utf-8")
    return lettafs.open_agent(root, model=f"scripted:{script}")


def everything_ever(root: Path) -> str:
    """Return every text of every commit under any ref."""
    commits = git(root, "rev-list", "--all").split()
    shown = [git(root, "grep", "-h", "-I", "", commit) for commit in commits]
    return "\n".join(shown)


@pytest.fixture
def root(tmp_path: Path, person: None) -> Path:
    lettafs.create_agent(tmp_path / "ada", human="Their name is Kim.", model="lettafs/offline")
    return tmp_path / "ada"


def test_a_persons_edit_on_a_detached_head_survives_a_rewrite_by_the_agent(root: Path) -> None:
    git(root, "checkout", "-q", "--detach")
    block = root / "memory" / "human.md"
    block.write_text(block.read_text(encoding="utf-8") + "\nPERSONTEXT\n", encoding="utf-8")
    rethink = {"label": "human", "new_memory": "Nothing of it."}
    settings = root / "agent.toml"
    settings.write_text(
        'tools = ["memory_rethink"]\n' + settings.read_text(encoding="utf-8"), encoding="utf-8"
    )
    agent = scripted(
        root,
        {"tool_calls": [{"name": "memory_rethink", "arguments": rethink}]},
        {"text": "Done."},
    )

    agent.send("rewrite it")

    assert agent.block("human").value == "Nothing of it."
    assert "PERSONTEXT" in everything_ever(root)
    by = git(root, "log", "--all", "--format=%an", "-S", "PERSONTEXT", "--", "memory/human.md")
    assert by.splitlines()[-1] == "Pat"


def test_what_was_said_on_a_detached_head_comes_home_after_a_forced_checkout(root: Path) -> None:
    agent = lettafs.open_agent(root)
    agent.send("Said on the branch")
    git(root, "checkout", "-q", "--detach")
    agent.send("My name is Zoe")
    git(root, "checkout", "-q", "-f", "main")
    assert agent.block("human").value == "Their name is Kim."

    agent.send("Back again")

    said = [message.text for message in agent.messages(50) if message.role == "user"]
    assert sorted(said) == ["Back again", "My name is Zoe", "Said on the branch"]
    assert agent.block("human").value == "Their name is Kim.", "the branch's text stays"
    assert "Zoe" in everything_ever(root)
    kept = git(root, "for-each-ref", "--format=%(refname)", "refs/lettafs/kept")
    assert kept.startswith("refs/lettafs/kept/")
    assert git(root, "status", "--porcelain") == ""
    assert agent.problems() == []


def test_secrets_a_commit_once_held_a_template_for_are_never_taken(root: Path) -> None:
    (root / ".env").write_text("OPENAI_API_KEY=\n", encoding="utf-8")
    git(root, "add", "-f", ".env")
    git(root, "commit", "-q", "-m", "A template")
    (root / ".env").write_text("OPENAI_API_KEY=sk-SECRET\n", encoding="utf-8")

    lettafs.open_agent(root).send("Hello")

    assert "sk-SECRET" not in everything_ever(root)


def test_what_lies_behind_a_link_is_neither_taken_nor_written(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "sub").mkdir()
    (root / "docs").mkdir()
    (root / "docs" / "cred").write_text("public", encoding="utf-8")
    git(root, "add", "docs")
    git(root, "commit", "-q", "-m", "Docs")
    (root / "docs" / "cred").unlink()
    (root / "docs").rmdir()
    (root / "docs").symlink_to(outside)
    (outside / "cred").write_text("CANARY", encoding="utf-8")
    (outside / ".tmp-0011223344556677").write_text("mine", encoding="utf-8")
    (root / "memory" / "link").symlink_to(outside)
    shipped = root / ".lettafs" / "displaced" / f"{'0' * 32}-{'1' * 32}-{'2' * 12}" / "memory"
    (shipped / "link").mkdir(parents=True)
    evil = shipped / "link" / "evil.md"
    evil.write_text("evil", encoding="utf-8")
    time.sleep(2.2)  # what was displaced is looked at after two seconds
    create = {"command": "create", "path": "link/sub/x", "description": "d", "file_text": "t"}
    settings = root / "agent.toml"
    settings.write_text(
        'tools = ["memory"]\n' + settings.read_text(encoding="utf-8"), encoding="utf-8"
    )
    before = sorted(path.name for path in outside.rglob("*"))
    agent = scripted(
        root, {"tool_calls": [{"name": "memory", "arguments": create}]}, {"text": "Tried."}
    )

    agent.send("Hello")

    assert sorted(path.name for path in outside.rglob("*")) == before
    assert "CANARY" not in everything_ever(root)


def test_an_old_edit_of_the_agent_made_again_by_hand_is_the_persons(root: Path) -> None:
    agent = lettafs.open_agent(root)
    agent.send("My name is Zoe")
    block = root / "memory" / "human.md"
    theirs = block.read_bytes()
    block.write_bytes(theirs.replace(b"Zoe", b"Kim"))
    agent.send("Hello")
    block.write_bytes(theirs)

    agent.send("Hello again")

    newest = next(entry for entry in agent.log() if entry.changes)
    assert (newest.by, newest.kind) == ("person", "edit")
