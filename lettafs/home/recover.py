"""Recovery: what a crash left is put in order at the start of a turn, without asking.

Every action is safe to repeat: a crash during recovery is recovered the same way. None needs free
space, except the commit, which may be postponed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from lettafs.disk import atomic
from lettafs.disk.fingerprint import blob_sha1
from lettafs.errors import DiskProblem, HistoryProblem
from lettafs.format import layout
from lettafs.format.recall_line import EditRecord, MessageRecord, RecallRecord, RunRecord
from lettafs.home.home import agent_person
from lettafs.stores.recall import Unfinished
from lettafs.values.event import Notice
from lettafs.values.message import Message, ToolReturn
from lettafs.values.problem import Problem
from lettafs.values.run import Run, Usage

if TYPE_CHECKING:
    from lettafs.home.turn import Turn

__all__ = ["INTERRUPTED", "keep_late_saves", "recover"]

INTERRUPTED = (
    "interrupted: the program ended before this call was finished; it may have had effects"
)


def recover(turn: Turn) -> list[Notice]:
    """Put the home in order; return what to tell the person."""
    for folder in ("", layout.LETTAFS):
        atomic.clear_temps(turn.home.root / folder, nested=False)
    atomic.clear_temps(turn.home.root / layout.MEMORY)
    notices = _mend_tails(turn)
    open_run = turn.home.recall.unfinished()
    if open_run is not None:
        _close_run(turn, open_run)
        notices.append(
            Notice("The last turn was interrupted; what it did is kept.", "info", "recovered")
        )
    notices += keep_late_saves(turn, older_than_s=2.0)
    if turn.home.git.available:
        notices += _bring_home(turn)
        _commit_left_over(turn)
    return notices


def _mend_tails(turn: Turn) -> list[Notice]:
    stamp = turn.now().strftime("%Y%m%dT%H%M%S")
    notices = []
    for store in (turn.home.recall, turn.home.archival):
        name = f"{layout.LOST_FOUND}/{store.segments.folder}-{stamp}.jsonl"
        torn = store.mend(save_to=name)
        if torn is not None:
            kept = f"kept in {torn.saved_to}" if torn.saved_to else "there was no room to keep them"
            notices.append(
                Notice(
                    f"{torn.path}: {torn.size} bytes of a half-written last line were cut off "
                    f"({kept}).",
                    "warning",
                    "torn-tail",
                )
            )
    return notices


def _close_run(turn: Turn, left: Unfinished) -> None:
    """Give every open call its return and the run its record."""
    now = turn.time()
    records: list[MessageRecord | RunRecord] = []
    if left.open_calls:
        parts = tuple(
            ToolReturn(call_id, name, "error", INTERRUPTED) for call_id, name in left.open_calls
        )
        records.append(
            MessageRecord(
                0, Message(turn.new_id("message"), "tool", parts, now, run_id=left.run_id)
            )
        )
    records.append(
        RunRecord(
            0,
            Run(
                id=left.run_id,
                status="failed",
                stop_reason="error",
                model="",
                usage=Usage(),
                created_at=now,
                completed_at=now,
                error="interrupted",
            ),
        )
    )
    turn.append(*records)


def keep_late_saves(turn: Turn, *, older_than_s: float) -> list[Notice]:
    """Keep what an editor saved into a file after it had been displaced by an edit.

    Such an editor wrote in place, into the file it had open; its text is put beside the block as a
    conflict copy, which git tracks and `doctor` reports.
    """
    notices = []
    settled = atomic.settle(
        turn.home.root / layout.DISPLACED, older_than_s=older_than_s, now=time.time
    )
    for late in settled:
        if not layout.is_canonical(late.path):
            continue  # no edit of ours displaced it: it came with the directory
        path = layout.conflict_path(late.path, sha256(late.data).hexdigest())
        try:
            atomic.check_inside(turn.home.root, turn.home.root / path)
            atomic.replace(turn.home.root / path, late.data)
        except DiskProblem as error:
            notices.append(Notice(str(error), "warning", "conflict"))
            continue
        atomic.discard(late)
        notices.append(
            Notice(
                f"{late.path} was saved while the agent edited it; your text is in {path}. "
                "Join the two by hand and delete the copy.",
                "warning",
                "conflict",
            )
        )
    return notices


def _commit_left_over(turn: Turn) -> None:
    """Commit what the agent wrote and a crash kept from being committed."""
    commit = turn.baseline.commit
    if commit is None:
        return  # nothing is committed yet: the first adoption takes everything
    changes = {change.path: change.data for change in turn.dirty()}
    changes.update(turn.journals())  # what closed the run belongs to it
    if not changes:
        return
    journals = [path for path in changes if _is_journal(path)]
    try:
        before = turn.home.git.read_many(commit, journals)
    except HistoryProblem:
        return  # a damaged history: adoption says so when it cannot commit
    fresh = _uncommitted(turn, {path: before[path] or b"" for path in journals})
    ours = {
        path: data for path, data in changes.items() if _is_the_agents(path, data, before, fresh)
    }
    if not ours:
        return
    trailers = {"Lettafs-Recovered": "true"}
    runs = _runs_in(fresh)
    if len(runs) == 1:  # of several, none could be taken back without the others
        ((run_id, message_id),) = runs.items()
        trailers = {"Lettafs-Run": run_id, "Lettafs-Message": message_id, **trailers}
    turn.commit(
        ours,
        subject="Recover what an interrupted turn had done",
        trailers=trailers,
        author=agent_person(turn.agent),
    )


def _is_journal(path: str) -> bool:
    return path.startswith((f"{layout.RECALL}/", f"{layout.ARCHIVAL}/"))


def _is_the_agents(
    path: str,
    data: bytes | None,
    committed: Mapping[str, bytes | None],
    fresh: Sequence[RecallRecord],
) -> bool:
    """Tell the agent's change from a person's.

    A journal only grows at its end by our hand; a block is ours when the last `edit` record for it
    that is not committed yet announced exactly these bytes.
    """
    if _is_journal(path):
        return data is not None and data.startswith(committed[path] or b"")
    edits = [r for r in fresh if isinstance(r, EditRecord) and r.path == path]
    after = None if data is None else sha256(data).hexdigest()
    return bool(edits) and edits[-1].after == after


def _uncommitted(turn: Turn, committed: Mapping[str, bytes]) -> list[RecallRecord]:
    """Return the records of recall that no commit holds yet, oldest first."""
    return [
        record
        for path, before in sorted(committed.items())
        if path.startswith(f"{layout.RECALL}/")
        for record in turn.home.recall.segments.lines(path)[before.count(b"\n") :]
        if not isinstance(record, Problem)
    ]


def _runs_in(records: Sequence[RecallRecord]) -> dict[str, str]:
    """Return the runs of these records' messages, with the user's message of each."""
    messages = [record.message for record in records if isinstance(record, MessageRecord)]
    runs = {message.run_id: "" for message in messages if message.run_id is not None}
    for message in messages:
        if message.run_id in runs and message.role == "user" and message.kind == "message":
            runs[message.run_id] = message.id
    return runs


def _bring_home(turn: Turn) -> list[Notice]:
    """Commit to the branch what was checkpointed beside it while it could not be touched.

    What was said comes home in any case: lines of the journals that the branch lacks are put at
    their end. A block comes home as it lies there; where the branch has another text, that stays,
    and the checkpoints are kept under a name of their own.
    """
    git = turn.home.git
    if not git.state().settled:
        return []
    pending = git.pending()
    if pending is None:
        return []
    try:
        kept = git.files(pending)
        journals = git.read_many(pending, [path for path in kept if _is_journal(path)])
        _bring_lines(turn, journals)
        mine, theirs = _brought(turn, pending, kept)
        changed = _changed_beside(turn, pending)
    except HistoryProblem as error:
        return [Notice(f"Pending checkpoints cannot be read: {error}", "warning", "pending")]
    subject = "Bring home what was said while the branch could not be touched"
    for changes, author, trailer in (
        ({**mine, **dict(turn.journals())}, agent_person(turn.agent), "Lettafs-Recovered"),
        (theirs, turn.person, "Lettafs-Adopted"),
    ):
        if (
            changes
            and turn.commit(changes, subject=subject, trailers={trailer: "true"}, author=author)
            is None
            and any(turn.baseline.blobs.get(p) != _blob(d) for p, d in changes.items())
        ):
            return []  # git refused: another time
    lost = [
        path
        for path in changed
        if not _is_journal(path) and kept.get(path) != turn.baseline.blobs.get(path)
    ]
    if lost:
        name = git.keep_pending()
        return [
            Notice(
                f"{', '.join(sorted(lost)[:3])}: the branch has another text than the agent had "
                f"meanwhile; that one is kept at {name}.",
                "warning",
                "pending",
            )
        ]
    git.drop_pending()
    return [Notice("Checkpoints made meanwhile are on the branch now.", "info", "pending")]


def _changed_beside(turn: Turn, pending: str) -> set[str]:
    """Return the paths that commits changed which only the pending checkpoints have."""
    git = turn.home.git
    head = git.state().head
    on_branch = {commit.id for commit in git.log(limit=None, start=head)} if head else set()
    found: set[str] = set()
    for commit in git.log(limit=None, start=pending):
        if commit.id not in on_branch:
            parent = commit.parents[0] if commit.parents else None
            found.update(change.path for change in git.changes(parent, commit.id))
    return found


def _bring_lines(turn: Turn, journals: Mapping[str, bytes | None]) -> None:
    """Put the lines of these journals that ours lack at their end."""
    for path, data in sorted(journals.items()):
        try:
            now = atomic.read_bytes(turn.home.root / path)
        except FileNotFoundError:
            now = b""
        have = set(now.split(b"\n"))
        missing = [line for line in (data or b"").split(b"\n") if line and line not in have]
        if missing:
            joint = b"" if not now or now.endswith(b"\n") else b"\n"
            turn.append_lines(path, joint + b"\n".join(missing) + b"\n")


def _brought(
    turn: Turn, pending: str, kept: Mapping[str, str]
) -> tuple[dict[str, bytes | None], dict[str, bytes | None]]:
    """Return the files that lie there as the pending checkpoints have them: ours, the person's."""
    from lettafs.home.history import AGENT_MAIL  # late: no usual turn needs it

    mine: dict[str, bytes | None] = {}
    theirs: dict[str, bytes | None] = {}
    for change in turn.dirty():
        if change.data is None or kept.get(change.path) != blob_sha1(change.data):
            continue
        last = turn.home.git.log(limit=1, start=pending, paths=[change.path])
        by_agent = not last or last[0].author.email.endswith(AGENT_MAIL)
        (mine if by_agent else theirs)[change.path] = change.data
    return mine, theirs


def _blob(data: bytes | None) -> str | None:
    return None if data is None else blob_sha1(data)
