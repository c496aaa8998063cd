"""Every call to the disk fails once: an error, a full disk, half a write, a disk gone read-only.

Nobody sees anything but our own errors, nothing that was said to be kept is lost, and the next turn
works as though nothing had been.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lettafs.disk import faults
from lettafs.errors import DiskProblem, LettafsError, NotAnAgent
from lettafs.format import layout
from lettafs.format.recall_line import MessageRecord
from lettafs.values.event import Event, MemoryChanged
from lettafs.values.message import Message, TextPart, ToolCall
from tests.support.homes import (
    acknowledged,
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

Act = Callable[[Path, list[Event]], None]

_CHECK_EVERY = 6


class Failing:
    """Fails the `n`-th call to the disk, or with `on` every one from there."""

    def __init__(self, n: int, error: Callable[[], OSError], *, on: bool = False) -> None:
        self._n = n
        self._error = error
        self._on = on
        self._count = 0
        self.failed = ""

    def __call__(self, name: str, path: Path) -> None:
        if name.endswith(".done"):
            return
        self._count += 1
        if self._count == self._n or (self._on and self._count > self._n):
            self.failed = self.failed or f"call {self._n}, {name} of {path.name}"
            raise self._error()


def _turn(root: Path, events: list[Event]) -> None:
    say(root, "note 1", each=events.append)


def _hello(root: Path, events: list[Event]) -> None:
    say(root, "hello", each=events.append)


def _undo(root: Path, events: list[Event]) -> None:
    agent_at(root).undo()


def _a_turn_ended(root: Path) -> None:
    make_home(root)
    say(root, "note 0a")


def _crashed(root: Path) -> None:
    """Leave what a kill leaves: an open call, an uncommitted edit, half a line, git's lock."""
    make_home(root)
    say(root, "note 0a")
    with begin_turn(root) as turn:
        turn.run_id = turn.new_id("run")
        user = Message(
            turn.new_id("message"),
            "user",
            (TextPart("left over"),),
            turn.time(),
            run_id=turn.run_id,
        )
        call = ToolCall("call-1", "memory_insert", "{}")
        asks = Message(
            turn.new_id("message"), "assistant", (call,), turn.time(), run_id=turn.run_id
        )
        turn.append(MessageRecord(0, user), MessageRecord(0, asks))
        block = next(b for b in turn.home.blocks().blocks if b.label == "persona")
        turn.edit_block(block, lambda current: current.value + "I am curious.\n")
    with (root / "recall" / "000001.jsonl").open("ab") as file:
        file.write(b'{"seq":99,"type":"mess')
    (root / ".lettafs" / "checkpoint.pending").touch()
    (root / ".git" / "HEAD.lock").touch()
    (root / ".lettafs" / ".tmp-0123456789abcdef").write_bytes(b"{")


def _all_failures(
    place: Path, prepare: Callable[[Path], None], act: Act, error: Callable[[], OSError]
) -> Iterator[tuple[Path, list[Event], str]]:
    """Yield a home after each single failure, with what was said before it, and what failed."""
    template, root = place / "template", place / "ada"
    prepare(template)
    for n in range(1, 1000):
        shutil.rmtree(root, ignore_errors=True)
        if template.exists():
            shutil.copytree(template, root)
        events: list[Event] = []
        failing = Failing(n, error)
        try:
            with faults.installed(failing):
                act(root, events)
        except LettafsError as problem:
            assert str(problem).strip()
        if not failing.failed:
            assert n > 10, "no call of the disk was seen"
            return
        yield root, events, failing.failed


def _holds(root: Path, events: list[Event], failed: str, *, thorough: bool) -> None:
    """Check that nothing said to be kept is lost, and that the next turn works."""
    said = [message.id for message in acknowledged(events)]
    edited = any(isinstance(event, MemoryChanged) for event in events)
    assert not edited or noted(root) == "1", failed
    say(root, "And then?")
    kept = message_ids(root)
    assert [message for message in said if message not in kept] == [], failed
    assert texts(root)[-1] == "And then?", failed
    assert texts(root, "assistant")[-1] == "Heard 9 characters.", failed
    records = journal(root)
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1)), failed
    if thorough:
        assert settled_problems(root) == [], failed
        assert git(root, "status", "--porcelain") == "", failed
        fsck(root)


def _errors(number: int) -> Callable[[], OSError]:
    return lambda: OSError(number, os.strerror(number))


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("prepare", "act", "number"),
    [
        pytest.param(_a_turn_ended, _turn, errno.EIO, id="turn-EIO"),
        pytest.param(_a_turn_ended, _turn, errno.ENOSPC, id="turn-ENOSPC"),
        pytest.param(_crashed, _hello, errno.EIO, id="recovery-EIO"),
        pytest.param(_crashed, _hello, errno.ENOSPC, id="recovery-ENOSPC", marks=pytest.mark.long),
        pytest.param(_a_turn_ended, _undo, errno.EIO, id="undo-EIO"),
        pytest.param(_a_turn_ended, _undo, errno.ENOSPC, id="undo-ENOSPC", marks=pytest.mark.long),
    ],
)
def test_any_one_failing_call_loses_nothing_and_the_next_turn_works(
    place: Path, prepare: Callable[[Path], None], act: Act, number: int, long: bool
) -> None:
    seen = 0
    for root, events, failed in _all_failures(place, prepare, act, _errors(number)):
        seen += 1
        _holds(root, events, failed, thorough=long or seen % _CHECK_EVERY == 0)
    assert seen > 20


@pytest.mark.timeout(600)
def test_a_new_agent_that_cannot_be_written_is_whole_or_plainly_none(place: Path) -> None:
    def nothing(root: Path) -> None:
        pass

    def make(root: Path, events: list[Event]) -> None:
        make_home(root)

    for number, (root, _, failed) in enumerate(
        _all_failures(place, nothing, make, _errors(errno.ENOSPC))
    ):
        if (root / "agent.toml").exists():
            _holds(root, [], failed, thorough=number % _CHECK_EVERY == 0)
        else:
            with pytest.raises(NotAnAgent):
                agent_at(root)


@pytest.mark.timeout(600)
def test_half_a_write_is_taken_back_or_healed(place: Path, long: bool) -> None:
    template, root = place / "template", place / "ada"
    _a_turn_ended(template)
    for n in range(1, 100):
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(template, root)
        failing = _Half(n, keep=n * 7 % 60)
        events: list[Event] = []
        try:
            with faults.installed(failing):
                _turn(root, events)
        except DiskProblem as problem:
            assert "full" in str(problem)
        if not failing.failed:
            break
        for record in journal(root):  # nothing half-written is left even before the next turn
            assert record["seq"] > 0
        _holds(root, events, failing.failed, thorough=n % _CHECK_EVERY == 0)
    assert n > 10


class _Half:
    """Lets the `n`-th write put down its first `keep` bytes only."""

    def __init__(self, n: int, *, keep: int) -> None:
        self._left = n
        self._keep = keep
        self.failed = ""

    def __call__(self, name: str, path: Path) -> None:
        if name == "write":
            self._left -= 1
            if self._left == 0:
                self.failed = f"write of {path}"
                raise faults.ShortWrite(errno.ENOSPC, self._keep)


@pytest.mark.timeout(600)
def test_a_disk_that_fails_from_some_moment_on_keeps_what_was_said(place: Path) -> None:
    template, root = place / "template", place / "ada"
    _a_turn_ended(template)
    for n in range(1, 100, 3):
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(template, root)
        failing = Failing(n, _errors(errno.EROFS), on=True)
        events: list[Event] = []
        try:
            with faults.installed(failing):
                _turn(root, events)
        except DiskProblem as problem:
            assert "read-only" in str(problem)
        _holds(root, events, f"from call {n} on", thorough=n % 5 == 0)
        if not failing.failed:
            break


def test_a_read_only_home_can_be_read_and_says_why_it_cannot_be_talked_to(tmp_path: Path) -> None:
    source, root = tmp_path / "source", tmp_path / "ada"
    _a_turn_ended(source)
    root.mkdir()
    with _read_only(source, root):
        before = tree_of(root)
        with pytest.raises(DiskProblem, match="read-only|denied"):
            say(root, "hello")
        agent = agent_at(root)
        assert [block.label for block in agent.blocks()[0]] == ["human", "persona"]
        assert len(agent.messages()) == 4
        assert agent.log()[0].kind == "turn"
        assert agent.problems() == []
        assert tree_of(root) == before
    say(source, "hello")


class _read_only:
    """Shows `source` at `root` without the right to write; skips the test where that cannot be."""

    def __init__(self, source: Path, root: Path) -> None:
        self._source, self._root = source, root

    def __enter__(self) -> None:
        for command in (["mount", "--bind"], ["mount", "-o", "remount,bind,ro"]):
            where = (
                [str(self._source), str(self._root)] if "--bind" in command else [str(self._root)]
            )
            if _run(*command, *where) != 0:
                self.__exit__()
                pytest.skip("this user cannot mount")

    def __exit__(self, *exception: object) -> None:
        _run("umount", str(self._root))


def _run(*command: str) -> int:
    if shutil.which(command[0]) is None:
        return 127
    return subprocess.run(command, capture_output=True, timeout=30).returncode


@pytest.mark.timeout(600)
def test_a_really_full_disk_costs_no_message_and_recovery_needs_no_room(tmp_path: Path) -> None:
    root = tmp_path / "small"
    root.mkdir()
    if _run("mount", "-t", "tmpfs", "-o", "size=900k", "tmpfs", str(root)) != 0:
        pytest.skip("this user cannot mount")
    try:
        home = root / "ada"
        make_home(home)
        events: list[Event] = []
        full = False
        for size in (0, 40_000, 8_000, 12_000, 16_000, 4_000, 0, 0):
            ballast = root / "ballast"
            _fill(ballast, leave=size)
            for number in range(6):
                try:
                    say(home, f"note {len(events)}-{number}", each=events.append)
                except DiskProblem as problem:
                    assert "full" in str(problem)
                    full = True
                    break
            ballast.unlink()
            said = [message.id for message in acknowledged(events)]
            kept = set(message_ids(home))
            assert [message for message in said if message not in kept] == []
        assert full, "the disk was never full"
        say(home, "And now?")
        assert settled_problems(home) == []
        assert git(home, "status", "--porcelain") == ""
        fsck(home)
    finally:
        _run("umount", str(root))


def _fill(ballast: Path, *, leave: int) -> None:
    """Fill the disk but for so many bytes."""
    with ballast.open("wb", buffering=0) as file:
        for size in (4096, 64):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError as error:
                assert error.errno == errno.ENOSPC
        file.truncate(max(0, file.tell() - leave))


def test_a_failure_after_an_edit_took_place_does_not_make_it_the_persons(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    make_home(root)

    def hook(name: str, path: Path) -> None:
        if name == "fsync_dir" and path.name == layout.MEMORY:
            raise OSError(errno.EIO, "the disk fails after the names were traded")

    with faults.installed(hook):
        say(root, "note 1")
    assert noted(root) == "1"
    say(root, "hello")
    (entry,) = agent_at(root).history("human")[:-1]
    assert entry.by == "agent"
    assert settled_problems(root) == []
