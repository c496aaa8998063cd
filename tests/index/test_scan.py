"""Ranking by reading everything."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lettafs.index.scan import exact, rank

TEXTS = [
    "I like tea.",
    "The weather is fine today, and we talked for a long time about nothing in particular.",
    "Tea, tea and again tea: green tea.",
    "My sister Ann lives in Rome and drinks tea there with her friends every single evening.",
    "I like coffee.",
]


def places(query: str, texts: list[str] = TEXTS) -> list[int]:
    return [scored.index for scored in rank(query, texts)]


def test_texts_without_a_word_of_the_query_are_not_found() -> None:
    assert sorted(places("tea")) == [0, 2, 3]
    assert places("zebra") == []
    assert places("") == places("?!") == []


def test_more_often_and_shorter_ranks_higher() -> None:
    assert places("tea") == [2, 0, 3]


def test_rare_word_weighs_more_than_a_common_one() -> None:
    assert places("tea Rome")[0] == 3


def test_words_of_a_question_do_not_count_beside_others() -> None:
    assert places("what do I like about coffee?")[0] == 4
    assert places("Where does my sister live in?")[0] == 3
    assert 1 not in places("where is the coffee")


def test_question_of_such_words_alone_still_finds() -> None:
    assert places("what is this about")[0] == 1


def test_newer_comes_first_among_equals() -> None:
    assert places("tea", ["tea", "tea", "milk", "tea"]) == [3, 1, 0]


def test_exact_finds_the_text_as_it_stands_newest_first() -> None:
    assert [s.index for s in exact("TEA, tea", TEXTS)] == [2]
    assert [s.index for s in exact("i like", TEXTS)] == [4, 0]
    assert [s.index for s in exact("ss", ["Straße", "x"])] == [0]


@given(st.lists(st.text(max_size=20), max_size=8), st.text(max_size=10))
def test_every_text_is_found_once_at_most_with_a_score_above_zero(
    texts: list[str], query: str
) -> None:
    found = rank(query, texts)

    assert len({scored.index for scored in found}) == len(found)
    assert all(scored.score > 0 for scored in found)
    assert [s.score for s in found] == sorted((s.score for s in found), reverse=True)
