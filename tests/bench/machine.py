"""The machine: what it is, and what it takes for things that are not ours to make faster."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.child import Run, clean_env, repeat
from tests.bench.table import Table, ms

__all__ = ["Machine", "bare_python", "describe", "fsync_times", "git_commit_times"]


def describe(scratch: Path) -> str:
    """Return what the figures were taken on, in a line."""
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True)
    load = "" if not hasattr(os, "getloadavg") else f", load {os.getloadavg()[0]:.1f}"
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs{load}; "
        f"Python {platform.python_version()}, {git.stdout.strip()}; "
        f"files on {_file_system(scratch)}."
    )


def _file_system(path: Path) -> str:
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "an unnamed file system"
    fields = [line.split() for line in mounts]
    above = [f for f in fields if path.resolve().is_relative_to(f[1])]
    return max(above, key=lambda f: len(f[1]))[2]


class Machine:
    """The baselines, measured once."""

    def __init__(self, scratch: Path, *, times: int) -> None:
        self.python = bare_python(times=times)
        self.fsync_s = fsync_times(scratch / "fsync", times=times * 10)
        self.git = git_commit_times(scratch / "git", times=times)

    def table(self, scratch: Path) -> Table:
        """Return the baselines as a table."""
        return Table(
            "Machine",
            ("baseline", "wall, ms (p50 / p95)", "CPU, ms (p50 / p95)"),
            (
                ("`python -c pass`", *_both(self.python)),
                ("append 400 bytes and fsync", ms(self.fsync_s), ""),
                ("`git add -A` and `git commit`, one file changed", *_both(self.git)),
            ),
            note=describe(scratch),
        )


def _both(runs: list[Run]) -> tuple[str, str]:
    return ms([run.wall_s for run in runs]), ms([run.cpu_s for run in runs])


def bare_python(*, times: int) -> list[Run]:
    """Return what starting Python takes, doing nothing."""
    return repeat([sys.executable, "-c", "pass"], times=times, env=clean_env())


def fsync_times(scratch: Path, *, times: int) -> list[float]:
    """Return the seconds that appending a short line and waiting for the disk takes."""
    scratch.mkdir()
    taken = []
    fd = os.open(scratch / "journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for _ in range(times):
            begun = time.perf_counter()
            os.write(fd, b"x" * 399 + b"\n")
            getattr(os, "fdatasync", os.fsync)(fd)
            taken.append(time.perf_counter() - begun)
    finally:
        os.close(fd)
    return taken


def git_commit_times(scratch: Path, *, times: int) -> list[Run]:
    """Return what a commit by git's own command line takes."""
    scratch.mkdir()
    env = clean_env() | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_{what}": "bench" for who in ("AUTHOR", "COMMITTER") for what in ("NAME",)},
        **{f"GIT_{who}_EMAIL": "bench@localhost" for who in ("AUTHOR", "COMMITTER")},
    }
    subprocess.run(["git", "init", "--quiet", str(scratch)], env=env, check=True)
    runs = []
    for number in range(times):
        (scratch / "file").write_text(f"{number}\n" * 100, encoding="utf-8")
        script = "git add -A && git commit --quiet -m turn"
        runs += repeat(["sh", "-c", script], times=1, env=env, cwd=scratch)
    return runs
