"""The window, whatever the journal holds: what the format page says, computed the plain way."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from lettafs.format.recall_line import MessageRecord, RecallRecord, WindowRecord
from lettafs.stores.recall import Recall
from lettafs.values.message import Message, Part, TextPart, ToolCall, ToolReturn

_NUMBERS = st.integers(min_value=0, max_value=25)


@st.composite
def _journals(draw: st.DrawFn) -> list[RecallRecord]:
    """Return records that name each other, also returns without calls and unknown ids."""
    records: list[RecallRecord] = []
    for number in range(draw(st.integers(min_value=0, max_value=25))):
        kind = draw(
            st.sampled_from(
                ["user", "assistant", "call", "return", "system", "summary", "window", "compaction"]
            )
        )
        if kind == "compaction":
            # What loop.compaction writes, and what a hand or a merge can make of it: the summary
            # may lie before `start` or behind it, be gone, or be named without a start.
            start = draw(st.none() | st.integers(0, number))
            summed = draw(st.integers(0, number))
            records.append(
                WindowRecord(
                    0,
                    reason="compaction",
                    start=None if start is None else f"message-{start}",
                    earlier=draw(_NUMBERS),
                    drop=tuple(f"message-{n}" for n in draw(st.lists(st.integers(0, number)))),
                    summary=f"message-{summed}",
                )
            )
            continue
        if kind == "window":
            # A window names what is there already; not every number is a message's.
            start = draw(st.none() | st.integers(0, number))
            drop = draw(st.lists(st.integers(0, number), max_size=4))
            records.append(
                WindowRecord(
                    0,
                    reason=draw(st.sampled_from(["trim", "undo", "reset"])),
                    start=None if start is None else f"message-{start}",
                    earlier=draw(_NUMBERS),
                    drop=tuple(f"message-{n}" for n in drop),
                )
            )
            continue
        parts: tuple[Part, ...] = (TextPart(f"Words {number}."),)
        if kind == "call":
            calls = draw(st.lists(st.integers(0, 6), min_size=1, max_size=3, unique=True))
            parts = tuple(ToolCall(f"call-{number}-{n}", "find", "{}") for n in calls)
        if kind == "return":
            asked = [
                part
                for record in records
                if isinstance(record, MessageRecord)
                for part in record.message.tool_calls
            ]
            some = draw(st.lists(st.sampled_from(asked), unique=True)) if asked else []
            ids = [call.id for call in some] or ["call-unknown"]
            parts = tuple(ToolReturn(call_id, "find", "success", "found") for call_id in ids)
        role = {"call": "assistant", "return": "tool", "summary": "user"}.get(kind, kind)
        records.append(
            MessageRecord(
                0,
                Message(
                    f"message-{number}",
                    role,  # type: ignore[arg-type]  # one of the four, by construction
                    parts,
                    "now",
                    kind="summary" if kind == "summary" else "message",
                    partial=kind == "assistant" and draw(st.booleans()),
                ),
            )
        )
    return records


def _visible(records: Sequence[RecallRecord]) -> list[Message]:
    """Return what the format page lets through, before calls and returns are paired."""
    messages = [record.message for record in records if isinstance(record, MessageRecord)]
    windows = [record for record in records if isinstance(record, WindowRecord)]
    starts = [window.start for window in windows if window.start is not None]
    ids = [message.id for message in messages]
    if starts and starts[-1] in ids:
        messages = messages[ids.index(starts[-1]) :]
    dropped = {message_id for window in windows for message_id in window.drop}
    return [
        m
        for m in messages
        if m.id not in dropped and not m.partial and m.role != "system" and m.kind != "summary"
    ]


def _front(records: Sequence[RecallRecord]) -> list[Message]:
    """Return the summary at the front: that of the last record with a start, unless dropped."""
    windows = [record for record in records if isinstance(record, WindowRecord)]
    named = [window.summary for window in windows if window.start is not None]
    dropped = {message_id for window in windows for message_id in window.drop}
    return [
        record.message
        for record in records
        if isinstance(record, MessageRecord)
        and record.message.kind == "summary"
        and named
        and record.message.id == named[-1]
        and record.message.id not in dropped
    ]


@settings(max_examples=150, deadline=None)
@given(_journals())
def test_the_window_holds_what_the_page_says_and_can_be_sent(records: list[RecallRecord]) -> None:
    with tempfile.TemporaryDirectory() as place:
        recall = Recall(Path(place))
        recall.append(records)
        window = Recall(Path(place)).window().messages
        assert recall.window().messages == window
    front = _front(records)
    assert list(window[: len(front)]) == front
    window = window[len(front) :]
    assert not [message for message in window if message.kind == "summary"]
    visible = _visible(records)
    place_of = {message.id: at for at, message in enumerate(visible)}
    # Nothing is invented and, but for returns that follow their calls, the order is kept.
    assert {message.id for message in window} <= set(place_of)
    spoken = [place_of[message.id] for message in window if message.role != "tool"]
    assert spoken == sorted(spoken)
    # What has no calls and returns is all there.
    plain = [m.id for m in visible if m.role != "tool" and not m.tool_calls]
    assert [m.id for m in window if m.role != "tool" and not m.tool_calls] == plain
    # Every call is followed at once by its return, and there is no return without its call.
    for at, message in enumerate(window):
        asked = [call.id for call in message.tool_calls]
        if asked:
            follows = window[at + 1]
            assert follows.role == "tool"
            assert [part.call_id for part in follows.tool_returns] == asked
        if message.role == "tool":
            assert window[at - 1].tool_calls and at > 0
    # A call whose return is there is never left out.
    returned = {p.call_id for m in visible for p in m.tool_returns}
    wanted = {c.id for m in visible for c in m.tool_calls if c.id in returned}
    assert {c.id for m in window for c in m.tool_calls} == wanted


@settings(max_examples=30, deadline=None)
@given(_journals(), _journals())
def test_the_window_is_the_same_read_at_once_and_bit_by_bit(
    first: list[RecallRecord], second: list[RecallRecord]
) -> None:
    with tempfile.TemporaryDirectory() as place:
        living = Recall(Path(place))
        for records in (first, second):
            for record in records:
                living.append([record])
                living.window()
        assert living.window() == Recall(Path(place)).window()
