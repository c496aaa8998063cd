"""Passages by meaning: what keeping, finding and reopening many vectors takes.

Vectors of many texts are made up: clusters on a sphere, twenty to a cluster, since embedding a
hundred thousand texts takes hours. A thousand texts are embedded in earnest. Run as a program it
measures one store, so that the process measured has done nothing else.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lettafs.embed.minilm.embedder import MiniLM
from lettafs.index.corpus import key_hash
from lettafs.index.meaning import Meaning
from lettafs.index.vectors.store import VectorStore
from tests.bench.child import ROOT
from tests.bench.table import Table, ms

__all__ = ["passages_tables"]

_MIB = 2**20
_WIDE = 384
_KEY = b"a key for measuring, of 32 bytes"
_CHUNK = 4_096
_QUERIES = 200
_FILTERS = (0.5, 0.1, 0.01)

Json = dict[str, Any]


def passages_tables(
    scratch: Path, *, sizes: tuple[int, ...], crossing: tuple[int, ...], texts: int
) -> list[Table]:
    """Return what stores of these sizes take, where a graph begins to pay, and embedding texts."""
    scratch.mkdir()
    crossed = [(size, _child("cross", scratch / f"cross-{size}", size)) for size in crossing]
    seen = []
    for size in sizes:
        place = scratch / f"of-{size}"
        filled = _child("fill", place, size)
        seen.append((size, filled, _child("use", place, size)))
    embedded = _child("embed", scratch / "texts", texts)
    return [
        Table(
            "Passages by meaning: writing",
            ("vectors", "add one, ms", "add 32, ms", "graph, s", "MiB on disk", "most memory, MiB"),
            tuple(
                (
                    f"{size:,}",
                    ms(f["one"]),
                    ms(f["many"]),
                    f"{f['graph']:.1f}" if f["graph"] is not None else "none",
                    " + ".join(f"{n / _MIB:.1f}" for n in f["disk"]),
                    f"{f['peak'] / _MIB:.0f}",
                )
                for size, f, _ in seen
            ),
            note=f"{_WIDE} dimensions. Times are p50 / p95. On disk: the vectors, and the graph.",
        ),
        Table(
            "Passages by meaning: finding ten",
            ("vectors", "reopen, ms", "first, ms", "warm, ms")
            + tuple(f"of {share:.0%}, ms" for share in _FILTERS)
            + ("all nearness, ms", "recall@10", "memory, MiB"),
            tuple(
                (
                    f"{size:,}",
                    f"{u['reopen'] * 1000:.0f}",
                    f"{u['first'] * 1000:.0f}",
                    ms(u["warm"]),
                    *(ms(times) for times in u["filtered"]),
                    ms(u["nearness"]),
                    f"{u['recall']:.3f}",
                    f"{u['idle'] / _MIB:.0f} + {(u['rss'] - u['idle']) / _MIB:.0f}",
                )
                for size, _, u in seen
            ),
            note="In a new process. Memory: with numpy alone, and what the store adds.",
        ),
        Table(
            "Reading every vector, or walking a graph",
            ("vectors", "read all, ms", "by graph, ms", "recall@10 by graph", "to build, s"),
            tuple(
                (f"{n:,}", ms(c["all"]), ms(c["graph"]), f"{c['recall']:.3f}", f"{c['build']:.1f}")
                for n, c in crossed
            ),
        ),
        Table(
            "Passages embedded by lettafs/minilm",
            ("texts", "characters each", "texts a second", "nothing to do, ms", "query, ms"),
            (
                (
                    f"{texts:,}",
                    f"{embedded['characters']:.0f}",
                    f"{texts / embedded['seconds']:.0f}",
                    f"{embedded['idle_s'] * 1000:.0f}",
                    ms(embedded["query"]),
                ),
            ),
        ),
    ]


def _child(what: str, place: Path, size: int) -> Json:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.passages", what, str(place), str(size)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    seen: Json = json.loads(done.stdout)
    return seen


def _vectors(size: int) -> Iterator[NDArray[np.float32]]:
    random = np.random.default_rng(size)
    middles = random.standard_normal((max(size // 20, 1), _WIDE), np.float32)
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    for at in range(0, size, _CHUNK):
        count = min(_CHUNK, size - at)
        noise = random.standard_normal((count, _WIDE), np.float32) * np.float32(0.7 / _WIDE**0.5)
        rows = middles[random.integers(0, len(middles), count)] + noise
        yield rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _queries(size: int) -> NDArray[np.float32]:
    some = next(_vectors(size))
    random = np.random.default_rng(1)
    noise = random.standard_normal((_QUERIES, _WIDE), np.float32) * np.float32(0.7 / _WIDE**0.5)
    rows = some[random.integers(0, len(some), _QUERIES)] + noise
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def _store(place: Path) -> VectorStore:
    store = VectorStore(place, key=_KEY)
    store.open("bench", _WIDE)
    return store


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _fill(place: Path, size: int) -> Json:
    store = _store(place)
    for number, rows in enumerate(_vectors(size)):
        first = number * _CHUNK
        store.append(np.arange(first, first + len(rows), dtype=np.uint64), rows)
    truth = [store.search(query, k=10)[0].tolist() for query in _queries(size)]
    (place.parent / f"{place.name}.json").write_text(json.dumps(truth), encoding="utf-8")
    graph = _timed(store.settle)
    some = np.random.default_rng(5).standard_normal((64, _WIDE), np.float32)
    one, many = [], []
    for number in range(30):
        key = 10**9 + 100 * number
        one.append(_timed(lambda k=key, n=number: store.append([k], some[n : n + 1])))  # type: ignore[misc]
        batch = np.arange(key + 1, key + 33, dtype=np.uint64)
        many.append(_timed(lambda b=batch, n=number: store.append(b, some[n : n + 32])))  # type: ignore[misc]
    sizes = {path.suffix: path.stat().st_size for path in place.iterdir()}
    return {
        "one": one,
        "many": many,
        "graph": graph if ".usearch" in sizes else None,
        "disk": [sizes[kind] for kind in (".vectors", ".usearch") if kind in sizes],
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def _cross(place: Path, size: int) -> Json:
    exact = VectorStore(None, key=None, few_numbers=10**12)
    walked = VectorStore(None, key=None, few_numbers=0)
    for number, rows in enumerate(_vectors(size)):
        keys = np.arange(number * _CHUNK, number * _CHUNK + len(rows), dtype=np.uint64)
        for store in (exact, walked):
            store.open("bench", _WIDE)
            store.append(keys, rows)
    build = _timed(walked.settle)
    queries, hits = _queries(size), 0
    for query in queries:
        one, other = (store.search(query, k=10)[0].tolist() for store in (exact, walked))
        hits += len(set(one) & set(other))
    every = [_timed(lambda q=q: exact.search(q, k=10)) for q in queries]  # type: ignore[misc]
    graph = [_timed(lambda q=q: walked.search(q, k=10)) for q in queries]  # type: ignore[misc]
    recall = hits / (10 * len(queries))
    return {"all": every, "graph": graph, "build": build, "recall": recall}


def _use(place: Path, size: int) -> Json:
    queries = _queries(size)
    truth = json.loads((place.parent / f"{place.name}.json").read_text(encoding="utf-8"))
    idle = _resident()
    begun = time.perf_counter()
    store = _store(place)
    reopen = time.perf_counter() - begun
    first = _timed(lambda: store.search(queries[0], k=10))
    warm, hits = [], 0
    for query, nearest in zip(queries, truth, strict=True):
        begun = time.perf_counter()
        found = store.search(query, k=10)[0]
        warm.append(time.perf_counter() - begun)
        hits += len(set(found.tolist()) & set(nearest))
    every = np.arange(size, dtype=np.uint64)
    filtered = []
    for share in _FILTERS:
        among = every[np.random.default_rng(2).random(size) < share]
        store.search(queries[0], k=10, among=among)
        filtered.append(
            [_timed(lambda q=q, a=among: store.search(q, k=10, among=a)) for q in queries]  # type: ignore[misc]
        )
    store.nearness(queries[0], every)
    nearness = [_timed(lambda q=q: store.nearness(q, every)) for q in queries]  # type: ignore[misc]
    return {
        "idle": idle,
        "reopen": reopen,
        "first": first,
        "warm": warm,
        "filtered": filtered,
        "nearness": nearness,
        "recall": hits / (10 * len(queries)),
        "rss": _resident(),
    }


def _embed(place: Path, size: int) -> Json:
    words = "harbour ferry letter winter garden doctor recipe meeting budget violin river".split()
    random = np.random.default_rng(3)
    texts = [
        " ".join(words[n] for n in random.integers(0, len(words), int(random.integers(10, 120))))
        for _ in range(size)
    ]
    known = {key_hash(text): text for text in texts}
    meaning, embedder = Meaning(place, key=_KEY), MiniLM()
    embedder.embed(["load it"], kind="query")

    def catch_up() -> object:
        return meaning.catch_up(known, known.get, embedder=embedder)

    seconds = _timed(catch_up)
    keys = np.array(list(known), np.uint64)
    asked = [f"the {word} of {n}" for n in range(5) for word in words]
    return {
        "seconds": seconds,
        "idle_s": _timed(catch_up),
        "characters": sum(map(len, texts)) / len(texts),
        "query": [
            _timed(lambda t=text: meaning.near(t, keys, embedder=embedder))  # type: ignore[misc]
            for text in asked
        ],
    }


def _resident() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    measure = {"fill": _fill, "use": _use, "cross": _cross, "embed": _embed}[sys.argv[1]]
    print(json.dumps(measure(Path(sys.argv[2]), int(sys.argv[3]))))
