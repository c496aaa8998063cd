"""What the tests of the terminal share: a small terminal to look at, and agents to talk with."""

from __future__ import annotations

import codecs
import fcntl
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lettafs.cli.main import cli
from lettafs.sdk.open import create_agent

_SEQUENCE = re.compile(
    r"\x1b(?:\[([?>]?)([\d;]*)([ !-/]*)([@-~])|\]([^\x07\x1b]*)(?:\x07|\x1b\\)|[()].|.)"
)


class Terminal:
    """A terminal's screen and scrollback, as far as our programs use one."""

    def __init__(self, *, width: int = 80, height: int = 24) -> None:
        self.width, self.height = width, height
        self.scrollback: list[str] = []
        self._rows: list[list[str]] = [[]]
        self._x = self._y = 0
        self._pending = ""
        self.answers = ""
        """What the terminal would type back: the position it was asked for."""

    @property
    def lines(self) -> list[str]:
        """Everything a person can scroll through, without trailing space."""
        return self.scrollback + ["".join(row).rstrip() for row in self._rows]

    @property
    def text(self) -> str:
        return "\n".join(self.lines).rstrip()

    def feed(self, text: str) -> None:
        text, self._pending = self._pending + text, ""
        at = 0
        while at < len(text):
            char = text[at]
            if char == "\x1b":
                found = _SEQUENCE.match(text, at)
                if found is None or (
                    found.end() == len(text)
                    and len(found.group()) == 2
                    and found.group()[1] in "[]()"
                ):
                    self._pending = text[at:]
                    return
                self._sequence(found)
                at = found.end()
                continue
            self._char(char)
            at += 1

    def _char(self, char: str) -> None:
        if char == "\r":
            self._x = 0
        elif char == "\n":
            self._down()
        elif char == "\b":
            self._x = max(self._x - 1, 0)
        elif char >= " ":
            if self._x >= self.width:
                self._x = 0
                self._down()
            row = self._rows[self._y]
            row += [" "] * (self._x - len(row))
            row[self._x : self._x + 1] = [char]
            self._x += 1

    def _down(self) -> None:
        self._y += 1
        if self._y == len(self._rows):
            self._rows.append([])
        if len(self._rows) > self.height:
            self.scrollback.append("".join(self._rows.pop(0)).rstrip())
            self._y -= 1

    def _sequence(self, found: re.Match[str]) -> None:
        private, arguments, _, final = found[1], found[2], found[3], found[4]
        if final is None or private:
            return
        numbers = [int(number) if number else 0 for number in arguments.split(";")]
        by = max(numbers[0], 1)
        match final:
            case "A":
                self._y = max(self._y - by, 0)
            case "B":
                self._y = min(self._y + by, len(self._rows) - 1)
            case "C":
                self._x = min(self._x + by, self.width - 1)
            case "D":
                self._x = max(self._x - by, 0)
            case "G":
                self._x = by - 1
            case "H":
                self._y = min(by, len(self._rows)) - 1
                self._x = (numbers[1] or 1) - 1 if len(numbers) > 1 else 0
            case "J":
                self._erase_line(0)
                if numbers[0] == 2:
                    self._rows = [[] for _ in self._rows]
                else:
                    del self._rows[self._y + 1 :]
            case "K":
                self._erase_line(numbers[0])
            case "n":
                self.answers += f"\x1b[{self._y + 1};{self._x + 1}R"
            case _:
                pass

    def _erase_line(self, how: int) -> None:
        row = self._rows[self._y]
        if how == 0:
            del row[self._x :]
        elif how == 2:
            row.clear()


class Program:
    """A program that runs in a terminal, with somebody at the keyboard."""

    def __init__(self, arguments: list[str], *, env: Mapping[str, str], cwd: Path) -> None:
        ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._fd = ours
        self.terminal = Terminal()
        self.raw = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.process = subprocess.Popen(
            arguments,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(theirs)

    def type(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def wait_for(self, text: str, *, times: int = 1, bound_s: float = 20) -> None:
        """Wait until the text stands in the terminal so many times."""
        self.wait_until(
            lambda: self.terminal.text.count(text) >= times, f"{text!r}", bound_s=bound_s
        )

    def wait_for_prompt(self) -> None:
        """Wait until the last line is an empty prompt."""
        self.wait_until(lambda: self.terminal.text.endswith("\n>"), "the prompt")

    def wait_until(self, true: Callable[[], bool], what: str, *, bound_s: float = 20) -> None:
        until = time.monotonic() + bound_s
        while not true():
            if time.monotonic() > until or not self._read():
                raise AssertionError(
                    f"{what} never came; the terminal shows:\n{self.terminal.text}"
                )

    def ended(self, *, bound_s: float = 20) -> int:
        """Wait for the program's end; return its exit code."""
        until = time.monotonic() + bound_s
        while self._read() and time.monotonic() < until:
            pass
        return self.process.wait(max(until - time.monotonic(), 0.1))

    def _read(self) -> bool:
        """Take in what the program wrote; return False when it has gone."""
        if not select.select([self._fd], [], [], 0.1)[0]:
            return True
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # Linux: the other side of the terminal is closed
            return False
        text = self._decoder.decode(data)
        self.raw += text
        self.terminal.feed(text)
        if self.terminal.answers:
            self.type(self.terminal.answers)
            self.terminal.answers = ""
        return bool(data)

    def hang_up(self) -> None:
        """Close the terminal, as closing its window does."""
        os.close(self._fd)
        self._fd = -1

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self._fd >= 0:
            self.hang_up()


def _take_terminal() -> None:
    """Make the child's stdin its controlling terminal, so that Ctrl-C reaches it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def terminal() -> type[Terminal]:
    """The class of small terminals."""
    return Terminal


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment of our own, beyond what every test has; it is also this process's."""
    home = tmp_path / "person"
    (home / "config").mkdir(parents=True)
    ours = {
        "HOME": str(home),
        "LETTAFS_CONFIG_DIR": str(home / "config"),
        "LETTAFS_STATE_DIR": str(home / "state"),
        "LETTAFS_NO_REMOTE": "1",
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    for name in ("COLUMNS", "LINES", "NO_COLOR", "VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    return dict(os.environ)


@pytest.fixture
def program(surroundings: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """A function that starts `lettafs ARGUMENTS...` in a terminal."""
    started: list[Program] = []

    def start(*arguments: str, **env: str) -> Program:
        line = [sys.executable, "-m", "lettafs", *arguments]
        root = str(Path(__file__).parents[2])
        one = Program(line, env={**surroundings, "PYTHONPATH": root, **env}, cwd=tmp_path)
        started.append(one)
        return one

    yield start
    for one in started:
        one.close()


@pytest.fixture
def lettafs(surroundings: dict[str, str]) -> Callable[..., Result]:
    """A function that runs `lettafs ARGUMENTS...` with no terminal, and returns what came of it."""

    def run(*arguments: str | Path, stdin: str | None = None) -> Result:
        return CliRunner().invoke(cli, [str(one) for one in arguments], input=stdin)

    return run


@pytest.fixture
def ada(tmp_path: Path, surroundings: dict[str, str]) -> Path:
    """An agent whose human block says that the human is called Chad."""
    home = tmp_path / "ada"
    create_agent(
        home,
        name="Ada",
        model="lettafs/offline",
        persona="My name is Ada.",
        human="The human's name is Chad. They like vibe coding.",
        timezone="UTC",
    )
    return home


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., str]:
    """A function that writes a script and returns the handle of the model that plays it."""

    def write(*replies: Mapping[str, object]) -> str:
        file = tmp_path / "script.jsonl"
        lines = "".join(json.dumps(reply) + "\n" for reply in replies)
        file.write_text(lines, encoding="utf-8")
        return f"scripted:{file}"

    return write
