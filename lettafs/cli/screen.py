"""A terminal in two parts: what is printed stays, and under it a tail that is redrawn.

The tail never grows taller than the window, so that redrawing it cannot leave a copy in the
scrollback; what it shows is printed whole above it once it is finished.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import (
    Console,
    ConsoleOptions,
    Group,
    RenderableType,
    RenderResult,
)
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from lettafs.cli.line import Line, LineStyle

__all__ = ["Lines", "Screen", "console_for"]

_SPARE_ROWS = 3
"""Rows of the window that the tail leaves free, so that a line above it stays in sight."""


def console_for(*, stderr: bool = False) -> Console:
    """Return a console that takes text as it is: no markup, no emoji codes, no highlighting."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


_STYLES: Final[dict[LineStyle, str]] = {
    "plain": "",
    "bold": "bold",
    "dim": "dim",
    "added": "green",
    "removed": "red",
    "warning": "yellow",
}


class Lines:
    """Renders something without the blanks that fill its lines up, and only its last lines.

    Lines that are full of blanks would fold when the window grows narrower, and come along when
    they are copied.
    """

    def __init__(
        self, shown: RenderableType, *, last: int | None = None, bare: bool = False
    ) -> None:
        self._shown = shown
        self._last = last
        self._bare = bare
        """Whether empty lines above and below are left out: the screen decides about gaps."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the segments of the lines."""
        lines = console.render_lines(self._shown, options.update(height=None), pad=False)
        lines = [_trimmed(line) for line in lines]
        if self._bare:
            full = [number for number, line in enumerate(lines) if line]
            lines = lines[full[0] : full[-1] + 1] if full else []
        for line in lines if self._last is None else lines[-self._last :]:
            yield from line
            yield Segment.line()


def _trimmed(line: list[Segment]) -> list[Segment]:
    """Return the line without blanks at its end that show nothing."""
    kept = list(line)
    while kept:
        text, style, _ = kept[-1]
        if style is not None and style.bgcolor is not None:
            break
        bare = text.rstrip(" ")
        if bare:
            kept[-1] = Segment(bare, style)
            break
        kept.pop()
    return kept


class Screen:
    """Prints for good, and keeps a tail under what is printed."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.redraws = console.is_terminal and not console.is_dumb_terminal
        """Whether there can be a tail at all."""
        self._live: Live | None = None
        self._above_blank = True

    def print(self, *shown: RenderableType, wrap: bool = True) -> None:
        """Print above the tail, for good."""
        for one in shown:
            if wrap:
                self.console.print(Lines(one), end="")
            else:  # the terminal folds the line: it stays one line when it is copied
                self.console.print(one, soft_wrap=True)
            self._above_blank = False

    def lines(self, lines: Iterable[Line], *, wrap: bool = False) -> None:
        """Print lines above the tail, for good, each as it is styled."""
        for line in lines:
            self.print(Text(line.text, style=_STYLES[line.style]), wrap=wrap)

    def touched(self) -> None:
        """Note that something else has written: a prompt, an editor."""
        self._above_blank = False

    def gap(self) -> None:
        """Leave one blank line above what comes next, unless there is one."""
        if not self._above_blank:
            self.console.print()
            self._above_blank = True

    def tail(self, shown: Iterable[RenderableType]) -> None:
        """Show this, and nothing else, as the tail; without anything there is no tail."""
        parts = list(shown)
        if not self.redraws:
            return
        if not parts:
            self.close()
            return
        height = max(self.console.height - _SPARE_ROWS, 1)
        # A tail right under printed text gets the blank line that the text will have.
        gap = [] if self._above_blank else [Text()]
        lines = Lines(Group(*gap, *parts), last=height)
        if self._live is None:
            self._live = Live(
                lines,
                console=self.console,
                auto_refresh=False,  # one thread writes to the terminal: ours
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
                vertical_overflow="crop",
            )
            self._live.start(refresh=True)
        else:
            self._live.update(lines, refresh=True)

    def close(self) -> None:
        """Take the tail away and leave the cursor where the next print goes."""
        if self._live is not None:
            live, self._live = self._live, None
            live.stop()
