"""A bar on stderr for work that takes its time."""

from __future__ import annotations

import sys
import time

import click

from lettafs.sdk.agent import Agent
from lettafs.values.progress import Progress

__all__ = ["Bar", "keep_up_with_a_bar"]

_SHOW_AFTER_S = 0.5
"""Work that is done sooner shows nothing."""
_WIDTH = 24
_READING = "files"
"""What is read rather than indexed."""


class Bar:
    """Shows how far something is, on a terminal; elsewhere nothing."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._shown = False
        self._live = sys.stderr.isatty()

    def show(self, progress: Progress) -> None:
        """Take the newest state."""
        if not self._live or time.monotonic() - self._begun < _SHOW_AFTER_S:
            return
        share = min(progress.done / max(progress.total, 1), 1.0)
        full = "#" * int(share * _WIDTH)
        said = f"{progress.done:,} of {progress.total:,} {progress.what}"
        verb = "Reading" if progress.what == _READING else "Indexing"
        click.echo(f"\r\033[K{verb} [{full.ljust(_WIDTH)}] {said}", nl=False, err=True)
        self._shown = True

    def end(self) -> None:
        """Take the bar away."""
        if self._shown:
            click.echo("\r\033[K", nl=False, err=True)
            self._shown = False


def keep_up_with_a_bar(agent: Agent, *, vectors_for_s: float | None = None) -> None:
    """Bring an agent's indexes up to its files, and show how far that is."""
    bar = Bar()
    try:
        agent.keep_up(progress=bar.show, vectors_for_s=vectors_for_s)
    finally:
        bar.end()
