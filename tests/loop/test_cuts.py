"""A real stream that breaks off anywhere: nothing half-heard is done, and it is asked once more."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from lettafs.values.event import MemoryChanged, RunFinished
from tests.support.fake_openai import FakeOpenAI, call_chunks, finish, stream, text_chunks, usage
from tests.support.models import openai_model
from tests.support.talk import Talk, agent_of, notices, of, talk_with

ARGUMENTS = '{"label": "human", "new_string": "Likes tea."}'
WHOLE = stream(
    *text_chunks("I note."),
    *call_chunks("memory_insert", ARGUMENTS, size=9),
    finish("tool_calls"),
    usage(),
)
SORRY = stream(*text_chunks("Sorry, what?"), finish())


@pytest.mark.parametrize("framing", ["chunked", "close"])
def test_reply_cut_anywhere_makes_no_call_and_is_asked_for_again(
    framing: Literal["chunked", "close"], tmp_path: Path
) -> None:
    talk = talk_with(tmp_path)
    finished = len(WHOLE.chunks) - 3  # what follows the finish reason may get lost
    with FakeOpenAI() as server:
        model = openai_model(server)
        for count in range(finished):
            talk = Talk(tmp_path, talk.model)
            talk.agent = agent_of(tmp_path, model, clock=talk)
            server.play(WHOLE.cut_after(count, framing=framing), SORRY)

            events = talk.hear("I like tea.")

            assert of(events, MemoryChanged) == [], count
            assert of(events, RunFinished)[0].stop_reason == "end_turn", count
            assert notices(events).count("retry") == 1, count
            assert len(server.requests) == 2
            messages = talk.agent.messages(4)
            assert messages[-1].text == "Sorry, what?"
            assert all(message.tool_calls == () for message in messages)
            if count >= 2:
                assert (messages[-2].partial, messages[-2].text) == (True, "I note."[: 4 * count])
    assert talk.value() == "Her name is Chad.\n"


def test_whole_reply_makes_its_call(tmp_path: Path) -> None:
    talk = talk_with(tmp_path)
    with FakeOpenAI([WHOLE, SORRY]) as server:
        answer = agent_of(tmp_path, openai_model(server)).send("I like tea.")

    assert talk.value() == "Her name is Chad.\nLikes tea."
    assert answer.usage.prompt_tokens == 11
