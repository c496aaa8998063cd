"""What the offline model reads out of a request: the blocks in front of it and the turn so far.

It is given no more than any model: the system text, the messages and the tools.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lettafs.llm._offline.late import late
from lettafs.llm.base import ModelRequest
from lettafs.values.message import Message, ToolReturn

__all__ = [
    "Done",
    "SeenBlock",
    "Turn",
    "blocks_end",
    "properties",
    "read_blocks",
    "read_turn",
    "spoken",
]


@dataclass(frozen=True, slots=True)
class SeenBlock:
    """A memory block as the system text shows it."""

    label: str
    value: str
    description: str = ""
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """A tool call of this turn with what it returned."""

    name: str
    arguments: Mapping[str, Any]
    """Empty when the call's JSON was no object; never with `request_heartbeat` or `thinking`."""
    status: str
    text: str

    @property
    def failed(self) -> bool:
        """Whether the tool refused or broke."""
        return self.status == "error"


@dataclass(frozen=True, slots=True)
class Turn:
    """What the person said last and what has been done about it."""

    text: str
    """The person's words; empty when the turn began without any."""
    done: tuple[Done, ...]
    steps: int
    """Model calls already made in this turn."""
    spoken: bool
    """Whether this turn already has an answer."""
    nudge: str
    """Text of the last automated row of this turn, or empty."""
    earlier: tuple[Message, ...]
    """The window before this turn."""


_OPEN = late(
    r"^<(?:block label=\"(?P<quoted>[^\"\n]*)\"|(?P<label>[^\s<>/\"]+))>\r?\n"
    r"(?:<description>\r?\n?(?P<description>(?:(?!<metadata>|"
    r"<value>).)*?)\r?\n?</description>\r?\n)?"
    r"(?:<metadata>\r?\n(?P<metadata>(?:(?!<value>).)*?)</metadata>\r?\n)?"
    r"<value>\r?\n",
    re.MULTILINE | re.DOTALL,
)


def read_blocks(system: str) -> tuple[SeenBlock, ...]:
    """Return the memory blocks a system text renders, in order; empty when it has none."""
    return _walk(system)[0]


def blocks_end(system: str) -> int:
    """Return where what follows the memory blocks begins; 0 when there are none."""
    return _walk(system)[1]


def _walk(system: str) -> tuple[tuple[SeenBlock, ...], int]:
    begin = re.search(r"^<memory_blocks>\s*$", system, re.MULTILINE)
    if begin is None:
        return (), 0
    found: list[SeenBlock] = []
    at = begin.end()
    while True:
        # Values are stepped over whole, so what closes the section here is no text of a block.
        end = system.find("\n</memory_blocks>", at - 1)
        end = len(system) if end < 0 else end
        match = _OPEN().search(system, at)
        if match is None or match.start() > end:
            return tuple(found), max(at, end) if end < len(system) else at
        metadata = match["metadata"] or ""
        label = html.unescape(match["quoted"]) if match["label"] is None else match["label"]
        value, at = _value(system, match.end(), metadata)
        found.append(
            SeenBlock(
                label=label,
                value=value,
                description=match["description"] or "",
                read_only=re.search(r"^- read_only=true\s*$", metadata, re.MULTILINE) is not None,
            )
        )


def _value(system: str, start: int, metadata: str) -> tuple[str, int]:
    # The stated length is exact even when the value itself holds a closing tag.
    stated = re.search(r"^- chars_current=(\d+)", metadata, re.MULTILINE)
    if stated:
        stop = start + int(stated[1])
        if system.startswith("\n</value>", stop) or system.startswith("</value>", stop):
            return system[start:stop], stop
    stop = system.find("\n</value>", start - 1)
    if stop < 0:
        return "", len(system)
    return system[start : max(stop, start)], stop + 1


def spoken(message: Message) -> str:
    """Return the words of a message, without the JSON envelope older agents stored them in."""
    text = message.text
    if text.startswith("{") and '"message"' in text:
        try:
            data = json.loads(text)
        except ValueError:
            return text
        if isinstance(data, dict) and data.get("type") == "user_message":
            return str(data.get("message", ""))
    if not text:
        for call in message.tool_calls:
            if call.name == "send_message":
                return str(_arguments(call.arguments).get("message", ""))
    return text


def _arguments(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(data, dict):
        return {}
    return {
        str(key): value
        for key, value in data.items()
        if key not in ("request_heartbeat", "thinking", "inner_thoughts")
    }


def read_turn(request: ModelRequest) -> Turn:
    """Return this turn: all that follows the last words of a person."""
    messages = request.messages
    last = next(
        (at for at in reversed(range(len(messages))) if _is_words(messages[at])),
        None,
    )
    if last is None:
        return Turn("", _done(messages), _steps(messages), False, _nudge(messages), ())
    first = last
    while first > 0 and _is_words(messages[first - 1]) and _same_run(messages, first - 1, last):
        first -= 1
    said = dict.fromkeys(spoken(message) for message in messages[first : last + 1])
    after = messages[last + 1 :]
    done = _done(after)
    return Turn(
        text="\n".join(said),
        done=done,
        steps=_steps(after),
        spoken=any(message.role == "assistant" and message.text.strip() for message in after)
        or any(each.name == "send_message" for each in done),
        nudge=_nudge(after),
        earlier=messages[:first],
    )


def _is_words(message: Message) -> bool:
    return message.role == "user" and message.kind == "message"


def _same_run(messages: tuple[Message, ...], one: int, other: int) -> bool:
    return messages[one].run_id == messages[other].run_id


def _steps(messages: tuple[Message, ...]) -> int:
    return sum(message.role == "assistant" for message in messages)


def _nudge(messages: tuple[Message, ...]) -> str:
    if messages and messages[-1].role == "user":
        return messages[-1].text
    return ""


def _done(messages: tuple[Message, ...]) -> tuple[Done, ...]:
    returns: dict[str, ToolReturn] = {
        part.call_id: part for message in messages for part in message.tool_returns
    }
    found: list[Done] = []
    for message in messages:
        for call in message.tool_calls:
            answer = returns.get(call.id)
            status = answer.status if answer else "error"
            text = answer.text if answer else "there was no answer"
            found.append(Done(call.name, _arguments(call.arguments), status, _inner(text)))
    return tuple(found)


def _inner(text: str) -> str:
    # Imported histories keep returns as {"status", "message", "time"}: the message is what counts.
    if text.startswith("{") and '"status"' in text and '"message"' in text:
        try:
            data = json.loads(text)
        except ValueError:
            return text
        if isinstance(data, dict) and "results" not in data:
            message = data.get("message")
            return message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
    return text


def properties(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the named properties of a tool's schema; empty when it has none."""
    found = parameters.get("properties")
    return found if isinstance(found, Mapping) else {}
