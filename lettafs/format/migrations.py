"""The format's versions: which one this lettafs writes, which it reads, and how an older one rises.

A directory says its number in `agent.toml`. An older one is brought up step by step; a newer one is
refused before anything else in it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lettafs.errors import FormatTooNew, NotAnAgent

__all__ = ["CURRENT_FORMAT", "FORMATS", "MIGRATIONS", "Migration", "check_format"]

FORMATS: Mapping[int, str] = {1: "the first"}
"""Every format there has been, each with its change in one line."""

CURRENT_FORMAT = max(FORMATS)
"""The format this lettafs writes."""

Migration = Callable[[Mapping[str, bytes]], Mapping[str, bytes]]
"""Takes the canonical files that have to change (path to bytes), returns them as they shall be."""

MIGRATIONS: Mapping[int, Migration] = {}
"""The step from each older format to the one after it. Empty: format 1 is the first."""


def check_format(number: int) -> None:
    """Return when this lettafs can read a directory of that format.

    Raises:
        FormatTooNew: a newer lettafs wrote it.
        NotAnAgent: there never was such a format.
    """
    if number > CURRENT_FORMAT:
        raise FormatTooNew(
            f"agent.toml: format {number} is newer than this lettafs knows (it knows up to "
            f"{CURRENT_FORMAT}); nothing was read or changed. Update lettafs to open this agent."
        )
    if number not in FORMATS:
        raise NotAnAgent(
            f"agent.toml: there is no format {number}; lettafs writes format {CURRENT_FORMAT}."
        )
