"""Pieces of a file's text: where they begin and end, what is told beside them, and how fast."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lettafs.index.files.pieces import FilePiece, pieces_of
from lettafs.index.split import LIMIT_CHARS
from lettafs.values.file import FileText, PageMark

KINDS = ("text", "markdown", "code", "table", "pdf")
WHOLE = LIMIT_CHARS * 1.2


def said(text: FileText) -> list[str]:
    return [text.text[piece.start : piece.end] for piece in pieces_of(text)]


def paged(*pages: str, label: str = "page") -> FileText:
    """Make a text of pages, each under the line that names it."""
    text, marks = "", []
    for number, page in enumerate(pages, 1):
        marks.append(PageMark(len(text), f"{label} {number}"))
        text += f"<!-- {label} {number} -->\n{page}\n"
    return FileText(text, tuple(marks), "pdf")


def prose(words: int, *, seed: int = 1) -> str:
    chance = random.Random(seed)
    return " ".join(
        f"word{chance.randrange(500)}{'.' if chance.random() < 0.1 else ''}" for _ in range(words)
    )


def test_a_short_text_is_one_piece_with_its_heading() -> None:
    text = FileText("# Soups\n\n## Winter\n\nLeeks and potatoes.\n", kind="markdown")
    assert pieces_of(text) == [FilePiece(0, len(text.text) - 1, ("Soups",))]


def test_a_text_with_nothing_to_read_has_no_piece() -> None:
    assert [
        pieces_of(FileText(blank, kind=kind)) for blank in ("", " \n\t\n") for kind in KINDS
    ] == [[] for _ in range(2 * len(KINDS))]
    assert pieces_of(paged("", " ")) == []


def test_a_piece_never_spans_two_pages_and_leaves_out_the_line_that_names_one() -> None:
    text = paged("One.", prose(400), "Three.")
    found = pieces_of(text)
    assert [text.page_of(piece.start) for piece in found] == [
        "page 1",
        *["page 2"] * (len(found) - 2),
        "page 3",
    ]
    assert len(found) > 4
    assert not any("<!--" in words for words in said(text))
    assert all(text.page_of(piece.start) == text.page_of(piece.end - 1) for piece in found)


def test_a_line_that_only_looks_like_a_page_is_text() -> None:
    text = paged("Before.\n<!-- page 7 -->\nAfter.")
    assert said(text) == ["Before.\n<!-- page 7 -->\nAfter."]


def test_a_heading_holds_on_the_next_page() -> None:
    text = paged("# Results\n\nGood ones.", "More of them.")
    assert [piece.heading for piece in pieces_of(text)] == [("Results",), ("Results",)]


def test_a_short_table_stays_whole_with_the_words_around_it() -> None:
    table = "| Item | Cost |\n| --- | --- |\n| Tea | 3 |\n"
    text = FileText(f"{prose(200)}\n\nPrices:\n\n{table}\nAll in pounds.\n", kind="markdown")
    assert sum(table in words for words in said(text)) == 1


def test_a_long_table_is_cut_between_rows_and_every_piece_knows_the_header() -> None:
    rows = [f"| item {number} | {number * 7} |" for number in range(300)]
    lines = ["| Item | Cost |", "| --- | --- |", *rows]
    text = FileText("# Prices\n\n" + "\n".join(lines) + "\n\nThat is all.\n", kind="markdown")
    found = [piece for piece in pieces_of(text) if "item" in text.text[piece.start : piece.end]]
    assert len(found) > 5
    whole: list[str] = []
    for piece in found:
        whole += text.text[piece.start : piece.end].split("\n")
        assert piece.heading == ("Prices",)
        assert piece.context == ("" if piece is found[0] else "| Item | Cost |")
    assert whole == lines


def test_a_fence_that_is_short_is_not_cut() -> None:
    code = "```python\n" + "\n\n".join(f"x{number} = {number}" for number in range(30)) + "\n```"
    text = FileText(f"{prose(120)}\n\n{code}\n\n{prose(120)}\n", kind="markdown")
    assert sum(code in words for words in said(text)) == 1


def test_a_heading_within_a_fence_is_code() -> None:
    fence = "```\n# no heading\n```\n"
    text = FileText(f"# Title\n\n{fence}\n{prose(400)}\n", kind="markdown")
    assert {piece.heading for piece in pieces_of(text)} == {("Title",)}


def test_values_are_cut_between_rows_and_keep_their_header() -> None:
    rows = [f'{number},"name, {number}",{number % 7}' for number in range(300)]
    text = FileText("\n".join(["id,name,group", *rows]) + "\n", kind="table")
    found = pieces_of(text)
    assert [piece.context for piece in found] == ["", *["id,name,group"] * (len(found) - 1)]
    assert "\n".join(said(text)) + "\n" == text.text


def test_a_value_with_line_ends_in_quotes_is_not_cut() -> None:
    rows = [f'{number},"first line\nsecond line\n\nthird"' for number in range(100)]
    text = FileText("id,note\n" + "\n".join(rows) + "\n", kind="table")
    assert all(words.count('"') % 2 == 0 for words in said(text))
    assert len(said(text)) > 3


def test_a_stray_quotation_mark_does_not_make_one_row_of_all_that_follows() -> None:
    rows = [f"{number},12 inch" for number in range(400)]
    text = FileText('id,size\n0,12"\n' + "\n".join(rows) + "\n", kind="table")
    assert all(len(words) <= WHOLE for words in said(text))
    assert "\n".join(said(text)) + "\n" == text.text


def test_numbers_alone_are_no_header() -> None:
    text = FileText("".join(f"{number},{number}\n" for number in range(900)), kind="table")
    assert {piece.context for piece in pieces_of(text)} == {""}


def test_code_is_cut_at_definitions_and_tells_the_class_it_lies_in() -> None:
    methods = "\n".join(
        f"    def step_{number}(self) -> int:\n"
        f"        # {'why ' * 20}\n"
        f"        total = {number}\n\n"
        f"        return total\n"
        for number in range(40)
    )
    text = FileText(
        f"import os\n\n\nclass Engine:\n\n{methods}\n\ndef last():\n    pass\n", kind="code"
    )
    first, *rest = pieces_of(text)
    assert text.text[first.start :].startswith("import os")
    assert len(rest) > 3
    for piece in rest:
        assert text.text[piece.start : piece.end].startswith("    def step_")
        assert piece.context == "class Engine:"
    assert sum("def last" in words for words in said(text)) == 1


def test_code_keeps_the_indent_of_its_first_line() -> None:
    lines = "".join(f'    "key {number}": {number},\n' for number in range(200))
    text = FileText('{\n  "outer": {\n' + lines + "  }\n}\n", kind="code")
    later = pieces_of(text)[1:]
    assert later
    assert all(text.text[piece.start : piece.end].startswith('    "key') for piece in later)
    assert {piece.context for piece in later} == {'"outer": {'}


PARTS = st.sampled_from(
    [
        "# Title\n",
        "Setext\n---\n",
        "| a | b |\n|---|---|\n",
        "| 1 | 2 |\n",
        "```\n",
        "~~~ x\n",
        "\n",
        "    deep:\n",
        "class A:\n",
        "}\n",
        'a,"b\n',
        "one two three. Four five.\n",
        "\r\n",
        "\u65e5\u672c\u8a9e\u3002" * 40,
        "x" * 700,
        "word " * 120 + "\n",
        "\U0001f1e9\U0001f1ea" * 30,
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(PARTS, max_size=12), min_size=1, max_size=4), st.sampled_from(KINDS))
def test_every_sign_lies_in_a_piece_and_none_is_too_long(pages: list[list[str]], kind: str) -> None:
    text, marks = "".join(pages[0]), []
    for number, page in enumerate(pages[1:], 1):
        text += "" if not text or text.endswith("\n") else "\n"
        marks.append(PageMark(len(text), f"page {number}"))
        text += f"<!-- page {number} -->\n" + "".join(page)
    file = FileText(text, tuple(marks), kind)
    found = pieces_of(file)
    assert found == pieces_of(file)
    covered: set[int] = set()
    for piece in found:
        assert 0 <= piece.start < piece.end <= len(text)
        assert piece.end - piece.start <= WHOLE + 120  # an indent may come before the text
        assert file.page_of(piece.start) == file.page_of(piece.end - 1)
        covered.update(range(piece.start, piece.end))
    for mark in marks:
        covered.update(range(mark.start, mark.start + len(f"<!-- {mark.label} -->")))
    assert [at for at, sign in enumerate(text) if not sign.isspace() and at not in covered] == []
    starts = [piece.start for piece in found]
    assert starts == sorted(starts)


@pytest.mark.parametrize("kind", ("text", "code", "table"))
@pytest.mark.parametrize(
    "part", ["x", " ", "\n", '"\n', "|-\n", "```\n", "# a\n", "a b. ", "(\n", "|", "- ", "\ta\n\n"]
)
def test_time_grows_with_the_text_only(part: str, kind: str) -> None:
    """A text of one sign over and over: the worst for whatever looks ahead."""

    def seconds(size: int) -> float:
        text = FileText(part * (size // len(part)) + "end\n", kind=kind)
        begun = time.process_time()
        pieces_of(text)
        return time.process_time() - begun

    # Were it the square of the length, the second would take a hundred times as long. The best of
    # three, since other processes' use of the caches is felt in CPU time too.
    large, small = (min(seconds(size) for _ in range(3)) for size in (100_000, 10_000))
    assert large < 40 * max(small, 0.01)
