"""Dates: the days, months and years a question names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

from lettafs.index.moments import micros

__all__ = ["Span", "dates_in"]

Unit = Literal["day", "week", "month", "year"]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time a question names."""

    start_us: int
    """Its first microsecond, from 1970-01-01 UTC."""
    end_us: int
    """The first microsecond after it."""
    unit: Unit
    """How closely it is named."""
    at: tuple[int, int]
    """Where it stands in the question."""


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DAY = r"(?P<day>0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_FORMS = tuple(
    re.compile(rf"(?<![\w.-]){form}(?![\w-])", re.IGNORECASE)
    for form in (
        rf"{_YEAR}[-/.](?P<number>0?[1-9]|1[0-2])[-/.]{_DAY}",
        rf"{_YEAR}[-/](?P<number>0[1-9]|1[0-2])",
        rf"{_DAY}\.(?P<number>0?[1-9]|1[0-2])\.{_YEAR}",
        rf"(?:the )?{_DAY}(?: of)? {_MONTH}(?:,? {_YEAR})?",
        rf"{_MONTH} (?:the )?{_DAY}(?:,? {_YEAR})?",
        rf"{_MONTH}(?: of|,)? {_YEAR}",
        rf"(?:in|during|of|since|last|this|early|late|mid) {_MONTH}",
        _YEAR,
    )
)
"""Tried in order at every place: a longer form before what it holds.

Day.month.year is read, day/month/year is not: half the world writes it the other way round.
A month without a year needs a word before it, since May is a name and march a verb.
"""

_RELATIVE = re.compile(
    r"\b(?P<phrase>day before yesterday|yesterday|today|tonight|this (?:morning|week|month|year)"
    rf"|last (?:night|week|month|year|{'|'.join(_DAYS)})"
    r"|(?P<count>\d{1,3}|a|one|two|three|four|five|six) (?P<unit>day|week|month|year)s? ago)\b",
    re.IGNORECASE,
)
_LOOKED_AT_CHARS = 4_000
_MOST = 8
"""Dates of one question; a pasted log has hundreds, and means none of them."""
_COUNTS = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}


def dates_in(text: str, *, now: datetime | None = None) -> tuple[Span, ...]:
    """Return the dates a text names, in order; of a long text the first ones.

    `now` gives the time zone of days (else UTC), the year of dates without one, and what
    "yesterday" means; without it such dates are not read.
    """
    zone = UTC if now is None or now.tzinfo is None else now.tzinfo
    today = None if now is None else now.astimezone(zone).date()
    found: list[Span] = []
    taken: list[tuple[int, int]] = []
    for span in _named(text[:_LOOKED_AT_CHARS], zone, today, taken):
        found.append(span)
        taken.append(span.at)
    return tuple(sorted(found, key=lambda span: span.at)[:_MOST])


def _named(
    text: str, zone: tzinfo, today: date | None, taken: list[tuple[int, int]]
) -> Iterator[Span]:
    for form in _FORMS:
        for match in form.finditer(text):
            if any(match.start() < end and start < match.end() for start, end in taken):
                continue
            read = _read(match, today)
            if read is not None:
                yield _span(*read, zone, match.span())
    if today is None:
        return
    for match in _RELATIVE.finditer(text):
        if not any(match.start() < end and start < match.end() for start, end in taken):
            yield _span(*_ago(match, today), zone, match.span())


def _read(match: re.Match[str], today: date | None) -> tuple[date, Unit] | None:
    """Return the first day of what a form names, and how closely; None for a day there is not."""
    parts = match.groupdict()
    month = 0
    if parts.get("number"):
        month = int(parts["number"])
    elif parts.get("month"):
        month = _MONTHS.index(parts["month"][:3].lower()) + 1
    day = int(parts["day"]) if parts.get("day") else 0
    try:
        if parts.get("year"):
            first = date(int(parts["year"]), month or 1, day or 1)
        elif today is None:
            return None
        else:  # the last one there was
            first = date(today.year, month, day or 1)
            first = first if first <= today else date(today.year - 1, month, day or 1)
    except ValueError:
        return None
    return first, "day" if day else "month" if month else "year"


def _ago(match: re.Match[str], today: date) -> tuple[date, Unit]:
    phrase = match["phrase"].lower()
    if match["unit"]:
        count = _COUNTS.get(match["count"].lower()) or int(match["count"])
        return _back(today, count, match["unit"].lower())
    if phrase in ("today", "tonight", "this morning"):
        return today, "day"
    if phrase in ("yesterday", "last night"):
        return today - timedelta(days=1), "day"
    if phrase.startswith("day before"):
        return today - timedelta(days=2), "day"
    which, _, unit = phrase.partition(" ")
    if unit in _DAYS:
        return today - timedelta(days=(today.weekday() - _DAYS.index(unit) - 1) % 7 + 1), "day"
    return _back(today, 1 if which == "last" else 0, unit)


def _back(today: date, count: int, unit: str) -> tuple[date, Unit]:
    steps: dict[str, Callable[[], tuple[date, Unit]]] = {
        "day": lambda: (today - timedelta(days=count), "day"),
        "week": lambda: (today - timedelta(days=today.weekday() + 7 * count), "week"),
        "month": lambda: (_month(today.year * 12 + today.month - 1 - count), "month"),
        "year": lambda: (date(max(1, today.year - count), 1, 1), "year"),
    }
    return steps[unit]()


def _month(number: int) -> date:
    return date(max(1, number // 12), number % 12 + 1, 1)


def _span(first: date, unit: Unit, zone: tzinfo, at: tuple[int, int]) -> Span:
    after = {
        "day": lambda: first + timedelta(days=1),
        "week": lambda: first + timedelta(days=7),
        "month": lambda: _month(first.year * 12 + first.month),
        "year": lambda: date(first.year + 1, 1, 1),
    }[unit]()
    start, end = (micros(datetime.combine(day, time.min, zone)) for day in (first, after))
    return Span(start, end, unit, at)
