"""The store of vectors: what it keeps, finds, shares and clears away."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lettafs.disk import faults, lock
from lettafs.errors import DiskProblem
from lettafs.index.vectors.store import VectorStore

KEY = b"k" * 32
WIDE = 32
Vectors = NDArray[np.float32]


def unit(count: int, *, seed: int = 0, wide: int = WIDE) -> Vectors:
    made = np.random.default_rng(seed).standard_normal((count, wide)).astype(np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made


def names(count: int, *, first: int = 1) -> NDArray[np.uint64]:
    return np.arange(first, first + count, dtype=np.uint64)


def store_at(directory: Path | None, *, identity: str = "ada 32", few: int = 10**9) -> VectorStore:
    store = VectorStore(directory, key=KEY, few_numbers=few)
    store.open(identity, WIDE)
    return store


def exact(vectors: Vectors, query: NDArray[np.float32], k: int) -> list[int]:
    order = np.argsort(-(vectors.astype(np.float16).astype(np.float32) @ query), kind="stable")
    return [int(n) + 1 for n in order[:k]]


def test_vectors_are_found_by_nearness_and_again_after_a_restart(tmp_path: Path) -> None:
    vectors = unit(300)
    store = store_at(tmp_path / "index")
    assert store.append(names(300), vectors) == 300
    again = store_at(tmp_path / "index")
    for query in unit(10, seed=1):
        keys, cosines = again.search(query, k=7)
        assert keys.tolist() == exact(vectors, query, 7) == store.search(query, k=7)[0].tolist()
        np.testing.assert_allclose(cosines, np.sort(vectors @ query)[::-1][:7], atol=2e-3)
        assert cosines.dtype == np.float32 and keys.dtype == np.uint64


def test_only_keys_without_a_vector_are_missing_each_once_in_their_order(tmp_path: Path) -> None:
    store = store_at(tmp_path / "index")
    store.append([5, 2**64 - 1], unit(2))
    assert store.missing([9, 5, 7, 9, 2**64 - 1, 1]).tolist() == [9, 7, 1]
    assert store.missing([]).tolist() == []


def test_a_key_is_kept_once(tmp_path: Path) -> None:
    store = store_at(tmp_path / "index")
    vectors = unit(4)
    assert store.append([1, 2, 1], vectors[:3]) == 2
    assert store.append([2, 3], vectors[2:]) == 1
    assert len(store) == len(store_at(tmp_path / "index")) == 3
    np.testing.assert_allclose(store.vectors_of([2]), vectors[1:2], atol=1e-3)


def test_rows_without_a_direction_are_left_out(tmp_path: Path) -> None:
    rows = unit(5).astype(np.float64)
    rows[1] = 0
    rows[2, 3] = np.nan
    rows[3, 0] = 1e300
    store = store_at(tmp_path / "index")
    assert store.append(names(5), rows) == 2
    assert store.missing(names(5)).tolist() == [2, 3, 4]


def test_rows_of_any_length_count_by_their_direction(tmp_path: Path) -> None:
    store = store_at(tmp_path / "index")
    rows = unit(3)
    store.append(names(3), rows * np.array([[1e-6], [1.0], [1e6]], np.float32))
    assert store.search(rows[0] * 1e5, k=1)[0].tolist() == [1]
    assert float(store.search(rows[2], k=1)[1][0]) == pytest.approx(1.0, abs=1e-3)


def test_rows_of_another_shape_are_refused(tmp_path: Path) -> None:
    store = store_at(tmp_path / "index")
    for rows in (unit(2, wide=31), unit(3), unit(2)[0]):
        with pytest.raises(ValueError, match="not the shape"):
            store.append(names(2), rows)


@pytest.mark.parametrize("size", [0, 1, 31, 33, 768])
def test_a_query_of_other_dimensions_is_near_to_nothing(tmp_path: Path, size: int) -> None:
    store = store_at(tmp_path / "index")
    store.append(names(3), unit(3))
    assert store.search(np.ones(size, np.float32), k=3)[0].tolist() == []
    assert store.nearness(np.ones(size, np.float32), names(3)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("query", [np.zeros(WIDE), np.full(WIDE, np.nan), np.full(WIDE, 1e300)])
def test_a_query_without_a_direction_is_near_to_nothing(
    tmp_path: Path, query: NDArray[np.float64]
) -> None:
    store = store_at(tmp_path / "index")
    store.append(names(3), unit(3))
    assert store.search(query, k=3)[0].tolist() == []


def test_only_keys_that_pass_the_filter_are_found(tmp_path: Path) -> None:
    vectors, query = unit(300), unit(1, seed=2)[0]
    store = store_at(tmp_path / "index")
    store.append(names(300), vectors)
    among = np.array([250, 3, 3, 17, 9_999], np.uint64)
    keys, _ = store.search(query, k=10, among=among)
    assert keys.tolist() == [n for n in exact(vectors, query, 300) if n in (250, 3, 17)]
    assert store.search(query, k=10, among=np.zeros(0, np.uint64))[0].tolist() == []
    # A filter is remembered by what it holds, not by which array holds it.
    among[0] = 251
    assert 251 in store.search(query, k=10, among=among)[0]


def test_nearness_is_given_for_each_key_in_place(tmp_path: Path) -> None:
    vectors, query = unit(50), unit(1, seed=2)[0]
    store = store_at(tmp_path / "index")
    store.append(names(50), vectors)
    near = store.nearness(query, np.array([7, 999, 3, 7], np.uint64))
    cosines = vectors @ query
    np.testing.assert_allclose(near, [cosines[6], 0, cosines[2], cosines[6]], atol=2e-3)


def test_an_empty_store_finds_nothing(tmp_path: Path) -> None:
    for store in (store_at(tmp_path / "index"), store_at(None)):
        assert store.search(unit(1)[0], k=5)[0].tolist() == []
        assert store.nearness(unit(1)[0], names(2)).tolist() == [0, 0]
    assert not (tmp_path / "index").exists()


def test_a_store_that_was_never_opened_finds_nothing(tmp_path: Path) -> None:
    store = VectorStore(tmp_path, key=KEY)
    assert store.missing([1]).tolist() == [1]
    assert store.search(unit(1)[0], k=5)[0].tolist() == []


@pytest.mark.parametrize("key", [KEY, None])
def test_without_a_directory_or_a_key_vectors_live_in_memory(
    tmp_path: Path, key: bytes | None
) -> None:
    store = VectorStore(None if key else tmp_path / "index", key=key, few_numbers=1_000)
    store.open("ada", WIDE)
    store.append(names(300), unit(300))
    store.settle(live=names(300))
    assert store.search(unit(300)[4], k=1)[0].tolist() == [5]
    assert list(tmp_path.iterdir()) == []


def test_another_embedder_begins_anew_and_the_first_is_still_there(tmp_path: Path) -> None:
    store = store_at(tmp_path / "index")
    store.append(names(3), unit(3))
    store.open("eve 48", 48)
    assert store.missing(names(3)).tolist() == [1, 2, 3]
    assert store.search(unit(1)[0], k=3)[0].tolist() == []
    store.append(names(2), unit(2, wide=48))
    assert store.search(unit(2, wide=48)[1], k=1)[0].tolist() == [2]
    store.open("ada 32", WIDE)
    assert len(store) == 3


def test_the_same_name_with_other_dimensions_is_another_embedder(tmp_path: Path) -> None:
    store = store_at(tmp_path / "index")
    store.append(names(3), unit(3))
    store.open("ada 32", 16)
    assert len(store) == 0
    assert len(store_at(tmp_path / "index")) == 3


def test_of_other_embedders_only_the_last_is_kept(tmp_path: Path) -> None:
    for number, identity in enumerate(["one", "two", "three"]):
        store = store_at(tmp_path / "index", identity=identity)
        store.append(names(2), unit(2))
        path = next(p for p in (tmp_path / "index").glob("*.vectors") if p.stat().st_mtime > 1e9)
        os.utime(path, (number + 1, number + 1))
    store = store_at(tmp_path / "index", identity="three")
    store.forget_others()
    assert [len(store_at(tmp_path / "index", identity=i)) for i in ("one", "two", "three")] == [
        0,
        2,
        2,
    ]


def test_what_another_process_adds_is_found(tmp_path: Path) -> None:
    store = store_at(tmp_path / "index")
    store.append(names(2), unit(2))
    script = (
        "import sys, numpy as np; from pathlib import Path\n"
        "from lettafs.index.vectors.store import VectorStore\n"
        "store = VectorStore(Path(sys.argv[1]), key=b'k' * 32); store.open('ada 32', 32)\n"
        "print(len(store), store.append([77], np.eye(1, 32)))\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "index")],
        env=os.environ | {"PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["2", "1"]
    assert store.search(np.eye(1, WIDE)[0], k=1)[0].tolist() == [77]
    assert store.append([78], unit(1, seed=5)) == 1
    assert len(store_at(tmp_path / "index")) == 4


def test_nothing_is_written_while_another_process_writes(tmp_path: Path) -> None:
    first, second = store_at(tmp_path / "index"), store_at(tmp_path / "index")
    with first.writing() as ours, second.writing() as theirs:
        assert ours and not theirs
        assert second.append([1], unit(1)) == 0
        assert first.append([1], unit(1)) == 1
    assert second.append([2], unit(1, seed=3)) == 1
    assert len(first.missing([1, 2])) == 0
    held = lock.acquire(tmp_path / "index" / "archival.lock", about={})
    assert held is not None, "the hold ended with the block"
    held.release()


def test_a_batch_costs_the_same_bytes_whatever_is_there(tmp_path: Path) -> None:
    store = store_at(tmp_path / "index")
    written = []
    for number in range(5):
        with faults.recorded() as log:
            store.append(names(1, first=1 + number), unit(1, seed=number))
        written.append(sum(len(op.data) for op in log))
        store.append(names(500, first=1_000 * (number + 1)), unit(500, seed=number))
    assert len(set(written)) == 1 and written[0] < 200


def test_a_full_disk_keeps_nothing_and_harms_nothing(tmp_path: Path) -> None:
    store = store_at(tmp_path / "index")
    store.append(names(3), unit(3))
    for nth in range(1, 4):
        hook = faults.fail_nth(nth, OSError(28, "full"))
        with faults.installed(hook):
            try:
                store.append([10 + nth], unit(1, seed=nth))
            except DiskProblem as error:
                assert "full" in str(error)
    assert len(store_at(tmp_path / "index").missing(names(3))) == 0
    assert store.append([99], unit(1, seed=9)) == 1
    assert store_at(tmp_path / "index").missing([99, 1, 2, 3]).tolist() == []


def test_a_batch_that_was_half_written_is_cut_off_and_the_rest_kept(tmp_path: Path) -> None:
    store = store_at(tmp_path / "index")
    store.append(names(3), unit(3))
    store.append(names(3, first=4), unit(3, seed=4))
    path = next((tmp_path / "index").glob("*.vectors"))
    whole = path.read_bytes()
    for size in range(len(whole) // 2 + 1, len(whole), 17):
        path.write_bytes(whole[:size])
        again = store_at(tmp_path / "index")
        assert again.missing(names(6)).tolist() == [4, 5, 6]
        assert again.append(names(3, first=4), unit(3, seed=4)) == 3
        assert path.read_bytes() == whole


def test_dead_vectors_go_when_more_than_half_are(tmp_path: Path) -> None:
    store = store_at(tmp_path / "index")
    other = store_at(tmp_path / "index")
    vectors = unit(1_000)
    store.append(names(1_000), vectors)
    path = next((tmp_path / "index").glob("*.vectors"))
    size = path.stat().st_size
    store.settle(live=names(500, first=501))
    assert path.stat().st_size == size, "half is not more than half"
    store.settle(live=names(499, first=502))
    assert path.stat().st_size < size * 0.51
    for one in (store, other, store_at(tmp_path / "index")):
        one.refresh()
        assert len(one) == 499
        assert one.search(vectors[501], k=1)[0].tolist() == [502]


def test_few_dead_vectors_are_left_for_when_their_texts_come_back(tmp_path: Path) -> None:
    store = store_at(tmp_path / "index")
    store.append(names(200), unit(200))
    store.settle(live=names(1))
    assert len(store) == 200


def test_discard_forgets_everything(tmp_path: Path) -> None:
    store = store_at(tmp_path / "index")
    store.append(names(3), unit(3))
    store.discard()
    store.open("ada 32", WIDE)
    assert len(store) == 0 and not list((tmp_path / "index").glob("*.vectors"))
    assert store.append(names(2), unit(2)) == 2


def test_a_log_that_goes_away_is_begun_anew(tmp_path: Path) -> None:
    store = store_at(tmp_path / "index")
    store.append(names(3), unit(3))
    for path in (tmp_path / "index").iterdir():
        path.unlink()
    assert len(store.missing(names(3))) == 3
    store.append(names(1), unit(1))
    (tmp_path / "index").rename(tmp_path / "old")
    assert store.append(names(2), unit(2)) == 2
    assert len(store_at(tmp_path / "index")) == 2


def test_threads_that_search_while_one_adds_see_whole_rows(tmp_path: Path) -> None:
    store = store_at(tmp_path / "index", few=64 * WIDE)
    vectors = unit(600)
    wrong: list[object] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            keys, cosines = store.search(vectors[0], k=3)
            real = vectors[keys.astype(np.int64) - 1] @ vectors[0]
            if not np.allclose(cosines, real, atol=2e-3):
                wrong.append((keys, cosines, real))

    watchers = [threading.Thread(target=look) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    for at in range(0, 600, 20):
        store.append(names(20, first=1 + at), vectors[at : at + 20])
        if at % 200 == 0:
            store.settle(live=names(600))
    done.set()
    for watcher in watchers:
        watcher.join(5)
    assert not wrong and len(store) == 600
