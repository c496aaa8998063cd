"""What an agent of the older types says: the `message` argument of its send_message calls."""

from __future__ import annotations

import json

__all__ = ["SEND_MESSAGE", "said"]

SEND_MESSAGE = "send_message"
_ARGUMENT = "message"


def said(arguments: str) -> str | None:
    """Return the words of a complete `send_message` call; None when its JSON has none."""
    try:
        read = json.loads(arguments)
    except (ValueError, RecursionError):
        return None
    words = read.get(_ARGUMENT) if isinstance(read, dict) else None
    return words if isinstance(words, str) else None
