"""letta_v1_agent: plain text is the answer and ends the turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from lettafs.errors import UsageProblem
from lettafs.values.event import (
    Checkpoint,
    MemoryChanged,
    MessageAdded,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
    TextDelta,
)
from lettafs.values.run import Usage
from tests.support.talk import call, calls, notices, of, sent, streamed, talk_with, text


def test_plain_text_ends_the_turn(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path, text("Hello, Chad.", usage={"prompt_tokens": 9, "completion_tokens": 4})
    )

    answer = talk.say("Hi!")

    assert answer.text == "Hello, Chad."
    assert answer.stop_reason == "end_turn"
    assert answer.error is None
    assert answer.usage == Usage(prompt_tokens=9, completion_tokens=4, step_count=1)
    assert [message.role for message in answer.messages] == ["user", "assistant"]
    assert answer.commit is not None


def test_events_come_in_the_order_surfaces_rely_on(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        call("memory_insert", label="human", new_string="Likes tea."),
        text("Noted.", chunk_chars=3),
    )
    talk.model._lines.insert(0, text("Hello."))
    talk.say()

    events = talk.hear("I like tea.")

    kinds = [type(event) for event in events if type(event).__name__ != "ToolCallDelta"]
    assert kinds == [
        RunStarted,
        MessageAdded,
        StepStarted,
        MessageAdded,
        MemoryChanged,
        MessageAdded,
        StepFinished,
        StepStarted,
        TextDelta,
        TextDelta,
        MessageAdded,
        StepFinished,
        RunFinished,
        Checkpoint,
    ]
    begun, ended = of(events, StepStarted), of(events, StepFinished)
    assert [step.step_id for step in begun] == [finished.step.id for finished in ended]
    assert {delta.message_id for delta in of(events, TextDelta)} == {begun[1].message_id}
    assert of(events, MessageAdded)[-1].message.id == begun[1].message_id


def test_words_after_a_tool_call_are_the_answer(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path, call("memory_insert", label="human", new_string="Likes tea."), text("Noted.")
    )

    answer = talk.say("I like tea.")

    assert answer.text == "Noted."
    assert [m.role for m in answer.messages] == ["user", "assistant", "tool", "assistant"]
    assert talk.value() == "Her name is Chad.\nLikes tea."
    assert answer.usage.step_count == 2


def test_several_searches_run_in_one_step_and_answer_in_order(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        text("Tea is good."),
        calls(
            ("archival_memory_search", {"query": "nothing there"}),
            ("conversation_search", {"query": "tea"}),
            ("conversation_search", {"query": "zebra"}),
        ),
        text("Found."),
    )
    talk.say("I like tea.")

    answer = talk.say("What do I like?")

    first, second, third = answer.messages[2].tool_returns
    assert first.text == "[]"
    assert "I like tea." in second.text and "Tea is good." in second.text
    assert "No results" in third.text
    made = answer.messages[1].tool_calls
    assert [back.call_id for back in (first, second, third)] == [one.id for one in made]


def test_several_memory_edits_of_one_step_apply_in_order(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        calls(
            ("memory_insert", {"label": "human", "new_string": "one"}),
            ("memory_replace", {"label": "human", "old_string": "one", "new_string": "two"}),
            ("memory_insert", {"label": "human", "new_string": "three"}),
        ),
        text("Done."),
    )

    events = talk.hear()

    assert talk.value() == "Her name is Chad.\ntwo\nthree"
    assert [change.label for change in of(events, MemoryChanged)] == ["human"] * 3
    assert of(events, MemoryChanged)[1].before == "Her name is Chad.\none"


def test_extra_calls_are_dropped_when_the_agent_takes_one_at_a_time(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        calls(
            ("memory_insert", {"label": "human", "new_string": "one"}),
            ("memory_insert", {"label": "human", "new_string": "two"}),
        ),
        text("Done."),
        settings="[model_settings]\nparallel_tool_calls = false\n",
    )

    talk.say()

    assert talk.value() == "Her name is Chad.\none"
    assert talk.requests[0].parallel_tool_calls is False


def test_reaching_max_steps_stops_the_run_and_keeps_what_was_done(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        *[call("memory_insert", label="human", new_string=f"fact {n}") for n in range(9)],
        settings="max_steps = 4\n",
    )

    events = talk.hear()

    assert of(events, RunFinished)[0].stop_reason == "max_steps"
    assert "max-steps" in notices(events)
    assert len(talk.requests) == 4
    assert talk.value().endswith("fact 3")


def test_caller_may_allow_fewer_steps_than_agent_toml(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path, call("conversation_search", query="tea"), text("Nothing."), text("Hi.")
    )

    assert talk.say(max_steps=1).stop_reason == "max_steps"
    assert talk.say("And now?").text == "Nothing."
    with pytest.raises(UsageProblem, match="at least one step"):
        talk.say(max_steps=0)


def test_empty_message_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Hi."))

    with pytest.raises(UsageProblem, match="nothing to say"):
        talk.say(" \n")

    assert not (tmp_path / "recall").exists()
    assert talk.requests == []


def test_failed_call_goes_back_to_the_model_which_repairs_it(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        call("memory_insert", label="humans", new_string="Likes tea."),
        call("memory_insert", label="human", new_string="Likes tea."),
        text("Noted."),
    )

    answer = talk.say()

    wrong, right = talk.returns()
    assert wrong.status == "error"
    assert "Your blocks: human, persona" in wrong.text
    assert right.status == "success"
    assert answer.stop_reason == "end_turn"


def test_next_request_holds_call_and_return_of_the_last(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, call("conversation_search", query="x"), text("No."), text("Bye."))
    talk.say("One?")

    talk.say("Two?")

    roles = [message.role for message in talk.requests[-1].messages]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]
    assert sent(talk.requests[-1])[:4] == [*sent(talk.requests[1]), sent(talk.requests[-1])[3]]


def test_call_ids_a_server_uses_again_keep_their_own_returns(tmp_path: Path) -> None:
    def numbered(query: str) -> dict[str, object]:
        made = {"id": "call_0", "name": "memory_insert"}
        return {"tool_calls": [{**made, "arguments": {"label": "human", "new_string": query}}]}

    talk = talk_with(tmp_path, numbered("one"), numbered("two"), text("Done."), text("Bye."))
    talk.say()

    talk.say("Again.")

    returned = [part for m in talk.requests[-1].messages for part in m.tool_returns]
    assert [part.text.splitlines()[-1] for part in returned] == ["one", "two"]
    assert len({part.call_id for part in returned}) == 2


def test_streamed_words_are_the_reply(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, {"reasoning": "Hm.", "text": "Hello 🌍, how are you?"})

    events = talk.hear()

    assert streamed(events) == "Hello 🌍, how are you?"
    assert of(events, MessageAdded)[-1].message.text == streamed(events)


def test_tools_the_agent_names_but_nobody_has_are_told_and_left_out(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path, text("Hi."), settings='tools = ["fly", "conversation_search", "send_message"]\n'
    )

    events = talk.hear()

    assert "unknown-tool" in notices(events)
    assert [tool.name for tool in talk.requests[0].tools] == ["conversation_search", "send_message"]


def test_terminal_tool_ends_the_turn_of_a_plain_agent(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        call("send_message", message="Bye."),
        settings='tools = ["send_message"]\n',
    )

    answer = talk.say()

    assert (answer.text, answer.stop_reason) == ("Bye.", "tool_rule")


def test_commit_says_what_was_asked_and_what_memory_changed(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path, call("memory_insert", label="human", new_string="Likes tea."), text("Noted.")
    )

    answer = talk.say("I like   tea,\nreally.")

    entry = talk.agent.log(1)[0]
    assert entry.commit == answer.commit
    assert entry.subject == 'Answer "I like tea, really." and edit human'
    assert entry.message_id == answer.messages[0].id
    assert entry.model == "scripted:script"


def test_model_settings_reach_the_request(tmp_path: Path) -> None:
    settings = (
        "context_window = 12345\n[model_settings]\ntemperature = 0.25\nmax_output_tokens = 99\n"
        'reasoning_effort = "low"\nthink = true\ntimeout_s = 7.5\n'
    )
    talk = talk_with(tmp_path, text("Hi."), settings=settings)

    talk.say()

    request = talk.requests[0]
    assert (request.temperature, request.max_output_tokens) == (0.25, 99)
    assert (request.reasoning_effort, request.think, request.timeout_s) == ("low", True, 7.5)
    assert request.context_window == 12345
    assert (request.tool_choice, request.parallel_tool_calls) == ("auto", True)
