"""The beginning of a turn: who may have it, and what is put in order before anything else.

A turn is asked for again and again rather than waited for in the kernel, so that a program can give
up, and its event loop go on. Recovery comes first, then adoption: every turn begins from a state in
which all that lies in the home is committed, or a notice says why not.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime

from lettafs.disk import atomic, lock
from lettafs.errors import Busy, HistoryProblem
from lettafs.format import agent_toml, layout
from lettafs.home import recover
from lettafs.home.baseline import Baseline, load_baseline
from lettafs.home.home import Home
from lettafs.home.turn import Turn, Who
from lettafs.ids import NewId
from lettafs.values.event import Notice

__all__ = ["begin", "busy", "retry_pause_s", "try_begin"]


def try_begin(
    home: Home,
    *,
    now: Callable[[], datetime],
    new_id: NewId,
    person: Who,
    about: Mapping[str, str],
    subject: str | None = None,
) -> Turn | None:
    """Return an open turn, recovered and adopted; None when another process holds it.

    With `subject` that is what the commit is called which adopts what lies there.

    Raises:
        NotAnAgent: agent.toml is missing or cannot be read.
        DiskProblem: the directory cannot be written.
    """
    if time.monotonic() < home.yield_until_s:
        return None  # we had the last turn, and somebody else was waiting for it
    atomic.make_dirs(home.root / layout.LETTAFS)
    held = lock.acquire(home.root / layout.LOCK, about=about)
    if held is None:
        return None
    turn = Turn(home, held, now=now, new_id=new_id, person=person)
    try:
        _prepare(turn, subject)
    except BaseException:
        held.release()
        raise
    return turn


def begin(
    home: Home,
    *,
    now: Callable[[], datetime],
    new_id: NewId,
    person: Who,
    about: Mapping[str, str],
    timeout_s: float = 5.0,
    subject: str | None = None,
) -> Turn:
    """Return an open turn, waiting for the one who holds it. Arguments as `try_begin`.

    Raises:
        Busy: it was held for `timeout_s` seconds; the error says by whom.
        NotAnAgent: agent.toml is missing or cannot be read.
        DiskProblem: the directory cannot be written.
    """
    begun = time.monotonic()
    while True:
        turn = try_begin(home, now=now, new_id=new_id, person=person, about=about, subject=subject)
        if turn is not None:
            return turn
        waited = time.monotonic() - begun
        if waited >= timeout_s:
            raise busy(home)
        time.sleep(retry_pause_s(waited))


def retry_pause_s(waited_s: float) -> float:
    """Return how long to pause before asking for the turn again.

    Who has waited longer asks more often, so that of many none is passed over for long.
    """
    return max(0.02 * math.pow(0.4, waited_s), 0.0005)


def busy(home: Home) -> Busy:
    """Return the error that says who holds a home's turn."""
    who = lock.holder(home.root / layout.LOCK)
    return Busy(
        f"{home.root.name} is busy: {who} holds its turn. Wait for it to end, or end it.",
        holder=who,
    )


def _prepare(turn: Turn, subject: str | None) -> None:
    """Recover, then adopt: the state every turn begins from."""
    home = turn.home
    settings = home.settings()
    turn.notices += [Notice(f"{p}.", "warning", p.code) for p in settings.problems]
    git = home.git
    fresh = git.available and not git.exists()
    if fresh:
        try:
            git.init()
        except HistoryProblem as error:
            turn.notices.append(Notice(f"There is no history yet: {error}", "warning", "history"))
    if settings.agent.id is None and not settings.broken:
        _give_id(turn)
    if settings.agent.id is None or git.state().head is None:
        _give_git_files(turn)
    if git.available:
        for name in git.heal():
            turn.notices.append(
                Notice(f"Removed a lock left by a crash: {name}.", "info", "healed")
            )
        turn.baseline = _baseline(turn)
    turn.notices += recover.recover(turn)
    turn.adopt(subject=subject)
    if fresh:
        turn.notices.append(Notice("Its history begins now.", "info", "history"))


def _baseline(turn: Turn) -> Baseline:
    git = turn.home.git
    state = git.state()
    commit = state.head if state.settled else (git.pending() or state.head)
    try:
        return load_baseline(turn.home.root, git, commit=commit)
    except HistoryProblem as error:
        turn.notices.append(Notice(f"History cannot be read: {error}", "warning", "history"))
        return Baseline(commit)


def _give_id(turn: Turn) -> None:
    """Give a directory made by hand its id; when somebody saves at this moment, the next turn."""
    path = turn.home.root / layout.AGENT_TOML
    data = atomic.read_bytes(path)
    named = agent_toml.with_settings(data, {"id": turn.new_id("agent")})
    atomic.exchange(path, named, expected=data, keep_in=turn.home.root / layout.DISPLACED)


def _give_git_files(turn: Turn) -> None:
    """Give a directory made by hand the files that tell git what to leave alone."""
    root = turn.home.root
    for name, content in (
        (layout.GITIGNORE_FILE, layout.GITIGNORE),
        (layout.GITATTRIBUTES_FILE, layout.GITATTRIBUTES),
    ):
        if not os.path.lexists(root / name):
            atomic.replace(root / name, content)
