"""Which style an agent's type runs in."""

from __future__ import annotations

from lettafs.loop.heartbeat import HEARTBEAT
from lettafs.loop.plain import PLAIN
from lettafs.loop.style import Style
from lettafs.values.agent import AgentType

__all__ = ["style_of"]


def style_of(agent_type: AgentType) -> Style:
    """Return the style of an agent type."""
    return PLAIN if agent_type == "letta_v1_agent" else HEARTBEAT
