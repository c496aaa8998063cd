"""What commands share: their arguments, JSON output, and columns."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from lettafs.errors import UsageProblem

__all__ = [
    "agent_dir",
    "as_json",
    "columns",
    "given_text",
    "json_option",
    "json_text",
    "read_stdin",
    "text_in",
]

# JSON itself escapes the controls below 0x20, line feeds among them.
_UNSAFE = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

Command = TypeVar("Command", bound=Callable[..., Any])


def agent_dir(command: Command) -> Command:
    """Give a command the argument DIR, an agent's directory."""
    # Whether it can be read, opening it says, and better.
    kind = click.Path(path_type=Path, readable=False)
    return click.argument("agent_dir", metavar="DIR", type=kind)(command)


def json_option(command: Command) -> Command:
    """Give a reading command the option `--json`."""
    return click.option("--json", "json_output", is_flag=True, help="Print JSON.")(command)


def as_json(value: object) -> None:
    """Print a value as JSON: dataclasses become objects, paths and other things text."""
    click.echo(json_text(value, indent=2))


def json_text(value: object, *, indent: int | None = None) -> str:
    """Return a value as JSON that a terminal may show: what could steer one is escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=_plain)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def columns(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """Return rows as lines with aligned columns; the columns numbered in `right` end flush."""
    if not rows:
        return []
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def given_text(value: str, *, option: str) -> str:
    """Return an option's text: the value itself, or for `@FILE` what the file holds.

    Raises:
        UsageProblem: the file cannot be read, or is not UTF-8.
    """
    if not value.startswith("@"):
        return text_in(value)
    path = Path(value[1:])
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageProblem(f"{option}: {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageProblem(f"{option}: {path} is not UTF-8 text.") from error


def text_in(value: str) -> str:
    """Return an argument as text: bytes the locale could not read become U+FFFD."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def read_stdin() -> str:
    """Return all that stands on stdin, without the line ends that close it."""
    return text_in(sys.stdin.read()).rstrip("\r\n")


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
