from __future__ import annotations

from pathlib import Path

import pytest

from lettafs.cli.slash import SLASH_COMMANDS, Leave, run_slash, suggestions
from lettafs.errors import LettafsError, UsageProblem
from lettafs.sdk.agent import Agent
from lettafs.sdk.open import open_agent


@pytest.fixture
def agent(ada: Path) -> Agent:
    agent = open_agent(ada)
    agent.send("my name is Brad")
    return agent


def shown(agent: Agent, typed: str) -> str:
    return "\n".join(line.text for line in run_slash(agent, typed))


def test_help_lists_every_command(agent: Agent) -> None:
    text = shown(agent, "/help")

    for name, command in SLASH_COMMANDS.items():
        assert f"/{name} {command.argument}".rstrip() in text
        assert command.help in text


def test_memory_shows_the_list_or_one_block(agent: Agent) -> None:
    assert "persona" in shown(agent, "/memory")
    assert "The human's name is Brad." in shown(agent, "/memory human")


def test_commands_show_what_their_sisters_on_the_command_line_show(agent: Agent) -> None:
    assert "my name is Brad" in shown(agent, "/log")
    assert "+ The human's name is Brad." in shown(agent, "/diff")
    assert "my name is Brad" in shown(agent, "/search Brad")
    assert shown(agent, "/search zebrafish") == "Nothing found."
    assert "── tools ──" in shown(agent, "/prompt")


def test_remember_puts_a_passage_away(agent: Agent) -> None:
    assert shown(agent, "/remember Brad likes tea").startswith("Put away as passage-")
    assert agent.passages()[0].text == "Brad likes tea"


def test_undo_takes_the_turn_back(agent: Agent) -> None:
    assert "took back" in shown(agent, "/undo")
    assert "Chad" in agent.block("human").value
    with pytest.raises(LettafsError):
        shown(agent, "/undo")


def test_compact_sums_up_and_can_be_undone(agent: Agent) -> None:
    agent.send("we decided to sail in May")
    with pytest.raises(UsageProblem, match="/compact all"):
        shown(agent, "/compact everything")

    text = shown(agent, "/compact all")

    assert "messages summed up by lettafs/offline: " in text and "/undo takes it back" in text
    assert [m.kind for m in agent.prompt().messages] == ["summary"]
    assert shown(agent, "/compact all") == "There is nothing to sum up."
    undone = shown(agent, "/undo")
    assert "what had been summed up is back in the window" in undone
    assert "left the window" not in undone
    assert len(agent.prompt().messages) > 3


def test_model_is_changed_for_this_chat_only(agent: Agent, ada: Path, tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text('{"text": "hi"}\n', encoding="utf-8")

    text = shown(agent, f"/model scripted:{tmp_path / 's.jsonl'}")

    assert "goes on with scripted:" in text
    assert agent.model_handle.startswith("scripted:")
    assert open_agent(ada).model_handle == "lettafs/offline"
    assert "lettafs/offline" in shown(agent, "/model")


def test_quit_leaves(agent: Agent) -> None:
    with pytest.raises(Leave):
        shown(agent, "/quit")


def test_unknown_command_suggests_the_nearest(agent: Agent) -> None:
    with pytest.raises(UsageProblem, match="Did you mean /memory"):
        shown(agent, "/memroy")
    with pytest.raises(UsageProblem, match="/help lists them"):
        shown(agent, "/xyzzy")
    with pytest.raises(UsageProblem, match="begin with a space"):
        shown(agent, "/etc/passwd is a file")


def test_command_without_what_it_needs_says_what(agent: Agent) -> None:
    for name in ("edit", "search", "remember"):
        with pytest.raises(UsageProblem, match=f"/{name} needs"):
            shown(agent, f"/{name} ")


def test_completion_knows_commands_labels_and_handles(agent: Agent) -> None:
    handles = ("ollama/llama3.1:8b", "lettafs/offline")

    assert suggestions(agent, "/me", handles=handles) == ["/memory"]
    assert suggestions(agent, "/memory ", handles=handles) == ["human", "persona"]
    assert suggestions(agent, "/edit pe", handles=handles) == ["persona"]
    assert suggestions(agent, "/model oll", handles=handles) == ["ollama/llama3.1:8b"]
    assert suggestions(agent, "/log ", handles=handles) == []
    assert suggestions(agent, "me", handles=handles) == []
