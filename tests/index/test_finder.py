"""The finder: embedders that come, fail and change, indexes that cannot be kept, many at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lettafs.embed.base import Embedder, Kind
from lettafs.embed.hashed import HashedEmbedder
from lettafs.errors import EmbedProblem, ModelProblem
from lettafs.format.recall_line import MessageRecord
from lettafs.index import behind
from lettafs.index.finder import Finder
from lettafs.index.place import IndexPlace
from lettafs.index.wanted import Wanted
from lettafs.stores.archival import Archival
from lettafs.stores.recall import Recall
from lettafs.values.hit import Hit
from lettafs.values.message import Message, TextPart
from lettafs.values.passage import Passage

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEY = b"k" * 32


class Wide(HashedEmbedder):
    """An embedder of other dimensions, which can be told to fail or to keep silent."""

    def __init__(self, name: str = "test/wide", *, on_call: Callable[[], object] = lambda: None):
        super().__init__(name)
        self._on_call = on_call

    @property
    def dimensions(self) -> int:
        return 96

    @property
    def identity(self) -> str:
        return f"{self.name} 96"

    def embed(self, texts: Sequence[str], *, kind: Kind) -> NDArray[np.float32]:
        self._on_call()
        return np.hstack([super().embed(texts, kind=kind), np.zeros((len(texts), 32), np.float32)])


class Desk:
    """A home's two memories, and finders over them."""

    def __init__(self, root: Path, *, key: bytes | None = KEY) -> None:
        self.root = root
        self.recall, self.archival = Recall(root), Archival(root)
        self.handle: str | None = None
        self.embedders: dict[str | None, Embedder | None] = {None: HashedEmbedder()}
        self.missing: set[str | None] = set()
        self.key = key
        self.finder = self.another()

    @property
    def directory(self) -> Path:
        return self.root / ".lettafs/index"

    def another(self) -> Finder:
        place = IndexPlace(self.directory, lambda: self.key, self._choose)
        return Finder(self.recall, self.archival, place=place, embedding=lambda: self.handle)

    def _choose(self, handle: str | None) -> Embedder | None:
        if handle in self.missing:
            raise ModelProblem(f"No key for {handle}.")
        return self.embedders[handle]

    def put(self, *texts: str) -> None:
        first = len(self.archival.passages())
        self.archival.insert(
            [Passage(f"p{n}", text, NOW.isoformat()) for n, text in enumerate(texts, first)]
        )

    def say(self, *texts: str) -> None:
        rows = [
            Message(f"m{n}", "user", (TextPart(text),), NOW.isoformat())
            for n, text in enumerate(texts, sum(1 for _ in self.recall.messages()))
        ]
        self.recall.append([MessageRecord(0, row) for row in rows])

    def trouble(self) -> str | None:
        return self.finder.trouble

    def catch_up(self, **how: float) -> None:
        self.finder.catch_up(stop=lambda: False, **how)  # type: ignore[arg-type]  # vectors_for_s

    def find(self, query: str) -> list[Hit]:
        return self.finder.passages(query, Wanted(zone=UTC, now=NOW), limit=10)

    def is_behind(self) -> bool:
        return behind.is_behind(
            self.recall, self.archival, directory=self.directory, embedding=self.handle
        )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_caught_up_is_told_and_lasts_until_a_passage_comes(desk: Desk) -> None:
    assert not desk.is_behind()
    desk.put("green tea", "the boat is blue")
    assert desk.is_behind()

    desk.catch_up()
    assert not desk.is_behind()

    desk.put("one more")
    assert desk.is_behind()


def test_state_counts_what_is_kept_and_never_below_nothing(desk: Desk) -> None:
    desk.say("one", "two")
    desk.put("three")
    desk.archival.delete(["nobody"], created_at="2026")

    before = desk.finder.state()
    desk.catch_up()
    after = desk.finder.state()

    assert (before.messages, before.messages_indexed, before.pieces_indexed) == (2, 0, 0)
    assert (after.messages, after.messages_indexed) == (2, 2)
    assert (after.pieces, after.pieces_indexed, after.vectors) == (1, 1, 1)
    desk.say("three")
    assert desk.finder.state().messages_indexed == 2


def test_passage_put_away_while_vectors_are_made_is_not_taken_for_done(desk: Desk) -> None:
    once = threading.Event()

    def put_one() -> None:
        if not once.is_set():
            once.set()
            desk.put("put away meanwhile")

    desk.embedders[None] = Wide(on_call=put_one)
    desk.put("green tea")

    desk.catch_up()
    assert once.is_set()
    assert desk.is_behind()

    desk.catch_up()
    assert not desk.is_behind()
    assert desk.finder.state().vectors == 2


def test_another_embedder_makes_its_own_vectors_and_never_an_error(desk: Desk) -> None:
    desk.put("green tea", "the boat is blue")
    desk.catch_up()
    desk.embedders["test/wide"] = Wide()
    desk.handle = "test/wide"

    assert desk.is_behind()
    assert [hit.id for hit in desk.find("tea")] == ["p0"]
    assert desk.finder.state().vectors == 0

    desk.catch_up()
    assert not desk.is_behind()
    assert desk.finder.state().vectors == 2
    assert [hit.id for hit in desk.find("tea")][:1] == ["p0"]
    assert desk.trouble() is None


def test_words_only_needs_no_vectors(desk: Desk) -> None:
    desk.handle = "none"
    desk.embedders["none"] = None
    desk.put("green tea")

    assert not desk.is_behind()
    assert [hit.id for hit in desk.find("tea")] == ["p0"]
    assert desk.trouble() is None
    assert desk.finder.state().embedder is None


def test_key_that_comes_later_is_used_from_then_on(desk: Desk) -> None:
    desk.handle = "test/wide"
    desk.embedders["test/wide"] = Wide()
    desk.missing.add("test/wide")
    desk.put("green tea")

    desk.catch_up()
    assert [hit.id for hit in desk.find("tea")] == ["p0"]
    assert desk.trouble() == "Passages are found by words only: No key for test/wide."

    desk.missing.clear()
    desk.catch_up()
    assert desk.trouble() is None
    assert desk.finder.state().vectors == 1


def test_failing_embedder_leaves_words_and_is_forgiven_when_it_works_again(desk: Desk) -> None:
    down = threading.Event()

    def fail() -> None:
        if down.is_set():
            raise EmbedProblem("test/wide is not there.")

    desk.embedders[None] = Wide(on_call=fail)
    desk.put("green tea")
    down.set()

    desk.catch_up()
    assert desk.is_behind()
    assert [hit.id for hit in desk.find("tea")] == ["p0"]
    assert desk.trouble() == (
        "Passages without a vector are found by words only: test/wide is not there."
    )

    down.clear()
    desk.catch_up()
    assert desk.trouble() is None
    assert not desk.is_behind()


def test_trouble_of_one_embedder_is_not_told_of_the_next(desk: Desk) -> None:
    def fail() -> None:
        raise EmbedProblem("test/wide is not there.")

    desk.embedders["test/wide"] = Wide(on_call=fail)
    desk.handle = "test/wide"
    desk.put("green tea")
    desk.catch_up()
    assert desk.trouble() == (
        "Passages without a vector are found by words only: test/wide is not there."
    )

    desk.handle = None

    assert desk.trouble() is None


def test_silent_embedder_does_not_hold_up_who_has_little_time(desk: Desk) -> None:
    answer = threading.Event()
    desk.embedders[None] = Wide(on_call=lambda: answer.wait(20))
    desk.put("green tea")
    begun = time.monotonic()

    desk.catch_up(vectors_for_s=0.2)

    assert time.monotonic() - begun < 10
    assert desk.finder.state().vectors == 0
    answer.set()


def test_searches_at_once_all_find_by_meaning(desk: Desk) -> None:
    gate = threading.Barrier(2)

    def meet() -> None:
        gate.wait(5)

    quick = Wide()
    desk.embedders[None] = quick
    desk.put("The cat sleeps.", "Tax forms are due.")
    desk.catch_up()
    quick._on_call = meet  # both questions are with the embedder at the same time

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(desk.find, ["cat sleeps", "tax forms"]))

    assert [hits[0].id for hits in found] == ["p0", "p1"]
    assert desk.trouble() is None


def test_searches_that_ask_for_different_things_at_once_do_not_mix(desk: Desk) -> None:
    desk.say(*(f"the boat number {n} is blue" for n in range(60)))
    asked = [Wanted(zone=UTC, now=NOW), Wanted(zone=UTC, now=NOW, partial=False)]
    alone = [desk.finder.messages("blue boat", one, limit=20) for one in asked]
    grown = threading.Event()

    def often(one: Wanted) -> list[list[Hit]]:
        return [desk.finder.messages("blue boat", one, limit=20) for _ in range(30)]

    def grow() -> None:
        while not grown.wait(0.005):
            desk.say("something else")

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(often, asked * 2))
    finally:
        grown.set()
        writer.join()

    ids = [[hit.id for hit in hits] for hits in alone]
    for number, lists in enumerate(results):
        assert all([hit.id for hit in hits] == ids[number % 2] for hits in lists)


@pytest.mark.parametrize("what", ["file", "link", "inner file", "inner link"])
def test_what_is_in_the_way_of_an_index_is_left_alone_and_told(desk: Desk, what: str) -> None:
    elsewhere = desk.root / "elsewhere"
    elsewhere.mkdir()
    place = desk.directory / "vectors" if what.startswith("inner") else desk.directory
    place.parent.mkdir(parents=True)
    if what.endswith("file"):
        place.write_bytes(b"mine")
    else:
        place.symlink_to(elsewhere)
    desk.put("green tea")
    desk.say("green tea")

    desk.catch_up()

    assert [hit.id for hit in desk.find("tea")] == ["p0"]
    assert str(desk.trouble()).startswith("The indexes cannot be kept: ")
    assert desk.finder.keeping_trouble is not None
    assert list(elsewhere.iterdir()) == []
    assert place.is_symlink() or place.read_bytes() == b"mine"
    # What stands in the way of one does not keep the others from being made.
    assert desk.finder.state().messages_indexed == (1 if what.startswith("inner") else 0)

    place.unlink()
    desk.catch_up()
    assert desk.trouble() is None
    assert desk.another().keeping_trouble is None
    assert not desk.is_behind()


def test_without_a_key_vectors_last_as_long_as_the_program(tmp_path: Path) -> None:
    desk = Desk(tmp_path, key=None)
    desk.put("The cat sleeps.")

    desk.catch_up()

    assert desk.finder.state().vectors == 1
    assert desk.trouble() is None
    assert "index.key" in str(desk.finder.keeping_trouble)
    assert not desk.directory.exists()


def test_discard_takes_the_words_and_keeps_vectors_that_were_dear(desk: Desk) -> None:
    calls: list[int] = []
    desk.embedders[None] = Wide(on_call=lambda: calls.append(1))
    desk.put("green tea")
    desk.say("green tea")
    desk.catch_up()
    made = len(calls)

    desk.finder = desk.another()
    desk.finder.discard()
    assert desk.is_behind()
    assert desk.finder.state().messages_indexed == 0

    desk.catch_up()
    assert desk.finder.state().messages_indexed == 1
    assert len(calls) == made
    assert not desk.is_behind()


def test_folder_that_cannot_be_listed_is_not_behind(desk: Desk) -> None:
    (desk.root / "archival").write_bytes(b"")
    (desk.root / "recall").symlink_to(desk.root / "archival")

    assert not desk.is_behind()
    assert desk.find("tea") == []
