"""Thinking inside the text, in any number of pieces."""

from __future__ import annotations

import pytest

from lettafs.llm.think_tags import ThinkTags


def split(pieces: list[str]) -> tuple[str, str]:
    tags = ThinkTags()
    found = [piece for text in pieces for piece in tags.feed(text)] + tags.finish()
    return (
        "".join(text for kind, text in found if kind == "reasoning"),
        "".join(text for kind, text in found if kind == "text"),
    )


CASES = [
    ("<think>\nhm, 2<3\n</think>\n\nFour.", "hm, 2<3\n", "Four."),
    ("\n<think>a</think>b", "a", "b"),
    ("<think></think>only text", "", "only text"),
    ("<think>never closed", "never closed", ""),
    ("<think>a</thin", "a</thin", ""),
    ("no tags at all", "", "no tags at all"),
    ("  indented <think>x</think>", "", "  indented <think>x</think>"),
    ("<thinking> is a word", "", "<thinking> is a word"),
    ("<th", "", "<th"),
    ("a < b", "", "a < b"),
    ("<think>a</think>b<think>c</think>", "a", "b<think>c</think>"),
    ("", "", ""),
    ("\n\n", "", "\n\n"),
]


@pytest.mark.parametrize("text, reasoning, words", CASES)
def test_split_is_the_same_however_the_text_arrives(text: str, reasoning: str, words: str) -> None:
    assert split([text]) == (reasoning, words)
    assert split(list(text)) == (reasoning, words)
    for at in range(len(text) + 1):
        assert split([text[:at], text[at:]]) == (reasoning, words)


def test_text_without_tags_is_not_held_back() -> None:
    assert ThinkTags().feed("Hello") == [("text", "Hello")]


def test_thinking_is_shown_as_it_arrives() -> None:
    tags = ThinkTags()
    tags.feed("<think>")
    assert tags.feed("one ") == [("reasoning", "one ")]
