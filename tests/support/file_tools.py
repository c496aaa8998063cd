"""The model's tools, called on a real agent directory as the loop calls them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lettafs.context.request import zone
from lettafs.home.begin import begin
from lettafs.sdk.agent import Agent
from lettafs.sdk.open import open_agent
from lettafs.tools.base import ToolContext
from lettafs.tools.builtin import BUILTIN_TOOLS
from lettafs.tools.dispatch import call_tool
from lettafs.values.message import ToolCall
from tests.support.homes import CALLER

__all__ = ["ask", "ask_home"]

_open: dict[Path, Agent] = {}


def ask(root: Path, tool: str, **arguments: Any) -> str:
    """Call a tool of the agent in a directory; the agent stays open for the next call."""
    if root not in _open:
        _open[root] = open_agent(root)
    return ask_home(_open[root], tool, **arguments)


def ask_home(agent: Agent, tool: str, **arguments: Any) -> str:
    """Call a tool of an open agent; return the text for the model, an error's too."""
    turn = begin(
        agent._home,
        now=CALLER.now,
        new_id=CALLER.new_id,
        person=CALLER.person,
        about=CALLER.about,
    )
    with turn:
        context = ToolContext(turn, {}, turn.now(), zone(turn.agent.timezone))
        call = ToolCall("call-1", tool, json.dumps(arguments))
        return call_tool(call, BUILTIN_TOOLS, context, ignore=frozenset()).text
