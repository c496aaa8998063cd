"""What goes wrong with models, and what a person then finds: failures F22 to F26."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lettafs.errors import DiskProblem
from lettafs.index.finder import Finder
from lettafs.values.event import Failure, MemoryChanged, MessageAdded, Notice, RunFinished
from tests.support.talk import Talk, call, calls, notices, of, sent, streamed, talk_with, text


def ended(talk: Talk, words: str = "Hello.") -> str:
    """Say something and return why the run ended."""
    return of(talk.hear(words), RunFinished)[0].stop_reason


BAD_CALLS: dict[str, tuple[str, dict[str, Any] | str, str]] = {
    "no JSON": ("memory_insert", '{"label": "human", "new_string": ', "not valid JSON"),
    "not an object": ("memory_insert", "[1, 2]", "one JSON object"),
    "a bare text": ("memory_insert", '"human"', "one JSON object"),
    "deep nesting": ("memory_insert", "[" * 100_000, "not valid JSON"),
    "unknown tool": ("remember", {"text": "tea"}, "Your tools: conversation_search"),
    "empty arguments": ("memory_insert", "", "needs label, new_string"),
    "missing parameter": ("memory_insert", {"label": "human"}, "needs new_string"),
    "null for a needed one": (
        "memory_insert",
        {"label": None, "new_string": "x"},
        "must be of type string",
    ),
    "extra parameter": (
        "memory_insert",
        {"label": "human", "new_string": "x", "mood": "good"},
        "no parameter 'mood'",
    ),
    "list for a text": (
        "memory_insert",
        {"label": ["human"], "new_string": "x"},
        "label of memory_insert must be of type string",
    ),
    "text for a number": (
        "memory_insert",
        {"label": "human", "new_string": "x", "insert_line": "last"},
        "must be of type integer",
    ),
    "endless number": (
        "memory_insert",
        {"label": "human", "new_string": "x", "insert_line": "9" * 5000},
        "must be of type integer",
    ),
    "half a number": (
        "memory_insert",
        {"label": "human", "new_string": "x", "insert_line": 1.5},
        "must be of type integer",
    ),
    "true for a number": (
        "memory_insert",
        {"label": "human", "new_string": "x", "insert_line": True},
        "must be of type integer",
    ),
    "not a number": (
        "memory_insert",
        '{"label": "human", "new_string": "x", "insert_line": NaN}',
        "must be of type integer",
    ),
    "unknown choice": (
        "archival_memory_search",
        {"query": "x", "tag_match_mode": "some"},
        "must be one of any, all",
    ),
    "wrong item": (
        "archival_memory_insert",
        {"content": "x", "tags": [["a"]]},
        "an item of tags",
    ),
    "unknown role": (
        "conversation_search",
        {"query": "x", "roles": ["system"]},
        "must be one of assistant, user, tool",
    ),
    "no date": ("conversation_search", {"start_date": "yesterday"}, "is no date"),
    "NUL in a block": (
        "memory_insert",
        {"label": "human", "new_string": "a\u0000b"},
        "NUL",
    ),
    "conflict markers in a block": (
        "memory_insert",
        {"label": "human", "new_string": "<<<<<<< a\n=======\n>>>>>>> b\n"},
        "both sides of a merge",
    ),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_call_is_answered_with_words_and_changes_nothing(name: str, tmp_path: Path) -> None:
    tool, arguments, words = BAD_CALLS[name]
    talk = talk_with(tmp_path, calls((tool, arguments), chunk_chars=10_000), text("Sorry."))

    events = talk.hear()

    (returned,) = talk.returns()
    assert returned.status == "error"
    assert words in returned.text
    assert "Traceback" not in returned.text
    assert len(returned.text) < 1500
    assert of(events, MemoryChanged) == []
    assert talk.agent.passages() == []
    assert of(events, RunFinished)[0].stop_reason == "end_turn"


def test_what_can_be_read_in_one_way_only_is_read_so(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        call("memory_insert", label="human", new_string=7, insert_line="0"),
        call("memory_insert", label="human", new_string="x", insert_line=-1.0),
        call("archival_memory_insert", content="A note.", tags="tea"),
        call("archival_memory_insert", content="Another.", tags='["a", "b"]'),
        call("memory_insert", label="human", new_string="half \ud83d.", insert_line=None),
        text("Done."),
    )

    talk.say()

    assert [back.status for back in talk.returns()] == ["success"] * 5
    assert talk.value() == "7\nHer name is Chad.\nx\nhalf \ufffd."
    assert [passage.tags for passage in talk.agent.passages()] == [("tea",), ("a", "b")]


def test_two_calls_with_one_id_both_get_their_return(tmp_path: Path) -> None:
    made = {"id": "call_1", "name": "memory_insert"}
    both = [
        {**made, "arguments": {"label": "human", "new_string": "one"}},
        {**made, "arguments": {"label": "human", "new_string": "two"}},
    ]
    talk = talk_with(tmp_path, {"tool_calls": both}, text("Done."))

    talk.say()

    assert len({back.call_id for back in talk.returns()}) == 2
    assert talk.value() == "Her name is Chad.\none\ntwo"


def test_more_than_twenty_calls_in_one_reply_are_all_refused(tmp_path: Path) -> None:
    many = [("memory_insert", {"label": "human", "new_string": f"{n}"}) for n in range(21)]
    talk = talk_with(tmp_path, calls(*many), calls(*many[:20]), text("Done."))

    talk.say()

    backs = talk.returns()
    assert [back.status for back in backs] == ["error"] * 21 + ["success"] * 20
    assert "at most 20" in backs[0].text.lower()


def test_four_failing_steps_in_a_row_stop_the_run(tmp_path: Path) -> None:
    wrong = [call("memory_insert", label=f"wrong{n}", new_string="x") for n in range(9)]
    talk = talk_with(tmp_path, *wrong)

    events = talk.hear()

    assert len(talk.requests) == 4  # the first try and three repairs
    assert of(events, RunFinished)[0].stop_reason == "invalid_tool_call"
    assert "stuck" in notices(events)


def test_failures_with_successes_between_do_not_stop_the_run(tmp_path: Path) -> None:
    script = []
    for number in range(6):
        script.append(call("memory_insert", label=f"wrong{number}", new_string="x"))
        script.append(call("memory_insert", label="human", new_string=f"{number}"))
    talk = talk_with(tmp_path, *script, text("Done."))

    assert ended(talk) == "end_turn"


def test_same_call_three_times_stops_the_run_with_a_notice(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, {**call("conversation_search", query="tea"), "repeat": True})

    events = talk.hear()

    assert len(talk.requests) == 3
    assert of(events, RunFinished)[0].stop_reason == "invalid_tool_call"
    (notice,) = [event for event in of(events, Notice) if event.code == "stuck"]
    assert "conversation_search 3 times" in notice.text


def test_endless_changing_calls_end_at_fifty_steps(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, *[call("conversation_search", query=f"word{n}") for n in range(60)])

    assert ended(talk) == "max_steps"
    assert len(talk.requests) == 50


def test_empty_reply_is_asked_for_once_more(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text(""), text("Here I am."))

    events = talk.hear()

    assert streamed(events) == "Here I am."
    assert notices(events).count("retry") == 1
    assert [message.role for message in talk.agent.messages()] == ["user", "assistant"]


@pytest.mark.parametrize("reply", [text(""), text(" \n "), {"reasoning": "Hm."}])
def test_two_empty_replies_fail_clearly_and_leave_no_empty_message(
    reply: dict[str, Any], tmp_path: Path
) -> None:
    talk = talk_with(tmp_path, reply, reply, text("Now."))

    answer = talk.say("Are you there?")

    assert answer.stop_reason == "invalid_llm_response"
    assert "empty reply twice" in (answer.error or "")
    assert [message.role for message in talk.agent.messages()] == ["user"]
    assert talk.say("And now?").text == "Now."
    assert [m.text for m in talk.requests[-1].messages] == ["Are you there?", "And now?"]


def test_silence_after_work_is_the_end_and_no_failure(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path, call("memory_insert", label="human", new_string="x"), text(""), text("")
    )

    answer = talk.say()

    assert (answer.stop_reason, answer.error) == ("end_turn", None)


def test_empty_replies_apart_are_each_forgiven(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        text(""),
        call("memory_insert", label="human", new_string="x"),
        text(""),
        text("Done."),
    )

    assert talk.say().text == "Done."


def test_reply_cut_at_the_output_limit_is_kept_with_a_notice(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Once upon a", finish_reason="length"))

    events = talk.hear()

    assert of(events, RunFinished)[0].stop_reason == "max_tokens_exceeded"
    assert "length" in notices(events)
    assert talk.agent.messages()[-1].text == "Once upon a"


def test_call_cut_at_the_output_limit_is_never_made(tmp_path: Path) -> None:
    cut = calls(("memory_insert", '{"label": "human", "new_st'), finish_reason="length")
    talk = talk_with(tmp_path, {"text": "I note", **cut})

    events = talk.hear()

    assert of(events, MemoryChanged) == []
    assert talk.returns() == []
    assert of(events, RunFinished)[0].stop_reason == "max_tokens_exceeded"


def test_thinking_that_used_up_the_output_limit_says_so(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, {"reasoning": "Let me see", "finish_reason": "length"})

    assert ended(talk) == "max_tokens_exceeded"
    assert [message.role for message in talk.agent.messages()] == ["user"]


def test_reply_a_filter_ended_says_so(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        text("Well,", finish_reason="content_filter"),
        text("", finish_reason="content_filter"),
    )

    assert "filtered" in notices(talk.hear())
    answer = talk.say("Again?")
    assert answer.stop_reason == "invalid_llm_response"
    assert "content filter" in (answer.error or "")


def test_stream_cut_in_mid_text_is_kept_flagged_and_asked_again_once(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("The capital is", cut=True), text("It is Rome."), text("Bye."))

    events = talk.hear("What is the capital?")

    assert notices(events).count("retry") == 1
    partial, whole = [m for m in talk.agent.messages() if m.role == "assistant"]
    assert (partial.text, partial.partial) == ("The capital is", True)
    assert (whole.text, whole.partial) == ("It is Rome.", False)
    assert partial.id != whole.id
    assert [m.text for m in talk.requests[1].messages] == ["What is the capital?"]
    talk.say("Thanks.")
    assert [m.text for m in talk.requests[2].messages] == [
        "What is the capital?",
        "It is Rome.",
        "Thanks.",
    ]


def test_stream_cut_twice_fails_with_both_partials_kept(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("One", cut=True), text("Two", cut=True), text("Fine."))

    answer = talk.say()

    assert answer.stop_reason == "llm_api_error"
    assert answer.text == ""
    assert [m.text for m in talk.agent.messages() if m.partial] == ["One", "Two"]
    assert talk.say("Again.").text == "Fine."


def test_cuts_apart_are_each_forgiven(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        text("I", cut=True),
        call("memory_insert", label="human", new_string="x"),
        text("Now", cut=True),
        text("Now it is noted."),
    )

    assert talk.say().text == "Now it is noted."


def test_stream_cut_in_mid_call_never_makes_the_call(tmp_path: Path) -> None:
    # The script breaks off before the calls of its line; what a model had begun is in the deltas.
    talk = talk_with(
        tmp_path,
        {**call("memory_insert", label="human", new_string="x"), "text": "I note", "cut": True},
        text("Sorry, what?"),
    )

    events = talk.hear()

    assert of(events, MemoryChanged) == []
    assert talk.returns() == []
    assert all(message.tool_calls == () for message in talk.agent.messages())


def test_cut_before_the_last_step_allowed_does_not_pass_for_an_answer(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("The", cut=True), text("The end."))

    answer = talk.say(max_steps=1)

    assert (answer.text, answer.stop_reason) == ("The end.", "end_turn")


@pytest.mark.parametrize("kind", ["rate_limit", "overloaded", "timeout", "unreachable"])
def test_passing_failure_before_the_first_word_is_waited_out(kind: str, tmp_path: Path) -> None:
    talk = talk_with(tmp_path, {"error": kind, "times": 3}, text("Back."))

    events = talk.hear()

    assert streamed(events) == "Back."
    assert notices(events).count("retry") == 3
    assert talk.slept == [0.5, 1.0, 2.0]


def test_provider_that_names_its_pause_is_given_it(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, {"error": "rate_limit", "retry_after_s": 20}, text("Back."))

    assert talk.say().text == "Back."
    assert talk.slept == [20.5]


def test_provider_that_stays_down_fails_with_the_message_kept(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, {"error": "overloaded", "times": 6}, text("Back."))

    events = talk.hear("Do not lose this.")

    (failure,) = of(events, Failure)
    assert failure.error_type == "llm_error"
    assert of(events, RunFinished)[0].stop_reason == "llm_api_error"
    assert len(talk.requests) == 6
    assert talk.agent.messages()[-1].text == "Do not lose this."
    assert talk.say("Again.").text == "Back."
    assert [m.text for m in talk.requests[-1].messages] == ["Do not lose this.", "Again."]


@pytest.mark.parametrize("kind, name", [("auth", "llm_authentication"), ("refused", "llm_error")])
def test_failure_that_will_not_pass_is_not_repeated(kind: str, name: str, tmp_path: Path) -> None:
    talk = talk_with(tmp_path, {"error": kind, "message": "No such key."}, text("Back."))

    events = talk.hear()

    assert of(events, Failure) == [Failure(name, "No such key.")]
    assert len(talk.requests) == 1
    assert talk.slept == []


def test_too_long_a_conversation_drops_old_messages_and_goes_on(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, *[text(f"Reply {n}. " + "x" * 500) for n in range(8)])
    for number in range(8):
        talk.say(f"Message {number}.")
    talk.model._lines.append({"error": "context_overflow"})
    talk.model._lines.append(text("Shorter now."))

    events = talk.hear("And?")

    assert streamed(events) == "Shorter now."
    assert "overflow" in notices(events)
    before, after = talk.requests[-2:]
    assert len(after.messages) < len(before.messages) * 0.7
    assert after.messages[0].role == "user"
    assert after.messages[-1].text == "And?"
    kept = [row for row in sent(after) if row in sent(before)]
    assert sent(before)[-len(kept) :] == kept
    talk.model._lines.append(text("Still short."))
    talk.say("More?")
    assert sent(talk.requests[-1])[: len(after.messages)] == sent(after)


def test_message_that_alone_is_too_long_fails_with_what_to_do(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, {"error": "context_overflow", "times": 4}, text("Fine."))

    answer = talk.say("x" * 1000)

    assert answer.stop_reason == "context_window_overflow_in_system_prompt"
    assert "shorten" in (answer.error or "")
    assert len(talk.requests) == 4
    assert talk.say("Short.").text == "Fine."


def test_agent_toml_that_goes_away_in_mid_run_is_a_failure_with_all_kept(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, call("memory_insert", label="human", new_string="x"), text("Hi."))
    settings = (tmp_path / "agent.toml").read_bytes()
    model_stream = talk.model.stream

    def stream(request: Any) -> Any:
        (tmp_path / "agent.toml").unlink()
        return model_stream(request)

    talk.model.stream = stream  # type: ignore[method-assign]  # a person deletes it meanwhile
    answer = talk.say("Keep me.")
    talk.model.stream = model_stream  # type: ignore[method-assign]
    written = tmp_path / "agent.toml"
    written.write_bytes(settings)

    assert answer.error is not None
    assert [message.text for message in talk.agent.messages()][0] == "Keep me."
    assert talk.value() == "Her name is Chad.\nx"
    assert talk.say("Again.").error is None


def test_error_of_a_program_is_recorded_as_one_and_raised(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Fine."))
    model_stream = talk.model.stream

    def broken(request: Any) -> Any:
        raise KeyError("a mistake in a model")

    talk.model.stream = broken  # type: ignore[method-assign]
    with pytest.raises(KeyError):
        talk.say("Keep me.")
    talk.model.stream = model_stream  # type: ignore[method-assign]

    lines = (tmp_path / "recall/000001.jsonl").read_text(encoding="utf-8").splitlines()
    last = json.loads(lines[-1])
    assert (last["type"], last["status"], last["stop_reason"]) == ("run", "failed", "error")
    assert talk.say("Again.").text == "Fine."


def test_message_added_is_never_shown_before_it_is_durable(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, call("memory_insert", label="human", new_string="x"), text("Hi."))
    shown = 0

    import anyio

    async def watch() -> None:
        nonlocal shown
        async for event in talk.agent.stream("Hello."):
            if isinstance(event, MessageAdded):
                journal = (tmp_path / "recall/000001.jsonl").read_text(encoding="utf-8")
                assert event.message.id in journal
                shown += 1

    anyio.run(watch)
    assert shown == 4


def test_searches_side_by_side_that_the_disk_refuses_end_the_run_with_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [("archival_memory_search", {"query": query}) for query in ("tea", "milk")]
    talk = talk_with(tmp_path, calls(*both), text("Back."))

    def refused(finder: Finder, *asked: object, **options: object) -> None:
        raise DiskProblem("the disk reported an input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(Finder, "passages", refused)
        events = talk.hear()

    (failure,) = of(events, Failure)
    assert failure.message == "the disk reported an input/output error"
    assert of(events, RunFinished)[0].stop_reason == "error"
    assert talk.say("Again.").text == "Back."
