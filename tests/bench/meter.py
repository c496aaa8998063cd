"""A turn taken apart: time until the reply is complete, until the checkpoint, and who spent it."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lettafs.disk import faults
from lettafs.home.home import Home
from lettafs.llm.base import LanguageModel
from lettafs.loop.run import run
from lettafs.values.event import Checkpoint, Failure, MessageAdded, RunFinished
from tests.support.homes import CALLER

__all__ = ["Part", "Taken", "take_turn"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a turn."""

    wall_s: float
    cpu_s: float
    """Of this process."""
    children_cpu_s: float
    """Of the processes it started."""
    sync_s: float
    """Waiting for the disk."""
    syncs: int
    processes: int

    @property
    def own_s(self) -> float:
        """Wall time without waiting for the disk."""
        return self.wall_s - self.sync_s


@dataclass(frozen=True, slots=True)
class Taken:
    """A turn."""

    reply: Part
    """From the call to the assistant's last message: words on the screen, and durable."""
    commit: Part
    """From the end of the run to the checkpoint."""


class _Counts:
    def __init__(self) -> None:
        self.sync_s = 0.0
        self.syncs = 0
        self._begun = 0.0

    def hook(self, name: str, path: Path) -> None:
        if name in ("fsync", "fsync_dir"):
            self._begun = time.perf_counter()
        elif name in ("fsync.done", "fsync_dir.done"):
            self.sync_s += time.perf_counter() - self._begun
            self.syncs += 1


_started = 0


def _audit(event: str, arguments: object) -> None:
    global _started
    if event == "subprocess.Popen":
        _started += 1


sys.addaudithook(_audit)


@dataclass(slots=True)
class _Clock:
    counts: _Counts

    def now(self) -> tuple[float, float, float, float, int, int]:
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (
            time.perf_counter(),
            time.process_time(),
            spent.ru_utime + spent.ru_stime,
            self.counts.sync_s,
            self.counts.syncs,
            _started,
        )

    def since(self, begun: tuple[float, float, float, float, int, int]) -> Part:
        now = self.now()
        return Part(
            now[0] - begun[0],
            now[1] - begun[1],
            now[2] - begun[2],
            now[3] - begun[3],
            now[4] - begun[4],
            now[5] - begun[5],
        )


@contextmanager
def _clock() -> Iterator[_Clock]:
    counts = _Counts()
    with faults.installed(counts.hook):
        yield _Clock(counts)


async def take_turn(home: Home, model: LanguageModel, text: str) -> Taken:
    """Say something and return what it took.

    Raises:
        RuntimeError: the run failed, or no checkpoint was made.
    """
    with _clock() as clock:
        begun = clock.now()
        reply: Part | None = None
        ended = begun
        commit: Part | None = None
        async for event in run(home, model=model, text=text, caller=CALLER):
            match event:
                case MessageAdded(message=message) if message.role == "assistant":
                    reply = clock.since(begun)
                case RunFinished():
                    ended = clock.now()
                case Checkpoint(commit=made) if made is not None:
                    commit = clock.since(ended)
                case Failure(message=words):
                    raise RuntimeError(words)
                case _:
                    continue
    if reply is None or commit is None:
        raise RuntimeError("a turn ended without a reply or a checkpoint")
    return Taken(reply, commit)
