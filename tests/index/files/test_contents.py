"""Contents: a list of hashes that the word index reads as growing text."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lettafs.index.corpus import Mark, key_hash
from lettafs.index.documents import signed
from lettafs.index.files.contents import (
    ABSENT,
    Contents,
    content_documents,
    meant,
    text_extract,
)
from lettafs.index.files.pieces import pieces_of
from lettafs.index.words import words_of
from lettafs.values.file import FileText, PageMark


def hashes(count: int) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]


def lines_of(contents: Contents) -> list[str]:
    return b"".join(contents.read(path) for path, _ in contents.stamps()).decode().split()


def test_the_list_comes_back_line_by_line(tmp_path: Path) -> None:
    listed = hashes(37)
    contents = Contents(lambda: listed, root=tmp_path)
    assert lines_of(contents) == listed
    places = [
        contents.at(number, line)
        for number, (path, _) in enumerate(contents.stamps(), 1)
        for line in range(1, contents.read(path).count(b"\n") + 1)
    ]
    assert places == listed
    assert (contents.at(1, 0), contents.at(0, 1), contents.at(99, 1)) == (None, None, None)


def test_two_processes_with_one_list_give_the_same_bytes_and_stamps(tmp_path: Path) -> None:
    listed = hashes(25)
    one, other = (Contents(lambda: list(listed), root=tmp_path) for _ in range(2))
    assert one.stamps() == other.stamps()
    assert [one.read(path) for path, _ in one.stamps()] == [
        other.read(path) for path, _ in other.stamps()
    ]
    assert not any(tmp_path.iterdir())


def test_only_the_last_segment_changes_when_the_list_grows(tmp_path: Path) -> None:
    listed = hashes(25)
    contents = Contents(lambda: listed, root=tmp_path)
    before = contents.stamps()
    listed.append("f" * 64)
    after = contents.stamps()
    assert after[:-1] == before[:-1]
    assert after[-1] != before[-1]
    assert lines_of(contents) == listed


def test_another_list_of_the_same_length_looks_otherwise(tmp_path: Path) -> None:
    listed = hashes(5)
    contents = Contents(lambda: listed, root=tmp_path)
    before = contents.stamps()
    listed = listed[::-1]
    assert contents.stamps() != before
    listed = []
    assert contents.stamps() == []


def test_a_content_listed_again_is_at_its_last_place(tmp_path: Path) -> None:
    first, *others = hashes(12)
    contents = Contents(lambda: [first, *others, first], root=tmp_path)
    assert contents.last_places({first, others[0], "0" * 64}) == {first: (2, 3), others[0]: (1, 2)}


def test_a_document_for_each_piece_with_the_hash_of_what_is_embedded() -> None:
    text = FileText("# Soups\n\n" + "Leeks are green. " * 150, kind="markdown")
    found = content_documents("ab", text)
    pieces = pieces_of(text)
    assert len(found) == len(pieces) > 1
    for document, piece in zip(found, pieces, strict=True):
        embedded = meant(text, piece)
        assert document.key == "ab"
        assert document.fields == (signed(key_hash(embedded)), piece.start, piece.end)
        assert embedded.startswith("Soups\n")
        assert {"soup", "leek"} <= set(document.words)


def test_a_sheet_is_found_by_its_name_and_a_page_not_by_its_number() -> None:
    said = "<!-- sheet Costs -->\nrent\n<!-- page 2 -->\nheat\n"
    pages = (PageMark(0, "sheet Costs"), PageMark(said.index("<!-- page"), "page 2"))
    costs, second = content_documents("ab", FileText(said, pages, "xlsx"))
    assert set(costs.words) == set(words_of("sheet Costs rent"))
    assert second.words == words_of("heat")


def test_a_text_that_is_not_there_leaves_a_mark() -> None:
    extract = text_extract({"there": FileText("words")}.get)
    assert extract("gone") == (Mark(ABSENT, "gone"),)
    assert [document.key for document in extract("there") if not isinstance(document, Mark)] == [
        "there"
    ]
