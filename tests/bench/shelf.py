"""Archival memory that has grown large: search by words and meaning, adding, and what a turn pays.

Vectors are made by hashing words, since embedding so many texts takes an hour: the time of a search
is the same but for the dozen milliseconds that the embedder takes over the question.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio

from lettafs.embed.hashed import HashedEmbedder
from lettafs.format import layout
from lettafs.home.home import Home, open_home
from lettafs.index.place import IndexPlace
from lettafs.index.wanted import Wanted
from lettafs.values.passage import Passage
from tests.bench.history import made_up
from tests.bench.homes import Instant, question
from tests.bench.meter import take_turn
from tests.bench.table import Table, ms
from tests.support.homes import begin_turn, make_home

__all__ = ["shelf_tables"]

_KEY = b"b" * 32


def shelf_tables(scratch: Path, *, sizes: Sequence[int], times: int) -> list[Table]:
    """Return what archival memories of these sizes take."""
    scratch.mkdir()
    found = [_measured(scratch / f"of-{size}", size, times) for size in sizes]
    return [
        Table(
            "Search in archival memory",
            (
                "passages",
                "indexes made, s",
                "first search, ms",
                "search, ms (p50 / p95)",
                "with a tag",
                "add one, ms",
                "search right after",
                "first turn of a process, ms",
                "turn, ms (p50 / p95)",
                "RSS, MiB",
            ),
            tuple(
                (
                    f"{size:,}",
                    f"{one['build_s']:.1f}",
                    f"{one['first_s'] * 1e3:.0f}",
                    ms(one["warm_s"]),
                    ms(one["tagged_s"]),
                    ms(one["add_s"]),
                    ms(one["after_s"]),
                    f"{one['first_turn_s'] * 1e3:.0f}",
                    ms(one["turn_s"]),
                    f"{one['rss_mib']:.0f}",
                )
                for size, one in zip(sizes, found, strict=True)
            ),
            note="By words and meaning, ten results; the graph is part of `made`. Adding is until "
            "the passage is durable.",
        )
    ]


def _measured(root: Path, size: int, times: int) -> dict[str, Any]:
    home = make_home(root)
    texts = made_up(5)
    for begin in range(0, size, 5_000):
        many = range(begin, min(begin + 5_000, size))
        home.archival.insert(
            [Passage(f"passage-{n}", next(texts), "2026-01-01", (f"t{n % 20}",)) for n in many]
        )
    begin_turn(root).close()
    found: dict[str, Any] = {}
    for phase in ("build", "search"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.shelf", phase, str(root), str(times)],
            check=True,
            capture_output=True,
            text=True,
        )
        found |= json.loads(done.stdout)
    return found


def _home(root: Path) -> Home:
    embedder = HashedEmbedder()
    place = IndexPlace(root / layout.INDEX, lambda: _KEY, lambda handle: embedder)
    return open_home(root, indexes=place)


def _build(root: Path, times: int) -> dict[str, Any]:
    home = _home(root)
    begun = time.perf_counter()
    home.finder.catch_up(stop=lambda: False)
    took = time.perf_counter() - begun
    time.sleep(0.2)
    anyio.run(take_turn, home, Instant(), question(0))  # keeps the count
    return {"build_s": took}


def _search(root: Path, times: int) -> dict[str, Any]:
    home = _home(root)
    begun = time.perf_counter()
    anyio.run(take_turn, home, Instant(), question(1))
    first_turn = time.perf_counter() - begun
    asked = [" ".join(text.split()[:5]) for text, _ in zip(made_up(9), range(20), strict=False)]

    def timed(query: str, **options: Any) -> float:
        wanted = Wanted(zone=UTC, now=datetime(2026, 6, 1, tzinfo=UTC), **options)
        begun = time.perf_counter()
        home.finder.passages(query, wanted, limit=10)
        return time.perf_counter() - begun

    first = timed(asked[0])
    for query in asked:
        timed(query)
    warm = [timed(query) for _ in range(max(1, times // 10)) for query in asked]
    tagged = [timed(query, tags=("t3",)) for query in asked]
    added, after, turns = [], [], []
    for number in range(times):
        begun = time.perf_counter()
        home.archival.insert([Passage(f"passage-new-{number}", asked[0], "2026-02-01")])
        added.append(time.perf_counter() - begun)
        after.append(timed(asked[number % len(asked)]))
        turns.append(anyio.run(take_turn, home, Instant(), question(number)).reply.wall_s)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return {
        "first_turn_s": first_turn,
        "first_s": first,
        "warm_s": warm,
        "tagged_s": tagged,
        "add_s": added,
        "after_s": after,
        "turn_s": turns,
        "rss_mib": pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
    }


if __name__ == "__main__":
    run = {"build": _build, "search": _search}[sys.argv[1]]
    json.dump(run(Path(sys.argv[2]), int(sys.argv[3])), sys.stdout)
