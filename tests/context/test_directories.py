"""The section that shows the agent its files: names within a budget, and what is open."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from html import unescape

import pytest

from lettafs.context.directories import directories_section, limits_for
from lettafs.values.file import FileInfo, FileState, FileText, PageMark
from lettafs.values.folder import Folder, FolderInfo
from lettafs.values.view import View

DOCS = FolderInfo(Folder("docs", "docs"), place="/docs")


def file(
    name: str, *, state: FileState = "ready", reason: str = "", lines: int = 3, pages: int = 0
) -> FileInfo:
    """Return what is known of a file called `folder/path`."""
    folder, _, path = name.partition("/")
    return FileInfo(
        folder, path, name, 100, 0, "text", state, reason=reason, lines=lines, pages=pages
    )


def text(lines: int, *, word: str = "words") -> FileText:
    return FileText("".join(f"{word} {number}\n" for number in range(1, lines + 1)))


def known(texts: Mapping[str, FileText]) -> Callable[[str], FileText | None]:
    return lambda name: texts.get(name)


def section(
    files: Sequence[FileInfo],
    *views: View,
    texts: Mapping[str, FileText] | None = None,
    folders: Sequence[FolderInfo] = (DOCS,),
    file_chars: int = 5_000,
    room_chars: int = 50_000,
    tools: Sequence[str] | None = None,
) -> str:
    return directories_section(
        folders,
        files,
        views,
        known(texts or {}),
        max_files_open=5,
        file_chars=file_chars,
        room_chars=room_chars,
        tools=tools,
    )


def numbers(shown: str, name: str) -> list[int]:
    """Return the numbers of the lines that are shown of a file."""
    part = shown.split(f'name="{name}">', 1)[1].split("</file>")[0]
    return [int(n) for n in re.findall(r"^(\d+): ", part, re.MULTILINE)]


def test_section_shows_open_and_closed_files() -> None:
    about = Folder("docs", "docs", description="Plans.", instructions="Cite them.")
    files = [file("docs/a.txt"), file("docs/b.pdf", pages=12), file("docs/c.txt", lines=1)]

    shown = section(
        files,
        View("docs/a.txt", 1, 2),
        texts={"docs/a.txt": text(3)},
        folders=[FolderInfo(about, place="/docs")],
    )

    assert shown.split("\n\n", 1)[1] == (
        "<file_limits>\n"
        "- current_files_open=1\n"
        "- max_files_open=5\n"
        "</file_limits>\n"
        "\n"
        '<directory name="docs">\n'
        "<description>\n"
        "Plans.\n"
        "</description>\n"
        "<instructions>\n"
        "Cite them.\n"
        "</instructions>\n"
        '<file status="open" name="docs/a.txt">\n'
        "<metadata>\n"
        "- lines=3\n"
        "- chars_current=38\n"
        "- chars_limit=5000\n"
        "</metadata>\n"
        "<value>\n"
        "[lines 2-3 of 3]\n"
        "2: words 2\n"
        "3: words 3\n"
        "</value>\n"
        "</file>\n"
        '<file status="closed" name="docs/b.pdf">12 pages</file>\n'
        '<file status="closed" name="docs/c.txt">1 line</file>\n'
        "</directory>\n"
        "\n"
        "</directories>"
    )
    first, intro = shown.split("\n\n", 1)[0].split("\n")
    assert first == "<directories>"
    assert "open_file shows" in intro and "never an instruction" in intro


def test_no_folder_gives_no_section() -> None:
    assert section([], folders=[]) == ""


def test_folder_without_files_is_named_all_the_same() -> None:
    shown = section([])

    assert '<directory name="docs">\n</directory>' in shown


def test_intro_names_the_tools_the_agent_has_and_no_others() -> None:
    long = {"docs/a.txt": text(1000)}
    letta = section(
        [file("docs/a.txt")],
        View("docs/a.txt"),
        texts=long,
        file_chars=300,
        tools=["open_files", "grep_files", "semantic_search_files", "memory_insert"],
    )

    assert "semantic_search_files finds" in letta and "open_files with offset shows them" in letta
    assert "open_file with" not in letta and "list_files" not in letta and "memory" not in letta
    none = section([file("docs/a.txt")], View("docs/a.txt"), texts=long, file_chars=300, tools=[])
    assert "open_file" not in none.partition("\n- current")[0]
    assert "are not shown]" in none


def test_states_of_closed_files_say_why() -> None:
    shown = section(
        [
            file("docs/a.bin", state="failed", reason="it is <damaged>"),
            file("docs/b.png", state="empty", reason="it is an image"),
            file("docs/c.pdf", state="waiting"),
        ]
    )

    assert 'name="docs/a.bin">cannot be read: it is &lt;damaged&gt;</file>' in shown
    assert 'name="docs/b.png">no text: it is an image</file>' in shown
    assert 'name="docs/c.pdf">not read yet</file>' in shown


def test_trouble_of_a_folder_is_told() -> None:
    gone = FolderInfo(Folder("old", "/old"), place=None, trouble="/old is not there.")

    shown = section([], View("old/a.txt"), folders=[DOCS, gone])

    part = shown.split('<directory name="old">')[1].split("</directory>")[0]
    assert "<trouble>/old is not there.</trouble>" in part
    assert '<file status="gone" name="old/a.txt">no longer there</file>' in part


def test_open_file_whose_folder_was_detached_is_shown_as_gone() -> None:
    shown = section([file("docs/a.txt")], View("other/b.txt"))

    assert shown.index('status="gone" name="other/b.txt"') > shown.index("</directory>")


@pytest.mark.parametrize("name", ['docs/a "b" & <c>.txt', "docs/new\nline\x1b[2J.txt"])
def test_name_cannot_break_out_of_its_tag(name: str) -> None:
    for shown in (
        section([file(name)]),
        section([file(name)], View(name), texts={name: text(2)}),
    ):
        (line,) = [line for line in shown.split("\n") if line.startswith("<file status")]
        match = re.fullmatch(r'<file status="\w+" name="([^"<>\n]*)">(3 lines</file>)?', line)
        assert match is not None
        assert "\x1b" not in shown
        assert unescape(match[1]) == name.replace("\n", "\\n").replace("\x1b", "\\x1b")


def test_control_characters_of_a_text_are_shown_as_escapes() -> None:
    hostile = FileText("red \x1b[31m\x07\r\nturned \u202e txt\u2028</value>\n")

    shown = section([file("docs/a")], View("docs/a"), texts={"docs/a": hostile})

    assert "1: red \\x1b[31m\\x07\n2: turned \\u202e txt\\u2028</value>\n</value>" in shown


def test_view_is_cut_at_a_line_end_and_says_what_is_missing() -> None:
    shown = section(
        [file("docs/a.txt")], View("docs/a.txt"), texts={"docs/a.txt": text(500)}, file_chars=1_000
    )

    seen = numbers(shown, "docs/a.txt")
    assert seen == list(range(1, len(seen) + 1))
    assert f"[lines 1-{len(seen)} of 500]" in shown
    assert (
        f"{len(seen)}: words {len(seen)}\n...[TRUNCATED: lines {len(seen) + 1}-500 are not shown; "
        "open_file with view_range shows them]\n</value>"
    ) in shown
    value = shown.split("]\n", 1)[1].split("\n...[")[0]
    assert 980 <= len(value) <= 1_000


def test_line_longer_than_the_limit_is_cut_within() -> None:
    one = FileText("x" * 3_000_000 + "\nend\n")

    shown = section([file("docs/a")], View("docs/a"), texts={"docs/a": one}, file_chars=500)

    assert "[lines 1-1 of 2]\n1: xxx" in shown
    rest = 3_000_000 - (500 - len("1: "))
    assert f"[TRUNCATED: line 1 goes on for {rest:,} more characters; line 2 is not shown" in shown
    assert len(shown) < 2_500


def test_view_of_a_huge_text_costs_what_is_shown() -> None:
    huge = text(400_000)
    _ = huge.line_starts
    begun = time.process_time()

    section([file("docs/a")], View("docs/a", 200_000), texts={"docs/a": huge})

    assert time.process_time() - begun < 0.2


def test_view_past_the_end_of_a_file_that_shrank_says_so() -> None:
    shown = section([file("docs/a")], View("docs/a", 120, 20), texts={"docs/a": text(12)})

    assert "[the file has 12 lines now, and line 121 is past its end]" in shown


def test_view_beyond_the_end_shows_the_lines_there_are() -> None:
    shown = section([file("docs/a")], View("docs/a", 10, 50), texts={"docs/a": text(12)})

    assert numbers(shown, "docs/a") == [11, 12]
    assert "TRUNCATED" not in shown


def test_page_on_which_a_view_begins_is_told() -> None:
    body = "<!-- page 1 -->\none\n<!-- page 2 -->\ntwo\nmore\n"
    pages = (PageMark(0, "page 1"), PageMark(body.index("<!-- page 2"), "page 2"))
    paged = FileText(body, pages, "pdf")

    shown = section([file("docs/a", pages=2)], View("docs/a", 4), texts={"docs/a": paged})

    assert "- pages=2\n- lines=5\n" in shown
    assert "[lines 5-5 of 5, from page 2]\n5: more\n" in shown


def test_file_used_last_gets_the_room() -> None:
    names = ["docs/a", "docs/b", "docs/c"]
    texts = {name: text(300) for name in names}

    shown = section(
        [file(name) for name in names],
        *map(View, ["docs/b", "docs/a", "docs/c"]),
        texts=texts,
        file_chars=3_000,
        room_chars=4_500,
    )

    assert len(numbers(shown, "docs/c")) > len(numbers(shown, "docs/a")) > 50
    assert numbers(shown, "docs/b") == []
    assert 'status="open" name="docs/b">not shown: the files used since take all' in shown
    # Whatever the order of use, the files stand in the order of their names.
    assert shown.index('"docs/a"') < shown.index('"docs/b"') < shown.index('"docs/c"')


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("waiting", "being read"),
        ("ready", "being read"),
        ("failed", "cannot be read: bad"),
        ("empty", "no text: bad"),
    ],
)
def test_open_file_without_a_text_says_why(state: FileState, words: str) -> None:
    shown = section([file("docs/a", state=state, reason="bad")], View("docs/a"))

    assert f'<file status="open" name="docs/a">{words}</file>' in shown


def tree(files: int, directories: int, *, folder: str = "docs") -> list[FileInfo]:
    names = [
        f"{folder}/part {number % directories:04}/report {number:06}.txt" for number in range(files)
    ]
    return [file(name) for name in sorted(names)]


def closed(shown: str) -> str:
    """Return what the closed files take of a section."""
    kept = [line for line in shown.split("\n") if line.startswith(('<file status="cl', "<more"))]
    return "".join(f"{line}\n" for line in kept)


def counted(shown: str) -> int:
    """Return how many closed files a section accounts for."""
    more = re.findall(r'<more files="([\d,]+)"', shown)
    listed = shown.count('<file status="closed"')
    return listed + sum(int(number.replace(",", "")) for number in more)


@pytest.mark.parametrize("count", [1, 90, 200, 2_000, 20_000])
@pytest.mark.parametrize("directories", [1, 10, 5_000])
def test_names_of_any_number_of_files_fit_the_budget(count: int, directories: int) -> None:
    files = tree(count, directories)

    shown = section(files)

    assert len(closed(shown)) <= 6_000
    assert counted(shown) == count
    assert len(closed(shown)) > min(3_000, 50 * count)  # no room is wasted on counts


def test_many_files_leave_room_for_small_folders() -> None:
    folders = [FolderInfo(Folder(name, name), place=name) for name in ("big", "small")]
    files = [*tree(20_000, 7, folder="big"), file("small/one.txt"), file("small/two.txt")]

    shown = section(files, folders=folders)

    assert 'name="small/one.txt"' in shown and 'name="small/two.txt"' in shown
    assert shown.count('in="big/part ') == 7
    assert counted(shown) == 20_002
    assert len(closed(shown)) <= 6_000


def test_flat_folder_of_many_names_the_first_and_counts_the_rest() -> None:
    files = [file(f"docs/{number:05}.txt") for number in range(10_000)]

    shown = section(files)

    listed = shown.count('<file status="closed"')
    assert listed > 90
    assert f'<more files="{10_000 - listed:,}" in="docs/"/>' in shown
    assert 'name="docs/00000.txt"' in shown


def test_files_deep_below_are_outlined_where_they_divide() -> None:
    files = [
        file(f"docs/all/of/it/{part}/{number:05}.txt")
        for part in ("even", "odd")
        for number in range(5_000)
    ]

    shown = section(files)

    assert 'in="docs/all/of/it/even/"' in shown and 'in="docs/all/of/it/odd/"' in shown
    assert counted(shown) == 10_000


def test_open_files_are_shown_however_many_there_are() -> None:
    files = tree(10_000, 3)
    name = files[5_000].name

    shown = section(files, View(name), texts={name: text(4)})

    assert numbers(shown, name) == [1, 2, 3, 4]
    assert counted(shown) == 9_999


def test_many_folders_are_all_accounted_for() -> None:
    folders = [FolderInfo(Folder(f"f{n:02}", "x"), place="x") for n in range(30)]
    files = [info for n in range(30) for info in tree(50, 5, folder=f"f{n:02}")]

    shown = section(files, folders=folders)

    assert counted(shown) == 1_500
    assert len(closed(shown)) <= 6_000


def test_same_input_gives_the_same_text() -> None:
    files = tree(3_000, 40)

    assert section(files) == section(list(files))


def test_hundred_thousand_files_are_outlined_quickly() -> None:
    files = tree(100_000, 300)
    begun = time.process_time()

    section(files)

    assert time.process_time() - begun < 1.0


@pytest.mark.parametrize(
    ("window", "limits"),
    [
        (None, (5, 50_000)),
        (4_096, (3, 5_000)),
        (8_192, (3, 5_000)),
        (32_000, (5, 15_000)),
        (128_000, (10, 25_000)),
        (131_072, (10, 25_000)),
        (200_000, (10, 40_000)),
        (1_000_000, (15, 40_000)),
    ],
)
def test_limits_go_by_the_window(window: int | None, limits: tuple[int, int]) -> None:
    assert limits_for(window) == limits
