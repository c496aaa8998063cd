"""Documents of each kind come out as Markdown, with their pages."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest

from lettafs.index.convert.failure import Failure
from lettafs.index.convert.pool import Pool
from lettafs.values.file import FileText
from tests.support.documents import docx, epub_of, notebook, ole, pptx, rss, xlsx


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    made = Pool(workers=1)
    yield made
    made.close()


def text_of(pool: Pool, data: bytes, kind: str) -> FileText:
    found = pool.convert(data, name=f"a.{kind}", kind=kind)
    assert isinstance(found, FileText), found
    assert found.kind == kind
    assert found.text.endswith("\n") and not found.text.endswith("\n\n")
    for mark in found.pages:
        assert found.text.startswith(f"<!-- {mark.label} -->\n", mark.start)
    return found


def test_a_table_in_a_document_keeps_its_header_and_its_bars(pool: Pool) -> None:
    data = docx("# Costs", "Of the year.", [["What", "Cost"], ["a|b", "3"]])

    assert text_of(pool, data, "docx").text == (
        "# Costs\n\nOf the year.\n\n| What | Cost |\n| --- | --- |\n| a\\|b | 3 |\n"
    )


def test_slides_are_pages_with_their_notes(pool: Pool) -> None:
    found = text_of(pool, pptx(("One", "first~said aloud"), ("Two", "second")), "pptx")

    assert [mark.label for mark in found.pages] == ["slide 1", "slide 2"]
    assert found.text == (
        "<!-- slide 1 -->\n# One\nfirst\n\n### Notes:\nsaid aloud\n\n"
        "<!-- slide 2 -->\n# Two\nsecond\n"
    )


def test_a_slide_cannot_pass_for_another(pool: Pool) -> None:
    found = text_of(pool, pptx(("One", "<!-- Slide number: 7 -->"), ("Two", "b")), "pptx")

    assert [mark.label for mark in found.pages] == ["slide 1", "slide 2"]
    assert found.page_of(found.text.index("Slide number: 7")) == "slide 1"


def test_sheets_are_pages_and_cells_read_as_they_were_written(pool: Pool) -> None:
    day = datetime.datetime(2024, 2, 29)
    rows: list[list[object]] = [
        ["Item", "Sum", None, "Day"],
        [],
        ["a|b", 30, None, day],
        ["c\nd", 0.1, None, True],
    ]
    found = text_of(pool, xlsx({"Costs": rows, "Empty": []}), "xlsx")

    assert [mark.label for mark in found.pages] == ["sheet Costs", "sheet Empty"]
    assert found.text == (
        "<!-- sheet Costs -->\n| Item | Sum | Day |\n| --- | --- | --- |\n"
        "| a\\|b | 30 | 2024-02-29 |\n| c d | 0.1 | TRUE |\n\n<!-- sheet Empty -->\n"
    )


def test_a_page_gives_its_words_and_nothing_it_loads(pool: Pool) -> None:
    html = (
        "<html><head><title>A page</title><script>evil()</script></head><body>"
        '<p>Words <a href="https://example.com/a">there</a>.</p>'
        '<img src="data:image/png;base64,AAAA" alt="a cat"><iframe src="x">in</iframe></body>'
    )

    assert text_of(pool, html.encode(), "html").text == (
        "# A page\n\nWords [there](https://example.com/a).\n\n![a cat](picture)\n"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "shift_jis", "utf-16"])
def test_a_page_is_read_in_the_encoding_it_names(pool: Pool, encoding: str) -> None:
    word = "日本語" if encoding == "shift_jis" else "déjà"
    html = f'<meta charset="{encoding}"><p>{word}</p>'

    assert text_of(pool, html.encode(encoding), "html").text == f"{word}\n"


def test_a_feed_is_read_in_the_encoding_it_names(pool: Pool) -> None:
    data = rss(("Новости", "текст")).decode().replace("UTF-8", "windows-1251").encode("cp1251")

    assert text_of(pool, data, "rss").text == "# A feed\n\n## Новости\nтекст\n"


def test_a_book_is_read_in_the_order_of_its_spine(pool: Pool) -> None:
    data = epub_of({"a.xhtml": "<h1>A</h1>", "b.xhtml": "<h1>B</h1>"}, spine=["c1", "c0"])

    assert text_of(pool, data, "epub").text == "**Title:** A book\n\n# B\n\n# A\n"


def test_a_notebook_gives_its_cells_and_not_their_output(pool: Pool) -> None:
    data = notebook(("markdown", "# N"), ("code", "a = 1\nb"), outputs=[{"text": "huge"}])

    assert text_of(pool, data, "ipynb").text == "# N\n\n```python\na = 1\nb\n```\n"


def test_a_message_gives_its_subject_and_body(pool: Pool) -> None:
    data = ole(
        {
            "__properties_version1.0": b"",
            "__substg1.0_0037001F": "A subject".ljust(2100).encode("utf-16-le"),
            "__substg1.0_1000001F": "The body.".ljust(2100).encode("utf-16-le"),
        }
    )

    assert text_of(pool, data, "msg").text == (
        "# Email Message\n\n**Subject:** A subject\n\n## Content\n\nThe body.\n"
    )


def test_control_characters_are_taken_out(pool: Pool) -> None:
    html = "<p>a&#27;[31mb&#7;&#133;c</p>"

    assert "\x1b" not in text_of(pool, html.encode(), "html").text


@pytest.mark.parametrize(
    "data, kind, code",
    [
        (ole({"EncryptedPackage": b""}), "docx", "password"),
        (docx(), "docx", "no-text"),
        (b"<html><body> </body></html>", "html", "no-text"),
        (docx("words")[:200], "docx", "damaged"),
        (b"{}", "xlsx", "damaged"),
        (ole({"Workbook": bytes(5000)}), "xls", "damaged"),
        (b'{"cells": 7}', "ipynb", "damaged"),
    ],
)
def test_what_cannot_be_read_says_why(pool: Pool, data: bytes, kind: str, code: str) -> None:
    found = pool.convert(data, name="a", kind=kind)

    assert isinstance(found, Failure)
    assert found.code == code
    assert found.reason and "\n" not in found.reason
