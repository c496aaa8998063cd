"""How literally a text answers."""

from __future__ import annotations

import pytest

from lettafs.index.ranking.literal import share_said


@pytest.mark.parametrize(
    "question, text, share",
    [
        ("Where is the spare key?", "The spare key hangs behind the blue door.", 1.0),
        ("Where is the spare key?", "The keys are lost", 0.5),
        ("Where is the spare key?", "They like mango", 0.0),
        ("where is it", "It is where it was", 1.0),
        ("", "anything", 0.0),
        ("?!", "anything", 0.0),
    ],
)
def test_share_of_what_is_asked_for(question: str, text: str, share: float) -> None:
    assert share_said(question, text) == share
