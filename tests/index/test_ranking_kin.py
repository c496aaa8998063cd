"""The table of words of like meaning, and how it is made."""

from __future__ import annotations

import numpy as np

from lettafs.embed.minilm.tensors import write_tensors
from lettafs.index.corpus import Document, Place
from lettafs.index.ranking.derive_kin import derive
from lettafs.index.ranking.expand import term_for
from lettafs.index.ranking.kin import kin_of
from lettafs.index.words import words_of
from tests.support.memory_corpus import MemoryCorpus


def test_words_have_the_kin_people_would_name() -> None:
    for word, other in (("movie", "film"), ("car", "vehicle"), ("kids", "child"), ("job", "work")):
        kin = [stem for stem, _ in kin_of(words_of(word)[0])]
        assert words_of(other)[0] in kin, f"{word}: {kin}"


def test_kin_come_nearest_first_and_none_is_the_word_itself() -> None:
    for word in ("film", "citi", "recip"):
        near = [nearness for _, nearness in kin_of(word)]
        assert near == sorted(near, reverse=True) and min(near) >= 0.3
        assert word not in dict(kin_of(word))


def test_word_nobody_knows_has_no_kin() -> None:
    assert kin_of("qwertz") == kin_of("") == kin_of("a:b") == kin_of("film72") == []


def test_kin_count_less_than_the_word_and_common_ones_still_less() -> None:
    texts = ["film", *["work"] * 8, "vehicle", *["rain"] * 20]
    corpus = MemoryCorpus(
        (Place(1, number + 1), Document(str(number), words_of(text)))
        for number, text in enumerate(texts)
    )

    movie = term_for(words_of("movie")[0], corpus)
    assert movie.words == ("movi", "film")
    assert 0 < movie.weights[1] < 0.5
    plain = term_for("vehicl", corpus)
    assert plain.words[0] == "vehicl" and plain.weights[0] == 1
    assert term_for("movi", corpus, name=True).words == ("movi",)


def test_table_is_made_of_vectors_that_point_the_same_way() -> None:
    tokens = ["[PAD]", "movie", "films", "tea", "coffee", "##ing", "the"]
    tokens += [f"q{one}{other}x" for one in "bcdfghjk" for other in "bcdfghjk"]
    random = np.random.default_rng(1)
    vectors = random.normal(size=(len(tokens), 64))
    vectors[2] = vectors[1] + 0.3 * random.normal(size=64)
    vectors[4] = vectors[3] + 0.3 * random.normal(size=64)
    # Two directions that all words share say nothing of what they mean.
    vectors += 3 * np.outer(random.normal(size=len(tokens)), random.normal(size=64))
    vectors += 4 * np.outer(random.normal(size=len(tokens)), random.normal(size=64))
    scale = np.abs(vectors).max(axis=1, keepdims=True) / 127
    model = write_tensors(
        {
            "tokens": np.frombuffer("\n".join(tokens).encode(), np.uint8),
            "words": np.rint(vectors / scale).astype(np.int8),
            "words.scale": scale.astype(np.float32),
        },
        about={},
    )

    table = dict(line.split(":") for line in derive(model).splitlines())

    assert table["movi"].startswith("film") and table["film"].startswith("movi")
    assert table["tea"].startswith("coffe")
    assert "the" not in table
    assert len(table["qbbx"].split() if "qbbx" in table else []) < 12
