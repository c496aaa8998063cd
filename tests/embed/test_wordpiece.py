"""Word pieces: as the published tokenizer cuts, on real texts and on every rule by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lettafs.embed.minilm.weights import load
from lettafs.embed.minilm.wordpiece import WordPiece

REFERENCE = json.loads(Path(__file__).with_name("reference.json").read_text(encoding="utf-8"))
TOKENS = """[UNK] [CLS] [SEP] a b c ab ##a ##b ##ab ##c é e cafe i σ ' , . ! - 天 气 `` ` $
ss ß [ ] sep か ##な k ##σ ##ς"""


@pytest.fixture
def small() -> WordPiece:
    return WordPiece(TOKENS.split())


def cut(pieces: WordPiece, text: str, *, limit: int = 256) -> str:
    """Return the pieces of a text, without the two marks."""
    names = TOKENS.split()
    return " ".join(names[number] for number in pieces.ids(text, limit=limit)[1:-1])


def test_ids_are_those_of_the_published_tokenizer() -> None:
    pieces, network = load()
    assert len(REFERENCE) == 100
    for row in REFERENCE:
        assert pieces.ids(row["text"], limit=network.max_tokens) == row["ids"], row["text"][:60]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("abab", "ab ##ab"),
        ("abcab", "ab ##c ##ab"),
        ("abx", "[UNK]"),
        ("ab x ab", "ab [UNK] ab"),
        ("AB Ab", "ab ab"),
        ("CAFÉ cafe\u0301", "cafe cafe"),
        ("a,b.c", "a , b . c"),
        ("a--b", "a - - b"),
        ("a$b", "a $ b"),
        ("天气", "天 气"),
        ("a天b", "a 天 b"),
        ("かな", "か ##な"),
        ("a\x00b", "ab"),
        ("a\u200bb", "ab"),
        ("a\ufffdb", "ab"),
        ("a\ufeffb", "ab"),
        ("a\x0bb\x85c", "ab ##c"),
        ("a\tb\nc\r\na", "a b c a"),
        ("a\u00a0b\u2028c\u3000a", "a b c a"),
        ("\u0130", "i"),
        ("\u03a3", "σ"),
        ("\u1fef", "`"),
        ("\u212a", "k"),
        ("\ud800a", "a"),
        ("[SEP]", "[ sep ]"),
        ("a" * 101, "[UNK]"),
        ("", ""),
        (" \n", ""),
    ],
)
def test_text_is_cut_by_the_rules_of_uncased_bert(small: WordPiece, text: str, pieces: str) -> None:
    assert cut(small, text) == pieces


def test_word_of_a_hundred_letters_is_cut_and_a_longer_one_is_unknown(small: WordPiece) -> None:
    assert cut(small, "ab" * 50) == " ".join(["ab", *["##ab"] * 49])
    assert cut(small, "ab" * 50 + "a") == "[UNK]"


def test_word_at_the_end_of_a_sentence_keeps_its_sigma(small: WordPiece) -> None:
    # str.lower() writes another letter there.
    assert cut(small, "A\u03a3") == cut(small, "a\u03c3") == "a ##σ"


@pytest.mark.parametrize("words", [0, 1, 6, 7, 8, 1_000])
def test_long_text_is_cut_at_the_limit_with_both_marks(small: WordPiece, words: int) -> None:
    found = small.ids("ab " * words, limit=8)
    assert found == [1, *[6] * min(words, 6), 2]


@given(st.text())
def test_any_text_has_ids_of_the_vocabulary_between_the_marks(text: str) -> None:
    pieces = WordPiece(TOKENS.split())
    found = pieces.ids(text, limit=32)
    assert found[0] == 1
    assert found[-1] == 2
    assert 2 <= len(found) <= 32
    assert all(0 <= number < len(TOKENS.split()) for number in found)
