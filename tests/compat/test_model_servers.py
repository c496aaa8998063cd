"""The same conversation through real HTTP servers on loopback: streamed, with a tool call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lettafs
from tests.support import fake_ollama, fake_openai
from tests.support.fake_http import FakeServer

CALL = (
    "memory_replace",
    {"label": "human", "old_string": "name is Chad", "new_string": "name is Brad"},
)
SPOKEN = "Nice to meet you, Brad!"


def openai_server() -> FakeServer:
    name, arguments = CALL
    return fake_openai.FakeOpenAI(
        [
            fake_openai.stream(
                *fake_openai.call_chunks(name, json.dumps(arguments)),
                fake_openai.finish("tool_calls"),
                fake_openai.usage(),
            ),
            fake_openai.stream(
                *fake_openai.text_chunks(SPOKEN), fake_openai.finish(), fake_openai.usage()
            ),
        ]
    )


def ollama_server() -> FakeServer:
    return fake_ollama.FakeOllama(
        [
            fake_ollama.stream(fake_ollama.call_line(CALL), fake_ollama.done()),
            fake_ollama.stream(*fake_ollama.text_lines(SPOKEN), fake_ollama.done()),
        ]
    )


@pytest.mark.parametrize(
    "handle, serve", [("openai/fake-model", openai_server), ("ollama/fake-model", ollama_server)]
)
def test_conversation_over_http_edits_memory_and_streams(
    handle: str, serve: object, tmp_path: Path, person: None
) -> None:
    agent = lettafs.create_agent(
        tmp_path / "a", human="The human's name is Chad. They like vibe coding."
    )
    assert callable(serve)
    with serve() as server:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "lettafs", "chat", str(agent.path)),
                *("-p", "Hey, nice to meet you, my name is Brad."),
                *("--model", handle, "--base-url", server.base_url),
                *("--output-format", "stream-json"),
            ],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            env=os.environ | {"OPENAI_API_KEY": "sk-not-a-key"},
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    deltas = [row["content"] for row in rows if row.get("message_type") == "assistant_message"]
    assert len(deltas) > 2, "the reply came in pieces"
    assert "".join(deltas) == SPOKEN
    kinds = {row.get("message_type") for row in rows}
    assert {"tool_call_message", "tool_return_message", "stop_reason", "checkpoint"} <= kinds
    assert agent.block("human").value == "The human's name is Brad. They like vibe coding."
    newest = agent.log(1)[0]
    assert (newest.by, newest.model) == ("agent", handle)
    agent.undo()
    assert agent.block("human").value == "The human's name is Chad. They like vibe coding."
    assert [entry.kind for entry in agent.log()] == ["undo", "turn", "created"]
