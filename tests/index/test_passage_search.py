"""Search in archival memory: filters, pieces of long passages, and meaning beside the words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lettafs.index.passage_search import PassageSearch
from lettafs.index.wanted import Wanted
from lettafs.stores.archival import Archival
from lettafs.values.hit import Hit
from lettafs.values.passage import Passage

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEY = b"k" * 32


def note(number: int, words: str, *tags: str, day: int = 0) -> Passage:
    return Passage(f"p{number}", words, (NOW - timedelta(days=100 - day)).isoformat(), tags)


def wanted(**fields: Any) -> Wanted:
    given: dict[str, Any] = {"zone": UTC, "now": NOW} | fields
    return Wanted(**given)


class Shelf:
    """Passages and a search over them, the index brought up after every change, or never."""

    def __init__(self, root: Path, *, indexed: bool) -> None:
        self.archival = Archival(root)
        self.search = PassageSearch(self.archival, directory=root / ".lettafs/index/a", key=KEY)
        self._indexed = indexed

    def put(self, passages: Iterable[Passage]) -> None:
        self.archival.insert([*passages])
        self._follow()

    def delete(self, *ids: str) -> None:
        self.archival.delete(ids, created_at=NOW.isoformat())
        self._follow()

    def _follow(self) -> None:
        if self._indexed:
            self.search.index.catch_up()
            assert self.search.index.pending() == 0

    def find(self, query: str, *, limit: int = 10, **fields: Any) -> list[Hit]:
        how = {name: fields.pop(name) for name in ("exact", "skip") if name in fields}
        return self.search.find(
            query, wanted(**fields), limit=limit, by_meaning=lambda asked, keys: None, **how
        )

    def ids(self, query: str, **how: Any) -> list[str]:
        return [hit.id for hit in self.find(query, **how)]


@pytest.fixture(params=[False, True], ids=["text", "index"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    return Shelf(tmp_path, indexed=bool(request.param))


def test_tags_let_through_what_has_any_or_all_of_them(shelf: Shelf) -> None:
    shelf.put(
        [
            note(1, "tea in winter", "food", "winter"),
            note(2, "tea in summer", "food"),
            note(3, "tea on the boat", "boat"),
            note(4, "tea"),
        ]
    )

    assert set(shelf.ids("tea", tags=["food", "boat"])) == {"p1", "p2", "p3"}
    assert shelf.ids("tea", tags=["food", "winter"], all_tags=True) == ["p1"]
    assert shelf.ids("tea", tags=["winter", "winter"], all_tags=True) == ["p1"]
    assert shelf.ids("tea", tags=["Food"]) == []


def test_tag_finds_its_passages_as_a_word_too(shelf: Shelf) -> None:
    shelf.put([note(1, "The hull is painted.", "boat"), note(2, "The wall is painted.")])

    assert shelf.ids("boat") == ["p1"]


def test_span_of_time_is_inclusive_at_both_ends(shelf: Shelf) -> None:
    shelf.put([note(day, "tea", day=day) for day in range(5)])
    first, last = (datetime.fromisoformat(note(0, "", day=day).created_at) for day in (1, 3))

    assert set(shelf.ids("tea", since=first, until=last)) == {"p1", "p2", "p3"}
    assert shelf.ids("", since=last) == ["p4", "p3"]


def test_time_nobody_can_read_lies_in_no_span(shelf: Shelf) -> None:
    shelf.put([Passage("p1", "tea", "some day")])

    assert shelf.ids("tea", since=NOW - timedelta(days=9999)) == []
    assert shelf.ids("tea") == ["p1"]


def long_text() -> str:
    parts = [f"# Part {n}\n\n" + f"Nothing but filler of sort {n}. " * 40 for n in range(6)]
    parts[3] = "# The keys\n\nThe spare key hangs behind the boiler. " + "More filler. " * 60
    return "\n\n".join(parts)


def test_long_passage_is_found_by_the_piece_that_fits(shelf: Shelf) -> None:
    shelf.put([note(1, long_text()), note(2, "short")])

    (hit,) = shelf.find("Where is the spare key behind the boiler?")

    number, _, count = hit.piece.partition(" of ")
    assert 1 < int(number) <= int(count)
    assert hit.heading == "The keys"
    assert "behind the boiler" in hit.text
    assert len(hit.text) < len(long_text()) / 2
    assert shelf.find("short")[0].piece == ""


def test_exact_search_shows_the_piece_that_holds_it(shelf: Shelf) -> None:
    shelf.put([note(1, long_text(), "house")])

    (hit,) = shelf.find("HANGS BEHIND", exact=True)
    assert "hangs behind" in hit.text

    (by_tag,) = shelf.find("HOUSE", exact=True)
    assert by_tag.piece.startswith("1 of ")


def test_list_of_the_newest_shows_where_a_long_passage_begins(shelf: Shelf) -> None:
    shelf.put([note(1, long_text()), note(2, "short")])

    newest, older = shelf.find("")

    assert newest.id == "p2"
    assert older.piece.startswith("1 of ")
    assert older.score == 0.0


@pytest.mark.parametrize(
    "query, ids",
    [
        ('say "no"\n', ["p1"]),
        ('no"\nto both', ["p1"]),
        ("c:\\temp", ["p2"]),
        ("STRASSE", ["p3"]),
        ("a/b", ["p4"]),
        ("zoo\nanimals", ["p5"]),
        ("no such thing", []),
    ],
)
def test_exact_text_is_found_however_json_writes_it(
    shelf: Shelf, query: str, ids: list[str]
) -> None:
    texts = ['They say "no"\nto both.', "In C:\\temp\\x", "Die Stra\u00dfe", "A/B", "the zoo"]
    passages = [note(number, words) for number, words in enumerate(texts, 1)]
    passages[4] = note(5, "the zoo", "animals")
    shelf.put(passages)

    assert shelf.ids(query, exact=True) == ids


def test_deleted_passage_is_not_found_until_it_is_put_back(shelf: Shelf) -> None:
    shelf.put([note(1, "violin tea"), note(2, "black tea")])

    shelf.delete("p1")
    assert shelf.ids("tea") == shelf.ids("") == shelf.ids("TEA", exact=True) == ["p2"]

    shelf.put([note(1, "white tea")])
    assert set(shelf.ids("tea")) == {"p1", "p2"}
    assert shelf.ids("violin") == []
    assert shelf.find("white")[0].text == "white tea"


def test_second_version_of_a_passage_takes_the_place_of_the_first(shelf: Shelf) -> None:
    shelf.put([note(1, "zebra tea"), note(1, "violin lesson")])

    assert shelf.ids("tea") == []
    assert shelf.ids("violin") == ["p1"]


def test_pages_together_are_the_whole_list_each_passage_once(shelf: Shelf) -> None:
    shelf.put(
        [note(0, long_text().replace("filler", "tea")), *(note(n, "tea " * n) for n in range(1, 8))]
    )
    whole = shelf.ids("tea", limit=100)

    pages = [shelf.ids("tea", limit=3, skip=3 * page) for page in range(4)]

    assert sorted(whole) == [f"p{n}" for n in range(8)]
    assert [one for page in pages for one in page] == whole


def test_what_is_near_in_meaning_is_found_without_a_common_word(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, indexed=False)
    shelf.put([note(1, "The cat sleeps."), note(2, "Tax forms."), note(3, "A feline word.")])
    asked: list[int] = []

    def near(query: str, keys: NDArray[np.uint64]) -> NDArray[np.float32]:
        asked.append(len(keys))
        return np.array([2.0, 0.0, 0.0][: len(keys)], np.float32)

    found = shelf.search.find("feline", wanted(), limit=5, by_meaning=near)

    assert {hit.id for hit in found} == {"p1", "p3"}
    assert asked == [3]


def test_embedder_is_not_asked_where_nothing_can_be_found(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, indexed=False)
    shelf.put([note(1, "tea", "food")])

    def never(query: str, keys: NDArray[np.uint64]) -> NDArray[np.float32]:
        raise AssertionError("it was asked")

    assert shelf.search.find("tea", wanted(tags=["x"]), limit=5, by_meaning=never) == []
    assert [h.id for h in shelf.search.find("", wanted(), limit=5, by_meaning=never)] == ["p1"]
