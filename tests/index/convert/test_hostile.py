"""Every hostile file ends within its limits, says why in a line, and harms nothing."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from lettafs.index.convert.confine import memory_in_use
from lettafs.index.convert.decode import decode
from lettafs.index.convert.failure import Failure
from lettafs.index.convert.kinds import kind_of
from lettafs.index.convert.limits import DEFAULT, MB, Limits
from lettafs.index.convert.pool import Pool
from lettafs.values.file import FileText
from tests.support.documents import docx, pptx
from tests.support.hostile_files import Hostile, hostile_files

SECRET = "canary-5f3a9c"
ALIKE = {"shared.xlsx", "wide.xlsx", "row.xlsx"}
"""Sheets that take all the time there is, as `strings.xlsx` and `sparse.xlsx` do: each costs a
child, and is left to the long form."""
GOOD = docx("# A heading", "words that are found again")
TECHNICAL = ("Traceback", "Error", "Exception", "error:", "/tmp", "/home", "/usr", "site-packages")


@contextmanager
def a_listener() -> Iterator[tuple[int, list[bytes]]]:
    """Listen on this machine; give the port and what was asked of it."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    heard.append(connection.recv(200))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], heard
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def read(pool: Pool, name: str, data: bytes) -> FileText | Failure:
    """Read a file as its owner would."""
    kind = kind_of(name, data[: 64 * 1024])
    match kind.way:
        case "decode":
            return decode(data, kind=kind.name)
        case "convert":
            return pool.convert(data, name=name, kind=kind.name, archives=True)
        case "none":
            return Failure("unsupported", kind.reason)


def check(found: FileText | Failure, secret: Path) -> str:
    """Return what is wrong with an outcome; empty where nothing is."""
    if isinstance(found, FileText):
        if SECRET in found.text:
            return "it read a file outside"
        if len(found.text) > DEFAULT.text_chars:
            return "its text is too long"
        return "" if found.text.strip() else "it is blank, and does not say so"
    reason = found.reason
    if not reason or "\n" in reason or len(reason) > 200:
        return f"no plain line: {reason!r}"
    if any(word in reason for word in TECHNICAL) or str(secret.parent) in reason:
        return f"technical: {reason!r}"
    return ""


def memory_kept() -> int:
    """Return what this process holds, without what it freed and the allocator keeps for later."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    return memory_in_use().resident


@pytest.mark.timeout(1200)
def test_hostile_files_end_within_their_limits_and_harm_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET, encoding="utf-8")
    limits = DEFAULT if long else Limits(wall_s=1.0, cpu_s=2)
    wrong: list[str] = []

    with a_listener() as (port, heard):
        files = hostile_files(port=port, secret=secret)
        assert {one.name for one in files} >= ALIKE
        files = [one for one in files if long or one.name not in ALIKE]
        assert len(files) >= 60 and len({one.name for one in files}) == len(files)
        pool = Pool(limits=limits)
        assert isinstance(pool.convert(GOOD, name="good.docx", kind="docx"), FileText)
        pptx(("Loads", "what the making of such files needs"))
        before = memory_kept()

        def one_of(one: Hostile) -> None:
            data = one.data()
            start = time.monotonic()
            found = read(pool, one.name, data)
            took = time.monotonic() - start
            complaint = check(found, secret)
            # A child that has to be started first is not the document's fault.
            if took > limits.wall_s + 8:
                complaint += f" it took {took:.1f} s"
            if isinstance(found, Failure) and found.code == "converter":
                complaint += " it took the converter with it"
            if complaint:
                wrong.append(f"{one.name} ({one.label}): {complaint}")
            if isinstance(found, Failure):
                good = pool.convert(GOOD, name="good.docx", kind="docx")
                if not isinstance(good, FileText):
                    wrong.append(f"after {one.name}, a good document: {good}")

        with ThreadPoolExecutor(2) as two:
            list(two.map(one_of, files))
        grown = memory_kept() - before
        peak = pool.peak_memory_bytes
        pool.close()

    assert not wrong, "\n".join(wrong)
    assert heard == []
    assert os.listdir(tmp_path) == ["secret.txt"]
    assert peak < 1_500 * MB
    print(f"kept {grown / MB:.0f} MB, a child at most {peak / MB:.0f} MB")
    assert grown < 150 * MB


HARMLESS = """
import io, resource, sys
from markitdown import MarkItDown, StreamInfo
resource.setrlimit(resource.RLIMIT_AS, (4_000_000_000, 4_000_000_000))
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
data = sys.stdin.buffer.read()
MarkItDown().convert_stream(io.BytesIO(data), stream_info=StreamInfo(extension=sys.argv[1]))
"""


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["flat.zip", "nested.docx", "part.docx", "sparse.xlsx"])
def test_the_bombs_are_live_for_a_converter_without_limits(name: str, tmp_path: Path) -> None:
    [bomb] = [one for one in hostile_files(port=9, secret=tmp_path / "x") if one.name == name]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(
        [sys.executable, "-c", HARMLESS, bomb.name[bomb.name.rindex(".") :]],
        input=bomb.data(),
        capture_output=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert ended.returncode != 0 or cpu > 10 or after.ru_maxrss * 1024 > 1_500 * MB
