"""A converter in a process of its own: started, asked, watched, and ended with all it started."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO, cast

from lettafs.index.convert.confine import memory_in_use
from lettafs.index.convert.failure import BROKEN, CONVERTER, MEMORY, Failure, in_one_line
from lettafs.index.convert.frames import BadFrame, read_frame, write_frame
from lettafs.index.convert.limits import Limits
from lettafs.values.file import FileText, PageMark

__all__ = ["Child"]

_START_S = 90.0
"""To load its modules, on a slow machine with much to do."""
_LOOK_S = 0.05
_MOST_DOCUMENTS = 500
_MOST_LEFT_OVER = 250_000_000
"""Bytes a child may hold on to, beyond what it began with, before another takes its place."""

# The parent's own lettafs first, then the interpreter's packages, then the parent's other places
# for packages: never where it was started, and never where documents lie.
_BEGIN = """
import json, sys
told = json.loads(sys.argv[1])
sys.path.insert(0, told["root"])
import lettafs
del sys.path[0]
sys.path += [place for place in told["places"] if place not in sys.path]
from lettafs.index.convert.limits import Limits
from lettafs.index.convert.worker import main
main(Limits(**told["limits"]))
"""


class Child:
    """One child process. It serves one thread at a time; `end` may come from any."""

    def __init__(self, limits: Limits) -> None:
        self.peak_memory_bytes = 0
        self.is_worn = False
        """Whether it should give way to a fresh one: it failed, served long, or grew."""
        self.has_no_network = False
        """Whether the kernel keeps it off the network; only a fact, for tests and `doctor`."""
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._began_with = 0
        self._served = 0
        self._is_late = False

    @property
    def pid(self) -> int | None:
        """Its process id, while it has one."""
        return None if self._process is None else self._process.pid

    def start(self) -> Failure | None:
        """Start the process and wait until it is ready; return why not, where that is so."""
        try:
            self._process = _spawn(self._limits)
        except (OSError, ValueError):
            self.is_worn = True
            return CONVERTER
        with self._watched(_START_S):
            head = self._read(most_body=0)
        if head is None or head[0].get("ready") is not True:
            self._stop()
            return CONVERTER
        self.has_no_network = head[0].get("no_network") is True
        self._began_with = _whole(head[0].get("resident"))
        return None

    def ask(self, data: bytes, *, kind: str, archives: bool) -> FileText | Failure:
        """Return a document's text, or why there is none; never later than the limits allow."""
        assert self._process is not None, "started before it is asked"
        self._served += 1
        with self._watched(self._limits.wall_s):
            answer = None
            if self._write({"kind": kind, "archives": archives}, data):
                answer = self._read(most_body=4 * self._limits.text_chars)
        if answer is None:
            return self._why_it_ended()
        head, body = answer
        self.peak_memory_bytes = max(self.peak_memory_bytes, _whole(head.get("peak")))
        grown = _whole(head.get("resident")) - self._began_with
        found = _answer(head, body)
        self.is_worn = (
            self._served >= _MOST_DOCUMENTS or grown > _MOST_LEFT_OVER or found in (MEMORY, BROKEN)
        )
        return found

    def end(self) -> None:
        """End the process, and all it may have started."""
        self._stop()

    def _write(self, head: dict[str, Any], body: bytes) -> bool:
        assert self._process is not None and self._process.stdin is not None
        try:
            write_frame(cast(BinaryIO, self._process.stdin), head, body)
        except (OSError, ValueError):  # it ended, or was ended, meanwhile
            return False
        return True

    def _read(self, *, most_body: int) -> tuple[dict[str, Any], bytes] | None:
        assert self._process is not None and self._process.stdout is not None
        try:
            return read_frame(cast(BinaryIO, self._process.stdout), most_body=most_body)
        except (BadFrame, OSError, ValueError):
            return None

    @contextlib.contextmanager
    def _watched(self, seconds: float) -> Any:
        """Kill the process when the time is over; meanwhile look at its memory."""
        done = threading.Event()
        self._is_late = False

        def watch() -> None:
            until = time.monotonic() + seconds
            wait = 0.002
            while not done.wait(min(wait, max(until - time.monotonic(), 0))):
                self._look()
                if time.monotonic() >= until:
                    self._is_late = True
                    self._kill()
                    return
                wait = min(wait * 2, _LOOK_S)

        thread = threading.Thread(target=watch, name="convert-watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _look(self) -> None:
        if self._process is None:
            return
        now = memory_in_use(str(self._process.pid))
        self.peak_memory_bytes = max(self.peak_memory_bytes, now.peak)

    def _why_it_ended(self) -> Failure:
        code = self._stop()
        if self._is_late:
            seconds = f"{self._limits.wall_s:g}"
            return Failure("timeout", f"reading it takes longer than {seconds} seconds")
        if code == -getattr(signal, "SIGXCPU", 0):
            return Failure("timeout", f"reading it takes more than {self._limits.cpu_s} seconds")
        # What compiled code does when there is no more memory: it is ended, or ends itself.
        if code is not None and self.peak_memory_bytes > 0.8 * self._limits.memory_bytes:
            return MEMORY
        return BROKEN

    def _kill(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()

    def _stop(self) -> int | None:
        """End the process and everything of it; return how it had ended by itself."""
        process, self.is_worn = self._process, True
        if process is None:
            return None
        # It may be about to end by itself, and how it does is worth knowing.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.5 if not self._is_late else 0)
        code = process.returncode
        if code is None:
            self._kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        return code


def _spawn(limits: Limits) -> subprocess.Popen[bytes]:
    root = Path(__file__).resolve().parents[3]
    told = {
        "root": str(root),
        "places": _places(root),
        "limits": dataclasses.asdict(limits),
    }
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    # No home: nothing of the person's is found, and nothing is left behind.
    plain = {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": "/nonexistent", "TZ": "UTC", **threads}
    return subprocess.Popen(
        [sys.executable, "-I", "-X", "utf8", "-c", _BEGIN, json.dumps(told)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(sys.executable).anchor or None,
        env=plain if os.name == "posix" else None,  # Windows does not start without its own
        start_new_session=True,
    )


def _places(root: Path) -> list[str]:
    """Return where the parent's packages lie: directories that hold installed ones."""
    here = Path.cwd()
    found = []
    for entry in sys.path:
        place = Path(entry)
        if not entry or not place.is_absolute() or place in (root, here):
            continue
        with contextlib.suppress(OSError):
            if any(name.endswith((".dist-info", ".egg-info")) for name in os.listdir(place)):
                found.append(entry)
    return found


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _answer(head: dict[str, Any], body: bytes) -> FileText | Failure:
    """Return what a child says, taken as what a stranger says."""
    failure = head.get("failure")
    if isinstance(failure, dict):
        code, reason = failure.get("code"), failure.get("reason")
        if isinstance(code, str) and isinstance(reason, str):
            return Failure(in_one_line(code), in_one_line(reason))
        return BROKEN
    try:
        text = body.decode()
        pages = tuple(PageMark(int(start), in_one_line(label)) for start, label in head["pages"])
        starts = [mark.start for mark in pages]
        if starts != sorted(starts) or (starts and not 0 <= starts[0] <= starts[-1] <= len(text)):
            return BROKEN
        kind, note = in_one_line(head["kind"]), in_one_line(head["note"])
        return FileText(text, pages=pages, kind=kind, note=note)
    except (KeyError, TypeError, ValueError, OverflowError):
        return BROKEN
