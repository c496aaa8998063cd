"""Stateful AI agents as plain, git-versioned directories.

The public doors load on first use, so that `import lettafs` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lettafs.version import __version__

if TYPE_CHECKING:
    from lettafs.sdk.agent import Agent
    from lettafs.sdk.open import create_agent, open_agent

__all__ = ["Agent", "__version__", "create_agent", "open_agent"]


def __getattr__(name: str) -> Any:
    if name == "Agent":
        from lettafs.sdk.agent import Agent  # late: start-up time

        return Agent
    if name in ("create_agent", "open_agent"):
        from lettafs.sdk import open as doors  # late: start-up time

        return getattr(doors, name)
    raise AttributeError(f"module 'lettafs' has no attribute {name!r}")
