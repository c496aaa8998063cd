"""Undo takes back memory and conversation together, and nothing of anybody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from lettafs.disk import faults
from lettafs.errors import HistoryProblem, UndoConflict
from tests.support.homes import (
    Scribe,
    agent_at,
    commits,
    git,
    journal,
    make_home,
    noted,
    say,
    settled_problems,
    tree_of,
)

HUMAN = "memory/human.md"


def _append(root: Path, path: str, text: str) -> None:
    with (root / path).open("a", encoding="utf-8") as file:
        file.write(text)


def _asked(root: Path) -> list[str]:
    """Return what the model is told was said, when the person goes on."""
    model = Scribe()
    say(root, "And now?", model=model)
    return [message.text for message in model.requests[0].messages if message.role == "user"]


def test_the_last_turn_is_gone_from_memory_and_from_the_window_and_kept_in_recall(
    tmp_path: Path,
) -> None:
    root = tmp_path / "ada"
    make_home(root)
    say(root, "note 1")
    before = (root / HUMAN).read_bytes()
    say(root, "note 2")
    (undone,) = agent_at(root).undo()
    assert undone.messages == 4
    assert [change.label for change in undone.changes] == ["human"]
    assert (root / HUMAN).read_bytes() == before
    assert _asked(root) == ["note 1", "And now?"]
    assert "note 2" in [
        part.get("text") for record in journal(root) for part in record.get("parts", ())
    ]
    assert commits(root)[1].startswith('Pat: Undo: Answer "note 2"')
    assert git(root, "status", "--porcelain") == ""
    assert settled_problems(root) == []


def test_undone_twice_takes_back_the_turn_before_and_then_there_is_none_left(
    tmp_path: Path,
) -> None:
    root = tmp_path / "ada"
    make_home(root)
    say(root, "note 1")
    say(root, "note 2")
    agent = agent_at(root)
    assert agent.undo()[0].subject.startswith('Answer "note 2"')
    assert agent.undo()[0].subject.startswith('Answer "note 1"')
    assert noted(root) == "0"
    with pytest.raises(HistoryProblem, match="no turn"):
        agent.undo()
    assert [entry.undone for entry in agent.log()] == [False, False, True, True, False]
    assert _asked(root) == ["And now?"]


def test_undo_to_a_checkpoint_takes_back_all_turns_after_it(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    say(root, "note 1")
    stop = git(root, "rev-parse", "HEAD").strip()
    say(root, "note 2")
    say(root, "hello")
    say(root, "note 3")
    undone = agent_at(root).undo(to=stop[:8])
    assert [it.subject.split('"')[1] for it in undone] == ["note 3", "hello", "note 2"]
    assert noted(root) == "1"
    assert _asked(root) == ["note 1", "And now?"]
    assert settled_problems(root) == []


def test_what_a_person_wrote_on_another_line_since_is_kept(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root, human="Last note: 0\n\nHer name is Ada.\n\nThe end.\n")
    say(root, "note 1")
    _append(root, HUMAN, "She likes maps.\n")
    agent_at(root).undo()
    text = (root / HUMAN).read_text(encoding="utf-8")
    assert text.endswith("Last note: 0\n\nHer name is Ada.\n\nThe end.\nShe likes maps.\n")
    assert commits(root)[:2] == ['Pat: Undo: Answer "note 1" and edit human', "Pat: Edit human"]


def test_an_edit_of_the_same_line_since_makes_undo_refuse_and_change_nothing(
    tmp_path: Path,
) -> None:
    root = tmp_path / "ada"
    make_home(root)
    say(root, "note 1")
    path = root / HUMAN
    path.write_text(path.read_text(encoding="utf-8").replace("note: 1", "note: mine"), "utf-8")
    say(root, "hello")  # adopts it; its own turn is undone below
    agent = agent_at(root)
    agent.undo()
    before = tree_of(root)
    with pytest.raises(UndoConflict, match="human"):
        agent.undo()
    after = tree_of(root)
    for folder in ("memory", "recall", "archival", ".git/refs"):
        assert {p: d for p, d in after.items() if p.startswith(folder)} == {
            p: d for p, d in before.items() if p.startswith(folder)
        }
    assert noted(root) == "mine"


def test_a_passage_of_the_turn_goes_with_it(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    say(root, "keep the key lies under the mat")
    agent = agent_at(root)
    mine = agent.remember("I put this here")
    assert len(agent.passages()) == 2
    (undone,) = agent.undo()
    assert undone.passages == 1
    assert agent.passages() == [mine]
    assert git(root, "status", "--porcelain") == ""


def test_a_persons_commit_and_a_merge_are_never_undone(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    say(root, "note 1")
    git(root, "checkout", "-q", "-b", "side")
    _append(root, "memory/persona.md", "I like tea.\n")
    git(root, "commit", "-q", "-a", "-m", "Like tea")
    git(root, "checkout", "-q", "main")
    say(root, "note 2")
    git(root, "merge", "-q", "--no-edit", "side")
    _append(root, "memory/persona.md", "I like cake.\n")
    agent = agent_at(root)
    agent.undo()
    assert noted(root) == "1"
    agent.undo()
    assert noted(root) == "0"
    with pytest.raises(HistoryProblem):
        agent.undo()
    text = (root / "memory/persona.md").read_text(encoding="utf-8")
    assert "tea" in text and "cake" in text
    assert settled_problems(root) == []


def test_a_block_that_the_turn_made_or_deleted_comes_and_goes(tmp_path: Path) -> None:
    from lettafs.llm.scripted import ScriptedModel

    root = tmp_path / "ada"
    make_home(root)
    toml = root / "agent.toml"
    toml.write_text('tools = ["memory"]\n' + toml.read_text(encoding="utf-8"), encoding="utf-8")
    create = {"command": "create", "path": "/memories/tea", "file_text": "Green.\n"}
    remove = {"command": "delete", "path": "/memories/persona"}
    model = ScriptedModel(
        [
            {"tool_calls": [{"name": "memory", "arguments": {**create, "description": "Tea."}}]},
            {"tool_calls": [{"name": "memory", "arguments": remove}]},
            {"text": "Done."},
        ]
    )
    persona = (root / "memory/persona.md").read_bytes()
    say(root, "Reorganise yourself.", model=model)
    assert (root / "memory/tea.md").exists() and not (root / "memory/persona.md").exists(), [
        message.tool_returns for message in agent_at(root).messages()
    ]
    agent_at(root).undo()
    assert not (root / "memory/tea.md").exists()
    assert (root / "memory/persona.md").read_bytes() == persona
    assert git(root, "status", "--porcelain") == ""


def test_a_turn_a_person_edited_in_the_middle_of_is_undone_around_their_text(
    tmp_path: Path,
) -> None:
    root = tmp_path / "ada"
    make_home(root, human="Last note: 0\n\nHer name is Ada.\n\nThe end.\n")

    def between(request: object) -> None:
        if noted(root) == "1" and "maps" not in (root / HUMAN).read_text(encoding="utf-8"):
            _append(root, HUMAN, "She likes maps.\n")

    from lettafs.llm.scripted import ScriptedModel

    def replace(old: int) -> dict[str, object]:
        arguments = {
            "label": "human",
            "old_string": f"Last note: {old}",
            "new_string": f"Last note: {old + 1}",
        }
        return {"tool_calls": [{"name": "memory_replace", "arguments": arguments}]}

    class Watched(ScriptedModel):
        async def stream(self, request):  # type: ignore[no-untyped-def]
            between(request)
            async for event in super().stream(request):
                yield event

    model = Watched([replace(0), replace(1), replace(2), {"text": "Done."}])
    say(root, "Count.", model=model)
    assert noted(root) == "3"
    assert "She likes maps." in model.requests[-1].system
    log = agent_at(root).log()
    assert [entry.by for entry in log] == ["agent", "person", "agent", "person"]
    (theirs,) = (entry for entry in log if entry.kind == "edit")
    ((change),) = theirs.changes
    assert (change.after or "").replace(change.before or "", "") == "She likes maps.\n"
    undone = agent_at(root).undo()
    assert len(undone) == 1
    text = (root / HUMAN).read_text(encoding="utf-8")
    assert text.endswith("Last note: 0\n\nHer name is Ada.\n\nThe end.\nShe likes maps.\n")
    assert [entry.undone for entry in agent_at(root).log()] == [False, True, False, True, False]
    with pytest.raises(HistoryProblem):
        agent_at(root).undo()


def test_a_save_at_the_moment_of_the_undo_is_kept_and_undo_can_be_said_again(
    tmp_path: Path,
) -> None:
    root = tmp_path / "ada"
    make_home(root, human="Last note: 0\n\nHer name is Ada.\n\nThe end.\n")
    say(root, "note 1")
    saved: list[str] = []

    def hook(name: str, path: Path) -> None:
        if name == "exchange" and not saved:
            saved.append(name)
            _append(root, HUMAN, "She likes maps.\n")

    with faults.installed(hook), pytest.raises(UndoConflict, match="at this moment"):
        agent_at(root).undo()
    assert "She likes maps." in (root / HUMAN).read_text(encoding="utf-8")
    agent_at(root).undo()
    text = (root / HUMAN).read_text(encoding="utf-8")
    assert text.endswith("Last note: 0\n\nHer name is Ada.\n\nThe end.\nShe likes maps.\n")
    assert settled_problems(root) == []


def test_a_turn_that_a_crash_kept_from_its_commit_can_be_undone(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    say(root, "note 1")

    def no_commit(name: str, path: Path) -> None:
        if path.name == "checkpoint.pending":
            raise OSError(5, "died here")

    with faults.installed(no_commit):
        say(root, "note 2")
    assert commits(root)[0].startswith('Ada: Answer "note 1"')
    (undone,) = agent_at(root).undo()
    assert undone.subject == "Recover what an interrupted turn had done"
    assert noted(root) == "1"
    assert _asked(root) == ["note 1", "And now?"]


def _trimmed(root: Path, text: str) -> None:
    """Say something in a run that moves the window's start to its own first message."""
    from lettafs.format.recall_line import WindowRecord
    from lettafs.home.home import open_home
    from lettafs.llm.base import ModelRequest

    def trim(request: ModelRequest) -> None:
        recall = open_home(root).recall
        ids = [message.id for message in recall.messages()]
        start = request.messages[-1].id
        recall.append([WindowRecord(0, reason="trim", start=start, earlier=ids.index(start))])

    say(root, text, model=Scribe(before_reply=trim))


def test_a_window_that_the_undone_run_moved_goes_back_to_where_it_was(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    say(root, "one")
    say(root, "two")
    _trimmed(root, "three")
    agent_at(root).undo()
    assert _asked(root) == ["one", "two", "And now?"]
    agent_at(root).undo()
    _trimmed(root, "four")
    _trimmed(root, "five")
    say(root, "six")
    agent = agent_at(root)
    agent.undo()
    assert "start" not in [r for r in journal(root) if r["type"] == "window"][-1]
    agent.undo()
    assert [m.text for m in agent.messages()][-2:][0] == "four"
    assert _asked(root) == ["four", "And now?"]
    agent.undo()
    agent.undo()
    assert _asked(root) == ["one", "two", "And now?"]
    assert settled_problems(root) == []
