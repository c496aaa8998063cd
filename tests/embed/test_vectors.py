"""Rows from outside: brought to length 1, or refused with what is wrong with them."""

from __future__ import annotations

import numpy as np
import pytest

from lettafs.embed.vectors import unit_rows


def test_rows_become_unit_vectors() -> None:
    found = unit_rows([[3, 4], [0, -2.5]], count=2)
    assert found.dtype == np.float32
    assert found.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0.0, -1.0]]


@pytest.mark.parametrize("size", [1e-300, 1e-30, 1e30, 1e300])
def test_very_small_and_very_large_numbers_keep_their_direction(size: float) -> None:
    assert unit_rows([[3 * size, 4 * size]], count=1)[0] == pytest.approx([0.6, 0.8])


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([[1, 2]], "1 vectors for 2 texts"),
        ([[1, 2], [1, 2], [1, 2]], "3 vectors for 2 texts"),
        ([[1, 2], [1, 2, 3]], "different lengths"),
        ([[1, 2], None], "different lengths|no number"),
        ([[1, 2], ["a", 2]], "no number"),
        ([[1, 2], [1, float("nan")]], "NaN"),
        ([[1, 2], [1, None]], "NaN"),
        ([[1, 2], [1, float("inf")]], "NaN"),
        ([[1, 2], [0, 0]], "zeros"),
        ([[], []], "not one vector"),
        ([1.0, 2.0], "not one vector"),
        ([[[1, 2], [3, 4]], [[1, 2], [3, 4]]], "not one vector"),
        ([{"a": 1}, {"a": 2}], "no number"),
    ],
)
def test_rows_that_are_no_vectors_are_refused(rows: list[object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        unit_rows(rows, count=2)
