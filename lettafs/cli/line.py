"""A line to show, and how: said once, printed by click in a command and by rich in a chat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

import click

__all__ = ["Line", "LineStyle", "echo"]

LineStyle = Literal["plain", "bold", "dim", "added", "removed", "warning"]

_CLICK: Final[dict[LineStyle, dict[str, Any]]] = {
    "plain": {},
    "bold": {"bold": True},
    "dim": {"dim": True},
    "added": {"fg": "green"},
    "removed": {"fg": "red"},
    "warning": {"fg": "yellow"},
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text, cleaned, without its line feed."""

    text: str
    style: LineStyle = "plain"


def echo(lines: Iterable[Line], *, err: bool = False) -> None:
    """Print lines; coloured only where a terminal shows them."""
    for line in lines:
        click.secho(line.text, err=err, **_CLICK[line.style])
