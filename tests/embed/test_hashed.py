"""The embedder for tests: the same everywhere, alike when words are shared."""

from __future__ import annotations

import numpy as np
import pytest

from lettafs.embed.hashed import HashedEmbedder


def test_shared_words_are_nearer_than_other_words() -> None:
    one, two, other = HashedEmbedder().embed(
        ["the red fox sleeps", "a red fox sleeps", "quarterly budget meeting"], kind="passage"
    )
    assert one @ two > 0.5 > abs(float(one @ other))


def test_vectors_are_the_same_on_every_machine() -> None:
    (row,) = HashedEmbedder().embed(["red"], kind="query")
    assert {int(at): float(row[at]) for at in np.flatnonzero(row)} == {
        6: 0.5,
        16: -0.5,
        43: 0.5,
        47: 0.5,
    }


@pytest.mark.parametrize("text", ["!!!", "…", "🙂"])
def test_text_without_words_has_a_direction(text: str) -> None:
    assert np.linalg.norm(HashedEmbedder().embed([text], kind="passage")[0]) == pytest.approx(1)


def test_name_can_be_given() -> None:
    assert HashedEmbedder("lettafs/other").identity == "lettafs/other 64"
