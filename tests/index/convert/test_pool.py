"""The pool: children start late, serve two at once, are replaced when they fail, and leave none."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lettafs.index.convert.failure import Failure
from lettafs.index.convert.limits import Limits
from lettafs.index.convert.pool import Pool
from lettafs.values.file import FileText
from tests.support.documents import docx, docx_of, pdf_of, xlsx, zip_of

ROOT = Path(__file__).resolve().parents[3]
GOOD = docx("# A heading", "words")
SLOW = docx_of("".join(f"<w:p><w:r><w:t>{n:x}</w:t></w:r></w:p>" for n in range(150_000)))


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool(limits=Limits(wall_s=20))
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[Pool]:
    """Give one pool to all who neither end its children nor ask for fresh ones."""
    made = Pool(limits=Limits(wall_s=20))
    yield made
    made.close()


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with contextlib.suppress(OSError):
        # A process that ended and was not yet waited for is gone all the same.
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return True


def wait_until_gone(pids: list[int]) -> None:
    until = time.monotonic() + 5
    while any(map(is_there, pids)):
        assert time.monotonic() < until, "a child outlives what started it"
        time.sleep(0.02)


def test_a_child_starts_with_the_first_document_and_serves_the_next(pool: Pool) -> None:
    assert pool.pids == []

    first = pool.convert(GOOD, name="a.docx", kind="docx")
    [pid] = pool.pids
    second = pool.convert(GOOD, name="b.docx", kind="docx")

    assert isinstance(first, FileText) and first == second
    assert first.text == "# A heading\n\nwords\n"
    assert pool.pids == [pid]
    assert pool.peak_memory_bytes > 50_000_000 or sys.platform != "linux"


def test_a_document_that_takes_too_long_is_given_up_and_the_next_is_read() -> None:
    pool = Pool(limits=Limits(wall_s=0.5), workers=1)

    start = time.monotonic()
    found = pool.convert(SLOW, name="slow.docx", kind="docx")
    took = time.monotonic() - start
    again = pool.convert(GOOD, name="a.docx", kind="docx")
    pool.close()

    assert found == Failure("timeout", "reading it takes longer than 0.5 seconds")
    assert took < 15
    assert isinstance(again, FileText)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's bound on time")
def test_a_document_that_computes_too_long_is_ended_by_the_kernel() -> None:
    pool = Pool(limits=Limits(wall_s=60, cpu_s=1), workers=1)

    found = pool.convert(SLOW, name="slow.docx", kind="docx")
    pool.close()

    assert found == Failure("timeout", "reading it takes more than 1 seconds")


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's bound on memory")
def test_a_document_that_fills_the_memory_says_so_and_the_next_is_read() -> None:
    pool = Pool(limits=Limits(memory_bytes=150_000_000, ratio=10**6), workers=1)
    rows = [[f"{n}-{'x' * 200}" for n in range(5)] for _ in range(5)]
    big = docx_of("<w:p><w:r><w:t>" + "ab" * 6_000_000 + "</w:t></w:r></w:p>")

    found = pool.convert(big, name="big.docx", kind="docx")
    again = pool.convert(xlsx({"One": rows}), name="a.xlsx", kind="xlsx")
    pool.close()

    assert isinstance(found, Failure) and found.code == "memory"
    assert isinstance(again, FileText)


def test_two_documents_are_converted_at_once_and_more_wait(shared: Pool) -> None:
    found: list[FileText | Failure] = []

    def one() -> None:
        found.append(shared.convert(GOOD, name="a.docx", kind="docx"))

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8 and all(isinstance(each, FileText) for each in found)
    assert len(shared.pids) == 2


def test_a_child_that_is_killed_from_outside_is_replaced(pool: Pool) -> None:
    pool.convert(GOOD, name="a.docx", kind="docx")
    [pid] = pool.pids
    os.kill(pid, signal.SIGKILL)

    found = pool.convert(GOOD, name="a.docx", kind="docx")
    again = pool.convert(GOOD, name="a.docx", kind="docx")

    assert isinstance(found, FileText | Failure)
    assert isinstance(again, FileText)
    assert pid not in pool.pids


def test_a_closed_pool_leaves_no_process_and_may_be_used_again(pool: Pool) -> None:
    pool.convert(GOOD, name="a.docx", kind="docx")
    pids = pool.pids

    pool.close()

    wait_until_gone(pids)
    assert pool.pids == []
    assert isinstance(pool.convert(GOOD, name="a.docx", kind="docx"), FileText)


@pytest.mark.parametrize("how", ["ends", "is killed", "is killed while a document is read"])
def test_children_go_with_their_parent(how: str, tmp_path: Path) -> None:
    (tmp_path / "good.docx").write_bytes(GOOD)
    (tmp_path / "slow.docx").write_bytes(SLOW)
    code = (
        "import sys, threading\n"
        "from lettafs.index.convert.pool import Pool\n"
        "pool = Pool()\n"
        "pool.convert(open('good.docx', 'rb').read(), name='a', kind='docx')\n"
        "print(*pool.pids, flush=True)\n"
        "slow = open('slow.docx', 'rb').read()\n"
        "if sys.argv[1].endswith('read'):\n"
        "    pool.convert(slow, name='a', kind='docx')\n"
        "if sys.argv[1] != 'ends':\n"
        "    threading.Event().wait()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, how],
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": os.defpath},
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert pids
        if how != "ends":
            time.sleep(0.3)
            parent.kill()

    wait_until_gone(pids)


def test_a_source_larger_than_the_limit_is_not_sent_to_a_child() -> None:
    pool = Pool(limits=Limits(source_bytes=1000))

    found = pool.convert(bytes(1001), name="a.pdf", kind="pdf")

    assert found == Failure("too-large", "it is larger than 0.001 MB")
    assert pool.pids == []


def test_an_archive_is_read_only_when_asked_for(shared: Pool) -> None:
    data = zip_of({"notes/a.md": "# Notes\n", "b.docx": GOOD, "c.bin": bytes(500)})

    off = shared.convert(data, name="a.zip", kind="zip")
    on = shared.convert(data, name="a.zip", kind="zip", archives=True)

    assert isinstance(off, Failure) and off.code == "archive" and off.is_empty
    assert isinstance(on, FileText)
    assert [mark.label for mark in on.pages] == ["file notes/a.md", "file b.docx"]
    assert on.note == "1 file in it could not be read or held no text."
    for mark in on.pages:
        assert on.text.startswith(f"<!-- {mark.label} -->\n", mark.start)


def test_nothing_of_the_parents_surroundings_reaches_a_child(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "markitdown.py").write_text("raise SystemExit('taken over')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("A_SECRET", "canary")

    assert isinstance(pool.convert(GOOD, name="a.docx", kind="docx"), FileText)

    [pid] = pool.pids
    if sys.platform == "linux":
        assert b"canary" not in Path(f"/proc/{pid}/environ").read_bytes()
        assert os.readlink(f"/proc/{pid}/cwd") == "/"


def test_a_document_cannot_print_into_the_answer(shared: Pool) -> None:
    # A broken PDF makes libraries talk; the answer after it is still whole.
    for _ in range(3):
        shared.convert(pdf_of({1: b"<< broken"}), name="a.pdf", kind="pdf")

    assert isinstance(shared.convert(GOOD, name="a.docx", kind="docx"), FileText)
