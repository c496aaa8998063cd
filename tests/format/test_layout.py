"""Labels become paths, and paths are known for what they are."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lettafs.format.layout import (
    GITATTRIBUTES,
    GITIGNORE,
    block_path,
    conflict_path,
    folded,
    is_block_path,
    is_canonical,
    is_safe_label,
    path_label,
    segment_name,
    segment_number,
)

SAFE = [
    "human",
    "persona",
    "system/persona/soul",
    "Supporting Facts",
    "v1.2_notes-x",
    "größe",
    "日本語/メモ",
    "index",
    "a" * 64,
    "/".join("abcdefgh"),
]

UNSAFE = [
    "",
    " ",
    "   ",
    ".",
    "..",
    "../x",
    "/abs",
    "//host/share",
    "C:\\x",
    "a\\b",
    "a//b",
    "a/",
    " a",
    "a ",
    ".a",
    "a.",
    "a/.b",
    "a./b",
    ".git",
    ".git/config",
    ".GIT",
    "git~1",
    ".gitattributes",
    ".gitmodules",
    ".gitignore",
    "CON",
    "nul.md",
    "nul.txt",
    "aux",
    "x/com1/y",
    "Lpt9.tar.gz",
    "con .x",
    "a:b",
    "a\tb",
    "a\nb",
    "a\0b",
    "a\x7fb",
    "abc\u202edef",
    "a\u200bb",
    "a\u115fb",
    "a\ufe0fb",
    "e\u0301",
    "\u0301x",
    "🙂",
    "a" * 65,
    "a" * 300,
    "x/" * 8 + "x",
    "日" * 64 + "/" + "本" * 3,
    "x" * 5000,
    "notes.md",
    "notes.MD",
    "notes.md/x",
    "$VAR",
    "%2e%2e",
    "-rf",
    "a/-rf",
    "a;b",
    "a|b",
    "a*b",
    'a"b',
    "~",
    "a~b",
    "session_context:test-session-003",
    "system//references/lettabot",
]


@pytest.mark.parametrize("label", SAFE)
def test_safe_label_is_its_own_path(label: str) -> None:
    assert is_safe_label(label)
    assert block_path(label) == f"memory/{label}.md"
    assert path_label(block_path(label)) == label


@pytest.mark.parametrize("label", UNSAFE)
def test_unsafe_label_gets_a_slug_that_is_a_plain_visible_file_in_memory(label: str) -> None:
    path = block_path(label)
    assert not is_safe_label(label)
    assert is_block_path(path) and is_canonical(path)
    assert path.count("/") == 1
    assert len(path) <= len("memory/") + 40 + len("~01234567.md")
    assert path_label(path) != label


def test_slug_shows_what_the_label_was() -> None:
    assert block_path("Über: alles & mehr!") == "memory/Über-alles-mehr~1b7a3b5e.md"
    assert block_path("") == "memory/block~e3b0c442.md"
    assert block_path("con.x/..") == "memory/con-x~bf645c2c.md"


def test_half_of_a_surrogate_pair_in_a_label_still_gives_a_path_that_can_be_written() -> None:
    assert block_path("a\ud800").encode().startswith(b"memory/a~")


def test_label_that_differs_only_in_case_gets_the_slug_form() -> None:
    assert block_path("human", taken=["memory/Human.md"]) == "memory/human~79a54787.md"
    assert block_path("HUMAN", taken=["memory/human.md"]).startswith("memory/HUMAN~")
    assert block_path("SS", taken=["memory/ß.md"]).startswith("memory/SS~")


def test_file_and_directory_of_one_name_live_side_by_side() -> None:
    assert block_path("persona/x", taken=["memory/persona.md"]) == "memory/persona/x.md"
    assert block_path("persona", taken=["memory/persona/x.md"]) == "memory/persona.md"


def test_block_does_not_go_into_a_directory_that_is_another_one_when_case_is_folded() -> None:
    path = block_path("projects/b", taken=["memory/Projects/a.md"])
    assert path.startswith("memory/projects-b~")


def test_block_does_not_go_where_a_file_or_directory_of_that_name_is() -> None:
    assert block_path("a/b", taken=["memory/a"]).startswith("memory/a-b~")
    assert block_path("a", taken=["memory/a.md/other.txt"]).startswith("memory/a~")


def test_taken_slug_gets_more_digits() -> None:
    first = block_path("a:b")
    second = block_path("a:b", taken=[first.upper()])
    third = block_path("a:b", taken=[first, second])
    assert len(first) + 24 == len(second) + 16 == len(third)


def test_decomposed_file_name_says_the_composed_label() -> None:
    assert path_label("memory/cafe\u0301.md") == "caf\u00e9"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("memory/human.md", True),
        ("memory/a/b.md", True),
        ("memory/a:b.md", True),
        ("memory/.hidden.md", False),
        ("memory/.obsidian/x.md", False),
        ("memory/.md", False),
        ("memory/human.txt", False),
        ("memory/human.md.conflict-ab12cd34", False),
        ("memory.md", False),
        ("human.md", False),
        ("memory/../agent.md", False),
        ("skills/x.md", False),
    ],
)
def test_block_paths_are_markdown_files_in_memory(path: str, expected: bool) -> None:
    assert is_block_path(path) is expected


def test_conflict_copy_lies_beside_the_block_and_is_none() -> None:
    path = conflict_path("memory/human.md", "ab12cd34" * 8)
    assert path == "memory/human.md.conflict-ab12cd34"
    assert is_canonical(path)


@pytest.mark.parametrize(
    "path",
    [
        "agent.toml",
        "system.md",
        ".gitignore",
        ".gitattributes",
        "memory/human.md",
        "memory/a/b.md",
        "recall/000001.jsonl",
        "archival/000001.jsonl",
    ],
)
def test_known_places_are_tracked(path: str) -> None:
    assert is_canonical(path)


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".env.local",
        "notes.md",
        "memory",
        "recall/x/000001.jsonl",
        "recall/notes.txt",
        "folders/papers.pdf",
        ".lettafs/index",
        "memory/.lettafs/x.md",
        ".git/config",
        "memory/.git/config",
        "memory/x/.GIT/config",
        "memory/x/.\u200cgit/config",
        "memory/x\\.git\\config",
        "memory/GIT~1/x",
        "memory/git~1 ./x",
        "memory/.tmp-abc",
        "memory/.human.md.swp",
        "memory/human.md~",
        "memory/__pycache__/x.pyc",
        "memory/.venv/x",
        "memory/../x.md",
        "memory//x.md",
        "memory/\udcff.md",
        "memory/a\0b.md",
    ],
)
def test_secrets_and_droppings_are_never_tracked(path: str) -> None:
    assert not is_canonical(path)


def test_segment_names_and_numbers_agree() -> None:
    assert segment_name(1) == "000001.jsonl"
    for number in (1, 42, 999_999, 1_000_000):
        assert segment_number(segment_name(number)) == number
    for name in ("000000.jsonl", "1.jsonl", "0000001.jsonl", "000001.json", "٠٠٠٠٠١.jsonl", "x"):
        assert segment_number(name) is None


def test_folded_names_are_equal_as_file_systems_see_them() -> None:
    assert folded("Persona") == folded("persona")
    assert folded("caf\u00e9") == folded("CAFE\u0301")
    assert folded("ß") == folded("SS")
    assert folded("\u1fd3") == folded("\u0390")
    assert folded("a") != folded("b")


def test_git_ignores_what_is_private_and_keeps_bytes(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_bytes(GITIGNORE)
    (tmp_path / ".gitattributes").write_bytes(GITATTRIBUTES)
    for name in (".env", ".lettafs/lock", "recall/000001.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x\r\n")

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(tmp_path), *words], check=True, capture_output=True, text=True
        ).stdout

    git("init", "-q")
    assert git("status", "--porcelain", "-uall").split() == [
        "??",
        ".gitattributes",
        "??",
        ".gitignore",
        "??",
        "recall/000001.jsonl",
    ]
    attributes = git("check-attr", "text", "merge", "--", "recall/000001.jsonl")
    assert "text: unset" in attributes and "merge: union" in attributes
