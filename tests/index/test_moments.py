"""Moments: dates people write, and times records carry."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from lettafs.errors import UsageProblem
from lettafs.index.moments import day_or_moment, micros, moment_of

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    "text, begins, ends",
    [
        ("2026-03-01", "2026-03-01T00:00:00+01:00", "2026-03-01T23:59:59.999999+01:00"),
        (" 2026-03-01 ", "2026-03-01T00:00:00+01:00", "2026-03-01T23:59:59.999999+01:00"),
        ("20260301", "2026-03-01T00:00:00+01:00", "2026-03-01T23:59:59.999999+01:00"),
        ("2026-07-01", "2026-07-01T00:00:00+02:00", "2026-07-01T23:59:59.999999+02:00"),
        ("2026-03-01T14:30", "2026-03-01T14:30:00+01:00", "2026-03-01T14:30:00+01:00"),
        ("2026-03-01 14:30:05", "2026-03-01T14:30:05+01:00", "2026-03-01T14:30:05+01:00"),
        ("2026-03-01T14:30Z", "2026-03-01T14:30:00+00:00", "2026-03-01T14:30:00+00:00"),
    ],
)
def test_date_alone_is_its_whole_day(text: str, begins: str, ends: str) -> None:
    assert day_or_moment(text, zone=BERLIN, end=False).isoformat() == begins
    assert day_or_moment(text, zone=BERLIN, end=True).isoformat() == ends


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "01.03.2026", "14:30"])
def test_what_is_no_date_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(UsageProblem, match="Write it as 2026-03-01"):
        day_or_moment(text, zone=BERLIN, end=False)


def test_time_of_a_record_is_read_in_the_zone_where_it_names_none() -> None:
    assert moment_of("2026-03-01T12:00:00", zone=BERLIN) == datetime(2026, 3, 1, 11, tzinfo=UTC)
    assert moment_of("in spring", zone=BERLIN) is None
    assert moment_of("0001-01-01T00:00:00+14:00", zone=BERLIN) is None


def test_microseconds_are_counted_from_1970() -> None:
    assert micros(datetime(1970, 1, 1, 1, tzinfo=BERLIN)) == 0
    assert micros(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1
