"""The power goes at any moment: what was said to be kept is there, and the agent goes on.

Every change of a few turns is recorded. For each moment between two of them, and each thing a file
system may do with what was not made durable yet, the directory is built anew and looked after.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lettafs.disk import faults
from lettafs.disk.faults import Op
from lettafs.errors import NotAnAgent
from lettafs.format import layout
from lettafs.values.event import Event, MemoryChanged, MessageAdded
from tests.support.homes import (
    agent_at,
    begin_turn,
    fsck,
    git,
    journal,
    make_home,
    message_ids,
    noted,
    say,
    settled_problems,
    texts,
    tree_of,
)
from tests.support.power import VARIANTS, Disk

_THOROUGH_EVERY = 12
_MIN_STATES = 300
_GITS_OWN = (
    ".git/refs/heads/main",
    ".git/logs/HEAD",
    ".git/logs/refs/heads/main",
    ".git/index",
)
"""What git writes in a commit: a film shows one commit at most, so that it is known when."""


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that was said to be kept, and after how many changes."""

    after: int
    message: str = ""
    note: str = ""
    passage: str = ""


class Film:
    """A home before, the changes one after the other, what was promised when, and git's part."""

    def __init__(self, root: Path, act: Callable[[Film], None]) -> None:
        self.root = root
        self.before = tree_of(root)
        self.folders = _folders(root)
        self.promises: list[Promise] = []
        with faults.recorded() as self.log:
            act(self)
        self.git = {path: data for path, data in tree_of(root).items() if path in _GITS_OWN}

    def each(self, event: Event) -> None:
        now = len(self.log)
        match event:
            case MessageAdded(message=message):
                self.promises.append(Promise(now, message=message.id))
            case MemoryChanged(after=after):
                self.promises.append(Promise(now, note=(after or "").rpartition(": ")[2].strip()))


def _folders(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_dir()]


def _cut_everywhere(film: Film, place: Path) -> int:
    """Check every state once; return how many there were."""
    disk = Disk.of(film.root, film.before, film.folders)
    disk.git = film.git
    seen: set[bytes] = set()
    states = 0
    for number, op in enumerate([None, *film.log]):
        if op is not None:
            disk.do(op)
        kept = [promise for promise in film.promises if promise.after <= number]
        for variant in VARIANTS:
            files = disk.left(variant)
            states += 1
            bytes_of = sorted((path, left.data) for path, left in files.items())
            key = hashlib.sha256(repr((bytes_of, len(kept))).encode()).digest()
            if key in seen:
                continue
            seen.add(key)
            root = place / "after"
            disk.build(root, files)
            where = f"after change {number} ({_words(op)}), {variant}"
            _goes_on(root, kept, where, thorough=len(seen) % _THOROUGH_EVERY == 0)
    return states


def _words(op: Op | None) -> str:
    return "none" if op is None else f"{op.name} {op.path.name}"


def _goes_on(root: Path, kept: list[Promise], where: str, *, thorough: bool) -> None:
    begin_turn(root).close()  # recovers, adopts, commits
    ids = message_ids(root)
    notes = [promise.note for promise in kept if promise.note]
    for promise in kept:
        assert not promise.message or promise.message in ids, where
        assert not promise.passage or promise.passage in _passages(root), where
    if notes:
        assert int(noted(root)) >= int(notes[-1]), where
    assert [record["seq"] for record in journal(root)] == list(range(1, len(journal(root)) + 1))
    if thorough:
        say(root, "And then?")
        assert texts(root)[-1] == "And then?", where
        assert settled_problems(root) == [], where
        assert git(root, "status", "--porcelain", "-uno") == "", where
        fsck(root)


def _passages(root: Path) -> set[str]:
    return {record["id"] for record in journal(root, "archival") if record["type"] == "passage"}


@pytest.mark.timeout(600)
def test_a_power_cut_during_a_turn_with_a_memory_edit_loses_nothing(place: Path) -> None:
    root = place / "ada"
    make_home(root)
    say(root, "note 1")
    film = Film(root, lambda film: _say(film, "note 2"))
    states = _cut_everywhere(film, place)
    assert states >= _MIN_STATES


def _say(film: Film, text: str) -> None:
    say(film.root, text, each=film.each)


@pytest.mark.timeout(600)
def test_a_power_cut_when_a_segment_begins_loses_nothing(place: Path) -> None:
    root = place / "ada"
    make_home(root)
    while not (root / "recall" / "000002.jsonl").exists():
        say(root, "Nothing but words. " * 400)
    last = root / "recall" / "000002.jsonl"
    say(root, "x" * (layout.SEGMENT_ROLL_BYTES - last.stat().st_size))
    film = Film(root, lambda film: _say(film, "note 2"))
    assert (root / "recall" / "000003.jsonl").exists()
    _cut_everywhere(film, place)


@pytest.mark.timeout(600)
def test_a_power_cut_while_a_passage_is_kept_does_not_lose_it(place: Path) -> None:
    root = place / "ada"
    make_home(root)
    agent_at(root).remember("one")

    def keep(film: Film) -> None:
        passage = agent_at(root).remember("two")
        film.promises.append(Promise(len(film.log), passage=passage.id))

    _cut_everywhere(Film(root, keep), place)


@pytest.mark.timeout(600)
def test_a_power_cut_during_recovery_is_recovered_the_same_way(place: Path) -> None:
    root = place / "ada"
    make_home(root)
    say(root, "note 1")
    with begin_turn(root) as turn:
        block = next(b for b in turn.home.blocks().blocks if b.label == "human")
        turn.edit_block(block, lambda current: current.value.replace("note: 1", "note: 2"))
    with (root / "recall" / "000001.jsonl").open("ab") as file:
        file.write(b'{"seq":99,"type":"mess')
    kept = [Promise(0, message=message) for message in _whole_ids(root)]

    def recover(film: Film) -> None:
        film.promises += [*kept, Promise(0, note="2")]
        begin_turn(root).close()

    _cut_everywhere(Film(root, recover), place)


def _whole_ids(root: Path) -> list[str]:
    with_tail = root / "recall" / "000001.jsonl"
    data = with_tail.read_bytes()
    with_tail.write_bytes(data[: data.rindex(b"\n") + 1])
    ids = message_ids(root)
    with_tail.write_bytes(data)
    return ids


@pytest.mark.timeout(600)
def test_a_power_cut_while_an_agent_is_made_leaves_a_whole_one_or_none(place: Path) -> None:
    root = place / "ada"
    root.mkdir()
    film = Film(root, lambda film: (make_home(root), None)[1])
    disk = Disk.of(root, {}, [])
    for op in film.log:
        if op.path == root.parent or op.path == root:
            continue
        if ".git" in op.path.parts:
            break
        disk.do(op)
        for variant in VARIANTS:
            files = disk.left(variant)
            disk.build(place / "after", files)
            if layout.AGENT_TOML in files and files[layout.AGENT_TOML].data:
                _goes_on(place / "after", [], f"{op}, {variant}", thorough=True)
            else:
                with pytest.raises(NotAnAgent):
                    agent_at(place / "after")
