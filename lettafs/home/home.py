"""A home: one agent directory, as it can be read at any moment without a lock.

Everything is read from the files each time; the only things remembered are parsed lines of recall,
checked against the file before each use. Changing a home goes through a turn (`home/turn.py`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lettafs.disk import atomic, derived, fingerprint
from lettafs.disk.git import Git, Person
from lettafs.errors import DiskProblem, FormatTooNew, HistoryProblem, NotAnAgent
from lettafs.format import agent_toml, frontmatter, layout
from lettafs.index import behind
from lettafs.index.place import IndexPlace
from lettafs.index.shelf import Shelf
from lettafs.stores import blocks as block_store
from lettafs.stores.archival import Archival
from lettafs.stores.blocks import Loaded
from lettafs.stores.folders import Folders
from lettafs.stores.recall import Recall
from lettafs.values.agent import AgentSettings
from lettafs.values.block import Block
from lettafs.values.folder import Folder
from lettafs.values.problem import Problem

if TYPE_CHECKING:
    from lettafs.index.files.files import Files
    from lettafs.index.finder import Finder
    from lettafs.values.progress import Progress

__all__ = ["Home", "Settings", "agent_person", "open_home"]

MAX_SETTINGS_BYTES = 2**20
MAX_SYSTEM_BYTES = 4 * 2**20
_FALLBACK = {"front-matter", "conflict-markers", "encoding", "too-large", "unreadable"}
"""Problems of a block's content, for which its last committed good version stands in."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What agent.toml says, and what is wrong with it."""

    agent: AgentSettings
    problems: tuple[Problem, ...]
    broken: bool = False
    """True: the file cannot be read; these are its last committed ones."""


class Home:
    """One agent directory."""

    def __init__(
        self,
        root: Path,
        *,
        indexes: IndexPlace | None = None,
        allowed: Callable[[str], bool] | None = None,
    ) -> None:
        """Make one; nothing is read yet.

        Args:
            root: its directory.
            indexes: where its indexes lie; None: searches read everything.
            allowed: says of a real path outside whether the agent may read documents there; None:
                nowhere.
        """
        self.root = root
        self.recall = Recall(root)
        self.archival = Archival(root)
        self.shelf = Shelf(self.archival, file=root / layout.SHELF)
        self.folders = Folders(root)
        self._indexes = indexes
        self._allowed = allowed or (lambda path: False)
        self._finder: Finder | None = None
        self._files: Files | None = None
        self._finding = threading.Lock()
        self.git = Git(root)
        self.yield_until_s = 0.0
        """On the monotonic clock: until then a turn is left to who was waiting for the last one."""
        self._known: tuple[bytes, Settings] | None = None
        """What agent.toml said when it had these bytes."""
        self._system_read: fingerprint.Stamp | None = None
        """What system.md looked like when it could be read."""
        self._good: dict[tuple[str, str | None], Block | None] = {}
        """By path and commit: the newest version of a broken block that can be read."""

    @property
    def finder(self) -> Finder:
        """What searches this home; without a place for indexes it reads everything each time."""
        with self._finding:  # several tools may search at once
            if self._finder is None:
                from lettafs.index.finder import Finder  # late: a turn may search nothing

                self._finder = Finder(
                    self.recall,
                    self.archival,
                    place=self._indexes,
                    embedding=lambda: self.settings().agent.embedding,
                )
            return self._finder

    @property
    def files(self) -> Files:
        """The files of attached folders; without a place for indexes, kept in memory."""
        with self._finding:
            if self._files is None:
                from lettafs.index.files.files import Files  # late: most agents have none

                self._files = Files(
                    self.root,
                    self.folders,
                    place=self._indexes,
                    allowed=self._allowed,
                    embedding=lambda: self.settings().agent.embedding,
                    # Late, too: the finder needs much to be loaded.
                    embedder=lambda: self.finder.embedder(),
                )
            return self._files

    @property
    def has_files(self) -> bool:
        """Whether any folder is attached; costs hardly anything."""
        return self.folders.is_any

    def places(self) -> list[tuple[Folder, Path]]:
        """Return the attached folders that can be read, and the real place of each."""
        from lettafs.index.files.place import placed  # late: most agents have none

        found = []
        for folder in self.folders.load().folders:
            place = placed(self.root, folder, allowed=self._allowed)
            if place.path is not None:
                found.append((folder, place.path))
        return found

    def catch_up(
        self,
        *,
        stop: Callable[[], bool],
        progress: Callable[[Progress], None] | None = None,
        vectors_for_s: float | None = None,
        wait: Callable[[], bool] | None = None,
    ) -> None:
        """Bring all that is derived up to the files; see `Finder.catch_up`."""
        begun = time.monotonic()
        self.finder.catch_up(stop=stop, progress=progress, vectors_for_s=0, wait=wait)
        if self.has_files or self._files is not None:
            self.files.catch_up(stop=stop, progress=progress)
        if vectors_for_s == 0 or stop():
            return
        self.finder.catch_up(stop=stop, progress=progress, vectors_for_s=vectors_for_s, wait=wait)
        if self.has_files:
            until = None if vectors_for_s is None else begun + vectors_for_s

            def enough() -> bool:
                return stop() or (until is not None and time.monotonic() > until)

            self.files.catch_up_vectors(stop=enough, progress=progress)

    def is_behind(self) -> bool:
        """Tell whether bringing the indexes up to the files is worth its cost now."""
        if self._indexes is None:
            return False
        if self.has_files and self.files.is_behind():
            return True
        if derived.is_barred(self._indexes.directory, root=self.root):
            return False  # what lies behind a link is neither read nor brought up to anything
        return behind.is_behind(
            self.recall,
            self.archival,
            directory=self._indexes.directory,
            embedding=self.settings().agent.embedding,
        )

    def settings(self) -> Settings:
        """Return the settings; a broken agent.toml falls back to its last committed version.

        Among their problems is a system.md that cannot be read.

        Raises:
            NotAnAgent: there is none, or none that can be read.
            FormatTooNew: it was written by a newer lettafs.
        """
        settings = self._settings()
        problem = self._system_problem()
        if problem is None:
            return settings
        return replace(settings, problems=(*settings.problems, problem))

    def _settings(self) -> Settings:
        path = self.root / layout.AGENT_TOML
        try:
            data = atomic.read_bytes(path, max_bytes=MAX_SETTINGS_BYTES)
            if self._known is None or self._known[0] != data:
                self._known = (data, Settings(*agent_toml.parse_agent(data)))
            return self._known[1]
        except FileNotFoundError as error:
            raise NotAnAgent(
                f"{self.root} is not an agent directory: it has no agent.toml. "
                f"`lettafs new {self.root.name}` makes one."
            ) from error
        except FormatTooNew:
            raise
        except (NotAnAgent, DiskProblem) as error:
            committed = self.committed(layout.AGENT_TOML)
            if committed is None and isinstance(error, DiskProblem):
                raise NotAnAgent(str(error)) from error  # it may be one: nobody can tell
            if committed is None:
                raise
            agent, problems = agent_toml.parse_agent(committed)
            broken = Problem(
                "settings",
                layout.AGENT_TOML,
                f"{str(error).rstrip('.')}; the last committed version is used",
                remedy="mend agent.toml in an editor",
            )
            return Settings(agent, (broken, *problems), broken=True)

    def system_text(self) -> str | None:
        """Return system.md; None when there is none, or none that can be read."""
        try:
            return self._system_bytes().decode("utf-8", errors="replace")
        except (FileNotFoundError, DiskProblem):
            return None  # the settings' problems say so

    def _system_bytes(self) -> bytes:
        return atomic.read_bytes(self.root / layout.SYSTEM_MD, max_bytes=MAX_SYSTEM_BYTES)

    def _system_problem(self) -> Problem | None:
        seen = fingerprint.stamp(self.root / layout.SYSTEM_MD)
        if seen is not None and seen == self._system_read:
            return None
        try:
            self._system_bytes()
        except FileNotFoundError:
            return None
        except DiskProblem as error:
            said = f"{str(error).rstrip('.')}; the instructions of the agent's type are used"
            remedy = "put a readable file there, or none"
            return Problem("system", layout.SYSTEM_MD, said, remedy=remedy)
        self._system_read = seen
        return None

    def blocks(self) -> Loaded:
        """Return the blocks; one that cannot be read has its last good version, and a problem."""
        loaded = block_store.load(self.root)
        broken = [p for p in loaded.problems if p.code in _FALLBACK]
        if not broken:
            return loaded
        blocks = {block.label: block for block in loaded.blocks}
        problems = [p for p in loaded.problems if p.code not in _FALLBACK]
        for problem in broken:
            good = self._last_good(problem.path)
            if good is None or good.label in blocks:
                problems.append(problem)
                continue
            blocks[good.label] = good
            said = f"{problem.message}; its last committed version is used"
            problems.append(Problem(problem.code, problem.path, said, problem.line, problem.remedy))
        return Loaded(tuple(blocks[label] for label in sorted(blocks)), tuple(problems))

    def _last_good(self, path: str) -> Block | None:
        """Return a block as the newest commit has it in which it can be read."""
        key = (path, self.git.state().head)
        if key not in self._good:
            self._good = {k: v for k, v in self._good.items() if k[1] == key[1]}
            self._good[key] = self._look_back(path)
        return self._good[key]

    def _look_back(self, path: str) -> Block | None:
        if not self.git.available:
            return None
        try:
            for commit in self.git.log(limit=20, paths=[path]):
                data = self.git.read(commit.id, path)
                if data is None:
                    return None
                parsed = frontmatter.parse_block(data, path=path)
                if isinstance(parsed, Block):
                    return parsed
        except HistoryProblem:
            return None
        return None

    def committed(self, path: str) -> bytes | None:
        """Return a file's bytes at the last checkpoint; None: no history, or not in it."""
        if not self.git.available:
            return None
        try:
            head = self.git.state().head
            return None if head is None else self.git.read(head, path)
        except HistoryProblem:
            return None


def agent_person(agent: AgentSettings) -> Person:
    """Return who an agent's commits are by."""
    return Person(agent.name, f"{agent.id or 'agent'}@lettafs.local")


def open_home(
    path: Path,
    *,
    indexes: IndexPlace | None = None,
    allowed: Callable[[str], bool] | None = None,
) -> Home:
    """Return the home at `path`; nothing of it is run, and nothing fetched or written.

    Args:
        path: the directory.
        indexes: where its indexes lie; None: searches read everything.
        allowed: says where outside it documents may be read; None: nowhere.

    Raises:
        NotAnAgent: there is no agent directory there.
        FormatTooNew: it was written by a newer lettafs.
    """
    if not path.is_dir():
        what = "is a file, not an agent directory" if path.exists() else "does not exist"
        advice = "" if path.exists() else f" `lettafs new {path}` makes an agent there."
        raise NotAnAgent(f"{path} {what}.{advice}")
    home = Home(path, indexes=indexes, allowed=allowed)
    home.settings()
    return home
