"""How texts are taken apart for search."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lettafs.index.words import words_of


def finds(query: str, text: str) -> bool:
    """Tell whether every word of the query is a word of the text."""
    wanted = words_of(query)
    return bool(wanted) and set(wanted) <= set(words_of(text))


@pytest.mark.parametrize(
    "query, text",
    [
        ("dog", "Two dogs bark."),
        ("dogs", "One dog barks."),
        ("city", "cities of Italy"),
        ("cookies", "a cookie"),
        ("movie", "old movies"),
        ("class", "classes"),
        ("box", "boxes"),
        ("house", "HOUSES"),
        ("bus", "buses"),
        ("cache", "caches"),
        ("party", "parties"),
        ("key", "keys"),
    ],
)
def test_one_and_many_are_one_word(query: str, text: str) -> None:
    assert finds(query, text)


@pytest.mark.parametrize(
    "query, text",
    [("this", "thi"), ("class", "cla"), ("bus", "bu"), ("is", "i"), ("united", "unit")],
)
def test_other_words_stay_apart(query: str, text: str) -> None:
    assert not finds(query, text)


@pytest.mark.parametrize(
    "query, text",
    [
        ("cafe", "Café"),
        ("CAFÉ", "cafe"),
        ("naive", "naïve"),
        ("strasse", "Straße"),
        ("ελλαδα", "Ελλάδα"),
        ("елка", "Ёлка"),
        ("cafe\u0301", "caf\u00e9"),
        ("ｆｕｌｌ", "full"),
        ("שלום", "שָׁלוֹם"),
    ],
)
def test_case_accents_and_forms_do_not_matter(query: str, text: str) -> None:
    assert finds(query, text)


@pytest.mark.parametrize(
    "query, text",
    [
        ("user_id", "set user_id to 7"),
        ("user", "set user_id to 7"),
        ("v1.2", "since v1.2 it works"),
        ("ann@example.com", "Write to ann@example.com."),
        ("example", "Write to ann@example.com."),
        ("e-mail", "an e-mail"),
        ("C++", "I write C++, mostly."),
        ("C#", "I write C#."),
        ("gpt-4.1", "openai/gpt-4.1-mini and gpt-4.1"),
        ("dog", "the dog's bowl"),
        ("2026-03-01", "on 2026-03-01 we met"),
    ],
)
def test_identifiers_are_found_whole_and_in_parts(query: str, text: str) -> None:
    assert finds(query, text)


def test_whole_identifier_is_more_than_its_parts() -> None:
    assert "user_id" in words_of("user_id")
    assert "user_id" not in words_of("user id")
    assert "c++" in words_of("C++") and "c++" not in words_of("C")


@pytest.mark.parametrize(
    "query, text",
    [
        ("烤鸭", "我喜欢北京烤鸭"),
        ("北京", "我喜欢北京烤鸭"),
        ("カフェ", "駅前のカフェで会う"),
        ("カフェ", "ｶﾌｪ"),
        ("人々", "人々の声"),
        ("서울", "나는 서울에 산다"),
        ("กาแฟ", "ฉันชอบกาแฟเย็น"),
        ("ကော်ဖီ", "ကျွန်တော်ကော်ဖီကြိုက်တယ်"),
        ("หวัด", "ไข้หวัดใหญ่"),
        ("东京2020", "去东京2020看比赛"),
    ],
)
def test_scripts_without_spaces_are_found_within_a_sentence(query: str, text: str) -> None:
    assert finds(query, text)


@pytest.mark.parametrize(
    "query, text", [("が", "か"), ("鸭烤", "我喜欢北京烤鸭"), ("หวาด", "ไข้หวัดใหญ่")]
)
def test_marks_that_make_another_letter_count(query: str, text: str) -> None:
    assert not finds(query, text)


@pytest.mark.parametrize(
    "query, text", [("हिन्दी", "मैं हिन्दी बोलता हूँ"), ("தமிழ்", "நான் தமிழ் பேசுகிறேன்")]
)
def test_words_with_vowel_signs_stay_whole(query: str, text: str) -> None:
    assert words_of(query) == [query]
    assert finds(query, text)


@pytest.mark.parametrize("text", ["", " \n", "...", "—", "🌍", "''"])
def test_text_without_letters_has_no_words(text: str) -> None:
    assert words_of(text) == []


@given(st.text(max_size=60))
def test_any_text_gives_words_and_the_same_ones_twice(text: str) -> None:
    words = words_of(text)

    assert all(words)
    assert words_of(f"{text}\n{text}") == words * 2


@given(st.text(st.characters(max_codepoint=0x24F), max_size=40))
def test_composed_and_decomposed_letters_give_the_same_words(text: str) -> None:
    assert words_of(unicodedata.normalize("NFD", text)) == words_of(text)
