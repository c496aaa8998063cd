"""Tool calls that arrive in fragments, put together again.

The protocol says: fragments carry an `index`, the first of a call also its id and name. Servers
differ: ids missing, empty, repeated, or sent for every fragment; one index for all calls; none at
all; empty names. What can be relied on is that a new call brings a name or an id that the present
one does not have, and that the arguments of a call are one JSON value.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from lettafs.values.event import ToolCallDelta
from lettafs.values.message import ToolCall

__all__ = ["CallFragment", "CallStream", "arguments_object"]


@dataclass(frozen=True, slots=True)
class CallFragment:
    """One fragment as the wire had it; empty strings for what it did not have."""

    index: int | None = None
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class _Open:
    """A call that is being put together."""

    number: int
    """Its place in the reply, and the `index` of its deltas."""
    provider_id: str = ""
    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    shown: int = 0
    """How many of the pieces have been sent on as deltas."""
    depth: int = 0
    """How many brackets of the arguments are open."""
    in_string: bool = False
    escaped: bool = False

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)

    @property
    def whole(self) -> bool:
        """Whether the arguments are a JSON object by now; parsed only where they may be."""
        return self.depth == 0 and not self.in_string and _is_object(self.arguments)

    def add(self, piece: str) -> None:
        """Take more of the arguments, and follow their brackets.

        Each character is looked at once: parsing everything at each piece would be quadratic.
        """
        self.pieces.append(piece)
        for char in piece:
            if self.escaped:
                self.escaped = False
            elif self.in_string:
                self.escaped = char == "\\"
                self.in_string = char != '"'
            elif char == '"':
                self.in_string = True
            elif char in "{[":
                self.depth += 1
            elif char in "}]":
                self.depth -= 1


class CallStream:
    """The calls of one reply, in order of appearance."""

    def __init__(self, message_id: str) -> None:
        self._message_id = message_id
        self._calls: list[_Open] = []
        self._at: dict[int, _Open] = {}
        """The call that is being written under each index."""
        self._ids: set[str] = set()

    def feed(self, fragment: CallFragment) -> list[ToolCallDelta]:
        """Take a fragment, and return what a surface may be shown (nothing before the name)."""
        call = self._call_for(fragment)
        if call is None:
            return []
        call.provider_id = call.provider_id or fragment.id
        call.name = call.name or fragment.name
        if fragment.arguments:
            call.add(fragment.arguments)
        return self._show(call)

    def calls(self, *, only_complete: bool) -> tuple[ToolCall, ...]:
        """Return the calls; those without a name are noise.

        Args:
            only_complete: leave out calls whose arguments are not a JSON object, because the reply
                was cut short and they must never be executed.
        """
        return tuple(
            # Servers send nothing where a tool takes no arguments; `{}` is what they mean.
            ToolCall(id=call.id, name=call.name, arguments=call.arguments.strip() or "{}")
            for call in self._calls
            if call.name and not (only_complete and not _is_object(call.arguments))
        )

    def _call_for(self, fragment: CallFragment) -> _Open | None:
        """Return the call this fragment belongs to, a new one where it begins one."""
        if fragment.index is None:
            current = self._calls[-1] if self._calls else None
        else:
            current = self._at.get(fragment.index)
        if current is None:
            if not (fragment.id or fragment.name or fragment.arguments):
                return None
            return self._begin(fragment)
        return self._begin(fragment) if _begins_another(fragment, current) else current

    def _begin(self, fragment: CallFragment) -> _Open:
        call = _Open(number=len(self._calls))
        self._calls.append(call)
        if fragment.index is not None:
            self._at[fragment.index] = call
        return call

    def _show(self, call: _Open) -> list[ToolCallDelta]:
        if not call.name:
            return []
        first = not call.id
        if first:
            call.id = self._free_id(call)
        pieces = "".join(call.pieces[call.shown :])
        call.shown = len(call.pieces)
        if not (first or pieces):
            return []
        return [
            ToolCallDelta(
                message_id=self._message_id,
                index=call.number,
                call_id=call.id,
                name=call.name if first else "",
                arguments=pieces,
            )
        ]

    def _free_id(self, call: _Open) -> str:
        """Return the provider's id, or one of our own where it has none or gave it twice."""
        name = call.provider_id
        if not name or name in self._ids:
            # Made from the message's id: unique in the conversation, the same in a replay.
            seed = f"{self._message_id}/{call.number}".encode()
            name = f"call_{hashlib.sha256(seed).hexdigest()[:24]}"
        self._ids.add(name)
        return name


def arguments_object(arguments: str) -> dict[str, Any]:
    """Return a call's arguments as an object, for servers that parse the history they are sent.

    What is not an object is wrapped, so that the model can see its mistake. Whatever is returned
    can be encoded: NaN and Infinity count as no object, as in JSON, and halves of surrogate pairs
    are replaced by U+FFFD.
    """
    value: object = None
    with contextlib.suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(arguments), ensure_ascii=False, allow_nan=False)
        value = json.loads(_whole_characters(text))
    return value if isinstance(value, dict) else {"_unparsed": _whole_characters(arguments)}


def _whole_characters(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _begins_another(fragment: CallFragment, current: _Open) -> bool:
    """Tell whether this fragment, under the index of `current`, is the first of another call."""
    new_id = bool(fragment.id) and bool(current.provider_id) and fragment.id != current.provider_id
    if new_id:
        # A server that makes up an id for every fragment sends no name with the later ones.
        return bool(fragment.name) or current.whole
    if not fragment.name or not current.name:
        return False
    if fragment.id and fragment.id == current.provider_id:
        return False
    if fragment.name != current.name:
        return True
    # The same name again, and no id to tell: another call only if this one is already whole.
    return current.whole


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
