"""A directory of derived files is never made, filled or emptied through a link."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from lettafs.disk import derived
from lettafs.errors import DiskProblem


def test_a_directory_is_made_with_those_above_it(tmp_path: Path) -> None:
    directory = tmp_path / ".lettafs" / "index" / "words"
    assert not derived.is_safe(directory, root=tmp_path)
    derived.make(directory, root=tmp_path)
    assert derived.is_safe(directory, root=tmp_path)
    derived.make(directory, root=tmp_path)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_link_on_the_way_is_refused_and_nothing_is_made_behind_it(
    tmp_path: Path, depth: int
) -> None:
    root, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    names = [".lettafs", "index", "words"]
    link = root.joinpath(*names[:depth])
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(elsewhere)
    directory = root.joinpath(*names)
    assert not derived.is_safe(directory, root=root)
    with pytest.raises(DiskProblem):
        derived.make(directory, root=root)
    assert os.listdir(elsewhere) == []


def test_a_place_the_person_named_may_lie_behind_a_link_of_theirs(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "mine").symlink_to(tmp_path / "real")
    home = tmp_path / "home"
    home.mkdir()
    directory = tmp_path / "mine" / "words"
    derived.make(directory, root=home)
    assert derived.is_safe(directory, root=home)
    assert (tmp_path / "real" / "words").is_dir()
    assert not derived.is_safe(tmp_path / "mine", root=home), "but it itself may not be one"


def test_a_file_is_new_and_its_owners_alone(tmp_path: Path) -> None:
    with derived.create(tmp_path, "one") as file:
        file.write(b"bytes")
    assert (tmp_path / "one").read_bytes() == b"bytes"
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) == 0o600
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("one", "link"):
        with pytest.raises(FileExistsError):
            derived.create(tmp_path, name)


def test_files_are_dropped_and_what_is_missing_or_a_directory_is_passed_over(
    tmp_path: Path,
) -> None:
    (tmp_path / "one").write_bytes(b"")
    (tmp_path / "kept").write_bytes(b"")
    (tmp_path / "directory").mkdir()
    (tmp_path / "link").symlink_to("kept")
    derived.drop(tmp_path, ["one", "missing", "directory", "link"])
    assert derived.names(tmp_path) == ["directory", "kept"]
    assert derived.names(tmp_path / "nowhere") == []
