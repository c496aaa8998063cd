"""A chatting child that can be killed: a server that has imported everything forks one per line.

Run as `python -m tests.support.chatting`. Each line it reads is JSON: `root` of the agent, `acks`
(a file) and `first` (the number of the first note). For each it starts a process, in a group of
its own, that says `note N` for N = first, first + 1, ... until it is killed, and answers with that
process's id.

What the child may rely on is written to `acks`, one JSON line by one `write`, which survives the
kill: `user` and `assistant` with the message's id when it was said to be kept, `memory` with N when
a note was said to be in memory. A traceback of any other end goes there as `error`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from lettafs.home.home import open_home
from lettafs.values.event import Event, MemoryChanged, MessageAdded
from tests.support.homes import NOTE, Scribe, make_home, say

__all__ = ["Chatter", "read_acks"]


def chat(root: Path, acks: int, first: int) -> None:
    """Say one note after the other, for ever."""

    def tell(**fact: Any) -> None:
        os.write(acks, json.dumps(fact).encode() + b"\n")

    def each(event: Event) -> None:
        match event:
            case MessageAdded(message=message) if message.role != "tool":
                tell(**{message.role: message.id})
            case MemoryChanged(after=after):
                note = NOTE.search(after or "")
                tell(memory=int(note[1]) if note else -1)

    home = open_home(root)
    model = Scribe()
    number = first
    while True:
        say(home, f"note {number}", model=model, each=each)
        number += 1


def serve() -> None:
    _import_all()
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        ready, begun = os.pipe()
        child = os.fork()
        if child == 0:
            os.setsid()
            acks = os.open(asked["acks"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.write(begun, b".")
            try:
                chat(Path(asked["root"]), acks, asked["first"])
            except BaseException:
                os.write(acks, json.dumps({"error": traceback.format_exc()}).encode() + b"\n")
            os._exit(1)
        os.close(begun)
        os.read(ready, 1)
        os.close(ready)
        print(child, flush=True)
        sys.stdin.readline()  # the parent says when it has killed it
        os.waitpid(child, 0)
        print("gone", flush=True)


def _import_all() -> None:
    """Have one turn, so that a child does not spend its short life importing."""
    with tempfile.TemporaryDirectory() as place:
        make_home(Path(place) / "warm")
        say(Path(place) / "warm", "note 1")


class Chatter:
    """The parent's side; also a context manager."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.support.chatting"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).resolve().parent.parent.parent,
            text=True,
        )
        self._child: int | None = None
        assert self._server.stdout is not None
        assert self._server.stdout.readline() == "ready\n"

    def start(self, root: Path, acks: Path, *, first: int) -> None:
        """Begin a chat; returns once the process is there."""
        self._child = int(self._ask({"root": str(root), "acks": str(acks), "first": first}))

    def kill(self) -> None:
        """End the process, and every process it has started, at this very moment."""
        assert self._child is not None, "nothing was started"
        os.killpg(self._child, signal.SIGKILL)
        assert self._ask({}) == "gone"
        self._child = None

    def _ask(self, line: dict[str, Any]) -> str:
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.write(json.dumps(line) + "\n")
        self._server.stdin.flush()
        return self._server.stdout.readline().strip()

    def __enter__(self) -> Chatter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._child is not None:
            self.kill()
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.close()
        self._server.stdout.close()
        self._server.wait(timeout=10)


def read_acks(path: Path) -> list[dict[str, Any]]:
    """Return what a child wrote; a line the kill cut in half was never said."""
    data = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in data.split(b"\n")[:-1]]


if __name__ == "__main__":
    serve()
