"""Blame says of each line where it comes from, also when the block has no final line end."""

from __future__ import annotations

import json
from pathlib import Path

import lettafs


def insert(text: str) -> dict[str, object]:
    arguments = {"label": "human", "new_string": text}
    return {"tool_calls": [{"name": "memory_insert", "arguments": arguments}]}


def test_a_line_stays_with_its_cause_when_another_is_added_below(
    tmp_path: Path, person: None
) -> None:
    script = tmp_path / "script.jsonl"
    replies = [insert("They live in Oslo."), {"text": "Noted."}]
    replies += [insert("They like tea."), {"text": "Noted."}]
    script.write_text("\n".join(map(json.dumps, replies)), encoding="utf-8")
    lettafs.create_agent(tmp_path / "ada", human="Their name is Kim.")
    agent = lettafs.open_agent(tmp_path / "ada", model=f"scripted:{script}")

    agent.send("I live in Oslo")
    agent.send("I like tea")
    block = tmp_path / "ada" / "memory" / "human.md"
    block.write_text(block.read_text(encoding="utf-8") + "\nTheir cat is Mia.\n", encoding="utf-8")
    agent.remember("any turn adopts the edit")

    lines = [(line.line, line.by, line.cause) for line in agent.blame("human")]
    assert lines == [
        ("Their name is Kim.", "person", None),
        ("They live in Oslo.", "agent", "I live in Oslo"),
        ("They like tea.", "agent", "I like tea"),
        ("Their cat is Mia.", "person", None),
    ]


def test_lines_are_those_of_git_whatever_else_might_end_one(tmp_path: Path, person: None) -> None:
    lettafs.create_agent(tmp_path / "ada", human="One\x0ctwo\u2028three\x85four.\nFive.\n")
    agent = lettafs.open_agent(tmp_path / "ada")
    block = tmp_path / "ada" / "memory" / "human.md"
    with block.open("ab") as file:
        file.write(b"Six.\r\n")
    lines = [(line.line, line.by) for line in agent.blame("human")]
    assert lines == [
        ("One\x0ctwo\u2028three\x85four.", "person"),
        ("Five.", "person"),
        ("Six.", None),
    ]
