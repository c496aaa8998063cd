"""Attaching writes one file, commits it as the person's, and reaches nothing nobody allowed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lettafs.errors import UsageProblem
from lettafs.sdk.agent import Agent
from lettafs.sdk.open import create_agent, open_agent
from tests.support.homes import commits, git


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Agent:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return create_agent(tmp_path / "ada", embedding="none")


def _folder(place: Path, **files: str) -> Path:
    place.mkdir(parents=True)
    for name, text in files.items():
        (place / f"{name}.txt").write_text(text, encoding="utf-8")
    return place


def test_a_folder_outside_is_named_from_the_users_home_and_stays_where_it_is(
    agent: Agent, tmp_path: Path
) -> None:
    papers = _folder(tmp_path / "home" / "papers", one="First.\n", two="Second.\n")
    info = agent.attach(papers, description="What I read.")
    assert (info.files, info.ready, info.trouble) == (2, 2, "")
    text = (agent.path / "folders" / "papers.toml").read_text(encoding="utf-8")
    assert 'path = "~/papers"' in text
    assert 'description = "What I read."' in text
    assert [each.name for each in agent.files()] == ["papers/one.txt", "papers/two.txt"]
    assert sorted(path.name for path in papers.iterdir()) == ["one.txt", "two.txt"]
    assert commits(agent.path)[0].endswith("Attach papers")
    assert git(agent.path, "status", "--porcelain") == ""
    assert agent.problems() == []


def test_a_folder_inside_travels_with_the_agent(agent: Agent, tmp_path: Path) -> None:
    _folder(agent.path / "folders" / "notes", a="Inside.\n")
    agent.attach(agent.path / "folders" / "notes")
    clone = tmp_path / "clone"
    git(agent.path, "clone", "-q", str(agent.path), str(clone))
    (info,) = open_agent(clone).folders()
    assert (info.folder.path, info.files, info.trouble) == ("folders/notes", 1, "")
    assert [each.state for each in open_agent(clone).files()] == ["ready"]


def test_a_clone_says_what_is_missing_and_how_to_allow_it(agent: Agent, tmp_path: Path) -> None:
    papers = _folder(tmp_path / "papers", one="First.\n")
    agent.attach(papers)
    clone = tmp_path / "clone"
    git(agent.path, "clone", "-q", str(agent.path), str(clone))
    (info,) = open_agent(clone).folders()
    assert info.files == 0
    assert "nobody has allowed it" in info.trouble
    assert f"lettafs attach clone {papers}" in info.trouble
    assert [p.code for p in open_agent(clone).problems()] == ["folder"]
    assert open_agent(clone).attach(papers).ready == 1


def test_a_strangers_file_reaches_nothing_outside(agent: Agent, tmp_path: Path) -> None:
    secret = _folder(tmp_path / "home" / "private", diary="Nobody is to read this.\n")
    (agent.path / "folders").mkdir()
    for name, path in {
        "a": str(secret),
        "b": "~/private",
        "c": "../home/private",
        "d": str(secret / "diary.txt"),
        "e": ".git",
        "f": ".env",
        "g": "/",
        "h": "link",
    }.items():
        (agent.path / "folders" / f"{name}.toml").write_text(f'path = "{path}"\n')
    (agent.path / "link").symlink_to(secret)
    again = open_agent(agent.path)
    assert again.files() == []
    assert all(info.trouble and not info.files for info in again.folders())
    assert again.search("nobody diary", sources=["files"]) == []


def test_a_link_that_is_turned_elsewhere_is_not_followed(agent: Agent, tmp_path: Path) -> None:
    papers = _folder(tmp_path / "papers", one="First.\n")
    other = _folder(tmp_path / "other", secret="Other.\n")
    link = tmp_path / "link"
    link.symlink_to(papers)
    agent.attach(link)
    assert f'path = "{papers}"' in (agent.path / "folders" / "link.toml").read_text()
    papers.rename(tmp_path / "was")
    papers.symlink_to(other)
    assert agent.files() == []
    assert "nobody has allowed it" in agent.folders()[0].trouble


def test_one_file_can_be_attached(agent: Agent, tmp_path: Path) -> None:
    path = tmp_path / "todo.txt"
    path.write_text("Buy milk.\n", encoding="utf-8")
    info = agent.attach(path)
    assert info.folder.name == "todo"
    assert [each.name for each in agent.files()] == ["todo/todo.txt"]
    path.write_text("Buy bread.\n", encoding="utf-8")
    assert [hit.text for hit in agent.search("bread", sources=["files"])] == ["Buy bread."]


def test_attaching_again_changes_only_what_is_said(agent: Agent, tmp_path: Path) -> None:
    papers = _folder(tmp_path / "papers", one="First.\n", two="Second.\n")
    agent.attach(papers, description="Mine.")
    head = commits(agent.path)
    agent.attach(papers)
    assert commits(agent.path) == head
    info = agent.attach(papers, exclude=["two.txt"])
    assert (info.folder.description, info.files) == ("Mine.", 1)
    other = _folder(tmp_path / "elsewhere" / "papers", three="Third.\n")
    assert agent.attach(other).folder.name == "papers-2"
    with pytest.raises(UsageProblem, match="named papers already"):
        agent.attach(_folder(tmp_path / "third"), name="Papers")


@pytest.mark.parametrize("name", ["../x", "a/b", "con", "", "x\ny", ".x", "a.toml"])
def test_a_name_that_is_no_name_is_refused(agent: Agent, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageProblem, match="cannot be a folder's name"):
        agent.attach(_folder(tmp_path / "papers"), name=name)
    assert not (agent.path / "folders").exists()


def test_what_cannot_be_attached_is_said(agent: Agent, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, words in {
        tmp_path / "nothing": "nothing at",
        tmp_path / "pipe": "neither a directory nor a regular file",
        agent.path: "holds the agent itself",
        tmp_path: "holds the agent itself",
        agent.path / ".git": "part of the agent itself",
        Path("~nobody-here/x"): "names no one's home",
    }.items():
        with pytest.raises(UsageProblem, match=words):
            agent.attach(path)


def test_detaching_leaves_the_documents(agent: Agent, tmp_path: Path) -> None:
    papers = _folder(tmp_path / "papers", one="First.\n")
    agent.attach(papers)
    agent.detach("papers")
    assert (papers / "one.txt").exists()
    assert agent.folders() == [] and agent.files() == []
    assert agent.search("first", sources=["files"]) == []
    assert commits(agent.path)[0].endswith("Detach papers")
    with pytest.raises(UsageProblem, match="no attached folder named 'papers'"):
        agent.detach("papers")
    (agent.path / "folders").mkdir(exist_ok=True)
    (agent.path / "folders" / "again.toml").write_text(f'path = "{papers}"\n')
    assert "nobody has allowed it" in agent.folders()[0].trouble


def test_a_fork_may_read_what_its_source_may(agent: Agent, tmp_path: Path) -> None:
    agent.attach(_folder(tmp_path / "papers", one="First.\n"))
    fork = agent.fork(tmp_path / "bob")
    assert [info.trouble for info in fork.folders()] == [""]
    assert [each.state for each in fork.files()] == ["ready"]


def test_a_folder_whose_file_is_named_otherwise_can_be_detached(
    agent: Agent, tmp_path: Path
) -> None:
    papers = _folder(tmp_path / "papers", a="one\n")
    folders = agent.path / "folders"
    folders.mkdir(exist_ok=True)
    # As some systems write é: an e, and then its accent.
    (folders / "cafe\u0301.toml").write_text(f'path = "{papers}"\n', encoding="utf-8")
    assert [info.folder.name for info in agent.folders()] == ["caf\u00e9"]

    agent.detach("caf\u00e9")

    assert agent.folders() == []


def test_a_place_another_folder_names_in_another_way_stays_allowed(
    agent: Agent, tmp_path: Path
) -> None:
    papers = _folder(tmp_path / "papers", a="one\n")
    agent.attach(papers)
    (tmp_path / "link").symlink_to(papers)
    other = agent.path / "folders/other.toml"
    other.write_text(f'path = "{tmp_path / "link"}"\n', encoding="utf-8")

    agent.detach("papers")

    assert [info.name for info in agent.files()] == ["other/a.txt"]


def test_rebuild_reads_the_files_again_and_gc_drops_what_nobody_needs(
    agent: Agent, tmp_path: Path
) -> None:
    said = "<html><body><p>one</p></body></html>"
    papers = _folder(tmp_path / "papers")
    (papers / "a.html").write_text(said, encoding="utf-8")
    agent.attach(papers)
    (text,) = (agent.path / ".lettafs/text").iterdir()
    before = text.stat().st_ino, text.stat().st_mtime_ns

    assert "What is known of files: 1 can be read." in agent.rebuild()
    assert (text.stat().st_ino, text.stat().st_mtime_ns) != before
    assert "Dropped" not in agent.pack()
    assert text.exists()

    agent.detach("papers")
    assert "Dropped 1 text " in agent.pack()
    assert not text.exists()
