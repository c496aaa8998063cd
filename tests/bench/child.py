"""Child processes: how long they take, and how much processor."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Run", "clean_env", "repeat", "run"]

ROOT = Path(__file__).resolve().parents[2]
_PLACE = tempfile.TemporaryDirectory(prefix="lettafs-bench-home-")


@dataclass(frozen=True, slots=True)
class Run:
    """What one child took."""

    wall_s: float
    cpu_s: float
    """User and system time, of the processes it started too."""
    first_output_s: float | None
    """Until the first byte of its output."""


def clean_env() -> dict[str, str]:
    """Return the environment of somebody new, with compiled modules kept as an installation does.

    No keys, no configuration, an empty home directory. Without the compiled modules every start
    would compile lettafs anew, which no installed one does.
    """
    home = Path(_PLACE.name)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LETTAFS_CONFIG_DIR": str(home / "config"),
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(home / "compiled"),
        "LANG": "C.UTF-8",
    }


def run(command: Sequence[str], *, env: Mapping[str, str], cwd: Path | None = None) -> Run:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed.
    """
    begun = time.perf_counter()
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(env),
        cwd=cwd,
    )
    assert child.stdout is not None
    first = child.stdout.read(1)
    first_s = time.perf_counter() - begun
    rest = child.stdout.read()
    child.stdout.close()
    _, status, usage = os.wait4(child.pid, 0)
    wall_s = time.perf_counter() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed: {(first + rest).decode(errors='replace')}")
    return Run(wall_s, usage.ru_utime + usage.ru_stime, first_s if first else None)


def repeat(
    command: Sequence[str], *, times: int, env: Mapping[str, str], cwd: Path | None = None
) -> list[Run]:
    """Run a command so many times."""
    return [run(command, env=env, cwd=cwd) for _ in range(times)]
