"""A home: one agent directory, as it can be read at any moment without a lock.

Everything is read from the files each time; the only things remembered are parsed lines of recall,
checked against the file before each use. Changing a home goes through a turn (`home/turn.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lettafs.disk import atomic
from lettafs.disk.git import Git, Person
from lettafs.errors import DiskProblem, FormatTooNew, HistoryProblem, NotAnAgent
from lettafs.format import agent_toml, frontmatter, layout
from lettafs.stores import blocks as block_store
from lettafs.stores.archival import Archival
from lettafs.stores.blocks import Loaded
from lettafs.stores.recall import Recall
from lettafs.values.agent import AgentSettings
from lettafs.values.block import Block
from lettafs.values.problem import Problem

__all__ = ["Home", "Settings", "agent_person", "open_home"]

MAX_SETTINGS_BYTES = 2**20
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

    def __init__(self, root: Path) -> None:
        self.root = root
        self.recall = Recall(root)
        self.archival = Archival(root)
        self.git = Git(root)
        self.yield_until_s = 0.0
        """On the monotonic clock: until then a turn is left to who was waiting for the last one."""
        self._known: tuple[bytes, Settings] | None = None
        """What agent.toml said when it had these bytes."""

    def settings(self) -> Settings:
        """Return the settings; a broken agent.toml falls back to its last committed version.

        Raises:
            NotAnAgent: there is none, or none that can be read.
            FormatTooNew: it was written by a newer lettafs.
        """
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
        """Return system.md; None when there is none."""
        try:
            data = atomic.read_bytes(self.root / layout.SYSTEM_MD, max_bytes=4 * 2**20)
        except FileNotFoundError:
            return None
        return data.decode("utf-8", errors="replace")

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


def open_home(path: Path) -> Home:
    """Return the home at `path`; nothing is run, fetched or written.

    Raises:
        NotAnAgent: there is no agent directory there.
        FormatTooNew: it was written by a newer lettafs.
    """
    if not path.is_dir():
        what = "is a file, not an agent directory" if path.exists() else "does not exist"
        raise NotAnAgent(f"{path} {what}. `lettafs new {path}` makes an agent there.")
    home = Home(path)
    home.settings()
    return home
