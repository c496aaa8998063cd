"""A turn: the exclusive hold on a home from input to commit.

Everything that changes a home goes through one: the conversation, an undo, a note put into archival
memory from the command line. A turn begins by recovering what a crash left and adopting what a
person changed, and ends with one commit of exactly the bytes it wrote.

All of it is synchronous: leaving a turn needs no await, so that a cancelled run still closes it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from threading import RLock
from types import TracebackType

from lettafs.disk import atomic, lock
from lettafs.disk.fingerprint import blob_sha1
from lettafs.disk.git import Person
from lettafs.errors import BlockChanged, DiskProblem, HistoryProblem, LettafsError
from lettafs.format import frontmatter, layout
from lettafs.format.recall_line import EditRecord, RecallRecord, WindowRecord
from lettafs.home import adopt
from lettafs.home.baseline import Baseline, Dirty, dirty, save_baseline
from lettafs.home.home import Home, agent_person
from lettafs.ids import NewId
from lettafs.stores import blocks as block_store
from lettafs.stores.blocks import BlockWrite
from lettafs.values.agent import AgentSettings
from lettafs.values.block import Block
from lettafs.values.event import MemoryChanged, Notice
from lettafs.values.passage import Passage
from lettafs.values.view import View

__all__ = ["Turn", "Who", "timestamp"]

_LOOK_BACK_CHARS = 30_000_000
"""Of messages: the record of what is open lies no further back. A window of two million tokens may
grow as long before a record moves it."""

_YIELD_S = 0.05
"""How long who had the turn leaves it to those who were waiting."""

Who = Person | Callable[[], Person]
"""A person, or how to find out when it is first needed: that may run git, and most turns do not
need it."""


def timestamp(moment: datetime) -> str:
    """Return a time as records carry it: ISO 8601, UTC, microseconds."""
    from datetime import UTC

    return moment.astimezone(UTC).isoformat(timespec="microseconds")


class Turn:
    """An open turn. Made by `home.begin`, ended by `close`, also as a context manager."""

    def __init__(
        self,
        home: Home,
        held: lock.Held,
        *,
        now: Callable[[], datetime],
        new_id: NewId,
        person: Who,
    ) -> None:
        self.home = home
        self.now = now
        self.new_id = new_id
        self._person = person
        self.run_id: str | None = None
        self.notices: list[Notice] = []
        """What was found at the beginning and between steps; the caller shows and clears them."""
        self.changes: list[MemoryChanged] = []
        """What the agent changed in the step that is running; the loop begins it anew."""
        self._shown = 0
        self._told: set[Notice] = set()
        # A commit runs in a thread; whoever ends the turn meanwhile waits for it here.
        self._committing = RLock()
        self._held = held
        self._written: dict[str, bytes | None] = {}
        self._announced: dict[str, bytes | None] = {}
        self._saves: list[tuple[str, dict[str, bytes | None], bytes]] = []
        """Saves an edit was made from before they were committed: the path, what this turn had
        written there by then, and what somebody saved."""
        self._touched: set[str] = set()
        self.baseline = Baseline(None)

    # -- what a turn knows ---------------------------------------------------------------------

    @property
    def agent(self) -> AgentSettings:
        """The settings, as they are now."""
        settings = self.home.settings()
        return settings.agent

    @property
    def person(self) -> Person:
        """Who is at the keyboard."""
        if not isinstance(self._person, Person):
            self._person = self._person()
        return self._person

    def time(self) -> str:
        """Return now, as records carry it."""
        return timestamp(self.now())

    def new_changes(self) -> list[MemoryChanged]:
        """Return what the agent changed since this was last asked."""
        fresh = self.changes[self._shown :]
        self._shown = len(self.changes)
        return fresh

    def begin_step(self) -> None:
        """Forget the last step's changes and adopt what a person edited meanwhile."""
        self.changes.clear()
        self._shown = 0
        self.adopt()

    def take_notices(self) -> list[Notice]:
        """Return what a person should be told, once."""
        taken = [notice for notice in dict.fromkeys(self.notices) if notice not in self._told]
        self._told.update(taken)
        self.notices.clear()
        return taken

    def wrote(self) -> dict[str, str | None]:
        """Return path to blob id of what this turn wrote and has not committed."""
        blobs = {
            path: None if data is None else blob_sha1(data) for path, data in self._written.items()
        }
        blobs.update((path, blob_sha1(data)) for path, data in self.journals())
        return blobs

    def forget_written(self, changes: Mapping[str, bytes | None]) -> None:
        """Let a commit have these files: what this turn wrote to them is in it, or before it."""
        for path in changes:
            self._written.pop(path, None)

    def has_written(self, path: str) -> bool:
        """Tell whether this turn wrote a file that no commit holds yet."""
        return path in self._written

    def journals(self) -> Iterator[tuple[str, bytes]]:
        """Yield the segments this turn appended to, as they are; one somebody took away is not."""
        for path in sorted(self._touched):
            data = self.bytes_of(path)
            if data is not None:
                yield path, data

    # -- writing -------------------------------------------------------------------------------

    def append(self, *records: RecallRecord) -> None:
        """Make journal records durable.

        Raises:
            DiskProblem: the disk refused.
        """
        self._touched.update(self.home.recall.append(records))

    @property
    def views(self) -> tuple[View, ...]:
        """The files that are open, least recently used first."""
        return self.home.recall.views(enough_chars=_LOOK_BACK_CHARS)

    def set_views(self, views: Sequence[View]) -> None:
        """Record which files are open from now on, least recently used first.

        Raises:
            DiskProblem: the disk refused.
        """
        self.append(WindowRecord(0, reason="files", views=tuple(views)))

    def append_lines(self, path: str, lines: bytes) -> None:
        """Make whole journal lines, made elsewhere, durable at the end of a segment.

        Raises:
            DiskProblem: the disk refused.
        """
        full = self.home.root / path
        atomic.check_inside(self.home.root, full)
        atomic.make_dirs(full.parent)
        atomic.append(full, lines, new_file=not os.path.lexists(full))
        self._touched.add(path)

    def insert_passages(self, passages: Sequence[Passage]) -> None:
        """Make passages durable.

        Raises:
            DiskProblem: the disk refused.
        """
        self._touched.update(self.home.archival.insert(passages))

    def delete_passages(self, ids: Sequence[str]) -> None:
        """Record that passages are gone.

        Raises:
            DiskProblem: the disk refused.
        """
        self._touched.update(self.home.archival.delete(ids, created_at=self.time()))

    def edit_block(self, block: Block, change: Callable[[Block], str]) -> tuple[str, str]:
        """Change a block's value; return the value before and after.

        `change` gets the block as it is now, and is called again when somebody saves meanwhile.

        Raises:
            BlockProblem: the block is gone or broken, or `change` raised it.
            DiskProblem: the disk refused; the block is as it was.
        """
        values: list[str] = ["", ""]

        def rewrite(current: Block, data: bytes) -> bytes:
            values[:] = [current.value, change(current)]
            return frontmatter.with_value(data, values[1])

        self._commit_unseen(block.path)
        write = block_store.edit(
            self.home.root, block.path, change=rewrite, announce=self._announce
        )
        if write.before != write.after:
            self._note(write, block.label, values[0], values[1])
        return values[0], values[1]

    def edit_header(self, block: Block, key: str, value: str) -> None:
        """Change one key of a block's header.

        Raises:
            BlockProblem: the block is gone or broken.
            DiskProblem: the disk refused.
        """
        self._commit_unseen(block.path)
        write = block_store.edit(
            self.home.root,
            block.path,
            change=lambda _, data: frontmatter.with_key(data, key, value),
            announce=self._announce,
        )
        self._written[write.path] = write.after

    def create_block(self, label: str, value: str, *, description: str) -> None:
        """Make a new block.

        Raises:
            BlockProblem: the label is taken.
            DiskProblem: the disk refused.
        """

        def render(says: str | None) -> bytes:
            return frontmatter.render_block(value, label_in_header=says, description=description)

        write = block_store.create(self.home.root, label, render, announce=self._announce)
        self._note(write, label, None, value)

    def delete_block(self, block: Block) -> None:
        """Take a block away.

        Raises:
            BlockProblem: it is gone, or somebody saved it at this moment.
            DiskProblem: the disk refused.
        """
        self._commit_unseen(block.path)
        write = block_store.delete(self.home.root, block.path, announce=self._announce)
        self._note(write, block.label, block.value, None)

    def rename_block(self, block: Block, label: str) -> None:
        """Give a block another label.

        Raises:
            BlockProblem: the label is taken, or the file changed at this moment.
            DiskProblem: the disk refused.
        """
        self._commit_unseen(block.path)
        made, gone = block_store.rename(self.home.root, block.path, label, announce=self._announce)
        self._note(made, label, None, block.value)
        self._note(gone, block.label, block.value, None)

    def write_file(self, path: str, data: bytes | None, *, expected: bytes | None) -> None:
        """Write a canonical file whole (None: delete it), as part of this turn.

        For undo and settings, which hold the turn and have adopted everything before.

        Raises:
            BlockChanged: the file does not hold `expected` (None: is not there) any more; it is
                left as somebody saved it.
            DiskProblem: the disk refused.
        """
        full = self.home.root / path
        keep_in = self.home.root / layout.DISPLACED
        atomic.check_inside(self.home.root, full)
        self._announce(BlockWrite(path, expected, data))
        if data is None:
            done = atomic.remove(full, expected=expected, keep_in=keep_in)
        else:
            atomic.make_dirs(full.parent)
            done = atomic.exchange(full, data, expected=expected, keep_in=keep_in) is None
        if not done:
            now = (self.bytes_of(path) or b"").decode("utf-8", "replace")
            raise BlockChanged(
                f"{path} was saved by somebody at this moment, and is kept as they saved it. "
                "Try again.",
                current=now,
            )
        self._written[path] = data

    def bytes_of(self, path: str) -> bytes | None:
        """Return what a file of the home holds now; None: it is not there.

        Raises:
            DiskProblem: it cannot be read.
        """
        try:
            return atomic.read_bytes(self.home.root / path)
        except FileNotFoundError:
            return None

    def _announce(self, write: BlockWrite) -> None:
        """Write an edit ahead to the journal: after a crash it tells whose change it was."""
        self._announced[write.path] = write.after
        if write.before is not None:
            self._notice_save(write.path, write.before)
        self.append(
            EditRecord(
                0,
                path=write.path,
                before=block_store.digest(write.before),
                after=block_store.digest(write.after),
                run_id=self.run_id,
            )
        )

    def _note(self, write: BlockWrite, label: str, before: str | None, after: str | None) -> None:
        self._written[write.path] = write.after
        self.changes.append(MemoryChanged(label, before, after))

    # -- other people's edits --------------------------------------------------------------------

    def _commit_unseen(self, path: str) -> None:
        """Adopt first if somebody saved this file since the last look.

        Their text then stands in a commit of its own before the agent's edit builds on it.
        """
        data = self.bytes_of(path)
        if data is None or not self.home.git.available:
            return
        expected = self.wrote().get(path, self.baseline.blobs.get(path))
        if blob_sha1(data) != expected:
            self.adopt()

    def adopt(self, *, subject: str | None = None) -> None:
        """Commit what a person changed since the last look; add notices.

        Never raises for what a person did: what cannot be adopted stays where it is, with a notice.
        """
        self._commit_saves()
        self.notices += adopt.adopt(self, subject=subject)

    def _notice_save(self, path: str, data: bytes) -> None:
        """Remember what somebody saved since the last look, when an edit is to be made from it."""
        if path in self._written:
            mine = self._written[path]
            known = None if mine is None else blob_sha1(mine)
        else:
            known = self.baseline.blobs.get(path)
        if self.home.git.available and blob_sha1(data) != known:
            mine_too = {path: self._written[path]} if path in self._written else {}
            self._saves.append((path, mine_too, data))

    def _commit_saves(self) -> None:
        """Give what was saved at the moment of an edit its own place in the history.

        The bytes are those that were seen then; the file has moved on.
        """
        saves, self._saves = self._saves, []
        for path, mine, theirs in saves:
            if mine:
                self._commit_part(mine)
            self.commit(
                {path: theirs},
                subject=f"Edit {_name(path)}",
                trailers={"Lettafs-Adopted": "true"},
                author=self.person,
            )
            if self.baseline.blobs.get(path) != blob_sha1(theirs):
                self._saves.append((path, {}, theirs))  # git refused: another time

    def _keep_saves(self) -> None:
        """Put what could not be committed beside its file: it stands nowhere else any more."""
        for path, _, theirs in self._saves:
            copy = layout.conflict_path(path, block_store.digest(theirs) or "")
            with suppress(DiskProblem):
                atomic.check_inside(self.home.root, self.home.root / copy)
                atomic.replace(self.home.root / copy, theirs)
        self._saves.clear()

    def commit_so_far(self) -> None:
        """Commit what this turn wrote until now, because somebody has built on it.

        Their text then stands in a commit of its own behind the agent's, so that each of the two
        can be told, and taken back, by itself.
        """
        changes = dict(self._written)
        self._commit_part(changes)
        self.forget_written(changes)

    def _commit_part(self, written: Mapping[str, bytes | None]) -> None:
        labels = ", ".join(_name(path) for path in sorted(written))
        left = self.home.recall.unfinished()
        trailers = {"Lettafs-Run": self.run_id or ""}
        if left is not None and left.run_id == self.run_id:
            trailers["Lettafs-Message"] = left.message_id or ""
        self.commit(
            {**written, **dict(self.journals())},
            subject=f"Edit {labels} in the middle of a turn",
            trailers=trailers,
            author=agent_person(self.agent),
        )

    def dirty(self) -> list[Dirty]:
        """Return the files that differ from what was committed and what this turn wrote."""
        found, problems = dirty(self.home.root, self.baseline, ours=self.wrote())
        # What is odd about a block is said where blocks are read.
        self.notices += [
            Notice(f"{p}.", "warning", p.code)
            for p in problems
            if not p.path.startswith(f"{layout.MEMORY}/")
        ]
        return [change for change in found if not self._is_our_own(change)]

    def _is_our_own(self, change: Dirty) -> bool:
        """Tell an edit that took place although the disk reported a failure after it."""
        if change.path not in self._announced or self._announced[change.path] != change.data:
            return False
        self._written[change.path] = change.data
        return True

    # -- history -------------------------------------------------------------------------------

    def commit_own(
        self, subject: str, trailers: Mapping[str, str], *, author: Person | None = None
    ) -> str | None:
        """Commit exactly what this turn wrote; return the commit, None if there is nothing.

        A checkpoint that cannot be made is a notice, not an error: the files are durable, and the
        next turn commits them.
        """
        with self._committing:
            self._claim_announced()
            changes: dict[str, bytes | None] = dict(self._written)
            self._commit_saves()
            changes.update(self.journals())
            commit = self.commit(
                changes,
                subject=subject,
                trailers=trailers,
                author=author or agent_person(self.agent),
            )
            self.forget_written(changes)
            return commit

    def _claim_announced(self) -> None:
        """Count as written what was announced and took place, though the disk said it failed."""
        for path, data in self._announced.items():
            with suppress(DiskProblem):
                if path not in self._written and self.bytes_of(path) == data:
                    self._written[path] = data
        self._announced.clear()

    def commit(
        self,
        changes: Mapping[str, bytes | None],
        *,
        subject: str,
        trailers: Mapping[str, str],
        author: Person,
    ) -> str | None:
        """Commit these bytes; return the commit, None when nothing changed or git refused."""
        git = self.home.git
        if not changes or not git.available:
            return None
        lines = "\n".join(f"{key}: {value}" for key, value in trailers.items() if value)
        # One line, whatever a file's name or a person's words hold: trailers are ours alone.
        subject = " ".join(subject.split())
        message = f"{subject}\n\n{lines}\n" if lines else f"{subject}\n"
        settled = git.state().settled
        try:
            commit = git.commit(
                changes,
                message=message,
                author=author,
                when=self.now().astimezone().isoformat(timespec="seconds"),
                on="head" if settled else "pending",
            )
        except (HistoryProblem, DiskProblem) as error:
            self.notices.append(
                Notice(f"The checkpoint is postponed: {error}", "warning", "postponed")
            )
            return None
        self._committed(changes, commit)
        return commit

    def _committed(self, changes: Mapping[str, bytes | None], commit: str | None) -> None:
        """Bring the baseline to the new commit."""
        if commit is not None:
            self.baseline.commit = commit
        for path, data in changes.items():
            self.baseline.stamps.pop(path, None)
            if data is None:
                self.baseline.blobs.pop(path, None)
            else:
                self.baseline.blobs[path] = blob_sha1(data)
            self._touched.discard(path)

    def pack_if_due(self) -> None:
        """Pack the history when many objects lie loose; where that fails it stays as it is."""
        git = self.home.git
        with self._committing, suppress(HistoryProblem, DiskProblem):
            if git.available and git.wants_packing():
                git.pack()

    # -- end -----------------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of the home. What was not committed is durable and committed by the next turn."""
        self._committing.acquire()
        try:
            self._keep_saves()
            self.home.shelf.save()
            if self.home.git.available:
                dirty(self.home.root, self.baseline, ours=self.wrote())  # takes stamps
                save_baseline(self.home.root, self.baseline)
        except LettafsError:
            pass  # the baseline is derived
        finally:
            if self._held.wanted:
                self.home.yield_until_s = time.monotonic() + _YIELD_S
            self._held.release()
            self._committing.release()

    def __enter__(self) -> Turn:
        """Return the turn itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the turn."""
        self.close()


def _name(path: str) -> str:
    return layout.path_label(path) if layout.is_block_path(path) else path
