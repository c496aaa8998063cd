"""Speech: what an agent of the older types says, out of the stream of a send_message call.

The words stand inside the JSON arguments of a tool call that is still being written. They are
decoded as they come, so that a reply appears word by word with every agent type.
"""

from __future__ import annotations

import re

from lettafs.values.event import TextDelta, ToolCallDelta

__all__ = ["Speech"]

_BEGIN = re.compile(r'"message"\s*:\s*"')
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Speech:
    """Turns the deltas of send_message calls into text deltas; other deltas pass through."""

    def __init__(self, tool_name: str) -> None:
        self._tool = tool_name
        self._names: dict[int, str] = {}
        self._texts: dict[int, str] = {}
        self._read: dict[int, int] = {}
        self._done: set[int] = set()

    def feed(self, delta: ToolCallDelta) -> ToolCallDelta | TextDelta | None:
        """Return what a surface is shown for a delta; None: nothing yet."""
        if delta.name:
            self._names[delta.index] = delta.name
        if self._names.get(delta.index) != self._tool:
            return delta
        text = self._texts[delta.index] = self._texts.get(delta.index, "") + delta.arguments
        if delta.index in self._done:
            return None
        at = self._read.get(delta.index)
        if at is None:
            begin = _BEGIN.search(text)
            if begin is None:
                return None
            at = begin.end()
        said, at, ended = _decode(text, at)
        self._read[delta.index] = at
        if ended:
            self._done.add(delta.index)
        return TextDelta(delta.message_id, said) if said else None


def _decode(text: str, at: int) -> tuple[str, int, bool]:
    """Decode a JSON string's inside from `at` as far as it is whole; True: it ended."""
    said: list[str] = []
    while at < len(text):
        char = text[at]
        if char == '"':
            return _joined(said), at + 1, True
        if char != "\\":
            said.append(char)
            at += 1
            continue
        escape = text[at + 1 : at + 2]
        if not escape:
            break
        if escape != "u":
            said.append(_ESCAPES.get(escape, escape))
            at += 2
            continue
        digits = text[at + 2 : at + 6]
        if len(digits) < 4:
            break
        try:
            code = int(digits, 16)
        except ValueError:
            code = 0xFFFD
        if 0xD800 <= code < 0xDC00 and _may_be_escape(text[at + 6 : at + 12]):
            break  # the other half of a surrogate pair is still to come
        said.append(chr(code))
        at += 6
    return _joined(said), at, False


def _may_be_escape(text: str) -> bool:
    """Tell whether more text could make an escape with four digits of this."""
    return len(text) < 6 and text[:2] in ("", "\\", "\\u")


def _joined(chars: list[str]) -> str:
    """Join characters, surrogate pairs into one, lone surrogates into a replacement character."""
    return "".join(chars).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
