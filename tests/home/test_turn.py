"""A turn is held by one at a time, left to who was waiting, and told about once."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from lettafs.home.begin import retry_pause_s, try_begin
from lettafs.home.home import Home, open_home
from lettafs.home.turn import Turn
from lettafs.values.event import Notice
from tests.support.homes import CALLER, begin_turn, git, make_home, say, settled_problems, texts


def _try(home: Home) -> Turn | None:
    return try_begin(
        home, now=CALLER.now, new_id=CALLER.new_id, person=CALLER.person, about=CALLER.about
    )


def test_who_had_the_turn_leaves_it_to_who_was_waiting(tmp_path: Path) -> None:
    make_home(tmp_path / "ada")
    first, second = open_home(tmp_path / "ada"), open_home(tmp_path / "ada")
    held = _try(first)
    assert held is not None
    time.sleep(0.01)  # two ticks of a file's clock
    assert _try(second) is None
    held.close()
    assert _try(first) is None, "taken again before the other could ask"
    theirs = _try(second)
    assert theirs is not None
    theirs.close()
    time.sleep(0.06)
    again = _try(first)
    assert again is not None
    again.close()


def test_nobody_is_made_to_wait_when_nobody_else_does(tmp_path: Path) -> None:
    make_home(tmp_path / "ada")
    home = open_home(tmp_path / "ada")
    for _ in range(3):
        turn = _try(home)
        assert turn is not None
        turn.close()


def test_who_waits_longer_asks_more_often(tmp_path: Path) -> None:
    pauses = [retry_pause_s(waited / 10) for waited in range(50)]
    assert pauses == sorted(pauses, reverse=True)
    assert 0 < pauses[-1] < pauses[0] <= 0.05


def test_a_notice_is_told_once_in_a_turn(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    (root / "memory" / "persona.md").write_text("<<<<<<< a\n=======\n>>>>>>> b\n", "utf-8")
    with begin_turn(root) as turn:
        told = turn.take_notices()
        for _ in range(3):
            turn.begin_step()
        told += turn.take_notices()
    texts_of = [notice.text for notice in told]
    assert any("persona.md" in text for text in texts_of)
    assert len(texts_of) == len(set(texts_of))


def test_a_journal_that_is_taken_away_during_a_turn_ends_it_in_order(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    say(root, "one")
    say(root, "two", each=lambda event: _forget(root, event))
    say(root, "three")
    assert texts(root)[-1] == "three"
    assert git(root, "status", "--porcelain") == ""


def _forget(root: Path, event: object) -> None:
    if type(event).__name__ == "RunFinished":
        shutil.rmtree(root / "recall")


def test_unfinished_files_of_a_crash_are_cleared_away(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)
    for folder in ("", "memory", ".lettafs"):
        (root / folder / ".tmp-0123456789abcdef").write_bytes(b"half")
    events = say(root, "hello")
    assert not list(root.rglob(".tmp-*"))
    assert not [event for event in events if isinstance(event, Notice)]
    assert settled_problems(root) == []
