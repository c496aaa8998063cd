"""send_message: how an agent of the older types speaks."""

from __future__ import annotations

from typing import Any

from lettafs.tools.base import Tool, ToolContext, parameters
from lettafs.values.tool import ToolSpec

__all__ = ["SEND_MESSAGE"]


def _send(context: ToolContext, args: dict[str, Any]) -> str:
    return "Sent message successfully."


SEND_MESSAGE = Tool(
    ToolSpec(
        "send_message",
        "Say something to the person. Nothing else you write is shown to them.",
        parameters("message", message="string: what to say"),
    ),
    _send,
    ends_turn=True,
)
