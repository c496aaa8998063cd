"""Snippets: what is shown of a long text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lettafs.index.ranking.snippet import snippet

FILLER = "We walked on and on. Nothing came of it. "
LONG = f"{FILLER * 50}My dog Rex barked at the postman in Rome! Then he slept. {FILLER * 50}"


def test_short_text_is_shown_whole() -> None:
    assert snippet(" as it is\n", "zebra", limit_chars=11) == " as it is\n"


def test_passage_that_answers_is_shown_in_whole_sentences() -> None:
    shown = snippet(LONG, "Where did the dog bark?", limit_chars=150)

    assert "My dog Rex barked at the postman in Rome!" in shown
    assert shown.startswith("... ") and shown.endswith(". ...")
    assert shown[4:].startswith(("We walked", "Nothing came", "My dog"))
    assert len(shown) <= 150


def test_text_without_a_match_is_shown_from_its_beginning() -> None:
    shown = snippet(LONG, "zebra", limit_chars=100)

    assert shown.startswith("We walked on")
    assert shown.endswith(". ...")


def test_rare_word_draws_the_passage_more_than_a_frequent_one() -> None:
    text = f"{FILLER * 20}{'tea ' * 60}{FILLER * 20}The tea from Assam. {FILLER * 20}"

    assert "Assam" in snippet(text, "tea from Assam", limit_chars=120)


def test_match_at_the_very_end_is_shown() -> None:
    assert snippet(f"{FILLER * 50}Zebra", "zebra", limit_chars=80).endswith("Zebra")


@pytest.mark.parametrize(
    "question, text",
    [
        ("dogs", "The dog slept."),
        ("naive", "A naïve plan."),
        ("Versicherung", "Die Krankenversicherung zahlt."),
        ("user_id", "Set user_id to 7."),
        ("C++", "I write C++ here."),
        ("кошка", "Две кошки спят."),
    ],
)
def test_word_is_found_in_the_forms_search_finds(question: str, text: str) -> None:
    long = f"{FILLER * 50}{text} {FILLER * 50}"

    assert text in snippet(long, question, limit_chars=200)


def test_passage_of_a_script_without_spaces_is_cut_at_a_sentence() -> None:
    text = "今天天气很好。" * 100 + "我喜欢北京烤鸭。" + "我们去散步了。" * 100

    shown = snippet(text, "烤鸭", limit_chars=60)

    assert "我喜欢北京烤鸭。" in shown
    assert len(shown) <= 60
    assert shown.removeprefix("... ").startswith(("今天", "我"))


def test_letter_keeps_its_marks_at_a_cut() -> None:
    text = "กำลังกินข้าวอยู่ที่บ้าน" * 100 + "กาแฟ" + "ไข้หวัดใหญ่" * 100

    for limit in range(30, 60):
        shown = snippet(text, "กาแฟ", limit_chars=limit)
        first = shown.removeprefix("... ")[0]
        assert unicodedata.category(first) not in ("Mn", "Mc")
        assert len(shown) <= limit


@pytest.mark.parametrize("limit", [0, 1, 5, 8, 9])
def test_tiny_limit_is_kept(limit: int) -> None:
    assert len(snippet(LONG, "dog", limit_chars=limit)) <= limit


@given(st.text(max_size=400), st.text(max_size=20), st.integers(0, 120))
def test_snippet_is_never_too_long_and_a_part_of_the_text(
    text: str, question: str, limit: int
) -> None:
    shown = snippet(text, question, limit_chars=limit)

    assert len(shown) <= max(limit, 0)
    assert shown.removeprefix("... ").removesuffix(" ...").strip() in text
