"""The past: an agent as it was, read, searched and talked to as a copy."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import anyio
import pytest

from lettafs.errors import HistoryProblem, NotAnAgent
from lettafs.sdk.agent import Agent
from lettafs.sdk.open import create_agent, open_agent
from lettafs.values.event import Event, Notice
from tests.support.homes import git, tree_of

pytestmark = pytest.mark.usefixtures("person")


@pytest.fixture
def ada(tmp_path: Path) -> Agent:
    agent = create_agent(tmp_path / "ada", name="Ada", model="lettafs/offline", timezone="UTC")
    agent.remember("The first note is about violins.")
    return agent


@pytest.fixture
def temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for temporary files that is looked through afterwards."""
    place = tmp_path / "temp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def then(agent: Agent) -> str:
    return agent.log(limit=1)[0].commit


def heard(agent: Agent, words: str) -> list[Event]:
    async def listen() -> list[Event]:
        return [event async for event in agent.stream(words)]

    return anyio.run(listen)


def test_what_came_later_is_not_there(ada: Agent, temp: Path) -> None:
    checkpoint = then(ada)
    ada.remember("The second note is about zebras.")

    with ada.at(checkpoint) as past:
        assert [hit.text for hit in past.search("note")] == ["The first note is about violins."]
        assert past.search("zebras", exact=True) == []
        assert past.settings == ada.settings
        assert past.path.name == "ada"
    assert len(ada.search("note")) == 2
    assert list(temp.iterdir()) == []


def test_talking_with_the_past_changes_nothing_and_tells_of_no_beginning(
    ada: Agent, temp: Path
) -> None:
    checkpoint = then(ada)
    before = tree_of(ada.path)
    head = then(ada)

    with ada.at(checkpoint) as past:
        first = heard(past, "My name is Chad.")
        heard(past, "Hello again.")
        assert len(past.log()) >= 2
        assert past.index_state().messages >= 4

    assert [event.text for event in first if isinstance(event, Notice)] == []
    assert tree_of(ada.path) == before
    assert then(ada) == head
    assert ada.messages() == []
    assert list(temp.iterdir()) == []


def test_past_is_taken_away_when_the_block_ends_in_an_error(ada: Agent, temp: Path) -> None:
    with pytest.raises(RuntimeError), ada.at(then(ada)):
        raise RuntimeError
    assert list(temp.iterdir()) == []


def test_indexes_of_the_past_go_with_it(
    ada: Agent, temp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "indexes"
    monkeypatch.setenv("LETTAFS_INDEX_DIR", str(kept))
    agent = open_agent(ada.path)

    with agent.at(then(agent)) as past:
        past.keep_up()
        assert past.index_state().vectors == 1
        assert not kept.exists()
    agent.keep_up()

    assert len(os.listdir(kept)) == 1
    assert list(temp.iterdir()) == []


@pytest.mark.parametrize("name", ["nonsense", "--all", "HEAD~99", "", "a\nb"])
def test_checkpoint_that_is_none_is_said_to_be_none(ada: Agent, temp: Path, name: str) -> None:
    with pytest.raises(HistoryProblem, match="checkpoint"), ada.at(name):
        pass
    assert list(temp.iterdir()) == []


def test_without_a_history_there_is_no_past(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "agent.toml").write_text('name = "Ada"\n', encoding="utf-8")
    agent = open_agent(tmp_path)

    with pytest.raises(HistoryProblem, match="no history"), agent.at("HEAD"):
        pass


def test_broken_settings_of_then_are_told_as_such(ada: Agent, temp: Path) -> None:
    (ada.path / "agent.toml").write_bytes(b"name = \n")
    git(ada.path, "add", "agent.toml")
    git(ada.path, "commit", "-q", "-m", "broken")

    with pytest.raises(NotAnAgent), ada.at("HEAD"):
        pass
    assert list(temp.iterdir()) == []
