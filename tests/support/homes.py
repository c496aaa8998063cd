"""Homes for tests of the main path: made, talked to, looked at from outside.

What is looked at is read here with `json`, `zlib` and plain git, not with the code under test.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import uuid
import zlib
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel

from lettafs.disk.git import Person
from lettafs.errors import LettafsError
from lettafs.format import layout
from lettafs.home.begin import begin
from lettafs.home.create import create_home
from lettafs.home.home import Home, open_home
from lettafs.home.turn import Turn
from lettafs.ids import new_uuid_id
from lettafs.llm.base import LanguageModel, ModelEvent, ModelReply, ModelRequest
from lettafs.loop.run import Caller, run
from lettafs.sdk.agent import Agent
from lettafs.sdk.open import ModelChoice
from lettafs.values.agent import AgentSettings
from lettafs.values.block import Block
from lettafs.values.event import Event, MessageAdded
from lettafs.values.message import Message, Part, TextPart, ToolCall
from lettafs.values.problem import Problem
from lettafs.values.run import Usage

__all__ = [
    "CALLER",
    "NOTE",
    "PAT",
    "Scribe",
    "acknowledged",
    "agent_at",
    "begin_turn",
    "commits",
    "fsck",
    "git",
    "journal",
    "make_home",
    "message_ids",
    "noted",
    "overlaid",
    "problems",
    "say",
    "settled_problems",
    "texts",
    "tree_of",
]

PAT = Person("Pat", "pat@example.com")
CALLER = Caller(
    now=lambda: datetime.now(UTC),
    new_id=new_uuid_id,
    person=PAT,
    about={"cmd": "lettafs chat test"},
)
NOTE = re.compile(r"^Last note: (\S+)$", re.MULTILINE)


class Scribe:
    """A model that keeps no state: `note X` makes it edit memory, `keep X` store a passage.

    It replaces the line `Last note: ...` of the block `human` by `Last note: X`, as it stands in
    the prompt. To anything else it replies in words. `before_reply` is called first.
    """

    handle = "test/scribe"

    def __init__(
        self,
        *,
        context_window: int = 16_000,
        before_reply: Callable[[ModelRequest], None] = lambda request: None,
    ) -> None:
        self.context_window = context_window
        self.requests: list[ModelRequest] = []
        self._before_reply = before_reply

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        self.requests = [*self.requests[-50:], request]
        self._before_reply(request)
        await anyio.lowlevel.checkpoint()
        last = request.messages[-1]
        verb, _, what = last.text.partition(" ")
        arguments: dict[str, str] | None = None
        if last.role == "user" and verb == "note":
            now = NOTE.search(request.system)
            tool = "memory_replace"
            arguments = {
                "label": "human",
                "old_string": f"Last note: {now[1] if now else '?'}",
                "new_string": f"Last note: {what}",
            }
        elif last.role == "user" and verb == "keep":
            tool, arguments = "archival_memory_insert", {"content": what}
        parts: tuple[Part, ...] = (TextPart(f"Heard {len(last.text)} characters."),)
        if arguments is not None:
            parts = (ToolCall(f"call-{uuid.uuid4()}", tool, json.dumps(arguments)),)
        yield ModelReply(parts, "tool_calls" if arguments else "stop", Usage(step_count=1))


def make_home(root: Path, *, human: str = "Her name is Ada.\nLast note: 0\n") -> Home:
    """Make an agent with a persona and a human block."""
    return create_home(
        root,
        AgentSettings(name="Ada", id=new_uuid_id("agent")),
        system="You are Ada.",
        blocks=(Block("persona", "I am Ada.\n"), Block("human", human)),
        now=CALLER.now,
        new_id=CALLER.new_id,
        person=PAT,
        about=CALLER.about,
    )


def begin_turn(root: Path) -> Turn:
    return begin(
        open_home(root),
        now=CALLER.now,
        new_id=CALLER.new_id,
        person=CALLER.person,
        about=CALLER.about,
    )


def agent_at(root: Path, model: LanguageModel | None = None) -> Agent:
    """Return the agent at `root` as programs use it, answered for by `model`."""
    answers = model if model is not None else Scribe()
    return Agent(
        open_home(root),
        caller=CALLER,
        choose=lambda handle, url: ModelChoice(answers.handle, "named by the test"),
        load=lambda choice: answers,
        reopen=lambda path: agent_at(path, answers),
    )


def say(
    root: Path | Home,
    text: str,
    *,
    model: LanguageModel | None = None,
    each: Callable[[Event], None] = lambda event: None,
) -> list[Event]:
    """Say something and return the events; `each` is called with every one as it comes."""
    home = open_home(root) if isinstance(root, Path) else root
    events: list[Event] = []

    async def collect() -> None:
        stream = run(home, model=model or Scribe(), text=text, caller=CALLER)
        async for event in stream:
            events.append(event)
            each(event)

    anyio.run(collect)
    return events


def acknowledged(events: list[Event]) -> list[Message]:
    """Return the messages that were said to be kept."""
    return [event.message for event in events if isinstance(event, MessageAdded)]


# -- looking from outside -----------------------------------------------------------------------


def journal(root: Path, folder: str = "recall") -> list[dict[str, Any]]:
    """Return every record of a journal, having checked each line's form and checksum."""
    records: list[dict[str, Any]] = []
    for path in sorted((root / folder).glob("*.jsonl")):
        data = path.read_bytes()
        assert not data or data.endswith(b"\n"), f"{path} ends in half a line"
        for number, line in enumerate(data.split(b"\n")[:-1], 1):
            record = json.loads(line)
            body = line[: line.rindex(b',"crc":"')] + b"}"
            crc = f"{zlib.crc32(body):08x}"
            assert record.pop("crc") == crc, f"{path}:{number}: wrong checksum"
            records.append(record)
    return records


def message_ids(root: Path) -> list[str]:
    return [record["id"] for record in journal(root) if record["type"] == "message"]


def texts(root: Path, role: str = "user") -> list[str]:
    """Return the words of every message of a role, in order."""
    return [
        "".join(part["text"] for part in record["parts"] if part["type"] == "text")
        for record in journal(root)
        if record["type"] == "message" and record["role"] == role
    ]


def noted(root: Path) -> str:
    """Return what the line `Last note:` of the block `human` says."""
    found = NOTE.search((root / "memory" / "human.md").read_text(encoding="utf-8"))
    assert found is not None, "the block lost its line"
    return found[1]


def git(root: Path, *command: str, check: bool = True) -> str:
    """Run plain git in a home, as a person does, and return what it prints."""
    result = subprocess.run(
        ["git", "-C", str(root), *command],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        env={
            **os.environ,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Pat",
            "GIT_AUTHOR_EMAIL": "pat@example.com",
            "GIT_COMMITTER_NAME": "Pat",
            "GIT_COMMITTER_EMAIL": "pat@example.com",
            "GIT_EDITOR": "true",
        },
    )
    if check and result.returncode != 0:
        raise AssertionError(f"git {command} failed: {result.stderr.decode()}")
    return result.stdout.decode("utf-8", "replace")


def commits(root: Path) -> list[str]:
    """Return `AUTHOR: SUBJECT` of every commit, newest first."""
    return git(root, "log", "--topo-order", "--format=%an: %s").splitlines()


def fsck(root: Path) -> None:
    """Fail unless every object of the history is whole."""
    git(root, "fsck", "--strict", "--no-dangling", "--no-progress")


def problems(root: Path) -> list[Problem]:
    return agent_at(root).problems()


def settled_problems(root: Path) -> list[str]:
    """Return what the doctor says, in words."""
    return [f"{problem.code}: {problem}" for problem in problems(root)]


def tree_of(root: Path, *, below: str = "") -> dict[str, bytes]:
    """Return every file below `root`, `.git` and `.lettafs` too, by path."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted((root / below).rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


@contextmanager
def overlaid(**names: str) -> Iterator[None]:
    """Set environment variables while the block runs."""
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def only_ours(error: BaseException) -> None:
    """Fail unless an error is one of ours, with words for a person."""
    assert isinstance(error, LettafsError), repr(error)
    assert str(error).strip()
    assert layout.TEMP_PREFIX not in str(error)
