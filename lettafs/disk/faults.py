r"""A public test double: points at which a test may make the disk fail, and a log of what was done.

Every call by which this room changes the disk goes through `lettafs.disk.calls`, which asks `check`
here before and after it. Nothing is installed by default, and asking costs one comparison.

    with installed(fail_nth(3, OSError(errno.ENOSPC, "full"))):
        replace(path, data)            # the third call fails

    with recorded() as log:
        append(path, b"line\n", new_file=True)
    # log == [Op("create", path), Op("write", path, data=b"line\n"), Op("fsync", path), ...]

The log has all that a power-loss simulator needs: which bytes went where, and what was made durable
before what. Hooks are global to the process; a test that installs one runs alone in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "Hook",
    "Op",
    "ShortWrite",
    "check",
    "done",
    "fail_nth",
    "installed",
    "recorded",
]

Hook = Callable[[str, Path], None]
"""Called with the name of the call and its path; raising makes the call fail.

Names: `create`, `write`, `fsync`, `fsync_dir`, `rename`, `exchange`, `link`, `unlink`, `truncate`,
`mkdir`, `chmod`; with `.done` appended when the call has happened.
"""


@dataclass(frozen=True, slots=True)
class Op:
    """One call that changed the disk."""

    name: str
    path: Path
    target: Path | None = None
    """The other name of a rename, exchange or link."""
    data: bytes = b""
    """What was written."""
    offset: int | None = None
    """Where it was written, or the size a file was cut to."""


class ShortWrite(OSError):
    """Raised by a hook at `write`: the first `keep` bytes arrive, then the call fails so."""

    def __init__(self, number: int, keep: int) -> None:
        super().__init__(number, "short write")
        self.keep = keep


_hook: Hook | None = None
_log: list[Op] | None = None


def check(name: str, path: Path) -> None:
    """Let an installed hook fail the call `name` on `path`."""
    if _hook is not None:
        _hook(name, path)


def done(op: Op) -> None:
    """Note that `op` happened, then let an installed hook fail what follows it."""
    if _log is not None:
        _log.append(op)
    if _hook is not None:
        _hook(f"{op.name}.done", op.path)


@contextmanager
def installed(hook: Hook) -> Iterator[None]:
    """Have `hook` asked at every call while the block runs."""
    global _hook
    before, _hook = _hook, hook
    try:
        yield
    finally:
        _hook = before


@contextmanager
def recorded() -> Iterator[list[Op]]:
    """Give the list that fills with every change made while the block runs."""
    global _log
    before, _log = _log, []
    try:
        yield _log
    finally:
        _log = before


def fail_nth(n: int, error: OSError, *, only: str | None = None) -> Hook:
    """Return a hook that fails the `n`-th call (from 1), counting only calls named `only`."""
    count = 0

    def hook(name: str, path: Path) -> None:
        nonlocal count
        if only is not None and name != only:
            return
        count += 1
        if count == n:
            raise error

    return hook
