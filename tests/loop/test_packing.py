"""The history packs itself after a turn, once many objects lie loose."""

from __future__ import annotations

import subprocess
from itertools import count
from pathlib import Path

import lettafs
from lettafs.disk.fingerprint import blob_sha1


def test_many_loose_objects_are_packed_after_a_turn_and_nothing_is_lost(
    tmp_path: Path, person: None
) -> None:
    root = tmp_path / "ada"
    agent = lettafs.create_agent(root, model="lettafs/offline")
    # What is looked at is one of the 256 directories of objects: fill that one.
    texts = (f"note {number}" for number in count())
    fit = (text for text in texts if blob_sha1(text.encode()).startswith("17"))
    for number in range(8):
        (root / "memory" / f"note{number}.md").write_text(next(fit), encoding="utf-8")
    before = [entry.commit for entry in agent.log(None)]

    answer = agent.send("Hello")

    assert answer.commit is not None
    loose = [p for p in (root / ".git" / "objects").glob("??/*") if p.is_file()]
    assert loose == []
    assert list((root / ".git" / "objects" / "pack").glob("*.pack"))
    entries = [entry.commit for entry in agent.log(None)]
    assert entries[-len(before) :] == before
    assert entries[0] == answer.commit
    checked = subprocess.run(["git", "-C", str(root), "fsck", "--strict"], capture_output=True)
    assert checked.returncode == 0, checked.stderr
    assert agent.send("Hello again").commit is not None
    assert agent.problems() == []
