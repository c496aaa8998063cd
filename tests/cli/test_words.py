from __future__ import annotations

from datetime import UTC, timedelta, timezone

from lettafs.cli.words import change_words, changes_words, count, line_of, short, when, who
from lettafs.values.history import BlockChange


def test_time_is_shown_in_the_asked_zone() -> None:
    assert when("2026-03-01T23:30:00.000000+00:00", zone=UTC) == "2026-03-01 23:30"
    assert when("2026-03-01T23:30:00Z", zone=timezone(timedelta(hours=2))) == "2026-03-02 01:30"


def test_time_that_cannot_be_read_is_shown_as_it_stands() -> None:
    assert when("yesterday\x1b[2J", zone=UTC) == "yesterday"
    assert when(None) == "-"
    assert when("0001-01-01T00:00:00+14:00", zone=UTC) == "0001-01-01T00:00:00+14:00"


def test_change_is_told_in_lines() -> None:
    assert change_words(BlockChange("human", "Chad\n", "Brad\n")) == "human +1 −1"
    assert change_words(BlockChange("human", None, "a\nb\nc")) == "human new +3"
    assert change_words(BlockChange("human", "a", None)) == "human deleted"
    assert change_words(BlockChange("human", "a\nb", "a")) == "human −1"


def test_many_changes_are_counted() -> None:
    changes = [BlockChange(f"b{number}", "", "x") for number in range(6)]

    assert changes_words(changes) == "b0 +1, b1 +1, b2 +1, b3 +1, 2 more"
    assert changes_words([]) == ""


def test_line_is_cut_with_an_ellipsis_and_cleaned() -> None:
    assert line_of("one\ntwo  \x1b[31mthree") == "one two three"
    assert line_of("a" * 100, width=10) == "a" * 9 + "…"


def test_small_words() -> None:
    assert [count(number, "block") for number in (0, 1, 2)] == ["no blocks", "1 block", "2 blocks"]
    assert count(2, "memory", "memories") == "2 memories"
    assert short("0123456789") == "0123456"
    assert short(None) == "-------"
    assert who("agent", "") == "agent"
    assert who("person", "Grace\x1b[2J Hopper") == "Grace Hopper"
