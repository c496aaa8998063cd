"""A person saves a block while the agent edits it: neither loses a line."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from lettafs.disk import faults
from lettafs.errors import BlockProblem
from lettafs.home.turn import Turn
from lettafs.values.block import Block
from tests.support.editor import STYLES, editing
from tests.support.homes import (
    agent_at,
    begin_turn,
    fsck,
    git,
    make_home,
    say,
    settled_problems,
)

HUMAN = "memory/human.md"


def _human(turn: Turn) -> Block | None:
    return next((b for b in turn.home.blocks().blocks if b.label == "human"), None)


def _add(turn: Turn, line: str) -> bool:
    """Let the agent add a line; tell whether it was said to be in memory."""
    block = _human(turn)
    if block is None:  # between the two halves of a save by delete and create
        return False
    joint = "" if block.value.endswith("\n") else "\n"
    try:
        turn.edit_block(block, lambda now: f"{now.value}{joint}{line}\n")
    except BlockProblem:
        return False
    return True


def _everywhere(root: Path) -> set[str]:
    """Return every line that is in the block, in its history or in a copy beside it."""
    found = (root / HUMAN).read_text(encoding="utf-8").splitlines()
    for copy in (root / "memory").glob("*.conflict-*"):
        found += copy.read_text(encoding="utf-8").splitlines()
    added = git(root, "log", "-p", "--all", "--format=", "--", "memory")
    found += [line[1:] for line in added.splitlines() if line.startswith("+")]
    return set(found)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("style", STYLES)
def test_no_line_of_a_busy_person_and_none_of_the_agents_is_lost(
    place: Path, style: str, long: bool
) -> None:
    root = place / "ada"
    make_home(root, human="Her name is Ada.\n")
    edits, saves = (2000, 1000) if long else (200, 150)
    person = editing(root / HUMAN, style=style, times=saves, every_s=0.05)
    done: list[str] = []
    tried = 0
    while len(done) < edits and tried < edits * 3:
        with begin_turn(root) as turn:
            turn.run_id = turn.new_id("run")
            for _ in range(10):
                tried += 1
                if _add(turn, f"agent {tried}"):
                    done.append(f"agent {tried}")
            turn.begin_step()
            for _ in range(5):
                tried += 1
                if _add(turn, f"agent {tried}"):
                    done.append(f"agent {tried}")
            turn.commit_own("Write", {"Lettafs-Run": turn.run_id})
    said = person.communicate(timeout=600)[0].splitlines()
    assert len(said) == saves
    say(root, "hello")
    say(root, "hello")
    kept = _everywhere(root)
    assert [line for line in said if line not in kept] == [], "lines of the person are lost"
    assert [line for line in done if line not in kept] == [], "lines of the agent are lost"
    assert len(done) >= edits * 0.9, f"only {len(done)} of {tried} edits were made"
    assert "<<<<<<<" not in (root / HUMAN).read_text(encoding="utf-8")
    codes = {code.partition(":")[0] for code in settled_problems(root)}
    assert codes <= {"conflict-copy", "over-limit"}
    fsck(root)


def _by_rename(path: Path, text: str) -> None:
    temp = path.with_name(".swap")
    temp.write_text(text, encoding="utf-8")
    os.replace(temp, path)


def _in_place(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("save", [_by_rename, _in_place])
def test_a_save_just_before_the_names_are_traded_is_joined_and_has_its_own_commit(
    tmp_path: Path, save: Callable[[Path, str], None]
) -> None:
    root = tmp_path / "ada"
    make_home(root, human="Her name is Ada.\n")
    saved: list[str] = []

    def hook(name: str, path: Path) -> None:
        if name == "exchange" and path.name == "human.md" and not saved:
            saved.append(path.read_text(encoding="utf-8") + "From the person.\n")
            save(path, saved[0])

    with begin_turn(root) as turn, faults.installed(hook):
        turn.run_id = turn.new_id("run")
        assert _add(turn, "From the agent.")
        turn.commit_own("Write", {"Lettafs-Run": turn.run_id})
    text = (root / HUMAN).read_text(encoding="utf-8")
    assert text.endswith("From the person.\nFrom the agent.\n")
    whose = {line.line: line.by for line in agent_at(root).blame("human")}
    assert whose["From the person."] == "person"
    assert whose["From the agent."] == "agent"
    assert git(root, "status", "--porcelain") == ""


def test_a_save_over_an_edit_of_the_same_turn_leaves_both_in_the_history(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root, human="Her name is Ada.\n")
    stale = (root / HUMAN).read_text(encoding="utf-8")
    saved: list[bool] = []

    def hook(name: str, path: Path) -> None:
        if name == "exchange" and path.name == "human.md" and "one" in path.read_text("utf-8"):
            if not saved:
                saved.append(True)
                _by_rename(path, stale + "From the person.\n")  # never saw the agent's first line

    with begin_turn(root) as turn, faults.installed(hook):
        turn.run_id = turn.new_id("run")
        assert _add(turn, "From the agent: one.")
        assert _add(turn, "From the agent: two.")
        turn.commit_own("Write", {"Lettafs-Run": turn.run_id})
    text = (root / HUMAN).read_text(encoding="utf-8")
    assert text == stale + "From the person.\nFrom the agent: two.\n"
    assert {"From the agent: one.", "From the person."} <= _everywhere(root)
    log = [(entry.by, re.sub(" .*", "", entry.subject)) for entry in agent_at(root).log()]
    assert log == [("agent", "Write"), ("person", "Edit"), ("agent", "Edit"), ("person", "Begin")]


def test_an_editor_that_writes_into_the_old_file_after_the_edit_is_heard(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root, human="Her name is Ada.\n")
    with (root / HUMAN).open("r+", encoding="utf-8") as editor:
        say(root, "hello")
        with begin_turn(root) as turn:
            turn.run_id = turn.new_id("run")
            assert _add(turn, "From the agent.")
        editor.write("Written late, into the file that had been open.\n")
    for slot in (root / ".lettafs" / "displaced").iterdir():
        assert slot.is_dir()
    import time

    time.sleep(2.1)
    say(root, "hello")
    (copy,) = (root / "memory").glob("human.md.conflict-*")
    assert "Written late" in copy.read_text(encoding="utf-8")
    assert "From the agent." in (root / HUMAN).read_text(encoding="utf-8")
    assert [code.partition(":")[0] for code in settled_problems(root)] == ["conflict-copy"]
    assert git(root, "status", "--porcelain") == ""


def test_a_save_just_before_a_block_is_deleted_keeps_the_block(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root, human="Her name is Ada.\n")
    saved: list[bool] = []

    def hook(name: str, path: Path) -> None:
        if name == "rename" and "displaced" in path.parts and not saved:
            saved.append(True)
            with (root / HUMAN).open("a", encoding="utf-8") as file:
                file.write("From the person.\n")

    with begin_turn(root) as turn, faults.installed(hook):
        block = _human(turn)
        assert block is not None
        with pytest.raises(BlockProblem):
            turn.delete_block(block)
    assert saved
    assert (root / HUMAN).read_text(encoding="utf-8").endswith("From the person.\n")
