from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from lettafs.sdk.open import open_agent

Run = Callable[..., Result]


def test_new_makes_an_agent_with_what_was_said(lettafs: Run, tmp_path: Path) -> None:
    (tmp_path / "who.md").write_text("I am Sam,\nand I write tests.\n", encoding="utf-8")
    done = lettafs(
        "new",
        tmp_path / "sam",
        "--name",
        "Sam",
        "--persona",
        f"@{tmp_path / 'who.md'}",
        "--human",
        "Brad",
        "--system",
        "Be brief.",
        "--model",
        "ollama/llama3.1:8b",
        "--type",
        "memgpt_agent",
    )

    agent = open_agent(tmp_path / "sam")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        f"Sam is in {tmp_path / 'sam'}, with 2 blocks of memory: human, persona.",
        f"Talk with it: lettafs chat {tmp_path / 'sam'}",
    ]
    assert agent.block("persona").value == "I am Sam,\nand I write tests.\n"
    assert agent.block("human").value == "Brad"
    assert (tmp_path / "sam/system.md").read_text(encoding="utf-8") == "Be brief."
    assert (agent.settings.model, agent.settings.type) == ("ollama/llama3.1:8b", "memgpt_agent")
    assert len(agent.log()) == 1


def test_new_needs_nothing_but_a_place_and_takes_its_name_from_it(
    lettafs: Run, tmp_path: Path
) -> None:
    assert lettafs("new", tmp_path / "grace").exit_code == 0
    assert open_agent(tmp_path / "grace").settings.name == "grace"


def test_new_refuses_a_directory_with_something_in_it(lettafs: Run, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter.txt").write_text("mine", encoding="utf-8")

    done = lettafs("new", tmp_path / "full")

    assert (done.exit_code, done.stdout) == (2, "")
    assert "is not empty" in done.stderr
    assert [file.name for file in (tmp_path / "full").iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    ("content", "words"), [(None, "cannot be read"), (b"\xff\xfe", "is not UTF-8")]
)
def test_new_with_a_file_that_cannot_be_read_makes_nothing(
    lettafs: Run, tmp_path: Path, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "who.md").write_bytes(content)

    done = lettafs("new", tmp_path / "sam", "--persona", f"@{tmp_path / 'who.md'}")

    assert done.exit_code == 2
    assert words in done.stderr
    assert not (tmp_path / "sam").exists()


def test_fork_is_a_second_agent_with_the_history_so_far(
    lettafs: Run, ada: Path, tmp_path: Path
) -> None:
    lettafs("chat", ada, "-p", "my name is Brad")
    begin = json.loads(lettafs("log", ada, "--json").stdout)[-1]["commit"]

    now = lettafs("fork", ada, tmp_path / "now", "--name", "Now")
    then = lettafs("fork", ada, tmp_path / "then", "--at", begin)

    assert now.stdout == f"Now is in {tmp_path / 'now'}, from {ada}.\n"
    assert then.exit_code == 0
    assert "Brad" in lettafs("memory", tmp_path / "now", "human").stdout
    assert "Chad" in lettafs("memory", tmp_path / "then", "human").stdout
    assert open_agent(tmp_path / "now").settings.id != open_agent(ada).settings.id
