"""Dates that questions name."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from lettafs.index.moments import micros
from lettafs.index.ranking.dates import dates_in

NOW = datetime(2026, 3, 11, 9, tzinfo=UTC)  # a Wednesday


def read(text: str, *, now: datetime | None = None) -> list[tuple[str, str]]:
    """Return the first day of each date, and how closely it is named."""
    return [
        (datetime.fromtimestamp(span.start_us / 1e6, UTC).date().isoformat(), span.unit)
        for span in dates_in(text, now=now)
    ]


@pytest.mark.parametrize(
    "text, day, unit",
    [
        ("on 2023-05-07?", "2023-05-07", "day"),
        ("on 7 May 2023", "2023-05-07", "day"),
        ("on 7th of May, 2023", "2023-05-07", "day"),
        ("May 7, 2023", "2023-05-07", "day"),
        ("on Sept. 3rd 2023", "2023-09-03", "day"),
        ("am 7.5.2023", "2023-05-07", "day"),
        ("in May 2023", "2023-05-01", "month"),
        ("MAY, 2023", "2023-05-01", "month"),
        ("2023-05", "2023-05-01", "month"),
        ("back in 2022", "2022-01-01", "year"),
    ],
)
def test_date_is_read_in_the_forms_people_write(text: str, day: str, unit: str) -> None:
    assert read(text) == [(day, unit)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "May came along",
        "they march in line",
        "12 to 15",
        "v2023.1",
        "1234 2500",
    ],
)
def test_what_is_no_date_is_not_read(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    "text, day, unit",
    [
        ("What did I say yesterday?", "2026-03-10", "day"),
        ("the day before yesterday", "2026-03-09", "day"),
        ("today", "2026-03-11", "day"),
        ("last Friday", "2026-03-06", "day"),
        ("last Wednesday", "2026-03-04", "day"),
        ("three days ago", "2026-03-08", "day"),
        ("last week", "2026-03-02", "week"),
        ("2 weeks ago", "2026-02-23", "week"),
        ("last month", "2026-02-01", "month"),
        ("five months ago", "2025-10-01", "month"),
        ("this year", "2026-01-01", "year"),
        ("last year", "2025-01-01", "year"),
        ("on 7 May", "2025-05-07", "day"),
        ("on March 7", "2026-03-07", "day"),
        ("in June", "2025-06-01", "month"),
    ],
)
def test_day_counted_from_now_is_read_when_now_is_known(text: str, day: str, unit: str) -> None:
    assert read(text, now=NOW) == [(day, unit)]
    assert read(text) == []


def test_of_an_unclear_date_the_clear_part_is_read() -> None:
    assert read("30 February 2023") == [("2023-02-01", "month")]
    assert read("on 5/7/2023") == [("2023-01-01", "year")]


def test_two_dates_are_two_and_parts_of_one_are_not_read_again() -> None:
    assert read("between 7 May 2023 and June 2024") == [
        ("2023-05-07", "day"),
        ("2024-06-01", "month"),
    ]


def test_day_is_that_of_the_persons_own_zone() -> None:
    now = NOW.astimezone(ZoneInfo("Asia/Tokyo"))

    (span,) = dates_in("on 2026-03-01", now=now)

    assert span.start_us == micros(datetime(2026, 2, 28, 15, tzinfo=UTC))
    assert span.end_us - span.start_us == 86_400_000_000


def test_date_far_back_is_read_without_harm() -> None:
    assert dates_in("999 years ago", now=NOW)[0].unit == "year"
    assert dates_in("999 months ago", now=NOW)[0].unit == "month"
    assert dates_in("in 2099-12-31")[0].unit == "day"


def test_pasted_log_gives_few_dates() -> None:
    log = "\n".join(f"2023-05-{day % 28 + 1:02d} started" for day in range(3_000))

    assert len(dates_in(log, now=NOW)) == 8
