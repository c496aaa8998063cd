"""`search` and what belongs to it: its filters, the past, interrupted and refused indexes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from lettafs.format.recall_line import MessageRecord
from lettafs.sdk.open import open_agent
from lettafs.stores.archival import Archival
from lettafs.stores.recall import Recall
from lettafs.values.message import Message, TextPart, ToolReturn
from lettafs.values.passage import Passage
from tests.support.homes import git, tree_of

Run = Callable[..., Result]


def found(lettafs: Run, ada: Path, *options: str) -> list[dict[str, Any]]:
    done = lettafs("search", ada, *options, "--json")
    assert done.exit_code == 0, done.stderr
    hits: list[dict[str, Any]] = json.loads(done.stdout)
    return hits


def ids(lettafs: Run, ada: Path, *options: str) -> list[str]:
    return [hit["id"] for hit in found(lettafs, ada, *options)]


def said(ada: Path) -> None:
    """Let two conversations speak of tea, and a tool and some passages too."""
    text = TextPart("tea it is")
    back = ToolReturn("c", "look", "success", "tea is in stock")
    rows = [
        Message("m-user", "user", (text,), "2026-03-01T10:00:00Z"),
        Message("m-agent", "assistant", (text,), "2026-03-01T10:01:00Z"),
        Message("m-tool", "tool", (back,), "2026-03-01T10:02:00Z"),
        Message("m-side", "user", (text,), "2026-03-01T10:03:00Z", conversation_id="side"),
    ]
    Recall(ada).append([MessageRecord(0, row) for row in rows])
    notes = [(("food",), 1), (("food", "boat"), 2), ((), 3), (("boat",), 4)]
    passages = [Passage(f"p{n}", f"tea note {n}", f"2026-04-0{n}", tags) for tags, n in notes]
    Archival(ada).insert(passages)


def test_roles_and_conversations_choose_among_messages(lettafs: Run, ada: Path) -> None:
    said(ada)
    recall = ("tea", "--in", "recall")

    assert set(ids(lettafs, ada, *recall)) == {"m-user", "m-agent", "m-side"}
    assert ids(lettafs, ada, *recall, "--role", "tool") == ["m-tool"]
    assert set(ids(lettafs, ada, *recall, "--role", "tool", "--role", "assistant")) == {
        "m-tool",
        "m-agent",
    }
    assert ids(lettafs, ada, *recall, "--conversation", "side") == ["m-side"]
    assert ids(lettafs, ada, *recall, "--conversation", "nobody") == []


def test_tags_choose_among_passages(lettafs: Run, ada: Path) -> None:
    said(ada)
    archival = ("tea", "--in", "archival", "--tag", "food", "--tag", "boat")

    assert set(ids(lettafs, ada, *archival)) == {"p1", "p2", "p4"}
    assert ids(lettafs, ada, *archival, "--all-tags") == ["p2"]


def test_filters_that_belong_to_one_memory_look_only_there(lettafs: Run, ada: Path) -> None:
    said(ada)

    assert set(ids(lettafs, ada, "tea", "--tag", "food")) == {"p1", "p2"}
    assert ids(lettafs, ada, "tea", "--role", "assistant") == ["m-agent"]
    assert ids(lettafs, ada, "tea", "--conversation", "side") == ["m-side"]
    both = ids(lettafs, ada, "tea", "--tag", "food", "--role", "assistant")
    assert set(both) == {"p1", "p2", "m-agent"}
    assert "m-agent" in ids(lettafs, ada, "tea", "--tag", "food", "--in", "recall")


@pytest.mark.parametrize("options", [["tea"], [""], ["TEA", "--exact"]])
def test_pages_hold_everything_once(lettafs: Run, ada: Path, options: list[str]) -> None:
    said(ada)
    whole = ids(lettafs, ada, *options, "-k", "50")

    pages = [ids(lettafs, ada, *options, "-k", "3", "--page", str(page)) for page in range(4)]

    assert len(whole) == 7
    assert [one for page in pages for one in page] == whole


def test_pages_hold_everything_once_where_times_are_out_of_order(lettafs: Run, ada: Path) -> None:
    text = (TextPart("tea"),)
    days = [5, 1, 4, 2, 3]
    rows = [Message(f"m{d}", "user", text, f"2026-03-0{d}T10:00:00Z") for d in days]
    Recall(ada).append([MessageRecord(0, row) for row in rows])
    Archival(ada).insert([Passage(f"p{d}", "tea", f"2026-03-0{d}T11:00:00Z") for d in days[::-1]])

    pages = [ids(lettafs, ada, "", "-k", "2", "--page", str(page)) for page in range(6)]

    assert sorted(one for page in pages for one in page) == sorted(
        f"{kind}{day}" for kind in "mp" for day in days
    )


def test_search_of_the_past_finds_what_was_there_then(lettafs: Run, ada: Path) -> None:
    lettafs("remember", ada, "zebra one")
    then = git(ada, "rev-parse", "--short", "HEAD").strip()
    lettafs("remember", ada, "zebra two")
    before = tree_of(ada)

    past = found(lettafs, ada, "zebra", "--at", then)

    assert [hit["text"] for hit in past] == ["zebra one"]
    assert tree_of(ada) == before
    assert len(found(lettafs, ada, "zebra")) == 2


@pytest.mark.parametrize("command", [["search", "zebra"], ["chat", "-p", "hello"]])
def test_unknown_checkpoint_is_a_failure_that_names_it(
    lettafs: Run, ada: Path, command: list[str]
) -> None:
    before = tree_of(ada)

    done = lettafs(command[0], ada, *command[1:], "--at", "c0ffee0")

    assert (done.exit_code, done.stdout) == (1, "")
    assert re.search(r"^lettafs: .*c0ffee0", done.stderr)
    assert len(done.stderr.splitlines()) == 1
    assert tree_of(ada) == before


def test_chat_with_the_past_says_so_and_keeps_nothing(lettafs: Run, ada: Path) -> None:
    then = git(ada, "rev-parse", "--short", "HEAD").strip()
    lettafs("chat", ada, "-p", "My name is Zoe.")
    before = tree_of(ada)

    done = lettafs("chat", ada, "-p", "What is my name?", "--at", then)

    assert done.exit_code == 0
    assert "Chad" in done.stdout
    assert done.stderr == f"This is Ada as of {then}: a copy. Nothing said here is kept.\n"
    assert tree_of(ada) == before


@pytest.mark.parametrize("handle", ["nonsense", "openai/x", "scripted:x", "lettafs/offline"])
def test_embedder_that_cannot_be_had_leaves_words_and_is_told(
    lettafs: Run, ada: Path, handle: str
) -> None:
    said(ada)
    settings = ada / "agent.toml"
    settings.write_text(f'embedding = "{handle}"\n' + settings.read_text("utf-8"), "utf-8")

    done = lettafs("search", ada, "tea", "--in", "archival")
    exact = lettafs("search", ada, "tea", "--in", "archival", "--exact")

    assert done.exit_code == exact.exit_code == 0
    assert "tea note 1" in done.stdout
    assert done.stderr.startswith("Passages are found by words only: ")
    assert exact.stderr == ""


@pytest.mark.parametrize("what", ["index is a file", "index directory is a file", "no key"])
def test_index_that_cannot_be_kept_changes_no_answer_and_doctor_tells(
    lettafs: Run, ada: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    said(ada)
    whole = ids(lettafs, ada, "tea", "--in", "recall")
    lettafs("rebuild", ada)
    if what == "no key":
        Path(os.environ["LETTAFS_CONFIG_DIR"], "index.key").chmod(0o644)
    elif what == "index is a file":
        (ada / ".lettafs/index").rename(ada.parent / "gone")
        (ada / ".lettafs/index").write_bytes(b"")
    else:
        monkeypatch.setenv("LETTAFS_INDEX_DIR", str(ada / "agent.toml"))

    doctor = lettafs("doctor", ada)
    told = json.loads(lettafs("doctor", ada, "--json").stdout)
    rebuilt = lettafs("rebuild", ada)

    assert ids(lettafs, ada, "tea", "--in", "recall") == whole
    assert (doctor.exit_code, doctor.stdout) == (0, "no problems\n")
    assert doctor.stderr.startswith("note: No index is kept, ")
    assert len(doctor.stderr.splitlines()) == 1
    assert told["problems"] == []
    assert [f"note: {note}" for note in told["notes"]] == doctor.stderr.splitlines()
    assert rebuilt.exit_code == 0
    assert "No index is kept, " in rebuilt.stdout
    assert "Vectors by" not in rebuilt.stdout


def test_doctor_says_why_passages_are_found_by_words_only(lettafs: Run, ada: Path) -> None:
    settings = ada / "agent.toml"
    settings.write_text('embedding = "nonsense"\n' + settings.read_text("utf-8"), "utf-8")

    doctor = lettafs("doctor", ada)

    assert doctor.exit_code == 0
    assert doctor.stderr.startswith("note: Passages are found by words only: ")


def test_rebuild_says_what_it_made(lettafs: Run, ada: Path) -> None:
    said(ada)

    first, again = lettafs("rebuild", ada), lettafs("rebuild", ada)

    for done in (first, again):
        assert done.exit_code == 0
        assert "The index of recall, messages: 4." in done.stdout
        assert "The index of archival memory, pieces: 4." in done.stdout
        assert "Vectors by lettafs/minilm: 4." in done.stdout


def test_interrupted_rebuild_leaves_with_130_and_the_next_goes_on(
    ada: Path, surroundings: dict[str, str]
) -> None:
    texts = (f"note {n} about the boat" for n in range(3000))
    Archival(ada).insert([Passage(f"p{n}", t, "2026-04-01") for n, t in enumerate(texts)])
    vectors = ada / ".lettafs/index/vectors"
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-m", "lettafs", "rebuild", str(ada)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**surroundings, "PYTHONPATH": root},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )
    until = time.monotonic() + 20
    while sum(file.stat().st_size for file in vectors.glob("*.vectors")) < 2**17:
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.01)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)

    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    agent = open_agent(ada)
    kept = agent.index_state()
    assert 0 < kept.vectors < kept.pieces
    assert [hit.id for hit in agent.search("note 17 about", exact=True)] == ["p17"]
    assert agent.is_behind()
    agent.keep_up(vectors_for_s=0.5)
    assert agent.index_state().vectors > kept.vectors
    assert agent.problems() == []


def test_exact_search_makes_no_vectors(lettafs: Run, ada: Path) -> None:
    said(ada)

    assert len(ids(lettafs, ada, "tea", "--exact")) == 7

    assert not list((ada / ".lettafs").rglob("*.vectors"))
