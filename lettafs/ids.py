"""Identifiers: `<prefix>-<uuid4>`, the form the Letta clients check.

Ids come in as an argument (`new_id`), so that a test or a replay decides them; only the composition
root passes the random one.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Literal

__all__ = ["IdPrefix", "NewId", "is_id", "new_uuid_id"]

IdPrefix = Literal["agent", "message", "run", "step", "passage", "block", "call", "tool", "source"]
NewId = Callable[[IdPrefix], str]
"""A maker of ids: takes the prefix, returns `<prefix>-<uuid4>`."""

_UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_ID = re.compile(rf"(?P<prefix>[a-z_]+(?:-[a-z]+)*)-{_UUID4}")


def new_uuid_id(prefix: IdPrefix) -> str:
    """Return a fresh random id."""
    return f"{prefix}-{uuid.uuid4()}"


def is_id(text: str, prefix: IdPrefix) -> bool:
    """Tell whether `text` is a well-formed id with this prefix."""
    match = _ID.fullmatch(text)
    return match is not None and match["prefix"] == prefix
