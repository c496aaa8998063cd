"""How texts are taken apart for search."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lettafs.index.words import asked_words, fold, pieces_of, tokens_of, words_of


def finds(query: str, text: str) -> bool:
    """Tell whether every word of the query is a word of the text."""
    wanted = asked_words(query)
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
    [("this", "thi"), ("class", "cla"), ("bus", "bu"), ("is", "i"), ("news", "new")],
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
    "query, text",
    [
        ("हिन्दी", "मैं हिन्दी बोलता हूँ"),
        ("किताब", "दो किताबें"),
        ("தமிழ்", "நான் தமிழ் பேசுகிறேன்"),
        ("кошка", "две кошки"),
        ("книга", "я читаю книгу"),
        ("كتاب", "قرأت الكتاب أمس"),
        ("مكتبة", "مكتبه"),
        ("βιβλίο", "ένα βιβλίο"),
        ("Universität", "universitat"),
        ("Lodz", "Łódź"),
        ("smorrebrod", "Smørrebrød"),
    ],
)
def test_words_of_other_scripts_are_found_in_other_forms(query: str, text: str) -> None:
    assert finds(query, text)


def test_words_with_vowel_signs_stay_whole() -> None:
    assert len(words_of("हिन्दी")) == len(words_of("தமிழ்")) == 1


def test_short_i_of_russian_is_a_letter_of_its_own() -> None:
    assert fold("Мой Ёж") == "мой еж"


@pytest.mark.parametrize(
    "text, words",
    [
        ("getUserName", ["getusernam", "get", "user", "name"]),
        ("XMLHttpRequest", ["xmlhttprequest", "xml", "http", "request"]),
        ("user_id", ["user", "id", "user_id"]),
        ("don't", ["dont"]),
        ("the dog's", ["the", "dog"]),
        ("O'Brien", ["o", "brien", "obrien"]),
        ("e-mail", ["e", "mail", "email"]),
        ("1,000", ["1000"]),
        ("3.14", ["3", "14", "3.14"]),
        ("7:30", ["7", "30", "7:30"]),
        ("10am", ["10am", "10", "am"]),
        ("18th", ["18th", "18"]),
        ("wait...what", ["wait", "what"]),
        ("a1b2c3d4e5f6", ["a1b2c3d4e5f6"]),
        ("北京烤鸭", ["北京", "京烤", "烤鸭", "鸭"]),
        ("猫", ["猫"]),
    ],
)
def test_words_of_a_token_are_these(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    "query, text",
    [
        ("email", "an e-mail"),
        ("user name", "call getUserName()"),
        ("1000", "1,000 people"),
        ("dont", "don\u2019t do it"),
        ("10 am", "at 10am"),
        ("main.py", "see https://example.org/src/main.py"),
        ("3f2a9c", "commit 3f2a9c fixed it"),
    ],
)
def test_what_is_written_in_two_ways_is_found_by_both(query: str, text: str) -> None:
    assert finds(query, text)


def test_question_does_not_ask_that_a_run_ends() -> None:
    assert asked_words("烤鸭") == ["烤鸭"]
    assert asked_words("鸭") == ["鸭"]


def test_words_stay_right_when_more_tokens_come_than_are_remembered() -> None:
    many = " ".join(f"token{number}" for number in range(60_000))

    assert words_of(many)[::59_999] == ["token0", "token59999"]
    assert words_of("dogs token0") == ["dog", "token0"]


def test_pieces_lie_where_they_say() -> None:
    for text in ("I like C++, and user_id.", "ｶﾌｪ で cafe\u0301 烤鸭"):
        assert all(text[at : at + len(piece)] == piece for at, piece in pieces_of(text))


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


SIGNS = st.sampled_from(
    [*"aB19_.@'+-:,#; \n\x1c\x85\xa0\u2028\u0301\u00b4\u3000\u2019\u00e9\u4e2d\u6587\u0e33"]
)


@given(st.text(SIGNS, max_size=30) | st.text(max_size=30))
def test_words_of_a_text_are_those_of_its_tokens_whatever_stands_between_them(text: str) -> None:
    by_token = [word for token in tokens_of(text) for word in words_of(f" {token} ")]
    assert words_of(text) == by_token
