"""What is read does not grow with the years: windows, open runs, the list of segments."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from lettafs.context.request import compile_prompt
from lettafs.context.window import fit
from lettafs.format.recall_line import MessageRecord, WindowRecord
from lettafs.stores.archival import Archival
from lettafs.stores.recall import Recall
from lettafs.values.message import Message, Role, TextPart, ToolCall, ToolReturn
from lettafs.values.passage import Passage
from tests.support.homes import make_home

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def said(number: int, text: str = "", role: Role | None = None) -> MessageRecord:
    who: Role = role or ("assistant" if number % 2 else "user")
    words = (
        text or f"This is what was said as number {number}, and it has about eighty letters in it."
    )
    return MessageRecord(0, Message(f"message-{number}", who, (TextPart(words),), "2026-01-01"))


def recall_with(root: Path, messages: int) -> Recall:
    recall = Recall(root)
    recall.append([said(number) for number in range(messages)])
    return Recall(root)


def segments_read(recall: Recall) -> int:
    return len(recall.segments._parsed)


def test_imported_history_is_read_back_as_far_as_is_asked(tmp_path: Path) -> None:
    whole = recall_with(tmp_path, 5_000).window()
    recall = Recall(tmp_path)
    near = recall.window(enough_chars=10_000)
    assert near.messages == whole.messages[-len(near.messages) :]
    assert 80 < len(near.messages) < 200
    assert near.earlier == 5_000 - len(near.messages)
    assert segments_read(recall) == 1 < len(recall.segments.paths())


def test_window_that_is_long_enough_is_the_same_with_and_without_a_bound(tmp_path: Path) -> None:
    recall = recall_with(tmp_path, 60)
    recall.append([WindowRecord(0, reason="trim", start="message-20", earlier=20)])
    assert recall.window(enough_chars=10_000) == recall.window()
    assert recall.window().earlier == 20


def test_bound_reaches_back_to_what_the_person_said_last(tmp_path: Path) -> None:
    recall = Recall(tmp_path)
    long = [said(number, "word " * 900, role="assistant") for number in range(2, 40)]
    recall.append([said(0), said(1, "A question.", role="user"), *long])
    window = recall.window(enough_chars=10_000)
    assert window.messages[0].text == "A question."
    assert window.earlier == 1


def test_long_tool_returns_count_as_they_are_sent(tmp_path: Path) -> None:
    recall = Recall(tmp_path)
    call = Message("a", "assistant", (ToolCall("c", "search", "{}"),), "2026-01-01")
    back = Message(
        "t", "tool", (ToolReturn("c", "search", "success", "x" * 300_000),), "2026-01-01"
    )
    recall.append([*(said(n) for n in range(20)), MessageRecord(0, call), MessageRecord(0, back)])
    assert len(recall.window(enough_chars=12_000).messages) == 22


def test_prompt_of_an_imported_history_is_that_of_the_whole_window(tmp_path: Path) -> None:
    home = make_home(tmp_path / "ada")
    home.recall.append([said(number) for number in range(4_000)])
    agent = home.settings().agent
    prompt = compile_prompt(home, agent, tools=(), now=NOW, context_window=8_000)
    everything = Recall(home.root).window().messages
    kept = len(prompt.messages)
    assert prompt.messages == everything[-kept:]
    assert prompt.earlier == 4_000 - kept
    assert prompt.left_out > 0, "the first turn writes a window record"
    tokens = prompt.sections[-1].tokens
    assert fit(everything[-kept:], budget_tokens=tokens).left_out == 0
    assert fit(everything[-kept:], budget_tokens=tokens - 1).left_out > 0


def test_history_without_runs_has_none_open_and_is_not_read_for_it(tmp_path: Path) -> None:
    recall = recall_with(tmp_path, 5_000)
    assert recall.unfinished() is None
    assert segments_read(recall) < len(recall.segments.paths())


def test_segments_another_process_makes_are_seen_at_once(tmp_path: Path) -> None:
    ours, theirs = Recall(tmp_path), Recall(tmp_path)
    ours.append([said(0)])
    for number in range(1, 1_000, 111):
        # An old folder: its list is remembered for as long as nothing happens in it.
        os.utime(tmp_path / "recall", ns=(0, number))
        assert len(ours.segments.paths()) == len(theirs.segments.paths())
        theirs.append([said(n) for n in range(number, number + 111)])
        assert [m.id for m in ours.messages()] == [f"message-{n}" for n in range(number + 111)]
    assert len(ours.segments.paths()) > 2


def test_passages_another_process_puts_away_are_seen_at_once(tmp_path: Path) -> None:
    ours, theirs = Archival(tmp_path), Archival(tmp_path)
    assert not ours.passages()
    for number in range(3):
        theirs.insert([Passage(f"passage-{number}", "A note.", "2026-01-01")])
        assert list(ours.passages()) == [f"passage-{n}" for n in range(number + 1)]
    theirs.delete(["passage-1"], created_at="2026-01-02")
    assert list(ours.passages()) == ["passage-0", "passage-2"]
