"""Pieces of long texts: nothing lost, nothing torn, where they begin and end."""

from __future__ import annotations

import importlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lettafs.index.split import Piece, split

SENTENCES = [f"Sentence number {n} tells of the {n}th day at the harbour." for n in range(400)]


def texts_of(text: str, pieces: list[Piece]) -> list[str]:
    return [text[piece.start : piece.end] for piece in pieces]


def test_a_short_text_is_one_piece_as_it_stands() -> None:
    assert split("  two words \n") == [Piece(0, 13)]


@pytest.mark.parametrize("blank", ["", " ", "\n\n\t", "\u3000\u2029"])
def test_a_blank_text_has_no_piece(blank: str) -> None:
    assert split(blank) == []


def test_a_text_little_above_the_limit_stays_whole() -> None:
    assert len(split("word " * 240)) == 1
    assert len(split("word " * 241)) > 1


def test_a_limit_nobody_can_keep_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 20"):
        split("text", limit_chars=19)


def test_pieces_end_with_sentences_and_repeat_the_last_ones() -> None:
    text = " ".join(SENTENCES)
    pieces = texts_of(text, split(text))
    assert len(pieces) > 10
    for piece in pieces:
        assert piece.startswith("Sentence number") and piece.endswith("harbour.")
        assert len(piece) <= 1_200
    for before, after in zip(pieces, pieces[1:], strict=False):
        shared = after[: after.index(".") + 1]
        assert before.endswith(shared) or shared in before[-150:]


def test_pieces_end_with_paragraphs_where_there_are_some() -> None:
    text = "\n\n".join(" ".join(SENTENCES[n : n + 12]) for n in range(0, 240, 12))
    for piece, after in zip(texts_of(text, split(text)), split(text)[1:], strict=False):
        place = text.index(piece) + len(piece)
        assert text[place : place + 2] == "\n\n", piece[-40:]
        assert after.end > place


def test_a_heading_begins_a_piece_and_is_known_below_it() -> None:
    body = " ".join(SENTENCES[:12])
    text = f"# Ports\n\n{body}\n\n## North\n\n{body}\n\n## South\n\n{body}\n\n# Ships\n\n{body}\n"
    pieces = split(text)
    begun = [piece for piece in pieces if text[piece.start] == "#"]
    assert [piece.heading for piece in begun] == [
        ("Ports",),
        ("Ports", "North"),
        ("Ports", "South"),
        ("Ships",),
    ]
    for piece in pieces:
        assert not text[piece.start : piece.end].endswith(("# North", "# South", "# Ships"))


def test_headings_in_code_and_underlined_ones_are_told_apart() -> None:
    text = "Ports\n=====\n\n```sh\n# not a heading\n```\n\n" + " ".join(SENTENCES[:60])
    assert {piece.heading for piece in split(text)} == {("Ports",)}


def test_a_text_below_a_heading_alone_says_so() -> None:
    assert split("# Title\ntext") == [Piece(0, 12, ("Title",))]


@pytest.mark.parametrize(
    "sentence",
    [
        "\u6211\u4eec\u4eca\u5929\u53bb\u4e86\u5317\u4eac\u7684\u6545\u5bab\u3002",
        "\u672c\u5f53\u3067\u3059\u304b\uff1f",
        "\u092f\u0939 \u090f\u0915 \u0935\u093e\u0915\u094d\u092f \u0939\u0948\u0964 ",
    ],
)
def test_sentences_of_other_scripts_are_kept_whole(sentence: str) -> None:
    text = sentence * 300
    for piece in texts_of(text, split(text)):
        assert piece.startswith(sentence[:3]) and piece.endswith(sentence.strip()[-1])


@pytest.mark.parametrize(
    "unbroken",
    [
        "x" * 5_000,
        "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e04\u0e23\u0e31\u0e1a" * 500,
        "\U0001f1e9\U0001f1ea" * 2_000,
    ],
)
def test_a_text_without_any_place_to_divide_is_divided(unbroken: str) -> None:
    pieces = split(unbroken)
    assert len(pieces) > 3 and max(p.end - p.start for p in pieces) <= 1_200
    assert "".join(texts_of(unbroken, pieces)) == unbroken


@pytest.mark.parametrize(
    "character", ["\U0001f44d\U0001f3fd", "\U0001f468\u200d\U0001f469", "e\u0301", "\u1112\u1161"]
)
def test_what_a_reader_takes_for_one_character_is_never_divided(character: str) -> None:
    for lead in ("", "x"):
        text = lead + character * 1_500
        for piece in split(text)[1:]:
            assert (piece.start - len(lead)) % len(character) == 0


def test_abbreviations_and_numbers_of_items_end_no_sentence() -> None:
    text = ("We met Dr. Smith and J. Doe near St. Paul at 3.5 km. " * 40).strip()
    for piece in texts_of(text, split(text)):
        assert piece.startswith("We met"), piece[:20]


def test_text_added_at_the_end_leaves_earlier_pieces_as_they_were() -> None:
    first = " ".join(SENTENCES[:100])
    longer = f"{first} And this is new. {' '.join(SENTENCES[100:130])}"
    assert split(longer)[: len(split(first)) - 2] == split(first)[:-2]


SIGNS = [
    "a", "B", " ", "  ", ". ", "! ", ", ", "\n", "\n\n", "\r\n", "# ", "```", "\u0301", "e\u0308",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\U0001f1eb",
    "\u0915\u094d\u0937\u093f", "\ud55c", "\u1112\u1161\u11ab", "\u0e33", "\u0e01", "\u3002",
    "\u4f60", "\U0001f44d\U0001f3fd", "\u200d", "\u0600", "\uff8a\uff9e", "\u200b", "\u2764\ufe0f",
    "1\ufe0f\u20e3", "\U0001f3f4\U000e0067\U000e0062\U000e007f", "\u061f ", "\u2029", "\x85",
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(SIGNS), max_size=300).map("".join) | st.text(max_size=300),
    st.integers(20, 80),
    st.integers(0, 40),
)
def test_no_sign_is_lost_and_no_character_torn(text: str, limit: int, overlap: int) -> None:
    pieces = split(text, limit_chars=limit, overlap_chars=overlap)
    assert pieces == split(text, limit_chars=limit, overlap_chars=overlap)
    covered = {place for piece in pieces for place in range(piece.start, piece.end)}
    lost = [place for place, sign in enumerate(text) if place not in covered and not sign.isspace()]
    assert not lost
    for before, after in zip(pieces, pieces[1:], strict=False):
        assert before.start < after.start and before.end < after.end
    regex = pytest.importorskip("regex", reason="knows what a reader takes for one character")
    borders = {match.start() for match in regex.finditer(r"\X", text)} | {len(text)}
    for piece in pieces:
        assert {piece.start, piece.end} <= borders, ascii(text)


@pytest.mark.parametrize(
    "unit",
    [
        "x",
        "a ",
        "\n",
        "# ",
        "# x\n",
        "\u0301",
        ". ",
        "```\n",
        "#\t \t",
        "a\r\n",
        "===\n",
        '."""" ',
        "x\n---\n",
        "1. ",
    ],
)
def test_time_grows_no_faster_than_the_text(unit: str) -> None:
    small, large = (_seconds(unit * (count // len(unit))) for count in (10_000, 80_000))
    assert large < 8 * 5 * max(small, 0.002), f"{small:.3f} s, then {large:.3f} s"


def _seconds(text: str) -> float:
    taken = []
    for _ in range(2):
        begun = time.process_time()
        split(text)
        taken.append(time.process_time() - begun)
    return min(taken)


def test_module_needs_no_package() -> None:
    module = importlib.import_module("lettafs.index.split")
    assert not hasattr(module, "np")
