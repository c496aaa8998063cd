"""The caller: what comes from outside into a turn, and how a turn is got hold of."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import anyio

from lettafs.home.begin import busy, retry_pause_s, try_begin
from lettafs.home.home import Home
from lettafs.home.turn import Turn, Who
from lettafs.ids import NewId

__all__ = ["Caller", "hold"]

_BUSY_S = 5.0


@dataclass(frozen=True, slots=True)
class Caller:
    """What comes from outside: the clock, ids, and who is at the keyboard."""

    now: Callable[[], datetime]
    new_id: NewId
    person: Who
    about: Mapping[str, str]
    """What a second process is told about us: `cmd`."""
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    """Waits between retries of a failing model, in seconds."""
    jitter: Callable[[], float] = random.random
    summary_patience_s: float = 180.0
    """How long a model may take over a summary before rules make it."""


async def hold(home: Home, caller: Caller) -> Turn:
    """Return an open turn; the event loop goes on while another process holds it.

    Raises:
        Busy: it was held for five seconds; the error says by whom.
        NotAnAgent: agent.toml is missing or cannot be read.
        DiskProblem: the directory cannot be written.
    """
    begun = time.monotonic()
    while True:
        turn = try_begin(
            home, now=caller.now, new_id=caller.new_id, person=caller.person, about=caller.about
        )
        if turn is not None:
            return turn
        waited = time.monotonic() - begun
        if waited >= _BUSY_S:
            raise busy(home)
        await anyio.sleep(retry_pause_s(waited))
