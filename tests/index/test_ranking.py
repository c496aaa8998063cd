"""Ranking: what a person would expect to find first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lettafs.index.corpus import Document, Place
from lettafs.index.moments import UNKNOWN_US, micros
from lettafs.index.ranking.lex import RECIPE, rank_talk
from lettafs.index.ranking.passages import rank_passages
from lettafs.index.ranking.query import read_query
from lettafs.index.ranking.talk import SITTING_GAP_US, Talk, talk_of
from lettafs.index.words import fold, words_of
from tests.support.memory_corpus import MemoryCorpus

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE_US = 60_000_000


def corpus_of(texts: Sequence[str], *, who: Sequence[str] = ()) -> MemoryCorpus:
    return MemoryCorpus(
        (
            Place(1, number + 1),
            Document(
                str(number),
                words_of(text),
                [f"who:{fold(who[number % len(who)])}"] if who else [],
            ),
        )
        for number, text in enumerate(texts)
    )


def talk_for(
    size: int,
    *,
    times_us: Sequence[int] | None = None,
    conversations: Sequence[int] | None = None,
    spoken: Sequence[bool] | None = None,
) -> Talk:
    start = micros(NOON)
    times = times_us or [start + number * MINUTE_US for number in range(size)]
    return talk_of(
        times_us=np.array(times, np.int64),
        roles=np.arange(size, dtype=np.int64) % 2,
        conversations=np.array(conversations or [1] * size, np.int64),
        spoken=np.array([True] * size if spoken is None else spoken, np.bool_),
    )


def scores(texts: Sequence[str], question: str, *, talk: Talk | None = None) -> NDArray[np.float32]:
    corpus = corpus_of(texts)
    return rank_talk(corpus, read_query(question, corpus), talk or talk_for(len(texts)))


def best(texts: Sequence[str], question: str) -> str | None:
    """Return the passage that fits best, by its own words."""
    corpus = corpus_of(texts)
    ranked = rank_passages(corpus, read_query(question, corpus))
    return texts[int(ranked.argmax())] if ranked.any() else None


@pytest.mark.parametrize(
    "question, text",
    [
        ("Where does my sister live?", "My sister lives in Rome."),
        ("user name", "call getUserName() first"),
        ("user_id", "the user_id column"),
        ("ann@example.com", "write to ann@example.com"),
        ("C++", "I write C++ all day"),
        ("烤鸭", "我喜欢北京烤鸭"),
        ("鸭", "我喜欢北京烤鸭很久了"),
        ("鸭", "烤鸭"),
        ("カフェはどこ", "駅前のカフェで会う"),
        ("서울", "나는 서울에 산다"),
        ("กาแฟ", "ฉันชอบกาแฟเย็น"),
        ("кошки", "У меня есть кошка"),
        ("كتاب", "قرأت الكتاب أمس"),
        ("किताब", "मेरे पास दो किताबें हैं"),
        ("Versicherung", "Die Krankenversicherung zahlt"),
        ("Krankenversicherung", "Die Versicherung zahlt"),
        ("Krankenversicherungskarte", "Meine Karte der Krankenversicherung"),
        ("Bilder", "Ein Bild von dir"),
        ("Bild", "Die Bilder von dir"),
        ("Müller", "Herr Muller rief an"),
        ("Mueller", "Herr Müller rief an"),
        ("Müller", "Herr Mueller rief an"),
        ("naive", "a naïve plan"),
        ("recieve", "did you receive it"),
        ("educaton", "an education in arts"),
        ("roadtrip", "the road trip was long"),
        ("road trip", "our roadtrip was long"),
        ("kids", "her children sleep"),
        ("movie", "a film about whales"),
        ("What is IT?", "The IT department called"),
        ("Who was born on 7 May 2023?", "Ada, born 7 May 2023"),
        ("What happened in 2019?", "In 2019 we moved"),
    ],
)
def test_question_finds_its_text_among_others(question: str, text: str) -> None:
    others = ["Nothing of the sort.", "Das Wetter ist heute gut.", "今日は雨です", "비가 온다"]

    assert best([*others, text], question) == text


def test_text_with_the_word_itself_is_before_one_with_its_kin() -> None:
    assert best(["We saw a film.", "We saw a movie."], "movie") == "We saw a movie."


def test_name_stands_for_itself() -> None:
    texts = ["The trip to Munich was long.", "The office is closed."]

    assert best(texts, "when did we leave for Berlin") is None
    assert best(texts, "berlin") == texts[0]


def test_texts_without_a_word_of_the_question_are_not_found() -> None:
    assert best(["I like tea."], "zebra") is None
    assert best(["I like tea."], "") is best(["I like tea."], "?!") is None


def test_rare_word_weighs_more_and_common_ones_of_a_question_nothing() -> None:
    texts = ["Tea again.", "Green tea, tea and tea.", "Ann lives in Rome.", "Is this that?"]

    assert best(texts, "What is this tea in Rome?") == texts[2]
    assert best(texts, "is this that") == texts[3]


def test_answer_is_found_by_the_words_of_its_question() -> None:
    texts = [
        "Good morning!",
        "How did you learn to play the violin?",
        "My grandmother taught me when I was six.",
        "The weather is fine.",
        "So it is. A very fine day.",
        "Let us go out.",
        "Yes, let us.",
    ]

    ranked = np.argsort(-scores(texts, "who taught her the violin"))[:2].tolist()

    assert sorted(ranked) == [1, 2]
    assert scores(texts, "violin")[2] > scores(texts, "violin")[3] > 0
    assert scores(texts, "violin")[6] == 0


@pytest.mark.parametrize(
    "apart",
    [
        {"times_us": [0, SITTING_GAP_US + 1]},
        {"times_us": [SITTING_GAP_US + 1, 0]},
        {"conversations": [1, 2]},
        {"spoken": [True, False]},
    ],
)
def test_context_ends_with_its_sitting(apart: dict[str, list[int]]) -> None:
    texts = ["The violin is mine.", "And what a sound."]

    near = scores(texts, "violin")
    far = scores(texts, "violin", talk=talk_for(2, **apart))  # type: ignore[arg-type]

    assert near[1] > 0
    assert far.tolist() == [1, 0]


def test_times_nobody_can_read_do_not_end_a_sitting() -> None:
    talk = talk_for(2, times_us=[UNKNOWN_US, 10**15])

    assert scores(["The violin is mine.", "What a sound."], "violin", talk=talk)[1] > 0


def test_conversations_told_in_turn_do_not_mix() -> None:
    texts = ["violin", "weather", "sound", "rain"]
    talk = talk_for(4, conversations=[7, 3, 7, 3])

    assert (scores(texts, "violin", talk=talk) > 0).tolist() == [True, False, True, False]


def test_tool_row_is_found_by_its_own_words_and_hides_no_neighbour() -> None:
    texts = ["the violin?", "result of violin search", "a fine sound"]
    talk = talk_for(3, spoken=[True, False, True])

    found = scores(texts, "violin", talk=talk)

    assert (found > 0).all()
    alone = scores(texts, "search", talk=talk)
    assert (alone > 0).tolist() == [False, True, False]


def test_message_of_the_one_named_is_before_the_others() -> None:
    texts = ["The violin, again.", "The violin, again."] + ["Rain."] * 8
    talk = talk_for(10, times_us=[number * 10**12 for number in range(10)])
    corpus = corpus_of(texts, who=["Ann Lee", "Bob"])

    for name, first in (("Ann", 0), ("ann's", 0), ("Bob", 1)):
        query = read_query(f"Which violin does {name} play?", corpus)
        ranked = rank_talk(corpus, query, talk)
        assert int(ranked.argmax()) == first
        assert ranked[2:].max() == 0


def test_name_that_only_the_other_side_says_is_the_speakers() -> None:
    texts = ["Hi Bob!", "Hi Ann!", "Bob, the violin came.", "Ann, the violin came."] * 5
    talk = talk_for(20, times_us=[number * 10**12 for number in range(20)])
    corpus = corpus_of(texts)

    # Role 0 says "Bob", so role 1 is Bob.
    ranked = rank_talk(corpus, read_query("What about Bob's violin?", corpus), talk)
    assert set(np.flatnonzero(ranked == ranked.max())) == {3, 7, 11, 15, 19}
    assert ranked[1] == ranked[0] == 0


def test_names_alone_find_where_they_are_said() -> None:
    texts = ["Hi Bob!", "Hi Ann!", "Rain.", "Rain."] * 3
    talk = talk_for(12, times_us=[number * 10**12 for number in range(12)])
    labelled = corpus_of(texts, who=["Ann", "Bob"])

    for corpus in (labelled, corpus_of(texts)):
        ranked = rank_talk(corpus, read_query("Tell me about Bob", corpus), talk)
        assert set(np.flatnonzero(ranked == ranked.max()).tolist()) >= {0, 4, 8}


def test_day_named_brings_what_was_said_on_it_first() -> None:
    texts = ["We met for tea."] * 6
    times = [micros(NOON + timedelta(days=20 * number)) for number in range(6)]
    corpus, talk = corpus_of(texts), talk_for(6, times_us=times)

    def ranked(question: str) -> list[int]:
        found = rank_talk(corpus, read_query(question, corpus), talk)
        order: list[int] = np.argsort(-found, kind="stable").tolist()
        return order

    assert ranked("Did we have tea on 21 March 2026?")[0] == 1
    assert ranked("tea on 2026-04-10")[0] == 2
    assert ranked("tea in May 2026")[0] == 4
    assert ranked("tea on 22 March 2026")[0] == 1  # told a day early


def test_date_alone_finds_what_was_said_then_and_where_it_is_written() -> None:
    texts = ["Rain.", "Tea.", "Wind.", "My birthday is March 21"]
    times = [micros(NOON + timedelta(days=20 * number)) for number in range(4)]
    corpus, talk = corpus_of(texts), talk_for(4, times_us=times)

    ranked = rank_talk(corpus, read_query("on March 21, 2026", corpus), talk)

    assert (ranked > 0).tolist() == [False, True, False, True]


def test_message_that_says_when_is_before_one_that_does_not_where_that_is_asked() -> None:
    texts = ["The fair was fun.", "The fair was yesterday."] + ["Rain."] * 6
    talk = talk_for(8, times_us=[number * 10**12 for number in range(8)])

    assert scores(texts, "When was the fair?", talk=talk).argmax() == 1


def test_empty_corpus_and_one_document_rank() -> None:
    assert scores([], "tea").tolist() == []
    assert scores(["tea"], "tea").tolist() == [1]
    assert rank_passages(corpus_of([]), read_query("tea", corpus_of([]))).tolist() == []


def test_long_query_is_cut_to_its_rarest_words() -> None:
    texts = [f"word{number} common" for number in range(300)]
    corpus = corpus_of(texts)

    query = read_query(" ".join(texts), corpus)

    assert len(query.terms) <= 48
    assert "common" not in {term.words[0] for term in query.terms}
    absent = " ".join(f"absent{number}" for number in range(200))
    assert [term.words[0] for term in read_query(f"{absent} word7", corpus).terms] == ["word7"]


def test_parts_of_the_recipe_can_be_taken_away() -> None:
    from dataclasses import replace

    corpus, talk = corpus_of(["the violin", "a sound"]), talk_for(2)
    without = replace(RECIPE, context=0.0)

    ranked = rank_talk(corpus, read_query("violin", corpus), talk, recipe=without)

    assert ranked.tolist() == [1, 0]


WORD = st.sampled_from(["tea", "dog", "dogs", "walk", "rain", "rome", "violin", "I", "when", "猫"])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(WORD, max_size=6).map(" ".join), max_size=12),
    st.lists(WORD, max_size=4).map(" ".join),
    st.data(),
)
def test_scores_are_finite_and_the_same_twice(
    texts: list[str], question: str, data: st.DataObject
) -> None:
    size = len(texts)
    times = st.lists(st.integers(-(2**62), 2**62), min_size=size, max_size=size)
    conversations = st.lists(st.integers(0, 2), min_size=size, max_size=size)
    spoken = st.lists(st.booleans(), min_size=size, max_size=size)
    talk = talk_for(
        size,
        times_us=data.draw(times),
        conversations=data.draw(conversations),
        spoken=data.draw(spoken),
    )

    one, two = scores(texts, question, talk=talk), scores(texts, question, talk=talk)

    assert np.isfinite(one).all() and (one >= 0).all()
    assert one.dtype == np.float32 and one.tolist() == two.tolist()
