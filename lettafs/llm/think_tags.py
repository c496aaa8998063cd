"""Thinking that a local model writes into its text, between `<think>` and `</think>`.

Servers that know a model's template take the thinking out themselves; others let it through. It is
recognised only when it is the first thing the model says, so that an answer *about* these tags
stays an answer.
"""

from __future__ import annotations

from typing import Literal

__all__ = ["Piece", "ThinkTags"]

_OPEN = "<think>"
_CLOSE = "</think>"

Piece = tuple[Literal["text", "reasoning"], str]
"""What a piece of the stream is, and the piece."""


class ThinkTags:
    """Splits one reply's text as it arrives; a tag may come in any number of pieces."""

    def __init__(self) -> None:
        self._state: Literal["start", "opened", "thinking", "after", "text"] = "start"
        self._held = ""
        """What has arrived and cannot be told apart yet."""

    def feed(self, text: str) -> list[Piece]:
        """Return what is certain by now; nothing is lost between `feed` and `finish`."""
        self._held += text
        pieces: list[Piece] = []
        if self._state == "start":
            self._start()
        if self._state == "opened":
            # The line break after the tag belongs to the tag.
            self._held = self._held.lstrip("\n")
            if self._held:
                self._state = "thinking"
        if self._state == "thinking":
            before, tag, after = self._held.partition(_CLOSE)
            if tag:
                self._held, self._state = after, "after"
            else:
                keep = _tail_that_begins(_CLOSE, before)
                before, self._held = before[: len(before) - keep], before[len(before) - keep :]
            pieces.append(("reasoning", before))
        if self._state == "after":
            # The blank lines between the thinking and the answer belong to neither.
            self._held = self._held.lstrip()
            if self._held:
                self._state = "text"
        if self._state == "text":
            pieces.append(("text", self._held))
            self._held = ""
        return [piece for piece in pieces if piece[1]]

    def finish(self) -> list[Piece]:
        """Return what was held back; the reply is over."""
        held, self._held = self._held, ""
        if not held:
            return []
        return [("reasoning" if self._state == "thinking" else "text", held)]

    def _start(self) -> None:
        seen = self._held.lstrip()
        if seen.startswith(_OPEN):
            self._held, self._state = seen.removeprefix(_OPEN), "opened"
        elif not _OPEN.startswith(seen):
            self._state = "text"


def _tail_that_begins(tag: str, text: str) -> int:
    """Return how many characters at the end of `text` might be the beginning of `tag`."""
    for length in range(min(len(tag) - 1, len(text)), 0, -1):
        if tag.startswith(text[-length:]):
            return length
    return 0
