"""History: commits, what they hold, who made them. The only place where git is run.

Nothing here obeys a directory's `.git`: see `git_flags`. Commits are made from bytes, never from
what lies in the directory: blobs, trees and the commit are written as objects, then git moves the
branch, and only if it still is where it was. A person's own index is brought along for exactly the
paths that were committed, so that their `git status` stays clean.

Every method raises `HistoryProblem` when git is missing or cannot do what was asked, except those
that say otherwise; files and memory are untouched by that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from lettafs.disk import atomic, calls, git_asides, git_care, git_index, git_run, objects, refs
from lettafs.disk.git_flags import NO_CONTENT_PROGRAMS
from lettafs.disk.git_run import GitKilled, Runner
from lettafs.disk.history import (
    LOG_FORMAT,
    Change,
    Commit,
    Person,
    parse_blame,
    parse_changes,
    parse_log,
    signature,
)
from lettafs.disk.objects import EMPTY_TREE
from lettafs.disk.refs import RepoState
from lettafs.errors import DiskProblem, HistoryProblem
from lettafs.values.problem import Problem

__all__ = ["Change", "Commit", "Git", "Person", "RepoState"]

_ID = re.compile(r"[0-9a-f]{40}")
_NAME = re.compile(r"[A-Za-z0-9._/~^@{}+-]{1,200}")
_NO_COMMIT = "0" * 40
_LONG_TIMEOUT_S = 600.0
_LISTINGS = 4


class Git:
    """The history of one home."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.abspath(root))
        self._git_dir = self.root / ".git"
        self._private = self.root / ".lettafs" / "git-index"
        self._marker = self.root / ".lettafs" / "checkpoint.pending"
        self._behind = self.root / ".lettafs" / "index.behind"
        self._runner = Runner(self.root, index=self._private)
        self._listings: dict[str, objects.Listing] = {}
        self._looked: tuple[tuple[int, int] | None, str | None] | None = None

    # -- whether there is a history ----------------------------------------------------------------

    @property
    def available(self) -> bool:
        """True when commits can be made here, or could after `init`."""
        return not self.why_not

    @property
    def why_not(self) -> str:
        """Why there is no history, as a clause; empty when there is one."""
        if git_run.program() is None:
            return "git is not installed, or not on the PATH"
        return self._trouble() or ""

    def _trouble(self) -> str | None:
        try:
            status = os.lstat(self._git_dir)
            seen = (status.st_ino, status.st_mtime_ns)
        except OSError:
            seen = None
        if self._looked is None or self._looked[0] != seen:
            self._looked = (seen, refs.trouble(self.root))
        return self._looked[1]

    def exists(self) -> bool:
        """Tell whether there is a repository, finished or not."""
        return os.path.lexists(self._git_dir / "HEAD")

    def init(self) -> None:
        """Make an empty repository with the branch `main`; one that is there stays as it is."""
        self._need()
        if self.exists():
            return
        self._runner.run(
            ["init", "--quiet", "--template=", "--initial-branch=main", str(self.root)],
            inside=self.root,
        )
        config = self._git_dir / "config"
        # Packing happens when lettafs asks for it, not in the middle of somebody's command.
        atomic.replace(config, atomic.read_bytes(config) + b"[gc]\n\tauto = 0\n")

    def state(self) -> RepoState:
        """Return where the repository stands. Reads a few small files, runs nothing, never raises.

        Where there is no repository it reads as one without commits.
        """
        if self._trouble() is not None:
            return RepoState(None, None, True, False, None)
        return refs.read_state(self._git_dir)

    # -- commits -----------------------------------------------------------------------------------

    def commit(
        self,
        changes: Mapping[str, bytes | None],
        *,
        message: str,
        author: Person,
        when: str,
        on: Literal["head", "pending"] = "head",
        allow_empty: bool = False,
    ) -> str | None:
        """Make a commit of the last one and `changes`; return its id, None when nothing changes.

        Args:
            changes: path to bytes, None for a file that is deleted.
            message: subject, body and trailers.
            author: also the committer.
            when: ISO 8601 with offset.
            on: `head` moves the branch; `pending` leaves it alone and goes to
                `refs/lettafs/pending/`, on top of what is there.
            allow_empty: make a commit even when nothing changes.

        Raises:
            HistoryProblem: `head` while `HEAD` is detached or an operation is under way; somebody
                else moved the branch, or holds git's lock, at this moment. Try again later.
            DiskProblem: the disk refused.
        """
        self._need_repository()
        ref, old, parent = self._target(on)
        before: objects.Listing = {"": {}} if parent is None else self._listing(parent)
        made = objects.make_tree(before, changes)
        if not allow_empty and made.id == (
            EMPTY_TREE if parent is None else objects.tree_id(before)
        ):
            return None
        parents = () if parent is None else (parent,)
        commit, content = objects.make_commit(
            made.id, parents=parents, author=signature(author, when), message=message
        )
        with self._marked():
            objects.store(self._git_dir / "objects", {**made.objects, commit: (b"commit", content)})
            self._move(ref, commit, old=old, author=author, message=message)
            self._remember(commit, made.listing)
            if on == "head":
                self._bring_index(commit, parent, made.listing)
        return commit

    def _target(self, on: Literal["head", "pending"]) -> tuple[str, str | None, str | None]:
        """Return the ref to move, what it must be now, and the new commit's parent."""
        state = self.state()
        if on == "head":
            if not state.settled:
                why = f"a {state.operation} is under way" if state.operation else "HEAD is detached"
                raise HistoryProblem(f"No commit can go to a branch now: {why}")
            return "HEAD", state.head, state.head
        pending = refs.pending_ref(self._git_dir, branch=state.branch)
        if pending is None:
            return refs.PENDING + (state.branch or "detached"), None, state.head
        return pending[0], pending[1], pending[1]

    def _move(self, ref: str, new: str, *, old: str | None, author: Person, message: str) -> None:
        subject = message.partition("\n")[0][:100].replace("\0", "")
        name, email = author.name.replace("\0", ""), author.email.replace("\0", "")
        self._runner.run(
            ["update-ref", "-m", f"commit: {subject}", ref, new, old or _NO_COMMIT],
            extra={"GIT_COMMITTER_NAME": name or "unknown", "GIT_COMMITTER_EMAIL": email or "-"},
        )

    def _bring_index(
        self, commit: str, since: str | None, after: objects.Listing, *, sure: bool = True
    ) -> None:
        """Let the person's index follow; a courtesy that may fail.

        When it does, or they hold its lock, a note says which commit the index is at, and the next
        commit brings it along from there. Without it, their `git commit` would take ours back.
        Not `sure` that the index is at `since`: no note.
        """
        noted = self._index_is_at()
        since = noted or since
        done = False
        try:
            before: objects.Listing = {"": {}} if since is None else self._listing(since)
            done = git_index.bring_along(
                self._runner.run,
                git_dir=self._git_dir,
                private=self._private,
                commit=commit,
                entries=objects.differences(before, after),
            )
        except (HistoryProblem, DiskProblem, OSError):
            pass
        with suppress(DiskProblem):
            if done and noted:
                atomic.unlink(self._behind)
            elif not done and since is not None and not noted and sure:
                atomic.replace(self._behind, since.encode(), durable=False)

    def _index_is_at(self) -> str | None:
        try:
            text = atomic.read_bytes(self._behind, max_bytes=100).decode("ascii", "replace")
        except (FileNotFoundError, DiskProblem):
            return None
        return text if _ID.fullmatch(text) else None

    @contextmanager
    def _marked(self) -> Iterator[None]:
        """Say, for whoever comes after a crash, that the locks git makes in the block are ours."""
        self._begin()
        try:
            yield
        except GitKilled:
            raise  # its locks are left, and so is the marker, for `heal`
        except Exception:
            self._end()  # we are alive and git has ended: no lock of ours is left
            raise
        self._end()

    def _begin(self) -> None:
        if os.path.lexists(self._marker):
            self.heal()  # a git of ours was killed; a new time would hide which locks are its own
        with calls.refusals(self._marker, "write"):
            git_care.plain_directory(self._marker.parent)
            calls.mark(self._marker)

    def _end(self) -> None:
        with calls.refusals(self._marker, "delete"):
            calls.unmark(self._marker)

    # -- what commits hold -------------------------------------------------------------------------

    def files(self, commit: str) -> dict[str, str]:
        """Return path to blob id of every regular file of a commit (links are left out)."""
        return {
            f"{directory}/{name}" if directory else name: entry.id
            for directory, tree in self._listing(commit).items()
            for name, entry in tree.items()
            if entry.mode.startswith("100")
        }

    def read(self, commit: str, path: str) -> bytes | None:
        """Return a file's bytes as they are in a commit; None when it is not there."""
        return self.read_many(commit, [path])[path]

    def read_many(self, commit: str, paths: Sequence[str]) -> dict[str, bytes | None]:
        """Return the bytes of several files of one commit, in one go."""
        self._need_repository()
        listing = self._listing(commit)
        wanted: dict[str, str] = {}
        for path in paths:
            entry = objects.find(listing, path)
            if entry is not None and entry.mode.startswith("100"):
                wanted[path] = entry.id
        blobs = self._blobs(sorted(set(wanted.values())))
        return {path: blobs[wanted[path]] if path in wanted else None for path in paths}

    def _blobs(self, ids: Sequence[str]) -> dict[str, bytes]:
        if not ids:
            return {}
        raw = self._runner.run(["cat-file", "--batch"], stdin="\n".join(ids).encode() + b"\n")
        found: dict[str, bytes] = {}
        at = 0
        for object_id in ids:
            end = raw.index(b"\n", at)
            head = raw[at:end].decode("utf-8", "replace").split(" ")
            if len(head) != 3 or head[1] != "blob":
                raise HistoryProblem(
                    f"The history is damaged: {object_id} is {head[-1]}. `git fsck` says more"
                )
            size = int(head[2])
            found[object_id] = raw[end + 1 : end + 1 + size]
            at = end + size + 2
        return found

    def _listing(self, commit: str) -> objects.Listing:
        """Return every directory of a commit; commits never change, so it may be remembered."""
        self._need_repository()
        known = self._listings.get(commit)
        if known is None:
            raw = self._runner.run(["ls-tree", "-r", "-t", "-z", "--full-tree", _commit_id(commit)])
            known = objects.parse_listing(raw)
            self._remember(commit, known)
        return known

    def _remember(self, commit: str, listing: objects.Listing) -> None:
        self._listings[commit] = listing
        while len(self._listings) > _LISTINGS:
            del self._listings[next(iter(self._listings))]

    # -- the past ----------------------------------------------------------------------------------

    def log(
        self, *, limit: int | None, start: str | None = None, paths: Sequence[str] = ()
    ) -> list[Commit]:
        """Return commits, newest first; children always before their parents.

        Args:
            limit: at most so many; None: all.
            start: the commit to begin at; None: the branch's last.
            paths: only commits that changed one of these.
        """
        self._need_repository()
        first = start or self.state().head
        if first is None:
            return []
        command = ["log", "-z", f"--format={LOG_FORMAT}", "--topo-order", "--no-show-signature"]
        command += ["--no-color", "--no-decorate", "--no-notes", "--encoding=UTF-8"]
        command += [] if limit is None else [f"--max-count={limit}"]
        return parse_log(self._runner.run([*command, _commit_id(first), "--", *paths]))

    def changes(self, old: str | None, new: str, *, paths: Sequence[str] = ()) -> list[Change]:
        """Return the paths that differ between two commits; a rename is a deletion and a new file.

        `old` None compares with nothing at all: every file is new.
        """
        self._need_repository()
        before = EMPTY_TREE if old is None else _commit_id(old)
        command = ["diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames"]
        command += [*NO_CONTENT_PROGRAMS, before, _commit_id(new), "--", *paths]
        return parse_changes(self._runner.run(command))

    def blame(self, commit: str, path: str) -> list[tuple[str, str]]:
        """Return, for each line of a file as it is in `commit`, the commit it is from and its text.

        A line stays with its commit when only white space of it changed: a block's last line has no
        line end until another line follows it, and that must not look like a new line.

        Raises:
            HistoryProblem: the file is not in that commit.
        """
        self._need_repository()
        command = ["blame", "-w", "--porcelain", "--no-textconv", _commit_id(commit), "--", path]
        return list(parse_blame(self._runner.run(command)))

    def resolve(self, name: str) -> str:
        """Return the commit that a person's words name: an abbreviation, a branch, `HEAD~2`.

        Raises:
            HistoryProblem: nothing has this name, or more than one thing.
        """
        self._need_repository()
        if not _NAME.fullmatch(name) or name.startswith("-"):
            raise HistoryProblem(f"{name!r} is not the name of a checkpoint")
        command = ["rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}"]
        try:
            found = self._runner.run(command).decode("ascii", "replace").split()
        except HistoryProblem as error:
            raise _no_checkpoint(name) from error
        if not found or not _ID.fullmatch(found[-1]):
            raise _no_checkpoint(name)
        return found[-1]

    def merge3(self, base: bytes, ours: bytes, theirs: bytes) -> tuple[bytes, bool]:
        """Return `base` with both sides' changes, line by line; False when they overlap.

        With False the bytes hold conflict markers, or are `ours` when they cannot be merged at all
        (not text, no git).
        """
        return git_asides.merge3(self._runner, self._marker.parent, base, ours, theirs)

    def identity(self, env: Mapping[str, str] | None = None) -> Person:
        """Return who the person is to git: from `env`, the repository, or their own settings.

        Args:
            env: where `GIT_AUTHOR_NAME` and `GIT_AUTHOR_EMAIL` may stand. Never raises; somebody
                unknown is `Owner <owner@localhost>`.
        """
        local = self._git_dir / "config" if self.available and self.exists() else None
        return git_asides.identity(self._runner, local=local, env=env or {})

    # -- pending checkpoints -----------------------------------------------------------------------

    def pending(self) -> str | None:
        """Return the last checkpoint made beside the branch; None when there is none."""
        if self._trouble() is not None:
            return None
        found = refs.pending_ref(self._git_dir, branch=self.state().branch)
        return None if found is None else found[1]

    def drop_pending(self) -> None:
        """Forget the pending checkpoints, once they are on the branch."""
        self._need_repository()
        with self._marked():
            while (found := refs.pending_ref(self._git_dir, branch=None)) is not None:
                self._runner.run(["update-ref", "-d", *found])

    def keep_pending(self) -> str:
        """Give the pending checkpoints a name of their own; return it."""
        self._need_repository()
        pending = self.pending()
        if pending is None:
            raise HistoryProblem("There are no pending checkpoints")
        name = f"refs/lettafs/kept/{pending[:12]}"
        with self._marked():
            self._runner.run(["update-ref", name, pending])
        self.drop_pending()
        return name

    # -- care --------------------------------------------------------------------------------------

    def heal(self) -> list[str]:
        """Remove locks a crash of ours left; return their paths, relative to the home.

        Only with the turn's lock held. Locks of other programs are left alone: see `problems`.
        """
        if self._trouble() is not None or not self.exists():
            return []
        cut_short = os.path.lexists(self._marker)
        removed = git_care.heal(self.root, marker=self._marker, private=self._private)
        if cut_short:
            self._catch_up_index()
            self._end()  # the marker last: until then we would come again
        return removed

    def _catch_up_index(self) -> None:
        """Let the person's index follow the last commit, in case the crash came before it did."""
        try:
            if not self.state().settled:
                return
            for commit in self.log(limit=1):
                self._bring_index(
                    commit.id,
                    commit.parents[0] if commit.parents else None,
                    self._listing(commit.id),
                    sure=False,
                )
        except HistoryProblem:
            pass  # a courtesy, as in `commit`

    def loose_count(self) -> int:
        """Return how many objects lie in files of their own, waiting for `pack`."""
        return git_care.loose_count(self._git_dir)

    def wants_packing(self) -> bool:
        """Tell whether about 2,000 objects or more lie loose; looks into one directory."""
        return git_care.many_loose(self._git_dir)

    def pack(self, *, whole: bool = False) -> None:
        """Put loose objects into a pack and loose refs into one file.

        Args:
            whole: put everything into one pack; takes seconds on a long history.

        Only with the turn's lock held.
        """
        self._need_repository()
        repack = ["repack", "-d", "-l", "-q", *(["-a"] if whole else [])]
        with self._marked():
            for command in (repack, ["pack-refs", "--all"]):
                self._runner.run(command, timeout_s=_LONG_TIMEOUT_S)

    def problems(self, *, timeout_s: float = 60.0) -> list[Problem]:
        """Return what is wrong with the history, or merely odd; for `doctor`. Never raises.

        Args:
            timeout_s: how long the check of all objects may take.
        """
        trouble = self.why_not
        if trouble:
            return [Problem("history-off", ".git", f"there is no history: {trouble}")]
        found = git_care.embedded_repositories(self.root)
        if not self.exists():
            return found
        found += git_care.foreign_locks(self.root, marker=self._marker)
        found += git_care.unusual_settings(self._config_keys())
        command = ["fsck", "--strict", "--no-dangling", "--no-progress"]
        try:
            status, out, errors = self._runner.start(command, timeout_s=timeout_s)
        except HistoryProblem as error:
            found.append(Problem("history", ".git", f"the check did not end: {error}"))
        else:
            found += git_care.fsck_problems(status, out + errors)
        return found

    def _config_keys(self) -> list[str]:
        config = str(self._git_dir / "config")
        command = ["config", "--file", config, "--no-includes", "-z", "--list", "--name-only"]
        try:
            return self._runner.run(command).decode("utf-8", "replace").split("\0")[:-1]
        except HistoryProblem:
            return []

    def copy_objects_to(self, other: Path, *, commit: str) -> None:
        """Give the home at `other` this history up to `commit`, as its branch `main`.

        Objects are copied as plain files; nothing is run here. `other` gets a repository when it
        has none; one that has commits is refused.

        Raises:
            HistoryProblem: `other` has a history of its own, or cannot have one; or not all of
                this history lies here.
            DiskProblem: the disk refused.
        """
        incomplete = git_care.incomplete(self._git_dir)
        if incomplete:
            raise HistoryProblem(
                f"The history cannot be copied: {incomplete}. Fetch the whole history first:"
                " `git fetch --unshallow`, `git repack -a -d`"
            )
        there = Git(other)
        there.init()
        if there.state().head is not None:
            raise HistoryProblem(f"{other} has a history of its own")
        git_care.copy_objects(self._git_dir / "objects", there._git_dir / "objects")
        atomic.make_dirs(there._git_dir / "refs" / "heads")
        atomic.replace(there._git_dir / "refs" / "heads" / "main", f"{commit}\n".encode())
        atomic.replace(there._git_dir / "HEAD", b"ref: refs/heads/main\n")
        git_care.plain_directory(there._private.parent)
        there._bring_index(commit, None, {})

    def _need(self) -> None:
        if self.why_not:
            raise HistoryProblem(f"There is no history here: {self.why_not}")

    def _need_repository(self) -> None:
        self._need()
        if not self.exists():
            raise HistoryProblem(f"There is no history here: {self.root} has no git repository yet")


def _commit_id(text: str) -> str:
    """Return `text` if it can only be a commit's id: nothing else may reach git's arguments."""
    if not _ID.fullmatch(text):
        raise HistoryProblem(f"{text!r} is not a commit's id")
    return text


def _no_checkpoint(name: str) -> HistoryProblem:
    return HistoryProblem(
        f"There is no checkpoint {name!r}, or more than one: `lettafs log` lists them"
    )
