"""What the file tools say back: lists of files, and what a search found."""

from __future__ import annotations

from dataclasses import replace

from lettafs.tools.file_listing import found_text, listing_text, snippet_chars
from lettafs.values.file import FileInfo
from lettafs.values.folder import Folder, FolderInfo
from lettafs.values.hit import Hit

RULER = "=" * 60


def file(name: str, **fields: object) -> FileInfo:
    folder, _, path = name.partition("/")
    info = FileInfo(folder, path, name, 2_340, 0, "text", "ready", lines=7)
    return replace(info, **fields)  # type: ignore[arg-type]  # the names are the test's


def hit(name: str, text: str, **fields: object) -> Hit:
    found = Hit("files", name, "", text, 1.0, lines=(3, 3 + text.count("\n")))
    return replace(found, **fields)  # type: ignore[arg-type]  # the names are the test's


def test_list_says_what_each_file_is() -> None:
    folders = [
        FolderInfo(
            Folder("docs", "docs", description="Plans\nand notes."),
            place="/docs",
            files=5,
            waiting=1,
            empty=1,
            failed=1,
            left_out=(("docs/link", "a symbolic link"),),
        ),
        FolderInfo(Folder("old", "/old"), place=None, trouble="/old is not there."),
    ]
    files = [
        file("docs/a.txt"),
        file("docs/b.pdf", kind="pdf", pages=12, lines=900, size=1_234_567, reason="it is cut"),
        file("docs/c.pdf", state="failed", reason="it is protected by a password"),
        file("docs/d.png", state="empty", reason="it is an image", size=1),
        file("docs/e.docx", state="waiting", size=49_000_000),
        file("docs/f.pptx", kind="pptx", pages=1, lines=1, size=0),
    ]

    assert listing_text(folders, files, is_open={"docs/a.txt"}) == (
        "Folder docs: 5 files, 1 not read yet, 1 without text, 1 that cannot be read, "
        "1 left out (links and other things that are no documents). Plans and notes.\n"
        "Folder old: 0 files. Trouble: /old is not there.\n"
        "\n"
        "6 files:\n"
        "- docs/a.txt (7 lines, 2.3 KB, open)\n"
        "- docs/b.pdf (12 pages, 900 lines, 1.2 MB, it is cut)\n"
        "- docs/c.pdf (cannot be read: it is protected by a password, 2.3 KB)\n"
        "- docs/d.png (no text: it is an image, 1 byte)\n"
        "- docs/e.docx (not read yet, 49 MB)\n"
        "- docs/f.pptx (1 slide, 1 line, 0 bytes)"
    )


def test_list_comes_in_pages() -> None:
    files = [file(f"docs/{n:03}.txt") for n in range(250)]

    pages = [listing_text([], files, is_open=(), page=n) for n in range(4)]

    listed = [line for page in pages for line in page.split("\n") if line.startswith("- ")]
    assert [line.split()[1] for line in listed] == [info.name for info in files]
    assert pages[0].endswith("The next files: the same call with page 1.")
    assert "250 files, 101-200:" in pages[1] and "Folder" not in pages[1]
    assert "The next files" not in pages[2]
    assert pages[3] == "250 files: the last page is 2."


def test_empty_list_says_why() -> None:
    assert listing_text([], [], is_open=()).strip() == "There are no files."
    assert "fits the pattern" in listing_text([], [], is_open=(), narrowed=True)


def test_results_name_file_page_lines_and_heading() -> None:
    hits = [
        hit(
            "docs/a.pdf",
            "Memory is\npaged.\n",
            page="page 3",
            lines=(120, 121),
            heading="Method > Memory",
            also=("docs/copy.pdf",),
        ),
        hit("docs/b.txt", "one line", lines=(7, 7)),
    ]

    assert found_text(hits, "what is\npaged?") == (
        f'2 results for "what is paged?":\n{RULER}\n'
        "=== docs/a.pdf (page 3, lines 120-121) ===\n"
        "(the same as docs/copy.pdf)\n"
        "[Method > Memory]\n"
        "Memory is\n"
        "paged.\n"
        "\n"
        "=== docs/b.txt (line 7) ===\n"
        "one line\n"
    )


def test_trouble_and_files_not_read_are_told_once_at_the_end() -> None:
    hits = [hit("docs/a", "x"), hit("docs/b", "y")]

    shown = found_text(hits, "q", waiting=3, trouble="Only words\ncount.", page=2)

    assert shown.startswith('2 results for "q" (page 2):')
    assert shown.endswith("\n3 files are not read yet, and not searched.\nOnly words count.")
    none = found_text([], "q", waiting=1)
    assert none.startswith('There is no passage for "q"')
    assert none.endswith("1 file is not read yet, and not searched.")


def test_long_piece_is_cut_with_a_note() -> None:
    lines = [f"line {n}" for n in range(1, 31)]

    many = found_text([hit("a", "\n".join(lines))], "q")
    assert "line 20\n[cut: 20 of 30 lines]" in many and "line 21" not in many
    wide = found_text([hit("a", "\n".join("w" * 400 for _ in range(10)))], "q")
    assert "[cut: 3 of 10 lines]" in wide
    assert "w" * 1_400 + " ..." in found_text([hit("a", "w" * 9_000)], "q")


def test_answer_of_many_results_stays_short_and_shows_what_answers() -> None:
    hits = [
        hit(
            f"docs/{n}.txt",
            "padding\n" * 70 + f"what answers {n}\n" + "padding\n" * 70,
            snippet=f"... what answers {n} ...",
        )
        for n in range(50)
    ]

    shown = found_text(hits, "q" * 5_000)

    assert len(shown) <= 12_000
    for n in range(50):
        assert f"=== docs/{n}.txt (line 73) ===\n... what answers {n} ...\n" in shown
    assert snippet_chars(5) == 1_500 and snippet_chars(50) < 150


def test_results_without_room_are_counted() -> None:
    hits = [hit("d/" + "n" * 290, "padding " * 150, heading="h" * 400) for _ in range(50)]

    shown = found_text(hits, "q")

    assert len(shown) <= 12_000
    shown_hits = shown.count("=== ")
    assert f"{50 - shown_hits} more have no room here" in shown


def test_control_characters_never_come_through() -> None:
    hostile = "\x1b]0;t\x07\u202e"
    hits = [hit(f"a{hostile}", f"t{hostile}", heading=f"h{hostile}", page=f"sheet {hostile}")]
    info = file(f"docs/a{hostile}", reason=f"r{hostile}")
    folder = FolderInfo(Folder(f"f{hostile}", "x", description=hostile), None, trouble=hostile)

    shown = found_text(hits, hostile, trouble=hostile)
    shown += listing_text([folder], [info, replace(info, state="failed")], is_open=())

    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert "\\x1b]0;t\\x07\\u202e" in shown
