"""What the README promises about memory, seen through the public doors."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path

import pytest

import lettafs
from lettafs.errors import HistoryProblem, ModelAuthProblem
from lettafs.values.event import MemoryChanged
from tests.support.doc_pages import ROOT
from tests.support.fake_openai import FakeOpenAI, finish, stream, text_chunks, usage

pytestmark = pytest.mark.usefixtures("person")


def _script(place: Path, *lines: str) -> str:
    place.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return f"scripted:{place}"


def _lettafs(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lettafs", *arguments],
        cwd=cwd,
        env={**(env or os.environ), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def test_words_are_kept_when_the_model_fails(tmp_path: Path) -> None:
    lettafs.create_agent(tmp_path / "ada")
    failing = _script(tmp_path / "failing.jsonl", '{"error": "refused"}')
    answer = lettafs.open_agent(tmp_path / "ada", model=failing).send("The boat is called Nadia.")
    assert answer.error is not None

    agent = lettafs.open_agent(tmp_path / "ada", model="lettafs/offline")
    assert agent.messages()[-1].text == "The boat is called Nadia."
    assert [message.text for message in agent.prompt().messages] == ["The boat is called Nadia."]
    assert agent.problems() == []


def test_edit_during_a_turn_is_committed_in_the_persons_name(tmp_path: Path) -> None:
    agent = lettafs.create_agent(tmp_path / "ada", human="The human's name is Brad.")
    model = _script(
        tmp_path / "script.jsonl",
        '{"tool_calls": [{"name": "memory_insert", "arguments":'
        ' {"label": "persona", "new_string": "I like tea."}}]}',
        '{"text": "Done."}',
    )
    block = tmp_path / "ada" / "memory" / "human.md"

    async def talk() -> None:
        events = lettafs.open_agent(tmp_path / "ada", model=model).stream("Like tea.")
        async with aclosing(events):
            async for event in events:
                if isinstance(event, MemoryChanged):
                    text = block.read_text(encoding="utf-8")
                    block.write_text(text.replace("Brad", "Chad"), encoding="utf-8")

    asyncio.run(talk())

    assert agent.block("human").value == "The human's name is Chad."
    assert "I like tea." in agent.block("persona").value
    by = {change.label: entry.author for entry in agent.log() for change in entry.changes}
    assert by["human"] == "Pat"
    assert agent.log()[0].author == "ada"


def test_undo_leaves_what_the_person_wrote(tmp_path: Path) -> None:
    agent = lettafs.create_agent(
        tmp_path / "ada", model="lettafs/offline", human="The human's name is Brad.\n"
    )
    agent.send("I live in Atlantis.")
    persona = tmp_path / "ada" / "memory" / "persona.md"
    persona.write_text("I am Ada, and I say so.\n", encoding="utf-8")
    agent.send("Hello")

    agent.undo()
    agent.undo()

    assert agent.block("human").value == "The human's name is Brad.\n"
    assert agent.block("persona").value == "I am Ada, and I say so.\n"
    with pytest.raises(HistoryProblem):
        agent.undo()
    assert agent.problems() == []


def test_broken_block_does_not_take_the_agent_down(tmp_path: Path) -> None:
    agent = lettafs.create_agent(
        tmp_path / "ada", model="lettafs/offline", human="The human's name is Brad."
    )
    block = tmp_path / "ada" / "memory" / "human.md"
    broken = b"---\nlimit: [\n---\nThe human's name is Chad."
    block.write_bytes(broken)

    answer = agent.send("What is my name?")

    assert "Brad" in answer.text
    assert block.read_bytes() == broken
    assert [problem.path for problem in agent.problems()] == ["memory/human.md"]


def test_key_is_not_sent_where_only_the_agents_file_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.delenv("LETTAFS_NO_REMOTE")
    reply = stream(*text_chunks("Hello."), finish(), usage())
    with FakeOpenAI([reply]) as server:
        lettafs.create_agent(tmp_path / "ada", model="openai/any")
        settings = tmp_path / "ada" / "agent.toml"
        text = settings.read_text(encoding="utf-8")

        settings.write_text(f'base_url = "{server.base_url}"\n{text}', encoding="utf-8")
        assert lettafs.open_agent(tmp_path / "ada").send("Hello").text == "Hello."
        assert all("sk-secret" not in str(seen.headers) for seen in server.requests)
        assert server.requests

        settings.write_text(f'base_url = "https://models.example.com/v1"\n{text}', encoding="utf-8")
        with pytest.raises(ModelAuthProblem):
            lettafs.open_agent(tmp_path / "ada").send("Hello")


def test_second_process_waits_and_says_who_has_the_turn(tmp_path: Path) -> None:
    agent = lettafs.create_agent(tmp_path / "ada")
    slow = _script(tmp_path / "slow.jsonl", '{"text": "At last.", "delay_s": 60}')
    first = subprocess.Popen(
        [sys.executable, "-m", "lettafs", "chat", "ada", "-p", "Hello", "--model", slow],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        while not agent.messages():
            assert first.poll() is None
            time.sleep(0.05)
        second = _lettafs("remember", "ada", "A note.", cwd=tmp_path)
        assert second.returncode == 5
        assert str(first.pid) in second.stderr
    finally:
        first.kill()
        first.communicate()
    assert _lettafs("remember", "ada", "A note.", cwd=tmp_path).returncode == 0


def test_agent_works_without_git_and_begins_its_history_later(tmp_path: Path) -> None:
    nothing = tmp_path / "empty"
    nothing.mkdir()
    without = {**os.environ, "PATH": str(nothing)}
    assert _lettafs("new", "ada", cwd=tmp_path, env=without).returncode == 0
    said = _lettafs("chat", "ada", "-p", "My name is Brad.", cwd=tmp_path, env=without)
    assert said.returncode == 0, said.stderr
    assert "Brad" in (tmp_path / "ada" / "memory" / "human.md").read_text(encoding="utf-8")
    assert _lettafs("log", "ada", cwd=tmp_path, env=without).returncode == 1

    assert _lettafs("chat", "ada", "-p", "Hello", cwd=tmp_path).returncode == 0
    assert _lettafs("log", "ada", cwd=tmp_path).returncode == 0
    assert _lettafs("doctor", "ada", cwd=tmp_path).returncode == 0
