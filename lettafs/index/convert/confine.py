"""What a child gives up before it reads a document: network, files, other programs, memory, time.

Each thing is taken away by the means this system has, and silently left where it has none: Linux
has them all, macOS most, Windows only the last. `forbid` works everywhere, for Python code; the
kernel's limits hold for compiled code too.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
from typing import Any

from lettafs.index.convert.limits import Limits

__all__ = ["allow_cpu", "forbid", "leave_the_network", "limit", "memory_in_use", "watch_parent"]

_NEW_USER = 0x10000000
_NEW_NET = 0x40000000
_FILES = 64

_FORBIDDEN = frozenset(
    """
    os.exec os.fork os.forkpty os.kill os.killpg os.link os.mkdir os.posix_spawn os.remove os.rename
    os.rmdir os.spawn os.startfile os.symlink os.system os.truncate pty.spawn shutil.rmtree
    socket.bind socket.connect socket.getaddrinfo socket.gethostbyaddr socket.gethostbyname
    socket.sendmsg socket.sendto subprocess.Popen tempfile.mkdtemp tempfile.mkstemp webbrowser.open
    """.split()
)
_HARMLESS = ("/dev/null", "/dev/urandom", "/proc/self/status", "/proc/self/statm")


def leave_the_network() -> bool:
    """Move this process into a network of its own, without any device; tell whether that worked.

    Must come before the first thread: the kernel lets only a single thread change users.
    """
    if sys.platform != "linux":
        return False
    # Root needs no other user for it, and would lose its rights on files by one.
    return any(_unshare(flags) for flags in (_NEW_NET, _NEW_NET | _NEW_USER))


def _unshare(flags: int) -> bool:
    unshare: Any = getattr(os, "unshare", None)
    try:
        if unshare is not None:
            unshare(flags)
            return True
        import ctypes  # late: only before Python 3.12

        return bool(ctypes.CDLL(None, use_errno=True).unshare(flags) == 0)
    except (OSError, AttributeError, ImportError):
        return False


def limit(limits: Limits) -> None:
    """Bound what the kernel lets this process take; call it when all modules are loaded."""
    try:
        import resource  # late: not on Windows
    except ImportError:
        return
    now = memory_in_use()
    # Address space is what can be bounded. What is mapped but not resident does not count.
    space = limits.memory_bytes + max(now.mapped - now.resident, 0)
    for name, value in (
        ("RLIMIT_AS", space),
        ("RLIMIT_FSIZE", 0),
        ("RLIMIT_NOFILE", _FILES),
        ("RLIMIT_NPROC", 0),
        ("RLIMIT_CORE", 0),
    ):
        # macOS refuses some of them.
        with contextlib.suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (value, value))


def allow_cpu(seconds: int) -> None:
    """Let this process run for so many more seconds; beyond, the kernel ends it."""
    try:
        import resource  # late: not on Windows
    except ImportError:
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(usage.ru_utime + usage.ru_stime) + 1 + seconds
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def forbid() -> None:
    """Let no Python code connect, start a program, write a file, or read one but its modules."""
    roots = tuple(
        {
            os.path.join(place, "")
            for path in (*sys.path, sys.prefix, sys.base_prefix, "/usr/share/zoneinfo")
            if path
            for place in (os.path.abspath(path), os.path.realpath(path))
            if place != os.path.abspath(os.sep)
        }
    )

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            _may_open(args[0], args[1], args[2], roots)
        elif event in _FORBIDDEN:
            raise PermissionError(f"{event} is not allowed here")

    sys.dont_write_bytecode = True
    sys.addaudithook(hook)


def _may_open(path: Any, mode: Any, flags: Any, roots: tuple[str, ...]) -> None:
    if isinstance(path, int):
        return
    writes = isinstance(mode, str) and any(letter in mode for letter in "wax+")
    if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC):
        writes = True
    name = os.path.abspath(os.fsdecode(path))
    if writes or not (name.startswith(roots) or name in _HARMLESS):
        raise PermissionError("no other files are read or written here")


class _Memory:
    """Bytes mapped, resident now, and resident at most so far."""

    __slots__ = ("mapped", "peak", "resident")

    def __init__(self, mapped: int, resident: int, peak: int) -> None:
        self.mapped, self.resident, self.peak = mapped, resident, peak


def memory_in_use(process: str = "self") -> _Memory:
    """Return what a process takes; zeros where this system does not tell."""
    found = {"VmSize": 0, "VmRSS": 0, "VmHWM": 0}
    try:
        descriptor = os.open(f"/proc/{process}/status", os.O_RDONLY)
        try:
            told = os.read(descriptor, 16384).decode("ascii", errors="replace")
        finally:
            os.close(descriptor)
    except OSError:
        return _Memory(0, 0, _peak_told() if process == "self" else 0)
    for line in told.splitlines():
        name, _, value = line.partition(":")
        if name in found:
            found[name] = int(value.split()[0]) * 1024
    return _Memory(found["VmSize"], found["VmRSS"], found["VmHWM"])


def _peak_told() -> int:
    try:
        import resource  # late: not on Windows
    except ImportError:
        return 0
    # Bytes on macOS; Linux, which counts in KiB, has told above.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def watch_parent(pipe: int) -> None:
    """End this process when nobody holds the other end of the pipe that it is fed by.

    A document may keep the main thread from its pipe for long; and the parent may be killed.
    """
    if not hasattr(select, "poll"):
        return

    def wait() -> None:
        poll = select.poll()
        poll.register(pipe, 0)  # hang-ups only: what is sent is for the main thread
        while True:
            if any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll()):
                os._exit(0)

    threading.Thread(target=wait, name="watch-parent", daemon=True).start()
