"""Search in a long history: first and warm, the index made anew, and what it adds to a turn.

Each size is measured in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio

from lettafs.sdk.open import open_agent
from tests.bench.history import write_history
from tests.bench.homes import Instant, question
from tests.bench.meter import take_turn
from tests.bench.table import Table, ms
from tests.support.homes import make_home

__all__ = ["search_tables"]

_ASKED = (
    "When did we repair the old bridge by the river?",
    "What did I say about the deadline of the project?",
    "Where is the letter from the garden friend?",
    "which concert was cancelled in winter",
    "Who wanted bread and coffee in the morning?",
    "the ticket for the train to the station on the hill",
)


def search_tables(scratch: Path, *, sizes: Sequence[int], times: int) -> list[Table]:
    """Return what searching histories of these sizes takes."""
    scratch.mkdir()
    found = [_measured(scratch / f"of-{size}", size, times) for size in sizes]
    return [
        Table(
            "Search in recall",
            (
                "messages",
                "index made, s",
                "first search, ms",
                "search, ms (p50 / p95)",
                "with a filter",
                "exact text",
                "right after a turn",
                "RSS, MiB",
                "index, MiB",
            ),
            tuple(
                (
                    f"{size:,}",
                    f"{one['build_s']:.1f}",
                    f"{one['first_ms']:.0f}",
                    ms(one["warm_s"]),
                    ms(one["filtered_s"]),
                    ms(one["exact_s"]),
                    ms(one["after_turn_s"]),
                    f"{one['rss_mib']:.0f} (+{one['rss_mib'] - one['idle_mib']:.0f})",
                    f"{one['index_mib']:.1f}",
                )
                for size, one in zip(sizes, found, strict=True)
            ),
            note="Natural questions, ten results with their texts, through the agent's own search. "
            "The first search opens the index in a fresh process. In brackets: more than a process "
            "that has only opened the agent.",
        ),
        Table(
            "What search adds to a turn",
            ("messages", "turn, ms (p50 / p95)", "while the index is being made"),
            tuple(
                (f"{size:,}", ms(one["turn_s"]), ms(one["turn_while_s"]))
                for size, one in zip(sizes, found, strict=True)
            ),
            note="From the call to the reply on disk. The background gives way to a turn.",
        ),
    ]


def _measured(root: Path, size: int, times: int) -> dict[str, Any]:
    make_home(root)
    write_history(root, size, seed=7)
    env = dict(os.environ, LETTAFS_CONFIG_DIR=str(root.parent / "config"))
    found: dict[str, Any] = {}
    for phase in ("build", "search"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.search", phase, str(root), str(times)],
            env=env,
            check=True,
            capture_output=True,
            text=True,
        )
        found |= json.loads(done.stdout)
    return found


def _build(root: Path, times: int) -> dict[str, Any]:
    agent = open_agent(root, model="lettafs/offline")
    model = Instant()
    anyio.run(take_turn, agent._home, model, question(0))
    agent._keeper.nudge()
    turns = []
    for number in range(min(times, 10)):
        time.sleep(0.2)
        with agent._keeper.quiet():  # as `Agent.stream` does
            taken = anyio.run(take_turn, agent._home, model, question(number))
        turns.append(taken.reply.wall_s)
    agent._keeper.rest(wait_s=60)
    agent._home.finder.discard()
    begun = time.perf_counter()
    agent.keep_up()
    return {"build_s": time.perf_counter() - begun, "turn_while_s": turns}


def _search(root: Path, times: int) -> dict[str, Any]:
    idle_mib = _rss_mib()
    agent = open_agent(root, model="lettafs/offline")
    agent.in_background = False

    def timed(query: str, **options: Any) -> float:
        begun = time.perf_counter()
        agent.search(query, sources=("recall",), k=10, **options)
        return time.perf_counter() - begun

    first = timed(_ASKED[0])
    choose = random.Random(3)
    asked = [*_ASKED, *(_from_text(agent.messages(200)[n * 7].text, choose) for n in range(14))]
    for query in asked:
        timed(query)
    warm = [timed(choose.choice(asked)) for _ in range(times * 4)]
    filtered = [
        timed(choose.choice(asked), since="2021-01-01", roles=("user",)) for _ in range(times)
    ]
    exact = [timed(choose.choice(asked)[:18], exact=True) for _ in range(3)]
    model = Instant()
    turns, after = [], []
    for number in range(times):
        turns.append(anyio.run(take_turn, agent._home, model, question(number)).reply.wall_s)
        after.append(timed(choose.choice(asked)))
    size = sum(f.stat().st_size for f in (root / ".lettafs/index").rglob("*") if f.is_file())
    return {
        "first_ms": first * 1e3,
        "warm_s": warm,
        "filtered_s": filtered,
        "exact_s": exact,
        "turn_s": turns,
        "after_turn_s": after,
        "idle_mib": idle_mib,
        "rss_mib": _rss_mib(),
        "index_mib": size / 2**20,
    }


def _from_text(text: str, choose: random.Random) -> str:
    words = text.split()
    return "What about " + " ".join(choose.sample(words, min(5, len(words)))) + "?"


def _rss_mib() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    run = {"build": _build, "search": _search}[sys.argv[1]]
    json.dump(run(Path(sys.argv[2]), int(sys.argv[3])), sys.stdout)
