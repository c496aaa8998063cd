"""The archival pair, as a model uses it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lettafs.values.passage import Passage
from tests.support.talk import NOON, Talk, call, talk_with, text

NOTES: tuple[tuple[str, list[str], datetime], ...] = (
    ("Tea with Ann in Rome.", ["trip", "food"], NOON - timedelta(days=2)),
    ("Tea is sold at the corner.", ["food"], NOON - timedelta(days=1)),
    ("The train to Rome leaves at nine.", ["trip"], NOON),
)


def kept(root: Path) -> Talk:
    """Return a talk with an agent that has put the notes away."""
    talk = talk_with(root)
    for content, tags, moment in NOTES:
        talk.now = moment
        talk.model._lines += [
            call("archival_memory_insert", content=content, tags=tags),
            text("Kept."),
        ]
        talk.say("Keep this.")
    return talk


def remembered(root: Path) -> Talk:
    talk = talk_with(root)
    for content, tags, moment in NOTES:
        talk.now = moment
        talk.agent.remember(content, tags=tags)
    return talk


def searched(talk: Talk, **arguments: Any) -> list[dict[str, Any]]:
    talk.model._lines += [call("archival_memory_search", **arguments), text("Done.")]
    talk.say("Please look.")
    returned = talk.returns()[-1]
    assert returned.status == "success"
    results: list[dict[str, Any]] = json.loads(returned.text)
    return results


def test_note_that_is_put_away_is_confirmed_and_kept(tmp_path: Path) -> None:
    insert = call("archival_memory_insert", content="Likes tea.", tags=[" tea ", "tea", "", "hot"])
    talk = talk_with(tmp_path, insert, text("Kept."))

    answer = talk.say()

    (passage,) = talk.agent.passages()
    assert (passage.text, passage.tags) == ("Likes tea.", ("tea", "hot"))
    assert passage.run_id == answer.messages[0].run_id
    assert talk.returns()[0].text == (
        f"Put away in archival memory as {passage.id} with tags tea, hot."
    )


@pytest.mark.parametrize("content", ["", " \n"])
def test_empty_note_is_refused(content: str, tmp_path: Path) -> None:
    talk = talk_with(tmp_path, call("archival_memory_insert", content=content), text("Oh."))

    talk.say()

    assert talk.returns()[0].status == "error"
    assert talk.agent.passages() == []


def test_search_gives_id_time_content_and_tags(tmp_path: Path) -> None:
    talk = remembered(tmp_path)
    first = talk.agent.passages()[0]

    results = searched(talk, query="Ann", top_k=1)

    assert results == [
        {
            "id": first.id,
            "timestamp": "2026-02-27T12:00:00+00:00",
            "content": "Tea with Ann in Rome.",
            "tags": ["trip", "food"],
        }
    ]


@pytest.mark.parametrize(
    "arguments, found",
    [
        ({"query": "tea"}, [0, 1]),
        ({"query": "rome", "tags": ["food"]}, [0]),
        ({"query": "tea rome", "tags": ["food", "trip"]}, [0, 1, 2]),
        ({"query": "tea rome", "tags": ["food", "trip"], "tag_match_mode": "any"}, [0, 1, 2]),
        ({"query": "tea rome", "tags": ["food", "trip"], "tag_match_mode": "all"}, [0]),
        ({"query": "tea", "tags": [" food ", ""]}, [0, 1]),
        ({"query": "tea", "tags": ["nothing"]}, []),
        ({"query": "tea", "tags": []}, [0, 1]),
        ({"query": "trip"}, [0, 2]),
        ({"query": "tea", "start_datetime": "2026-02-28"}, [1]),
        ({"query": "tea", "end_datetime": "2026-02-27"}, [0]),
        ({"query": "tea", "end_datetime": "2026-02-27T11:59"}, []),
        ({"query": "elephant"}, []),
        ({"query": "  "}, []),
    ],
)
def test_search_finds_by_words_tags_and_dates(
    arguments: dict[str, Any], found: list[int], tmp_path: Path
) -> None:
    results = searched(remembered(tmp_path), **arguments)

    assert sorted(r["content"] for r in results) == sorted(NOTES[n][0] for n in found)


def test_top_k_is_five_by_default_and_a_hundred_at_most(tmp_path: Path) -> None:
    talk = talk_with(tmp_path)
    with talk.agent._turn() as turn:
        turn.insert_passages(
            [Passage(turn.new_id("passage"), f"tea {n}", turn.time()) for n in range(120)]
        )

    assert len(searched(talk, query="tea")) == 5
    assert len(searched(talk, query="tea", top_k=7)) == 7
    assert len(searched(talk, query="tea", top_k=-1)) == 1
    assert len(searched(talk, query="tea", top_k=10**9)) == 100


def test_forgotten_passage_is_not_found(tmp_path: Path) -> None:
    talk = remembered(tmp_path)
    talk.agent.forget(talk.agent.passages()[0].id)

    assert [r["content"] for r in searched(talk, query="tea")] == ["Tea is sold at the corner."]


def test_agent_is_told_how_many_notes_there_are_and_their_tags(tmp_path: Path) -> None:
    talk = kept(tmp_path)

    system = talk.agent.prompt().system

    assert "- notes in archival memory: 3\n- tags of these notes: food, trip\n" in system


def test_bad_date_is_answered_with_its_form(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        call("archival_memory_search", query="tea", start_datetime="last week"),
        text("Oh."),
    )

    talk.say()

    assert talk.returns()[0].text == (
        "'last week' is no date. Write it as 2026-03-01 or 2026-03-01T14:30."
    )
