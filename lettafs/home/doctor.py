"""The doctor: every problem of a home, with path, line and remedy. It only reads."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from lettafs.disk import atomic, fingerprint
from lettafs.errors import DiskProblem, HistoryProblem, LettafsError
from lettafs.format import jsonl, layout
from lettafs.format.recall_line import StepRecord, WindowRecord
from lettafs.home.home import Home
from lettafs.stores.segments import Segments
from lettafs.values.problem import Problem

__all__ = ["examine"]

_MEND = "`lettafs doctor --repair` mends it"


def examine(home: Home) -> list[Problem]:
    """Return every problem; an empty list means that all is well.

    Raises:
        NotAnAgent: agent.toml is missing or cannot be read at all.
    """
    settings = home.settings()
    found = list(settings.problems)
    loaded = home.blocks()
    found += loaded.problems
    found += [
        Problem(
            "over-limit",
            block.path,
            f"the block is {len(block.value)} characters, its limit is {block.limit_chars}",
            remedy="shorten it, or raise its limit",
        )
        for block in loaded.blocks
        if len(block.value) > block.limit_chars
    ]
    found += _folders(home)
    found += _journals(home)
    found += _conflict_copies(home)
    _, odd = fingerprint.sweep(home.root, layout.is_canonical)
    known = {problem.path for problem in found}
    found += [problem for problem in odd if problem.path not in known]
    found += _ignore_file(home)
    if home.git.available and home.git.exists():
        try:
            found += home.git.problems()
        except HistoryProblem as error:
            found.append(Problem("history", layout.GIT, str(error).rstrip(".")))
    elif not home.git.available and home.git.why_not:
        found.append(Problem("no-history", layout.GIT, home.git.why_not.rstrip(".")))
    return found


def _folders(home: Home) -> list[Problem]:
    """Return what is wrong with attached folders; what is in their files is not looked at."""
    if not home.has_files:
        return []
    found = list(home.folders.load().problems)
    for info in home.files.folders():
        if info.trouble:
            path = layout.folder_path(info.folder.name)
            found.append(Problem("folder", path, info.trouble.rstrip(".")))
    return found


def _journals(home: Home) -> list[Problem]:
    found: list[Problem] = []
    for store in (home.recall, home.archival):
        found += _guarded(store.segments.folder, partial(_lines, store.segments))
    found += _guarded(layout.RECALL, lambda: _unfinished(home))
    found += _guarded(layout.RECALL, lambda: _references(home))
    # What cannot be read is said once, whoever comes upon it.
    return list(dict.fromkeys(found))


def _guarded(folder: str, look: Callable[[], list[Problem]]) -> list[Problem]:
    """Return what a look finds; one that fails is a problem, and the others go on."""
    try:
        return look()
    except LettafsError as error:
        return [Problem("unreadable", folder, str(error).rstrip("."))]


def _lines(segments: Segments[Any]) -> list[Problem]:
    found = _torn(segments)
    torn = {(p.path, p.line) for p in found}
    return found + [p for p in segments.problems() if (p.path, p.line) not in torn]


def _torn(segments: Segments[Any]) -> list[Problem]:
    paths = segments.paths()
    if not paths:
        return []
    try:
        data = segments.read(paths[-1])
    except DiskProblem:
        return []  # its lines are a problem already
    if jsonl.whole_length(data) == len(data):
        return []
    line = data.count(b"\n") + (not data.endswith(b"\n"))
    words = "the last line was only half written"
    return [Problem("torn-tail", paths[-1], words, line, _MEND, True)]


def _unfinished(home: Home) -> list[Problem]:
    if home.recall.unfinished() is None:
        return []
    return [
        Problem(
            "unfinished-run",
            layout.RECALL,
            "a turn was interrupted, or is running at this moment",
            None,
            "the next turn closes it, and so does `lettafs doctor --repair`",
            True,
        )
    ]


def _references(home: Home) -> list[Problem]:
    """Return records that name messages that are not there."""
    known: set[str] = set()
    found = []
    for record in home.recall.segments.records():
        match record:
            case StepRecord(step=step):
                named = step.message_ids
            case WindowRecord(start=start, drop=drop):
                named = (*drop, *([start] if start is not None else []))
            case _:
                message = getattr(record, "message", None)
                if message is not None:
                    known.add(message.id)
                continue
        missing = [message_id for message_id in named if message_id not in known]
        if missing:
            words = f"record {record.seq} names a message that is not there: {missing[0]}"
            found.append(Problem("dangling", layout.RECALL, words, remedy="look into the history"))
    return found


def _conflict_copies(home: Home) -> list[Problem]:
    memory = home.root / layout.MEMORY
    if memory.is_symlink() or not memory.is_dir():
        return []
    return [
        Problem(
            "conflict-copy",
            path.relative_to(home.root).as_posix(),
            "it holds text that an edit could not be joined with",
            remedy="join it with the block by hand, then delete it",
        )
        for path in sorted(memory.rglob("*.md.conflict-*"))
    ]


def _ignore_file(home: Home) -> list[Problem]:
    try:
        lines = atomic.read_bytes(home.root / layout.GITIGNORE_FILE).split()
    except (FileNotFoundError, LettafsError):
        lines = []
    missing = [line for line in layout.GITIGNORE.split() if line not in lines]
    if not missing:
        return []
    names = ", ".join(line.decode() for line in missing)
    return [
        Problem("gitignore", layout.GITIGNORE_FILE, f"it does not hold {names}", None, _MEND, True)
    ]
