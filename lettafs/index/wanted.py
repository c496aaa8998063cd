"""What a search may find, and in which order what it found is shown."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np
from numpy.typing import NDArray

from lettafs.index.documents import NAIVE
from lettafs.index.moments import UNKNOWN_US, micros
from lettafs.index.ranking.snippet import snippet

__all__ = ["Wanted", "best_first", "shown_of", "within"]

_FIRST = 2_048
"""So many of the best are put in order at first; nearly nobody asks for more."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages or passages may be found; what is None lets all through."""

    zone: tzinfo
    """The agent's: times without an offset are in it."""
    now: datetime
    """What `yesterday` in a question is counted from."""
    since: datetime | None = None
    until: datetime | None = None
    roles: Collection[str] = ("user", "assistant")
    conversation_id: str | None = None
    without_run: str | None = None
    """Messages of this run are left out: they are in front of the model."""
    again: Collection[str] = ()
    """Ids of messages of that run which are in front of the model no more."""
    partial: bool = True
    """Replies that broke off are found too."""
    tags: Collection[str] = ()
    all_tags: bool = False
    """True: a passage must have every one of `tags`, not just any."""
    snippet_chars: int = 240
    """How long the part of a text may be that is shown of a longer one."""


def within(times: NDArray[np.int64], flags: NDArray[np.int64], wanted: Wanted) -> NDArray[np.bool_]:
    """Return which times lie in the span that is wanted; one nobody can read lies in none.

    Args:
        times: microseconds UTC, or UNKNOWN_US.
        flags: with NAIVE where a time is in the agent's zone and only taken for UTC.
        wanted: whose `since` and `until` count, both inclusive.
    """
    if wanted.since is None and wanted.until is None:
        return np.ones(times.shape, np.bool_)
    exact = times.copy()
    for number in np.flatnonzero((flags & NAIVE != 0) & (times != UNKNOWN_US)):
        exact[number] = _in_zone(int(times[number]), wanted.zone)
    fits: NDArray[np.bool_] = exact != UNKNOWN_US
    if wanted.since is not None:
        fits = fits & (exact >= micros(wanted.since))
    if wanted.until is not None:
        fits = fits & (exact <= micros(wanted.until))
    return fits


def _in_zone(time_us: int, zone: tzinfo) -> int:
    try:
        there = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)
        return micros(there.replace(tzinfo=zone))
    except OverflowError:
        return UNKNOWN_US


def shown_of(text: str, query: str, wanted: Wanted, *, exact: bool) -> str:
    """Return the part of a text that is shown: around what was found in it."""
    if not exact:
        return snippet(text, query, limit_chars=wanted.snippet_chars)
    at = max(0, text.casefold().find(query.casefold()))
    start = max(0, at - max(0, wanted.snippet_chars - len(query)) // 2) if at else 0
    part = text[start : start + wanted.snippet_chars]
    return f"{'... ' if start else ''}{part}{' ...' if start + len(part) < len(text) else ''}"


def best_first(scores: NDArray[np.float32]) -> Iterator[int]:
    """Yield the numbers of what scores above 0, best first, the newer of equals first."""
    found = np.flatnonzero(scores > 0)
    if len(found) > _FIRST:
        least = np.partition(scores[found], -_FIRST)[-_FIRST]
        top = found[scores[found] >= least]
        yield from _ordered(scores, top)
        found = found[scores[found] < least]
    yield from _ordered(scores, found)


def _ordered(scores: NDArray[np.float32], numbers: NDArray[np.intp]) -> list[int]:
    ordered: list[int] = numbers[np.lexsort((-numbers, -scores[numbers]))].tolist()
    return ordered
