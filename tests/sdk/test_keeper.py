"""The keeper: works beside the conversation, makes way for a turn, ends with the program."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lettafs.embed.base import Kind
from lettafs.embed.hashed import HashedEmbedder
from lettafs.home.home import Home
from lettafs.index.place import IndexPlace
from lettafs.sdk.keeper import Keeper
from lettafs.values.passage import Passage
from tests.support.homes import make_home

KEY = b"k" * 32
BOUND_S = 10.0


class Slow(HashedEmbedder):
    """An embedder that tells of every batch, and waits until it may make it."""

    def __init__(self) -> None:
        super().__init__()
        self.began = threading.Semaphore(0)
        self.may = threading.Semaphore(0)
        self.threads: set[str] = set()

    def embed(self, texts: Sequence[str], *, kind: Kind) -> NDArray[np.float32]:
        self.threads.add(threading.current_thread().name)
        self.began.release()
        assert self.may.acquire(timeout=BOUND_S)
        return super().embed(texts, kind=kind)

    def let(self, batches: int) -> None:
        for _ in range(batches):
            self.may.release()


def home_with(root: Path, embedder: HashedEmbedder, *, passages: int = 40) -> Home:
    make_home(root)
    place = IndexPlace(root / ".lettafs/index", lambda: KEY, lambda handle: embedder)
    home = Home(root, indexes=place)
    home.archival.insert([Passage(f"p{n}", f"note {n}", "2026-03-01") for n in range(passages)])
    return home


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + BOUND_S
    while not true():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.005)


def test_nudge_returns_at_once_and_the_work_is_done_beside(tmp_path: Path) -> None:
    embedder = Slow()
    home = home_with(tmp_path, embedder)
    keeper = Keeper(home)

    keeper.nudge()
    assert embedder.began.acquire(timeout=BOUND_S)
    keeper.nudge()  # it is at it already
    assert home.is_behind()
    embedder.let(100)

    wait_until(lambda: not home.is_behind())
    assert embedder.threads == {"lettafs-index"}
    assert home.finder.state().vectors == 40


def test_rest_ends_the_work_where_it_stands_and_a_nudge_goes_on(tmp_path: Path) -> None:
    embedder = Slow()
    home = home_with(tmp_path, embedder, passages=200)
    keeper = Keeper(home)
    keeper.nudge()
    assert embedder.began.acquire(timeout=BOUND_S)

    keeper.rest()
    embedder.let(1)
    keeper.rest(wait_s=BOUND_S)
    assert home.is_behind()
    assert not embedder.began.acquire(timeout=0.05)

    embedder.let(100)
    keeper.nudge()
    wait_until(lambda: not home.is_behind())


def test_turn_is_not_disturbed_and_the_work_goes_on_after_it(tmp_path: Path) -> None:
    embedder = Slow()
    home = home_with(tmp_path, embedder)
    keeper = Keeper(home)

    with keeper.quiet():
        keeper.rest()
        keeper.nudge()
        assert not embedder.began.acquire(timeout=0.1)

    embedder.let(100)
    wait_until(lambda: not home.is_behind())


def test_work_a_short_turn_broke_off_goes_on_without_another_nudge(tmp_path: Path) -> None:
    embedder = Slow()
    home = home_with(tmp_path, embedder, passages=200)
    keeper = Keeper(home)
    keeper.nudge()
    assert embedder.began.acquire(timeout=BOUND_S)

    with keeper.quiet():
        embedder.let(1)  # it sees the turn when the batch is made
        time.sleep(0.1)
        keeper.nudge()
    embedder.let(100)

    wait_until(lambda: not home.is_behind())


def test_nudge_for_a_change_during_the_work_has_it_done_too(tmp_path: Path) -> None:
    embedder = Slow()
    home = home_with(tmp_path, embedder)
    keeper = Keeper(home)
    keeper.nudge()
    assert embedder.began.acquire(timeout=BOUND_S)

    home.archival.insert([Passage("late", "a late note", "2026-03-01")])
    keeper.nudge(surely=True)
    embedder.let(100)

    wait_until(lambda: home.finder.state().vectors == 41)


def test_keep_up_does_everything_before_it_returns(tmp_path: Path) -> None:
    embedder = Slow()
    home = home_with(tmp_path, embedder)
    keeper = Keeper(home)
    keeper.nudge()
    assert embedder.began.acquire(timeout=BOUND_S)
    embedder.let(100)

    keeper.keep_up(stop=lambda: False)

    assert not home.is_behind()
    assert home.finder.trouble is None


def test_nudge_never_fails_whatever_became_of_the_directory(tmp_path: Path) -> None:
    home = home_with(tmp_path / "ada", HashedEmbedder())
    shutil.rmtree(tmp_path / "ada")

    Keeper(home).nudge()


def test_failure_in_the_background_is_told_and_forgotten_when_it_works(tmp_path: Path) -> None:
    home = home_with(tmp_path, HashedEmbedder())
    (tmp_path / ".lettafs/index").write_bytes(b"")
    keeper = Keeper(home)

    keeper.nudge()
    wait_until(lambda: home.finder.trouble is not None)
    keeper.rest(wait_s=BOUND_S)
    (tmp_path / ".lettafs/index").unlink()
    keeper.nudge()

    wait_until(lambda: not home.is_behind() and home.finder.trouble is None)


def test_two_keepers_of_one_home_do_the_work_once(tmp_path: Path) -> None:
    first, second = Slow(), Slow()
    one = home_with(tmp_path, first)
    place = IndexPlace(tmp_path / ".lettafs/index", lambda: KEY, lambda handle: second)
    other = Home(tmp_path, indexes=place)

    keeper = Keeper(one)
    keeper.nudge()
    assert first.began.acquire(timeout=BOUND_S)
    Keeper(other).keep_up(stop=lambda: False)  # returns: the other is at it
    first.let(100)

    wait_until(lambda: not one.is_behind())
    assert second.threads == set()
    assert other.finder.state().vectors == 40


def test_keeper_that_has_worked_is_let_go_of(tmp_path: Path) -> None:
    home = home_with(tmp_path, HashedEmbedder())
    keeper = Keeper(home)
    keeper.nudge()
    wait_until(lambda: not home.is_behind())
    keeper.rest(wait_s=BOUND_S)
    gone = weakref.ref(keeper)

    del keeper
    gc.collect()

    assert gone() is None


_PROGRAM = """
import sys, time
from pathlib import Path
from tests.sdk.test_keeper import Slow, home_with
from lettafs.sdk.keeper import Keeper
embedder = Slow()
keeper = Keeper(home_with(Path(sys.argv[1]), embedder))
keeper.nudge()
assert embedder.began.acquire(timeout=10)
print("at work", flush=True)
"""


def test_program_ends_though_the_background_is_at_work(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    begun = time.monotonic()

    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(tmp_path / "ada")],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=root,
        env={**os.environ, "PYTHONPATH": root},
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "at work\n", "")
    assert time.monotonic() - begun < 15
