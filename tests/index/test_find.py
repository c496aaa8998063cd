"""Finding messages and passages: dates and filters. (Their use is tested with the tools.)"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from lettafs.errors import UsageProblem
from lettafs.index.find import day_or_moment, find_messages, find_passages, moment_of
from lettafs.sdk.answer import said
from lettafs.tools.arguments import read_arguments
from lettafs.tools.messaging import SEND_MESSAGE
from lettafs.values.message import Message, TextPart, ToolCall
from lettafs.values.passage import Passage

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


def test_rows_lettafs_wrote_and_rows_without_words_are_not_found() -> None:
    def row(number: int, **fields: object) -> Message:
        parts = fields.pop("parts", (TextPart("tea"),))
        return Message(f"m{number}", "user", parts, "2026-03-01", **fields)  # type: ignore[arg-type]

    rows = [
        row(1),
        row(2, kind="heartbeat"),
        row(3, kind="summary"),
        row(4, parts=(TextPart(" "),)),
        row(5, parts=(ToolCall("c", "find", '{"query": "tea"}'),)),
    ]

    assert [hit.id for hit in find_messages(rows, "tea", limit=9)] == ["m1"]
    assert [hit.id for hit in find_messages(rows, "", limit=9)] == ["m1"]
    assert find_messages(rows, "tea", limit=9, skip={"m1"}) == []


@pytest.mark.parametrize(
    "arguments", ["", "[1]", "{}", '"message"', '{"message": ["a"]}', '{"message": null}']
)
def test_broken_send_message_says_nothing(arguments: str) -> None:
    row = Message("m", "assistant", (ToolCall("c", "send_message", arguments),), "2026-03-01")

    assert find_messages([row], "", limit=9) == []


@pytest.mark.parametrize(
    "arguments, words",
    [
        ('{"message": "Hi."}', "Hi."),
        ('{"message": 7, "request_heartbeat": false}', "7"),
        ('{"message": true}', "true"),
        ('{"message": "half \\ud83d."}', "half \ufffd."),
    ],
)
def test_what_is_found_is_what_the_tool_took_and_the_answer_shows(
    arguments: str, words: str
) -> None:
    row = Message("m", "assistant", (ToolCall("c", "send_message", arguments),), "2026-03-01")

    assert [hit.text for hit in find_messages([row], "", limit=9)] == [words]
    assert said([row]) == words
    own = frozenset({"request_heartbeat"})
    assert read_arguments(SEND_MESSAGE.spec, arguments, ignore=own) == {"message": words}


def test_literal_search_takes_the_query_as_it_stands() -> None:
    passages = [
        Passage("p1", "a.b*c", "2026-03-01"),
        Passage("p2", "a b c", "2026-03-01", tags=("a.b",)),
    ]

    assert [hit.id for hit in find_passages(passages, "a.b*", limit=9, literal=True)] == ["p1"]
    assert [hit.id for hit in find_passages(passages, "A.B", limit=9, literal=True)] == ["p2", "p1"]
