"""A conversation in a real terminal, recorded: `python -m tests.support.chat_recording`.

It types into `lettafs chat` inside tmux, saves a file as an editor would, and keeps what the screen
shows as `docs/chat.svg`. Nothing in the picture is written by hand.
"""

from __future__ import annotations

import html
import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.support.doc_pages import ROOT, environment

__all__ = ["PICTURE", "as_svg", "record", "words_of_screen", "words_of_svg"]

PICTURE = ROOT / "docs" / "chat.svg"
_WIDTH, _HEIGHT = 92, 44
_PATIENCE_S = 60.0
_COMMIT = re.compile(r"\b[0-9a-f]{7}\b")


class _Screen:
    """One tmux window with a shell in it."""

    def __init__(self, name: str, directory: Path, env: dict[str, str]) -> None:
        self._tmux = ["tmux", "-u", "-L", name, "-f", os.devnull]
        self._env = env
        size = ["-x", str(_WIDTH), "-y", str(_HEIGHT)]
        self._run(
            "new-session", "-d", *size, "-c", str(directory), "PS1='$ ' bash --noprofile --norc -i"
        )

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._tmux, *arguments],
            env=self._env,
            check=True,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=_PATIENCE_S,
        )
        return done.stdout

    def type(self, text: str) -> None:
        self._run("send-keys", "-l", text)
        self._run("send-keys", "Enter")

    def press(self, key: str) -> None:
        self._run("send-keys", key)

    def shows(self) -> str:
        return self._run("capture-pane", "-e", "-p", "-S", "-")

    def wait_for(self, seen: Callable[[list[str]], bool], what: str) -> None:
        until = time.monotonic() + _PATIENCE_S
        while not seen(words_of_screen(self.shows())):
            if time.monotonic() > until:
                raise AssertionError(f"the screen never showed {what}:\n{self.shows()}")
            time.sleep(0.05)

    def close(self) -> None:
        subprocess.run(
            [*self._tmux, "kill-server"], env=self._env, check=False, capture_output=True
        )


def record(directory: Path) -> str:
    """Hold the conversation; return what the terminal shows at its end, with its colours.

    Args:
        directory: an empty one, for the agent and for a person's configuration.
    """
    tools, home = directory / "tools", directory / "home"
    for folder in (tools, home, directory / "here"):
        folder.mkdir()
    lettafs = tools / "lettafs"
    lettafs.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lettafs "$@"\n', encoding="utf-8")
    lettafs.chmod(0o755)
    env = environment(home)
    env.update(
        PATH=f"{tools}:{env['PATH']}",
        PYTHONPATH=str(ROOT),
        LETTAFS_CONFIG_DIR=str(home / "config"),
        LETTAFS_STATE_DIR=str(home / "state"),
    )
    for name in ("NO_COLOR", "TMUX", "COLUMNS", "LINES"):
        env.pop(name, None)
    made = ["new", "ada", "--name", "Ada", "--model", "lettafs/offline"]
    human = ["--human", "The human's name is Chad. They like vibe coding."]
    here = directory / "here"
    subprocess.run(
        [str(lettafs), *made, *human], cwd=here, env=env, check=True, capture_output=True
    )
    screen = _Screen(f"lettafs-{os.getpid()}", here, env)
    try:
        _converse(screen, here / "ada" / "memory" / "human.md")
        return screen.shows()
    finally:
        screen.close()


def _converse(screen: _Screen, block: Path) -> None:
    def asks(lines: list[str]) -> bool:
        return lines[-1:] == [">"]

    # What is typed before the shell has said its prompt would be shown twice.
    screen.wait_for(lambda lines: lines[-1:] == ["$"], "the shell")
    screen.type("lettafs chat ada")
    screen.wait_for(asks, "a prompt")
    said = [
        "Hey, nice to meet you, my name is Brad.",
        "What am I building?",
        "I live in Atlantis.",
        "/undo",
        "/memory human",
    ]
    for number, text in enumerate(said):
        if number == 1:
            time.sleep(1)  # nobody saves a file in the instant a prompt appears
            saved = block.read_text(encoding="utf-8") + "\nThey are building a boat called Nadia."
            block.write_text(saved, encoding="utf-8")
            screen.wait_for(lambda lines: "· memory/human.md changed" in lines, "the change")
        screen.type(text)
        screen.wait_for(
            lambda lines, text=text: asks(lines) and f"> {text}" in lines,  # type: ignore[misc]
            f"an answer to {text!r}",
        )
    screen.press("C-d")
    screen.wait_for(lambda lines: lines[-1:] == ["$"], "the shell again")


def as_svg(screen: str) -> str:
    """Return a picture of a terminal that shows `screen`."""
    from rich._export_format import CONSOLE_SVG_FORMAT

    console = Console(
        record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True, color_system="256"
    )
    lines = screen.rstrip().split("\n")
    for line in lines[:-1]:  # the last one is the shell's prompt
        console.print(Text.from_ansi(line), soft_wrap=True)
    # The picture loads nothing from elsewhere: whoever looks has a fixed-width font.
    style = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    style = style.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace")
    return console.export_svg(title="lettafs chat", code_format=style, unique_id="chat")


def words_of_screen(screen: str) -> list[str]:
    """Return the lines of a screen without colours, commits and empty lines."""
    lines = (Text.from_ansi(line).plain for line in screen.split("\n"))
    return [_COMMIT.sub("COMMIT", line.rstrip()) for line in lines if line.strip()]


def words_of_svg(picture: str) -> list[str]:
    """Return the lines that a picture made by `as_svg` shows, likewise."""
    rows: dict[float, list[tuple[float, str]]] = {}
    pattern = r'<text class="chat-r\d+" x="([\d.]+)" y="([\d.]+)"[^>]*>(.*?)</text>'
    for x, y, text in re.findall(pattern, picture):
        rows.setdefault(float(y), []).append((float(x), html.unescape(text).replace("\xa0", " ")))
    found = []
    for _, pieces in sorted(rows.items()):
        line = ""
        for x, text in sorted(pieces):
            line = line.ljust(round(x / 12.2)) + text  # 12.2: a character's width in these pictures
        found.append(_COMMIT.sub("COMMIT", line.rstrip()))
    return [line for line in found if line]


def main() -> int:
    """Record the conversation anew."""
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        screen = record(Path(directory))
    PICTURE.write_text(as_svg(screen), encoding="utf-8")
    print("\n".join(words_of_screen(screen)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
