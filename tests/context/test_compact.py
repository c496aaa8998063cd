"""Compaction as a function of messages: what leaves, what is asked, how long a summary is."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lettafs.context.compact import (
    Cut,
    SummarySize,
    by_rules,
    clip_summary,
    cut_window,
    instructions,
    local_time,
    question,
    split_parts,
    summary_body,
    summary_message,
    summary_size,
    summary_text,
)
from lettafs.context.tokens import TokenCounter
from lettafs.values.agent import CompactionMode
from lettafs.values.message import Message, TextPart, ToolCall, ToolReturn

COUNT = TokenCounter()


def row(number: int, role: str, words: str, *, kind: str = "message") -> Message:
    return Message(f"message-{number}", role, (TextPart(words),), "2026-03-01", kind=kind)  # type: ignore[arg-type]


def turns(number: int, *, words: str = "some words") -> list[Message]:
    return [row(at, "assistant" if at % 2 else "user", f"{at} {words}") for at in range(2 * number)]


def cut(
    messages: list[Message],
    *,
    target: int = 10**9,
    mode: CompactionMode = "sliding_window",
    in_run: bool = False,
    share: float = 0.3,
) -> Cut:
    found = cut_window(
        messages, mode=mode, share=share, target_tokens=target, cost=COUNT.message, in_run=in_run
    )
    assert found is not None
    return found


@st.composite
def windows(draw: st.DrawFn) -> list[Message]:
    """Return a window: perhaps a summary, then turns with steps, calls and beats."""
    found: list[Message] = []
    size = st.integers(0, 200)
    if draw(st.booleans()):
        found.append(row(1_000, "user", "s" * draw(size), kind="summary"))
    for _ in range(draw(st.integers(0, 5))):
        found.append(row(len(found), "user", "u" * draw(size)))
        for _ in range(draw(st.integers(0, 4))):
            number = len(found)
            made = tuple(
                ToolCall(f"call-{number}-{n}", "find", "x" * draw(size))
                for n in range(draw(st.integers(1, 3)))
            )
            back = tuple(ToolReturn(one.id, "find", "success", "y" * draw(size)) for one in made)
            found.append(Message(f"message-{number}", "assistant", made, "2026-03-01"))
            found.append(Message(f"message-{number + 1}", "tool", back, "2026-03-01"))
            if draw(st.booleans()):
                found.append(row(len(found), "user", "beat", kind="heartbeat"))
        if draw(st.booleans()):
            found.append(row(len(found), "assistant", "a" * draw(size)))
    return found


@settings(max_examples=300, deadline=None)
@given(
    windows(),
    st.integers(0, 1_000),
    st.sampled_from(["sliding_window", "all"]),
    st.booleans(),
    st.floats(0.05, 0.95),
)
def test_every_cut_is_whole_and_can_be_sent(
    messages: list[Message], target: int, mode: CompactionMode, in_run: bool, share: float
) -> None:
    found = cut_window(
        messages, mode=mode, share=share, target_tokens=target, cost=COUNT.message, in_run=in_run
    )
    rows = [message for message in messages if message.kind != "summary"]
    if found is None:
        steps = [message for message in rows if message.role == "assistant"]
        assert not rows or (in_run and rows[0].role == "user" and len(steps) <= 1)
        return
    # All is there once: what leaves, what stays, and the old summary by itself.
    assert found.leaving
    assert sorted(m.id for m in (*found.leaving, *found.kept)) == sorted(m.id for m in rows)
    assert (found.previous is not None) == (len(rows) < len(messages))
    order = [message.id for message in rows]
    assert [order.index(m.id) for m in found.kept] == sorted(order.index(m.id) for m in found.kept)
    # Calls and returns stay together, on either side.
    for side in (found.leaving, found.kept):
        made = [one.id for message in side for one in message.tool_calls]
        assert made == [back.call_id for message in side for back in message.tool_returns]
    if found.kept:
        first = found.kept[0]
        assert first.role in ("user", "assistant") and first.kind == "message"
    asked = [message for message in rows if message.role == "user" and message.kind == "message"]
    if in_run:
        assert asked[-1] in found.kept and rows[-1] in found.kept
    # What leaves from behind the first that stays is named; the rest lies before it.
    start = order.index(found.kept[0].id) if found.kept else len(order)
    behind = [m.id for m in found.leaving if order.index(m.id) > start]
    assert list(found.dropped) == behind


def test_forty_of_a_hundred_rows_leave_when_that_is_enough() -> None:
    assert len(cut(turns(50)).leaving) == 40
    assert len(cut(turns(50), share=0.5).leaving) == 60


def test_more_leave_until_the_rest_costs_what_it_may() -> None:
    messages = turns(50)
    each = COUNT.message(messages[99])

    assert len(cut(messages, target=each * 35).leaving) == 70
    assert len(cut(messages, target=0).leaving) == 100


def test_while_a_run_is_open_its_question_and_its_last_step_stay() -> None:
    messages = turns(3)
    for number in range(6, 26, 2):
        call = ToolCall(f"call-{number}", "find", "{}")
        messages.append(Message(f"message-{number}", "assistant", (call,), "2026-03-01"))
        back = ToolReturn(call.id, "find", "success", "found " * 40)
        messages.append(Message(f"message-{number + 1}", "tool", (back,), "2026-03-01"))
    messages[4] = row(4, "user", "Look for it.")
    del messages[5]

    found = cut(messages, target=0, in_run=True)

    assert [m.id for m in found.kept] == ["message-4", "message-24", "message-25"]
    assert found.dropped == tuple(f"message-{n}" for n in range(6, 24))
    assert cut(messages, mode="all", in_run=True) == found


def test_all_means_all_when_nobody_waits_for_an_answer() -> None:
    found = cut(turns(5), mode="all")

    assert (found.kept, len(found.leaving)) == ((), 10)


def test_there_is_nothing_to_cut_from_nothing_or_from_a_summary() -> None:
    summary = row(9, "user", "What was.", kind="summary")
    for messages in ([], [summary]):
        assert (
            cut_window(
                messages,
                mode="all",
                share=0.3,
                target_tokens=0,
                cost=COUNT.message,
                in_run=False,
            )
            is None
        )


def test_summary_is_at_most_a_quarter_of_the_window_and_what_the_room_allows() -> None:
    whole = summary_size(100_000, context_window=32_000, clip_chars=50_000)
    assert whole == SummarySize(24_000, 8_000)
    assert summary_size(100_000, context_window=200_000, clip_chars=50_000) == SummarySize(
        50_000, 35_000
    )
    assert summary_size(2_000, context_window=8_000, clip_chars=50_000) == SummarySize(2_100, 700)
    assert summary_size(500, context_window=4_000, clip_chars=50_000) is None


@pytest.mark.parametrize("body", ["words " * 2_000, "字" * 4_000, "x" * 9_000, "🌍" * 3_000])
def test_clipped_summary_fits_and_says_that_it_was_cut(body: str) -> None:
    size = SummarySize(3_000, 1_000)

    clipped = clip_summary(body, size=size, count=COUNT.text)

    assert len(clipped) <= 3_000 and COUNT.text(clipped) <= 1_000
    assert clipped.endswith("[cut here: a summary may have 3000 characters]")
    assert clipped[:100] == body[:100]
    assert clip_summary("Short.", size=size, count=COUNT.text) == "Short."


def test_text_of_a_summary_says_what_it_is_and_gives_its_body_back() -> None:
    body = "Decisions:\n\n- Rome."
    text = summary_text(body, earlier=24, since="2026-01-01 09:00", until="2026-03-01 10:00")
    message = summary_message("message-1", text, created_at="now", run_id="run-1")

    assert text.startswith(
        "Summary of the 24 earlier messages of this conversation, from 2026-01-01 09:00 to "
        "2026-03-01 10:00. They are not shown any more, and nothing of them is lost: "
        "conversation_search finds every one of them, word for word.\n\nDecisions:"
    )
    assert summary_body(message) == body
    assert (message.role, message.kind, message.run_id) == ("user", "summary", "run-1")
    assert "one earlier message" in summary_text("x", earlier=1, since="a", until="a")
    assert (
        summary_body(row(1, "user", "From\n\nelsewhere.", kind="summary")) == "From\n\nelsewhere."
    )


def test_question_bounds_the_length_and_own_instructions_take_the_place_of_ours() -> None:
    assert question("[x] user: Hi.", limit_chars=700) == (
        "<transcript>\n[x] user: Hi.\n</transcript>\n\n"
        "Write the summary now, in at most 700 characters."
    )
    assert instructions("Be brief.") == "Be brief."
    for word in ("decisions", "names", "dates", "numbers", "preferences", "promises", "tools"):
        assert word in instructions(None).lower()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 3_000), max_size=20), st.integers(50, 500))
def test_parts_hold_every_message_once_and_cost_no_more_than_they_may(
    sizes: list[int], budget: int
) -> None:
    messages = [row(at, "user", "w " * size) for at, size in enumerate(sizes)]

    parts = split_parts(messages, budget_tokens=budget, count=COUNT.text, when=lambda time: time)

    assert [m for part in parts for m in part.messages] == messages
    note = 40  # what is said of a middle that was left out
    assert all(COUNT.text(part.text) <= budget + note for part in parts)


def test_rules_carry_the_last_summary_on_and_name_the_tools() -> None:
    call = ToolCall("c", "archival_memory_insert", "{}")
    first = by_rules("", [row(0, "user", "My boat is called Nadia.")], limit_chars=1_000)
    second = by_rules(
        first,
        [row(1, "user", "We decided to go to Rome."), Message("m", "assistant", (call,), "")],
        limit_chars=1_000,
    )

    assert "Nadia" in second and "Rome" in second
    assert second.endswith("Tools that were called: archival_memory_insert (1).")
    assert by_rules("", [], limit_chars=100) == "No words were exchanged in them."


def test_rules_never_let_a_summary_grow() -> None:
    body = ""
    for number in range(60):
        told = f"My friend number {number} is called Person{number} and we decided plan {number}."
        body = by_rules(body, [row(number, "user", told)], limit_chars=900)
        assert len(body) <= 900
    assert "Person59" in body


def test_times_are_the_persons_own() -> None:
    assert local_time("2026-03-01T23:30:00+00:00", ZoneInfo("Asia/Tokyo")) == "2026-03-02 08:30"
    assert local_time("2026-03-01T23:30:00", UTC) == "2026-03-01 23:30"
    assert local_time("once upon a\n[time]", UTC) == "once upon a [time"
