"""Many vectors: the graph, its tail, its filters, its saves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lettafs.disk import faults
from lettafs.index.vectors import graph as graphs
from lettafs.index.vectors.code import code_for
from lettafs.index.vectors.graph import Growth
from lettafs.index.vectors.store import VectorStore

KEY = b"k" * 32
WIDE = 48
FEW = 500 * WIDE
COUNT = 3_000


def clustered(count: int, *, seed: int = 0) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    middles = random.standard_normal((60, WIDE))
    made = middles[random.integers(0, 60, count)] + random.standard_normal((count, WIDE))
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made.astype(np.float32)


def store_at(directory: Path | None) -> VectorStore:
    store = VectorStore(directory, key=KEY, few_numbers=FEW)
    store.open("ada", WIDE)
    return store


def keys_of(count: int, *, first: int = 1) -> NDArray[np.uint64]:
    return np.arange(first, first + count, dtype=np.uint64)


def nearest(vectors: NDArray[np.float32], query: NDArray[np.float32], k: int) -> set[int]:
    return {int(n) + 1 for n in np.argsort(-(vectors @ query))[:k]}


def recall(
    store: VectorStore, vectors: NDArray[np.float32], *, among: NDArray[np.uint64] | None = None
) -> float:
    hits = 0
    for query in clustered(40, seed=7):
        found = store.search(query, k=10, among=among)[0]
        pool = vectors.copy()
        if among is not None:
            pool[np.setdiff1d(np.arange(len(vectors)), among.astype(np.int64) - 1)] = -query
        hits += len(nearest(pool, query, 10) & set(found.tolist()))
    return hits / 400


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float32]:
    return clustered(COUNT)


@pytest.fixture
def settled(tmp_path: Path, vectors: NDArray[np.float32]) -> VectorStore:
    store = store_at(tmp_path / "index")
    store.append(keys_of(COUNT), vectors)
    store.settle(live=keys_of(COUNT))
    assert list((tmp_path / "index").glob("*.usearch"))
    return store


def test_before_there_is_a_graph_many_are_read_exactly(vectors: NDArray[np.float32]) -> None:
    store = store_at(None)
    store.append(keys_of(COUNT), vectors)
    assert recall(store, vectors) > 0.99


def test_the_graph_finds_what_reading_all_finds(
    tmp_path: Path, settled: VectorStore, vectors: NDArray[np.float32]
) -> None:
    assert recall(settled, vectors) > 0.98
    assert recall(store_at(tmp_path / "index"), vectors) > 0.98


def test_cosines_by_the_graph_are_exact(settled: VectorStore, vectors: NDArray[np.float32]) -> None:
    query = clustered(1, seed=8)[0]
    keys, cosines = settled.search(query, k=20)
    np.testing.assert_allclose(cosines, vectors[keys.astype(np.int64) - 1] @ query, atol=2e-3)
    assert (np.diff(cosines) <= 0).all()


@pytest.mark.parametrize("share", [0.9, 0.4, 0.1, 0.01])
def test_a_filter_never_costs_a_neighbour(
    settled: VectorStore, vectors: NDArray[np.float32], share: float
) -> None:
    among = keys_of(COUNT)[np.random.default_rng(3).random(COUNT) < share]
    assert recall(settled, vectors, among=among) > 0.97
    for query in clustered(5, seed=9):
        found = settled.search(query, k=10, among=among)[0]
        assert len(found) == min(10, len(among)) and np.isin(found, among).all()


def test_a_filter_for_what_lies_far_away_finds_it_all_the_same(
    settled: VectorStore, vectors: NDArray[np.float32]
) -> None:
    query = clustered(1, seed=8)[0]
    far = np.argsort(vectors @ query)[:1_000]
    among = np.sort(far).astype(np.uint64) + np.uint64(1)
    found = settled.search(query, k=10, among=among)[0]
    best = far[np.argsort(-(vectors[far] @ query))][:10] + 1
    assert len(set(found.tolist()) & set(best.tolist())) >= 9


def test_what_came_after_the_graph_is_found_too(
    tmp_path: Path, settled: VectorStore, vectors: NDArray[np.float32]
) -> None:
    late = clustered(30, seed=5)
    settled.append(keys_of(30, first=10_001), late)
    for store in (settled, store_at(tmp_path / "index")):
        for number, query in enumerate(late):
            assert store.search(query, k=1)[0].tolist() == [10_001 + number]


def test_the_graph_is_saved_again_only_when_much_has_come(
    tmp_path: Path, settled: VectorStore
) -> None:
    path = next((tmp_path / "index").glob("*.usearch"))
    before = path.stat()
    settled.append(keys_of(1_500, first=10_001), clustered(1_500, seed=5))
    settled.settle()
    assert path.stat().st_ino == before.st_ino
    settled.append(keys_of(1_500, first=20_001), clustered(1_500, seed=6))
    settled.settle()
    assert path.stat().st_size > 1.5 * before.st_size


def test_a_grown_graph_finds_old_and_new(
    settled: VectorStore, vectors: NDArray[np.float32]
) -> None:
    more = clustered(2_500, seed=5)
    settled.append(keys_of(2_500, first=COUNT + 1), more)
    settled.settle()
    assert recall(settled, np.concatenate([vectors, more])) > 0.98


def test_growing_stops_when_asked_and_goes_on_where_it_was(
    tmp_path: Path, vectors: NDArray[np.float32]
) -> None:
    store = store_at(tmp_path / "index")
    store.append(keys_of(COUNT), vectors)
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    store.settle(stop=stop)
    part = next((tmp_path / "index").glob("*.usearch")).stat().st_size
    assert recall(store, vectors) > 0.97
    store.append(keys_of(2_000, first=10_001), clustered(2_000, seed=5))
    store.settle()
    assert next((tmp_path / "index").glob("*.usearch")).stat().st_size > 2 * part


def test_a_graph_survives_the_clearing_of_dead_vectors(
    tmp_path: Path, settled: VectorStore, vectors: NDArray[np.float32]
) -> None:
    live = keys_of(1_400)
    settled.settle(live=live)
    assert len(settled) == 1_400
    for store in (settled, store_at(tmp_path / "index")):
        assert recall(store, vectors, among=live) > 0.97
        found = store.search(vectors[2_000], k=10)[0]
        assert (found <= 1_400).all() and len(found) == 10


def test_the_graph_is_replaced_whole_or_not_at_all(
    tmp_path: Path, vectors: NDArray[np.float32]
) -> None:
    store = store_at(tmp_path / "index")
    store.append(keys_of(COUNT), vectors)
    with (
        faults.installed(faults.fail_nth(1, OSError(28, "full"), only="rename")),
        pytest.raises(Exception, match="full"),
    ):
        store.settle()
    assert not list((tmp_path / "index").glob("*.usearch"))
    assert not list((tmp_path / "index").glob(".tmp-*"))
    assert recall(store, vectors) > 0.99
    store.settle()
    assert recall(store_at(tmp_path / "index"), vectors) > 0.98


def test_few_vectors_get_no_graph(tmp_path: Path) -> None:
    store = store_at(tmp_path / "index")
    store.append(keys_of(400), clustered(400))
    store.settle(live=keys_of(400))
    assert not list((tmp_path / "index").glob("*.usearch"))


def test_one_graph_is_made_of_the_same_vectors(
    tmp_path: Path, vectors: NDArray[np.float32]
) -> None:
    code = code_for(tmp_path, key=KEY, identity="ada", dimensions=WIDE)
    files = []
    for name in ("one", "two"):
        rows = np.arange(800)
        grown = graphs.grow(Growth(None, keys_of(800), vectors, rows), stop=lambda: False)
        assert grown is not None
        graphs.save(tmp_path / name, grown, code=code)
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1]
