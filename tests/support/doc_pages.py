"""The examples of our pages: found, run in order, and compared with what the page shows.

A page's examples are one story, told in one directory, with `samples` in it as in a clone:

- a `console` block holds commands (`$ ` begins one, `> ` goes on with it) and, below each, what it
  prints; a command below which nothing stands may print anything. `console fails` expects the last
  command to fail, every other command must succeed;
- a `python` block is a program; a `text` block right below it is what it prints.

Times, commits and ids differ from run to run: a page shows some that were real once, and the first
time one of ours meets one of the page's, it takes its place in everything that follows, also in
commands. `...` stands for any text within a line, and alone on a line for any lines.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Example", "Fence", "Story", "examples", "fences", "matches", "pages"]

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_TIME = re.compile(r"\b\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?(?:\+\d\d:\d\d)?)?)?")
_ID = re.compile(
    r"\b(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{7,40})\b"
)
_MARK = "--- end of command:"


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block of a page."""

    page: Path
    line: int
    """Of the opening fence; 1 is the page's first."""
    kind: str
    """The first word behind the fence: `console`, `python`, ..."""
    flags: frozenset[str]
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True, slots=True)
class Example:
    """Something to run."""

    place: str
    kind: str
    code: str
    shown: str | None
    """What it prints, says the page; None: the page does not say."""
    fails: bool = False


def pages() -> list[Path]:
    """Return every page people read, in the order of their names."""
    docs = sorted((ROOT / "docs").rglob("*.md"))
    return [ROOT / "README.md", *docs, ROOT / "samples" / "README.md"]


def fences(page: Path) -> list[Fence]:
    """Return the fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        kind, *flags = match["info"].split() or [""]
        line = text.count("\n", 0, match.start()) + 1
        found.append(Fence(page, line, kind, frozenset(flags), match["text"]))
    return found


def examples(page: Path) -> list[Example]:
    """Return what is to be run on a page, in order."""
    found: list[Example] = []
    blocks = fences(page)
    for number, fence in enumerate(blocks):
        if fence.kind == "console":
            found += _commands(fence)
        elif fence.kind == "python":
            after = blocks[number + 1] if number + 1 < len(blocks) else None
            shown = after.text.rstrip("\n") if after is not None and after.kind == "text" else None
            found.append(Example(fence.place, "python", fence.text, shown))
    return found


def _commands(fence: Fence) -> Iterator[Example]:
    commands: list[tuple[int, list[str], list[str]]] = []
    for offset, line in enumerate(fence.text.splitlines(), 1):
        if line.startswith("$ "):
            commands.append((fence.line + offset, [line[2:]], []))
        elif line.startswith("> ") and commands and not commands[-1][2]:
            commands[-1][1].append(line[2:])
        else:
            assert commands, f"{fence.place}: a console block begins with a command"
            commands[-1][2].append(line)
    page = fence.page.relative_to(ROOT)
    for number, (at, code, shown) in enumerate(commands, 1):
        fails = "fails" in fence.flags and number == len(commands)
        text = "\n".join(shown) if shown else None
        yield Example(f"{page}:{at}", "console", "\n".join(code), text, fails)


def matches(shown: str, printed: str) -> bool:
    """Tell whether what was printed is what the page shows, `...` standing for anything."""
    pattern = ""
    for line in shown.strip("\n").split("\n"):
        if line.strip() == "...":
            pattern += r"(?:[^\n]*\n)*"
        else:
            pattern += ".*".join(re.escape(part) for part in line.rstrip().split("...")) + r" *\n"
    text = "\n".join(line.rstrip() for line in printed.strip("\n").split("\n")) + "\n"
    return re.fullmatch(pattern, text) is not None


class Story:
    """One shell in one directory, in which a page's examples run one after the other."""

    def __init__(self, directory: Path, env: Mapping[str, str]) -> None:
        self._directory = directory
        self._ours: dict[str, str] = {}
        """By an id of the page: ours."""
        tools = directory.parent / f"{directory.name}-tools"
        tools.mkdir()
        for name, line in (
            ("lettafs", f'exec "{sys.executable}" -m lettafs "$@"'),
            ("python", f'exec "{sys.executable}" "$@"'),
        ):
            script = tools / name
            script.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
            script.chmod(0o755)
        shutil.copytree(ROOT / "samples", directory / "samples")
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            cwd=directory,
            env={
                **env,
                "PATH": f"{tools}:{env['PATH']}",
                "PYTHONPATH": str(ROOT),
                "PYTHONIOENCODING": "utf-8",
                # Some hundred programs start here: let them compile the package once.
                "PYTHONDONTWRITEBYTECODE": "",
            },
        )

    def close(self) -> None:
        """End the shell."""
        self._shell.kill()
        self._shell.wait()
        for stream in (self._shell.stdin, self._shell.stdout):
            if stream is not None:
                stream.close()

    def run(self, example: Example) -> None:
        """Run one example; fails the test when it does not do what the page shows."""
        code = self._with_our_ids(example.code)
        if example.kind == "python":
            program = self._directory.parent / f"{self._directory.name}-program.py"
            program.write_text(code, encoding="utf-8")
            code = f'python -W error "{program}"'
        printed, status = self._send(code)
        told = f"{example.place}: {example.code}\n{printed}"
        assert (status != 0) == example.fails, f"exit code {status}\n{told}"
        if example.shown is not None:
            self._learn(example.shown, printed)
            shown = self._with_our_ids(example.shown)
            assert matches(_timeless(shown), _timeless(printed)), (
                f"the page shows:\n{example.shown}\n\n{told}"
            )

    def _send(self, code: str) -> tuple[str, int]:
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"{{\n{code}\n}} </dev/null\nprintf '\\n{_MARK} %s\\n' $?\n")
        self._shell.stdin.flush()
        lines: list[str] = []
        for line in self._shell.stdout:
            if line.startswith(_MARK):
                text = "".join(lines).removesuffix("\n")
                return text, int(line.rpartition(" ")[2])
            lines.append(line)
        raise AssertionError(f"the shell ended in:\n{code}\n{''.join(lines)}")

    def _with_our_ids(self, text: str) -> str:
        return _ID.sub(lambda found: self._ours.get(found.group(), found.group()), text)

    def _learn(self, shown: str, printed: str) -> None:
        """Take note of which of our ids stands where the page has one of its own."""
        theirs, ours = _ID.findall(_TIME.sub("", shown)), _ID.findall(_TIME.sub("", printed))
        if "\n...\n" not in f"\n{shown}\n" and len(theirs) == len(ours):
            for old, new in zip(theirs, ours, strict=True):
                self._ours.setdefault(old, new)
        else:  # lines are left out: take those that can be told by their words
            for line in shown.split("\n"):
                words = _ID.sub("ID", _timeless(line))
                for other in printed.split("\n"):
                    if matches(words, _ID.sub("ID", _timeless(other))):
                        pairs = zip(_ID.findall(line), _ID.findall(other), strict=False)
                        for old, new in pairs:
                            self._ours.setdefault(old, new)
                        break


def _timeless(text: str) -> str:
    return _TIME.sub("TIME", text)


def environment(home: Path) -> dict[str, str]:
    """Return the environment of somebody new: no keys, no configuration, a git identity."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.endswith(("_API_KEY", "_BASE_URL")) and not name.startswith("GIT_")
    }
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Kim\n\temail = kim@example.com\n[init]\n\tdefaultBranch = main\n",
        encoding="utf-8",
    )
    return {**env, "HOME": str(home), "LANG": "C.UTF-8", "EDITOR": "true", "TZ": "UTC"}
