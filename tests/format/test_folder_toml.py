"""The file that attaches a folder: read with its mistakes, written so that people can edit it."""

from __future__ import annotations

import pytest

from lettafs.format.folder_toml import parse_folder, render_folder, with_folder
from lettafs.values.folder import Folder

ID = "source-0b2f3c5e-3f6e-4a51-9d0c-6f1d2e3a4b5c"
FULL = Folder(
    name="papers",
    path="~/papers",
    id=ID,
    description="What I read.",
    instructions="Quote with the page.",
    include=("*.pdf", "notes/"),
    exclude=("drafts/",),
    gitignore=False,
    archives=True,
    extra={"colour": "blue"},
)


def test_what_is_written_is_read_again() -> None:
    assert parse_folder(render_folder(FULL), path="folders/papers.toml") == (FULL, ())


def test_a_path_alone_is_enough() -> None:
    folder, problems = parse_folder(b'path = "docs"\n', path="folders/my docs.toml")
    assert folder == Folder(name="my docs", path="docs")
    assert problems == ()
    assert not folder.is_outside


@pytest.mark.parametrize("path", ["/srv/papers", "~/papers", "~pat/x", "C:\\papers", "\\\\host\\x"])
def test_a_place_outside_is_known_by_its_look(path: str) -> None:
    assert Folder(name="x", path=path).is_outside


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('path = "a"\nid = "source-1"\n', 2, "`id` has to be"),
        ('path = "a"\ninclude = "x"\n', 2, "`include` has to be an array of strings"),
        ('path = "a"\narchives = 1\n', 2, "`archives` has to be true or false"),
    ],
)
def test_one_wrong_value_costs_that_value(text: str, line: int, words: str) -> None:
    folder, (problem,) = parse_folder(text.encode(), path="folders/a.toml")
    assert folder == Folder(name="a", path="a")
    assert (problem.path, problem.line) == ("folders/a.toml", line)
    assert words in problem.message


@pytest.mark.parametrize("data", [b"", b"path = ''\n", b"path = 3\n", b"path =\n", b"\xff\n"])
def test_without_a_path_nothing_is_attached_and_that_is_said(data: bytes) -> None:
    folder, problems = parse_folder(data, path="folders/a.toml")
    assert folder is None
    assert "nothing is attached" in problems[-1].message


@pytest.mark.parametrize("name", ["con", "a~/b", "x.md", "-x", "a:b", "x\u202ey", "a.toml"])
def test_a_file_whose_name_is_no_folders_name_attaches_nothing(name: str) -> None:
    folder, (problem,) = parse_folder(b'path = "a"\n', path=f"folders/{name}.toml")
    assert folder is None
    assert problem.remedy.startswith("rename it")


def test_a_change_leaves_what_a_person_wrote() -> None:
    data = b'# mine\npath = "~/papers" # here\n\n# more\ncolour = "blue"\n'
    changed = with_folder(data, Folder("papers", "~/papers", description="New."))
    assert changed.startswith(b'# mine\npath = "~/papers" # here\n')
    assert b'colour = "blue"' in changed
    folder, _ = parse_folder(changed, path="folders/papers.toml")
    assert folder is not None
    assert (folder.description, folder.extra) == ("New.", {"colour": "blue"})
