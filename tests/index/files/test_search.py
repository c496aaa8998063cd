"""Search in files: what is found, in which order, as what; with an index and without one."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lettafs.disk.seal import SEAL_NAME
from lettafs.embed.hashed import HashedEmbedder
from lettafs.index.files.search import FileSearch
from lettafs.index.meaning import Meaning
from lettafs.index.passage_search import ByMeaning
from lettafs.values.file import FileText, PageMark
from lettafs.values.hit import Hit

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEY = b"k" * 32


def nobody(query: str, keys: NDArray[np.uint64]) -> None:
    return None


class Folder:
    """Files in memory and a search over them; indexed when somebody says so."""

    def __init__(self, root: Path, *, directory: Path | None = None) -> None:
        self.listed: list[str] = []
        self.texts: dict[str, FileText] = {}
        self.names: dict[str, list[str]] = {}
        self.search = FileSearch(
            lambda: self.listed, self.texts.get, root=root, directory=directory, key=KEY
        )

    def put(self, name: str, said: str | FileText) -> str:
        text = said if isinstance(said, FileText) else FileText(said)
        sha256 = hashlib.sha256(repr((text.kind, text.text)).encode()).hexdigest()
        if sha256 not in self.listed:
            self.listed.append(sha256)
        self.texts[sha256] = text
        self.names.setdefault(sha256, []).append(name)
        return sha256

    def find(self, query: str, *, by_meaning: ByMeaning = nobody, **how: Any) -> list[Hit]:
        given: dict[str, Any] = {"names": self.names, "limit": 10, "now": NOW} | how
        return self.search.find(query, by_meaning=by_meaning, **given)

    def ids(self, query: str, **how: Any) -> list[str]:
        return [hit.id for hit in self.find(query, **how)]


def filler(words: int, *, seed: int) -> str:
    chance = random.Random(seed)
    return " ".join(
        f"{chance.choice('bcdfgh')}{chance.choice('aeiou')}{chance.randrange(300)}"
        f"{'.' if chance.random() < 0.1 else ''}"
        for _ in range(words)
    )


def long_text(*, told: dict[int, str], sections: int = 12) -> str:
    """Make Markdown of many sections, some of which tell something."""
    return "".join(
        f"# Part {number}\n\n{told.get(number, '')} {filler(140, seed=number)}\n\n"
        for number in range(1, sections + 1)
    )


def test_a_hit_names_file_lines_heading_and_piece(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("notes/soup.md", long_text(told={7: "Leeks need an hour."}))
    folder.put("notes/other.md", long_text(told={}, sections=3))
    hit = folder.find("how long do leeks need?")[0]
    assert (hit.source, hit.id, hit.created_at) == ("files", "notes/soup.md", "")
    assert hit.heading == "Part 7"
    assert hit.piece == "7 of 12"
    assert hit.lines is not None
    first, last = hit.lines
    assert "\n".join(FileText(long_text(told={7: "Leeks need an hour."})).lines(first, last)) == (
        hit.text
    )
    assert "Leeks need an hour." in hit.snippet
    assert len(hit.snippet) <= 240 < len(hit.text)


def test_a_hit_on_a_page_names_it(tmp_path: Path) -> None:
    said = "<!-- page 1 -->\nNothing here.\n<!-- page 2 -->\nThe answer is leeks.\n"
    pages = (PageMark(0, "page 1"), PageMark(said.index("<!-- page 2"), "page 2"))
    folder = Folder(tmp_path)
    folder.put("paper.pdf", FileText(said, pages, "pdf"))
    (hit,) = folder.find("leeks")
    assert (hit.page, hit.lines, hit.text) == ("page 2", (4, 4), "The answer is leeks.")


def test_files_with_the_same_bytes_are_one_hit_with_all_their_names(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("b.txt", "about leeks")
    folder.put("copy/b.txt", "about leeks")
    assert [(hit.id, hit.also) for hit in folder.find("leeks")] == [("b.txt", ("copy/b.txt",))]


def test_only_contents_that_are_named_are_found(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    one, other = folder.put("one.txt", "leeks here"), folder.put("two.txt", "leeks there")
    assert folder.ids("leeks", names={other: ["two.txt"]}) == ["two.txt"]
    assert folder.ids("leeks", names={other: ["two.txt"]}, exact=True) == ["two.txt"]
    assert folder.ids("leeks", names={}) == []
    assert folder.ids("leeks", names={"0" * 64: ["unknown.txt"], one: ["one.txt"]}) == ["one.txt"]


def test_a_text_that_has_gone_is_passed_over(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    gone = folder.put("gone.txt", "leeks leeks")
    folder.put("there.txt", "some leeks among others")
    assert sorted(folder.ids("leeks")) == ["gone.txt", "there.txt"]
    del folder.texts[gone]
    assert folder.ids("leeks") == ["there.txt"]
    assert folder.ids("leeks", limit=1) == ["there.txt"]


def test_a_file_is_found_by_its_name_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for number in range(8):
        folder.put(f"docs/minutes-{number}.txt", filler(80, seed=number))
    folder.put("docs/budget-report.xlsx", "Rent 300, heat 40.")
    folder.put("docs/letter.txt", "We would like to report a broken window.")
    assert folder.ids("where is the budget report?")[0] == "docs/budget-report.xlsx"
    folder.names = {
        sha256: [name.replace("budget-report", "x") for name in names]
        for sha256, names in folder.names.items()
    }
    assert folder.ids("where is the budget report?") == ["docs/letter.txt"]


def test_a_number_in_a_name_counts_beside_a_word_only(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for number in range(1, 9):
        folder.put(
            f"{number}.txt", f"Flow past wedges at speed {'two' * (number == 5)} {number * 11}"
        )
    folder.put("report-2.txt", "Nothing of note.")
    folder.put("report-3.txt", "Nothing of note either.")
    assert "2.txt" not in folder.ids("at Mach 2")
    assert folder.ids("report 3")[0] == "report-3.txt"


def test_ten_results_are_ten_files_where_ten_fit(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("book.md", long_text(told=dict.fromkeys(range(1, 13), "All about leeks, leeks.")))
    for number in range(9):
        folder.put(f"note-{number}.txt", f"A word on leeks. {filler(60, seed=number)}")
    assert len(set(folder.ids("leeks"))) == 10


def test_one_long_document_gives_its_best_pieces(tmp_path: Path) -> None:
    told = {2: "Leeks.", 5: "Leeks and cream and salt.", 9: "Leeks and cream."}
    folder = Folder(tmp_path)
    folder.put("book.md", long_text(told=told))
    hits = folder.find("leeks with cream and salt")
    assert [hit.heading for hit in hits] == ["Part 5", "Part 9", "Part 2"]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_pages_of_results_are_the_results(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for number in range(7):
        folder.put(f"{number}.md", long_text(told={number: "Leeks.", 9: "Leeks and cream."}))
    whole = folder.find("leeks and cream", limit=100)
    assert len(whole) >= 13
    pages = [folder.find("leeks and cream", limit=3, skip=skip) for skip in range(0, 30, 3)]
    assert [hit for page in pages for hit in page] == whole


def test_neighbours_that_overlap_are_one_result(tmp_path: Path) -> None:
    sentences = [f"Sentence {number} says that leeks are good." for number in range(60)]
    folder = Folder(tmp_path)
    folder.put("leeks.txt", " ".join(sentences))
    hits = folder.find("leeks")
    assert any("-" in hit.piece for hit in hits)
    text = folder.texts[folder.listed[0]].text
    spans = sorted((text.index(hit.text), len(hit.text)) for hit in hits)
    assert sum(length for _, length in spans) >= len(text)


def test_exact_search_gives_every_piece_in_order_of_names_and_lines(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("b.md", long_text(told={3: "The Big LEEK.", 8: "a big leek"}))
    folder.put("a.txt", "one BIG leek\n")
    folder.put("c.txt", "big, leek")
    hits = folder.find("big leek", exact=True)
    assert [(hit.id, hit.heading) for hit in hits] == [
        ("a.txt", ""),
        ("b.md", "Part 3"),
        ("b.md", "Part 8"),
    ]
    assert "The Big LEEK." in hits[1].snippet
    assert folder.find("big leek", exact=True, skip=1, limit=1) == hits[1:2]
    assert folder.find("big  leek", exact=True) == []


def test_exact_search_finds_letters_that_fold_to_two(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.txt", "Stra\u00dfe und Weg, STRASSE; \u0130stanbul, then WEGE")
    assert folder.ids("weg", exact=True) == ["a.txt"]
    assert folder.ids("then wege", exact=True) == ["a.txt"]


def test_an_empty_question_finds_nothing(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.txt", "words")
    assert folder.find("  ") == folder.find("", exact=True) == folder.find("words", limit=0) == []


def test_a_piece_is_found_by_meaning_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for number in range(5):
        folder.put(f"{number}.txt", filler(50, seed=number))
    meant = folder.put("meant.txt", "A recipe for vichyssoise.")
    (wanted,) = folder.search.pieces([meant])

    def near(query: str, keys: NDArray[np.uint64]) -> NDArray[np.float32]:
        return np.where(keys == np.uint64(wanted), 3, 0).astype(np.float32)

    assert folder.ids("cold soup") == []
    assert folder.ids("cold soup", by_meaning=near) == ["meant.txt"]


def test_every_piece_of_what_is_live_can_be_embedded(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    live = folder.put("book.md", long_text(told={}))
    folder.put("other.txt", "other words")
    found = folder.search.pieces([live])
    assert len(found) == 12
    meaning, embedder = Meaning(None, key=None), HashedEmbedder()
    made = meaning.catch_up(found, lambda key: found[key](), embedder=embedder)
    assert made >= 12
    assert meaning.waiting(found, embedder=embedder) == 0
    del folder.texts[live]
    assert {read() for read in found.values()} == {None}


def test_a_text_that_came_late_is_told_of_and_found_when_listed_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path, directory=tmp_path / "words")
    late = folder.put("late.txt", "leeks")
    blank = folder.put("blank.txt", "  ")
    text = folder.texts.pop(late)
    folder.search.index.catch_up()
    assert folder.search.missed(folder.names) == []
    folder.texts[late] = text
    assert folder.ids("leeks") == []
    assert folder.search.missed(folder.names) == [late]
    assert folder.search.missed([blank]) == []
    folder.listed.append(late)
    assert folder.ids("leeks") == ["late.txt"]
    assert folder.search.missed(folder.names) == []
    folder.search.index.catch_up()
    assert folder.ids("leeks") == ["late.txt"]


def test_a_content_listed_twice_is_found_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    twice = folder.put("a.txt", "leeks and cream")
    folder.put("b.txt", "other things")
    (before,) = folder.find("leeks")
    folder.listed.append(twice)
    (after,) = folder.find("leeks")
    assert (after.id, after.text, after.piece) == (before.id, before.text, before.piece)


def test_an_index_is_used_by_whoever_has_the_same_list(tmp_path: Path) -> None:
    place = tmp_path / "words"
    first = Folder(tmp_path, directory=place)
    for number in range(25):
        first.put(f"{number}.md", long_text(told={number: "Leeks."}, sections=number + 1))
    assert first.search.index.pending() == 25
    assert first.search.index.catch_up() == 25
    second = Folder(tmp_path, directory=place)
    second.listed, second.names = first.listed, first.names
    second.texts = {}  # nothing is read to know what is in it
    size = second.search.index.snapshot().size
    assert second.search.index.held() == size > 300
    assert second.search.index.pending() == 0
    second.put("new.txt", "leeks")
    assert second.search.index.pending() == 1
    assert second.search.index.held() == size
    assert second.search.index.catch_up() == 1


def test_an_index_somebody_else_made_is_not_opened(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours/words", tmp_path / "theirs/words"
    words = {"a.txt": "leeks", "b.txt": "cream"}
    folders = []
    for directory, key in ((ours, KEY), (theirs, b"x" * 32)):
        folder = Folder(directory.parent, directory=directory)
        folder.search = FileSearch(
            lambda folder=folder: folder.listed,  # type: ignore[misc]
            folder.texts.get,
            root=directory.parent,
            directory=directory,
            key=key,
        )
        for name, said in words.items():
            folder.put(name, said if directory is ours else said[::-1])
        folder.search.index.catch_up()
        folders.append(folder)
    for file in ours.iterdir():
        file.unlink()
    for file in theirs.iterdir():
        (ours / file.name).write_bytes(file.read_bytes())
    assert (ours / SEAL_NAME).exists()
    mine = Folder(ours.parent, directory=ours)
    for name, said in words.items():
        mine.put(name, said)
    assert mine.ids("leeks") == ["a.txt"]
    assert mine.search.index.held() == 0


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 30)),
        st.tuples(st.just("hide"), st.integers(0, 30)),
        st.tuples(st.just("lose"), st.integers(0, 30)),
        st.tuples(st.just("back"), st.integers(0, 30)),
        st.tuples(st.just("index"), st.just(0)),
        st.tuples(st.just("open"), st.just(0)),
    ),
    max_size=14,
)
SAID = [
    long_text(told={number % 5 + 1: f"Leeks and cream number{number}."}, sections=1 + number % 6)
    for number in range(31)
]
QUESTIONS = ("leeks and cream", "number7", "file 3", "part", "ba17", "leek")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
@example(steps=[("add", 0), ("lose", 0), ("index", 0)])
def test_an_index_answers_as_the_texts_themselves_do(
    steps: Iterable[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("home")
    place = root / "words"
    folder = Folder(root, directory=place)
    lost: dict[str, FileText] = {}
    hidden: dict[str, list[str]] = {}

    def again() -> None:
        folder.listed.extend(folder.search.missed(folder.names))

    for step, number in steps:
        name = f"file-{number}.md"
        sha256 = next((key for key, names in folder.names.items() if name in names), None)
        match step:
            case "add" if sha256 is None and not any(name in names for names in hidden.values()):
                folder.put(name, SAID[number])
            case "hide" if sha256 is not None:
                hidden[sha256] = folder.names.pop(sha256)
            case "lose" if sha256 is not None and sha256 in folder.texts:
                lost[sha256] = folder.texts.pop(sha256)
            case "back":
                folder.texts.update(lost)
                folder.names.update(hidden)
                lost.clear()
                hidden.clear()
                again()
            case "index":
                folder.search.index.catch_up()
            case "open":
                before = folder
                folder = Folder(root, directory=place)
                folder.listed, folder.names = before.listed, before.names
                folder.texts.update(before.texts)
            case _:
                pass
    folder.texts.update(lost)
    again()
    plain = Folder(root)
    plain.listed, plain.names = list(folder.listed), folder.names
    plain.texts.update(folder.texts)
    for question in QUESTIONS:
        for exact in (False, True):
            found = folder.find(question, exact=exact, limit=50)
            expected = plain.find(question, exact=exact, limit=50)
            if len(set(folder.listed)) < len(folder.listed):
                # A line whose text was lost when it was indexed counts for nothing in how rare a
                # word is; to who reads the texts now it does. The same is found all the same.
                found, expected = (
                    sorted((replace(hit, score=0.0) for hit in hits), key=repr)
                    for hits in (found, expected)
                )
            assert found == expected
