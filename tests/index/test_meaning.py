"""Bringing vectors up to date, and asking what is near: also when the embedder fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lettafs.disk import faults, lock
from lettafs.embed.base import Kind
from lettafs.embed.hashed import HashedEmbedder
from lettafs.embed.minilm.embedder import MiniLM
from lettafs.errors import EmbedProblem
from lettafs.index.corpus import key_hash
from lettafs.index.fuse import fuse
from lettafs.index.meaning import Meaning
from lettafs.index.strangers import STRANGERS

KEY = b"k" * 32
TEXTS = [f"note {n}: the {n}th crate holds {'apples' if n % 2 else 'lanterns'}" for n in range(200)]


class Counting(HashedEmbedder):
    """The embedder for tests, which tells what it was asked, and fails or waits when told to."""

    def __init__(self, name: str = "test/counting") -> None:
        super().__init__(name)
        self.asked: list[list[str]] = []
        self.fails_after: int | None = None
        self.waits = threading.Event()
        self.waits.set()

    def embed(self, texts: Sequence[str], *, kind: Kind) -> NDArray[np.float32]:
        self.waits.wait(5)
        if self.fails_after is not None and len(self.asked) >= self.fails_after:
            raise EmbedProblem("test/counting is not there.")
        self.asked.append(list(texts))
        return super().embed(texts, kind=kind)

    @property
    def texts(self) -> list[str]:
        return [text for batch in self.asked for text in batch if text not in STRANGERS]


def catch_up(meaning: Meaning, texts: Sequence[str], embedder: HashedEmbedder) -> int:
    known = {key_hash(text): text for text in texts}
    return meaning.catch_up(known, known.get, embedder=embedder)


def keys_of(texts: Sequence[str]) -> NDArray[np.uint64]:
    return np.array([key_hash(text) for text in texts], np.uint64)


def test_texts_are_found_by_meaning_after_catching_up(tmp_path: Path) -> None:
    meaning = Meaning(tmp_path / "index", key=KEY)
    embedder = Counting()
    near = meaning.near("lanterns", keys_of(TEXTS), embedder=embedder)
    assert near is not None and not near.any()
    assert embedder.asked == [], "nothing to be near to: nothing to embed"
    assert meaning.waiting(keys_of(TEXTS), embedder=embedder) == 200
    assert catch_up(meaning, TEXTS, embedder) == 200 + len(STRANGERS)
    assert meaning.waiting(keys_of(TEXTS), embedder=embedder) == 0
    near = meaning.near(TEXTS[6], keys_of(TEXTS), embedder=embedder)
    assert near is not None and near.argmax() == 6 and near.dtype == np.float32
    assert meaning.trouble is None


def test_nothing_is_embedded_twice_not_even_by_another_process(tmp_path: Path) -> None:
    embedder = Counting()
    catch_up(Meaning(tmp_path / "index", key=KEY), TEXTS[:50], embedder)
    again = Counting()
    meaning = Meaning(tmp_path / "index", key=KEY)
    assert catch_up(meaning, [*reversed(TEXTS[:50]), "something new", TEXTS[3]], again) == 1
    assert again.asked == [["something new"]]


def test_batches_hold_texts_of_like_length(tmp_path: Path) -> None:
    texts = ["word " * (1 + (n * 37) % 90) + str(n) for n in range(100)]
    embedder = Counting()
    catch_up(Meaning(tmp_path / "index", key=KEY), texts, embedder)
    lengths = [len(text) for batch in embedder.asked for text in batch]
    assert lengths == sorted(lengths)
    assert {len(batch) for batch in embedder.asked[:-1]} == {32}


def test_stopping_keeps_what_was_done_and_goes_on_there(tmp_path: Path) -> None:
    embedder = Counting()
    meaning = Meaning(tmp_path / "index", key=KEY)
    known = {key_hash(text): text for text in TEXTS}
    steps: list[tuple[int, int]] = []
    done = meaning.catch_up(
        known,
        known.get,
        embedder=embedder,
        stop=lambda: len(steps) >= 3,
        progress=lambda so_far, total: steps.append((so_far, total)),
        batch=10,
    )
    assert done == 30 and steps == [(10, 232), (20, 232), (30, 232)]
    again = Counting()
    assert catch_up(Meaning(tmp_path / "index", key=KEY), TEXTS, again) == 202
    assert not set(embedder.texts) & set(again.texts)


def test_a_failing_embedder_ends_it_with_a_reason_and_keeps_what_was_done(tmp_path: Path) -> None:
    embedder = Counting()
    embedder.fails_after = 2
    meaning = Meaning(tmp_path / "index", key=KEY)
    assert catch_up(meaning, TEXTS, embedder) == 64
    assert str(meaning.trouble) == (
        "Passages without a vector are found by words only: test/counting is not there."
    )
    assert meaning.near("crate", keys_of(TEXTS), embedder=embedder) is None
    embedder.fails_after = None
    assert catch_up(meaning, TEXTS, embedder) == 232 - 64
    assert meaning.trouble is None
    assert meaning.near("crate", keys_of(TEXTS), embedder=embedder) is not None


def test_a_full_disk_ends_it_with_a_reason(tmp_path: Path) -> None:
    meaning = Meaning(tmp_path / "index", key=KEY)
    with faults.installed(faults.fail_nth(2, OSError(28, "full"), only="write")):
        catch_up(meaning, TEXTS, Counting())
    assert "disk is full" in str(meaning.trouble)
    assert catch_up(meaning, TEXTS, Counting()) > 0
    assert meaning.waiting(keys_of(TEXTS), embedder=Counting()) == 0


def test_while_another_process_is_at_it_nothing_is_done(tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    held = lock.acquire(tmp_path / "index" / "archival.lock", about={})
    assert held is not None
    embedder = Counting()
    with held:
        assert catch_up(Meaning(tmp_path / "index", key=KEY), TEXTS, embedder) == 0
    assert embedder.asked == []


def test_blank_and_vanished_texts_are_not_sent(tmp_path: Path) -> None:
    embedder = Counting()
    meaning = Meaning(tmp_path / "index", key=KEY)
    texts = {key_hash("here"): "here", key_hash(" \n"): " \n", 5: "not the text of this key"}
    meaning.catch_up([*texts, 6], texts.get, embedder=embedder)
    assert embedder.texts == ["here"]
    assert meaning.trouble is None
    assert meaning.waiting([key_hash("here"), key_hash(" \n")], embedder=embedder) == 0


class Narrow(Counting):
    """Claims more dimensions than it gives."""

    def embed(self, texts: Sequence[str], *, kind: Kind) -> NDArray[np.float32]:
        return super().embed(texts, kind=kind)[:, :60]


def test_rows_of_a_wrong_width_are_not_kept(tmp_path: Path) -> None:
    meaning = Meaning(tmp_path / "index", key=KEY)
    assert catch_up(meaning, TEXTS, Narrow()) == 0
    assert meaning.trouble is not None and "not a row of 64 for each" in meaning.trouble


class Unknown(Counting):
    """Like a server: how many dimensions it has is known when it has answered."""

    @property
    def dimensions(self) -> int | None:  # type: ignore[override]  # the real ones may say None too
        return 64 if self.asked else None

    @property
    def identity(self) -> str:
        return f"{self.name} {self.dimensions or '?'}"


def test_an_embedder_that_learns_its_dimensions_later_is_asked_first(tmp_path: Path) -> None:
    embedder = Unknown()
    meaning = Meaning(tmp_path / "index", key=KEY)
    assert meaning.waiting(keys_of(TEXTS), embedder=embedder) == 200
    assert catch_up(meaning, TEXTS, embedder) == 231, "one told who it is"
    later = Unknown()
    near = Meaning(tmp_path / "index", key=KEY).near(TEXTS[8], keys_of(TEXTS), embedder=later)
    assert near is not None and near.argmax() == 8
    assert later.asked == [[TEXTS[8]]]


def test_a_process_that_begins_with_a_known_server_embeds_nothing_again(tmp_path: Path) -> None:
    catch_up(Meaning(tmp_path / "index", key=KEY), TEXTS, Unknown())
    later = Unknown()
    catch_up(Meaning(tmp_path / "index", key=KEY), TEXTS, later)
    assert later.asked == [[STRANGERS[0]]], "to learn who it is"


def test_without_texts_nothing_is_embedded_and_nothing_written(tmp_path: Path) -> None:
    embedder = Counting()
    assert catch_up(Meaning(tmp_path / "index", key=KEY), [], embedder) == 0
    assert embedder.asked == [] and not (tmp_path / "index").exists()


def test_a_text_without_a_direction_is_sent_once(tmp_path: Path) -> None:
    class Blind(Counting):
        def embed(self, texts: Sequence[str], *, kind: Kind) -> NDArray[np.float32]:
            rows = super().embed(texts, kind=kind)
            rows[[n for n, text in enumerate(texts) if text == TEXTS[3]]] = 0
            return rows

    embedder = Blind()
    meaning = Meaning(tmp_path / "index", key=KEY)
    catch_up(meaning, TEXTS, embedder)
    batches = len(embedder.asked)
    catch_up(meaning, TEXTS, embedder)
    assert len(embedder.asked) == batches
    assert meaning.waiting(keys_of(TEXTS), embedder=embedder) == 0


def test_another_embedder_starts_over_and_words_have_to_do_meanwhile(tmp_path: Path) -> None:
    meaning = Meaning(tmp_path / "index", key=KEY)
    catch_up(meaning, TEXTS, Counting("one"))
    other = Counting("two")
    near = meaning.near(TEXTS[0], keys_of(TEXTS), embedder=other)
    assert near is not None and not near.any()
    assert catch_up(meaning, TEXTS, other) == 232
    back = Counting("one")
    assert catch_up(meaning, TEXTS, back) == 0 and back.asked == []


def test_a_slow_embedder_is_not_waited_for(tmp_path: Path) -> None:
    embedder = Counting()
    meaning = Meaning(tmp_path / "index", key=KEY)
    catch_up(meaning, TEXTS, embedder)
    embedder.waits.clear()
    begun = time.monotonic()
    for query in ("one", "two"):
        assert meaning.near(query, keys_of(TEXTS), embedder=embedder, timeout_s=0.1) is None
        assert meaning.trouble is not None and "did not answer within 0.1 s" in meaning.trouble
    assert time.monotonic() - begun < 2
    embedder.waits.set()
    assert meaning._hanging is not None
    meaning._hanging.join(5)
    assert meaning.near("two", keys_of(TEXTS), embedder=embedder, timeout_s=5) is not None
    assert meaning.trouble is None


def test_a_failure_within_the_time_says_why(tmp_path: Path) -> None:
    embedder = Counting()
    meaning = Meaning(tmp_path / "index", key=KEY)
    catch_up(meaning, TEXTS, embedder)
    embedder.fails_after = 0
    assert meaning.near("one", keys_of(TEXTS), embedder=embedder, timeout_s=5) is None
    assert str(meaning.trouble) == ("Passages are found by words only: test/counting is not there.")


def test_a_query_asked_again_is_not_embedded_again(tmp_path: Path) -> None:
    embedder = Counting()
    meaning = Meaning(tmp_path / "index", key=KEY)
    catch_up(meaning, TEXTS, embedder)
    batches = len(embedder.asked)
    for _ in range(3):
        meaning.near("crate 5", keys_of(TEXTS), embedder=embedder)
    assert len(embedder.asked) == batches + 1


def test_vectors_nobody_asks_for_are_cleared_and_strangers_stay(tmp_path: Path) -> None:
    meaning = Meaning(tmp_path / "index", key=KEY)
    texts = [f"text {n}" for n in range(800)]
    catch_up(meaning, texts, Counting())
    catch_up(meaning, texts[:10], Counting())
    assert len(meaning.store) == 10 + len(STRANGERS)


@pytest.mark.parametrize(
    "question, answer",
    [
        ("Where does she work?", "Anna is employed as a nurse at the county hospital."),
        ("What does he like to eat?", "He could have sushi every single day."),
        ("What pets do they have?", "Their two beagles ran across the yard."),
        ("Which car do they drive?", "We bought a used Volvo estate last spring."),
    ],
)
def test_the_built_in_embedder_finds_answers_that_share_no_word(
    question: str, answer: str, known: Meaning
) -> None:
    near = known.near(question, keys_of(NOTES), embedder=MiniLM())
    assert near is not None and NOTES[int(near.argmax())] == answer
    assert int(fuse(np.zeros(len(NOTES), np.float32), near).argmax()) == NOTES.index(answer)


@pytest.mark.parametrize(
    "question",
    [
        "How do I configure an nginx reverse proxy?",
        "integral of sine squared",
        "torque of the cylinder head bolts in newton metres",
        "Which emperor built the wall in the north?",
    ],
)
def test_a_question_of_quite_other_matters_finds_nothing(question: str, known: Meaning) -> None:
    near = known.near(question, keys_of(NOTES), embedder=MiniLM())
    assert near is not None
    assert not fuse(np.zeros(len(NOTES), np.float32), near).any()


NOTES = [
    "Anna is employed as a nurse at the county hospital.",
    "He could have sushi every single day.",
    "Most mornings Mia cycles downtown.",
    "We bought a used Volvo estate last spring.",
    "Their two beagles ran across the yard.",
    "In August we will rent a cottage by the sea in Brittany.",
    "Lena turns seven in March.",
]


@pytest.fixture(scope="module")
def known() -> Meaning:
    meaning = Meaning(None, key=None)
    texts = {key_hash(text): text for text in NOTES}
    meaning.catch_up(texts, texts.get, embedder=MiniLM())
    return meaning
