"""Speech: what an agent of the older types says, out of the stream of a send_message call.

The words stand inside the JSON arguments of a tool call that is still being written. They are
decoded as they come, so that a reply appears word by word with every agent type.
"""

from __future__ import annotations

from lettafs.values.event import TextDelta, ToolCallDelta

__all__ = ["Speech"]

_ARGUMENT = "message"
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_REPLACEMENT = "\ufffd"
"""Stands for half a surrogate pair, which is no character."""


class Speech:
    """Turns the deltas of send_message calls into text deltas; other deltas pass through."""

    def __init__(self, tool_name: str) -> None:
        self._tool = tool_name
        self._words: dict[int, _Words | None] = {}
        """By index of the call; None: it does not speak."""

    def feed(self, delta: ToolCallDelta) -> ToolCallDelta | TextDelta | None:
        """Return what a surface is shown for a delta; None: nothing yet."""
        if delta.name:
            self._words[delta.index] = _Words() if delta.name == self._tool else None
        words = self._words.get(delta.index)
        if words is None:
            return delta
        said = words.feed(delta.arguments)
        return TextDelta(delta.message_id, said) if said else None


class _Words:
    """Yields the `message` argument of a call as its JSON text arrives, character by character.

    It follows the JSON's structure: a `message` inside another value, or a value that reads like
    the key, is not speech.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self._is_value = False
        """Whether the next string at depth 1 is a value rather than a key."""
        self._key = ""
        self._chars: list[str] = []
        """Decoded characters of the string being read that were not yielded."""
        self._escape = ""
        """An escape sequence whose end has not arrived, from its backslash on."""
        self._high = ""
        """The first half of a surrogate pair, waiting for the second."""

    def feed(self, fragment: str) -> str:
        """Return the words that `fragment` adds."""
        words: list[str] = []
        for char in fragment:
            if self._in_string:
                self._string_char(char, words)
            else:
                self._structure_char(char)
        if self._speaks():
            words.extend(self._chars)
            self._chars.clear()
        return "".join(words)

    def _speaks(self) -> bool:
        return self._depth == 1 and self._is_value and self._in_string and self._key == _ARGUMENT

    def _structure_char(self, char: str) -> None:
        if char == '"':
            self._in_string = True
        elif char in "{[":
            self._depth += 1
            self._is_value = self._depth > 1 or char == "["
        elif char in "}]":
            self._depth -= 1
        if self._depth == 1:
            if char == ":":
                self._is_value = True
            elif char == ",":
                self._is_value = False

    def _string_char(self, char: str, words: list[str]) -> None:
        if self._escape:
            self._escape_char(char)
        elif char == "\\":
            self._escape = char
        elif char == '"':
            if self._high:
                self._chars.append(_REPLACEMENT)
            if self._speaks():
                words.extend(self._chars)
            elif self._depth == 1 and not self._is_value:
                self._key = "".join(self._chars)
            self._chars.clear()
            self._high = ""
            self._in_string = False
        else:
            self._decoded(char)

    def _escape_char(self, char: str) -> None:
        self._escape += char
        if self._escape[1] != "u":
            self._decoded(_ESCAPES.get(char, char))
        elif len(self._escape) < 6:
            return
        else:
            try:
                self._decoded(chr(int(self._escape[2:], 16)))
            except ValueError:
                self._decoded("\ufffd")
        self._escape = ""

    def _decoded(self, char: str) -> None:
        high, self._high = self._high, ""
        if high and "\udc00" <= char <= "\udfff":
            self._chars.append((high + char).encode("utf-16", "surrogatepass").decode("utf-16"))
            return
        if high:
            self._chars.append(_REPLACEMENT)
        if "\ud800" <= char <= "\udbff":
            self._high = char
        else:
            self._chars.append(_REPLACEMENT if "\udc00" <= char <= "\udfff" else char)
