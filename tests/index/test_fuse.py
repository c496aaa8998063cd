"""Fusion of words and meaning."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lettafs.index.fuse import fuse


def row(*numbers: float) -> NDArray[np.float32]:
    return np.array(numbers, np.float32)


def order(scores: NDArray[np.float32]) -> list[int]:
    return [int(n) for n in np.argsort(-scores, kind="stable") if scores[n] > 0]


def test_what_both_sides_found_comes_before_what_one_found() -> None:
    assert order(fuse(row(2, 0, 2, 0), row(0, 5, 5, 0))) == [2, 0, 1]


def test_what_only_meaning_found_is_found() -> None:
    assert order(fuse(row(0, 0, 0), row(0, 3, 6))) == [2, 1]


def test_what_only_words_found_keeps_its_order() -> None:
    assert order(fuse(row(1, 3, 2), row(0, 0, 0))) == [1, 2, 0]


def test_a_faint_nearness_alone_finds_nothing_but_counts_beside_words() -> None:
    faint = row(0.9, 0.9, 0.0)
    scores = fuse(row(0, 1, 1), faint)
    assert scores[0] == 0
    assert scores[1] > scores[2] > 0


def test_the_best_of_faint_nearnesses_is_no_rival_to_words() -> None:
    assert fuse(row(0, 5), row(1.5, 0))[0] < 0.3


def test_nothing_gives_nothing() -> None:
    assert fuse(row(), row()).shape == (0,)
    assert not fuse(row(0, 0), row(0, 0)).any()


def test_arguments_are_left_as_they_were() -> None:
    words, near = row(1, 2), row(3, 4)
    fuse(words, near)
    assert words.tolist() == [1, 2] and near.tolist() == [3, 4]


levels = st.lists(
    st.tuples(st.floats(0, 30, width=32), st.floats(0, 12, width=32)), min_size=2, max_size=20
)


@settings(max_examples=200, deadline=None)
@given(levels)
def test_more_on_both_sides_is_never_lower(pairs: list[tuple[float, float]]) -> None:
    scores = fuse(row(*(w for w, _ in pairs)), row(*(n for _, n in pairs)))
    assert scores.dtype == np.float32 and np.isfinite(scores).all() and (scores >= 0).all()
    for (w1, n1), s1 in zip(pairs, scores, strict=True):
        for (w2, n2), s2 in zip(pairs, scores, strict=True):
            if w1 >= w2 and n1 >= n2:
                assert s1 >= s2
