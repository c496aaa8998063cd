from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from lettafs.sdk.agent import Agent
from lettafs.sdk.open import open_agent
from lettafs.values.history import LogEntry

Run = Callable[..., Result]


def test_memory_lists_blocks_with_size_limit_and_last_change(lettafs: Run, ada: Path) -> None:
    lettafs("chat", ada, "-p", "my name is Brad")

    head, human, persona = lettafs("memory", ada).stdout.splitlines()

    assert head.split() == ["block", "characters", "limit", "lines", "last", "change", "by"]
    assert human.split()[:4] == ["human", "48", "20,000", "0%"]
    assert human.split()[-1] == "Ada"
    assert persona.split()[-1] == "Owner"


def test_memory_reads_no_more_history_than_it_shows(
    lettafs: Run, ada: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[LogEntry] = []
    history = Agent.history

    def watched(self: Agent, label: str, *, limit: int | None = None) -> list[LogEntry]:
        entries = history(self, label, limit=limit)
        read.extend(entries)
        return entries

    for name in ("Brad", "Bert"):
        (ada / "memory/human.md").write_text(f"{name}\n", encoding="utf-8")
        lettafs("chat", ada, "-p", "hello")
    monkeypatch.setattr(Agent, "history", watched)

    done = lettafs("memory", ada)

    assert done.exit_code == 0
    assert len(read) == 2, "one checkpoint for each block"


def test_memory_prints_a_block_byte_for_byte(lettafs: Run, ada: Path) -> None:
    value = "no line feed at the end,\r\na CRLF, a tab\t, \x1b[31m and é"
    (ada / "memory/note.md").write_bytes(value.encode())

    assert lettafs("memory", ada, "note").stdout_bytes == value.encode()


def test_memory_as_json_holds_every_block_whole(lettafs: Run, ada: Path) -> None:
    human, persona = json.loads(lettafs("memory", ada, "--json").stdout)

    assert (human["label"], persona["label"]) == ("human", "persona")
    assert human["value"] == "The human's name is Chad. They like vibe coding."
    assert human["chars"] == len(human["value"])
    assert human["last_change"]["subject"]
    assert json.loads(lettafs("memory", ada, "human", "--json").stdout)["path"] == "memory/human.md"


def test_unknown_block_is_wrong_usage_that_names_the_known(lettafs: Run, ada: Path) -> None:
    done = lettafs("memory", ada, "humam")

    assert (done.exit_code, done.stdout) == (2, "")
    assert "human, persona" in done.stderr


def test_blame_tells_the_message_that_caused_each_line(lettafs: Run, ada: Path) -> None:
    lettafs("chat", ada, "-p", "my name is Brad")
    with (ada / "memory/human.md").open("a", encoding="utf-8") as file:
        file.write("\nand I typed this")

    agents, mine = lettafs("memory", ada, "human", "--blame").stdout.splitlines()

    assert "Ada" in agents
    assert "my name is Brad" in agents
    assert agents.endswith("The human's name is Brad. They like vibe coding.")
    assert mine.startswith("not saved yet")
    assert mine.endswith("and I typed this")


def test_history_of_a_block_leaves_other_turns_out(lettafs: Run, ada: Path) -> None:
    lettafs("chat", ada, "-p", "hello")
    lettafs("chat", ada, "-p", "my name is Brad")

    changed, begun = lettafs("memory", ada, "human", "--history").stdout.splitlines()

    assert "human +1 −1" in changed
    assert "human new +1" in begun


def test_block_is_edited_in_the_persons_editor(
    lettafs: Run, ada: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "my editor"
    editor.write_text('#!/bin/sh\nprintf "edited" > "$2"\n', encoding="utf-8")
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("EDITOR", f"'{editor}' --wait")

    first = lettafs("memory", ada, "human", "--edit")
    again = lettafs("memory", ada, "human", "--edit")

    assert first.stdout.startswith("memory/human.md changed")
    assert again.stdout == "memory/human.md is unchanged.\n"
    assert open_agent(ada).block("human").value == "edited"


def test_edit_that_breaks_a_block_says_where(
    lettafs: Run, ada: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf -- "---\\nlimit: [\\n---\\nx" > "$1"\n', encoding="utf-8")
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("EDITOR", str(editor))

    done = lettafs("memory", ada, "human", "--edit")

    assert "cannot be read now: memory/human.md" in done.stdout


def test_editor_that_fails_is_a_failure(
    lettafs: Run, ada: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", "false")
    assert lettafs("memory", ada, "human", "--edit").exit_code == 1
    monkeypatch.setenv("VISUAL", "/no/such/editor")
    assert lettafs("memory", ada, "human", "--edit").exit_code == 2


@pytest.mark.parametrize(
    "arguments", [["--history"], ["--edit"], ["human", "--blame", "--history"]]
)
def test_memory_options_that_make_no_sense_are_refused(
    lettafs: Run, ada: Path, arguments: list[str]
) -> None:
    assert lettafs("memory", ada, *arguments).exit_code == 2


def test_broken_block_is_told_on_stderr_and_hides_no_other(lettafs: Run, ada: Path) -> None:
    (ada / "memory/broken.md").write_text("---\nlimit: [\n---\nx", encoding="utf-8")

    done = lettafs("memory", ada)

    assert done.exit_code == 0
    assert "human" in done.stdout
    assert "memory/broken.md" in done.stderr


def test_directory_made_by_hand_can_be_read(lettafs: Run, tmp_path: Path) -> None:
    (tmp_path / "hand/memory").mkdir(parents=True)
    (tmp_path / "hand/agent.toml").write_text('name = "Hand"\n', encoding="utf-8")
    (tmp_path / "hand/memory/note.md").write_text("hello", encoding="utf-8")

    assert "note" in lettafs("memory", tmp_path / "hand").stdout
    assert lettafs("prompt", tmp_path / "hand").exit_code == 0
    assert lettafs("log", tmp_path / "hand").exit_code == 1


def test_no_agent_there_is_code_3(lettafs: Run, tmp_path: Path) -> None:
    for command in (["memory"], ["prompt"], ["log"], ["doctor"], ["chat"], ["undo"], ["gc"]):
        done = lettafs(*command, tmp_path / "nowhere", stdin="hi")
        assert (done.exit_code, done.stdout) == (3, ""), command
        assert len(done.stderr.splitlines()) == 1


def test_prompt_shows_system_messages_and_tools(lettafs: Run, ada: Path) -> None:
    lettafs("chat", ada, "-p", "my name is Brad")

    text = lettafs("prompt", ada).stdout

    assert text.index("── system ──") < text.index("The human's name is Brad.")
    assert text.index("my name is Brad") < text.index("calls memory_replace")
    assert "memory_replace gave" in text
    assert text.index("── tools ──") < text.rindex("conversation_search:")


def test_prompt_as_json_is_what_the_model_is_sent(lettafs: Run, ada: Path) -> None:
    lettafs("chat", ada, "-p", "hello")

    value = json.loads(lettafs("prompt", ada, "--json").stdout)
    prompt = open_agent(ada).prompt()

    assert value["system"] == prompt.system
    assert [tool["name"] for tool in value["tools"]] == [tool.name for tool in prompt.tools]
    assert value["messages"][0]["parts"] == [{"type": "text", "text": "hello"}]
    assert value["total_tokens"] == sum(section["tokens"] for section in value["sections"])


def test_search_finds_what_was_said_and_what_was_put_away(lettafs: Run, ada: Path) -> None:
    lettafs("chat", ada, "-p", "I have a zebrafish")
    passage_id = lettafs("remember", ada, "The zebrafish is called Zoe", "--tag", "pets").stdout

    both = lettafs("search", ada, "zebrafish").stdout
    passages = lettafs("search", ada, "zebrafish", "--in", "archival").stdout
    said = json.loads(lettafs("search", ada, "zebrafish", "--in", "recall", "--json").stdout)

    assert "I have a zebrafish" in both
    assert "The zebrafish is called Zoe" in both
    head, text = passages.splitlines()
    assert head.endswith(f"passage  {passage_id.strip()}  [pets]")
    assert text == "  The zebrafish is called Zoe"
    assert {hit["source"] for hit in said} == {"recall"}


def test_search_keeps_to_its_limits(lettafs: Run, ada: Path) -> None:
    for number in range(4):
        lettafs("remember", ada, f"note {number} about tea")

    def found(*options: str) -> int:
        return len(json.loads(lettafs("search", ada, *options, "--json").stdout))

    assert found("tea", "-k", "2") == 2
    assert found("tea", "--until", "2001-01-01") == 0
    assert found("tea", "--since", "2001-01-01") == 4
    assert found("note 3 ab", "--exact") == 1
    assert found("ote 3 ab", "--exact") == 1


@pytest.mark.parametrize("options", [["--in", "filing"], ["--in", ","], ["--since", "soon"]])
def test_search_that_makes_no_sense_is_refused(lettafs: Run, ada: Path, options: list[str]) -> None:
    done = lettafs("search", ada, "tea", *options)

    assert (done.exit_code, done.stdout) == (2, "")


def test_search_without_hits_says_so_beside_the_output(lettafs: Run, ada: Path) -> None:
    done = lettafs("search", ada, "zebrafish")

    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "Nothing found.\n")


def test_long_hit_shows_the_place_that_fits(lettafs: Run, ada: Path) -> None:
    lettafs("remember", ada, "before " * 200 + "zebrafish" + " after" * 200)

    _, text = lettafs("search", ada, "zebrafish").stdout.splitlines()

    assert "zebrafish" in text
    assert len(text) <= 242


def test_terminal_is_shown_a_block_without_what_could_steer_it(
    program: Callable[..., Any], ada: Path
) -> None:
    (ada / "memory/note.md").write_bytes(b"be\x1b]52;c;AAAA\x07fore \x1b[2Jafter")

    shown = program("memory", str(ada), "note")

    assert shown.ended() == 0
    assert shown.raw == "before after\r\n"


def test_terminal_is_shown_the_tokens_of_a_prompt_first(
    program: Callable[..., Any], ada: Path
) -> None:
    shown = program("prompt", str(ada))

    assert shown.ended() == 0
    assert shown.terminal.lines[0].split() == ["section", "tokens"]
    assert "── system ──" in shown.terminal.text
