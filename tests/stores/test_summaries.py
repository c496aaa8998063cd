"""A summary is seen when a window record names it, at the front, and nowhere else."""

from __future__ import annotations

from pathlib import Path

from lettafs.format.recall_line import MessageRecord, WindowRecord
from lettafs.stores.recall import Recall
from lettafs.values.message import Kind, Message, TextPart


def said(name: str, *, kind: Kind = "message") -> MessageRecord:
    return MessageRecord(0, Message(name, "user", (TextPart(name),), "2026-03-01", kind=kind))


def summed(
    summary: str, *, start: str, reason: str = "compaction", **fields: object
) -> WindowRecord:
    return WindowRecord(0, reason, start=start, summary=summary, **fields)  # type: ignore[arg-type]


def seen(root: Path) -> list[str]:
    """Return what is in the window, also for somebody who has read nothing yet."""
    fresh = Recall(root).window()
    assert fresh == Recall(root).window(enough_chars=10**6)
    return [message.id for message in fresh.messages]


def test_summary_that_no_record_names_is_not_in_the_window(tmp_path: Path) -> None:
    recall = Recall(tmp_path)
    recall.append([said("a"), said("b"), said("s", kind="summary")])

    assert seen(tmp_path) == ["a", "b"]

    recall.append([said("c")])
    assert seen(tmp_path) == ["a", "b", "c"]
    recall.append([summed("s", start="b", earlier=1)])
    assert seen(tmp_path) == ["s", "b", "c"]
    assert recall.window().earlier == 1


def test_next_summary_takes_the_place_of_the_last(tmp_path: Path) -> None:
    recall = Recall(tmp_path)
    recall.append([said("a"), said("b"), said("c"), said("s1", kind="summary")])
    recall.append([summed("s1", start="b"), said("d"), said("s2", kind="summary")])
    recall.append([summed("s2", start="c"), said("e")])

    assert seen(tmp_path) == ["s2", "c", "d", "e"]


def test_summary_alone_can_be_the_window_and_is_found_when_the_start_moves_on(
    tmp_path: Path,
) -> None:
    recall = Recall(tmp_path)
    recall.append([said("a"), said("s", kind="summary"), summed("s", start="s")])
    assert seen(tmp_path) == ["s"]
    recall.append([said("b"), said("c"), said("d")])
    assert seen(tmp_path) == ["s", "b", "c", "d"]

    recall.append([summed("s", start="d", reason="trim"), said("e")])

    assert seen(tmp_path) == ["s", "d", "e"]


def test_record_without_a_summary_takes_the_last_one_away(tmp_path: Path) -> None:
    recall = Recall(tmp_path)
    recall.append([said("a"), said("b"), said("s", kind="summary"), summed("s", start="b")])
    recall.append([WindowRecord(0, "reset", start="a")])

    assert seen(tmp_path) == ["a", "b"]


def test_dropped_summary_and_one_that_is_none_are_not_put_at_the_front(tmp_path: Path) -> None:
    recall = Recall(tmp_path)
    recall.append([said("a"), said("b"), said("s", kind="summary"), summed("s", start="b")])
    recall.append([WindowRecord(0, "undo", drop=("s",))])
    assert seen(tmp_path) == ["b"]
    recall.append([summed("a", start="b")])
    assert seen(tmp_path) == ["b"]
    recall.append([summed("gone", start="a")])
    assert seen(tmp_path) == ["a", "b"]
