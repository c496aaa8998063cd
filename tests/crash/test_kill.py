"""Killed at any moment: nothing that was said to be kept is lost, and the agent goes on."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest

from lettafs.format.recall_line import MessageRecord
from lettafs.values.message import Message, TextPart
from tests.support.chatting import Chatter, read_acks
from tests.support.homes import (
    NOTE,
    begin_turn,
    fsck,
    git,
    journal,
    make_home,
    message_ids,
    noted,
    say,
    settled_problems,
)

_CHECK_EVERY = 20


@pytest.mark.timeout(1800)
def test_two_hundred_kills_lose_nothing_acknowledged(place: Path, long: bool) -> None:
    kills = 1000 if long else 200
    chance = random.Random(20_000 + kills)
    root = place / "ada"
    make_home(root)
    turn_s = _turn_s(root)
    before = _commits(root)
    told: list[dict[str, Any]] = []
    number = 1
    with Chatter() as chatter:
        for kill in range(kills):
            acks = place / f"acks-{kill}"
            chatter.start(root, acks, first=number)
            # Every fourth time while the next child is still opening and recovering.
            limit = turn_s / 4 if kill % 4 == 3 else 2 * turn_s
            time.sleep(chance.uniform(0, limit))
            chatter.kill()
            fresh = read_acks(acks)
            errors = [fact["error"] for fact in fresh if "error" in fact]
            assert not errors, f"kill {kill}: {errors[0]}"
            told += fresh
            number += 10
            _nothing_lost(root, told, kill)
            # The machine's speed changes under us: kills must go on falling across whole turns.
            turn_s *= 1.05 if _commits(root) - before < 0.7 * (kill + 1) else 0.98
            if kill % _CHECK_EVERY == _CHECK_EVERY - 1:
                say(root, "hello")
                assert settled_problems(root) == [], f"after kill {kill}"
                fsck(root)
    say(root, "hello")
    assert settled_problems(root) == []
    assert git(root, "status", "--porcelain") == ""
    made = _commits(root) - before
    assert made >= kills / 2, f"{made} commits after {kills} kills"
    _every_note_is_in_history(root, told)
    records = journal(root)
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))


def _commits(root: Path) -> int:
    return int(git(root, "rev-list", "--count", "HEAD"))


def _turn_s(root: Path) -> float:
    """Return what recovery and a turn take here; the kill comes within twice that."""
    taken: list[float] = []
    for _ in range(5):
        with begin_turn(root) as turn:
            turn.run_id = turn.new_id("run")
            text = (TextPart("left over"),)
            left = Message(turn.new_id("message"), "user", text, turn.time(), run_id=turn.run_id)
            turn.append(MessageRecord(0, left))
        begun = time.perf_counter()
        say(root, f"note {len(taken)}")
        taken.append(time.perf_counter() - begun)
    say(root, "note 0")
    return sorted(taken)[2]


def _nothing_lost(root: Path, told: list[dict[str, Any]], kill: int) -> None:
    """Look at the files as the kill left them."""
    kept: set[bytes] = set()
    for path in sorted((root / "recall").glob("*.jsonl")):
        for line in path.read_bytes().split(b"\n")[:-1]:  # behind the last LF: a torn tail
            kept.update(part for part in line.split(b'"') if part.startswith(b"message-"))
    said = [fact[role] for fact in told for role in ("user", "assistant") if role in fact]
    lost = [message for message in said if message.encode() not in kept]
    assert not lost, f"kill {kill}: {lost}"
    notes = [fact["memory"] for fact in told if "memory" in fact]
    assert int(noted(root)) >= max(notes, default=0), f"kill {kill}: a memory edit is gone"


def _every_note_is_in_history(root: Path, told: list[dict[str, Any]]) -> None:
    versions = git(root, "log", "-p", "--format=", "--", "memory/human.md")
    known = {int(note) for note in NOTE.findall(versions.replace("\n+", "\n"))}
    notes = {fact["memory"] for fact in told if "memory" in fact}
    assert notes, "no child lived long enough to edit memory"
    assert notes <= known, f"never committed: {sorted(notes - known)}"
    assert len(message_ids(root)) == len(set(message_ids(root)))


def test_a_lock_that_a_kill_left_is_healed_by_the_next_turn(place: Path) -> None:
    root = place / "ada"
    make_home(root)
    for name in ("HEAD.lock", "refs/heads/main.lock"):
        (root / ".lettafs" / "checkpoint.pending").touch()
        (root / ".git" / name).touch()
        say(root, f"note {name}")
        assert not (root / ".git" / name).exists()
        assert git(root, "status", "--porcelain") == ""
        assert settled_problems(root) == []
