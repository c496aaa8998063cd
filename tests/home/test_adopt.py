"""A person edits whenever they like: their text is used at once, and is a commit of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lettafs.errors import FormatTooNew, NotAnAgent
from lettafs.llm.base import ModelRequest
from lettafs.values.event import Notice
from tests.support.homes import (
    Scribe,
    agent_at,
    begin_turn,
    commits,
    git,
    make_home,
    noted,
    problems,
    say,
    settled_problems,
    texts,
)

PERSONA = "memory/persona.md"


def _write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def _prompt(root: Path, text: str = "hello") -> str:
    """Return what the model is told when something is said."""
    model = Scribe()
    say(root, text, model=model)
    return model.requests[0].system


def _during(act: Callable[[], None]) -> Scribe:
    """Return a model before whose first answer `act` happens."""
    done: list[bool] = []

    def once(request: ModelRequest) -> None:
        if not done:
            done.append(True)
            act()

    return Scribe(before_reply=once)


def test_an_edit_before_a_turn_is_in_its_prompt_and_in_a_commit_of_the_person(
    tmp_path: Path,
) -> None:
    root = tmp_path / "ada"
    make_home(root)
    _write(root, PERSONA, "I like tea.\n")
    assert "I like tea." in _prompt(root)
    assert commits(root)[:2] == ['Ada: Answer "hello"', "Pat: Edit persona"]
    said = git(root, "log", "-1", "--format=%ae %cn %(trailers:only)", "HEAD~1")
    assert said.split("\n")[0] == "pat@example.com Pat Lettafs-Adopted: true"


def test_an_edit_between_two_steps_is_in_the_very_next_prompt(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    model = _during(lambda: _write(root, PERSONA, "I like tea.\n"))
    say(root, "note 1", model=model)
    assert "I like tea." not in model.requests[0].system
    assert "I like tea." in model.requests[1].system
    assert [line.partition(":")[0] for line in commits(root)] == ["Ada", "Pat", "Pat"]
    entries = agent_at(root).log()
    assert [change.label for change in entries[0].changes] == ["human"]
    assert [change.label for change in entries[1].changes] == ["persona"]


def test_an_edit_during_the_last_step_is_adopted_by_the_next_turn(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    say(root, "hello", model=_during(lambda: _write(root, PERSONA, "I like tea.\n")))
    assert git(root, "status", "--porcelain") == f" M {PERSONA}\n"
    assert "I like tea." in _prompt(root)
    assert commits(root)[:3] == ['Ada: Answer "hello"', "Pat: Edit persona", 'Ada: Answer "hello"']


def test_a_second_edit_in_the_same_tick_of_the_clock_is_seen(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    for number in range(20):
        with begin_turn(root) as turn:
            _write(root, PERSONA, f"one {number:02}\n")
            turn.adopt()
            _write(root, PERSONA, f"two {number:02}\n")  # as long as the first
            turn.adopt()
        assert git(root, "show", f"HEAD:{PERSONA}") == f"two {number:02}\n"
        assert git(root, "show", f"HEAD~1:{PERSONA}") == f"one {number:02}\n"


def test_new_deleted_and_renamed_blocks_are_adopted(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    _write(root, "memory/projects/garden.md", "Roses.\n")
    (root / PERSONA).unlink()
    prompt = _prompt(root)
    assert "Roses." in prompt and "I am Ada." not in prompt
    (root / "memory/projects/garden.md").rename(root / "memory/projects/roses.md")
    prompt = _prompt(root)
    assert "projects/roses" in prompt and "projects/garden" not in prompt
    assert git(root, "status", "--porcelain") == ""
    assert settled_problems(root) == []


def test_all_that_is_canonical_is_adopted_and_nothing_else(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    _write(root, "system.md", "You are a cook.\n")
    _write(root, "notes.txt", "not of the agent\n")
    _write(root, ".env", "SECRET=1\n")
    assert "You are a cook." in _prompt(root)
    assert git(root, "show", "--name-only", "--format=", "HEAD~1").split() == ["system.md"]
    assert "SECRET" not in git(root, "log", "-p", "--all")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<<<<<<< HEAD\nmine\n=======\ntheirs\n>>>>>>> side\n", "conflict-markers"),
        ("---\ndescription: [unclosed\n---\nI like tea.\n", "front-matter"),
        ("---\na: 1\na: 2\n---\nI like tea.\n", "front-matter"),
        ("I like tea.\0\n", "encoding"),
    ],
)
def test_a_broken_block_gives_way_to_its_last_good_version_and_is_left_alone(
    tmp_path: Path, text: str, code: str
) -> None:
    root = tmp_path / "ada"
    make_home(root)
    _write(root, PERSONA, "I like cake.\n")
    say(root, "hello")
    _write(root, PERSONA, text)
    model = Scribe()
    events = say(root, "note 1", model=model)
    assert "I like cake." in model.requests[0].system
    assert "tea" not in model.requests[0].system and "<<<<" not in model.requests[0].system
    told = [event.text for event in events if isinstance(event, Notice)]
    assert any("persona.md" in words for words in told)
    assert len(told) == len(set(told)), "said twice"
    assert (root / PERSONA).read_text(encoding="utf-8") == text
    assert git(root, "show", f"HEAD:{PERSONA}") == "I like cake.\n"
    assert code in {problem.code for problem in problems(root)}
    assert noted(root) == "1"
    _write(root, PERSONA, "I like tea.\n")
    assert "I like tea." in _prompt(root)
    assert settled_problems(root) == []


def test_a_block_emptied_on_purpose_is_empty_and_one_half_saved_is_waited_for(
    tmp_path: Path,
) -> None:
    root = tmp_path / "ada"
    make_home(root)
    _write(root, PERSONA, "")
    assert "I am Ada." not in _prompt(root)
    assert git(root, "show", f"HEAD:{PERSONA}") == ""
    assert settled_problems(root) == []
    _write(root, PERSONA, "I like cake.\n")
    say(root, "hello")

    # An editor that saves in place: emptied now, written a moment later.
    import threading

    _write(root, PERSONA, "")
    later = threading.Timer(0.04, lambda: _write(root, PERSONA, "I like tea.\n"))
    later.start()
    try:
        assert "I like tea." in _prompt(root)
    finally:
        later.join()
    assert git(root, "log", "--format=%s", "--", PERSONA).count("Edit persona") == 3


def test_settings_broken_in_the_middle_of_a_turn_let_it_go_on_with_the_good_ones(
    tmp_path: Path,
) -> None:
    root = tmp_path / "ada"
    make_home(root)
    good = (root / "agent.toml").read_text(encoding="utf-8")
    model = _during(lambda: _write(root, "agent.toml", 'name = "Ada\n'))
    say(root, "note 1", model=model)
    assert noted(root) == "1"
    say(root, "note 2")
    assert noted(root) == "2"
    assert (root / "agent.toml").read_text(encoding="utf-8") == 'name = "Ada\n'
    assert [problem.code for problem in problems(root)] == ["settings"]
    _write(root, "agent.toml", good.replace('name = "Ada"', 'name = "Bea"'))
    say(root, "hello")
    assert commits(root)[:2] == ['Bea: Answer "hello"', "Pat: Edit agent.toml"]
    assert settled_problems(root) == []


def test_settings_deleted_in_the_middle_of_a_turn_cost_nothing_once_they_are_back(
    tmp_path: Path,
) -> None:
    root = tmp_path / "ada"
    make_home(root)
    good = (root / "agent.toml").read_bytes()
    say(root, "note 1", model=_during((root / "agent.toml").unlink))
    assert texts(root) == ["note 1"]
    with pytest.raises(NotAnAgent):
        say(root, "hello")
    (root / "agent.toml").write_bytes(good)
    say(root, "hello")
    assert texts(root) == ["note 1", "hello"]
    assert git(root, "status", "--porcelain") == ""
    assert settled_problems(root) == []


def test_a_newer_format_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    home = agent_at(root)
    text = (root / "agent.toml").read_text(encoding="utf-8")
    _write(root, "agent.toml", text.replace("format = 1", "format = 2"))
    with pytest.raises(FormatTooNew):
        agent_at(root)
    with pytest.raises(FormatTooNew):
        home.send("hello")
    assert not (root / "recall").exists()


def test_a_recovered_edit_is_the_agents_and_an_edit_since_is_the_persons(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root, human="Last note: 0\n")
    turn = begin_turn(root)
    turn.run_id = turn.new_id("run")
    human = next(block for block in turn.home.blocks().blocks if block.label == "human")
    turn.edit_block(human, lambda block: "Last note: 1\n")
    turn._held.release()  # as a kill leaves it: nothing closed, nothing committed
    _write(root, PERSONA, "I like tea.\n")
    say(root, "hello")
    log = agent_at(root).log()
    whose = {change.label: entry.by for entry in log[:-1] for change in entry.changes}
    assert whose == {"human": "agent", "persona": "person"}
    assert [entry.kind for entry in log] == ["turn", "edit", "recovered", "created"]


def test_an_edit_on_top_of_one_a_crash_left_is_not_taken_for_the_agents(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root, human="Last note: 0\n")
    turn = begin_turn(root)
    turn.run_id = turn.new_id("run")
    human = next(block for block in turn.home.blocks().blocks if block.label == "human")
    turn.edit_block(human, lambda block: "Last note: 1\n")
    turn._held.release()
    _write(root, "memory/human.md", "Mine alone.\n")
    say(root, "hello")
    (entry,) = (it for it in agent_at(root).log() if it.kind == "edit")
    assert entry.by == "person"
    assert entry.changes[0].after == "Mine alone.\n"
