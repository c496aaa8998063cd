"""Moments: the times people write and records carry."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo

from lettafs.errors import UsageProblem

__all__ = ["UNKNOWN_US", "day_or_moment", "micros", "moment_of"]

UNKNOWN_US = -(2**63)
"""In place of microseconds where a time cannot be read."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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


def micros(moment: datetime) -> int:
    """Return the microseconds from 1970-01-01 UTC to a moment that has an offset."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
