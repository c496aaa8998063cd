"""Processes that talk to one agent at the same time; run as `python -m tests.support.crowd`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lettafs.errors import Busy
from lettafs.home.home import open_home
from tests.support.homes import Scribe, begin_turn, say

__all__ = ["holding", "talking"]


def _talk(root: Path, name: str, count: int, tries: int) -> None:
    home = open_home(root)
    model = Scribe()
    for number in range(count):
        for chance in range(tries):
            try:
                say(home, f"{name} says {number}", model=model)
                break
            except Busy:
                if chance == tries - 1:
                    raise


def _hold(root: Path) -> None:
    """Keep the turn until the input ends."""
    with begin_turn(root):
        print("held", flush=True)
        sys.stdin.read()


def _start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.crowd", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parent.parent.parent,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )


def talking(root: Path, *, names: Sequence[str], count: int, tries: int = 1) -> list[str]:
    """Let so many processes say `count` things each at the same time; return what they complain.

    Each says a thing again, `tries` times in all, when it was told that the agent is busy.
    """
    talkers = [_start("talk", root, name, count, tries) for name in names]
    complaints = [talker.communicate(timeout=600)[1] for talker in talkers]
    return [text for text in complaints if text.strip()]


def holding(root: Path) -> subprocess.Popen[str]:
    """Return a process that holds the turn until its input is closed."""
    holder = _start("hold", root)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


if __name__ == "__main__":
    _, what, where, *rest = sys.argv
    try:
        if what == "talk":
            _talk(Path(where), rest[0], int(rest[1]), int(rest[2]))
        else:
            _hold(Path(where))
    except Busy as busy:
        print(busy, file=sys.stderr)
        raise SystemExit(busy.exit_code) from busy
