"""The memgpt types: the agent speaks with send_message and goes on by heartbeats."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lettafs.values.event import (
    MessageAdded,
    ReasoningDelta,
    RunFinished,
    TextDelta,
    ToolCallDelta,
)
from lettafs.values.message import ReasoningPart
from tests.support.talk import Talk, call, calls, notices, of, sent, streamed, talk_with, text

KINDS = ("memgpt_agent", "memgpt_v2_agent")


def edit(words: str, **more: object) -> dict[str, object]:
    return call("archival_memory_insert", content=words, **more)


def heartbeats(talk: Talk) -> list[dict[str, str]]:
    return [json.loads(m.text) for m in talk.agent.messages(100) if m.kind == "heartbeat"]


@pytest.mark.parametrize("kind", KINDS)
def test_send_message_is_the_answer_and_ends_the_turn(kind: str, tmp_path: Path) -> None:
    talk = talk_with(tmp_path, call("send_message", message="Hello, Chad."), kind=kind)

    answer = talk.say()

    assert (answer.text, answer.stop_reason) == ("Hello, Chad.", "end_turn")
    assert [m.role for m in answer.messages] == ["user", "assistant", "tool"]
    assert talk.requests[0].tool_choice == "required"
    assert talk.requests[0].parallel_tool_calls is False


@pytest.mark.parametrize("kind", KINDS)
def test_every_tool_but_send_message_has_request_heartbeat(kind: str, tmp_path: Path) -> None:
    talk = talk_with(tmp_path, call("send_message", message="Hi."), kind=kind)

    talk.say()

    for tool in talk.requests[0].tools:
        named = "request_heartbeat" in tool.parameters["properties"]
        needed = "request_heartbeat" in tool.parameters["required"]
        assert named == needed == (tool.name != "send_message")
    assert len(talk.requests[0].tools) > 5


def test_asking_for_a_heartbeat_goes_on_and_the_model_is_told_why(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        edit("Likes tea.", request_heartbeat=True),
        call("send_message", message="Noted."),
        kind="memgpt_agent",
    )

    answer = talk.say()

    assert answer.text == "Noted."
    assert [m.role for m in talk.requests[1].messages] == ["user", "assistant", "tool", "user"]
    (beat,) = heartbeats(talk)
    assert beat["type"] == "heartbeat"
    assert beat["reason"].startswith("[This is an automated message hidden from the person]")
    assert beat["time"].startswith("2026-03-01T12:00")


@pytest.mark.parametrize("asked", [None, False, "false"])
def test_call_without_a_heartbeat_ends_the_turn(asked: object, tmp_path: Path) -> None:
    more = {} if asked is None else {"request_heartbeat": asked}
    talk = talk_with(tmp_path, edit("x", **more), kind="memgpt_agent")

    assert talk.say().stop_reason == "end_turn"
    assert heartbeats(talk) == []


def test_failed_call_goes_on_so_that_the_model_can_repair_it(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        call("core_memory_append", label="nobody", content="x"),
        call("send_message", message="Sorry."),
        kind="memgpt_agent",
    )

    assert talk.say().text == "Sorry."
    assert "core_memory_append failed" in heartbeats(talk)[0]["reason"]


def test_plain_text_is_asked_for_as_send_message_once(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        text("Hello, Chad."),
        call("send_message", message="Hello, Chad!"),
        kind="memgpt_v2_agent",
    )

    answer = talk.say()

    assert answer.text == "Hello, Chad!"
    assert "call send_message" in heartbeats(talk)[0]["reason"]
    assert talk.requests[1].messages[1].text == "Hello, Chad."


def test_plain_text_twice_ends_the_run_and_is_still_readable(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Hello."), text("Hello?"), kind="memgpt_agent")

    events = talk.hear()

    assert of(events, RunFinished)[0].stop_reason == "no_tool_call"
    assert "no-tool-call" in notices(events)
    assert talk.agent.messages()[-1].text == "Hello?"


def test_a_call_between_forgives_the_first_lapse(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        text("Hm."),
        edit("x", request_heartbeat=True),
        text("Hm again."),
        call("send_message", message="Hi."),
        kind="memgpt_agent",
    )

    assert talk.say().text == "Hi."


def test_words_of_send_message_stream_and_thoughts_stay_thoughts(tmp_path: Path) -> None:
    said = 'He said "ä\n🌍" \\ and left.'
    talk = talk_with(
        tmp_path,
        {
            "reasoning": "Scratch.",
            "text": "I think aloud.",
            "chunk_chars": 1,
            **call("send_message", message=said),
        },
        kind="memgpt_agent",
    )

    events = talk.hear()

    assert streamed(events) == said
    assert "".join(event.text for event in of(events, ReasoningDelta)) == "Scratch.I think aloud."
    assert of(events, ToolCallDelta) == []
    assert talk.agent.messages()[1].text == "I think aloud."


def test_of_several_calls_the_first_is_made_and_the_others_are_not_shown(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        calls(
            ("archival_memory_insert", {"content": "x", "request_heartbeat": True}),
            ("send_message", {"message": "Too early."}),
        ),
        call("send_message", message="Now."),
        kind="memgpt_agent",
    )

    events = talk.hear()

    assert streamed(events) == "Now."
    assert [len(m.message.tool_calls) for m in of(events, MessageAdded)] == [0, 1, 0, 0, 1, 0]
    assert len(talk.agent.passages()) == 1


def test_words_the_rules_will_not_let_through_are_not_streamed(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        call("send_message", message="Too early."),
        call("conversation_search", query="x", request_heartbeat=True),
        call("send_message", message="Now."),
        kind="memgpt_agent",
        settings='[[tool_rules]]\ntype = "run_first"\ntool_name = "conversation_search"\n',
    )

    assert streamed(talk.hear()) == "Now."
    assert talk.returns()[0].status == "error"
    assert talk.agent.messages()[-1].role == "tool"


def test_cut_speech_is_kept_as_partial(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path, call("send_message", message="A long story begins"), kind="memgpt_agent"
    )

    async def leave() -> None:
        from contextlib import aclosing

        async with aclosing(talk.agent.stream("Tell me.")) as events:
            async for event in events:
                if isinstance(event, TextDelta) and "st" in event.text:
                    return

    import anyio

    anyio.run(leave)
    partial = talk.agent.messages()[-1]
    assert partial.partial
    assert partial.text and "A long story".startswith(partial.text[:10])
    assert partial.tool_calls == ()


def test_heartbeats_without_end_stop_at_the_same_call(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        {**call("conversation_search", query="x", request_heartbeat=True), "repeat": True},
        kind="memgpt_agent",
    )

    assert talk.say().stop_reason == "invalid_tool_call"
    assert len(talk.requests) == 3


def test_heartbeats_with_ever_new_calls_end_at_max_steps(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        *[call("conversation_search", query=f"x{n}", request_heartbeat=True) for n in range(9)],
        kind="memgpt_agent",
        settings="max_steps = 6\n",
    )

    assert talk.say().stop_reason == "max_steps"


def test_agent_finds_what_it_told_send_message_and_not_its_thoughts(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        {"text": "I ponder volcanoes.", **call("send_message", message="Elephants are grey.")},
        call("conversation_search", query="elephants", request_heartbeat=True),
        call("conversation_search", query="volcanoes", request_heartbeat=True),
        call("send_message", message="Found."),
        kind="memgpt_v2_agent",
    )
    talk.say("Tell me something.")

    talk.say("What did you say?")

    found, thought = [b for b in talk.returns() if b.name == "conversation_search"]
    assert "Elephants are grey." in found.text
    assert json.loads(thought.text)["results"] == []


def test_reasoning_of_the_model_is_kept_beside_its_call(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        {"reasoning": "Be kind.", **call("send_message", message="Hi.")},
        kind="memgpt_agent",
    )

    talk.say()

    assert talk.agent.messages()[1].parts[0] == ReasoningPart("Be kind.")


def test_output_limit_without_a_call_is_no_lapse(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Hm", finish_reason="length"), kind="memgpt_agent")

    assert talk.say().stop_reason == "max_tokens_exceeded"
    assert len(talk.requests) == 1


def test_requests_of_a_heartbeat_run_extend_each_other(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        call("conversation_search", query="a", request_heartbeat=True),
        call("conversation_search", query="b", request_heartbeat=True),
        call("send_message", message="Done."),
        kind="memgpt_agent",
    )

    talk.say()

    first, second, third = map(sent, talk.requests)
    assert second[: len(first)] == first
    assert third[: len(second)] == second
