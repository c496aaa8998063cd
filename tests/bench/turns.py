"""Turns in one process: our own cost before the reply is complete, and for the checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import anyio

from lettafs.home.home import open_home
from tests.bench.homes import Instant, home_with, question
from tests.bench.machine import Machine
from tests.bench.meter import Part, Taken, take_turn
from tests.bench.table import Table, ms, ratio

__all__ = ["turn_tables"]


def turn_tables(
    scratch: Path, machine: Machine, *, sizes: Sequence[int], times: int
) -> list[Table]:
    """Return what turns take with so many messages of history."""
    scratch.mkdir()
    before: list[tuple[str, ...]] = []
    after: list[tuple[str, ...]] = []
    counts: list[tuple[str, ...]] = []
    for size in sizes:
        root = scratch / f"history-{size}"
        home_with(root, size)
        for name, turns in anyio.run(_turns, root, times).items():
            what = (f"{size:,}", name)
            before.append((*what, *_before([turn.reply for turn in turns])))
            after.append((*what, *_after([turn.commit for turn in turns], machine)))
            if size == sizes[0] and "first" not in name:
                counts.append((name, *_counts(turns)))
    both = ("messages before", "turn")
    return [
        Table(
            "Until the reply is complete",
            (*both, "wall, ms (p50 / p95)", "of it fsync", "without fsync", "CPU, ms (p50 / p95)"),
            tuple(before),
            note="From the call to the reply on disk; the model takes no time. An edit: two steps.",
        ),
        Table(
            "Checkpoint, after the reply",
            (*both, "wall, ms (p50 / p95)", "CPU, ours", "CPU, git's", "wall, of `git commit`"),
            tuple(after),
        ),
        Table(
            "Disk and processes, a turn",
            ("turn", "fsyncs until the reply", "fsyncs after", "git processes until", "after"),
            tuple(counts),
            note="fsyncs of lettafs itself; git makes its own for the branch it moves.",
        ),
    ]


async def _turns(root: Path, times: int) -> dict[str, list[Taken]]:
    model = Instant()
    talked, edited = [], []
    first = [await take_turn(open_home(root), model, question(0))]
    cold = [await take_turn(open_home(root), model, question(n)) for n in range(min(times, 15))]
    home = open_home(root)
    await take_turn(home, model, question(0))
    for number in range(times):
        talked.append(await take_turn(home, model, question(number)))
        edited.append(await take_turn(home, model, question(number, edits=True)))
    return {"the very first": first, "opened anew": cold, "talk": talked, "with an edit": edited}


def _before(parts: Sequence[Part]) -> tuple[str, ...]:
    return (
        ms([part.wall_s for part in parts]),
        ms([part.sync_s for part in parts]),
        ms([part.own_s for part in parts]),
        ms([part.cpu_s for part in parts]),
    )


def _after(parts: Sequence[Part], machine: Machine) -> tuple[str, ...]:
    wall = [part.wall_s for part in parts]
    return (
        ms(wall),
        ms([part.cpu_s for part in parts]),
        ms([part.children_cpu_s for part in parts]),
        ratio(wall, [each.wall_s for each in machine.git]),
    )


def _counts(turns: Sequence[Taken]) -> tuple[str, ...]:
    def middle(values: Sequence[int]) -> str:
        return f"{median(values):.0f}"

    return (
        middle([turn.reply.syncs for turn in turns]),
        middle([turn.commit.syncs for turn in turns]),
        middle([turn.reply.processes for turn in turns]),
        middle([turn.commit.processes for turn in turns]),
    )
