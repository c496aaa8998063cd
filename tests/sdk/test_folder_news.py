"""Watching attached folders: a changed document is told once, by what belongs to the folder."""

from __future__ import annotations

import os
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lettafs.sdk import folder_news
from lettafs.sdk.watch import watching
from lettafs.values.folder import Folder

_BOUND_S = 10.0


class Watch:
    """A home that is watched, with folders that come and go."""

    def __init__(self, tmp_path: Path) -> None:
        self.home = tmp_path / "ada"
        (self.home / "memory").mkdir(parents=True)
        self.papers = tmp_path / "papers"
        self.papers.mkdir()
        self.attached: list[tuple[Folder, Path]] = [
            (Folder("papers", str(self.papers)), self.papers)
        ]
        self.told: queue.Queue[str] = queue.Queue()
        self.nudges = threading.Semaphore(0)
        self.busy = False

    @contextmanager
    def on(self) -> Iterator[None]:
        """Watch, from the moment that the folders have been seen."""
        with watching(
            self.home,
            self.told.put,
            ours=lambda: self.busy,
            ended=[],
            attached=lambda: tuple(self.attached),
            nudge=self.nudges.release,
        ):
            self.seen()
            yield

    def seen(self) -> None:
        assert self.nudges.acquire(timeout=_BOUND_S), "the folder was not looked at"

    def next(self) -> str:
        return self.told.get(timeout=_BOUND_S)

    def is_silent(self, *, seconds: float = 0.7) -> bool:
        try:
            self.told.get(timeout=seconds)
        except queue.Empty:
            return True
        return False


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    monkeypatch.setattr(folder_news, "_BEGIN_S", 0.0)
    return Watch(tmp_path)


def test_changed_new_and_deleted_documents_are_told_by_folder_and_name(watch: Watch) -> None:
    paper = watch.papers / "a.txt"
    paper.write_text("one", encoding="utf-8")
    with watch.on():
        paper.write_text("two, and more", encoding="utf-8")
        assert watch.next() == "papers: a.txt"
        watch.seen()

        (watch.papers / "deep/er").mkdir(parents=True)
        (watch.papers / "deep/er/b.md").write_text("new", encoding="utf-8")
        assert watch.next() == "papers: deep/er/b.md"

        paper.unlink()
        assert watch.next() == "papers: a.txt"
        assert watch.is_silent()


def test_renamed_document_is_told_once_by_its_new_name(watch: Watch) -> None:
    (watch.papers / "a.txt").write_text("one", encoding="utf-8")
    with watch.on():
        os.rename(watch.papers / "a.txt", watch.papers / "b.txt")

        assert watch.next() == "papers: b.txt"
        assert watch.is_silent()


def test_many_changes_are_counted_in_one_line(watch: Watch) -> None:
    with watch.on():
        for number in range(40):
            (watch.papers / f"{number}.txt").write_text("x", encoding="utf-8")

        assert watch.next() == "papers: 40 files"
        assert watch.is_silent()


def test_tree_that_is_moved_in_or_out_is_counted_by_its_files(watch: Watch, tmp_path: Path) -> None:
    aside = tmp_path / "aside"
    (aside / "sub").mkdir(parents=True)
    for name in ("a.txt", "sub/b.txt"):
        (aside / name).write_text("x", encoding="utf-8")
    with watch.on():
        os.rename(aside, watch.papers / "in")
        assert watch.next() == "papers: 2 files"
        shutil.move(watch.papers / "in", aside)
        assert watch.next() == "papers: 2 files"


def test_document_that_is_being_written_is_told_when_that_is_over(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_news, "_LONGEST_S", 1.0)
    with watch.on():
        begun = time.monotonic()
        with (watch.papers / "long.txt").open("w", encoding="utf-8") as file:
            while time.monotonic() - begun < 1.7:  # longer than a look is put off
                file.write("word ")
                file.flush()
                time.sleep(0.05)
        ended = time.monotonic()

        assert watch.next() == "papers: long.txt"
        assert time.monotonic() - ended < 5
        assert watch.is_silent()


def test_what_does_not_belong_to_the_folder_is_no_news(watch: Watch) -> None:
    (watch.papers / ".gitignore").write_text("*.log\nbuild/\n", encoding="utf-8")
    folder = Folder("papers", str(watch.papers), exclude=("private/",))
    watch.attached = [(folder, watch.papers)]
    for name in (".git", "build", "private", "node_modules/left"):
        (watch.papers / name).mkdir(parents=True)
    (watch.papers / "a.txt").write_text("one", encoding="utf-8")
    with watch.on():
        for name in (
            ".git/index",
            "build/out.txt",
            "private/diary.txt",
            "node_modules/left/pad.js",
            "x.log",
            ".a.txt.swp",
            "a.txt~",
            "key.pem",
        ):
            (watch.papers / name).write_text("x", encoding="utf-8")
        os.symlink("/etc/hostname", watch.papers / "link.txt")
        (watch.papers / "a.txt").read_text(encoding="utf-8")
        (watch.papers / "a.txt").chmod(0o600)

        assert watch.is_silent(seconds=1.5)


def test_single_file_is_watched_whichever_way_it_is_saved(watch: Watch) -> None:
    paper = watch.papers / "a.txt"
    paper.write_text("one", encoding="utf-8")
    watch.attached = [(Folder("a", str(paper)), paper)]
    with watch.on():
        beside = watch.papers / "b.txt"
        beside.write_text("another one", encoding="utf-8")
        os.replace(beside, paper)
        assert watch.next() == "a: a.txt"

        (watch.papers / "c.txt").write_text("not attached", encoding="utf-8")
        assert watch.is_silent()


def test_folder_attached_while_watching_is_watched_too(watch: Watch, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    with watch.on():
        watch.attached.append((Folder("notes", str(notes)), notes))
        (watch.home / "folders").mkdir()
        attaches = watch.home / "folders/notes.toml"
        attaches.write_text(f'path = "{notes}"\n', encoding="utf-8")
        assert watch.next() == "folders/notes.toml"
        watch.seen()

        (notes / "n.md").write_text("new", encoding="utf-8")
        assert watch.next() == "notes: n.md"
        watch.seen()

        watch.attached.pop()
        attaches.unlink()
        assert watch.next() == "folders/notes.toml"
        time.sleep(0.5)
        (notes / "n.md").write_text("detached by now", encoding="utf-8")
        assert watch.is_silent()


def test_documents_inside_the_agent_are_told_as_documents(watch: Watch) -> None:
    inside = watch.home / "folders/papers"
    inside.mkdir(parents=True)
    watch.attached = [(Folder("papers", "folders/papers"), inside)]
    with watch.on():
        (watch.home / ".lettafs/text").mkdir(parents=True)
        (watch.home / ".lettafs/text/x.md").write_text("derived", encoding="utf-8")
        (inside / "a.md").write_text("x", encoding="utf-8")

        assert watch.next() == "papers: a.md"
        assert watch.is_silent()


def test_folder_that_is_replaced_goes_on_being_watched(
    watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_news, "_ROUND_S", 0.2)
    (watch.papers / "a.txt").write_text("one", encoding="utf-8")
    with watch.on():
        other = tmp_path / "other"
        other.mkdir()
        (other / "b.txt").write_text("two", encoding="utf-8")
        os.rename(watch.papers, tmp_path / "aside")
        time.sleep(0.5)
        os.rename(other, watch.papers)

        assert watch.next() == "papers: 2 files"
        time.sleep(0.5)
        (watch.papers / "c.txt").write_text("three", encoding="utf-8")
        assert watch.next() == "papers: c.txt"


def test_change_during_a_turn_is_told_after_it(watch: Watch) -> None:
    with watch.on():
        watch.busy = True
        (watch.papers / "a.txt").write_text("x", encoding="utf-8")
        assert watch.is_silent()

        watch.busy = False
        assert watch.next() == "papers: a.txt"


def test_file_that_is_written_all_the_time_is_told_ever_less_often(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_news, "_QUIET_S", 0.1)
    with watch.on():
        for _ in range(10):
            with (watch.papers / "diary.txt").open("a", encoding="utf-8") as file:
                file.write("more\n")
            time.sleep(0.25)

        assert 1 <= watch.told.qsize() <= 4
        assert watch.nudges.acquire(timeout=1), "it is read again all the same"


def _no_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    from watchdog.observers import Observer

    def no_more(*args: object, **kwargs: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(Observer, "start", no_more)


def _no_watches_in_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    from watchdog.observers.api import BaseObserver

    schedule = BaseObserver.schedule

    def refused(self: BaseObserver, handler: Any, path: str, **kwargs: Any) -> object:
        if "papers" in path:
            raise OSError(28, "inotify watch limit reached")
        return schedule(self, handler, path, **kwargs)

    monkeypatch.setattr(BaseObserver, "schedule", refused)


@pytest.mark.parametrize("limit", [_no_watches, _no_watches_in_folders])
def test_machine_without_watches_looks_now_and_then(
    limit: Callable[[pytest.MonkeyPatch], None], watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch)
    with watch.on():
        (watch.papers / "a.txt").write_text("x", encoding="utf-8")

        assert watch.next() == "papers: a.txt"


def test_large_tree_is_listened_to_where_documents_lie(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lettafs.sdk.watch._MOST_DIRECTORIES", 10)
    for number in range(20):
        (watch.papers / f"node_modules/{number}").mkdir(parents=True)
    (watch.papers / "mine/deep").mkdir(parents=True)
    with watch.on():
        (watch.papers / "mine/deep/a.txt").write_text("x", encoding="utf-8")
        assert watch.next() == "papers: mine/deep/a.txt"
        (watch.papers / "top.txt").write_text("x", encoding="utf-8")
        assert watch.next() == "papers: top.txt"


def test_folder_that_fails_and_one_that_is_missing_leave_the_others(watch: Watch) -> None:
    gone = watch.papers.with_name("gone")
    watch.attached.insert(0, (Folder("gone", str(gone)), gone))
    with watch.on():
        (watch.papers / "a.txt").write_text("x", encoding="utf-8")

        assert watch.next() == "papers: a.txt"


def test_nothing_is_left_running_when_watching_ends(watch: Watch) -> None:
    before = set(threading.enumerate())
    with watch.on():
        pass
    (watch.papers / "a.txt").write_text("x", encoding="utf-8")

    assert watch.is_silent(seconds=0.5)
    left: Sequence[threading.Thread] = [
        one for one in threading.enumerate() if one not in before and one.is_alive()
    ]
    assert not [one.name for one in left if "inotify" not in one.name.lower()]
