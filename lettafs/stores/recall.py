"""Recall: every message ever, and the journal of what was done with them.

Appending is all that is ever done. What the model sees of it, the window, is a fold over the end of
the journal: reading starts at the newest segment and goes back only as far as the window reaches,
so its cost does not grow with the years.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lettafs.errors import DiskProblem
from lettafs.format import layout
from lettafs.format.recall_line import (
    MessageRecord,
    RecallRecord,
    RunRecord,
    WindowRecord,
    parse_record,
    render_record,
)
from lettafs.stores.segments import Segments, Torn
from lettafs.values.message import Message, TextPart, ToolCall, ToolReturn
from lettafs.values.problem import Problem
from lettafs.values.view import View

__all__ = ["Recall", "Unfinished", "Window"]

_COUNTED_CHARS = 5_000
_PER_MESSAGE_CHARS = 12
"""What stands around a message in a request, likewise."""
_NO_RUN = 1_000
"""When so many records at the end belong to no run, none is open."""
_MESSAGE = b'"type":"message"'
"""How a message's line says that it is one. In a text, its quotes are escaped."""


@dataclass(frozen=True, slots=True)
class Window:
    """The messages the model sees."""

    messages: tuple[Message, ...]
    """In order; every tool call directly followed by its return; a summary, if any, first."""
    earlier: int
    """How many messages lie before the first of them."""
    views: tuple[View, ...] = ()
    """The files that are open, least recently used first."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What a crash left open at the end of the journal."""

    run_id: str
    open_calls: tuple[tuple[str, str], ...]
    """(call id, tool name) of calls without a return."""
    message_id: str | None
    """The user's message that began the run."""


class Recall:
    """The journal of one home."""

    def __init__(self, root: Path) -> None:
        self.segments: Segments[RecallRecord] = Segments(root, layout.RECALL, parse=_parse)

    def append(self, records: Sequence[RecallRecord]) -> list[str]:
        """Make records durable, numbered after the last one; return the segments written to.

        Raises:
            DiskProblem: the disk refused; nothing of the failing write is left.
        """
        seq = self._last_seq()
        rendered = []
        for record in records:
            seq += 1
            rendered.append(render_record(replace(record, seq=seq)))
        return self.segments.append(rendered)

    def _last_seq(self) -> int:
        for record in self.segments.backward():
            if record.seq > 0:
                return record.seq
        return 0

    def messages(self) -> Iterator[Message]:
        """Yield every message ever, oldest first, undone ones too."""
        for record in self.segments.records():
            if isinstance(record, MessageRecord):
                yield record.message

    def latest(self, limit: int) -> list[Message]:
        """Return the newest messages, oldest first, undone ones left out."""
        found: list[Message] = []
        dropped: set[str] = set()
        for record in self.segments.backward():
            if isinstance(record, WindowRecord) and record.reason == "undo":
                dropped.update(record.drop)
            if isinstance(record, MessageRecord) and record.message.id not in dropped:
                found.append(record.message)
                if len(found) == limit:
                    break
        return found[::-1]

    def message(self, message_id: str) -> Message | None:
        """Return one message, searched from the newest; None when there is none."""
        for record in self.segments.backward():
            if isinstance(record, MessageRecord) and record.message.id == message_id:
                return record.message
        return None

    def window(self, *, enough_chars: int | None = None) -> Window:
        """Return the messages the model sees, folded as the format page says.

        Args:
            enough_chars: stop reading back when the messages have this many characters, the first
                5,000 of each part counted, and what the user said last is among them. For a caller
                who leaves out what is longer anyway: a history that came from elsewhere may have
                no window record for years. None: read as far as the window reaches.
        """
        start: str | None = None
        summary: str | None = None
        earlier = 0
        placed = False
        dropped: set[str] = set()
        found: list[Message] = []
        views: tuple[View, ...] | None = None
        read = 0
        bounded = enough_chars is not None
        left = enough_chars or 0
        asked = False
        head: Message | None = None
        reached = summed = False
        for record in self.segments.backward():
            if isinstance(record, WindowRecord):
                dropped.update(record.drop)
                if views is None and not placed:
                    # A record that moves the window carries what was open: none lies further back.
                    views = record.views
                if not placed and record.start is not None:
                    start, summary, earlier = record.start, record.summary, record.earlier
                    placed, summed = True, record.summary is not None
            elif isinstance(record, MessageRecord):
                message = record.message
                if message.id == summary:
                    # What is no summary has its place in the journal, whatever a record says.
                    head, summary = (message if message.kind == "summary" else None), None
                seen = _is_seen(message)
                if not reached:
                    read += 1
                    if seen:
                        found.append(message)
                reached = reached or message.id == start
                if reached and summary is None:
                    break  # a summary that was made earlier than `start` lies before it
                if bounded and seen and message.id not in dropped:
                    left -= _length(message)
                    asked = asked or (message.role == "user" and message.kind == "message")
                if bounded and left < 0 and asked and not summed:
                    earlier = self._count() - read
                    break
        found.reverse()
        rest = [m for m in found if m.id not in dropped]
        front = (head,) if head is not None and head.id not in dropped else ()
        return Window(front + _paired(rest), earlier, views or ())

    def views(self, *, enough_chars: int) -> tuple[View, ...]:
        """Return the files that are open, as `window` does, reading no further back than needed.

        Args:
            enough_chars: as there.
        """
        left = enough_chars
        for record in self.segments.backward():
            if isinstance(record, WindowRecord) and (record.views, record.start) != (None, None):
                return record.views or ()
            if isinstance(record, MessageRecord):
                left -= _length(record.message)
                if left < 0:
                    break
        return ()

    def _count(self) -> int:
        """Return how many messages there are, without reading what they say."""
        found = 0
        for path in self.segments.paths():
            with suppress(DiskProblem):  # `lines` has it as a problem
                found += self.segments.read(path).count(_MESSAGE)
        return found

    def unfinished(self) -> Unfinished | None:
        """Return the run a crash left open, or None: the last run has its record."""
        run_id: str | None = None
        first: str | None = None
        calls: dict[str, str] = {}
        returned: set[str] = set()
        for number, record in enumerate(self.segments.backward()):
            if run_id is None and number >= _NO_RUN:
                return None  # a history that came from elsewhere, as messages alone
            match record:
                case RunRecord():
                    break
                case MessageRecord(message=message) if message.run_id is not None:
                    if run_id is None:
                        run_id = message.run_id
                    if message.run_id != run_id:
                        break
                    if message.role == "user" and message.kind == "message":
                        first = message.id
                    returned.update(part.call_id for part in message.tool_returns)
                    if not message.partial:
                        calls.update((call.id, call.name) for call in message.tool_calls)
                case _:
                    continue
        if run_id is None:
            return None
        open_calls = tuple((i, n) for i, n in calls.items() if i not in returned)
        return Unfinished(run_id, open_calls, first)

    def mend(self, *, save_to: str) -> Torn | None:
        """Cut a half-written last line off; its bytes go to `save_to`, relative to the home."""
        return self.segments.mend(save_to=save_to)


def _parse(record: Mapping[str, Any], path: str, line_no: int) -> RecallRecord | Problem:
    return parse_record(record, path=path, line_no=line_no)


def _is_seen(message: Message) -> bool:
    """Tell whether a message is sent for its place in the journal.

    A summary is not: it is sent when a window record names it, and then at the front.
    """
    return not message.partial and message.role != "system" and message.kind != "summary"


def _length(message: Message) -> int:
    """Return about how many characters of a message are sent, rather too few than too many."""
    total = _PER_MESSAGE_CHARS
    for part in message.parts:
        match part:
            case TextPart(text=text) | ToolReturn(text=text) | ToolCall(arguments=text):
                total += min(len(text), _COUNTED_CHARS)
            case _:
                continue
    return total


def _paired(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Put each tool return right after its call; leave out calls and returns without the other.

    Providers refuse a request in which a call lacks its return. A merge of two machines' histories,
    a hand edit or a window that begins in the middle can all separate the two.
    """
    returns: dict[str, deque[tuple[int, ToolReturn, Message]]] = {}
    for at, message in enumerate(messages):
        for part in message.parts:
            if isinstance(part, ToolReturn):
                returns.setdefault(part.call_id, deque()).append((at, part, message))
    whole: list[Message] = []
    for at, message in enumerate(messages):
        if message.role == "tool":
            continue
        calls = message.tool_calls
        if not calls:
            whole.append(message)
            continue
        # Some servers give every call the same id: then the next return is the call's own.
        answers = [_next_return(returns.get(call.id), after=at) for call in calls]
        kept = [answer for answer in answers if answer is not None]
        if len(kept) < len(calls):
            without = [c for c, answer in zip(calls, answers, strict=True) if answer is None]
            parts = tuple(p for p in message.parts if not any(p is call for call in without))
            if not parts:
                continue
            message = replace(message, parts=parts)
        whole.append(message)
        if kept:
            row = kept[0][1]
            parts = tuple(part for part, _ in kept)
            whole.append(row if parts == row.parts else replace(row, parts=parts))
    return tuple(whole)


def _next_return(
    waiting: deque[tuple[int, ToolReturn, Message]] | None, *, after: int
) -> tuple[ToolReturn, Message] | None:
    """Take the first return that stands behind a call, and the row it is in."""
    while waiting:
        at, part, row = waiting.popleft()
        if at > after:
            return part, row
    return None
