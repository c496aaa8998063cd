from __future__ import annotations

from datetime import UTC, datetime

from lettafs.cli.fold import LettaMessage, Result, StreamLines, letta_messages
from lettafs.values.event import (
    Checkpoint,
    Compacted,
    Event,
    Failure,
    MessageAdded,
    Notice,
    ReasoningDelta,
    RunFinished,
    RunStarted,
    StepStarted,
    TextDelta,
    ToolCallDelta,
)
from lettafs.values.message import Message, ReasoningPart, TextPart, ToolCall, ToolReturn
from lettafs.values.run import Usage

TIME = "2026-03-01T09:00:00.123456+00:00"
NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
BASE = {
    "date": "2026-03-01T09:00:00+00:00",
    "run_id": "run-1",
    "step_id": "step-1",
    "name": None,
    "sender_id": None,
}
USER = Message("message-0", "user", (TextPart("Hi"),), TIME, run_id="run-1")
ACTS = Message(
    "message-1",
    "assistant",
    (
        ReasoningPart("They are "),
        ReasoningPart("Brad.", signature="sig"),
        TextPart("Let me "),
        TextPart("note that."),
        ToolCall("call-1", "memory_replace", '{"label": "human"}'),
        ToolCall("call-2", "conversation_search", "{}"),
    ),
    TIME,
    run_id="run-1",
    step_id="step-1",
)
RETURNS = Message(
    "message-2",
    "tool",
    (
        ToolReturn("call-1", "memory_replace", "success", "done"),
        ToolReturn("call-2", "conversation_search", "error", "no"),
    ),
    TIME,
    run_id="run-1",
    step_id="step-1",
)
SPEAKS = Message(
    "message-3",
    "assistant",
    (
        TextPart("I should greet."),
        ToolCall("call-3", "send_message", '{"message": "Hello \\"Brad\\""}'),
    ),
    TIME,
    run_id="run-1",
    step_id="step-1",
)
SPOKEN = Message(
    "message-4",
    "tool",
    (ToolReturn("call-3", "send_message", "success", "None"),),
    TIME,
    run_id="run-1",
    step_id="step-1",
)


def test_assistant_row_becomes_reasoning_words_and_one_object_with_all_calls() -> None:
    call = {"name": "memory_replace", "arguments": '{"label": "human"}', "tool_call_id": "call-1"}
    other = {"name": "conversation_search", "arguments": "{}", "tool_call_id": "call-2"}

    assert letta_messages(ACTS, "letta_v1_agent") == [
        {
            **BASE,
            "id": "message-1",
            "message_type": "reasoning_message",
            "reasoning": "They are Brad.",
            "source": "reasoner_model",
            "signature": "sig",
        },
        {
            **BASE,
            "id": "message-1",
            "message_type": "assistant_message",
            "content": "Let me note that.",
        },
        {
            **BASE,
            "id": "message-1",
            "message_type": "tool_call_message",
            "tool_call": call,
            "tool_calls": [call, other],
        },
    ]


def test_tool_row_becomes_one_object_that_mirrors_its_first_return() -> None:
    first = {"tool_return": "done", "status": "success", "tool_call_id": "call-1"}
    second = {"tool_return": "no", "status": "error", "tool_call_id": "call-2"}
    none = {"stdout": None, "stderr": None}

    assert letta_messages(RETURNS, "letta_v1_agent") == [
        {
            **BASE,
            "id": "message-2",
            "message_type": "tool_return_message",
            **first,
            **none,
            "tool_returns": [
                {"type": "tool", **first, **none},
                {"type": "tool", **second, **none},
            ],
        }
    ]


def test_what_the_person_said_is_not_echoed() -> None:
    assert letta_messages(USER, "letta_v1_agent") == []


def test_older_agent_speaks_with_its_tool_and_thinks_in_plain_text() -> None:
    thought, words = letta_messages(SPEAKS, "memgpt_agent")

    assert (thought["message_type"], thought["reasoning"]) == (
        "reasoning_message",
        "I should greet.",
    )
    assert thought["source"] == "non_reasoner_model"
    assert (words["message_type"], words["content"]) == ("assistant_message", 'Hello "Brad"')
    assert letta_messages(SPOKEN, "memgpt_agent") == []


def test_send_message_of_a_plain_agent_is_an_ordinary_tool() -> None:
    kinds = [one["message_type"] for one in letta_messages(SPEAKS, "letta_v1_agent")]

    assert kinds == ["assistant_message", "tool_call_message"]
    assert len(letta_messages(SPOKEN, "letta_v1_agent")) == 1


def test_send_message_that_failed_is_not_hidden() -> None:
    failed = Message(
        "m", "tool", (ToolReturn("c", "send_message", "error", "bad arguments"),), TIME
    )

    assert letta_messages(failed, "memgpt_agent")[0]["tool_return"] == "bad arguments"


def run_of(*between: Event) -> list[Event]:
    return [
        RunStarted("run-1", "agent-1", "scripted:x"),
        MessageAdded(USER),
        StepStarted("step-1", "message-1"),
        *between,
        RunFinished("run-1", "end_turn", Usage(10, 5, 3, 2, 2)),
        Checkpoint("abc123"),
    ]


def test_json_result_holds_the_turn() -> None:
    result = Result("letta_v1_agent")
    for event in run_of(MessageAdded(ACTS), MessageAdded(RETURNS)):
        result.feed(event)

    value = result.value()
    kinds = [one["message_type"] for one in value.pop("messages")]

    assert kinds == [
        "reasoning_message",
        "assistant_message",
        "tool_call_message",
        "tool_return_message",
    ]
    assert value == {
        "agent_id": "agent-1",
        "run_id": "run-1",
        "stop_reason": "end_turn",
        "usage": {
            "message_type": "usage_statistics",
            "completion_tokens": 5,
            "prompt_tokens": 10,
            "total_tokens": 15,
            "step_count": 2,
            "cached_input_tokens": 3,
            "reasoning_tokens": 2,
        },
        "commit": "abc123",
    }


def test_compaction_adds_no_message_to_either_output() -> None:
    summary = Message("message-9", "user", (TextPart("Summary."),), TIME, kind="summary")
    made = (
        Notice("9 older messages are being summed up.", code="compaction"),
        MessageAdded(summary),
        Compacted("window_full", summary.id, 9, 4, 900, 400, 1_000, "rules", "", Usage()),
    )
    result, lines = Result("letta_v1_agent"), StreamLines("letta_v1_agent", now=lambda: NOW)
    for event in made:
        result.feed(event)

    assert result.value()["messages"] == []
    assert [line for event in made for line in lines.feed(event)] == []


def test_json_result_of_a_failed_run_says_why() -> None:
    result = Result("letta_v1_agent")
    for event in run_of(Failure("llm_timeout", "the model did not answer")):
        result.feed(event)

    assert result.value()["error"] == {
        "error_type": "llm_timeout",
        "message": "the model did not answer",
    }


def streamed(agent_type: str, *between: Event) -> list[LettaMessage]:
    assert agent_type in ("letta_v1_agent", "memgpt_agent")
    lines = StreamLines(
        "memgpt_agent" if agent_type == "memgpt_agent" else "letta_v1_agent",
        now=lambda: datetime(2026, 3, 1, 9, 0, 0, 999, tzinfo=UTC),
    )
    return [one for event in run_of(*between) for one in lines.feed(event)]


def test_streamed_pieces_join_to_the_whole_and_are_not_repeated() -> None:
    lines = streamed(
        "letta_v1_agent",
        ReasoningDelta("message-1", "They are Brad."),
        TextDelta("message-1", "Let me "),
        TextDelta("message-1", "note that."),
        ToolCallDelta("message-1", 0, "call-1", "memory_replace", ""),
        ToolCallDelta("message-1", 0, "", "", '{"label"'),
        ToolCallDelta("message-1", 0, "", "", ': "human"}'),
        MessageAdded(ACTS),
        MessageAdded(RETURNS),
    )

    kinds = [one["message_type"] for one in lines]
    assert kinds == [
        "reasoning_message",
        "assistant_message",
        "assistant_message",
        "tool_call_message",
        "tool_call_message",
        "tool_call_message",
        "tool_return_message",
        "stop_reason",
        "usage_statistics",
        "checkpoint",
    ]
    assert lines[1] == {
        "id": "message-1",
        "date": "2026-03-01T09:00:00+00:00",
        "message_type": "assistant_message",
        "run_id": "run-1",
        "step_id": "step-1",
        "content": "Let me ",
    }
    calls = [one["tool_call"] for one in lines[3:6]]
    assert calls[0] == {"tool_call_id": "call-1", "name": "memory_replace"}
    assert {call["tool_call_id"] for call in calls} == {"call-1"}
    assert "".join(call.get("arguments", "") for call in calls) == '{"label": "human"}'
    assert lines[-3]["stop_reason"] == "end_turn"
    assert lines[-1] == {"message_type": "checkpoint", "commit": "abc123"}


def test_message_without_deltas_is_streamed_whole() -> None:
    lines = streamed("letta_v1_agent", MessageAdded(ACTS))

    assert [one["message_type"] for one in lines[:3]] == [
        "reasoning_message",
        "assistant_message",
        "tool_call_message",
    ]


def test_calls_that_came_without_deltas_are_not_lost_behind_streamed_words() -> None:
    lines = streamed(
        "letta_v1_agent", TextDelta("message-1", "Let me note that."), MessageAdded(ACTS)
    )

    kinds = [one["message_type"] for one in lines]
    assert kinds.count("assistant_message") == 1
    assert kinds.count("tool_call_message") == 1


def test_older_agents_words_and_thoughts_stream_apart_and_once() -> None:
    lines = streamed(
        "memgpt_agent",
        ReasoningDelta("message-3", "I should greet."),
        TextDelta("message-3", "Hello "),
        TextDelta("message-3", '"Brad"'),
        MessageAdded(SPEAKS),
        MessageAdded(SPOKEN),
    )

    kinds = [one["message_type"] for one in lines[:-3]]
    assert kinds == ["reasoning_message", "assistant_message", "assistant_message"]
    assert lines[1]["content"] + lines[2]["content"] == 'Hello "Brad"'


def test_failed_run_streams_an_error_before_its_stop_reason() -> None:
    lines = streamed("letta_v1_agent", Failure("llm_timeout", "too slow"))

    assert [one["message_type"] for one in lines[-4:]] == [
        "error_message",
        "stop_reason",
        "usage_statistics",
        "checkpoint",
    ]
    assert lines[-4]["run_id"] == "run-1"


def test_reply_that_broke_off_is_not_given_as_a_message() -> None:
    torn = Message("message-9", "assistant", (TextPart("I wa"),), TIME, partial=True)
    result = Result("letta_v1_agent")
    for event in run_of(MessageAdded(torn)):
        result.feed(event)

    assert result.value()["messages"] == []
    assert "assistant_message" not in [
        one["message_type"] for one in streamed("letta_v1_agent", MessageAdded(torn))
    ]
