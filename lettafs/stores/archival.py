"""Archival memory: passages put away for later, as lines; a deletion is a line too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lettafs.disk.fingerprint import Stamp
from lettafs.format import layout
from lettafs.format.passage_line import (
    ArchivalRecord,
    DeleteRecord,
    PassageRecord,
    parse_record,
    render_record,
)
from lettafs.stores.segments import Segments, Torn
from lettafs.values.passage import Passage
from lettafs.values.problem import Problem

__all__ = ["Archival"]


class Archival:
    """The passages of one home."""

    def __init__(self, root: Path) -> None:
        self.segments: Segments[ArchivalRecord] = Segments(root, layout.ARCHIVAL, parse=_parse)
        self._known: tuple[list[tuple[str, Stamp | None]], Mapping[str, Passage]] | None = None

    def passages(self) -> Mapping[str, Passage]:
        """Return the passages there are, by id, oldest first."""
        stamps = self.segments.stamps()
        if self._known is None or self._known[0] != stamps:
            self._known = (stamps, MappingProxyType(self._read()))
        return self._known[1]

    def _read(self) -> dict[str, Passage]:
        found: dict[str, Passage] = {}
        for record in self.segments.records():
            match record:
                case PassageRecord(passage=passage):
                    found[passage.id] = passage
                case DeleteRecord(id=gone):
                    found.pop(gone, None)
        return found

    def insert(self, passages: Sequence[Passage]) -> list[str]:
        """Make passages durable; return the segments written to.

        Raises:
            DiskProblem: the disk refused.
        """
        return self.segments.append([render_record(PassageRecord(p)) for p in passages])

    def delete(self, ids: Sequence[str], *, created_at: str) -> list[str]:
        """Record that passages are gone; return the segments written to.

        Raises:
            DiskProblem: the disk refused.
        """
        return self.segments.append([render_record(DeleteRecord(i, created_at)) for i in ids])

    def mend(self, *, save_to: str) -> Torn | None:
        """Cut a half-written last line off; its bytes go to `save_to`, relative to the home."""
        return self.segments.mend(save_to=save_to)


def _parse(record: Mapping[str, Any], path: str, line_no: int) -> ArchivalRecord | Problem:
    return parse_record(record, path=path, line_no=line_no)
