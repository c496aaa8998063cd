"""Growth: memory of a process, and size of the history, over many turns.

Run as a program it takes the turns and prints what it saw, so that the process measured has done
nothing else.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio

from lettafs.disk.git import Git
from lettafs.home.home import open_home
from tests.bench.child import ROOT
from tests.bench.homes import Instant, question
from tests.bench.meter import take_turn
from tests.bench.table import Table, ms
from tests.support.homes import agent_at, make_home

__all__ = ["growth_tables"]

_MIB = 2**20


def growth_tables(scratch: Path, *, turns: int) -> list[Table]:
    """Return what so many turns leave behind."""
    scratch.mkdir()
    root = scratch / "ada"
    seen = _taken(scratch / "eve", turns, "packing")
    usual_loose, usual_size = _objects(scratch / "eve")
    _taken(root, turns, "loose")
    loose, size = _objects(root)
    packed = agent_at(root).pack()
    marks = [mark for mark in seen["rss"] if mark[0] in (1, turns // 15, turns * 2 // 3, turns)]
    tenth = max(turns // 10, 1)
    return [
        Table(
            "Memory of one process",
            ("after turns", "resident, MiB"),
            tuple((f"{turn:,}", f"{bytes_ / _MIB:.1f}") for turn, bytes_ in marks),
        ),
        Table(
            f"History after {turns:,} turns",
            ("", "`.git`, MiB", "on disk, MiB", "loose objects"),
            (
                ("as it is, packing itself", *usual_size, f"{usual_loose:,}"),
                ("if it never packed", *size, f"{loose:,}"),
                ("after `lettafs gc`", *_objects(root)[1], f"{_objects(root)[0]:,}"),
            ),
            note=f"About 100 characters in, 300 out, an edit of memory every third turn. {packed}",
        ),
        Table(
            "Turns, early and late",
            ("turns", "until the reply, ms (p50 / p95)", "checkpoint, ms (p50 / p95)"),
            (
                (f"the first {tenth}", ms(seen["reply"][:tenth]), ms(seen["commit"][:tenth])),
                (f"the last {tenth}", ms(seen["reply"][-tenth:]), ms(seen["commit"][-tenth:])),
            ),
        ),
    ]


def _taken(root: Path, turns: int, how: str) -> dict[str, Any]:
    """Take the turns in a process of its own; `loose` keeps the history from packing itself."""
    taken = subprocess.run(
        [sys.executable, "-m", "tests.bench.growth", str(root), str(turns), how],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if taken.returncode != 0:
        raise RuntimeError(taken.stderr)
    seen: dict[str, Any] = json.loads(taken.stdout)
    return seen


def _objects(root: Path) -> tuple[int, tuple[str, str]]:
    """Return the number of loose objects, and the size of `.git` in bytes and blocks."""
    loose = sum(1 for path in (root / ".git" / "objects").glob("[0-9a-f][0-9a-f]/*"))
    files = [path.lstat() for path in (root / ".git").rglob("*") if not path.is_symlink()]
    size = sum(status.st_size for status in files)
    blocks = sum(status.st_blocks * 512 for status in files)
    return loose, (f"{size / _MIB:.1f}", f"{blocks / _MIB:.1f}")


def _resident() -> int:
    """Return the bytes of this process that are in memory; where that is not told, its most."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most * (1 if sys.platform == "darwin" else 1024)
    return pages * os.sysconf("SC_PAGE_SIZE")


async def _take(root: Path, turns: int) -> dict[str, Any]:
    make_home(root)
    home, model = open_home(root), Instant()
    rss, reply, commit = [], [], []
    for number in range(1, turns + 1):
        taken = await take_turn(home, model, question(number, edits=number % 3 == 0))
        reply.append(taken.reply.wall_s)
        commit.append(taken.commit.wall_s)
        rss.append((number, _resident()))
    return {"rss": rss, "reply": reply, "commit": commit}


if __name__ == "__main__":
    if sys.argv[3] == "loose":
        Git.wants_packing = lambda self: False  # type: ignore[method-assign]  # a measurement
    print(json.dumps(anyio.run(_take, Path(sys.argv[1]), int(sys.argv[2]))))
