"""Adoption: what a person changed becomes a commit of its own, in the person's name.

At the start of a turn and between its steps the tracked files are compared with the last commit.
Good changes are committed; what cannot be read stays where it is, with a notice. Nothing is
refused, overwritten or waited for.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lettafs.disk import atomic
from lettafs.errors import LettafsError
from lettafs.format import agent_toml, frontmatter, layout
from lettafs.home.baseline import Dirty
from lettafs.values.event import Notice
from lettafs.values.problem import Problem

if TYPE_CHECKING:
    from lettafs.home.turn import Turn

__all__ = ["Dirty", "adopt", "problem_with"]

_SETTLE_S = 0.03
"""An editor that saves by delete-and-create leaves the file away this long at most, usually."""


def adopt(turn: Turn, *, subject: str | None = None) -> list[Notice]:
    """Commit what a person changed, under `subject` if given; return what to tell them."""
    home = turn.home
    if not home.git.available:
        return []
    found = turn.dirty()
    if any(change.data is None for change in found):
        time.sleep(_SETTLE_S)  # once for all of them
    changed = [_settled(turn, change) for change in found]
    theirs = [change for change in changed if change is not None]
    if not theirs:
        return []
    if any(turn.has_written(change.path) for change in theirs):
        turn.commit_so_far()
    notices: list[Notice] = []
    good: dict[str, bytes | None] = {}
    for change in theirs:
        problem = problem_with(change)
        if problem is None:
            good[change.path] = change.data
        else:
            notices.append(
                Notice(f"{problem}; it is left as it is and not used.", "warning", problem.code)
            )
    if not good:
        return notices
    state = home.git.state()
    created = turn.baseline.commit is None
    commit = turn.commit(
        good,
        subject=subject or _subject(good, turn, created=created),
        trailers={"Lettafs-Adopted": "true"},
        author=turn.person,
    )
    if commit is not None:
        turn.forget_written(good)
    if commit is not None and not created:
        aside = ""
        if not state.settled:
            what = f"a {state.operation} is under way" if state.operation else "HEAD is detached"
            aside = f", kept beside the branch while {what}"
        notices.append(Notice(f"Your edit is in: {_names(good)}{aside}.", "info", "adopted"))
    return notices


def _settled(turn: Turn, change: Dirty) -> Dirty | None:
    """Look at a change again once it is quiet: an editor may be in the middle of saving."""
    path = turn.home.root / change.path
    if change.data is not None:
        atomic.quiet(path, now=time.time, sleep=time.sleep)
    emptied = change.data == b"" and change.committed is not None
    data: bytes | None = change.data
    for _ in range(3 if emptied else 1):
        if emptied:
            time.sleep(_SETTLE_S)
        try:
            data = atomic.read_bytes(path)
        except FileNotFoundError:
            data = None
        except LettafsError:
            return None
        if data:
            break
    if data is None and change.committed is None:
        return None
    return Dirty(change.path, data, change.committed)


def problem_with(change: Dirty) -> Problem | None:
    """Return why a changed file cannot be adopted; None: it can."""
    path, data = change.path, change.data
    if data is None:
        if path == layout.AGENT_TOML:
            return Problem("settings", path, "the file is gone")
        return None
    if layout.is_block_path(path):
        parsed = frontmatter.parse_block(data, path=path)
        return parsed if isinstance(parsed, Problem) else None
    if path == layout.AGENT_TOML:
        try:
            agent_toml.parse_agent(data)
        except LettafsError as error:
            return Problem("settings", path, str(error).rstrip("."))
    return None


def _names(changes: dict[str, bytes | None]) -> str:
    names = sorted(_name(path) for path in changes)
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _name(path: str) -> str:
    return layout.path_label(path) if layout.is_block_path(path) else path


def _subject(changes: dict[str, bytes | None], turn: Turn, *, created: bool) -> str:
    if created:
        return f"Begin {turn.agent.name}"
    if len(changes) == 1:
        ((path, data),) = changes.items()
        verb = "Delete" if data is None else "Edit"
        return f"{verb} {_name(path)}"
    return f"Edit {_names(changes)}"
