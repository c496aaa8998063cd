"""What an agent of the older types says: the words it tells send_message.

A model's call is read the same way by the tool that takes it, the search that finds it again and
the answer that shows it.
"""

from __future__ import annotations

import json
import re

__all__ = ["as_text", "told"]

_SURROGATE = re.compile("[\ud800-\udfff]")


def as_text(value: object) -> str | None:
    """Return a value of a model's JSON as text: a number or truth value as it is written.

    None for what is no text: null, a list, an object.
    """
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if not isinstance(value, str):
        return None
    # Half of a surrogate pair, which models do send, can stand in no file.
    return _SURROGATE.sub("\ufffd", value) if not value.isascii() else value


def told(arguments: str) -> str | None:
    """Return the words of a send_message call, from its arguments; None when there are none."""
    try:
        return as_text(json.loads(arguments)["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
