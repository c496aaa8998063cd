"""The state of a run: what it has come to, between its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from lettafs.llm.base import LanguageModel
from lettafs.loop.style import Style
from lettafs.tools.rules import Called
from lettafs.values.agent import AgentSettings
from lettafs.values.event import MemoryChanged
from lettafs.values.run import StopReason, Usage

__all__ = ["RunState"]


@dataclass(slots=True)
class RunState:
    """One run, from its beginning to its end."""

    run_id: str
    message_id: str
    """The user's message that began it."""
    text: str
    agent: AgentSettings
    style: Style
    model: LanguageModel
    begun_at: str
    summarise: Callable[[str], LanguageModel] | None = None
    """Loads the model that agent.toml wants summaries from, by its handle."""
    usage: Usage = field(default_factory=Usage)
    steps: int = 0
    """Steps that came to something: a reply that was empty or cut off is none."""
    calls: list[Called] = field(default_factory=list)
    changed: dict[str, None] = field(default_factory=dict)
    """Labels of blocks changed, in order."""
    spoke: bool = False

    # How often something went wrong, in a row.
    failed_steps: int = 0
    same: int = 0
    last_call: tuple[str, str] | None = None
    empty: int = 0
    cuts: int = 0
    overflows: int = 0
    shrink: int = 0
    """How often the next request is halved, because the model said "too long"."""
    shrunk: int = 0
    """How often that was so since the last compaction."""
    compact: bool = False
    """True: it said so for the first time, and what leaves is to be summed up."""

    stop: StopReason | None = None
    error: str | None = None
    closed: bool = False

    def note_changes(self, changes: Iterable[MemoryChanged]) -> None:
        """Remember which blocks a step changed."""
        for change in changes:
            self.changed[change.label] = None
