"""conversation_search, as a model uses it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lettafs.tools.recall import time_ago
from tests.support.talk import NOON, Talk, call, talk_with, text


def searched(talk: Talk, **arguments: Any) -> list[dict[str, Any]]:
    """Let the agent search, and return what it found."""
    talk.model._lines += [call("conversation_search", **arguments), text("Done.")]
    talk.say("Please look.")
    returned = talk.returns()[-1]
    assert returned.status == "success"
    found = json.loads(returned.text)
    results: list[dict[str, Any]] = found["results"]
    expected = f"Showing {len(results)} results:" if results else "No results found."
    assert found["message"] == expected
    return results


def told(root: Path, *days: tuple[datetime, str], **top: Any) -> Talk:
    """Return a talk in which these things were said at these times."""
    talk = talk_with(root, *[text(f"I hear: {words}.") for _, words in days], **top)
    for moment, words in days:
        talk.now = moment
        talk.say(words)
    talk.now = NOON
    return talk


def contents(results: list[dict[str, Any]]) -> list[str]:
    return [result["content"] for result in results]


def test_result_tells_when_who_and_what(tmp_path: Path) -> None:
    talk = told(
        tmp_path, (NOON - timedelta(hours=3), "I like tea"), settings='timezone = "Asia/Tokyo"\n'
    )

    results = searched(talk, query="tea", roles=["user"])

    (message_id,) = [m.id for m in talk.agent.messages(100) if m.text == "I like tea"]
    assert results == [
        {
            "timestamp": "2026-03-01T18:00:00+09:00",
            "time_ago": "3h ago",
            "role": "user",
            "content": "I like tea",
            "id": message_id,
        }
    ]


def test_default_roles_are_both_speakers_and_tools_only_on_request(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, call("archival_memory_insert", content="Zebra."), text("A zebra."))
    talk.say("I saw a zebra")

    assert {r["role"] for r in searched(talk, query="zebra")} == {"user", "assistant"}
    assert [r["role"] for r in searched(talk, query="archival", roles=["tool"])] == ["tool"]
    assert {r["role"] for r in searched(talk, query="zebra", roles=["assistant"])} == {"assistant"}


def test_present_turn_is_not_found(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Hi."))
    talk.say("Hello")
    talk.model._lines += [call("conversation_search", query="giraffe"), text("None.")]

    talk.say("Did we speak of a giraffe?")

    assert json.loads(talk.returns()[-1].text)["results"] == []


def test_undone_messages_are_not_found(tmp_path: Path) -> None:
    talk = told(tmp_path, (NOON, "I like tea"), (NOON, "I like milk"))
    talk.agent.undo()

    assert searched(talk, query="milk") == []
    assert contents(searched(talk, query="tea"))[:2] == ["I like tea", "I hear: I like tea."]
    assert "I like milk" not in contents(searched(talk, query="tea"))


def test_reply_that_broke_off_is_not_found(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("A walrus", cut=True), text("Nothing."))
    talk.say("Tell me.")

    assert searched(talk, query="walrus") == []


def test_earlier_searches_are_not_found_among_tool_returns(tmp_path: Path) -> None:
    talk = told(tmp_path, (NOON, "I like tea"))
    assert len(searched(talk, query="tea")) == 2

    assert searched(talk, query="tea", roles=["tool"]) == []


def test_limit_is_five_by_default_and_fifty_at_most(tmp_path: Path) -> None:
    talk = told(tmp_path, *[(NOON, f"tea number {n}") for n in range(26)])

    assert len(searched(talk, query="tea")) == 5
    assert len(searched(talk, query="tea", limit=2)) == 2
    assert len(searched(talk, query="tea", limit=0)) == 1
    assert len(searched(talk, query="tea", limit=10**9)) == 50


@pytest.mark.parametrize("arguments", [{}, {"query": None}, {"query": " "}])
def test_without_a_query_the_newest_come_first(arguments: dict[str, Any], tmp_path: Path) -> None:
    talk = told(tmp_path, *[(NOON, f"tea number {n}") for n in range(4)])

    results = searched(talk, **arguments, roles=["user"], limit=2)

    assert contents(results) == ["tea number 3", "tea number 2"]


MIDNIGHT = datetime(2026, 2, 10, 23, 0, tzinfo=UTC)
"""Midnight in Berlin: 11 February begins there."""
DAYS = (
    (MIDNIGHT - timedelta(seconds=1), "tea on the tenth"),
    (MIDNIGHT, "tea at midnight"),
    (MIDNIGHT + timedelta(hours=23, minutes=59, seconds=59), "tea at the end of the eleventh"),
    (MIDNIGHT + timedelta(hours=24), "tea on the twelfth"),
)


@pytest.mark.parametrize(
    "dates, found",
    [
        ({"start_date": "2026-02-11", "end_date": "2026-02-11"}, [1, 2]),
        ({"start_date": "2026-02-11"}, [1, 2, 3]),
        ({"end_date": "2026-02-10"}, [0]),
        ({"end_date": "2026-02-11"}, [0, 1, 2]),
        ({"start_date": "2026-02-11T00:00:00", "end_date": "2026-02-11T00:00:00"}, [1]),
        ({"start_date": "2026-02-10T23:00:00Z", "end_date": "2026-02-10T23:00:00+00:00"}, [1]),
        ({"start_date": "2026-02-11 12:00"}, [2, 3]),
        ({"start_date": "2027-01-01"}, []),
        ({"start_date": "", "end_date": "2026-02-11"}, [0, 1, 2]),
        ({"start_date": "0001-01-01", "end_date": "9999-12-31"}, [0, 1, 2, 3]),
    ],
)
def test_dates_are_inclusive_and_in_the_agents_time_zone(
    dates: dict[str, str], found: list[int], tmp_path: Path
) -> None:
    talk = told(tmp_path, *DAYS, settings='timezone = "Europe/Berlin"\n')

    results = searched(talk, query="tea", roles=["user"], **dates)

    assert sorted(contents(results)) == sorted(DAYS[n][1] for n in found)


def test_time_nobody_can_read_is_shown_as_it_is(tmp_path: Path) -> None:
    talk = told(tmp_path, (NOON, "I like tea"))
    journal = tmp_path / "recall/000001.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[0] = lines[0].replace("2026-03-01T12:00:00.000000+00:00", "in spring")
    journal.write_text("".join(lines), encoding="utf-8")

    results = searched(talk, query="tea", roles=["user"])

    assert [(r["timestamp"], r["time_ago"]) for r in results] == [("in spring", "unknown")]
    dated = searched(talk, query="tea", roles=["user"], start_date="2020-01-01")
    assert "I like tea" not in contents(dated)


def test_long_message_is_shown_by_the_part_that_answers(tmp_path: Path) -> None:
    talk = told(tmp_path, (NOON, "first " * 900 + "then tea " + "and then " * 900))

    (result,) = searched(talk, query="tea", roles=["user"])

    assert "then tea and" in result["content"]
    assert len(result["content"]) <= 1_500
    assert result["of_chars"] == len("first " * 900 + "then tea " + "and then " * 900) - 1


def test_neighbours_of_what_was_said_follow_it(tmp_path: Path) -> None:
    talk = told(
        tmp_path,
        (NOON - timedelta(days=3), "Which hall did they book?"),
        (NOON - timedelta(days=2), "Where is the orchestra going to play?"),
        (NOON - timedelta(days=1), "My bicycle is green"),
    )

    found = contents(searched(talk, query="orchestra", roles=["user", "assistant"]))

    assert "Where is the orchestra going to play?" in found[:2]
    assert "My bicycle is green" not in found


def test_pages_go_on_where_the_one_before_ended(tmp_path: Path) -> None:
    talk = told(tmp_path, *[(NOON, f"tea number {n}") for n in range(7)])

    pages = []
    for page in range(3):
        talk.model._lines += [
            call("conversation_search", query="tea", roles=["user"], limit=3, page=page),
            text("Done."),
        ]
        talk.say("Please look.")
        pages.append(json.loads(talk.returns()[-1].text))

    assert [len(page["results"]) for page in pages[:2]] == [3, 3]
    shown = {hit["id"]: hit["content"] for page in pages for hit in page["results"]}
    assert len(shown) == sum(len(page["results"]) for page in pages)
    assert set(shown.values()) >= {f"tea number {n}" for n in range(7)}
    assert pages[1]["message"] == "Showing 3 results of page 1:"


@pytest.mark.parametrize(
    "seconds, words",
    [(-5, "0s ago"), (59, "59s ago"), (60, "1m ago"), (3599, "59m ago"), (3600, "1h ago")]
    + [(86_399, "23h ago"), (86_400, "1d ago"), (400 * 86_400, "400d ago")],
)
def test_time_ago_is_told_in_its_largest_unit(seconds: int, words: str) -> None:
    assert time_ago(NOON, NOON + timedelta(seconds=seconds)) == words
