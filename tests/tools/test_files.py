"""The file tools, as a model uses them on documents that lie in a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from lettafs.errors import ToolProblem
from lettafs.tools.arguments import read_arguments
from lettafs.tools.base import ToolContext
from lettafs.tools.files import FILE_TOOLS
from lettafs.values.view import View
from tests.support.homes import begin_turn
from tests.support.talk import NOON, call, calls, talk_with, text

TOOLS = {tool.spec.name: tool for tool in FILE_TOOLS}
ATTACHED = '--- folders/docs.toml\npath = "docs"\n'
SETTLED = 1_700_000_000
"""A time so long ago that no file is taken for one that is being written."""


class Desk:
    """A turn with the file tools at hand."""

    def __init__(self, root: Path, context: ToolContext) -> None:
        self.root = root
        self.context = context

    def call(self, tool: str, arguments: Mapping[str, Any] | None = None, **more: Any) -> str:
        spec = TOOLS[tool].spec
        said = json.dumps(dict(arguments or {}) | more)
        return TOOLS[tool].call(self.context, read_arguments(spec, said))

    def refused(self, tool: str, **arguments: Any) -> str:
        with pytest.raises(ToolProblem) as caught:
            self.call(tool, **arguments)
        return str(caught.value)

    @property
    def views(self) -> tuple[View, ...]:
        return self.context.turn.views

    def write(self, path: str, body: str | bytes) -> None:
        write(self.root, {path: body})


def write(root: Path, files: Mapping[str, str | bytes]) -> None:
    for path, body in files.items():
        file = root / "docs" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body.encode() if isinstance(body, str) else body)
        os.utime(file, (SETTLED, SETTLED + file.stat().st_size))


@contextmanager
def desk(
    root: Path, files: Mapping[str, str | bytes], *, settings: str = "", attached: bool = True
) -> Iterator[Desk]:
    talk_with(root, home=ATTACHED if attached else "", settings=settings)
    (root / "docs").mkdir()
    write(root, files)
    with begin_turn(root) as turn:
        yield Desk(root, ToolContext(turn, {}, NOON, UTC))


def numbered(count: int, word: str = "line") -> str:
    return "".join(f"{word} {n}\n" for n in range(1, count + 1))


FILES = {"a.txt": numbered(12), "b.md": "# Tea\n\nTea grows in Assam.\n", "sub/c.txt": numbered(3)}


def test_opened_file_stands_in_the_next_request(tmp_path: Path) -> None:
    opening = call("open_file", file_name="tea.md", view_range=[2, 3])
    talk = talk_with(tmp_path, opening, text("Done."), home=ATTACHED)
    write(tmp_path, {"tea.md": "# Tea\nAssam\nCeylon\nKenya\n"})
    talk.agent.files()

    talk.say()

    before, after = (request.system or "" for request in talk.requests)
    assert '<file status="closed" name="docs/tea.md">4 lines</file>' in before
    assert "<value>\n[lines 2-3 of 4]\n2: Assam\n3: Ceylon\n</value>" in after
    assert talk.returns()[0].status == "success"


def test_open_file_is_shown_as_it_is_now(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, call("open_file", file_name="a.txt"), text("Yes."), home=ATTACHED)
    write(tmp_path, {"a.txt": "one\n"})
    talk.say()
    write(tmp_path, {"a.txt": "two\nthree\n"})
    talk.model._lines += [text("I see.")]

    talk.say("And now?")

    assert "[lines 1-2 of 2]\n1: two\n2: three\n" in (talk.requests[-1].system or "")


def test_tools_of_one_step_are_all_done(tmp_path: Path) -> None:
    step = calls(
        ("open_file", {"file_name": "a.txt"}),
        ("grep_file", {"pattern": "two"}),
        ("open_file", {"file_name": "b.txt"}),
        ("list_files", {}),
    )
    talk = talk_with(tmp_path, step, text("Done."), home=ATTACHED)
    write(tmp_path, {"a.txt": "one\n", "b.txt": "two\n"})

    talk.say()

    assert [back.status for back in talk.returns()] == ["success"] * 4
    assert [view.file for view in talk.agent._home.recall.window().views] == [
        "docs/a.txt",
        "docs/b.txt",
    ]


def test_open_says_what_is_shown(tmp_path: Path) -> None:
    with desk(tmp_path, FILES) as at:
        assert at.call("open_file", file_name="docs/a.txt", view_range=[3, 5]) == (
            "Opened 1 file:\n"
            "* docs/a.txt: lines 3-5 of 12\n"
            "Their text stands in <directories> from your next step on."
        )
        assert at.views == (View("docs/a.txt", 2, 3),)
        again = at.call("open_file", file_name="a.txt", view_range=[6, -1])
        assert "* docs/a.txt: lines 6-12 of 12; before: lines 3-5\n" in again
        whole = at.call("open_file", file_name="a.txt")
        assert "* docs/a.txt: lines 1-12 of 12; before: lines 6-end\n" in whole
        assert at.views == (View("docs/a.txt"),)


def test_several_files_are_opened_at_once_under_lettas_name(tmp_path: Path) -> None:
    requests = [
        {"file_name": "docs/a.txt", "offset": 4, "length": 2},
        {"file_name": "c.txt", "offset": "1"},
        {"file_name": "b.md"},
    ]
    with desk(tmp_path, FILES) as at:
        shown = at.call("open_files", file_requests=requests)
        assert "Opened 3 files:\n* docs/a.txt: lines 5-6 of 12\n" in shown
        assert "* docs/sub/c.txt: lines 2-3 of 3\n* docs/b.md: lines 1-3 of 3\n" in shown
        assert at.views == (
            View("docs/a.txt", 4, 2),
            View("docs/sub/c.txt", 1),
            View("docs/b.md"),
        )
        only = at.call("open_files", file_requests=[{"file_name": "c"}], close_all_others=True)
        assert "Closed as asked: docs/a.txt, docs/b.md\n" in only
        assert [view.file for view in at.views] == ["docs/sub/c.txt"]


def test_least_recently_used_file_is_closed_beyond_the_limit(tmp_path: Path) -> None:
    files = {f"{name}.txt": name for name in "abcd"}
    with desk(tmp_path, files, settings="max_files_open = 2\n") as at:
        for name in "ab":
            at.call("open_file", file_name=f"{name}.txt")
        at.call("open_file", file_name="a.txt")
        shown = at.call("open_file", file_name="c.txt")
        assert "Closed to make room, those used longest ago: docs/b.txt\n" in shown
        assert [view.file for view in at.views] == ["docs/a.txt", "docs/c.txt"]
        many = [{"file_name": f"{name}.txt"} for name in "abc"]
        refused = at.refused("open_file", file_requests=many)
        assert "3 files were asked for, and 2 can be open" in refused
        assert [view.file for view in at.views] == ["docs/a.txt", "docs/c.txt"]


def test_view_that_is_too_long_says_how_to_go_on(tmp_path: Path) -> None:
    settings = "per_file_view_window_char_limit = 200\n"
    with desk(tmp_path, {"a.txt": numbered(100)}, settings=settings) as at:
        shown = at.call("open_file", file_name="a.txt", view_range=[1, 50])
        assert (
            "lines 1-18 of 100\n  cut: 200 characters of a file are shown; open_file with " in shown
        )
        assert "view_range [19, 50] shows the rest" in shown
        other = at.call("open_files", file_requests=[{"file_name": "a.txt"}])
        assert "open_files with offset 18 shows the rest" in other


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"file_name": "a.txt", "view_range": [13, 20]}, "has 12 lines: line 13 (offset 12)"),
        ({"file_name": "a.txt", "view_range": [0, 4]}, "counts lines from 1"),
        ({"file_name": "a.txt", "view_range": [5, 4]}, "counts lines from 1"),
        ({"file_name": "a.txt", "view_range": [1, 2, 3]}, "view_range is"),
        ({"file_name": "c.doc"}, "no file named 'c.doc'"),
        ({"file_requests": [{"file_name": "a.txt", "offset": -1}]}, "counted from 0"),
        ({"file_requests": [{"file_name": "a.txt", "length": 0}]}, "at least 1"),
        ({"file_requests": [{"file_name": "a.txt", "offset": "x"}]}, "offset must be a whole"),
        ({"file_requests": [{"offset": 1}]}, "needs a file_name"),
        ({"file_requests": []}, "needs a file"),
        ({}, "needs a file"),
        ({"file_requests": [{"file_name": "b.md"}, {"file_name": "qqqq"}]}, "no file named 'qqqq'"),
    ],
)
def test_file_that_cannot_be_opened_as_asked_opens_nothing(
    arguments: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with desk(tmp_path, FILES) as at:
        assert words in at.refused("open_file", **arguments)
        assert at.views == ()


def test_file_without_text_says_why(tmp_path: Path) -> None:
    png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(100)
    with desk(tmp_path, {"blank.txt": "\n\n", "scan.png": png}) as at:
        assert at.refused("open_file", file_name="blank.txt").startswith("docs/blank.txt has no")
        assert at.refused("open_file", file_name="scan.png").startswith("docs/scan.png ")
        listed = at.call("list_files")
        assert "- docs/blank.txt (no text: " in listed and "without text" in listed


def test_change_of_an_open_file_is_told_when_it_is_opened_again(tmp_path: Path) -> None:
    with desk(tmp_path, FILES) as at:
        at.call("open_file", file_name="a.txt")
        assert "changed" not in at.call("open_file", file_name="a.txt")
        at.write("a.txt", "all new\n")
        shown = at.call("open_file", file_name="a.txt")
        assert "lines 1-1 of 1; the file has changed since it was opened" in shown


def test_files_come_and_go_without_a_command(tmp_path: Path) -> None:
    with desk(tmp_path, FILES) as at:
        at.call("open_file", file_name="b.md")
        (tmp_path / "docs/b.md").unlink()
        at.write("new.txt", "fresh tea\n")
        listed = at.call("list_files")
        assert "docs/new.txt" in listed and "docs/b.md" not in listed
        assert "=== docs/new.txt:1 ===" in at.call("grep_file", pattern="fresh")
        assert "no file named" in at.refused("open_file", file_name="docs/b.md")
        assert at.call("close_file", file_name="b.md").startswith("Closed docs/b.md.")


def test_close_takes_one_or_all(tmp_path: Path) -> None:
    with desk(tmp_path, FILES) as at:
        assert at.call("close_file", file_name="a.txt") == "No file is open."
        at.call("open_files", file_requests=[{"file_name": n} for n in ("a", "b", "c")])
        assert at.call("close_file", file_name="B.MD") == (
            "Closed docs/b.md. Still open: docs/a.txt, docs/sub/c.txt."
        )
        assert "is not open. Open: docs/a.txt, docs/sub/c.txt." in at.refused(
            "close_file", file_name="b.md"
        )
        assert "needs file_name" in at.refused("close_file")
        assert at.call("close_file", all=True).endswith("No file is open now.")
        assert at.views == ()


def test_list_can_be_narrowed(tmp_path: Path) -> None:
    with desk(tmp_path, FILES) as at:
        listed = at.call("list_files", pattern="*.TXT", folder="Docs")
        assert "2 files fit:\n- docs/a.txt (12 lines, 87 bytes)\n- docs/sub/c.txt" in listed
        assert "No file's name fits" in at.call("list_files", pattern="*.exe")
        assert "Folders: docs." in at.refused("list_files", folder="papers")
        assert "counted from 0" in at.refused("list_files", page=-1)


@pytest.mark.parametrize("tool", ["grep_file", "grep_files", "grep"])
def test_grep_shows_file_line_and_what_is_around(tool: str, tmp_path: Path) -> None:
    with desk(tmp_path, FILES) as at:
        assert at.call(tool, pattern="ASSAM", context_lines=2) == (
            f"1 match in 1 file, showing 1-1:\n{'=' * 60}\ndocs/b.md: 1 match\n\n"
            "=== docs/b.md:3 ===\n  1: # Tea\n  2: \n> 3: Tea grows in Assam.\n"
        )


def test_grep_says_why_there_is_nothing(tmp_path: Path) -> None:
    with desk(tmp_path, FILES) as at:
        none = at.call("grep_file", pattern="coffee")
        assert none == "No match for 'coffee' in the 3 files that can be read."
        one = at.call("grep_file", pattern="tea", include="a.txt")
        assert one == "No match for 'tea' in the one file that can be read."
        assert at.call("grep_file", pattern="tea", include="*.exe").startswith("No file's name")
        assert at.call("grep_file", pattern="TEA", case_sensitive=True).startswith("No match")
        assert "no backreferences" in at.refused("grep_file", pattern=r"(t)\1")
        assert "offset is" in at.refused("grep_file", pattern="tea", offset=-1)


def test_grep_pages_through_matches(tmp_path: Path) -> None:
    with desk(tmp_path, {"a.txt": numbered(45)}) as at:
        shown = at.call("grep_file", pattern="^line", offset=40, context_lines=-3)
        assert "45 matches in 1 file, showing 41-45:" in shown
        assert "=== docs/a.txt:45 ===\n> 45: line 45\n" in shown


@pytest.mark.parametrize("tool", ["search_file", "search_files", "semantic_search_files"])
def test_search_shows_the_piece_with_its_place(tool: str, tmp_path: Path) -> None:
    with desk(tmp_path, FILES) as at:
        shown = at.call(tool, query="Where does tea grow?")
        assert shown.startswith(
            f'1 result for "Where does tea grow?":\n{"=" * 60}\n=== docs/b.md ('
        )
        assert "Tea grows in Assam." in shown


def test_search_can_be_narrowed_to_a_file_or_folder(tmp_path: Path) -> None:
    files = FILES | {"other.md": "Tea is drunk everywhere.\n"}
    with desk(tmp_path, files) as at:
        both = at.call("search_file", query="tea", folder="docs/")
        assert "docs/b.md" in both and "docs/other.md" in both
        one = at.call("search_file", query="tea", file_name="other")
        assert "docs/other.md" in one and "docs/b.md" not in one
        best = at.call("search_file", query="tea", limit=1)
        rest = at.call("search_file", query="tea", limit=1, page=1)
        assert {("docs/b.md" in shown, "docs/other.md" in shown) for shown in (best, rest)} == {
            (True, False),
            (False, True),
        }
        assert "no more passages" in at.call("search_file", query="tea", page=9)
        assert "no passage" in at.call("search_file", query="zzyzx")
        assert "query is empty" in at.refused("search_file", query=" ")


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("open_file", {"file_name": "a"}),
        ("grep_file", {"pattern": "a"}),
        ("search_file", {"query": "a"}),
        ("list_files", {}),
    ],
)
def test_nothing_attached_is_said_as_it_is(
    tool: str, arguments: dict[str, Any], tmp_path: Path
) -> None:
    with desk(tmp_path, FILES, attached=False) as at:
        assert at.call(tool, arguments).startswith("No folder is attached")


def test_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with desk(tmp_path, {}) as at:
        assert "There are no files." in at.call("list_files")
        (tmp_path / "docs").rmdir()
        listed = at.call("list_files")
        assert "Folder docs: 0 files. Trouble: " in listed


def test_what_a_source_file_says_cannot_act_on_a_terminal(tmp_path: Path) -> None:
    body = "tea \x1b[31mred\x1b]52;c;aGk=\x07 \u202eend\n"
    with desk(tmp_path, {"ansi.py": body}) as at:
        for shown in (
            at.call("grep_file", pattern="tea"),
            at.call("search_file", query="tea"),
        ):
            assert "tea" in shown
            assert not {"\x1b", "\x07", "\u202e"} & set(shown)


def test_only_tools_that_just_read_run_side_by_side() -> None:
    reads = {name for name, tool in TOOLS.items() if tool.parallel}

    assert reads == set(TOOLS) - {"open_file", "open_files", "close_file"}


def test_each_tool_is_there_under_its_own_and_lettas_names() -> None:
    assert list(TOOLS) == [
        "open_file",
        "grep_file",
        "search_file",
        "close_file",
        "list_files",
        "open_files",
        "grep_files",
        "grep",
        "semantic_search_files",
        "search_files",
    ]
    required = {name: tool.spec.parameters["required"] for name, tool in TOOLS.items()}
    assert required["open_files"] == ["file_requests"]
    assert required["grep_files"] == ["pattern"]
    assert required["semantic_search_files"] == ["query"]
