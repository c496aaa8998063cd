"""Leaving a run early, at every point there is: what was done is kept and the turn is closed."""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import pytest

from lettafs.errors import DiskProblem
from lettafs.format.recall_line import MessageRecord, RecallRecord
from lettafs.home.turn import Turn
from lettafs.llm.base import ModelEvent, ModelRequest
from lettafs.llm.scripted import ScriptedModel
from lettafs.loop import run as loop_run
from lettafs.sdk.agent import Agent
from lettafs.values.event import Event, MessageAdded, TextDelta
from tests.support.fake_http import Reply
from tests.support.fake_openai import SSE, FakeOpenAI, text_chunks
from tests.support.models import openai_model
from tests.support.talk import Talk, agent_of, call, calls, talk_with, text

ROOT = Path(__file__).resolve().parents[2]
SCRIPT: list[dict[str, Any]] = [
    {
        "reasoning": "Let me see.",
        **calls(
            ("memory_insert", {"label": "human", "new_string": "Likes tea."}),
            ("archival_memory_insert", {"content": "Likes tea."}),
            chunk_chars=60,
        ),
    },
    calls(
        ("conversation_search", {"query": "tea"}),
        ("conversation_search", {"query": "x"}),
        chunk_chars=60,
    ),
    text("Here is what I found out."),
]


def records(root: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for path in sorted((root / "recall").glob("*.jsonl"))
        for line in path.read_bytes().splitlines()
    ]


def assert_in_order(root: Path) -> None:
    """Every run is closed, every call answered, everything committed."""
    found = records(root)
    begun = [r["run_id"] for r in found if r["type"] == "message" and r["role"] == "user"]
    closed = [r["id"] for r in found if r["type"] == "run"]
    assert closed == begun
    assert all(r["status"] in ("completed", "cancelled") for r in found if r["type"] == "run")
    parts = [part for r in found if r["type"] == "message" for part in r["parts"]]
    made = [part["id"] for part in parts if part["type"] == "tool_call"]
    answered = [part["call_id"] for part in parts if part["type"] == "tool_return"]
    assert sorted(made) == sorted(answered)
    status = subprocess.run(
        ["git", "-C", str(root), "status", "--porcelain"], capture_output=True, check=True
    )
    assert status.stdout == b""


async def all_of(agent: Agent) -> list[Event]:
    return [event async for event in agent.stream("Hello.")]


def fresh(talk: Talk) -> Agent:
    """Return the agent with the script from its beginning."""
    return agent_of(talk.root, ScriptedModel(SCRIPT))


def test_stream_can_be_closed_after_any_event(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, *SCRIPT)
    talk.say("Hello.")
    total = len(anyio.run(all_of, fresh(talk)))

    async def leave_after(count: int) -> None:
        async with aclosing(fresh(talk).stream("Hello.")) as events:
            heard = 0
            async for _ in events:
                heard += 1
                if heard == count:
                    return

    for count in range(1, total + 1):
        anyio.run(leave_after, count)
        assert_in_order(tmp_path)
    assert total > 20
    assert talk_again(talk) == "Here is what I found out."


def test_task_can_be_cancelled_at_any_await(tmp_path: Path, long: bool) -> None:
    talk = talk_with(tmp_path, *SCRIPT)
    talk.say("Hello.")
    statuses: set[str] = set()

    async def cancel_after(turns: int) -> bool:
        """Return whether the run was still going when it was cancelled."""

        async def listen() -> None:
            async with aclosing(fresh(talk).stream("Hello.")) as events:
                async for _ in events:
                    await asyncio.sleep(0)

        task = asyncio.create_task(listen())
        for _ in range(turns):
            await asyncio.sleep(0)
        cancelled = task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() == cancelled
        return cancelled

    turns = 1
    while asyncio.run(cancel_after(turns)):
        assert_in_order(tmp_path)
        statuses.add(records(tmp_path)[-1]["status"])
        turns += 1 + turns // (16 if long else 4)
    assert turns > 30
    assert statuses == {"completed", "cancelled"}
    assert talk_again(talk) == "Here is what I found out."


def talk_again(talk: Talk) -> str:
    return fresh(talk).send("And now?").text


def test_cancelled_reply_is_kept_for_people_and_hidden_from_the_model(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("A long story begins here.", chunk_chars=5), text("Hello!"))

    async def leave() -> None:
        async with aclosing(talk.agent.stream("Tell me a story.")) as events:
            heard = ""
            async for event in events:
                if isinstance(event, TextDelta):
                    heard += event.text
                if heard == "A long sto":
                    break

    anyio.run(leave)
    partial = talk.agent.messages()[-1]
    assert (partial.text, partial.partial) == ("A long sto", True)
    assert records(tmp_path)[-1]["stop_reason"] == "cancelled"
    talk.say("Never mind.")
    assert [m.text for m in talk.requests[-1].messages] == ["Tell me a story.", "Never mind."]


def test_calls_that_were_not_made_are_answered_as_cancelled(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, call("memory_insert", label="human", new_string="x"), text("Hi."))

    async def leave() -> None:
        async with aclosing(talk.agent.stream("Hello.")) as events:
            async for event in events:
                if isinstance(event, MessageAdded) and event.message.tool_calls:
                    return

    anyio.run(leave)
    (returned,) = talk.returns()
    assert returned.status == "error"
    assert returned.text.startswith("cancelled")
    assert talk.value() == "Her name is Chad.\n"
    talk.say("Go on.")
    assert [m.role for m in talk.requests[-1].messages] == ["user", "assistant", "tool", "user"]


def test_pause_between_tries_can_be_cancelled(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Hello."))
    model = ScriptedModel([{"error": "rate_limit", "retry_after_s": 60}])
    agent = agent_of(tmp_path, model)
    caller = agent._caller

    async def sleep_long(seconds: float) -> None:
        await anyio.sleep(60)

    object.__setattr__(caller, "sleep", sleep_long)

    async def leave() -> None:
        with anyio.move_on_after(0.3) as scope:
            async for _ in agent.stream("Hello."):
                pass
        assert scope.cancelled_caught

    anyio.run(leave)
    assert_in_order(tmp_path)
    assert talk.say("Again.").text == "Hello."


def test_silent_model_can_be_cancelled(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Late.", delay_s=60), text("Hello."))

    async def leave() -> None:
        with anyio.move_on_after(0.3):
            async for _ in talk.agent.stream("Hello."):
                pass

    anyio.run(leave)
    assert_in_order(tmp_path)
    assert talk.say("Again.").text == "Hello."


def test_forgotten_stream_lets_go_of_the_home(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Hello."), text("Again."))

    async def forget() -> None:
        async for _ in talk.agent.stream("Hello."):
            break

    anyio.run(forget)
    gc.collect()
    assert_in_order(tmp_path)
    assert talk.say("Again.").stop_reason == "end_turn"


def test_waiting_for_a_busy_home_can_be_cancelled(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("One."), text("Two."))

    async def both() -> None:
        async with aclosing(talk.agent.stream("First.")) as first:
            await anext(first)
            with anyio.move_on_after(0.2) as scope:
                async with aclosing(agent_of(tmp_path, talk.model).stream("Second.")) as second:
                    await anext(second)
            assert scope.cancelled_caught

    anyio.run(both)
    assert talk.say("Third.").error is None
    assert [m.text for m in talk.agent.messages() if m.role == "user"] == ["Third."]


@pytest.mark.parametrize("times", [2, 3])
def test_second_cancellation_does_not_tear_the_end(times: int, tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("A story.", delay_s=60), text("Hello."))

    async def impatient() -> None:
        async def listen() -> None:
            async for _ in talk.agent.stream("Hello."):
                pass

        task = asyncio.create_task(listen())
        await asyncio.sleep(0.3)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        await asyncio.wait([task])

    asyncio.run(impatient())
    assert_in_order(tmp_path)
    assert talk.say("Again.").text == "Hello."


@pytest.mark.parametrize("how", ["closed", "cancelled"])
def test_leaving_hangs_up_on_the_server_at_once(how: str, tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Hello."))
    endless = Reply(text_chunks("Once upon a time"), headers=SSE, end="hang")
    with FakeOpenAI([endless]) as server:
        agent = agent_of(tmp_path, openai_model(server))

        async def leave() -> None:
            heard = 0
            with anyio.CancelScope() as scope:
                async with aclosing(agent.stream("Tell me a story.")) as events:
                    async for event in events:
                        heard += isinstance(event, TextDelta)
                        if heard == 2 and how == "closed":
                            break
                        if heard == 2:
                            scope.cancel()

        anyio.run(leave)
        assert server.client_left.wait(5)
    assert_in_order(tmp_path)
    assert talk.agent.messages()[-1].partial
    assert talk.say("Again.").text == "Hello."


def test_ctrl_c_during_a_blocking_send_ends_the_turn_in_order(tmp_path: Path) -> None:
    talk = talk_with(tmp_path / "ada", text("Hello."))
    talk.say("Hello.")
    script = tmp_path / "script.jsonl"
    script.write_text('{"text": "Late.", "delay_s": 60}\n', encoding="utf-8")
    program = (
        "import sys, lettafs\n"
        "agent = lettafs.open_agent(sys.argv[1], model='scripted:' + sys.argv[2])\n"
        "print('ready', flush=True)\n"
        "agent.send('Are you there?')\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(talk.root), str(script)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with child:
        assert child.stdout is not None and child.stderr is not None
        child.stdout.readline()
        while b"Are you there?" not in (talk.root / "recall/000001.jsonl").read_bytes():
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=5) != 0
        assert b"KeyboardInterrupt" in child.stderr.read()
    assert_in_order(talk.root)
    assert records(talk.root)[-1]["status"] == "cancelled"
    assert talk_again(talk) == "Here is what I found out."


def broken_end(*given: Any) -> None:
    raise OSError("the end cannot be recorded")


def test_home_is_let_go_of_when_leaving_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = talk_with(tmp_path, text("Hello."), text("Again."))

    async def leave() -> None:
        async with aclosing(talk.agent.stream("Hello.")) as events:
            await anext(events)

    with monkeypatch.context() as patched:
        patched.setattr(loop_run, "_record_end", broken_end)
        patched.setattr(loop_run, "_commit", broken_end)
        with pytest.raises(OSError, match="cannot be recorded"):
            anyio.run(leave)

    assert talk.say("Again.").text == "Hello."


def test_first_error_is_shown_and_the_home_let_go_of_when_two_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = talk_with(tmp_path, text("Hello."))

    def wrong(*given: Any, **named: Any) -> None:
        raise RuntimeError("a mistake of ours")

    with monkeypatch.context() as patched:
        patched.setattr(loop_run, "plan_step", wrong)
        patched.setattr(loop_run, "_record_end", broken_end)
        with pytest.raises(RuntimeError, match="a mistake of ours"):
            talk.say()

    assert talk.say("Again.").text == "Hello."


@pytest.mark.parametrize("how", ["closed", "cancelled"])
def test_partial_reply_the_disk_refuses_does_not_stand_in_the_way_of_leaving(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = talk_with(tmp_path, text("Hello."))
    append = Turn.append
    stream = talk.model.stream
    refused: list[str] = []

    def full(turn: Turn, *records: RecallRecord) -> None:
        if any(isinstance(r, MessageRecord) and r.message.partial for r in records):
            refused.append("partial")
            raise DiskProblem("the disk is full")
        append(turn, *records)

    async def endless(request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        yield TextDelta(request.message_id, "A long story")
        await anyio.sleep(60)

    monkeypatch.setattr(Turn, "append", full)
    talk.model.stream = endless  # type: ignore[method-assign]

    async def leave() -> None:
        with anyio.CancelScope() as scope:
            async with aclosing(talk.agent.stream("Tell me a story.")) as events:
                async for event in events:
                    if isinstance(event, TextDelta) and how == "closed":
                        return
                    if isinstance(event, TextDelta):
                        scope.cancel()
        assert scope.cancelled_caught

    anyio.run(leave)
    talk.model.stream = stream  # type: ignore[method-assign]
    assert refused == ["partial"]
    assert_in_order(tmp_path)
    assert records(tmp_path)[-1]["status"] == "cancelled"
    assert talk.say("Again.").text == "Hello."
