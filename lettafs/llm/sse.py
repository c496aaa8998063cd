r"""Server-sent events: bytes in any pieces in, events out.

Ours, rather than the client library's, for three reasons: we must see `[DONE]` to know a whole
reply from one that was cut; we must not wait for the connection to end after it; and lines end at
CR and LF only, while general line splitters also break at U+2028 and U+0085, which stand
unescaped inside JSON strings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["ServerEvent", "SseDecoder"]

_LINE = re.compile(rb"\r\n|\n|\r(?!\Z)")


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event."""

    data: str
    event: str = ""


class SseDecoder:
    """Decodes one stream; never raises, bytes that are not UTF-8 become replacement marks."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._data: list[str] = []
        self._event = ""

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """Return the events that are whole by now."""
        self._rest += chunk
        # A CR at the very end may be half of a CRLF: it waits (`\r(?!\Z)`).
        if b"\n" not in chunk and b"\r" not in self._rest:
            return []
        *lines, rest = _LINE.split(bytes(self._rest))
        self._rest = bytearray(rest)
        return [event for line in lines if (event := self._line(line)) is not None]

    def finish(self) -> list[ServerEvent]:
        """Return an event that lacks only its final blank line; some servers leave it out."""
        rest = bytes(self._rest).rstrip(b"\r")
        self._rest.clear()
        events = [event] if (event := self._line(rest)) is not None else []
        last = self._dispatch()
        return [*events, last] if last is not None else events

    def _line(self, raw: bytes) -> ServerEvent | None:
        if not raw:
            return self._dispatch()
        name, _, value = raw.decode("utf-8", errors="replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        return None

    def _dispatch(self) -> ServerEvent | None:
        data, event = self._data, self._event
        self._data, self._event = [], ""
        return ServerEvent(data="\n".join(data), event=event) if data else None
