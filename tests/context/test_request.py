"""What a model is sent: whole texts, and how one request continues the last."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import lettafs
from lettafs.context.request import zone
from lettafs.llm.base import ModelRequest
from lettafs.values.event import MessageAdded, RunFinished
from tests.support.fake_openai import FakeOpenAI, call_chunks, finish, stream, text_chunks
from tests.support.models import openai_model
from tests.support.talk import Talk, agent_of, call, calls, of, sent, talk_with, text

ID = "agent-00000000-0000-4000-8000-000000000001"
PLAIN_SYSTEM = f"""\
You are Ada.

<memory_blocks>
Your core memory. You change it with your memory tools; sizes are in characters.

<human>
<description>
Who they are.
</description>
<metadata>
- chars_current=18
- chars_limit=20000
</metadata>
<value>
Her name is Chad.

</value>
</human>

<persona>
<description>
Who I am.
</description>
<metadata>
- chars_current=10
- chars_limit=20000
</metadata>
<value>
I am Ada.

</value>
</persona>

</memory_blocks>

<memory_metadata>
- your id: {ID}
- today: Sunday, 2026-03-01 (UTC)
- earlier messages, found by conversation_search: 0
</memory_metadata>"""

ODD_HOME = """\
--- system.md
Before.
{CORE_MEMORY}
After. {CORE_MEMORY}
--- memory/human.md
---
limit: 5
read_only: true
---
Über 🌍
\\ no line feed
--- memory/projects/rome.md
A trip.
--- memory/odd~1b2c3d4e.md
---
label: 'a "b" <c>'
---
"""
ODD_SYSTEM = f"""\
Before.
<memory_blocks>
Your core memory. You change it with your memory tools; sizes are in characters.

<block label="a &quot;b&quot; &lt;c&gt;">
<metadata>
- chars_current=0
- chars_limit=20000
</metadata>
<value>

</value>
</block>

<human>
<metadata>
- read_only=true
- chars_current=6
- chars_limit=5
</metadata>
<value>
Über 🌍
</value>
</human>

<persona>
<description>
Who I am.
</description>
<metadata>
- chars_current=10
- chars_limit=20000
</metadata>
<value>
I am Ada.

</value>
</persona>

<block label="projects/rome">
<metadata>
- chars_current=8
- chars_limit=20000
</metadata>
<value>
A trip.

</value>
</block>

</memory_blocks>

<tool_usage_rules>
Calls that break these rules are refused.
<tool_rule>
memory_insert ends your turn.
</tool_rule>
</tool_usage_rules>

<memory_metadata>
- your id: {ID}
- today: Monday, 2026-03-02 (Asia/Tokyo)
- earlier messages, found by conversation_search: 0
- notes in archival memory: 2
- tags of these notes: food, trip
</memory_metadata>
After. {{CORE_MEMORY}}
"""


def test_system_text_of_a_plain_home_is_this(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Hi."), settings=f'id = "{ID}"\n')

    talk.say()

    assert talk.requests[0].system == PLAIN_SYSTEM


def test_system_text_of_an_odd_home_is_this(tmp_path: Path) -> None:
    settings = (
        f'id = "{ID}"\ntimezone = "Asia/Tokyo"\n'
        '[[tool_rules]]\ntype = "exit_loop"\ntool_name = "memory_insert"\n'
    )
    talk = talk_with(tmp_path, text("Hi."), settings=settings, home=ODD_HOME)
    talk.now += timedelta(hours=4)
    talk.agent.remember("One.", tags=["trip", "food"])
    talk.agent.remember("Two.", tags=["trip"])

    talk.say()

    assert talk.requests[0].system == ODD_SYSTEM


@pytest.mark.parametrize(
    "kind, told",
    [
        ("letta_v1_agent", "Your reply is the text you write; it ends your turn."),
        ("memgpt_agent", "to speak to the person, call\nsend_message."),
        ("memgpt_v2_agent", "Set request_heartbeat to true when you want to go on"),
    ],
)
def test_home_without_instructions_has_those_of_its_type(
    kind: str, told: str, tmp_path: Path
) -> None:
    talk = talk_with(tmp_path, text("Hi."), kind=kind)
    (tmp_path / "system.md").unlink()

    assert told in talk.agent.prompt().system


def test_empty_instructions_are_what_the_person_wants(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Hi."), home="--- system.md\n")

    assert talk.agent.prompt().system.startswith("<memory_blocks>")


def test_forty_tags_are_told_and_no_more(tmp_path: Path) -> None:
    talk = talk_with(tmp_path)
    talk.agent.remember("Much.", tags=[f"tag{n:02}" for n in range(45)])

    system = talk.agent.prompt().system

    assert "tag39, ...\n" in system and "tag40" not in system


def test_same_files_give_the_same_request_in_any_process(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Hi."), text("Ho."))
    talk.say()

    first, second = talk.agent.prompt(), agent_of(tmp_path, talk.model, clock=talk).prompt()

    assert first == second


@pytest.mark.parametrize("kind", ["letta_v1_agent", "memgpt_v2_agent", "memgpt_agent"])
def test_prompt_is_what_is_then_sent(kind: str, tmp_path: Path) -> None:
    send = call("send_message", message="Hi.") if kind != "letta_v1_agent" else text("Hi.")
    talk = talk_with(tmp_path, send, send, kind=kind)
    talk.say("One.")

    prompt = talk.agent.prompt()
    talk.say("Two.")

    request = talk.requests[-1]
    assert prompt.system == request.system
    assert prompt.tools == request.tools
    assert prompt.messages == request.messages[:-1]
    assert request.messages[-1].text == "Two."
    assert prompt.context_window == request.context_window
    shown = {section.name for section in prompt.sections}
    assert {"instructions", "core memory", "metadata", "tools", "messages"} <= shown
    assert prompt.total_tokens == sum(section.tokens for section in prompt.sections)


def test_prompt_needs_no_model_that_can_answer(tmp_path: Path) -> None:
    talk_with(tmp_path, settings='model = "openai/gpt-4.1"\n')

    prompt = lettafs.open_agent(tmp_path).prompt()

    assert "Her name is Chad." in prompt.system


def serialised(request: ModelRequest) -> list[str]:
    return [request.system, *sent(request)]


def test_every_request_begins_with_the_one_before(tmp_path: Path) -> None:
    talk = talk_with(tmp_path)
    for number in range(30):
        if number % 3 == 0:
            talk.model._lines.append(call("conversation_search", query=f"word{number}"))
        if number % 7 == 0:
            talk.model._lines.append(text(""))
        talk.model._lines.append({"reasoning": "Hm.", "text": f"Reply {number}."})
        talk.say(f"Message {number}.")
        talk.now += timedelta(minutes=17)

    lines = [serialised(request) for request in talk.requests]
    assert len(lines) > 40
    for before, after in zip(lines, lines[1:], strict=False):
        assert after[: len(before)] == before
    tools = {json.dumps([dict(t.parameters) for t in r.tools]) for r in talk.requests}
    assert len(tools) == 1


def test_edit_of_a_block_changes_that_block_and_nothing_else(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path, call("memory_insert", label="human", new_string="Tea."), text("Hi."), text("Ho.")
    )
    talk.say()
    before, after = talk.requests

    assert sent(after)[:1] == sent(before)
    start = before.system.index("<human>")
    assert after.system[:start] == before.system[:start]
    assert after.system.split("</human>")[1] == before.system.split("</human>")[1]
    assert before.tools == after.tools


def test_another_day_changes_the_metadata_at_the_end_only(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Hi."), text("Ho."))
    talk.say()
    talk.now += timedelta(days=1)
    talk.say()

    before, after = talk.requests
    start = before.system.index("- today:")
    assert after.system[:start] == before.system[:start]
    assert after.system[start:].startswith("- today: Monday, 2026-03-02 (UTC)\n")
    assert sent(after)[:1] == sent(before)


def test_persons_edit_is_in_the_next_step_of_a_running_turn(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, call("conversation_search", query="x"), text("Hi."))
    model_stream = talk.model.stream

    def edited_meanwhile(request: Any) -> Any:
        (tmp_path / "memory/persona.md").write_text("I am Bea.", encoding="utf-8")
        talk.model.stream = model_stream  # type: ignore[method-assign]
        return model_stream(request)

    talk.model.stream = edited_meanwhile  # type: ignore[method-assign]
    talk.say()

    assert "I am Ada." in talk.requests[0].system
    assert "I am Bea." in talk.requests[1].system


@pytest.mark.parametrize("kind", ["letta_v1_agent", "memgpt_v2_agent", "memgpt_agent"])
def test_fixed_overhead_of_a_fresh_agent_is_below_six_kilobytes(
    kind: str, tmp_path: Path, record_property: Any
) -> None:
    lettafs.create_agent(tmp_path / "ada", agent_type=kind)
    told = call_chunks("send_message", '{"message": "Hi."}')
    with FakeOpenAI([stream(*(text_chunks("Hi.") if "v1" in kind else told), finish())]) as server:
        answer = agent_of(tmp_path / "ada", openai_model(server)).send("Hello.")
        body = server.requests[-1].json

    assert answer.text == "Hi."
    system = body["messages"][0]["content"]
    assert body["messages"][0]["role"] == "system"
    tools = json.dumps(body["tools"], ensure_ascii=False, separators=(",", ":"))
    print(f"\n{kind}: {len(system)} + {len(tools)} = {len(system) + len(tools)} characters")
    assert len(system) + len(tools) < 6 * 1024


def test_unknown_time_zone_is_utc() -> None:
    assert str(zone("Mars/Olympus")) == "UTC"
    assert str(zone("../etc/passwd")) == "UTC"
    assert str(zone("Asia/Tokyo")) == "Asia/Tokyo"


# -- the window, trimmed --------------------------------------------------------------------------


def long_talk(root: Path, *, turns: int) -> Talk:
    talk = talk_with(root, context_window=8_000)
    for number in range(turns):
        if number % 4 == 0:
            talk.model._lines.append(call("conversation_search", query=f"word{number}"))
        talk.model._lines.append(text(f"Reply {number}: " + "long words " * 60))
        talk.say(f"Message {number}.")
    return talk


def windows(root: Path) -> list[dict[str, Any]]:
    return [
        record
        for path in sorted((root / "recall").glob("*.jsonl"))
        for record in map(json.loads, path.read_text(encoding="utf-8").splitlines())
        if record["type"] == "window"
    ]


def test_trimmed_window_keeps_its_beginning_for_many_turns(tmp_path: Path) -> None:
    talk = long_talk(tmp_path, turns=40)

    starts = [request.messages[0].id for request in talk.requests]
    changes = sum(a != b for a, b in zip(starts, starts[1:], strict=False))
    trims = windows(tmp_path)
    assert 2 <= changes <= 8
    assert [trim["reason"] for trim in trims] == ["compaction"] * changes
    assert list(dict.fromkeys(starts))[1:] == [trim["summary"] for trim in trims]
    for before, after in zip(talk.requests, talk.requests[1:], strict=False):
        if before.messages[0].id == after.messages[0].id and before.system == after.system:
            assert sent(after)[: len(before.messages)] == sent(before)
    ids = [m.id for m in talk.agent.messages(1000) if m.kind != "summary"]
    for trim in trims:
        assert trim["earlier"] == ids.index(trim["start"])
    assert f"found by conversation_search: {trims[-1]['earlier']}\n" in talk.requests[-1].system


def test_no_trimmed_request_separates_a_call_from_its_return(tmp_path: Path) -> None:
    talk = long_talk(tmp_path, turns=22)

    for request in talk.requests:
        assert request.messages[0].role == "user"
        made = [one.id for m in request.messages for one in m.tool_calls]
        answered = [back.call_id for m in request.messages for back in m.tool_returns]
        assert made == answered
        assert any(
            m.role == "user" and m.run_id == request.messages[-1].run_id for m in request.messages
        )


def test_run_that_outgrows_the_window_keeps_what_the_person_said(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, context_window=8_000, settings="max_steps = 30\n")
    for number in range(12):
        talk.model._lines.append(
            calls(
                ("archival_memory_insert", {"content": f"{number} " + "long words " * 120}),
                ("conversation_search", {"query": f"word{number}"}),
            )
        )
    talk.model._lines += [text("All kept."), text("Fine.")]

    answer = talk.say("Keep twelve long notes, please.")

    assert answer.text == "All kept."
    for request in talk.requests:
        asked = [m for m in request.messages if m.role == "user" and m.kind == "message"]
        assert [m.text for m in asked] == ["Keep twelve long notes, please."]
        made = [one.id for m in request.messages for one in m.tool_calls]
        assert made == [back.call_id for m in request.messages for back in m.tool_returns]
    assert len(talk.requests[-1].messages) < 20
    assert any(trim.get("drop") for trim in windows(tmp_path))
    assert len([m for m in talk.agent.messages(1000) if m.kind != "summary"]) == 26
    talk.say("Thanks.")
    assert sent(talk.requests[-1])[: len(talk.requests[-2].messages)] == sent(talk.requests[-2])


def test_message_longer_than_the_window_is_still_sent(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Hi."), text("Long."), context_window=4_000)
    talk.say("First.")

    events = talk.hear("x" * 30_000)

    assert of(events, RunFinished)[0].stop_reason == "end_turn"
    told = talk.requests[-1].messages[-1].text
    assert told.startswith("xxx") and told.endswith("xxx") and len(told) < 20_000
    assert of(events, MessageAdded)[0].message.text == "x" * 30_000


def test_long_return_is_cut_for_the_model_and_kept_whole(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        call("memory_insert", label="human", new_string="end"),
        text("Done."),
        home=f"--- memory/human.md\n---\nlimit: 100000\n---\n{'x' * 9_000}\n",
        context_window=6_000,
    )

    talk.say()

    (shown,) = [back for m in talk.requests[-1].messages for back in m.tool_returns]
    (kept,) = talk.returns()
    assert shown.text.startswith(
        f"{kept.text[:5_000]}\n[cut: 5000 of {len(kept.text)} characters shown. For the rest ask "
    )
    assert 'conversation_search, roles ["tool"]' in shown.text
    assert len(kept.text) > 9_000
