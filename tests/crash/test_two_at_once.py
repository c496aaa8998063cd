"""Several processes talk to one agent: one turn after the other, each message once."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from lettafs.errors import Busy
from tests.support.crowd import holding, talking
from tests.support.homes import (
    agent_at,
    fsck,
    git,
    journal,
    make_home,
    say,
    settled_problems,
    texts,
)


def _all_there(root: Path, *, names: list[str], count: int) -> None:
    wanted = Counter(f"{name} says {number}" for name in names for number in range(count))
    assert Counter(texts(root)) == wanted
    assert len(texts(root, "assistant")) == len(names) * count
    records = journal(root)
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    for name in names:  # in the order each of them spoke
        mine = [text for text in texts(root) if text.startswith(f"{name} ")]
        assert mine == [f"{name} says {number}" for number in range(count)]
    assert git(root, "status", "--porcelain") == ""
    turns = git(root, "log", "--format=%(trailers:key=Lettafs-Run,valueonly,separator=)")
    assert len(set(turns.split())) == len(names) * count
    assert settled_problems(root) == []
    fsck(root)


@pytest.mark.timeout(600)
def test_two_processes_with_fifty_messages_each_lose_and_repeat_none(place: Path) -> None:
    root = place / "ada"
    make_home(root)
    names = ["Ada", "Bob"]
    assert talking(root, names=names, count=50) == []
    _all_there(root, names=names, count=50)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_eight_processes_take_turns(place: Path) -> None:
    root = place / "ada"
    make_home(root)
    names = [f"Speaker{number}" for number in range(8)]
    # On a slow machine the eighth in the row may have to wait for more than the five seconds.
    assert talking(root, names=names, count=20, tries=5) == []
    _all_there(root, names=names, count=20)


def test_who_waits_five_seconds_is_told_who_holds_the_turn_and_readers_never_wait(
    place: Path,
) -> None:
    root = place / "ada"
    make_home(root)
    holder = holding(root)
    try:
        began = time.monotonic()
        agent = agent_at(root)
        assert agent.messages() == []
        assert len(agent.blocks()[0]) == 2
        assert agent.log()[0].kind == "created"
        assert agent.prompt().system
        assert time.monotonic() - began < 2.0, "a reader waited"
        began = time.monotonic()
        with pytest.raises(Busy) as caught:
            say(root, "hello")
        assert 4.9 <= time.monotonic() - began < 15
        assert f"process {holder.pid}" in caught.value.holder
        assert "lettafs chat test" in str(caught.value)
        assert caught.value.exit_code == 5
        assert texts(root) == []
    finally:
        holder.communicate()
    say(root, "hello")
    assert texts(root) == ["hello"]


def test_the_turn_of_a_process_that_was_killed_is_free_at_once(place: Path) -> None:
    root = place / "ada"
    make_home(root)
    holder = holding(root)
    holder.kill()
    holder.communicate()
    began = time.monotonic()
    say(root, "hello")
    assert time.monotonic() - began < 4
    assert texts(root) == ["hello"]


@pytest.mark.timeout(300)
def test_a_reader_beside_a_busy_writer_always_sees_a_whole_agent(place: Path) -> None:
    root = place / "ada"
    make_home(root)
    ended = threading.Event()
    seen: list[int] = []
    wrong: list[str] = []

    def read() -> None:
        agent = agent_at(root)
        while not ended.is_set():
            blocks, problems = agent.blocks()
            if [block.label for block in blocks] != ["human", "persona"] or problems:
                wrong.append(f"{blocks} {problems}")
            seen.append(len(agent.messages(1000)))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(15):
            say(root, f"note {number}")
    finally:
        ended.set()
        reader.join()
    assert wrong == []
    assert seen == sorted(seen), "messages vanished for a reader"
    assert len(seen) > 10
    assert os.listdir(root / ".lettafs" / "displaced") is not None
