"""What a user allowed an agent directory is theirs to say, for that directory and no other."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from lettafs.disk.trust import Trust

AT = "2026-11-20T10:00:00+00:00"


def _agent(tmp_path: Path, name: str = "ada") -> Path:
    root = tmp_path / name
    root.mkdir()
    return root


def test_nothing_is_allowed_until_it_is(tmp_path: Path) -> None:
    root, trust = _agent(tmp_path), Trust(tmp_path / "config")
    assert not trust.allows(root, "folder", "/srv/papers")
    trust.allow(root, "folder", "/srv/papers", at=AT)
    assert trust.allows(root, "folder", "/srv/papers")
    assert not trust.allows(root, "folder", "/srv")
    assert not trust.allows(root, "folder", "/srv/papers/x")
    assert Trust(tmp_path / "config").allows(root, "folder", "/srv/papers")


def test_it_can_be_taken_back(tmp_path: Path) -> None:
    root, trust = _agent(tmp_path), Trust(tmp_path / "config")
    trust.allow(root, "folder", "/a", at=AT)
    trust.allow(root, "folder", "/b", at=AT)
    trust.forget(root, "folder", "/a")
    assert not trust.allows(root, "folder", "/a")
    assert trust.allows(root, "folder", "/b")


def test_a_copy_and_another_directory_in_the_same_place_are_not_allowed(tmp_path: Path) -> None:
    root, trust = _agent(tmp_path), Trust(tmp_path / "config")
    trust.allow(root, "folder", "/a", at=AT)
    shutil.copytree(root, tmp_path / "copy")
    assert not trust.allows(tmp_path / "copy", "folder", "/a")
    root.rename(tmp_path / "moved")
    root.mkdir()
    assert not trust.allows(root, "folder", "/a")
    assert not trust.allows(tmp_path / "gone", "folder", "/a")


def test_the_file_is_the_users_alone(tmp_path: Path) -> None:
    root, trust = _agent(tmp_path), Trust(tmp_path / "config")
    trust.allow(root, "folder", "/a", at=AT)
    path = tmp_path / "config" / "trust.json"
    assert path.stat().st_mode & 0o777 == 0o600
    (entry,) = json.loads(path.read_text())["agents"].values()
    (item,) = entry["items"].values()
    assert item == {"kind": "folder", "shown": "/a", "at": AT}


def test_a_list_that_others_may_write_allows_nothing(tmp_path: Path) -> None:
    root, trust = _agent(tmp_path), Trust(tmp_path / "config")
    trust.allow(root, "folder", "/a", at=AT)
    path = tmp_path / "config" / "trust.json"
    path.chmod(0o666)
    assert not trust.allows(root, "folder", "/a")


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"form": 2}', '{"form": 1, "agents": []}', "[" * 100_000]
)
def test_a_damaged_list_allows_nothing_and_can_be_written_again(tmp_path: Path, text: str) -> None:
    root, trust = _agent(tmp_path), Trust(tmp_path / "config")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "trust.json").write_text(text)
    os.chmod(tmp_path / "config" / "trust.json", 0o600)
    assert not trust.allows(root, "folder", "/a")
    trust.allow(root, "folder", "/a", at=AT)
    assert trust.allows(root, "folder", "/a")


def test_a_link_in_its_place_is_not_read(tmp_path: Path) -> None:
    root, trust = _agent(tmp_path), Trust(tmp_path / "config")
    trust.allow(root, "folder", "/a", at=AT)
    path = tmp_path / "config" / "trust.json"
    path.rename(tmp_path / "elsewhere.json")
    path.symlink_to(tmp_path / "elsewhere.json")
    assert not trust.allows(root, "folder", "/a")
