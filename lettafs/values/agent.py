"""An agent's settings: what `agent.toml` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lettafs.values.rule import ToolRule

__all__ = ["AgentSettings", "AgentType", "CompactionMode", "CompactionSettings", "ModelSettings"]

AgentType = Literal["letta_v1_agent", "memgpt_v2_agent", "memgpt_agent"]
"""`letta_v1_agent`: plain text ends the turn. The other two: the agent speaks with `send_message`
and goes on when it asks for a heartbeat."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """How the model is asked; None means the provider's own default."""

    temperature: float | None = None
    max_output_tokens: int | None = None
    reasoning_effort: str | None = None
    think: bool | None = None
    """Ollama's switch for thinking models."""
    parallel_tool_calls: bool = True
    timeout_s: float | None = None


CompactionMode = Literal["sliding_window", "all"]
"""What leaves the window when it is full: the older part of it, or all but the summary."""


@dataclass(frozen=True, slots=True)
class CompactionSettings:
    """How older messages are replaced by a summary when the window is full."""

    mode: CompactionMode = "sliding_window"
    prompt: str | None = None
    """What the summariser is told; None: the built-in instructions."""
    clip_chars: int = 50_000
    """Characters a summary may have at most; a small window allows fewer."""
    sliding_window_percentage: float = 0.30
    """The share of the room for messages that is to be free after a compaction."""
    model: str | None = None
    """Handle of the model that writes summaries; None: the agent's own."""


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """What `agent.toml` says, with defaults filled in."""

    name: str
    id: str | None = None
    """None only for a directory made by hand that has not had its first turn."""
    type: AgentType = "letta_v1_agent"
    description: str = ""
    model: str | None = None
    """A handle `provider/name`; None: the user's default."""
    base_url: str | None = None
    embedding: str | None = None
    context_window: int | None = None
    """Tokens; None: what the catalogue knows of the model."""
    timezone: str = "UTC"
    """IANA name; dates the agent reads and writes are in it."""
    created_at: str | None = None
    tools: tuple[str, ...] | None = None
    """Names; None: the defaults of the type."""
    tool_rules: tuple[ToolRule, ...] = ()
    tags: tuple[str, ...] = ()
    max_steps: int = 50
    max_files_open: int | None = None
    """Files that may be open at once; None: by the size of the window."""
    per_file_view_window_char_limit: int | None = None
    """Characters of an open file that are shown; None: by the size of the window."""
    model_settings: ModelSettings = ModelSettings()
    compaction: CompactionSettings = CompactionSettings()
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Top-level keys lettafs does not interpret, as parsed."""
