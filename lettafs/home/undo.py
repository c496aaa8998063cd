"""Undo: the agent's last turn is taken back, memory and window together, by a new commit.

It touches only the agent's own commits, known by their trailer: never a person's, never a merge.
Where a block was edited since, the turn's change is taken out of the present text, and where the
two overlap nothing is changed at all. Nothing leaves the history or recall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lettafs.disk import atomic
from lettafs.disk.git import Commit, Git
from lettafs.errors import BlockChanged, HistoryProblem, UndoConflict
from lettafs.format import layout
from lettafs.format.recall_line import MessageRecord, RunRecord, WindowRecord
from lettafs.home.history import block_changes, is_turn, require_history, undone_among
from lettafs.home.turn import Turn
from lettafs.values.history import Undone
from lettafs.values.view import View

__all__ = ["undo"]

_LOOK_BACK = 2_000
"""Commits looked through for a turn to undo."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """All that an undo will write, decided before any of it is written."""

    files: dict[str, bytes | None]
    """What they will hold; None: they go."""
    found: dict[str, bytes | None]
    """What they hold now."""
    messages: tuple[str, ...]
    summaries: int
    passages: tuple[str, ...]


def undo(turn: Turn, *, to: str | None = None) -> list[Undone]:
    """Take back the agent's last turn, or with `to` all its turns after that checkpoint.

    Returns what was taken back, newest first.

    Raises:
        HistoryProblem: there is no history, or nothing to undo.
        UndoConflict: a later edit overlaps; the turns after the one it names are undone, it is not.
    """
    git = require_history(turn.home)
    if not git.state().settled:
        raise HistoryProblem(
            "A merge or rebase is under way, or HEAD is detached: finish that first, then undo."
        )
    targets = _targets(git, to=git.resolve(to) if to is not None else None)
    return [_undo_one(turn, git, commits) for commits in targets]


def _targets(git: Git, *, to: str | None) -> list[list[Commit]]:
    """Return the turns to undo, newest first, each with its commits, newest first."""
    commits = git.log(limit=_LOOK_BACK)
    undone = undone_among(commits)
    if to is not None:
        ids = [commit.id for commit in commits]
        if to not in ids:
            raise HistoryProblem(
                f"{to[:10]} is not among the agent's last {_LOOK_BACK} checkpoints."
            )
        commits = commits[: ids.index(to)]
    turns: dict[str, list[Commit]] = {}
    for commit in commits:
        if is_turn(commit) and commit.id not in undone:
            turns.setdefault(commit.trailers["Lettafs-Run"], []).append(commit)
    if not turns:
        raise HistoryProblem("There is no turn of the agent to undo.")
    return list(turns.values()) if to is not None else [next(iter(turns.values()))]


def _undo_one(turn: Turn, git: Git, commits: Sequence[Commit]) -> Undone:
    plan = _plan(turn, git, commits)
    commit = commits[0]
    if plan.messages:
        record = _window(turn, plan.messages)
        turn.append(replace(record, views=_views_before(turn, plan.messages[0], record)))
    if plan.passages:
        turn.delete_passages(plan.passages)
    for path, data in plan.files.items():
        try:
            turn.write_file(path, data, expected=plan.found[path])
        except BlockChanged as error:
            raise UndoConflict(f"{error} Undo again to go on.") from error
    made = turn.commit_own(
        f"Undo: {commit.subject}", {"Lettafs-Undo": commit.id}, author=turn.person
    )
    if made is None:
        raise HistoryProblem(
            "The undo is written but could not be committed yet; the next turn commits it."
        )
    before = git.resolve(f"{made}~1")
    return Undone(
        commit=made,
        undid=commit.id,
        subject=commit.subject,
        changes=tuple(block_changes(git, before, made)),
        messages=len(plan.messages) - plan.summaries,
        summaries=plan.summaries,
        passages=len(plan.passages),
    )


def _window(turn: Turn, messages: tuple[str, ...]) -> WindowRecord:
    """Return the record that takes a run's messages out of the window.

    When the window begins where an undone run made it begin, it begins again where it did before:
    else all that the person saw of the conversation would be gone with the run.
    """
    plain = WindowRecord(0, reason="undo", drop=messages)
    recall = turn.home.recall
    dropped = set(messages)
    newest: WindowRecord | None = None
    stands: WindowRecord | None = None
    """What would stand, until it is known that it was not an undone run that wrote it."""
    for record in recall.segments.backward():
        match record:
            case WindowRecord(reason="undo"):
                dropped.update(record.drop)
                newest = newest or (record if record.start is not None else None)
            case WindowRecord(start=str()):
                newest = newest or record
                stands = stands or record
            case MessageRecord(message=message) if message.run_id is not None:
                if message.id not in dropped and stands is not None:
                    break
                if message.id in dropped:
                    stands = None
                if message.id == messages[0] and newest is None:
                    return plain  # the window begins before the run, as it did then
            case RunRecord() if stands is not None:
                break
            case _:
                continue
    if newest is None or (stands is not None and _begin_alike(stands, newest)):
        return plain
    if stands is not None:
        return replace(stands, seq=0, reason="undo", drop=messages)
    first = next(recall.messages(), None)
    return replace(plain, start=first.id if first is not None else None)


def _views_before(turn: Turn, first: str, undoing: WindowRecord) -> tuple[View, ...] | None:
    """Return the files that were open before a run; None: they are the same now.

    Args:
        turn: whose journal is read.
        first: id of the run's first message.
        undoing: the record they are for; one that begins the window anew always says them.
    """
    before = changed = False
    for record in turn.home.recall.segments.backward():
        if isinstance(record, MessageRecord):
            before = before or record.message.id == first
            if before and not changed and undoing.start is None:
                return None
        elif isinstance(record, WindowRecord) and (record.views, record.start) != (None, None):
            changed = changed or record.views is not None
            if before:
                return record.views or ()
    return () if changed or undoing.start is not None else None


def _begin_alike(one: WindowRecord, other: WindowRecord) -> bool:
    return (one.start, one.summary) == (other.start, other.summary)


def _plan(turn: Turn, git: Git, commits: Sequence[Commit]) -> _Plan:
    files: dict[str, bytes | None] = {}
    found: dict[str, bytes | None] = {}
    for commit in commits:
        _take_back(turn, git, commit, files=files, found=found)
    run_id = commits[0].trailers["Lettafs-Run"]
    messages, summaries = _messages_of(turn, run_id)
    return _Plan(files, found, messages, summaries, _passages_of(turn, run_id))


def _take_back(
    turn: Turn,
    git: Git,
    commit: Commit,
    *,
    files: dict[str, bytes | None],
    found: dict[str, bytes | None],
) -> None:
    """Take a commit's change out of `files`, and out of the home's files, which go to `found`."""
    conflicts: list[str] = []
    parent = commit.parents[0]
    for change in git.changes(parent, commit.id):
        path = change.path
        if path.startswith((f"{layout.RECALL}/", f"{layout.ARCHIVAL}/")):
            continue
        before = git.read(parent, path) if change.before else None
        after = git.read(commit.id, path) if change.after else None
        if path not in found:
            found[path] = _now(turn, path)
        now = files.get(path, found[path])
        if now == before:
            continue
        if now == after:
            files[path] = before
            continue
        if now is None or before is None or after is None:
            conflicts.append(path)
            continue
        merged, clean = git.merge3(after, now, before)
        if clean:
            files[path] = merged
        else:
            conflicts.append(path)
    if conflicts:
        raise UndoConflict(
            f"{', '.join(conflicts)} was edited after that turn, in the same place. Nothing was "
            f"changed: take it back by hand (`lettafs diff {turn.home.root.name} "
            f"{parent[:10]} {commit.id[:10]}` shows what the turn did)."
        )


def _now(turn: Turn, path: str) -> bytes | None:
    try:
        return atomic.read_bytes(turn.home.root / path)
    except FileNotFoundError:
        return None


def _messages_of(turn: Turn, run_id: str) -> tuple[tuple[str, ...], int]:
    """Return the ids of a run's messages, and how many are summaries.

    They lie together, near the end of recall.
    """
    found: list[str] = []
    summaries = 0
    for record in turn.home.recall.segments.backward():
        if not isinstance(record, MessageRecord):
            continue
        if record.message.run_id == run_id:
            found.append(record.message.id)
            summaries += record.message.kind == "summary"
        elif found:
            break
    return tuple(reversed(found)), summaries


def _passages_of(turn: Turn, run_id: str) -> tuple[str, ...]:
    passages = turn.home.archival.passages().values()
    return tuple(passage.id for passage in passages if passage.run_id == run_id)
