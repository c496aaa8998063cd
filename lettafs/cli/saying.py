"""The words of a `send_message` call while its arguments are still arriving.

The older agent types speak by calling a tool: what they say is a string inside JSON that a stream
delivers in fragments. This reads it character by character, so that a person sees the words as
they come and not when the call is complete.
"""

from __future__ import annotations

import json

__all__ = ["SEND_MESSAGE", "Saying", "said"]

SEND_MESSAGE = "send_message"
_ARGUMENT = "message"
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def said(arguments: str) -> str | None:
    """Return the words of a complete `send_message` call; None when its JSON has none."""
    try:
        read = json.loads(arguments)
    except (ValueError, RecursionError):
        return None
    words = read.get(_ARGUMENT) if isinstance(read, dict) else None
    return words if isinstance(words, str) else None


class Saying:
    """Yields the `message` argument of a call as its JSON text arrives."""

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
        if "\ud800" <= char <= "\udbff":
            self._high = char
            return
        if self._high and "\udc00" <= char <= "\udfff":
            char = (self._high + char).encode("utf-16", "surrogatepass").decode("utf-16")
        self._high = ""
        self._chars.append(char)
