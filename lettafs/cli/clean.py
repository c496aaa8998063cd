"""Text made safe for a terminal.

A model, a tool, a file name or an error message may carry escape sequences: they can write the
clipboard, retitle the window, clear the screen, or show text in another order than it has. What a
person sees goes through here first.

Kept: every printable character, line feed and tab. Removed: the other control characters (C0, DEL,
C1), whole escape sequences (CSI, OSC, DCS, SOS, PM, APC and the short ones) also when they never
end, and the characters that override text direction. A lone surrogate, which no output could
encode, becomes U+FFFD.

An unterminated string sequence (OSC and its kin) ends at the next line feed: a terminal that
honoured the payload never gets it, and one stray byte cannot hide the rest of a reply.
"""

from __future__ import annotations

import re
from enum import Enum

__all__ = ["Cleaner", "clean"]

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_STRING_END = re.compile("[\x07\n\x18\x1a\x1b\x9c]")

_STRING_STARTS_7BIT = frozenset("PX]^_")  # DCS, SOS, OSC, PM, APC after an ESC
_STRING_STARTS_8BIT = frozenset("\x90\x98\x9d\x9e\x9f")


class _State(Enum):
    TEXT = 0
    ESCAPE = 1
    """After ESC, or after its intermediate bytes."""
    CSI = 2
    STRING = 3


class Cleaner:
    """Cleans a text that arrives in pieces; a sequence may be split anywhere.

    The pieces' results joined are the same however the text was split.
    """

    def __init__(self) -> None:
        self._state = _State.TEXT

    def feed(self, text: str) -> str:
        """Return what of `text` is safe to show."""
        if self._state is _State.TEXT and not _UNSAFE.search(text):
            return text
        kept: list[str] = []
        at = 0
        while at < len(text):
            match self._state:
                case _State.TEXT:
                    at = self._plain(text, at, kept)
                case _State.STRING:
                    at = self._string(text, at)
                case _State.ESCAPE:
                    at = self._escape(text, at)
                case _State.CSI:
                    at = self._csi(text, at)
        return "".join(kept)

    def _plain(self, text: str, at: int, kept: list[str]) -> int:
        found = _UNSAFE.search(text, at)
        if found is None:
            kept.append(text[at:])
            return len(text)
        kept.append(text[at : found.start()])
        char = found.group()
        if "\ud800" <= char <= "\udfff":
            kept.append("\ufffd")
        self._state = _begun_by(char)
        return found.end()

    def _string(self, text: str, at: int) -> int:
        found = _STRING_END.search(text, at)
        if found is None:
            return len(text)
        if found.group() == "\n":
            self._state = _State.TEXT
            return found.start()  # the line feed itself is text
        # ESC may be the first half of ST (ESC \), or begin the next sequence: both are an escape.
        self._state = _State.ESCAPE if found.group() == "\x1b" else _State.TEXT
        return found.end()

    def _escape(self, text: str, at: int) -> int:
        char = text[at]
        if char == "[":
            self._state = _State.CSI
        elif char in _STRING_STARTS_7BIT:
            self._state = _State.STRING
        elif " " <= char <= "/":
            pass  # an intermediate byte: the final one is still to come
        elif "0" <= char <= "~":
            self._state = _State.TEXT
        else:
            return self._interrupted(char, at)
        return at + 1

    def _csi(self, text: str, at: int) -> int:
        char = text[at]
        if "@" <= char <= "~":
            self._state = _State.TEXT
        elif not " " <= char <= "?":
            return self._interrupted(char, at)
        return at + 1

    def _interrupted(self, char: str, at: int) -> int:
        """Decide about a character that cannot belong to the sequence; return where to go on."""
        if char in "\n\t" or not _UNSAFE.match(char):
            self._state = _State.TEXT
            return at
        if char in "\x18\x1a":  # CAN and SUB end a sequence
            self._state = _State.TEXT
        elif (begun := _begun_by(char)) is not _State.TEXT:
            self._state = begun
        elif char >= "\x80":
            self._state = _State.TEXT
            return at
        return at + 1  # a terminal acts on any other control character and goes on reading


def clean(text: str) -> str:
    """Return `text` with everything removed that could steer a terminal."""
    return Cleaner().feed(text)


def _begun_by(char: str) -> _State:
    """Return the state that a control character leads to from plain text."""
    if char == "\x1b":
        return _State.ESCAPE
    if char == "\x9b":
        return _State.CSI
    return _State.STRING if char in _STRING_STARTS_8BIT else _State.TEXT
