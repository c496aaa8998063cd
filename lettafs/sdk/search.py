"""Search, as a person asks for it: in all memories at once, with dates in words."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from lettafs.context.request import zone
from lettafs.errors import UsageProblem
from lettafs.home.home import Home
from lettafs.index.moments import UNKNOWN_US, day_or_moment, micros, moment_of
from lettafs.values.hit import Hit

if TYPE_CHECKING:
    from lettafs.index.wanted import Wanted

__all__ = ["ROLES", "SOURCES", "search"]

SOURCES = ("recall", "archival", "files")
ROLES = ("user", "assistant", "tool")

_READ_S = 10.0
"""How long files that have changed are read before those that are read have to do."""


def search(
    home: Home,
    query: str,
    *,
    now: datetime,
    sources: Sequence[str],
    k: int,
    page: int,
    since: str | None,
    until: str | None,
    roles: Sequence[str],
    conversation_id: str | None,
    tags: Sequence[str],
    all_tags: bool,
    exact: bool,
) -> list[Hit]:
    """Return what fits, best first; the arguments are those of `Agent.search`.

    Raises:
        UsageProblem: a date, a role, a page or a source makes no sense.
    """
    from lettafs.index.wanted import Wanted  # late: numpy, and many commands only know the names

    _refuse_unknown("to search", sources, SOURCES)
    _refuse_unknown("role", roles, ROLES)
    if page < 0 or k < 1:
        raise UsageProblem("Pages are counted from 0, and have one result at least.")
    where = zone(home.settings().agent.timezone)
    wanted = Wanted(
        zone=where,
        now=now.astimezone(where),
        since=day_or_moment(since, zone=where, end=False) if since else None,
        until=day_or_moment(until, zone=where, end=True) if until else None,
        roles=tuple(roles),
        conversation_id=conversation_id,
        tags=tuple(tags),
        all_tags=all_tags,
    )
    wants = [source for source in SOURCES if source in sources]
    if "files" in wants and home.has_files:
        home.files.refresh(for_s=_READ_S)
    if len(wants) == 1:
        return _found(home, wants[0], query, wanted, limit=k, skip=page * k, exact=exact)

    def when(hit: Hit) -> int:
        moment = moment_of(hit.created_at, zone=where)
        return UNKNOWN_US if moment is None else micros(moment)

    # A hit of either may be the best of all, so that each is asked for every page up to this one.
    asked = (page + 1) * k
    lists = [_found(home, w, query, wanted, limit=asked, skip=0, exact=exact) for w in wants]
    if exact or not query.strip():
        # Merged, not sorted: each list keeps its order, so that no page repeats or misses a hit.
        merged = list(heapq.merge(*lists, key=when, reverse=True))
    else:
        merged = list(heapq.merge(*(_placed(query, hits) for hits in lists), key=_negative))
    return merged[page * k : asked]


def _found(
    home: Home, source: str, query: str, wanted: Wanted, *, limit: int, skip: int, exact: bool
) -> list[Hit]:
    """Return what fits in one memory."""
    match source:
        case "recall":
            return home.finder.messages(query, wanted, limit=limit, skip=skip, exact=exact)
        case "archival":
            return home.finder.passages(query, wanted, limit=limit, skip=skip, exact=exact)
        case _ if not home.has_files or not query.strip():
            return []
        case _:
            return home.files.find(
                query,
                now=wanted.now,
                limit=limit,
                skip=skip,
                exact=exact,
                files=_changed_within(home, wanted),
            )


def _changed_within(home: Home, wanted: Wanted) -> set[str] | None:
    """Return the files whose last change lies in the span that is wanted; None: any."""
    if wanted.since is None and wanted.until is None:
        return None
    first = float("-inf") if wanted.since is None else wanted.since.timestamp()
    last = float("inf") if wanted.until is None else wanted.until.timestamp()
    infos = home.files.listing()
    return {info.name for info in infos if first <= info.modified_ns / 1e9 <= last}


def _placed(query: str, hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits of one memory with scores that can be held against those of the other.

    Scores of the two are not comparable. How near a hit comes to the best of its own is, and how
    much of the question that best one holds: a memory that knows nothing of it has a best hit too.
    """
    from lettafs.index.ranking.literal import share_said  # late, as above

    if not hits:
        return []
    best = (0.5 + 0.5 * share_said(query, hits[0].text)) / hits[0].score
    return [replace(hit, score=hit.score * best) for hit in hits]


def _negative(hit: Hit) -> float:
    return -hit.score


def _refuse_unknown(what: str, given: Sequence[str], known: Sequence[str]) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown or not given:
        named = f"There is no {', '.join(unknown)} {what}" if unknown else f"Nothing {what}"
        raise UsageProblem(f"{named}: there are {', '.join(known)}.")
