"""Which files are open is part of the window: it lasts, moves along, and is taken back."""

from __future__ import annotations

from pathlib import Path

from lettafs.format.recall_line import MessageRecord, WindowRecord
from lettafs.stores.recall import Recall
from lettafs.values.message import Message, TextPart
from lettafs.values.view import View
from tests.support.homes import agent_at, begin_turn, journal, make_home, say

A, B = View("papers/a.pdf"), View("papers/b.txt", 10, 20)


def _views(root: Path) -> tuple[View, ...]:
    return Recall(root).window().views


def test_what_is_open_lasts(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    with begin_turn(root) as turn:
        assert not turn.views
        turn.set_views([A, B])
        assert list(turn.views) == [A, B]
    say(root, "hello")
    assert _views(root) == (A, B)
    with begin_turn(root) as turn:
        turn.set_views([])
    assert _views(root) == ()


def test_the_record_is_as_the_format_says(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    with begin_turn(root) as turn:
        turn.set_views([A, B])
    record = next(record for record in journal(root) if record["type"] == "window")
    assert record["reason"] == "files"
    assert record["views"] == [
        {"file": "papers/a.pdf"},
        {"file": "papers/b.txt", "start": 10, "length": 20},
    ]


def test_views_somebody_wrote_wrongly_are_passed_over(tmp_path: Path) -> None:
    from lettafs.format.recall_line import parse_record

    said = {"seq": 1, "type": "window", "reason": "files"}
    wrong = [{"file": 3}, "x", {"file": "a", "start": -1, "length": True}, {}]
    record = parse_record({**said, "views": wrong}, path="x", line_no=1)
    assert isinstance(record, WindowRecord)
    assert record.views == (View("a"),)
    record = parse_record({**said, "views": {}}, path="x", line_no=1)
    assert isinstance(record, WindowRecord) and record.views is None


def test_a_window_that_begins_anew_carries_what_is_open(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    with begin_turn(root) as turn:
        turn.set_views([A])
    for number in range(6):
        say(root, f"question {number} " + "word " * 300)
    agent = agent_at(root)
    assert agent.compact("all") is not None
    newest = [record for record in journal(root) if record["type"] == "window"][-1]
    assert newest["reason"] == "compaction"
    assert _views(root) == (A,)
    agent.undo()
    assert _views(root) == (A,)


def test_undo_opens_and_closes_what_the_turn_closed_and_opened(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    say(root, "hello")
    with begin_turn(root) as turn:
        turn.set_views([A])
    before = len(journal(root))
    say(root, "note 1")
    _opened_in_the_run(root, before)
    assert _views(root) == (A, B)
    agent_at(root).undo()
    assert _views(root) == (A,)
    say(root, "note 2")
    assert _views(root) == (A,)


def test_undo_of_a_turn_that_opened_nothing_says_nothing_of_files(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    with begin_turn(root) as turn:
        turn.set_views([A])
    say(root, "note 1")
    agent_at(root).undo()
    undo = [record for record in journal(root) if record["type"] == "window"][-1]
    assert undo["reason"] == "undo" and "views" not in undo
    assert _views(root) == (A,)


def _opened_in_the_run(root: Path, before: int) -> None:
    """Write a record of open files into the last run, as a tool of it would have."""
    from lettafs.format import jsonl
    from lettafs.format.recall_line import render_record

    path = max((root / "recall").iterdir())
    lines = path.read_bytes().splitlines(keepends=True)
    record = WindowRecord(10_000, reason="files", views=(A, B))
    lines.insert(before + 1, jsonl.frame(render_record(record)))
    path.write_bytes(b"".join(lines))


def test_what_is_open_is_known_however_long_the_talk_has_been_since(tmp_path: Path) -> None:
    make_home(tmp_path)
    view = View("papers/a.md")
    with begin_turn(tmp_path) as turn:
        turn.set_views([view])
        said = (TextPart("x" * 5_000),)
        turn.append(
            *(
                MessageRecord(0, Message(f"message-{n}", "user", said, "2026-03-01T09:00:00+00:00"))
                for n in range(300)
            )
        )
        assert turn.views == (view,)
