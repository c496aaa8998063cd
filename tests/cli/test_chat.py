from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from lettafs.sdk.open import create_agent, open_agent

Run = Callable[..., Result]
Script = Callable[..., str]

EDITS = {
    "tool_calls": [
        {
            "name": "memory_replace",
            "arguments": {"label": "human", "old_string": "Chad", "new_string": "Brad"},
        }
    ]
}


def test_one_turn_prints_the_reply_and_nothing_else(
    lettafs: Run, ada: Path, script: Script
) -> None:
    model = script({**EDITS, "text": "Let me note that."}, {"text": "Hello **Brad**!"})

    done = lettafs("chat", ada, "-p", "my name is Brad", "--model", model)

    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "Let me note that.\nHello **Brad**!\n"
    assert "Brad" in open_agent(ada).block("human").value


def test_message_is_read_from_stdin(lettafs: Run, ada: Path, script: Script) -> None:
    model = script({"expect": "two\nlines", "text": "yes"})
    assert lettafs("chat", ada, "--model", model, stdin="two\nlines\n").stdout == "yes\n"
    model = script({"expect": "dash", "text": "too"})
    assert lettafs("chat", ada, "-p", "-", "--model", model, stdin="dash").stdout == "too\n"


def test_empty_message_is_wrong_usage_and_writes_nothing(lettafs: Run, ada: Path) -> None:
    assert lettafs("chat", ada, "-p", " ").exit_code == 2
    assert lettafs("chat", ada, stdin="\n").exit_code == 2
    assert len(open_agent(ada).log()) == 1


def test_reply_is_cleaned(lettafs: Run, ada: Path, script: Script) -> None:
    model = script({"text": "a\x1b]52;c;AAAA\x07b\x1b[2Jc\u202ed"})

    assert lettafs("chat", ada, "-p", "hi", "--model", model).stdout == "abcd\n"


def test_failed_turn_is_code_1_with_the_reason_on_stderr(
    lettafs: Run, ada: Path, script: Script
) -> None:
    model = script({"error": "refused", "message": "no such model"})

    done = lettafs("chat", ada, "-p", "hi", "--model", model)

    assert (done.exit_code, done.stdout) == (1, "")
    assert "no such model" in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_key_is_a_failure_that_says_which(
    lettafs: Run, ada: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LETTAFS_NO_REMOTE")  # without a key nothing goes out either

    done = lettafs("chat", ada, "-p", "hi", "--model", "openai/gpt-4.1")

    assert done.exit_code == 1
    assert "needs OPENAI_API_KEY" in done.stderr


def test_busy_agent_is_code_5(lettafs: Run, ada: Path) -> None:
    hold = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from lettafs.sdk.open import open_agent\n"
        f"with open_agent(Path({str(ada)!r}))._turn():\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        done = lettafs("chat", ada, "-p", "hi")
        other.communicate(b"")

    assert (done.exit_code, done.stdout) == (5, "")
    assert len(done.stderr.splitlines()) == 1


def test_steps_are_limited_and_the_limit_is_told(lettafs: Run, ada: Path, script: Script) -> None:
    search = {"tool_calls": [{"name": "conversation_search", "arguments": {"query": "x"}}]}
    model = script({**search, "repeat": True})

    done = lettafs("chat", ada, "-p", "hi", "--model", model, "--max-steps", "2")

    assert "limit of steps" in done.stderr


def test_json_is_one_object_with_the_turn(lettafs: Run, ada: Path, script: Script) -> None:
    model = script(EDITS, {"reasoning": "a greeting", "text": "Hello Brad!"})

    done = lettafs("chat", ada, "-p", "Brad", "--model", model, "--output-format", "json")
    value = json.loads(done.stdout)

    assert [one["message_type"] for one in value["messages"]] == [
        "tool_call_message",
        "tool_return_message",
        "reasoning_message",
        "assistant_message",
    ]
    assert value["messages"][-1]["content"] == "Hello Brad!"
    assert value["agent_id"] == open_agent(ada).settings.id
    assert value["commit"] == open_agent(ada).log(1)[0].commit
    assert value["stop_reason"] == "end_turn"
    assert value["usage"]["step_count"] == 2
    assert "error" not in value


def test_json_of_a_failed_turn_is_an_object_too(lettafs: Run, ada: Path, script: Script) -> None:
    model = script({"error": "refused", "message": "no such model"})

    done = lettafs("chat", ada, "-p", "hi", "--model", model, "--output-format", "json")

    assert done.exit_code == 1
    assert "no such model" in json.loads(done.stdout)["error"]["message"]


def test_stream_json_joins_to_what_json_gives(lettafs: Run, ada: Path, script: Script) -> None:
    text = "Hello Brad, what a day! " * 5 + "Bye."
    model = script({**EDITS, "reasoning": "hm"}, {"text": text})

    done = lettafs("chat", ada, "-p", "Brad", "--model", model, "--output-format", "stream-json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]

    said = [line for line in lines if line["message_type"] == "assistant_message"]
    calls = [line["tool_call"] for line in lines if line["message_type"] == "tool_call_message"]
    assert len(said) > 5
    assert "".join(line["content"] for line in said) == text
    assert len({line["id"] for line in said}) == 1
    arguments = "".join(call.get("arguments", "") for call in calls)
    assert json.loads(arguments)["new_string"] == "Brad"
    assert [line["message_type"] for line in lines[-3:]] == [
        "stop_reason",
        "usage_statistics",
        "checkpoint",
    ]


@pytest.mark.parametrize("agent_type", ["memgpt_agent", "memgpt_v2_agent"])
def test_older_agents_reply_is_what_they_send(
    lettafs: Run, tmp_path: Path, script: Script, agent_type: str
) -> None:
    create_agent(tmp_path / "old", agent_type=agent_type)
    send = {"name": "send_message", "arguments": {"message": 'Hello "you"'}}
    model = script({"text": "I should greet.", "tool_calls": [send], "repeat": True})

    plain = lettafs("chat", tmp_path / "old", "-p", "hi", "--model", model)
    value = lettafs(
        "chat", tmp_path / "old", "-p", "hi", "--model", model, "--output-format", "json"
    )

    assert plain.stdout == 'Hello "you"\n'
    kinds = [one["message_type"] for one in json.loads(value.stdout)["messages"]]
    assert kinds == ["reasoning_message", "assistant_message"]


def test_older_agents_refused_call_is_not_its_reply(
    lettafs: Run, tmp_path: Path, script: Script
) -> None:
    create_agent(tmp_path / "old", agent_type="memgpt_agent")
    send = {"name": "send_message", "arguments": {"message": "sent", "nonsense": 1}}
    good = {"name": "send_message", "arguments": {"message": "sent"}}
    model = script({"tool_calls": [send]}, {"tool_calls": [good]})

    assert lettafs("chat", tmp_path / "old", "-p", "hi", "--model", model).stdout == "sent\n"


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]
)
def test_signal_ends_the_turn_and_keeps_what_was_done(
    ada: Path, script: Script, surroundings: dict[str, str], number: signal.Signals, code: int
) -> None:
    model = script(EDITS, {"delay_s": 60, "text": "never"})
    arguments = ["chat", str(ada), "-p", "hi", "--model", model, "--output-format", "json"]
    root = str(Path(__file__).parents[2])
    turn = subprocess.Popen(
        [sys.executable, "-m", "lettafs", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**surroundings, "PYTHONPATH": root},
    )
    until = time.monotonic() + 20
    while "Brad" not in (ada / "memory/human.md").read_text(encoding="utf-8"):
        assert time.monotonic() < until
        time.sleep(0.02)

    os.kill(turn.pid, number)
    out, err = turn.communicate(timeout=10)

    assert turn.returncode == code
    assert err.decode() == "Stopped; what was done is kept.\n"
    assert json.loads(out)["stop_reason"] == "cancelled"
    assert "Brad" in open_agent(ada).block("human").value
    assert open_agent(ada).log(1)[0].changes[0].label == "human"
