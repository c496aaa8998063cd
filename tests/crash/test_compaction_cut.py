"""The power goes while the window is compacted: it is the old one or the new one, and whole."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lettafs.disk import faults
from lettafs.stores.recall import Recall
from lettafs.values.message import Message
from tests.support.homes import (
    agent_at,
    begin_turn,
    fsck,
    git,
    journal,
    make_home,
    say,
    settled_problems,
    tree_of,
)
from tests.support.power import VARIANTS, Disk

_GITS_OWN = (".git/refs/heads/main", ".git/logs/HEAD", ".git/logs/refs/heads/main", ".git/index")


def _window(root: Path) -> tuple[Message, ...]:
    return Recall(root).window().messages


@pytest.mark.timeout(600)
def test_a_power_cut_during_a_compaction_leaves_one_of_the_two_windows(place: Path) -> None:
    root, again = place / "ada", place / "after"
    make_home(root)
    for number in range(3):
        say(root, f"My friend {number} is called Person{number}.")
    old = _window(root)
    files, folders = tree_of(root), [p for p in root.rglob("*") if p.is_dir()]
    with faults.recorded() as log:
        assert agent_at(root).compact("all") is not None
    new = _window(root)
    assert [message.kind for message in new] == ["summary"] and len(old) == 6
    disk = Disk.of(root, files, [p.relative_to(root).as_posix() for p in folders])
    disk.git = {path: data for path, data in tree_of(root).items() if path in _GITS_OWN}
    seen: dict[bytes, tuple[Message, ...]] = {}
    for number, op in enumerate(log):
        disk.do(op)
        for variant in VARIANTS:
            left = disk.left(variant)
            bytes_of = sorted((path, one.data) for path, one in left.items())
            key = hashlib.sha256(repr(bytes_of).encode()).digest()
            if key in seen:
                continue
            where = f"after change {number} ({op.name} {op.path.name}), {variant}"
            disk.build(again, left)
            begin_turn(again).close()
            seen[key] = _window(again)
            assert seen[key] in (old, new), where
            records = journal(again)
            assert [r["seq"] for r in records] == list(range(1, len(records) + 1)), where
            if len(seen) % 8 == 0:
                say(again, "And then?")
                assert settled_problems(again) == [], where
                assert git(again, "status", "--porcelain", "-uno") == "", where
                fsck(again)
    assert {old, new} == set(seen.values()) and len(seen) > 20
