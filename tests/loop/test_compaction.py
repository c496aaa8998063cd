"""A full window is compacted: the thread is kept, nothing is lost, and no turn fails of length."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from lettafs.disk import faults
from lettafs.errors import DiskProblem, ModelAuthProblem, UsageProblem
from lettafs.format.recall_line import MessageRecord, RecallRecord, RunRecord
from lettafs.llm.scripted import ScriptedModel
from lettafs.loop.compaction import compact_on_request
from lettafs.stores.recall import Recall
from lettafs.values.event import (
    Compacted,
    Event,
    Failure,
    MessageAdded,
    Notice,
    RunFinished,
)
from lettafs.values.message import Message, Role, TextPart
from lettafs.values.run import Run, Usage
from tests.support.fake_openai import FakeOpenAI, finish, stream, text_chunks, usage
from tests.support.models import openai_model
from tests.support.talk import NOON, Talk, agent_of, call, calls, notices, of, sent, talk_with, text

LONG = "We spoke of harbours and of winds. " * 12


def journal(root: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for path in sorted((root / "recall").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def windows(root: Path) -> list[dict[str, Any]]:
    return [record for record in journal(root) if record["type"] == "window"]


def filled(
    root: Path, *, turns: int | None = None, settings: str = "", window: int = 8_000
) -> Talk:
    """Return a talk of so many turns, none of which filled the window; None: nearly full."""
    talk = talk_with(root, context_window=window, settings=settings)
    prompt = talk.agent.prompt()
    if turns is None:
        turns = prompt.room // prompt.counter.messages(_exchange(0)) - 1
    Recall(root).append([record for number in range(turns) for record in _records(number)])
    return talk


def _exchange(number: int) -> tuple[Message, Message]:
    asked, told = f"Question {number}.", f"Answer {number}. {LONG}"
    run = f"run-{number}"
    return (
        Message(f"asked-{number}", "user", (TextPart(asked),), NOON.isoformat(), run_id=run),
        Message(f"told-{number}", "assistant", (TextPart(told),), NOON.isoformat(), run_id=run),
    )


def _records(number: int) -> list[RecallRecord]:
    now = NOON.isoformat()
    run = Run(f"run-{number}", "completed", "end_turn", "scripted:script", Usage(), now, now)
    return [*(MessageRecord(0, row) for row in _exchange(number)), RunRecord(0, run)]


def until_compacted(talk: Talk) -> tuple[list[Event], Compacted]:
    """Talk on until the window is compacted; return the events of that turn."""
    for number in range(60):
        talk.model._lines.append(text(f"Later answer {number}. {LONG}"))
        events = talk.hear(f"Later question {number}.")
        if found := of(events, Compacted):
            return events, found[0]
    raise AssertionError("the window was never full")


def summary_of(events: Sequence[Event]) -> Message:
    (found,) = [e.message for e in of(events, MessageAdded) if e.message.kind == "summary"]
    return found


def test_full_window_is_summed_up_and_the_turn_goes_on(tmp_path: Path) -> None:
    talk = filled(tmp_path)

    events, compacted = until_compacted(talk)

    assert of(events, RunFinished)[0].stop_reason == "end_turn"
    assert "compaction" in notices(events)
    summary = summary_of(events)
    assert compacted.trigger == "window_full"
    assert compacted.message_id == summary.id
    assert compacted.messages_after < compacted.messages_before
    assert compacted.tokens_after < compacted.tokens_before * 0.75 < 8_000
    assert (compacted.context_window, compacted.trouble) == (8_000, "")
    assert compacted.written_by == talk.model.handle
    # The summary is the first thing the model sees, what was just said the last.
    request = talk.requests[-1]
    assert request.messages[0] == summary
    assert request.messages[-1].text.startswith("Later question")
    assert summary.text.startswith("Summary of the ")
    assert "Answer 0" in summary.text and "Question 0" not in sent(request)[1:]
    # It is durable before the record that names it, and belongs to the run.
    records = journal(tmp_path)
    (at,) = [n for n, r in enumerate(records) if r.get("kind") == "summary"]
    (record,) = windows(tmp_path)
    assert records.index(record) == at + 1
    assert (record["reason"], record["summary"]) == ("compaction", summary.id)
    assert record["start"] == request.messages[1].id
    assert summary.run_id == request.messages[-1].run_id
    ids = [r["id"] for r in records if r["type"] == "message"]
    assert record["earlier"] == ids.index(record["start"])
    assert f"conversation_search: {record['earlier']}\n" in request.system
    assert f"Summary of the {record['earlier']} earlier messages" in summary.text


def test_what_the_summariser_is_asked_is_a_plain_request(tmp_path: Path) -> None:
    talk = filled(tmp_path)

    _, compacted = until_compacted(talk)

    request = talk.summaries[0]
    assert (request.tools, request.purpose, request.tool_choice) == ((), "summary", "auto")
    (asked,) = request.messages
    assert asked.role == "user"
    assert "[2026-03-01 12:00] user: Question 0.\n[2026-03-01 12:00] assistant: Ans" in asked.text
    assert "Write the summary now, in at most" in asked.text
    assert request.system.startswith("You keep the memory of a long conversation")
    assert compacted.usage.step_count == 0


def test_summary_by_a_model_is_its_words_and_costs_are_counted(tmp_path: Path) -> None:
    talk = filled(tmp_path)
    usage = {"prompt_tokens": 3_000, "completion_tokens": 40}
    talk.model._lines.append({"for": "summary", "text": "They like Trieste.", "usage": usage})
    talk.model._rules.append({"match": "", "text": f"On. {LONG}"})

    events: list[Event] = []
    while not of(events, Compacted):
        events = talk.hear("And?")

    assert summary_of(events).text.endswith("word for word.\n\nThey like Trieste.")
    assert of(events, RunFinished)[0].usage.prompt_tokens == 3_000
    assert of(events, RunFinished)[0].usage.step_count == 1


def test_each_summary_continues_the_one_before(tmp_path: Path) -> None:
    talk = filled(tmp_path)
    talk.model._lines.append({"for": "summary", "text": "First: the boat is Nadia."})
    talk.model._lines.append({"for": "summary", "text": "Second: the boat is Nadia."})
    talk.model._rules.append({"match": "", "text": f"On. {LONG}"})
    seen: list[Event] = []
    while len(of(seen, Compacted)) < 2:
        seen += talk.hear("And?")

    second = talk.summaries[1].messages[0].text
    assert "[earlier] summary: First: the boat is Nadia." in second
    assert "Summary of the" not in second
    front = talk.requests[-1].messages[0]
    assert front.text.endswith("Second: the boat is Nadia.")
    assert [row.kind for row in talk.requests[-1].messages].count("summary") == 1
    assert [w["summary"] for w in windows(tmp_path)][-1] == front.id


TROUBLES: dict[str, tuple[dict[str, Any], str]] = {
    "refuses": ({"error": "refused", "message": "No such model."}, "No such model"),
    "has no key": ({"error": "auth"}, "The script says: auth"),
    "stays down": ({"error": "overloaded", "times": 6}, "overloaded"),
    "says nothing": ({"text": " \n"}, "wrote nothing"),
    "breaks off": ({"text": "They", "cut": True}, "cuts the reply off"),
    "only thinks": ({"reasoning": "Hm."}, "wrote nothing"),
    "finds it too long": ({"error": "context_overflow", "times": 3}, "context_overflow"),
    "is slow": ({"text": "Late.", "delay_s": 60}, "took longer than 0 s"),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_summariser_that_fails_is_replaced_by_rules(name: str, tmp_path: Path) -> None:
    line, words = TROUBLES[name]
    talk = filled(tmp_path)
    if name == "is slow":
        talk.agent._caller = replace(talk.agent._caller, summary_patience_s=0.1)
    talk.model._lines.append({"for": "summary", **line})
    talk.model._rules.append({"match": "", "text": f"On. {LONG}"})

    events: list[Event] = []
    while not of(events, Compacted):
        events = talk.hear("And?")

    assert of(events, Failure) == []
    assert of(events, RunFinished)[0].stop_reason == "end_turn"
    (compacted,) = of(events, Compacted)
    assert compacted.written_by == "rules" and words in compacted.trouble
    (told,) = [e for e in of(events, Notice) if e.level == "warning" and e.code == "compaction"]
    assert told.text.startswith("The summary was made by rules: ") and words in told.text
    assert "Answer 0" in summary_of(events).text


def test_too_long_for_the_model_is_summed_up_once_and_asked_again(tmp_path: Path) -> None:
    talk = filled(tmp_path, turns=20, window=32_000)
    talk.model._lines += [{"error": "context_overflow"}, text("Shorter now.")]

    events = talk.hear("And?")

    (compacted,) = of(events, Compacted)
    assert compacted.trigger == "overflow"
    assert of(events, RunFinished)[0].stop_reason == "end_turn"
    before, after = talk.requests[-2:]
    assert after.messages[0].kind == "summary"
    assert len(after.messages) <= len(before.messages) / 2
    assert [w["reason"] for w in windows(tmp_path)] == ["compaction"]


def test_still_too_long_leaves_more_and_more_out_but_never_the_summary(tmp_path: Path) -> None:
    talk = filled(tmp_path, turns=20, window=32_000)
    talk.model._lines += [{"error": "context_overflow", "times": 3}, text("At last.")]

    events = talk.hear("And?")

    assert of(events, RunFinished)[0].stop_reason == "end_turn"
    assert len(of(events, Compacted)) == 1
    kept = [len(request.messages) for request in talk.requests[-4:]]
    assert kept[0] > kept[1] >= kept[2] >= kept[3] >= 2
    assert [r.messages[0].kind for r in talk.requests[-3:]] == ["summary"] * 3
    assert talk.requests[-1].messages[-1].text == "And?"
    reasons = [w["reason"] for w in windows(tmp_path)]
    assert reasons[0] == "compaction" and set(reasons[1:]) <= {"trim"}
    assert {w["summary"] for w in windows(tmp_path)} == {talk.requests[-1].messages[0].id}
    talk.model._lines.append(text("Fine."))
    talk.say("More?")
    # The summary itself was cut shorter in the last resort, and is whole again.
    assert (
        sent(talk.requests[-1])[1 : len(talk.requests[-2].messages)] == sent(talk.requests[-2])[1:]
    )


def test_run_goes_on_however_often_it_becomes_too_long(tmp_path: Path) -> None:
    talk = filled(tmp_path, turns=20, window=32_000)
    for number in range(6):
        talk.model._lines.append({"error": "context_overflow", "times": 2})
        talk.model._lines.append(call("conversation_search", query=f"harbour {number}"))
    talk.model._lines.append(text("At last."))

    events = talk.hear("Search, please.")

    assert of(events, RunFinished)[0].stop_reason == "end_turn"
    assert "Search, please." in [m.text for m in talk.requests[-1].messages]


def test_step_near_the_limit_is_followed_by_a_compaction(tmp_path: Path) -> None:
    talk = filled(tmp_path, turns=6, window=32_000)
    usage = {"prompt_tokens": 29_000, "completion_tokens": 100}
    talk.model._lines.append(text("Nearly full.", usage=usage))

    events = talk.hear("And?")

    (compacted,) = of(events, Compacted)
    assert compacted.trigger == "after_step"
    assert of(events, RunFinished)[0].stop_reason == "end_turn"
    shown = talk.agent.prompt().messages
    assert shown[0].kind == "summary"
    assert [m.text for m in shown[-2:]] == ["And?", "Nearly full."]


def test_run_that_outgrows_the_window_sums_its_own_steps_up(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, context_window=8_000, settings="max_steps = 40\n")
    for number in range(24):
        note = {"content": f"{number} " + "long words " * 120}
        talk.model._lines.append(calls(("archival_memory_insert", note)))
    talk.model._lines.append(text("All kept."))

    events = talk.hear("Keep two dozen long notes, please.")

    assert of(events, RunFinished)[0].stop_reason == "end_turn"
    assert len(of(events, Compacted)) >= 2
    for request in talk.requests:
        asked = [m for m in request.messages if m.kind == "message" and m.role == "user"]
        assert [m.text for m in asked] == ["Keep two dozen long notes, please."]
        made = [one.id for m in request.messages for one in m.tool_calls]
        assert made == [back.call_id for m in request.messages for back in m.tool_returns]
    assert "archival_memory_insert" in talk.requests[-1].messages[0].text or talk.summaries
    assert any(record.get("drop") for record in windows(tmp_path))
    assert len(talk.agent.passages()) == 24


def test_agent_that_speaks_with_a_tool_is_summed_up_by_what_it_said(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, context_window=8_000, kind="memgpt_v2_agent")
    seen: list[Event] = []
    for number in range(40):
        words = f"The harbour number {number} is called Porto{number}. {LONG}"
        talk.model._lines.append(call("send_message", message=words))
        seen += talk.hear(f"Which is harbour {number}?")
        if of(seen, Compacted):
            break

    assert of(seen, Failure) == []
    asked = talk.summaries[0].messages[0].text
    assert "assistant: The harbour number 0 is called Porto0." in asked
    assert "tool call send_message" not in asked
    assert "Porto0" in talk.requests[-1].messages[0].text


def test_undo_of_the_turn_takes_its_compaction_back(tmp_path: Path) -> None:
    talk = filled(tmp_path)
    before = Recall(tmp_path).window()
    for number in range(80):
        talk.model._lines.append(text(f"On. {LONG}"))
        if not of(talk.hear("And?"), Compacted):
            before = Recall(tmp_path).window()
            continue
        made = Recall(tmp_path).window()
        assert made != before and made.messages[0].kind == "summary"

        talk.agent.undo()

        assert Recall(tmp_path).window() == before
        if before.messages[0].kind == "summary":
            assert before.messages[0].id != made.messages[0].id
            return
        assert (before.messages[0].text, before.earlier) == ("Question 0.", 0)
        # Said again, it is compacted again, and the next one is undone, too.
        talk.model._lines.append(text(f"On, {number}. {LONG}"))
        talk.hear("And?")
        before = Recall(tmp_path).window()
    raise AssertionError("the window was full only once")


def test_provider_is_sent_the_transcript_and_no_tools(tmp_path: Path) -> None:
    talk = filled(tmp_path)
    prompt = "They like Trieste."
    with FakeOpenAI([stream(*text_chunks(prompt), finish(), usage())]) as server:
        agent = agent_of(tmp_path, openai_model(server))
        done = agent.compact("all")
        body = server.requests[-1].json

    assert done is not None and done.written_by == "llamacpp/fake-model"
    assert done.usage.prompt_tokens == 11
    assert [row["role"] for row in body["messages"]] == ["system", "user"]
    assert body["messages"][1]["content"].startswith("<transcript>\n[2026-03-01 12:00] user: Que")
    assert not {"tools", "tool_choice", "purpose"} & set(body)
    assert talk.agent.prompt().messages[0].text.endswith(prompt)


# -- on request ----------------------------------------------------------------------------------


def test_compaction_on_request_is_a_turn_of_its_own_that_undo_takes_back(tmp_path: Path) -> None:
    talk = filled(tmp_path, turns=10)
    before = talk.agent.prompt().messages

    done = talk.agent.compact()

    assert done is not None and done.trigger == "request"
    shown = talk.agent.prompt().messages
    assert shown[0].id == done.message_id
    assert shown[1:] == before[-len(shown[1:]) :]
    assert len(before) - len(shown) + 1 == 8  # 40 % of the rows
    entry = talk.agent.log(1)[0]
    assert (entry.subject, entry.by, entry.kind) == ("Sum up older messages", "agent", "turn")
    assert entry.commit and talk.agent.problems() == []
    runs = [record for record in journal(tmp_path) if record["type"] == "run"]
    assert (runs[-1]["status"], runs[-1]["stop_reason"]) == ("completed", "end_turn")
    (undone,) = talk.agent.undo()
    assert (undone.messages, undone.summaries) == (0, 1)
    assert talk.agent.prompt().messages == before


def test_compaction_of_all_leaves_the_summary_alone_and_the_talk_goes_on(tmp_path: Path) -> None:
    talk = filled(tmp_path, turns=5)

    done = talk.agent.compact("all")

    assert done is not None and done.messages_after == 1
    assert [m.kind for m in talk.agent.prompt().messages] == ["summary"]
    assert talk.agent.compact("all") is None
    talk.model._lines += [text("Yes."), text("Still.")]
    talk.say("Are you there?")
    talk.say("And now?")
    told = [m.text for m in talk.requests[-1].messages]
    assert told[0].startswith("Summary of the 10 earlier messages")
    assert told[1:] == ["Are you there?", "Yes.", "And now?"]
    assert [m.text for m in Recall(tmp_path).window().messages][1] == "Are you there?"


def test_nothing_to_compact_writes_nothing(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Hi."))
    talk.say("Hello.")
    talk.agent.undo()
    before = journal(tmp_path), talk.agent.log()

    assert talk.agent.compact() is None

    assert (journal(tmp_path), talk.agent.log()) == before


def test_events_of_a_requested_compaction_frame_it_as_a_run(tmp_path: Path) -> None:
    talk = filled(tmp_path, turns=4)

    async def collect() -> list[Event]:
        home = talk.agent._home
        events = compact_on_request(home, model=talk.model, caller=talk.agent._caller, mode="all")
        async with aclosing(events):
            return [event async for event in events]

    heard = anyio.run(collect)
    assert notices(heard)[-1] == "compaction"
    assert [type(event).__name__ for event in heard if not isinstance(event, Notice)] == [
        "RunStarted",
        "MessageAdded",
        "Compacted",
        "RunFinished",
        "Checkpoint",
    ]


# -- settings ------------------------------------------------------------------------------------


def test_settings_decide_mode_prompt_and_length(tmp_path: Path) -> None:
    settings = '[compaction]\nmode = "all"\nprompt = "Be brief."\nclip_chars = 300\n'
    talk = filled(tmp_path, turns=8, settings=settings)
    talk.model._lines.append({"for": "summary", "text": "Much was said. " * 100})

    done = talk.agent.compact()

    assert done is not None and done.messages_after == 1
    assert talk.summaries[0].system == "Be brief."
    assert "in at most 300 characters" in talk.summaries[0].messages[0].text
    body = talk.agent.prompt().messages[0].text.partition("\n\n")[2]
    assert len(body) <= 300 and body.endswith("may have 300 characters]")


def test_another_model_sums_up_when_the_settings_name_one(tmp_path: Path) -> None:
    talk = filled(tmp_path, turns=8, settings='[compaction]\nmodel = "scripted/small"\n')
    small = ScriptedModel([{"for": "summary", "text": "In short."}], name="small")
    wanted: list[str] = []

    def load(choice: Any) -> Any:
        wanted.append(choice.handle)
        return small

    talk.agent.model()
    talk.agent._load = load
    done = talk.agent.compact("all")

    assert done is not None and done.written_by == "scripted:small"
    assert wanted == ["scripted/small"]
    assert talk.summaries == [] and len(small.requests) == 1
    assert small.requests[0].context_window == small.context_window


@pytest.mark.parametrize(
    "own, wanted", [("llamacpp/big", "http://127.0.0.1:9/v1"), ("ollama/big", None)]
)
def test_endpoint_of_the_agent_is_its_summarisers_when_the_provider_is_the_same(
    own: str, wanted: str | None, tmp_path: Path
) -> None:
    settings = f'model = "{own}"\nbase_url = "http://127.0.0.1:9/v1"\n'
    talk = filled(tmp_path, turns=8, settings=settings + '[compaction]\nmodel = "llamacpp/small"\n')
    chosen: list[Any] = []

    def load(choice: Any) -> Any:
        chosen.append(choice)
        return talk.model

    talk.agent.model()
    talk.agent._load = load
    talk.agent.compact("all")

    assert [(c.handle, c.base_url) for c in chosen] == [("llamacpp/small", wanted)]
    # Nobody but the file has named it: it is not trusted with a provider's key.
    assert chosen[0].base_url_source == ("agent" if wanted else "default")


def test_model_that_cannot_be_loaded_is_replaced_by_the_agents_own(tmp_path: Path) -> None:
    talk = filled(tmp_path, turns=8, settings='[compaction]\nmodel = "openai/small"\n')

    def load(choice: Any) -> Any:
        raise ModelAuthProblem("OPENAI_API_KEY is not set.")

    talk.agent.model()
    talk.agent._load = load
    talk.model._lines.append({"for": "summary", "text": "In short."})
    done = talk.agent.compact("all")

    assert done is not None and done.written_by == talk.model.handle


# -- what is too long ----------------------------------------------------------------------------


def test_history_from_elsewhere_is_summed_up_in_a_few_parts(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Hello again."), context_window=8_000)
    rows = []
    for number in range(3_000):
        role: Role = "assistant" if number % 2 else "user"
        said = f"Said as number {number}. {LONG[:120]}"
        rows.append(MessageRecord(0, Message(f"message-{number}", role, (TextPart(said),), "2025")))
    Recall(tmp_path).append(rows)

    events = talk.hear("Do you remember?")

    assert of(events, RunFinished)[0].stop_reason == "end_turn"
    assert 1 <= len(talk.summaries) <= 6
    request = talk.requests[-1]
    assert request.messages[0].kind == "summary"
    assert request.messages[-1].text == "Do you remember?"
    shown = len(request.messages) - 1
    assert windows(tmp_path)[-1]["earlier"] == 3_001 - shown


def test_part_the_summariser_finds_too_long_is_asked_for_in_shorter_ones(tmp_path: Path) -> None:
    talk = filled(tmp_path, turns=16)
    talk.model._lines.append({"for": "summary", "error": "context_overflow"})
    talk.model._lines.append({"for": "summary", "text": "Part by part.", "times": 9})

    done = talk.agent.compact("all")

    assert done is not None and (done.written_by, done.trouble) == (talk.model.handle, "")
    sizes = [len(request.messages[0].text) for request in talk.summaries]
    assert len(sizes) >= 3 and max(sizes[1:]) < sizes[0]


def test_huge_message_is_cut_in_its_middle_when_sent_and_kept_whole(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Long."), text("Fine."), context_window=8_000)
    huge = "begin " + "x" * 60_000 + " end"

    events = talk.hear(huge)

    assert of(events, RunFinished)[0].stop_reason == "end_turn"
    told = talk.requests[0].messages[-1].text
    assert told.startswith("begin xxx") and told.endswith("xxx end")
    assert len(told) < 8_000 * 2
    assert "of 60010 characters are left out here" in told
    assert talk.agent.messages()[0].text == huge
    talk.say("Thanks.")
    assert sent(talk.requests[1])[:1] == sent(talk.requests[0]) or (
        talk.requests[1].messages[0].kind == "summary"
    )


def test_huge_message_a_model_refuses_is_cut_shorter_until_it_fits(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path, {"error": "context_overflow", "times": 3}, text("Long."), context_window=8_000
    )

    events = talk.hear("y" * 60_000)

    assert of(events, RunFinished)[0].stop_reason == "end_turn"
    sizes = [len(request.messages[-1].text) for request in talk.requests]
    assert sizes[0] > sizes[1] > sizes[2] > sizes[3] > 100


def test_many_long_returns_at_once_do_not_fail_the_turn(tmp_path: Path) -> None:
    much = f"--- memory/notes.md\n---\nlimit: 400000\n---\n{'z' * 3_000}\n"
    talk = talk_with(tmp_path, home=much, context_window=8_000)
    for number in range(6):
        talk.model._lines.append(text(f"Said {number}. " + "word " * 900))
        talk.say(f"Tell me {number}.")
    searches = [("conversation_search", {"query": f"word {n}", "limit": 5}) for n in range(12)]
    talk.model._lines += [calls(*searches), text("Done.")]

    events = talk.hear("Search twelve times.")

    assert of(events, RunFinished)[0].stop_reason == "end_turn"
    backs = [back for m in talk.requests[-1].messages for back in m.tool_returns]
    assert len(backs) == 12
    assert sum(len(back.text) for back in backs) < 2 * 6_400 + 12 * 250


def test_system_prompt_longer_than_the_window_says_which_blocks_are_large(tmp_path: Path) -> None:
    big = f"--- memory/diary.md\n---\nlimit: 200000\n---\n{'dear diary ' * 9_000}\n"
    talk = talk_with(tmp_path, text("Never."), home=big, context_window=8_000)

    answer = talk.say("Hello.")

    assert answer.stop_reason == "context_window_overflow_in_system_prompt"
    assert "the block diary (99,001 characters)" in (answer.error or "")
    assert "window of the model is 8,000" in (answer.error or "")
    assert talk.model.requests == []
    assert talk.agent.messages()[-1].text == "Hello."
    (tmp_path / "memory/diary.md").write_text("Short.", encoding="utf-8")
    assert talk.say("And now?").text == "Never."


def test_window_with_no_room_for_a_summary_is_trimmed(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, context_window=8_000)
    words = 2_000
    while talk.agent.prompt().room > 500:
        words += 100
        (tmp_path / "memory/persona.md").write_text("word " * words, encoding="utf-8")
    for number in range(12):
        talk.model._lines.append(text(f"Answer {number}. {LONG}"))
        assert talk.say(f"Question {number}.").error is None

    assert talk.summaries == []
    assert {w["reason"] for w in windows(tmp_path)} == {"trim"}


# -- crashes and interruptions -------------------------------------------------------------------


def test_disk_that_fails_between_summary_and_record_leaves_the_window_as_it_was(
    tmp_path: Path,
) -> None:
    talk = filled(tmp_path, turns=8)
    before = talk.agent.prompt().messages
    appended: list[Path] = []

    def hook(name: str, path: Path) -> None:
        if name == "write" and path.parent.name == "recall":
            appended.append(path)
            if len(appended) == 2:
                raise OSError(5, "died here")

    with faults.installed(hook), pytest.raises(DiskProblem):
        talk.agent.compact("all")
    assert [r["type"] for r in journal(tmp_path)][-1] == "message"
    assert journal(tmp_path)[-1]["kind"] == "summary"

    assert Recall(tmp_path).window().messages == before
    talk.model._lines.append(text("Here."))
    assert talk.say("Are you there?").error is None
    assert talk.requests[-1].messages[:-1] == before
    assert talk.agent.problems() == []


def test_turn_stopped_while_it_is_summed_up_writes_no_summary(tmp_path: Path) -> None:
    talk = filled(tmp_path, turns=20, window=32_000)
    talk.model._lines += [
        {"error": "context_overflow"},
        {"for": "summary", "text": "Never.", "delay_s": 60},
    ]

    async def stop() -> None:
        with anyio.move_on_after(0.5):
            async with aclosing(talk.agent.stream("And?")) as events:
                async for _ in events:
                    pass

    anyio.run(stop)

    records = journal(tmp_path)
    assert (records[-1]["type"], records[-1]["status"]) == ("run", "cancelled")
    assert windows(tmp_path) == [] and not [r for r in records if r.get("kind") == "summary"]
    assert talk.agent.problems() == []


def test_script_marks_its_summaries(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="for a reply or a summary"):
        ScriptedModel([{"for": "poem", "text": "x"}])
    talk = talk_with(tmp_path, {"for": "summary", "text": "x"}, text("Hi."))
    assert "is for a summary, and none was asked for" in (talk.say("Hello.").error or "")
