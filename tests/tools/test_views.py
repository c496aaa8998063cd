"""Which files are open after a call, and which had to be closed for it."""

from __future__ import annotations

from lettafs.tools.views import Opened, open_views
from lettafs.values.view import View

A, B, C, D = (View(name) for name in "abcd")


def test_file_that_is_opened_comes_last() -> None:
    assert open_views([A, B], [C], max_files_open=5) == Opened((A, B, C), (), (), ())


def test_file_used_longest_ago_is_closed_beyond_the_limit() -> None:
    assert open_views([A, B, C], [D], max_files_open=3) == Opened((B, C, D), (), ("a",), ())


def test_opening_an_open_file_again_uses_it_and_closes_nothing() -> None:
    again = View("a", 10, 5)

    assert open_views([A, B, C], [again], max_files_open=3) == Opened((B, C, again), (A,), (), ())
    assert open_views([A, B], [A], max_files_open=3).before == ()


def test_files_asked_for_together_do_not_close_each_other() -> None:
    opened = open_views([A, B], [B, C, D], max_files_open=3)

    assert opened == Opened((B, C, D), (), ("a",), ())


def test_all_others_are_closed_on_request() -> None:
    opened = open_views([A, B, C], [B], max_files_open=9, close_all_others=True)

    assert opened == Opened((B,), (), (), ("a", "c"))


def test_last_request_for_a_file_counts() -> None:
    assert open_views([], [A, View("a", 7)], max_files_open=1).views == (View("a", 7),)


def test_lowered_limit_closes_more_than_one() -> None:
    assert open_views([A, B, C], [D], max_files_open=1).for_room == ("a", "b", "c")
