"""A home made in any editor, and what lies in one that must not be followed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lettafs.errors import LettafsError, NotAnAgent
from lettafs.values.event import Notice
from tests.support.homes import (
    Scribe,
    agent_at,
    commits,
    git,
    make_home,
    noted,
    overlaid,
    problems,
    say,
    settled_problems,
    texts,
)


def _smallest(root: Path) -> None:
    (root / "memory").mkdir(parents=True)
    (root / "agent.toml").write_text('name = "Hand"  # mine\n', encoding="utf-8")
    (root / "memory" / "human.md").write_text("Last note: 0\n", encoding="utf-8")


def test_the_smallest_home_gets_id_and_history_when_it_is_first_talked_to(tmp_path: Path) -> None:
    root = tmp_path / "hand"
    _smallest(root)
    agent = agent_at(root)
    assert agent.settings.id is None
    assert [block.value for block in agent.blocks()[0]] == ["Last note: 0\n"]
    assert sorted(os.listdir(root)) == ["agent.toml", "memory"], "reading wrote something"
    say(root, "note 1")
    assert noted(root) == "1"
    assert (agent.settings.id or "").startswith("agent-")
    assert "# mine" in (root / "agent.toml").read_text(encoding="utf-8")
    assert commits(root) == ['Hand: Answer "note 1" and edit human', "Pat: Begin Hand"]
    assert settled_problems(root) == []
    assert git(root, "status", "--porcelain") == ""


def test_a_home_without_memory_can_be_talked_to(tmp_path: Path) -> None:
    root = tmp_path / "hand"
    root.mkdir()
    (root / "agent.toml").write_text('name = "Hand"\n', encoding="utf-8")
    say(root, "hello")
    assert texts(root) == ["hello"]
    assert settled_problems(root) == []


def test_a_linked_block_is_a_problem_and_neither_read_nor_changed(tmp_path: Path) -> None:
    root, outside = tmp_path / "ada", tmp_path / "secret.md"
    make_home(root)
    outside.write_text("the secret\n", encoding="utf-8")
    (root / "memory" / "leak.md").symlink_to(outside)
    (root / "memory" / "folder").symlink_to(tmp_path)
    model = Scribe()
    events = say(root, "note 1", model=model)
    assert "the secret" not in model.requests[0].system
    assert {p.code for p in problems(root)} == {"symlink"}
    assert outside.read_text(encoding="utf-8") == "the secret\n"
    told = [event.text for event in events if isinstance(event, Notice)]
    assert len(told) == len(set(told)), "said twice"
    assert noted(root) == "1"


def test_a_linked_journal_is_never_written_through(tmp_path: Path) -> None:
    root, outside = tmp_path / "ada", tmp_path / "outside"
    make_home(root)
    outside.mkdir()
    (outside / "000001.jsonl").write_bytes(b"")
    (root / "recall").symlink_to(outside)
    with pytest.raises(LettafsError):
        say(root, "hello")
    assert (outside / "000001.jsonl").read_bytes() == b""
    assert sorted(os.listdir(outside)) == ["000001.jsonl"]
    assert agent_at(root).messages() == []
    assert "symlink" in {p.code for p in problems(root)}


def test_a_linked_segment_is_passed_over(tmp_path: Path) -> None:
    root, outside = tmp_path / "ada", tmp_path / "outside.jsonl"
    make_home(root)
    outside.write_bytes(b"")
    (root / "recall").mkdir()
    (root / "recall" / "000001.jsonl").symlink_to(outside)
    try:
        say(root, "hello")
    except LettafsError:
        pass
    assert outside.read_bytes() == b""


def test_linked_settings_are_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "ada", tmp_path / "agent.toml"
    outside.write_text('name = "Other"\n', encoding="utf-8")
    (root / "memory").mkdir(parents=True)
    (root / "agent.toml").symlink_to(outside)
    with pytest.raises(NotAnAgent, match="link"):
        agent_at(root)
    assert outside.read_text(encoding="utf-8") == 'name = "Other"\n'


def test_settings_that_became_a_link_give_way_to_the_committed_ones(tmp_path: Path) -> None:
    root, outside = tmp_path / "ada", tmp_path / "agent.toml"
    make_home(root)
    outside.write_text('name = "Other"\n', encoding="utf-8")
    (root / "agent.toml").unlink()
    (root / "agent.toml").symlink_to(outside)
    assert agent_at(root).settings.name == "Ada"
    say(root, "hello")
    assert outside.read_text(encoding="utf-8") == 'name = "Other"\n'
    assert "settings" in {p.code for p in problems(root)}


def test_a_linked_git_directory_turns_history_off_and_nothing_else(tmp_path: Path) -> None:
    root, outside = tmp_path / "ada", tmp_path / "other"
    make_home(root)
    os.rename(root / ".git", outside)
    (root / ".git").symlink_to(outside)
    head = (outside / "refs" / "heads" / "main").read_bytes()
    say(root, "note 1")
    assert noted(root) == "1"
    assert (outside / "refs" / "heads" / "main").read_bytes() == head
    assert {p.code for p in problems(root)} & {"history-off", "no-history"}


def test_a_pipe_in_memory_holds_nobody_up(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    os.mkfifo(root / "memory" / "pipe.md")
    say(root, "note 1")
    assert noted(root) == "1"
    assert "not-a-file" in {p.code for p in problems(root)}


def test_without_git_everything_but_history_works_and_it_catches_up_later(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    empty = tmp_path / "empty"
    empty.mkdir()
    with overlaid(PATH=str(empty)):
        make_home(root)
        say(root, "note 1")
        (root / "memory" / "persona.md").write_text("I like tea.\n", encoding="utf-8")
        model = Scribe()
        say(root, "note 2", model=model)
        assert "I like tea." in model.requests[0].system
        assert noted(root) == "2"
        assert {p.code for p in problems(root)} & {"history-off", "no-history"}
    say(root, "hello")
    assert texts(root) == ["note 1", "note 2", "hello"]
    assert git(root, "status", "--porcelain") == ""
    assert settled_problems(root) == []


@pytest.mark.parametrize("way", ["link", "directory", "size"])
def test_instructions_that_cannot_be_read_give_way_to_the_types(tmp_path: Path, way: str) -> None:
    root, outside = tmp_path / "ada", tmp_path / "secret"
    make_home(root)
    outside.write_text("the secret\n", encoding="utf-8")
    system = root / "system.md"
    system.unlink()
    match way:
        case "link":
            system.symlink_to(outside)
        case "directory":
            system.mkdir()
        case _:
            system.write_bytes(b"x" * (4 * 2**20 + 1))
    model = Scribe()
    events = say(root, "note 1", model=model)
    assert noted(root) == "1"
    assert "the secret" not in model.requests[0].system
    assert "xxxx" not in model.requests[0].system
    assert any(e.code == "system" for e in events if isinstance(e, Notice))
    assert [p.path for p in problems(root) if p.code == "system"] == ["system.md"]


def test_conflict_copies_are_not_looked_for_behind_a_link(tmp_path: Path) -> None:
    root, outside = tmp_path / "ada", tmp_path / "outside"
    make_home(root)
    (root / "memory").rename(outside)
    (outside / "human.md.conflict-12345678").write_text("theirs", encoding="utf-8")
    (root / "memory").symlink_to(outside)
    assert "conflict-copy" not in {p.code for p in problems(root)}
