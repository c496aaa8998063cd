"""The script format: what each field does, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lettafs.errors import (
    ContextOverflow,
    ModelAuthProblem,
    ModelOverloaded,
    ModelProblem,
    ModelRateLimited,
    ModelRefusedRequest,
    ModelTimeout,
    ModelUnreachable,
    StreamCut,
    UsageProblem,
)
from lettafs.llm.scripted import ScriptedModel
from lettafs.values.message import ReasoningPart, TextPart, ToolCall, ToolReturn
from lettafs.values.run import Usage
from tests.support.models import hear, message, request


def test_lines_are_played_in_order_and_then_it_says_so() -> None:
    model = ScriptedModel([{"text": "one"}, {"text": "two"}])
    assert [hear(model).text, hear(model).text] == ["one", "two"]
    problem = hear(model).problem
    assert isinstance(problem, ModelRefusedRequest)
    assert "script is at its end (2 replies)" in str(problem)
    assert len(model.requests) == 3


def test_everything_can_stand_in_one_line() -> None:
    model = ScriptedModel(
        [
            {
                "reasoning": "hm",
                "text": "Setting it.",
                "tool_calls": [
                    {"name": "set_flag", "arguments": {"on": True}, "id": "call_1"},
                    {"name": "set_flag", "arguments": "{not json"},
                    {"name": "no_arguments"},
                ],
                "usage": {"prompt_tokens": 3, "completion_tokens": 4},
                "chunk_chars": 3,
            }
        ]
    )
    heard = hear(model)
    reasoning, text, *calls = heard.reply.parts
    assert (reasoning, text) == (ReasoningPart("hm"), TextPart("Setting it."))
    assert calls[0] == ToolCall("call_1", "set_flag", '{"on": true}')
    assert [(it.name, it.arguments) for it in calls[1:] if isinstance(it, ToolCall)] == [
        ("set_flag", "{not json"),
        ("no_arguments", "{}"),
    ]
    assert heard.reply.finish_reason == "tool_calls"
    assert heard.reply.usage == Usage(3, 4, step_count=1)
    assert max(len(delta.arguments) for delta in heard.call_deltas) == 3


def test_file_is_read_with_blank_lines_and_comments(tmp_path: Path) -> None:
    path = tmp_path / "script.jsonl"
    path.write_text('# greeting\n{"text": "Grüße\u2028"}\r\n\n  \n{"text": "two"}', "utf-8")
    model = ScriptedModel.from_file(path)
    assert [hear(model).text, hear(model).text] == ["Grüße\u2028", "two"]
    assert model.handle == f"scripted:{path}"


@pytest.mark.parametrize(
    "name, kind",
    [
        ("auth", ModelAuthProblem),
        ("context_overflow", ContextOverflow),
        ("overloaded", ModelOverloaded),
        ("rate_limit", ModelRateLimited),
        ("refused", ModelRefusedRequest),
        ("timeout", ModelTimeout),
        ("unreachable", ModelUnreachable),
    ],
)
def test_error_is_raised_as_often_as_said(name: str, kind: type[ModelProblem]) -> None:
    line = {"error": name, "message": "Go away.", "times": 2, "retry_after_s": 1.5}
    model = ScriptedModel([line, {"text": "ok"}])
    for _ in range(2):
        problem = hear(model).problem
        assert type(problem) is kind
        assert str(problem) == "Go away."
        assert problem.retry_after_s == 1.5
    assert hear(model).text == "ok"


def test_cut_keeps_the_words_and_never_a_call() -> None:
    model = ScriptedModel(
        [{"reasoning": "r", "text": "so far", "tool_calls": [{"name": "f"}], "cut": True}]
    )
    problem = hear(model).problem
    assert isinstance(problem, StreamCut)
    assert problem.parts == (ReasoningPart("r"), TextPart("so far"))


def test_last_line_may_answer_for_ever() -> None:
    model = ScriptedModel([{"text": "one"}, {"text": "again", "repeat": True}])
    assert [hear(model).text for _ in range(5)] == ["one", *["again"] * 4]


def test_expectation_that_fails_is_told_with_what_there_was() -> None:
    model = ScriptedModel([{"text": "ok", "expect": "Rome"}])
    problem = hear(model, request("Where is Paris?")).problem
    assert isinstance(problem, ModelRefusedRequest)
    assert "'Rome'" in str(problem)
    assert "Where is Paris?" in str(problem)
    assert hear(model, request("And Rome?")).text == "ok"


def test_expectation_looks_at_tool_returns() -> None:
    returned = message("tool", ToolReturn("c", "f", "success", "It is in Rome."))
    model = ScriptedModel([{"text": "ok", "expect": "Rome"}])
    assert hear(model, request("Where?", returned)).text == "ok"


def test_rule_answers_whenever_it_matches() -> None:
    model = ScriptedModel(
        [{"text": "first"}, {"match": "weather", "text": "Sunny."}, {"text": "second"}]
    )
    asked = ["the weather?", "Hi", "weather again", "Hi"]
    assert [hear(model, request(it)).text for it in asked] == [
        "Sunny.",
        "first",
        "Sunny.",
        "second",
    ]


def test_delay_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("anyio.sleep", sleep)
    assert hear(ScriptedModel([{"delay_s": 2.5, "text": "ok"}])).text == "ok"
    assert slept == [2.5]


def test_finish_reason_can_be_set() -> None:
    model = ScriptedModel(
        [
            {"text": "cut sh", "finish_reason": "length"},
            {"tool_calls": [{"name": "f", "arguments": '{"a'}], "finish_reason": "length"},
        ]
    )
    assert hear(model).reply.finish_reason == "length"
    reply = hear(model).reply
    assert (reply.finish_reason, reply.parts) == ("length", ())


@pytest.mark.parametrize(
    "line",
    [
        {"txt": "misspelt"},
        {"text": 3},
        {"error": "boom"},
        {"finish_reason": "because"},
        {"for": "poem"},
        {"for": 1},
        {"times": 0},
        {"times": True},
        {"chunk_chars": 0},
        {"delay_s": -1},
        {"cut": 1},
        {"usage": {"tokens": 3}},
        {"tool_calls": [{"arguments": {}}]},
        {"tool_calls": [{"name": "f", "args": {}}]},
        {"tool_calls": ["f"]},
        ["text"],
    ],
)
def test_line_the_format_does_not_know_is_refused(line: Any) -> None:
    with pytest.raises(UsageProblem):
        ScriptedModel([line])


@pytest.mark.parametrize("raw", [b'{"text": "a"}\n{oops', b"\xff\xfe", b'"text"'])
def test_broken_file_is_refused_with_its_place(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "script.jsonl"
    path.write_bytes(raw)
    with pytest.raises(UsageProblem) as caught:
        ScriptedModel.from_file(path)
    assert str(path) in str(caught.value)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem):
        ScriptedModel.from_file(tmp_path / "none.jsonl")


TRANSCRIPT = (
    "<transcript>\n[2026-03-01 12:00] user: My boat is called Nadia.\n"
    "[2026-03-01 12:01] assistant: We decided to sail in May.\n</transcript>\n\n"
    "Write the summary now, in at most 300 characters."
)


def test_summary_is_made_by_rules_and_uses_no_line_up() -> None:
    model = ScriptedModel([{"text": "one"}, {"match": "Nadia", "text": "a rule"}])
    summed = hear(model, request(TRANSCRIPT, tools=(), purpose="summary"))
    assert "Nadia" in summed.text and "sail in May" in summed.text and len(summed.text) <= 300
    assert hear(model, request("Hello")).text == "one"
    assert "Nadia" in hear(model, request(TRANSCRIPT, tools=(), purpose="summary")).text
    assert [asked.purpose for asked in model.requests] == ["summary", "reply", "summary"]


def test_line_for_a_summary_answers_one_and_nothing_else() -> None:
    model = ScriptedModel(
        [
            {"text": "one"},
            {"for": "summary", "text": "In short."},
            {"text": "two"},
            {"for": "summary", "match": "Trieste", "text": "Of Trieste."},
        ]
    )
    asked = request(TRANSCRIPT, tools=(), purpose="summary")
    assert hear(model, request("Hello")).text == "one"
    refused = hear(model, request("Hello")).problem
    assert "reply 2 is for a summary" in str(refused)
    assert hear(model, asked).text == "In short."
    assert hear(model, request("Trieste")).text == "two"
    assert hear(model, request("Trieste", purpose="summary")).text == "Of Trieste."
