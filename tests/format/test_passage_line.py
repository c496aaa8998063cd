"""The records of archival, as the format page writes them."""

from __future__ import annotations

from typing import Any

import pytest

from lettafs.format.jsonl import frame, unframe
from lettafs.format.passage_line import (
    ArchivalRecord,
    DeleteRecord,
    PassageRecord,
    parse_record,
    render_record,
)
from lettafs.values.passage import Passage
from lettafs.values.problem import Problem


@pytest.mark.parametrize(
    "record",
    [
        PassageRecord(Passage("passage-1", "tea", "2026", tags=("a", "b"), run_id="run-1")),
        PassageRecord(Passage("passage-1", "tea", "2026")),
        DeleteRecord("passage-1", "2026"),
    ],
)
def test_record_reads_back_from_its_line(record: ArchivalRecord) -> None:
    line = unframe(frame(render_record(record)), path="", line_no=1)
    assert line.record is not None
    assert parse_record(line.record, path="", line_no=1) == record


def test_fields_are_written_in_the_order_of_the_page() -> None:
    passage = Passage("passage-1", "tea", "2026", run_id="run-1")
    assert list(render_record(PassageRecord(passage))) == [
        "type",
        "id",
        "text",
        "tags",
        "created_at",
        "run_id",
    ]
    assert list(render_record(DeleteRecord("p", "2026"))) == ["type", "id", "created_at"]


def test_passage_put_there_by_hand_needs_only_id_and_text() -> None:
    found = parse_record({"type": "passage", "id": "p", "text": "tea"}, path="", line_no=1)
    assert found == PassageRecord(Passage("p", "tea", ""))


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({}, "`type` is missing"),
        ({"type": "note"}, "archival has no records of type 'note'"),
        ({"type": "passage", "id": "p"}, "`text` is missing"),
        ({"type": "passage", "id": "p", "text": "x", "tags": "a"}, "`tags` has to be a list"),
        ({"type": "delete"}, "`id` is missing"),
    ],
)
def test_record_with_a_wrong_field_is_a_problem_with_its_place(
    record: dict[str, Any], reason: str
) -> None:
    found = parse_record(record, path="archival/000001.jsonl", line_no=2)
    assert isinstance(found, Problem)
    assert (found.code, found.line) == ("record", 2)
    assert reason in found.message
