"""The shelf: what is counted is always what reading every passage would count."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from lettafs.disk.fingerprint import RACY_NS
from lettafs.index.shelf import Count, Shelf
from lettafs.stores.archival import Archival
from lettafs.values.passage import Passage


def shelf_of(root: Path) -> tuple[Archival, Shelf]:
    archival = Archival(root)
    return archival, Shelf(archival, file=root / ".lettafs" / "passages.json")


def put(archival: Archival, first: int, many: int, *tags: str) -> None:
    archival.insert(
        [Passage(f"passage-{n}", f"note {n} " * 9, "2026-03-01", tags) for n in range(first, many)]
    )


def settle() -> None:
    """Wait until what was written can no longer change within the same tick of the clock."""
    time.sleep(RACY_NS / 1e9 + 0.02)


def true_count(root: Path) -> Count:
    passages = Archival(root).passages().values()
    tags = {tag for passage in passages for tag in passage.tags}
    return Count(len(passages), tuple(sorted(tags)))


def test_nothing_put_away_counts_as_nothing(tmp_path: Path) -> None:
    assert shelf_of(tmp_path)[1].count() == Count(0, ())


def test_count_follows_what_is_put_away_and_taken_away(tmp_path: Path) -> None:
    archival, shelf = shelf_of(tmp_path)
    for step in range(6):
        put(archival, step * 400, step * 400 + 400, f"t{step}", "all", "all")
        assert shelf.count() == true_count(tmp_path)
        assert shelf.count().passages == 400 * (step + 1)
    archival.delete(["passage-3", "passage-2399", "nobody"], created_at="2026-03-02")
    assert shelf.count() == true_count(tmp_path)
    assert shelf.count().passages == 2398
    put(archival, 3, 4, "back")
    assert shelf.count() == true_count(tmp_path)


def test_next_process_takes_over_the_count_and_reads_only_what_was_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archival, shelf = shelf_of(tmp_path)
    put(archival, 0, 2_000, "a")
    settle()
    shelf.count()
    shelf.save()
    put(archival, 2_000, 2_003, "b")

    later, again = shelf_of(tmp_path)
    monkeypatch.setattr(later, "passages", lambda: pytest.fail("everything was read"))

    assert again.count() == Count(2_003, ("a", "b"))


def test_few_passages_leave_no_file(tmp_path: Path) -> None:
    archival, shelf = shelf_of(tmp_path)
    put(archival, 0, 20)
    shelf.count()
    shelf.save()

    assert not (tmp_path / ".lettafs").exists()


def test_edit_by_hand_anywhere_is_counted(tmp_path: Path) -> None:
    archival, shelf = shelf_of(tmp_path)
    put(archival, 0, 2_000, "a")
    settle()
    shelf.count()
    shelf.save()
    first = tmp_path / archival.segments.paths()[0]
    lines = first.read_bytes().splitlines(keepends=True)
    first.write_bytes(b"".join(lines[5:]))

    assert shelf.count() == true_count(tmp_path)
    assert shelf_of(tmp_path)[1].count().passages == 1_995
    last = tmp_path / archival.segments.paths()[-1]
    grown = last.read_bytes()
    last.write_bytes(grown.replace(b"note 1999", b"NOTE 1999"))
    os.utime(last, ns=(1, 1))
    assert shelf.count() == true_count(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"segments": 1}', b"\xff", b'{"segments": {"a": [1]}}']
)
def test_damaged_file_is_passed_over(tmp_path: Path, content: bytes) -> None:
    archival, shelf = shelf_of(tmp_path)
    put(archival, 0, 1_200, "a")
    settle()
    shelf.count()
    shelf.save()
    file = tmp_path / ".lettafs" / "passages.json"
    assert json.loads(file.read_bytes())["passages"] == 1_200
    file.write_bytes(content)

    assert shelf_of(tmp_path)[1].count() == Count(1_200, ("a",))
