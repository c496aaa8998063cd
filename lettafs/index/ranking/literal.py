"""How literally a text answers: the share of a question's words that it holds itself."""

from __future__ import annotations

from lettafs.index.ranking.stop import STOP_WORDS
from lettafs.index.words import asked_words, fold, tokens_of, words_of

__all__ = ["share_said"]

_MOST_TOKENS = 256


def share_said(question: str, text: str) -> float:
    """Return which share of the question's words stands in a text, 0 to 1.

    Words of asking do not count, where there are others; 0 for a question without words.
    """
    tokens = tokens_of(question)[:_MOST_TOKENS]
    telling = [token for token in tokens if fold(token) not in STOP_WORDS] or tokens
    asked = {word for token in telling for word in asked_words(token)}
    return len(asked.intersection(words_of(text))) / len(asked) if asked else 0.0
