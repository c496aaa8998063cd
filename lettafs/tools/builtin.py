"""Which tools there are, and which an agent has."""

from __future__ import annotations

from collections.abc import Sequence

from lettafs.tools.archival import ARCHIVAL_TOOLS
from lettafs.tools.base import Tool
from lettafs.tools.core_memory import CORE_MEMORY_TOOLS
from lettafs.tools.files import FILE_TOOLS
from lettafs.tools.messaging import SEND_MESSAGE
from lettafs.tools.recall import CONVERSATION_SEARCH
from lettafs.values.agent import AgentSettings, AgentType
from lettafs.values.problem import Problem

__all__ = [
    "BUILTIN_TOOLS",
    "DEFAULT_FILE_TOOLS",
    "FILE_TOOL_NAMES",
    "LETTA_FILE_TOOLS",
    "default_tools",
    "tools_of",
]

BUILTIN_TOOLS: dict[str, Tool] = {
    tool.spec.name: tool
    for tool in (
        SEND_MESSAGE,
        CONVERSATION_SEARCH,
        *CORE_MEMORY_TOOLS,
        *ARCHIVAL_TOOLS,
        *FILE_TOOLS,
    )
}

DEFAULT_FILE_TOOLS = ("open_file", "grep_file", "search_file", "close_file", "list_files")
"""What an agent gets with its first folder."""

LETTA_FILE_TOOLS = ("open_files", "grep_files", "semantic_search_files")
"""What it gets when the folder is attached over the REST API."""

FILE_TOOL_NAMES = frozenset(tool.spec.name for tool in FILE_TOOLS)

_ARCHIVAL = ("archival_memory_insert", "archival_memory_search")


def default_tools(agent_type: AgentType) -> tuple[str, ...]:
    """Return the names an agent has whose settings name none: Letta's, and the archival pair."""
    match agent_type:
        case "letta_v1_agent":
            own: tuple[str, ...] = ("conversation_search", "memory_insert", "memory_replace")
        case "memgpt_v2_agent":
            own = ("send_message", "conversation_search", "memory_insert", "memory_replace")
        case "memgpt_agent":
            own = (
                "send_message",
                "conversation_search",
                "core_memory_append",
                "core_memory_replace",
                "memory",
            )
    return (*own, *_ARCHIVAL)


def tools_of(agent: AgentSettings, *, has_files: bool) -> tuple[dict[str, Tool], list[Problem]]:
    """Return an agent's tools by name, in order, and which of its names there are none for.

    Args:
        agent: its settings.
        has_files: whether a folder is attached: then it has the file tools, those it names or else
            the usual ones.
    """
    names: Sequence[str] = agent.tools if agent.tools is not None else default_tools(agent.type)
    if has_files and not any(name in FILE_TOOL_NAMES for name in names):
        names = (*names, *DEFAULT_FILE_TOOLS)
    tools: dict[str, Tool] = {}
    problems = []
    for name in names:
        tool = BUILTIN_TOOLS.get(name)
        if tool is None:
            known = ", ".join(BUILTIN_TOOLS)
            problems.append(
                Problem(
                    "unknown-tool",
                    "agent.toml",
                    f"there is no tool named {name!r}; the agent goes on without it",
                    remedy=f"take it out of `tools`; there are: {known}",
                )
            )
        else:
            tools[name] = tool
    return tools, problems
