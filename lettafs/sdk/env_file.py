"""The agent's own `.env`: keys for providers that belong to this agent and not to the person."""

from __future__ import annotations

from pathlib import Path

from lettafs.disk import atomic
from lettafs.errors import LettafsError, ModelProblem
from lettafs.format import layout

__all__ = ["read_env_file"]


def read_env_file(root: Path) -> dict[str, str]:
    """Return what a home's `.env` says, read as `NAME=value` lines; nothing when there is none.

    `export` before a name, quotes around a value and a comment behind it are passed over.

    Raises:
        ModelProblem: the file cannot be read.
    """
    try:
        text = atomic.read_bytes(root / layout.ENV, max_bytes=2**16).decode("utf-8-sig")
    except FileNotFoundError:
        return {}
    except (LettafsError, UnicodeDecodeError) as error:
        raise ModelProblem(f"{root / layout.ENV} cannot be read: {error}") from error
    found = {}
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            found[name.strip()] = _value(value.strip())
    return found


def _value(text: str) -> str:
    if text[:1] in ('"', "'"):
        inside, closed, _ = text[1:].partition(text[0])
        if closed:
            return inside
    return text.partition(" #")[0].strip()
