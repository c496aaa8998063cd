"""Agents with a long past, made quickly, and a model that answers at once."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncGenerator
from pathlib import Path

from lettafs.format.recall_line import MessageRecord
from lettafs.home.home import Home
from lettafs.llm.base import ModelEvent, ModelReply, ModelRequest
from lettafs.values.message import Message, Part, TextPart, ToolCall
from lettafs.values.run import Usage
from tests.support.homes import NOTE, begin_turn, make_home

__all__ = ["WINDOW_TOKENS", "Instant", "home_with", "question"]

WINDOW_TOKENS = 32_768
_WORDS = (
    "the the the of of and and a to to in is was that it for on as with at by be from have not "
    "road bridge river walk dark before after spring closed open short long way home evening light "
    "town hill station train ticket letter answer question friend garden kitchen table window door "
    "bread coffee water winter summer morning yesterday tomorrow remember forget write read call "
    "project meeting release branch review deadline budget draft colour paper music concert piano "
    "small large quiet early late cheap broken new old red green usually never always perhaps"
).split()
"""Text that compresses about as well as people's does, which a repeated sentence would not."""


def _words(number: int, *, chars: int) -> str:
    choose = random.Random(number)  # the same words for the same number, whatever ran before
    said = ""
    while len(said) < chars:
        said += choose.choice(_WORDS) + choose.choice(("", "", "s", "ing", "ed", ",")) + " "
    return f"{said.strip().capitalize()}."


class Instant:
    """Answers without delay, in 300 characters; `note X` makes it edit a block first."""

    handle = "bench/instant"
    context_window = WINDOW_TOKENS

    def __init__(self) -> None:
        self._replies = [_words(number, chars=300) for number in range(997)]
        self._said = 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        last = request.messages[-1]
        verb, _, what = last.text.partition(" ")
        self._said += 1
        words = self._replies[self._said % len(self._replies)]
        parts: tuple[Part, ...] = (TextPart(words),)
        if last.role == "user" and verb == "note":
            now = NOTE.search(request.system)
            arguments = {
                "label": "human",
                "old_string": f"Last note: {now[1] if now else '?'}",
                "new_string": f"Last note: {what.split()[0].rstrip(',')}",
            }
            call_id = f"call-{request.message_id}"
            parts = (ToolCall(call_id, "memory_replace", json.dumps(arguments)),)
        calls = isinstance(parts[0], ToolCall)
        yield ModelReply(parts, "tool_calls" if calls else "stop", Usage(step_count=1))


def question(number: int, *, edits: bool = False) -> str:
    """Return what a person says: about 100 characters, all different."""
    return f"{f'note {number}, ' if edits else ''}{_words(number, chars=90)}"


def home_with(root: Path, messages: int) -> Home:
    """Make an agent with so many messages in recall, as somebody brings them from elsewhere.

    They come without any record of a run or a window.
    """
    home = make_home(root)
    records = [
        MessageRecord(
            0,
            Message(
                f"message-{number:08d}-0000-4000-8000-000000000000",
                "assistant" if number % 2 else "user",
                (TextPart(_words(number, chars=300) if number % 2 else question(number)),),
                "2026-01-01T09:00:00.000000+00:00",
            ),
        )
        for number in range(messages)
    ]
    if records:
        home.recall.append(records)
        begin_turn(root).close()  # commits them
    return home
