"""Talking to an agent whose model plays a script, through the door everybody uses.

The clock, the pauses between tries and the model are the test's; all else is real.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.lowlevel

from lettafs.disk.git import Person
from lettafs.home.home import open_home
from lettafs.ids import new_uuid_id
from lettafs.llm.base import LanguageModel, ModelRequest
from lettafs.llm.scripted import ScriptedModel
from lettafs.loop.run import Caller
from lettafs.sdk.agent import Agent
from lettafs.sdk.answer import Answer
from lettafs.sdk.open import ModelChoice
from lettafs.values.event import Event, Notice, TextDelta
from lettafs.values.message import Message, ToolReturn
from tests.support.trees import home_from

__all__ = [
    "NOON",
    "Talk",
    "agent_of",
    "call",
    "calls",
    "notices",
    "of",
    "sent",
    "streamed",
    "talk_with",
    "text",
]

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
"""A Sunday."""

E = TypeVar("E", bound=Event)


class Talk:
    """One agent, its script, and what was heard and sent."""

    def __init__(self, root: Path, model: ScriptedModel) -> None:
        self.root = root
        self.model = model
        self.now = NOON
        self.slept: list[float] = []
        self.agent = agent_of(root, model, clock=self)

    @property
    def requests(self) -> list[ModelRequest]:
        """What the model was sent for a reply, call by call."""
        return [request for request in self.model.requests if request.purpose == "reply"]

    @property
    def summaries(self) -> list[ModelRequest]:
        """What it was asked to sum up."""
        return [request for request in self.model.requests if request.purpose == "summary"]

    def hear(self, words: str = "Hello.", *, max_steps: int | None = None) -> list[Event]:
        """Say something and return every event."""

        async def listen() -> list[Event]:
            events = self.agent.stream(words, max_steps=max_steps)
            async with aclosing(events):
                return [event async for event in events]

        return anyio.run(listen)

    def say(self, words: str = "Hello.", *, max_steps: int | None = None) -> Answer:
        """Say something and return the answer."""
        return self.agent.send(words, max_steps=max_steps)

    def value(self, label: str = "human") -> str:
        """Return what a block says."""
        return self.agent.block(label).value

    def returns(self) -> list[ToolReturn]:
        """Return every tool return of the conversation."""
        return [part for message in self.agent.messages(1000) for part in message.tool_returns]


def agent_of(root: Path, model: LanguageModel, *, clock: Talk | None = None) -> Agent:
    """Return the agent at `root`, answered for by this model."""

    async def sleep(seconds: float) -> None:
        if clock is not None:
            clock.slept.append(seconds)
        await anyio.lowlevel.checkpoint()

    return Agent(
        open_home(root),
        caller=Caller(
            now=lambda: clock.now if clock is not None else NOON,
            new_id=new_uuid_id,
            person=Person("Pat", "pat@example.com"),
            about={"cmd": "test"},
            sleep=sleep,
            jitter=lambda: 0.5,
        ),
        choose=lambda handle, url: ModelChoice(model.handle, "named by the test"),
        load=lambda choice: model,
        reopen=lambda path: agent_of(path, model),
    )


def talk_with(
    root: Path, *replies: dict[str, Any], home: str = "", kind: str = "letta_v1_agent", **top: Any
) -> Talk:
    """Make a home and return a talk with it.

    Args:
        root: where the home is made.
        replies: the script.
        home: files, as `home_from` reads them; what it does not say is the usual.
        kind: the agent type.
        top: `context_window` of the model, and `settings`, more lines of agent.toml.
    """
    settings = top.get("settings", "")
    files = {
        "agent.toml": f'name = "Ada"\ntype = "{kind}"\n{settings}',
        "system.md": "You are Ada.\n",
        "memory/persona.md": "---\ndescription: Who I am.\n---\nI am Ada.\n",
        "memory/human.md": "---\ndescription: Who they are.\n---\nHer name is Chad.\n",
    }
    usual = "".join(
        f"--- {path}\n{body}" for path, body in files.items() if f"--- {path}\n" not in home
    )
    home_from(usual + home, root)
    model = ScriptedModel(replies, context_window=top.get("context_window", 32_768))
    return Talk(root, model)


def text(words: str, **fields: Any) -> dict[str, Any]:
    """Return a script line that says something."""
    return {"text": words, **fields}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """Return a script line with one tool call."""
    return calls((name, arguments))


def calls(*made: tuple[str, dict[str, Any] | str], **fields: Any) -> dict[str, Any]:
    """Return a script line with several tool calls."""
    listed = [{"name": name, "arguments": arguments} for name, arguments in made]
    return {"tool_calls": listed, **fields}


def of(events: Sequence[Event], kind: type[E]) -> list[E]:
    """Return the events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def notices(events: Sequence[Event]) -> list[str]:
    """Return the codes of the notices."""
    return [event.code for event in of(events, Notice)]


def streamed(events: Sequence[Event]) -> str:
    """Return the words that came as deltas."""
    return "".join(event.text for event in of(events, TextDelta))


def sent(request: ModelRequest) -> list[str]:
    """Return a request's messages, each as one line that two equal messages share."""
    return [_line(message) for message in request.messages]


def _line(message: Message) -> str:
    shown = [message.role, message.text]
    shown += [f"{made.name}({made.arguments})" for made in message.tool_calls]
    shown += [f"{back.status}: {back.text}" for back in message.tool_returns]
    return json.dumps([message.id, *shown], ensure_ascii=False)
