"""The records of archival: a passage is put away, or is gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from lettafs.format.fields import FieldFault, optional_text, required_text, text_list
from lettafs.values.passage import Passage
from lettafs.values.problem import Problem

__all__ = ["ArchivalRecord", "DeleteRecord", "PassageRecord", "parse_record", "render_record"]


@dataclass(frozen=True, slots=True)
class PassageRecord:
    """A passage is put away, or put back."""

    passage: Passage


@dataclass(frozen=True, slots=True)
class DeleteRecord:
    """A passage is gone."""

    id: str
    """The passage's id."""
    created_at: str
    """When it was deleted."""


ArchivalRecord = PassageRecord | DeleteRecord


def parse_record(record: Mapping[str, Any], *, path: str, line_no: int) -> ArchivalRecord | Problem:
    """Return what a line of archival says.

    Args:
        record: the line as `jsonl.unframe` gives it.
        path: the segment, for the problem's place.
        line_no: 1 is the segment's first line.
    """
    try:
        return _record(record)
    except FieldFault as fault:
        return Problem(
            "record",
            path,
            f"the record cannot be used: {fault}",
            line=line_no,
            remedy="the line is kept and skipped; mend it by hand, or take it from a commit",
        )


def render_record(record: ArchivalRecord) -> dict[str, Any]:
    """Return the record's fields in the order they are written in, for `jsonl.frame`."""
    match record:
        case PassageRecord(passage):
            fields: dict[str, Any] = {
                "type": "passage",
                "id": passage.id,
                "text": passage.text,
                "tags": list(passage.tags),
                "created_at": passage.created_at,
            }
            return fields if passage.run_id is None else {**fields, "run_id": passage.run_id}
        case DeleteRecord(id_, created_at):
            return {"type": "delete", "id": id_, "created_at": created_at}
        case _:
            assert_never(record)


def _record(record: Mapping[str, Any]) -> ArchivalRecord:
    match required_text(record, "type"):
        case "passage":
            return PassageRecord(
                Passage(
                    id=required_text(record, "id"),
                    text=required_text(record, "text"),
                    # A person who puts a passage here need not know how a time is written.
                    created_at=optional_text(record, "created_at") or "",
                    tags=text_list(record, "tags"),
                    run_id=optional_text(record, "run_id"),
                )
            )
        case "delete":
            return DeleteRecord(
                id=required_text(record, "id"),
                created_at=optional_text(record, "created_at") or "",
            )
        case other:
            raise FieldFault(f"archival has no records of type {other!r}")
