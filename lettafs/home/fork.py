"""Fork: a second agent from this one, with its own id and the history so far.

The source is only read: its objects are copied as files and no git runs in it. What was edited
there but not committed comes along as the new agent's first own change.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from lettafs.disk import atomic, fingerprint
from lettafs.disk.git import Git
from lettafs.errors import DiskProblem, HistoryProblem, NotAnAgent
from lettafs.format import agent_toml, layout
from lettafs.home.begin import begin
from lettafs.home.create import refuse_unless_free, write_home
from lettafs.home.home import Home
from lettafs.home.turn import Who
from lettafs.ids import NewId

__all__ = ["committed_files", "fork_home"]


def fork_home(
    source: Home,
    root: Path,
    *,
    name: str | None,
    at: str | None,
    now: Callable[[], datetime],
    new_id: NewId,
    person: Who,
    about: Mapping[str, str],
) -> Home:
    """Make a second agent; return its home.

    Args:
        source: the agent to fork; not changed.
        root: the new agent's place.
        name: the new agent's name; None: that of its directory.
        at: a checkpoint to begin from; None: as the source is now.
        now: the time of the first own commit.
        new_id: gives the new agent its id.
        person: who forks.
        about: what a second process is told.

    Raises:
        UsageProblem: the place is taken.
        HistoryProblem: `at` names no checkpoint, or there is no history.
        NotAnAgent: the source's agent.toml is a link, which is not followed.
        DiskProblem: the disk refused.
    """
    refuse_unless_free(root)
    has_history = source.git.available and source.git.exists() and source.git.state().head
    if at is not None and not has_history:
        raise HistoryProblem(f"{source.root.name} has no history to fork from.")
    commit: str | None = None
    if has_history:
        commit = source.git.resolve(at) if at is not None else source.git.state().head
    files = (
        committed_files(source.git, commit) if at is not None and commit else _present(source.root)
    )
    if commit is not None:
        files = {**_persons(source.git, commit), **files}
    called = name or root.resolve().name
    changes = {"id": new_id("agent"), "name": called}
    settings = agent_toml.with_settings(files.pop(layout.AGENT_TOML), changes)
    atomic.make_dirs(root)
    try:
        if commit is not None:
            source.git.copy_objects_to(root, commit=commit)
        write_home(root, [*sorted(files.items()), (layout.AGENT_TOML, settings)])
    except BaseException:
        _clear(root)
        raise
    home = Home(root)
    begin(
        home,
        now=now,
        new_id=new_id,
        person=person,
        about=about,
        subject=f"Fork {called} from {source.root.resolve().name}",
    ).close()
    return home


def _present(root: Path) -> dict[str, bytes]:
    """Return the canonical files as they lie there; links and devices are left behind."""
    swept, _ = fingerprint.sweep(root, layout.is_canonical)
    if layout.AGENT_TOML not in swept:
        raise NotAnAgent(
            f"{root / layout.AGENT_TOML} is not a regular file, and a link is not followed: put "
            "the file itself there, then fork."
        )
    return {path: atomic.read_bytes(root / path) for path in swept}


def committed_files(git: Git, commit: str) -> dict[str, bytes]:
    """Return the canonical files of a commit; names that would lie elsewhere are left behind.

    Raises:
        HistoryProblem: the commit holds no agent.
    """
    wanted = [path for path in git.files(commit) if layout.is_canonical(path)]
    read = git.read_many(commit, wanted)
    found = {path: data for path, data in read.items() if data is not None}
    if layout.AGENT_TOML not in found:
        raise HistoryProblem(f"{commit[:10]} holds no agent.toml: it is no checkpoint of an agent.")
    return found


def _persons(git: Git, commit: str) -> dict[str, bytes]:
    """Return the files of a commit that a person tracks beside the canonical ones."""
    paths = [p for p in git.files(commit) if not layout.is_canonical(p) and _may_be_copied(p)]
    return {path: data for path, data in git.read_many(commit, paths).items() if data is not None}


def _may_be_copied(path: str) -> bool:
    """Tell whether a name from a commit is that of a person's own file, on every system."""
    return "\\" not in path and not any(_is_reserved(name) for name in path.split("/"))


def _is_reserved(name: str) -> bool:
    # Some systems ignore case, invisible characters, and dots, spaces or a stream at the end.
    shown = "".join(char for char in name if unicodedata.category(char) != "Cf")
    plain = layout.folded(shown.partition(":")[0]).rstrip(". ")
    return plain in {"", "git~1", layout.GIT, layout.LETTAFS, layout.ENV}


def _clear(root: Path) -> None:
    """Leave nothing but empty directories of a history that was being copied."""
    for folder, _, names in os.walk(root / layout.GIT):
        for name in names:
            with suppress(DiskProblem):
                atomic.unlink(Path(folder, name))
