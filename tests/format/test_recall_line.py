"""The records of recall, as the format page writes them."""

from __future__ import annotations

from typing import Any

import pytest

from lettafs.format.jsonl import frame, unframe
from lettafs.format.recall_line import (
    EditRecord,
    MessageRecord,
    OtherRecord,
    RecallRecord,
    RunRecord,
    StepRecord,
    WindowRecord,
    parse_record,
    render_record,
)
from lettafs.values.message import (
    Message,
    OpaquePart,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolReturn,
)
from lettafs.values.problem import Problem
from lettafs.values.run import Run, Step, Usage

NOW = "2026-03-01T09:00:00.000000+00:00"
USAGE = Usage(1, 2, 3, 4, 5)

RECORDS: list[RecallRecord] = [
    MessageRecord(1, Message("message-1", "user", (TextPart("hi"),), NOW)),
    MessageRecord(
        2,
        Message(
            "message-2",
            "assistant",
            (
                ReasoningPart("hm"),
                ReasoningPart("hm", "sig"),
                TextPart(""),
                ToolCall("call-1", "f", "{not json"),
                OpaquePart({"type": "image", "url": "x"}),
            ),
            NOW,
            kind="summary",
            run_id="run-1",
            step_id="step-1",
            partial=True,
            name="n",
            sender_id="s",
            otid="o",
            conversation_id="c",
        ),
    ),
    MessageRecord(
        3,
        Message("message-3", "tool", (ToolReturn("call-1", "f", "error", "no"),), NOW),
    ),
    EditRecord(4, "memory/human.md", None, "ab" * 32, "run-1"),
    EditRecord(5, "memory/human.md", "ab" * 32, None),
    StepRecord(6, Step("step-1", "run-1", "a/b", ("message-1", "message-2"), USAGE)),
    StepRecord(7, Step("step-1", "run-1", "a/b", (), USAGE, stop_reason="end_turn")),
    StepRecord(7, Step("step-1", "run-1", "a/b", (), USAGE, estimate=1234)),
    WindowRecord(8, "trim", start="message-2", earlier=1),
    WindowRecord(9, "undo", drop=("message-1", "message-2")),
    WindowRecord(10, "compaction", start="message-2", earlier=4, summary="message-3"),
    RunRecord(11, Run("run-1", "failed", "error", "a/b", USAGE, NOW, NOW, error="boom")),
    RunRecord(12, Run("run-1", "completed", "end_turn", "a/b", USAGE, NOW, NOW)),
    OtherRecord(13, "later", {"seq": 13, "type": "later", "x": [1]}),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_record_reads_back_from_its_line(record: RecallRecord) -> None:
    line = unframe(frame(render_record(record)), path="", line_no=1)
    assert line.record is not None and not line.edited
    assert parse_record(line.record, path="", line_no=1) == record


def test_fields_are_written_in_the_order_of_the_page() -> None:
    written = [list(render_record(record)) for record in RECORDS]
    assert written == [
        ["seq", "type", "id", "role", "created_at", "parts"],
        ["seq", "type", "id", "role", "kind", "created_at", "parts", "run_id", "step_id", "partial"]
        + ["name", "sender_id", "otid", "conversation_id"],
        ["seq", "type", "id", "role", "created_at", "parts"],
        ["seq", "type", "path", "before", "after", "run_id"],
        ["seq", "type", "path", "before", "after", "run_id"],
        ["seq", "type", "id", "run_id", "model", "message_ids", "usage", "stop_reason"],
        ["seq", "type", "id", "run_id", "model", "message_ids", "usage", "stop_reason"],
        ["seq", "type", "id", "run_id", "model", "message_ids", "usage", "stop_reason", "estimate"],
        ["seq", "type", "reason", "start", "earlier"],
        ["seq", "type", "reason", "drop"],
        ["seq", "type", "reason", "start", "earlier", "summary"],
        ["seq", "type", "id", "status", "stop_reason", "model", "usage"]
        + ["created_at", "completed_at", "error"],
        ["seq", "type", "id", "status", "stop_reason", "model", "usage"]
        + ["created_at", "completed_at", "error"],
        ["seq", "type", "x"],
    ]


def test_example_of_the_format_page_is_read() -> None:
    record = {
        "seq": 12,
        "type": "message",
        "id": "message-3f0c",
        "role": "assistant",
        "created_at": NOW,
        "parts": [
            {
                "type": "tool_call",
                "id": "call-1",
                "name": "memory_replace",
                "arguments": '{"label": "human"}',
            }
        ],
        "run_id": "run-77aa",
        "step_id": "step-0b1c",
    }
    found = parse_record(record, path="", line_no=1)
    assert isinstance(found, MessageRecord)
    assert found.message.tool_calls[0].arguments == '{"label": "human"}'
    assert found.message.conversation_id == "default"
    assert render_record(found) == record


def test_line_without_a_number_and_with_unknown_fields_is_used() -> None:
    record = {"type": "message", "id": "m", "role": "user", "created_at": "x", "parts": [], "z": 1}
    found = parse_record(record, path="", line_no=1)
    assert isinstance(found, MessageRecord) and found.seq == 0


def test_run_that_ended_for_an_unknown_reason_has_still_ended() -> None:
    fields = {"id": "r", "model": "m", "created_at": "x", "completed_at": "y"}
    record = {"seq": 1, "type": "run", "status": "dozing", "stop_reason": "bored", **fields}
    found = parse_record(record, path="", line_no=1)
    assert isinstance(found, RunRecord)
    assert (found.run.stop_reason, found.run.status) == ("error", "failed")


MESSAGE: dict[str, Any] = render_record(RECORDS[0])


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({}, "`type` is missing"),
        ({"type": 1}, "`type` has to be a string"),
        ({**MESSAGE, "seq": "1"}, "`seq` has to be a whole number"),
        ({**MESSAGE, "seq": True}, "`seq` has to be a whole number"),
        ({**MESSAGE, "role": "robot"}, "there is no role 'robot'"),
        ({**MESSAGE, "kind": "odd"}, "there is no kind of message 'odd'"),
        ({**MESSAGE, "id": None}, "`id` is missing"),
        ({**MESSAGE, "parts": {}}, "`parts` has to be a list"),
        ({**MESSAGE, "parts": ["x"]}, "each of `parts` has to be an object"),
        ({**MESSAGE, "parts": [{"type": "text", "text": 1}]}, "`text` has to be a string"),
        ({**MESSAGE, "partial": 1}, "`partial` has to be true or false"),
        ({**MESSAGE, "run_id": 1}, "`run_id` has to be a string or null"),
        ({"type": "edit", "path": []}, "`path` has to be a string"),
        ({"type": "window", "reason": "trim", "drop": [1]}, "`drop` has to be a list of strings"),
        (
            {"type": "step", "id": "s", "run_id": "r", "model": "m", "usage": 3},
            "`usage` has to be an object",
        ),
    ],
)
def test_record_with_a_wrong_field_is_a_problem_with_its_place(
    record: dict[str, Any], reason: str
) -> None:
    found = parse_record(record, path="recall/000001.jsonl", line_no=4)
    assert isinstance(found, Problem)
    assert (found.code, found.path, found.line) == ("record", "recall/000001.jsonl", 4)
    assert reason in found.message
