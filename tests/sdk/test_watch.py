"""Watching: a person's edit is told at once, our own writes are not."""

from __future__ import annotations

import os
import queue
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from lettafs.values.event import MessageAdded
from tests.support.talk import Talk, call, talk_with, text

_BOUND_S = 5.0
"""The promise is two seconds; a machine that runs other tests too gets more."""


@contextmanager
def watched(talk: Talk) -> Iterator[queue.Queue[str]]:
    told: queue.Queue[str] = queue.Queue()
    with talk.agent.watch(told.put):
        yield told


def next_of(told: queue.Queue[str]) -> str:
    return told.get(timeout=_BOUND_S)


def silent(told: queue.Queue[str], *, seconds: float = 0.5) -> bool:
    """Tell whether nothing is told for so long."""
    try:
        told.get(timeout=seconds)
    except queue.Empty:
        return True
    return False


def in_place(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def slowly_in_place(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        time.sleep(0.01)
        file.write(data)


def renamed_over(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{path.name}.swp")
    beside.write_bytes(data)
    os.replace(beside, path)


def moved_away_and_written_anew(path: Path, data: bytes) -> None:
    backup = path.with_name(f"{path.name}~")
    os.replace(path, backup)
    path.write_bytes(data)
    backup.unlink()


def deleted_and_made_anew(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


@pytest.mark.parametrize(
    "save",
    [
        in_place,
        slowly_in_place,
        renamed_over,
        moved_away_and_written_anew,
        deleted_and_made_anew,
    ],
)
def test_edit_is_told_whichever_way_an_editor_saves(
    save: Callable[[Path, bytes], None], tmp_path: Path
) -> None:
    talk = talk_with(tmp_path)
    with watched(talk) as told:
        save(tmp_path / "memory/human.md", b"Her name is Sarah.\n")

        assert next_of(told) == "memory/human.md"
        assert silent(told)
        save(tmp_path / "memory/human.md", b"Her name is Eve.\n")
        assert next_of(told) == "memory/human.md"


def test_new_moved_and_deleted_files_are_told(tmp_path: Path) -> None:
    talk = talk_with(tmp_path)
    with watched(talk) as told:
        (tmp_path / "memory/trip.md").write_text("Rome.", encoding="utf-8")
        assert next_of(told) == "memory/trip.md"

        os.rename(tmp_path / "memory/trip.md", tmp_path / "memory/rome.md")
        assert {next_of(told), next_of(told)} == {"memory/trip.md", "memory/rome.md"}

        (tmp_path / "memory/rome.md").unlink()
        assert next_of(told) == "memory/rome.md"

        (tmp_path / "system.md").write_text("Be brief.\n", encoding="utf-8")
        assert next_of(told) == "system.md"


def test_whole_folders_are_told_by_their_blocks(tmp_path: Path) -> None:
    talk = talk_with(tmp_path / "ada")
    root = tmp_path / "ada"
    with watched(talk) as told:
        (root / "memory/a/b").mkdir(parents=True)
        (root / "memory/a/b/c.md").write_text("x", encoding="utf-8")
        assert next_of(told) == "memory/a/b/c.md"

        os.rename(root / "memory/a", tmp_path / "elsewhere")
        assert next_of(told) == "memory/a/b/c.md"

        shutil.rmtree(tmp_path / "elsewhere")
        assert silent(told)


def test_folder_that_comes_back_is_watched_again(tmp_path: Path) -> None:
    talk = talk_with(tmp_path / "ada")
    memory = tmp_path / "ada/memory"
    with watched(talk) as told:
        os.rename(memory, tmp_path / "aside")
        assert {next_of(told), next_of(told)} == {"memory/human.md", "memory/persona.md"}
        os.rename(tmp_path / "aside", memory)
        assert {next_of(told), next_of(told)} == {"memory/human.md", "memory/persona.md"}

        in_place(memory / "human.md", b"Edited.")
        assert next_of(told) == "memory/human.md"


def test_machine_without_watches_is_looked_at_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from watchdog.observers import Observer

    def no_more(*args: object, **kwargs: object) -> None:
        raise OSError(24, "inotify instance limit reached")

    monkeypatch.setattr(Observer, "start", no_more)
    talk = talk_with(tmp_path)
    with watched(talk) as told:
        in_place(tmp_path / "memory/human.md", b"Her name is Sarah.\n")
        assert next_of(told) == "memory/human.md"


def test_touching_and_saving_the_same_text_is_no_news(tmp_path: Path) -> None:
    talk = talk_with(tmp_path)
    with watched(talk) as told:
        os.utime(tmp_path / "memory/human.md")
        (tmp_path / "memory/human.md").read_bytes()
        renamed_over(tmp_path / "memory/human.md", (tmp_path / "memory/human.md").read_bytes())

        assert silent(told)


def test_files_that_are_not_the_agents_are_no_news(tmp_path: Path) -> None:
    talk = talk_with(tmp_path)
    with watched(talk) as told:
        (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
        (tmp_path / ".env").write_text("A=b", encoding="utf-8")
        (tmp_path / "memory/.human.md.swp").write_text("x", encoding="utf-8")
        (tmp_path / "recall").mkdir(exist_ok=True)
        (tmp_path / "recall/000009.jsonl").write_text("", encoding="utf-8")

        assert silent(told)


def test_turns_own_writes_are_no_news_not_even_just_after_it(tmp_path: Path) -> None:
    script = [
        one
        for number in range(6)
        for one in (
            call("memory_insert", label="human", new_string=f"fact {number}"),
            text("Noted."),
        )
    ]
    talk = talk_with(tmp_path, *script, text("Hi."))
    with watched(talk) as told:
        for _ in range(6):
            talk.say()
        talk.agent.remember("A passage.")
        talk.agent.undo()

        assert silent(told, seconds=0.8)
        (tmp_path / "memory/human.md").write_text("Mine now.", encoding="utf-8")
        assert next_of(told) == "memory/human.md"


def test_edit_right_after_a_turn_is_told(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, call("memory_insert", label="human", new_string="x"), text("Noted."))
    with watched(talk) as told:
        talk.say()
        (tmp_path / "memory/human.md").write_text("Mine now.", encoding="utf-8")

        assert next_of(told) == "memory/human.md"


def test_watching_ends_with_its_block(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Hi."))
    with watched(talk) as told:
        pass
    (tmp_path / "memory/human.md").write_text("Unseen.", encoding="utf-8")

    assert silent(told)
    assert talk.say().text == "Hi."


def test_edit_during_a_turn_is_adopted_though_not_told(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, call("conversation_search", query="x"), text("Hi."))

    async def listen() -> None:
        async for event in talk.agent.stream("Hello."):
            if isinstance(event, MessageAdded) and event.message.tool_returns:
                (tmp_path / "memory/human.md").write_text("Edited.", encoding="utf-8")

    with watched(talk) as told:
        anyio.run(listen)
        assert silent(told)
    assert "Edited." in talk.requests[-1].system
