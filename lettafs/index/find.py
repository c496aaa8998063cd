"""Finding messages and passages: filters, then words."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, time, tzinfo
from typing import TYPE_CHECKING

from lettafs.errors import UsageProblem
from lettafs.values.hit import Hit
from lettafs.values.message import Message
from lettafs.values.passage import Passage
from lettafs.values.told import told

if TYPE_CHECKING:
    from lettafs.index.scan import Scored

__all__ = ["day_or_moment", "find_messages", "find_passages", "moment_of"]

_ECHOES = frozenset({"conversation_search"})
"""Tools whose returns repeat what was said: to find them again would only hide it."""


def day_or_moment(text: str, *, zone: tzinfo, end: bool) -> datetime:
    """Return a moment from an ISO date or date and time, in the agent's time zone.

    A date alone means its beginning or, with `end`, its last microsecond.

    Raises:
        UsageProblem: it is neither.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise UsageProblem(
            f"{text!r} is no date. Write it as 2026-03-01 or 2026-03-01T14:30."
        ) from error
    if len(text.strip()) <= 10 and end:
        moment = datetime.combine(moment.date(), time.max)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def moment_of(created_at: str, *, zone: tzinfo) -> datetime | None:
    """Return when something was made, in a time zone; None for a time nobody can read.

    Times in files are opaque: a person may have written one, with or without an offset.
    """
    try:
        moment = datetime.fromisoformat(created_at)
        return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)
    except (ValueError, OverflowError):
        return None


def _within(created_at: str, since: datetime | None, until: datetime | None) -> bool:
    if since is None and until is None:
        return True
    zone = (since or until or datetime.max).tzinfo
    assert zone is not None, "day_or_moment gives times with a zone"
    moment = moment_of(created_at, zone=zone)
    if moment is None:
        return False
    return (since is None or moment >= since) and (until is None or moment <= until)


def find_messages(
    messages: Iterable[Message],
    query: str,
    *,
    limit: int,
    roles: Collection[str] = ("user", "assistant"),
    since: datetime | None = None,
    until: datetime | None = None,
    skip: Collection[str] = (),
    literal: bool = False,
) -> list[Hit]:
    """Return the messages that fit, best first; without a query the newest first.

    Rows lettafs wrote itself and messages without words are never found.
    """
    pool = [
        (message, said)
        for message in messages
        if message.role in roles
        and message.kind == "message"
        and message.id not in skip
        and (said := _said(message))
        and _within(message.created_at, since, until)
    ]
    scored = _score(query, [said for _, said in pool], literal=literal)
    return [
        Hit("recall", m.id, m.created_at, said, s.score, role=m.role)
        for s in scored[:limit]
        for m, said in [pool[s.index]]
    ]


def _said(message: Message) -> str:
    """Return what was said: text, or what an agent of the older types told send_message.

    What such an agent wrote beside that call is a thought, and nobody heard it.
    """
    if message.role == "tool":
        backs = [back for back in message.tool_returns if back.name not in _ECHOES]
        return "\n".join(back.text for back in backs).strip()
    spoken = [call.arguments for call in message.tool_calls if call.name == "send_message"]
    if message.role != "assistant" or not spoken:
        return message.text.strip()
    return "\n".join(filter(None, map(told, spoken))).strip()


def find_passages(
    passages: Iterable[Passage],
    query: str,
    *,
    limit: int,
    tags: Collection[str] = (),
    match_all: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
    literal: bool = False,
) -> list[Hit]:
    """Return the passages that fit, best first."""
    pool = [
        passage
        for passage in passages
        if _within(passage.created_at, since, until)
        and (not tags or (all if match_all else any)(tag in passage.tags for tag in tags))
    ]
    texts = [f"{p.text}\n{' '.join(p.tags)}" for p in pool]
    scored = _score(query, texts, literal=literal)
    return [
        Hit("archival", p.id, p.created_at, p.text, s.score, tags=p.tags)
        for s in scored[:limit]
        for p in [pool[s.index]]
    ]


def _score(query: str, texts: list[str], *, literal: bool) -> list[Scored]:
    from lettafs.index import scan  # late: most turns search nothing, and its tables cost 10 ms

    if not query.strip():
        return [scan.Scored(i, 0.0) for i in range(len(texts) - 1, -1, -1)]
    return scan.exact(query, texts) if literal else scan.rank(query, texts)
