"""`attach`, `detach` and `files`, files among search results, and attached folders in a chat."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from lettafs.cli.doing import doing
from lettafs.cli.file_lines import size_of
from lettafs.cli.slash import run_slash, suggestions
from lettafs.sdk.open import open_agent
from tests.support.homes import git

Run = Callable[..., Result]
Start = Callable[..., Any]


@pytest.fixture
def papers(surroundings: dict[str, str]) -> Path:
    """A folder outside the agent: a text, a picture, a table, and one that cannot be read."""
    place = Path(surroundings["HOME"]) / "papers"
    (place / "notes").mkdir(parents=True)
    lines = [f"Line {number} is about nothing." for number in range(1, 41)]
    lines[20] = "The harpsichord was tuned on a Tuesday."
    (place / "notes/music.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (place / "plan.md").write_text("# Plan\n\n## Winter\n\nPaint the boat.\n", encoding="utf-8")
    (place / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(100))
    (place / "big.txt").touch()
    os.truncate(place / "big.txt", 60_000_000)
    return place


def listed(lettafs: Run, ada: Path, *more: str) -> dict[str, Any]:
    done = lettafs("files", ada, *more, "--json")
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_attaching_says_how_many_are_ready_and_why_others_are_not(
    lettafs: Run, ada: Path, papers: Path
) -> None:
    done = lettafs("attach", ada, papers)

    assert (done.exit_code, done.stderr) == (0, "")
    first, ready, empty, failed, last = done.stdout.splitlines()
    assert first == (
        "papers is attached to Ada. It lies in ~/papers, outside the agent, and stays there."
    )
    assert ready.startswith("2 files ready: 1,")
    assert empty == "1 file without text: papers/photo.jpg (it is an image)."
    assert failed.startswith("1 file failed: papers/big.txt (")
    assert last == f"`lettafs files {ada}` shows all."


def test_attaching_is_the_persons_commit(lettafs: Run, ada: Path, papers: Path) -> None:
    lettafs("attach", ada, papers, "--name", "docs", "--description", "What we wrote.")

    assert git(ada, "log", "-1", "--format=%s").strip() == "Attach docs"
    kept = (ada / "folders/docs.toml").read_text(encoding="utf-8")
    assert 'path = "~/papers"' in kept and 'description = "What we wrote."' in kept


def test_attaching_again_reads_nothing_and_says_so(lettafs: Run, ada: Path, papers: Path) -> None:
    lettafs("attach", ada, papers)
    before = git(ada, "rev-parse", "HEAD")

    again = lettafs("attach", ada, papers)
    (papers / "plan.md").write_text("# Plan\n\nSell the boat.\n", encoding="utf-8")
    changed = lettafs("attach", ada, papers)
    said = lettafs("attach", ada, papers, "--description", "Mine.")

    words = [done.stdout.splitlines()[0] for done in (again, changed, said)]
    assert words == [
        "papers was attached already, and nothing had to be read.",
        "papers was attached already; what is new or has changed was read.",
        "papers was attached already; what you say of it is written down.",
    ]
    assert git(ada, "rev-parse", "HEAD~1") == before


def test_patterns_choose_which_files_are_read(lettafs: Run, ada: Path, papers: Path) -> None:
    (papers / ".gitignore").write_text("*.md\n", encoding="utf-8")

    lettafs("attach", ada, papers, "--name", "a", "--exclude", "*.jpg", "--exclude", "big.*")
    lettafs("attach", ada, papers, "--name", "b", "--include", "*.md", "--no-gitignore")

    names = [file["name"] for file in listed(lettafs, ada)["files"]]
    assert names == ["a/notes/music.txt", "b/plan.md"]


@pytest.mark.parametrize(
    "what", ["nothing there", "the agent itself", "name is taken", "empty", "a pipe"]
)
def test_what_cannot_be_attached_is_refused(
    lettafs: Run, ada: Path, papers: Path, what: str
) -> None:
    lettafs("attach", ada, papers)
    before = git(ada, "rev-parse", "HEAD")
    choices: dict[str, list[str | Path]] = {
        "nothing there": [papers / "none"],
        "the agent itself": [ada.parent],
        "name is taken": [papers / "notes", "--name", "papers"],
        "empty": [""],
        "a pipe": [papers / "pipe"],
    }
    os.mkfifo(papers / "pipe")

    done = lettafs("attach", ada, *choices[what])

    assert (done.exit_code, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert git(ada, "rev-parse", "HEAD") == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_place_that_may_not_be_read_is_told_as_that(lettafs: Run, ada: Path, papers: Path) -> None:
    (papers / "notes").chmod(0)
    try:
        for place in (papers / "notes", papers / "notes/music.txt"):
            done = lettafs("attach", ada, place)
            assert done.exit_code == 2
            assert done.stderr == f"lettafs: {place} cannot be read: look at its permissions.\n"
    finally:
        (papers / "notes").chmod(0o700)


def test_reading_that_is_stopped_says_how_it_goes_on(
    program: Start, lettafs: Run, ada: Path, papers: Path
) -> None:
    said = "<p>The ferry leaves at noon, and nobody knows why.</p>\n" * 400
    for number in range(60):
        page = f"<html><body><h1>Day {number}</h1>{said}</body></html>"
        (papers / f"day{number:02d}.html").write_text(page, encoding="utf-8")
    reading = program("attach", str(ada), str(papers))
    reading.wait_for("Reading [")
    reading.type("\x03")

    assert reading.ended() == 130
    assert "Stopped. What was read is kept; the same command reads the rest." in reading.raw
    again = lettafs("attach", ada, papers)
    assert again.stdout.startswith("papers was attached already")
    assert "62 files ready" in again.stdout


def test_patterns_that_nothing_fits_are_named(lettafs: Run, ada: Path, papers: Path) -> None:
    none = lettafs("attach", ada, papers, "--include", "*.zzz")
    (papers.with_name("bare")).mkdir()
    bare = lettafs("attach", ada, papers.with_name("bare"))

    assert none.exit_code == bare.exit_code == 0
    assert none.stdout.splitlines()[1].startswith("No file in it fits *.zzz; `--include`")
    assert bare.stdout.splitlines()[1].startswith("There is no file in it to read")
    assert "2 files ready" in lettafs("attach", ada, papers, "--include", "*").stdout


def test_detached_folder_is_gone_and_its_documents_stay(
    lettafs: Run, ada: Path, papers: Path
) -> None:
    lettafs("attach", ada, papers)

    done = lettafs("detach", ada, "papers")
    again = lettafs("detach", ada, "papers")

    assert done.stdout == "papers is detached; its documents stay in ~/papers.\n"
    assert again.exit_code == 2
    assert (papers / "plan.md").exists()
    assert listed(lettafs, ada) == {"folders": [], "files": []}
    none = lettafs("files", ada)
    assert (none.exit_code, none.stdout) == (0, "")
    assert none.stderr == f"No folder is attached: lettafs attach {ada} FOLDER.\n"


def test_files_are_listed_with_state_size_and_reason(lettafs: Run, ada: Path, papers: Path) -> None:
    lettafs("attach", ada, papers, "--description", "What we\nwrote.")
    os.symlink("/etc/hostname", papers / "host")
    os.mkfifo(papers / "pipe.txt")

    done = lettafs("files", ada)
    everything = lettafs("files", ada, "--all")
    failed = lettafs("files", ada, "--failed")

    head, about, *rows = done.stdout.splitlines()
    assert head.startswith("papers  ~/papers  4 files (2 ready, 1 without text, 1 failed), ")
    assert head.endswith(", 2 left out")
    assert about == "  What we wrote."
    assert [row.split()[0] for row in rows] == ["failed", "ready", "no", "ready"]
    assert rows[1].endswith("40 lines  papers/notes/music.txt")
    assert rows[2].endswith("papers/photo.jpg: it is an image")
    assert "\x1b" not in done.stdout
    assert "left out  papers/host: a symbolic link" in everything.stdout
    assert "left out  papers/pipe.txt: a pipe" in everything.stdout
    assert [line for line in failed.stdout.splitlines() if "papers/" in line and "big.txt" in line]
    assert "music" not in failed.stdout


def test_failed_files_are_listed_without_folders_that_have_none(
    lettafs: Run, ada: Path, papers: Path
) -> None:
    lettafs("attach", ada, papers / "notes")
    none = lettafs("files", ada, "--failed")
    lettafs("attach", ada, papers)
    some = lettafs("files", ada, "--failed")

    assert (none.stdout, none.stderr) == ("", "No file has failed.\n")
    head, failed = some.stdout.splitlines()
    assert head.startswith("papers  ")
    assert "papers/big.txt: it has " in failed
    assert some.stderr == ""


def test_note_on_a_file_goes_on_after_its_name(lettafs: Run, ada: Path, papers: Path) -> None:
    (papers / "tea.csv").write_bytes("名前,年齢\n佐藤太郎,30\n三木英子,25\n".encode("shift_jis"))
    lettafs("attach", ada, papers)

    done = lettafs("files", ada, "papers/tea.csv")

    assert done.stdout.splitlines()[1].endswith(
        "papers/tea.csv: it is not UTF-8; it was taken for Shift JIS"
    )


def test_one_folder_or_one_file_can_be_asked_for(lettafs: Run, ada: Path, papers: Path) -> None:
    lettafs("attach", ada, papers / "notes")
    lettafs("attach", ada, papers / "plan.md")

    assert [file["name"] for file in listed(lettafs, ada, "Notes")["files"]] == ["notes/music.txt"]
    one = listed(lettafs, ada, "plan/plan.md")
    assert [folder["name"] for folder in one["folders"]] == ["plan"]
    assert [(file["kind"], file["state"]) for file in one["files"]] == [("markdown", "ready")]
    unknown = lettafs("files", ada, "nobody")
    assert unknown.exit_code == 2
    assert "'nobody'" in unknown.stderr and "notes, plan" in unknown.stderr


def test_files_that_came_and_went_are_seen_by_the_next_listing(
    lettafs: Run, ada: Path, papers: Path
) -> None:
    lettafs("attach", ada, papers / "notes")
    (papers / "notes/music.txt").unlink()
    (papers / "notes/new.py").write_text("print('hello')\n", encoding="utf-8")

    files = listed(lettafs, ada)["files"]

    assert [(file["name"], file["lines"]) for file in files] == [("notes/new.py", 1)]


@pytest.mark.parametrize("kind", ["missing", "not allowed", "broken file"])
def test_folder_that_cannot_be_read_is_a_warning_with_what_helps(
    lettafs: Run, ada: Path, papers: Path, kind: str
) -> None:
    lettafs("attach", ada, papers)
    agent = ada
    if kind == "missing":
        shutil.rmtree(papers)
    elif kind == "not allowed":
        agent = ada.with_name("clone")
        git(ada.parent, "clone", "-q", str(ada), str(agent))
    else:
        (ada / "folders/papers.toml").write_text("path = 3\n", encoding="utf-8")

    done = lettafs("files", agent)
    found = lettafs("search", agent, "harpsichord")

    for one in (done, found):
        assert one.exit_code == 0, one.stderr
        warning = one.stderr.splitlines()[0]
        assert warning.startswith("warning: ")
    helps = {
        "missing": f"`lettafs detach {ada} papers`",
        "not allowed": f"`lettafs attach {agent} ~/papers --name papers`",
        "broken file": f"`lettafs doctor {ada}`",
    }[kind]
    assert helps in done.stderr
    if kind == "not allowed":
        allowed = lettafs("attach", agent, papers).stdout
        assert allowed.startswith("papers was attached already, and now it can be read.\n")
        assert "music.txt" in lettafs("files", agent).stdout


def test_folder_inside_the_agent_travels_with_it(lettafs: Run, ada: Path) -> None:
    inside = ada / "folders/papers"
    inside.mkdir(parents=True)
    (inside / "a.txt").write_text("The harpsichord is green.\n", encoding="utf-8")

    done = lettafs("attach", ada, inside)
    git(ada.parent, "clone", "-q", str(ada), "clone")
    found = lettafs("search", ada.with_name("clone"), "harpsichord", "--in", "files")

    assert "It lies in folders/papers, inside the agent, and travels with it." in done.stdout
    assert "The harpsichord is green." in found.stdout
    assert found.stderr == ""


def test_names_and_reasons_cannot_steer_a_terminal(lettafs: Run, ada: Path, papers: Path) -> None:
    (papers / "a\x1b]52;c;aGk=\x07b\nc.txt").write_text("words\n", encoding="utf-8")
    (papers / os.fsdecode(b"\xff\x1b[31m.txt")).write_text("words\n", encoding="utf-8")

    done = [lettafs("attach", ada, papers), lettafs("files", ada), lettafs("files", ada, "--json")]

    for one in done:
        assert one.exit_code == 0
        assert not {"\x1b", "\x07", "\u202e"} & set(one.stdout + one.stderr)
    assert len(listed(lettafs, ada)["files"]) == 6


def test_json_of_attaching_tells_the_folder_and_what_is_not_ready(
    lettafs: Run, ada: Path, papers: Path
) -> None:
    told = json.loads(lettafs("attach", ada, papers, "--json").stdout)

    assert (told["name"], told["path"], told["files"], told["ready"]) == (
        "papers",
        "~/papers",
        4,
        2,
    )
    assert told["place"] == str(papers)
    states = {one["name"]: one["state"] for one in told["not_ready"]}
    assert states == {"papers/big.txt": "failed", "papers/photo.jpg": "empty"}


def test_search_finds_files_with_their_place(lettafs: Run, ada: Path, papers: Path) -> None:
    lettafs("attach", ada, papers)
    lettafs("remember", ada, "The harpsichord belongs to Kim.")

    only = lettafs("search", ada, "harpsichord", "--in", "files")
    both = json.loads(lettafs("search", ada, "harpsichord", "--json").stdout)
    under = lettafs("search", ada, "paint the boat", "--in", "files", "-k", "1")
    exact = json.loads(lettafs("search", ada, "tuned on", "--exact", "--json").stdout)

    head, snippet = only.stdout.splitlines()[:2]
    assert "  file  papers/notes/music.txt  lines " in head
    assert "tuned on a Tuesday" in snippet
    assert {hit["source"] for hit in both} == {"archival", "files"}
    assert "  Plan" in under.stdout.splitlines()
    assert [hit["id"] for hit in exact] == ["papers/notes/music.txt"]


def test_filters_of_one_memory_leave_files_out_and_dates_are_those_of_changes(
    lettafs: Run, ada: Path, papers: Path
) -> None:
    lettafs("attach", ada, papers)
    os.utime(papers / "plan.md", (1_700_000_000, 1_700_000_000))  # in November 2023
    asked = ("search", ada, "boat", "--json")

    def names(*options: str) -> list[str]:
        return [hit["id"] for hit in json.loads(lettafs(*asked, *options).stdout)]

    assert names() == ["papers/plan.md"]
    assert names("--role", "user") == names("--tag", "x") == []
    assert names("--since", "2023-11-01", "--until", "2023-11-30") == ["papers/plan.md"]
    assert names("--since", "2024-01-01") == []


def test_chat_lists_files_and_completes_their_folders(
    lettafs: Run, ada: Path, papers: Path
) -> None:
    agent = open_agent(ada)
    assert [line.text for line in run_slash(agent, "/files")] == [
        f"No folder is attached: `lettafs attach {ada} FOLDER` attaches one."
    ]
    lettafs("attach", ada, papers)

    shown = "\n".join(line.text for line in run_slash(agent, "/files"))
    one = [line.text for line in run_slash(agent, "/files papers/plan.md")]
    for number in range(30):
        (papers / f"notes/{number:02d}.txt").write_text(f"Note {number}.\n", encoding="utf-8")
    many = [line.text for line in run_slash(agent, "/files")]
    of_one = [line.text for line in run_slash(agent, "/files papers")]

    assert "papers/notes/music.txt" in shown
    assert len(one) == 2 and one[1].endswith("papers/plan.md")
    assert many[-2:] == [
        "  and 26 more",
        f"/files NAME shows more of one folder; `lettafs files {ada}` lists every file.",
    ]
    assert len(many) == 1 + 8 + 2
    assert len(of_one) == 1 + 34
    assert suggestions(agent, "/files pa", handles=()) == ["papers"]


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        (
            "open_file",
            '{"file_name": "papers/a.pdf", "view_range": [1, 9]}',
            "opening papers/a.pdf",
        ),
        (
            "open_files",
            '{"file_requests": [{"file_name": "a/b"}, {"file_name": "a/c"}]}',
            "opening 2 files",
        ),
        ("open_files", '{"file_requests": [{"file_name": "a/b"}, 3]}', "opening a/b"),
        ("close_file", '{"all": true}', "closing all files"),
        ("grep_file", '{"pattern": "x\\ny", "include": "*.md"}', "looking through *.md for x y"),
        ("semantic_search_files", '{"query": "tea"}', "searching the files for tea"),
        ("list_files", "not json", "listing the files"),
        ("open_file", "[[[", "opening a file"),
        ("memory_insert", "{}", None),
    ],
)
def test_call_of_a_file_tool_is_told_in_words(tool: str, arguments: str, words: str | None) -> None:
    assert doing(tool, arguments) == words


def test_sizes_are_told_in_two_or_three_digits() -> None:
    told = [size_of(n) for n in (0, 999, 1000, 9_949, 9_950, 999_499, 999_600, 60_000_000, 10**15)]
    assert told == [
        "0 B",
        "999 B",
        "1.0 kB",
        "9.9 kB",
        "10 kB",
        "999 kB",
        "1.0 MB",
        "60 MB",
        "1,000 TB",
    ]


def test_conversation_about_documents(
    program: Start, lettafs: Run, ada: Path, papers: Path, script: Callable[..., str]
) -> None:
    lettafs("attach", ada, papers)
    gone = papers.with_name("gone")
    gone.mkdir()
    lettafs("attach", ada, gone)
    gone.rmdir()
    model = script(
        {"tool_calls": [{"name": "open_file", "arguments": {"file_name": "papers/plan.md"}}]},
        {"delay_s": 1.0, "text": "Paint the boat."},
    )
    chat = program("chat", str(ada), "--model", model)
    chat.wait_for_prompt()
    chat.wait_for("gone: ~/gone is not there. Put it back")
    chat.type("what is the plan?\r")
    chat.wait_for("open_file(file_name=papers/plan.md)")
    chat.wait_for("open_file gave Opened 1 file")
    assert "====" not in chat.raw
    chat.wait_for("Paint the boat.")
    chat.wait_for_prompt()

    time.sleep(2)  # until the watcher has seen the folder
    (papers / "notes/new.txt").write_text("A zither.\n", encoding="utf-8")
    chat.wait_for("· papers: notes/new.txt changed")
    chat.wait_for_prompt()
    chat.type("/files notes\r")
    chat.wait_for("There is no attached folder or file named 'notes'")
    chat.wait_for_prompt()
    chat.type("/search zither\r")
    chat.wait_for("papers/notes/new.txt")
    chat.wait_for_prompt()
    chat.type("\x04")
    assert chat.ended() == 0
    assert (papers / "plan.md").read_text(encoding="utf-8").endswith("Paint the boat.\n")
