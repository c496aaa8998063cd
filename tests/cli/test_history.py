from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Run = Callable[..., Result]


def test_log_lists_turns_and_edits_newest_first(lettafs: Run, ada: Path) -> None:
    lettafs("chat", ada, "-p", "my name is Brad")
    (ada / "memory/note.md").write_text("one\ntwo\n", encoding="utf-8")
    lettafs("chat", ada, "-p", "hello")

    lines = lettafs("log", ada).stdout.splitlines()

    hello, edit, brad, begin = lines
    assert "hello" in hello
    assert "note new +2" in edit
    assert "  Owner" in edit
    assert "human +1 −1" in brad
    assert "my name is Brad" in brad
    assert "  Ada  " in brad
    assert "persona new +1" in begin


def test_log_is_limited_unless_all_is_asked_for(lettafs: Run, ada: Path) -> None:
    for number in range(3):
        lettafs("remember", ada, f"note {number}")

    assert len(lettafs("log", ada, "-n", "2").stdout.splitlines()) == 2
    assert len(lettafs("log", ada, "--all").stdout.splitlines()) == 4
    assert lettafs("log", ada, "-n", "0").exit_code == 2


def test_log_as_json_holds_the_changes(lettafs: Run, ada: Path) -> None:
    lettafs("chat", ada, "-p", "my name is Brad")

    turn, begin = json.loads(lettafs("log", ada, "--json").stdout)

    assert (turn["by"], turn["kind"]) == ("agent", "turn")
    assert turn["changes"][0]["label"] == "human"
    assert "Brad" in turn["changes"][0]["after"]
    assert begin["by"] == "person"


def test_diff_shows_the_last_turn_or_what_lies_between(lettafs: Run, ada: Path) -> None:
    lettafs("chat", ada, "-p", "my name is Brad")
    lettafs("chat", ada, "-p", "hello")
    commits = [entry["commit"] for entry in json.loads(lettafs("log", ada, "--json").stdout)]

    last = lettafs("diff", ada)
    since = lettafs("diff", ada, commits[-1][:10])
    between = lettafs("diff", ada, commits[1], commits[0])

    assert (last.exit_code, last.stdout, last.stderr) == (0, "", "Memory did not change.\n")
    assert since.stdout.splitlines() == [
        "memory: human",
        "  - The human's name is Chad. They like vibe coding.",
        "  + The human's name is Brad. They like vibe coding.",
    ]
    assert between.stdout == ""
    assert lettafs("diff", ada, "nonsense").exit_code == 1


def test_undo_takes_memory_and_window_back_and_marks_the_turn(lettafs: Run, ada: Path) -> None:
    lettafs("chat", ada, "-p", "my name is Brad")

    done = lettafs("undo", ada)

    assert done.exit_code == 0
    assert "took back" in done.stdout
    assert "human +1 −1" in done.stdout
    assert "messages left the window" in done.stdout
    assert "Chad" in lettafs("memory", ada, "human").stdout
    assert json.loads(lettafs("prompt", ada, "--json").stdout)["messages"] == []
    assert "(taken back)" in lettafs("log", ada).stdout.splitlines()[1]


def test_undo_to_a_checkpoint_takes_every_turn_after_it_back(lettafs: Run, ada: Path) -> None:
    lettafs("chat", ada, "-p", "my name is Brad")
    lettafs("chat", ada, "-p", "my name is Carl")
    begin = json.loads(lettafs("log", ada, "--json").stdout)[-1]["commit"]

    undone = json.loads(lettafs("undo", ada, "--to", begin, "--json").stdout)

    assert len(undone) == 2
    assert "Chad" in lettafs("memory", ada, "human").stdout


def test_undo_with_nothing_to_take_back_is_a_failure_in_one_sentence(
    lettafs: Run, ada: Path
) -> None:
    done = lettafs("undo", ada)

    assert (done.exit_code, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
