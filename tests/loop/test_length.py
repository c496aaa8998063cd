"""However long what is said, called and returned is: it is sent so that it fits."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest

from lettafs.context.compact import SummarySize
from lettafs.context.tokens import TokenCounter
from lettafs.disk.git import Person
from lettafs.ids import new_uuid_id
from lettafs.llm.base import ModelRequest
from lettafs.llm.call_stream import arguments_object
from lettafs.llm.scripted import ScriptedModel
from lettafs.loop.caller import Caller
from lettafs.loop.compaction import is_nearly_full
from lettafs.loop.summary import Summary, write_summary
from lettafs.values.agent import AgentSettings
from lettafs.values.event import Failure, RunFinished
from lettafs.values.message import Message, TextPart
from lettafs.values.run import Usage
from tests.support.talk import NOON, Talk, call, calls, of, sent, talk_with, text

WINDOW = 8_000
HUGE = "The boat lies in the harbour of Trieste. " * 2_500
"""About thirty thousand tokens."""
CJK = "艾达晚上回到家的时候，那封信还放在厨房的桌子上。" * 400


def tokens(request: ModelRequest) -> int:
    """Return what a request costs, estimated on the high side, without its reply."""
    counter = TokenCounter()
    asked = counter.system(request.system) + counter.messages(request.messages)
    return asked + counter.tools(request.tools)


def heard(talk: Talk, words: str) -> None:
    """Say something; the turn ends well, and all that was sent fits with room for a reply."""
    events = talk.hear(words)
    assert of(events, Failure) == []
    assert of(events, RunFinished)[0].stop_reason == "end_turn"
    assert max(map(tokens, talk.model.requests)) <= WINDOW * 0.9
    for request in talk.requests:
        for message in request.messages:
            for made in message.tool_calls:
                assert "_unparsed" not in arguments_object(made.arguments)


def test_huge_arguments_are_cut_when_sent_and_kept_whole(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        call("memory_insert", label="human", new_string=HUGE),
        text("It did not fit."),
        text("Yes."),
        context_window=WINDOW,
    )

    heard(talk, "Keep all of it.")

    (made,) = [c for m in talk.requests[1].messages for c in m.tool_calls]
    cut = json.loads(made.arguments)
    assert cut["label"] == "human" and cut["new_string"].startswith("The boat lies")
    assert "characters left out" in cut["new_string"]
    (kept,) = [c for m in talk.agent.messages() for c in m.tool_calls]
    assert json.loads(kept.arguments)["new_string"] == HUGE
    heard(talk, "And now?")
    assert sent(talk.requests[2])[: len(talk.requests[1].messages)] == sent(talk.requests[1]) or (
        talk.requests[2].messages[0].kind == "summary"
    )


@pytest.mark.parametrize("words", [HUGE, CJK], ids=["English", "Chinese"])
def test_many_huge_calls_at_once_fit(words: str, tmp_path: Path) -> None:
    made = [("memory_insert", {"label": f"note {n}", "new_string": words}) for n in range(12)]
    made_at_once = calls(*made, chunk_chars=4_000)
    talk = talk_with(tmp_path, made_at_once, text("Done."), context_window=WINDOW)

    heard(talk, "Keep it twelve times.")


@pytest.mark.parametrize("words", [HUGE, CJK], ids=["English", "Chinese"])
def test_long_question_with_long_calls_and_long_returns_fits(words: str, tmp_path: Path) -> None:
    talk = talk_with(tmp_path, context_window=WINDOW)
    for step in range(2):
        queries = [f"{step} {number} {words[:9_000]}" for number in range(3)]
        made = [("conversation_search", {"query": query, "limit": 5}) for query in queries]
        talk.model._lines.append(calls(*made))
    talk.model._lines.append(text("Done."))

    heard(talk, words)

    last = talk.requests[-1].messages
    assert last[0].role == "user" and last[-1].role == "tool"
    for number in range(3):
        talk.model._lines.append(text(f"Answer {number}."))
        heard(talk, f"{number} {words}")


@pytest.mark.parametrize("share", [0.4, 0.6, 0.75])
def test_memory_that_leaves_little_room_does_not_fail_a_long_question(
    share: float, tmp_path: Path
) -> None:
    big = f"--- memory/diary.md\n---\nlimit: 200000\n---\n{'dear ' * int(WINDOW * share * 0.8)}\n"
    talk = talk_with(tmp_path, home=big, context_window=WINDOW)
    free = WINDOW - talk.agent.prompt().fixed_tokens
    talk.model._lines += [text("Long."), text("Short.")]

    for words in (HUGE, "And now?"):
        assert talk.say(words).stop_reason == "end_turn"

    assert max(map(tokens, talk.model.requests)) <= WINDOW - free // 2
    assert talk.requests[-1].messages[-1].text == "And now?"


def test_question_that_fits_is_never_cut(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("I see."), context_window=WINDOW)
    words = "The boat lies in the harbour of Trieste. " * 200

    heard(talk, words)

    assert talk.requests[0].messages[0].text == words


def test_what_was_only_thought_does_not_fill_the_window() -> None:
    thought = Usage(prompt_tokens=2_000, completion_tokens=6_000, reasoning_tokens=5_800)

    assert not is_nearly_full(thought, WINDOW)
    assert is_nearly_full(Usage(prompt_tokens=2_000, completion_tokens=6_000), WINDOW)
    assert is_nearly_full(Usage(prompt_tokens=7_300, reasoning_tokens=900), WINDOW)


def test_summary_from_a_larger_window_is_cut_before_it_is_continued() -> None:
    model = ScriptedModel([{"for": "summary", "text": "Of boats."}], context_window=WINDOW)
    row = Message("message-1", "user", (TextPart("We sail at noon."),), NOON.isoformat())
    previous = "Nadia is a boat. " + "A long summary. " * 6_000

    async def write() -> Summary:
        return await write_summary(
            [row],
            previous=previous,
            size=SummarySize(chars=3_000, tokens=1_000),
            model=model,
            context_window=WINDOW,
            agent=AgentSettings("Ada"),
            counter=TokenCounter(),
            caller=Caller(
                now=lambda: NOON, new_id=new_uuid_id, person=Person("Pat", "p@x"), about={}
            ),
            when=lambda created_at: created_at,
        )

    summary = anyio.run(write)

    assert (summary.text, summary.written_by, summary.trouble) == ("Of boats.", model.handle, "")
    (request,) = model.requests
    assert "Nadia" in request.messages[0].text and "We sail at noon." in request.messages[0].text
    assert tokens(request) < WINDOW // 3
