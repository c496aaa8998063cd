from __future__ import annotations

import random
import time

import pytest

from lettafs.index.convert.failure import Failure
from lettafs.index.convert.pdf import read_pdf
from lettafs.values.file import FileText
from tests.support.pdf_files import (
    Page,
    at,
    encrypted,
    grid,
    paragraphs,
    pdf,
    picture,
    rule,
    table,
    upright,
)

COMMON = (
    "memory window context system function model prompt archive recall search document the of and "
    "to a in is for with that by on storage event message output large language under"
).split()


def prose(name: str, words: int) -> str:
    """Return a sentence of common words, every sixth of which tells its place."""
    chosen = random.Random(name).choices(COMMON, k=words)
    for place in range(0, words, 6):
        chosen[place] = f"{name}x{place // 6}"
    return " ".join(chosen) + "."


def places(text: str, *names: str) -> list[str]:
    """Return the words that tell their place, in the order they stand in a text."""
    words = text.replace("\n", " ").replace(".", " ").split()
    return [word for word in words if "x" in word and word.partition("x")[0] in names]


def in_order(names: list[str], words: int) -> list[str]:
    return [f"{name}x{place}" for name in names for place in range(-(-words // 6))]


def read(data: bytes, *, text_chars: int = 1_000_000) -> FileText:
    result = read_pdf(data, text_chars=text_chars)
    assert isinstance(result, FileText), result
    return result


def refused(data: bytes) -> Failure:
    result = read_pdf(data, text_chars=1_000_000)
    assert isinstance(result, Failure), result
    return result


def rows(text: str) -> list[list[str]]:
    """Return the cells of a text's tables, without the lines under their heads."""
    found = [line[1:-1].split("|") for line in text.split("\n") if line.startswith("|")]
    cells = [[cell.strip() for cell in row] for row in found]
    return [row for row in cells if set(row) != {"---"}]


def in_columns(names: list[str], y: float, *, columns: int, gap: float, words: int) -> list[str]:
    width = (504 - gap * (columns - 1)) / columns
    drawn: list[str] = []
    for number, name in enumerate(names):
        left = 54 + number * (width + gap)
        drawn += paragraphs(left, y, [prose(name, words)], width=width)[0]
    return drawn


# -- columns -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("columns", "gap", "words"), [(2, 24, 120), (2, 12, 120), (3, 18, 80)])
def test_columns_are_read_one_after_the_other(columns: int, gap: float, words: int) -> None:
    names = ["left", "middle", "right"][:columns]
    drawn = in_columns(names, 100, columns=columns, gap=gap, words=words)
    text = read(pdf([Page(drawn)])).text
    assert places(text, *names) == in_order(names, words)
    assert rows(text) == []


def test_columns_are_read_in_order_however_they_were_drawn() -> None:
    drawn = in_columns(["left", "right"], 100, columns=2, gap=20, words=120)
    random.Random(4).shuffle(drawn)
    text = read(pdf([Page(drawn)])).text
    assert places(text, "left", "right") == in_order(["left", "right"], 120)


def test_what_spans_both_columns_is_read_in_its_place() -> None:
    drawn = [at(130, 60, "A Title That Spans Both of the Columns", size=18)]
    drawn += [at(90, 90, "Ada Lovelace"), at(400, 90, "Charles Babbage")]
    drawn += [at(90, 102, "University of London"), at(400, 102, "Trinity College")]
    drawn += [at(90, 114, "ada@example.org"), at(400, 114, "charles@example.org")]
    abstract, below = paragraphs(100, 150, [prose("abstract", 60)], width=412)
    drawn += abstract
    drawn += in_columns(["one", "two"], below + 20, columns=2, gap=24, words=90)
    caption = "Figure 1: What was measured, shown over the whole width of this page"
    drawn += [at(120, 480, caption)]
    drawn += in_columns(["three", "four"], 520, columns=2, gap=24, words=60)
    drawn += [at(303, 770, "1")]
    text = read(pdf([Page(drawn)])).text
    lines = text.split("\n")
    assert lines[1] == "A Title That Spans Both of the Columns"
    assert rows(text) == [
        ["Ada Lovelace", "Charles Babbage"],
        ["University of London", "Trinity College"],
        ["ada@example.org", "charles@example.org"],
    ]
    assert places(text, "abstract") == in_order(["abstract"], 60)
    order = ["Ada Lovelace", "abstractx0", "onex0", "twox0", caption, "threex0", "fourx0"]
    found = [text.index(word) for word in order]
    assert found == sorted(found)
    assert places(text, "one", "two") == in_order(["one", "two"], 90)
    assert places(text, "three", "four") == in_order(["three", "four"], 60)
    assert lines[-2] == "1"


def test_a_wide_table_between_columns_stays_a_table() -> None:
    cells = [
        ("Model", "Accuracy", "Score", "Tokens"),
        ("Small", "92.1", "0.81", "8,192"),
        ("Large", "93.4", "0.82", "100,000"),
    ]
    drawn = in_columns(["one", "two"], 60, columns=2, gap=24, words=90)
    drawn += [rule(54, 330, 558, 330), rule(54, 390, 558, 390)]
    drawn += table([70, 190, 330, 460], 345, cells)
    drawn += in_columns(["three", "four"], 420, columns=2, gap=24, words=90)
    text = read(pdf([Page(drawn)])).text
    assert rows(text) == [list(row) for row in cells]
    found = [text.index(word) for word in ("onex0", "twox0", "| Model", "threex0", "fourx0")]
    assert found == sorted(found)


def test_a_short_last_page_is_read_in_the_columns_of_the_pages_before() -> None:
    first = in_columns(["one", "two"], 60, columns=2, gap=24, words=120)
    last = paragraphs(54, 60, [prose("three", 40)], width=240)[0]
    last += [at(318, 60, "References"), at(318, 76, "Packer, 2023.")]
    text = read(pdf([Page(first), Page(last)])).text
    assert places(text, "three") == in_order(["three"], 40)
    assert text.index("References") > text.index("threex6")


def test_a_paragraph_goes_on_in_the_next_column_without_an_empty_line() -> None:
    left, right = prose("left", 80), prose("right", 80)
    drawn = paragraphs(54, 60, [left.rstrip(".")], width=240)[0]
    drawn += paragraphs(318, 60, ["on " + right], width=240)[0]
    text = read(pdf([Page(drawn)])).text
    assert "\n\n" not in text


# -- lines and words -----------------------------------------------------------------------------


def test_lines_stay_lines_and_paragraphs_are_parted() -> None:
    drawn = [at(72, 60, "The first line"), at(72, 72, "and the second.")]
    drawn += [at(72, 92, "Another paragraph"), at(72, 104, "of two lines.")]
    text = read(pdf([Page(drawn)])).text
    assert text == (
        "<!-- page 1 -->\nThe first line\nand the second.\n\nAnother paragraph\nof two lines.\n"
    )


def test_a_word_divided_at_a_lines_end_is_whole_and_a_real_hyphen_stays() -> None:
    lines = [
        "It began as a small revo-",
        "lution in the well-",
        "known chat window, where optimized",
        "models are chat-",
        "optimized for GPT-",
        "4 and others.",
    ]
    drawn = [at(72, 60 + 12 * number, line) for number, line in enumerate(lines)]
    drawn.append(at(72, 160, "A well-known window."))
    text = read(pdf([Page(drawn)])).text
    assert "small revolution\nin the well-known\nchat window" in text
    assert "are chat-optimized\nfor GPT-4\nand others." in text


def test_a_script_that_runs_leftward_is_read_from_its_right() -> None:
    letters = "שלום עולם"
    codes = {letter: 0x41 + number for number, letter in enumerate(sorted(set(letters) - {" "}))}
    shown = "".join(chr(codes.get(letter, 32)) for letter in reversed(letters))
    meanings = " ".join(f"<{code:02X}> <{ord(letter):04X}>" for letter, code in codes.items())
    table = (
        f"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def "
        f"/CMapType 2 def 1 begincodespacerange <00> <FF> endcodespacerange "
        f"{len(codes)} beginbfchar {meanings} endbfchar endcmap end end"
    ).encode()
    objects = [
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 9 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(table), table),
    ]
    data = pdf([Page([at(72, 80, shown).replace("/F1", "/F2")])], objects=objects)
    data = data.replace(b"/F1 3 0 R", b"/F2 8 0 R")
    assert read(data).text == f"<!-- page 1 -->\n{letters}\n"


def test_ligatures_and_invisible_letters_become_plain_letters() -> None:
    drawn = [at(72, 60, "The \ufb01nal work\ufb02ow in con\u00adtext")]
    text = read(pdf([Page(drawn)])).text
    assert text == "<!-- page 1 -->\nThe final workflow in context\n"


def test_items_of_a_list_stay_lines() -> None:
    drawn = table([72, 92], 60, [("1.", "First do this"), ("2.", "Then do that"), ("3.", "Rest")])
    assert rows(read(pdf([Page(drawn)])).text) == []


def test_a_stretched_narrow_column_is_no_table() -> None:
    words = ["message external", "document window", "language storage", "prompt archive"]
    drawn = []
    for number, line in enumerate(words * 3):
        drawn.append(at(72, 60 + number * 12, line + " external", spacing=14))
    text = read(pdf([Page(drawn)])).text
    assert rows(text) == []
    assert "message external external\ndocument window external\n" in text


# -- tables --------------------------------------------------------------------------------------

STOCK = [
    ("Product", "Place", "Expected", "Found"),
    ("SKU-8847", "A-12", "450", ""),
    ("", "B-07", "", "289"),
    ("SKU-9201", "", "780", "778"),
]


def test_a_table_without_rules_gives_rows_of_cells() -> None:
    drawn = [at(72, 60, "Stock of the eastern house")]
    drawn += table([72, 180, 280, 380], 90, STOCK)
    drawn += [at(72, 170, "Counted by hand.")]
    text = read(pdf([Page(drawn)])).text
    assert rows(text) == [list(row) for row in STOCK]
    assert "eastern house\n\n| Product |" in text
    assert "| 778 |\n\nCounted by hand." in text


def test_a_ruled_table_keeps_a_cell_of_two_lines_on_one_row() -> None:
    drawn = grid([70, 170, 270, 420], [80, 100, 130, 150])
    drawn += [at(75, 94, "Name"), at(175, 94, "Hours"), at(275, 94, "Work | done")]
    drawn += [at(75, 112, "Ada"), at(175, 112, "12.5")]
    drawn += [at(275, 112, "Wrote the programme"), at(275, 124, "for the engine")]
    drawn += [at(75, 144, "Charles"), at(175, 144, "7"), at(275, 144, "Drew the wheels")]
    text = read(pdf([Page(drawn)])).text
    assert text == (
        "<!-- page 1 -->\n"
        "| Name | Hours | Work \\| done |\n"
        "| --- | --- | --- |\n"
        "| Ada | 12.5 | Wrote the programme for the engine |\n"
        "| Charles | 7 | Drew the wheels |\n"
    )


def test_a_frame_around_prose_is_no_table() -> None:
    drawn = grid([50, 560], [50, 200])
    drawn += paragraphs(60, 70, [prose("framed", 80)], width=480)[0]
    text = read(pdf([Page(drawn)])).text
    assert rows(text) == []
    assert places(text, "framed") == in_order(["framed"], 80)


def test_a_frame_around_several_tables_leaves_them_apart() -> None:
    cells = [("Parts", "2,100", "3"), ("Labour", "300", "2"), ("Paint", "225", "1")]
    drawn = grid([50, 300, 560], [50, 150, 250])
    for top in (80, 180):
        drawn += table([60, 150, 240], top, cells) + table([310, 400, 490], top, cells)
    text = read(pdf([Page(drawn)])).text
    assert rows(text)[:3] == [[*row, *row] for row in cells]


def test_a_forms_labels_stand_beside_their_values() -> None:
    form = [
        ("Order:", "2024-12-5678", "Cinema:", "Downtown Multiplex"),
        ("Contact:", "Sarah Johnson", "Region:", "North East"),
        ("Terms:", "Net 30", "Commission:", "10%"),
    ]
    drawn = table([72, 150, 330, 410], 80, form)
    random.Random(1).shuffle(drawn)
    assert rows(read(pdf([Page(drawn)])).text) == [list(row) for row in form]


def test_what_was_filled_into_a_form_is_read() -> None:
    field = (
        b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (Gabriel Diaz) /F 4 "
        b"/Rect [150 700 350 720] /AP << /N 9 0 R >> >>"
    )
    look = b"BT /F1 10 Tf 2 6 Td (Gabriel Diaz) Tj ET"
    appearance = (
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 200 20] /Resources 5 0 R /Length %d >>\n"
        b"stream\n%s\nendstream" % (len(look), look)
    )
    page = Page([at(72, 86, "Insured name")], extra="/Annots [8 0 R]")
    data = pdf([page], catalog="/AcroForm << /Fields [8 0 R] >>", objects=[field, appearance])
    assert "Insured name  Gabriel Diaz" in read(data).text


def test_a_table_of_sentences_is_no_page_of_two_columns() -> None:
    cells = [
        (f"Where does the agent keep fact {number}?", f"In the block of core memory {number}.")
        for number in range(8)
    ]
    drawn = table([72, 320], 80, cells, pitch=20)
    text = read(pdf([Page(drawn)])).text
    for question, answer in cells:
        line = next(line for line in text.split("\n") if question in line)
        assert answer in line


def test_prices_stay_beside_what_they_are_for_on_a_page_like_a_columned_one() -> None:
    first = in_columns(["one", "two"], 60, columns=2, gap=24, words=120)
    items = [
        (f"A rather long description of the article numbered {number}", f"{number}.50")
        for number in range(9)
    ]
    second = table([54, 318], 80, items)
    text = read(pdf([Page(first), Page(second)])).text
    for label, price in items:
        assert price in next(line for line in text.split("\n") if label in line)


# -- pages ---------------------------------------------------------------------------------------


def test_each_page_begins_with_its_number_and_a_mark_at_it() -> None:
    pages = [Page([at(72, 80, f"This is sheet {name}.")]) for name in ("i", "ii", "iii")]
    roman = "/PageLabels << /Nums [0 << /S /r >>] >>"
    found = read(pdf(pages, catalog=roman))
    assert found.kind == "pdf"
    assert found.note == ""
    assert [mark.label for mark in found.pages] == ["page 1", "page 2", "page 3"]
    for number, mark in enumerate(found.pages, start=1):
        line = f"<!-- page {number} -->\nThis is sheet {'i' * number}.\n"
        assert found.text[mark.start :].startswith(line)
    assert found.text.endswith("sheet iii.\n")
    assert found.page_of(found.text.index("sheet ii.")) == "page 2"


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_page_that_is_shown_turned_reads_the_same(turn: int) -> None:
    drawn = in_columns(["left", "right"], 100, columns=2, gap=24, words=90)
    straight = read(pdf([Page(drawn)])).text
    assert read(pdf([Page(drawn, rotate=turn)])).text == straight


def test_text_that_runs_up_the_page_is_read_from_its_own_left() -> None:
    cells = [("Year", "Sales", "Costs"), ("2023", "120", "80"), ("2024", "150", "90")]
    drawn = [
        upright(100 + 16 * number, 700 - 120 * place, cell)
        for number, row in enumerate(cells)
        for place, cell in enumerate(row)
    ]
    assert rows(read(pdf([Page(drawn)])).text) == [list(row) for row in cells]


def test_a_stamp_up_the_margin_does_not_disturb_the_page() -> None:
    drawn = [upright(20, 500, "arXiv:2310.08560v2 [cs.AI]", size=20)]
    drawn += in_columns(["left", "right"], 100, columns=2, gap=24, words=90)
    text = read(pdf([Page(drawn)])).text
    assert places(text, "left", "right") == in_order(["left", "right"], 90)
    assert text.endswith("\n\narXiv:2310.08560v2 [cs.AI]\n")


def test_the_text_is_cut_at_its_limit_and_the_note_says_where() -> None:
    lines = [at(72, 60 + 12 * number, f"Line {number} of a long page") for number in range(50)]
    data = pdf([Page(lines)] * 6)
    whole = read(data)
    assert whole.note == ""
    cut = read(data, text_chars=3000)
    assert 2900 < len(cut.text) <= 3000
    assert whole.text.startswith(cut.text)
    assert cut.note == "It is cut on page 3 of 6; the rest is left out."
    assert [mark.label for mark in cut.pages] == ["page 1", "page 2", "page 3"]


@pytest.mark.parametrize("text_chars", [1, 17, 18, 40, 100])
def test_even_a_tiny_limit_is_kept(text_chars: int) -> None:
    data = pdf([Page([at(72, 80, "A line."), at(72, 120, "One more.")])] * 2)
    result = read_pdf(data, text_chars=text_chars)
    assert isinstance(result, Failure) or len(result.text) <= text_chars


# -- nothing to read -----------------------------------------------------------------------------


def test_a_scan_says_that_its_pages_are_pictures() -> None:
    failure = refused(pdf([Page([picture()])] * 3))
    assert failure == Failure("no-text", "its pages are pictures, without text to read (3 pages)")
    assert failure.is_empty


def test_blank_pages_are_called_blank() -> None:
    assert refused(pdf([Page()])) == Failure("no-text", "its pages are blank (1 page)")


def test_pages_without_text_are_named_beside_the_others() -> None:
    words, scan = Page([at(72, 80, "Words.")]), Page([picture()])
    found = read(pdf([words, scan, words, scan, scan, scan, Page()]))
    assert found.note == "Pages 2, 4 to 6 are pictures without text."
    assert [mark.label for mark in found.pages] == [f"page {number}" for number in range(1, 8)]
    one = read(pdf([words, scan]))
    assert one.note == "Page 2 is a picture without text."
    assert one.text == "<!-- page 1 -->\nWords.\n\n<!-- page 2 -->\n"


def test_a_password_is_asked_for_by_name() -> None:
    pages = [Page([at(72, 80, "A secret.")])]
    failure = refused(encrypted(pages, password="open sesame"))
    assert failure == Failure("password", "it is protected by a password")
    assert not failure.is_empty


def test_a_document_that_opens_without_its_password_is_read() -> None:
    assert "No secret." in read(encrypted([Page([at(72, 80, "No secret.")])], password="")).text


# -- damage --------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7\n", b"not a document", b"%PDF-1.4\n%%EOF\n" * 50])
def test_what_is_no_pdf_is_called_damaged(data: bytes) -> None:
    assert refused(data).code == "damaged"


def test_a_pdf_cut_anywhere_is_read_or_refused_in_plain_words() -> None:
    data = pdf([Page([at(72, 80, f"Page {number}.")]) for number in range(4)])
    codes = set()
    for length in range(0, len(data), 37):
        result = read_pdf(data[:length], text_chars=1000)
        codes.add(result.code if isinstance(result, Failure) else "read")
    assert codes <= {"damaged", "no-text", "read"}
    assert "damaged" in codes


def test_a_pdf_with_any_byte_changed_still_ends() -> None:
    data = pdf([Page([at(72, 80, "A line."), *grid([50, 90, 130], [60, 90, 120])])] * 2)
    chance = random.Random(11)
    for _ in range(150):
        changed = bytearray(data)
        for _ in range(6):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        result = read_pdf(bytes(changed), text_chars=1000)
        assert isinstance(result, FileText | Failure)


def test_a_tree_of_pages_that_holds_itself_ends() -> None:
    data = pdf([Page([at(72, 80, "Words.")])])
    looping = data.replace(b"/Kids [6 0 R] /Count 1 ", b"/Kids [2 0 R] /Count 9 ")
    assert looping != data
    start = time.monotonic()
    assert refused(looping).code == "damaged"
    both = data.replace(b"/Kids [6 0 R] /Count 1", b"/Kids [6 0 R 2 0 R] /Count 999999")
    result = read_pdf(both, text_chars=100_000)
    assert isinstance(result, Failure) or "Words." in result.text
    assert time.monotonic() - start < 5


def test_a_form_that_draws_itself_ends() -> None:
    look = b"/Me Do BT /F1 10 Tf 72 700 Td (Words.) Tj ET 0 0 m 90 0 l S"
    form = (
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 612 792] "
        b"/Resources << /Font << /F1 3 0 R >> /XObject << /Me 8 0 R >> >> /Length %d >>\n"
        b"stream\n%s\nendstream" % (len(look), look)
    )
    page = Page(["/Me Do"], extra="/Resources << /XObject << /Me 8 0 R >> >>")
    assert isinstance(read_pdf(pdf([page], objects=[form]), text_chars=1000), FileText | Failure)


def test_a_page_crowded_with_rules_and_letters_is_read_in_time() -> None:
    chance = random.Random(3)
    drawn = [rule(50, 60 + n / 3, 550, 60 + n / 3) for n in range(2000)]
    drawn += [rule(50 + n / 4, 60, 50 + n / 4, 760) for n in range(1900)]
    drawn += [at(chance.uniform(0, 600), chance.uniform(0, 790), "word 17") for _ in range(3000)]
    start = time.monotonic()
    assert read(pdf([Page(drawn)])).text.count("17") > 2900
    assert time.monotonic() - start < 20


def test_a_page_that_is_too_full_to_lay_out_comes_as_it_was_drawn() -> None:
    lines = [at(72, 10 + number, f"{number:04d}" + " word" * 20, size=1) for number in range(750)]
    found = read(pdf([Page([at(72, 80, "Words.")]), Page(lines)]))
    assert found.note == "Lines of page 2 may come in the order they were drawn."
    assert [line[:4] for line in found.text.split("\n")[4:-1]] == [f"{n:04d}" for n in range(750)]


def test_words_at_impossible_places_are_read_all_the_same() -> None:
    huge = "9" * 300
    drawn = [f"BT /F1 10 Tf {huge} 0 0 {huge} {huge} {huge} Tm (lost) Tj ET"]
    drawn += [f"BT /F1 {huge} Tf 0 0 0 0 10 10 Tm (gone) Tj ET", at(1e9, 80, "far")]
    drawn += [at(72, 80 + 12 * number, f"Line {number} stays.") for number in range(8)]
    text = read(pdf([Page(drawn)])).text
    assert all(f"Line {number} stays." in text for number in range(8))


def test_endless_words_and_endless_lists_are_read_in_time() -> None:
    words = [at(72, 60, "a" * 50_000 + "1-"), at(72, 80, "b" * 5_000)]
    items = [
        mark
        for number in range(1500)
        for mark in (
            at(72, 60 + number / 3, "1.", size=0.3),
            at(90, 60 + number / 3, "Item", size=0.3),
        )
    ]
    start = time.monotonic()
    text = read(pdf([Page(words), Page(items)])).text
    assert text.count("Item") == 1500
    assert text.count("b") == 5000
    assert time.monotonic() - start < 20
