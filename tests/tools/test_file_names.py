"""Names as models write them: found where only one file can be meant."""

from __future__ import annotations

import time

import pytest

from lettafs.errors import ToolProblem
from lettafs.tools.file_names import file_named

NAMES = (
    "docs/2024/report.pdf",
    "docs/2025/report.pdf",
    "docs/Budget 2026.xlsx",
    "docs/R&D <plan>.txt",
    "docs/caf\u00e9.md",
    "docs/notes.md",
    "docs/sub/readme",
    "papers/notes.md",
    "papers/memgpt.pdf",
)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("docs/notes.md", "docs/notes.md"),
        (" 'docs/notes.md' ", "docs/notes.md"),
        ("/docs/notes.md", "docs/notes.md"),
        ("./docs/notes.md", "docs/notes.md"),
        ("docs\\notes.md", "docs/notes.md"),
        ("DOCS/Notes.MD", "docs/notes.md"),
        ("2024/report.pdf", "docs/2024/report.pdf"),
        ("budget 2026.xlsx", "docs/Budget 2026.xlsx"),
        ("Budget 2026", "docs/Budget 2026.xlsx"),
        ("docs/R&amp;D &lt;plan&gt;.txt", "docs/R&D <plan>.txt"),
        ("cafe\u0301.md", "docs/caf\u00e9.md"),
        ("readme", "docs/sub/readme"),
        ("memgpt", "papers/memgpt.pdf"),
        ("`memgpt.pdf`", "papers/memgpt.pdf"),
    ],
)
def test_name_is_found_however_it_is_written(said: str, meant: str) -> None:
    assert file_named(said, NAMES) == meant


def test_same_case_decides_between_names_that_differ_in_case() -> None:
    assert file_named("Readme.md", ["d/README.md", "d/Readme.md"]) == "d/Readme.md"


@pytest.mark.parametrize("said", ["notes.md", "notes", "report.pdf"])
def test_name_of_several_files_is_asked_back(said: str) -> None:
    with pytest.raises(ToolProblem, match=r"may be docs/.*, (papers|docs)/.*one of these names"):
        file_named(said, NAMES)


def test_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ToolProblem) as caught:
        file_named("docs/buget-2026.xlsx", [*NAMES, *(f"docs/z{n}.bin" for n in range(50))])

    assert str(caught.value) == (
        "There is no file named 'docs/buget-2026.xlsx'. The nearest names: docs/Budget 2026.xlsx. "
        "list_files shows all 59."
    )


@pytest.mark.parametrize("said", ["qqqq", "", "  ", "/", "..", "."])
def test_name_like_none_is_answered_with_how_to_list(said: str) -> None:
    with pytest.raises(ToolProblem, match="no file named"):
        file_named(said, NAMES)


def test_folder_is_told_from_a_file() -> None:
    for said in ("docs", "docs/2024/", "PAPERS"):
        with pytest.raises(ToolProblem, match="is a folder, not a file: list_files"):
            file_named(said, NAMES)


def test_unknown_name_among_very_many_is_answered_quickly() -> None:
    names = [f"docs/part {n % 100}/some longer name {n}.txt" for n in range(100_000)]
    begun = time.process_time()

    with pytest.raises(ToolProblem):
        file_named("docs/part 3/some langer nome 12345.tx", names)

    assert time.process_time() - begun < 4
