"""What git is asked that is not about a history: joining three texts, and who the person is."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lettafs.disk import calls
from lettafs.disk.git_care import plain_directory
from lettafs.disk.git_run import GitKilled, Runner, program
from lettafs.disk.history import Person
from lettafs.errors import DiskProblem, HistoryProblem

__all__ = ["identity", "merge3"]


def merge3(
    runner: Runner, place: Path, base: bytes, ours: bytes, theirs: bytes
) -> tuple[bytes, bool]:
    """Return `base` with both sides' changes, and whether they did not overlap.

    Args:
        runner: runs git.
        place: a directory of ours, made when missing, for files that last as long as the call.
        base: what both sides began with.
        ours: one side; returned as it is when the texts cannot be joined at all.
        theirs: the other side.

    Raises:
        DiskProblem: the disk refused.
    """
    if program() is None:
        return ours, False
    with calls.refusals(place, "write to"):
        plain_directory(place)
        with tempfile.TemporaryDirectory(prefix="merge-", dir=place) as inside:
            names = [str(Path(inside) / name) for name in ("ours", "base", "theirs")]
            for name, data in zip(names, (ours, base, theirs), strict=True):
                calls.fill_new(Path(name), data, mode=0o600, durable=False)
            command = ["merge-file", "-p", "-q", "-L", "ours", "-L", "base", "-L", "theirs", *names]
            # No repository: nothing of it is needed, so nothing of it is read.
            try:
                status, out, _ = runner.start(command, extra={"GIT_DIR": os.devnull})
            except GitKilled:
                return ours, False
    if status == 0:
        return out, True
    return (out, False) if 0 < status < 128 else (ours, False)


def identity(runner: Runner, *, local: Path | None, env: Mapping[str, str]) -> Person:
    """Return who the person is to git; never raises.

    Args:
        runner: runs git.
        local: the repository's configuration, if there is one.
        env: where `GIT_AUTHOR_NAME` and `GIT_AUTHOR_EMAIL` may stand; they come first, then the
            repository, then the person's own settings.
    """
    found = {
        "user.name": env.get("GIT_AUTHOR_NAME", ""),
        "user.email": env.get("GIT_AUTHOR_EMAIL", ""),
    }
    sources: list[tuple[list[str], bool]] = [(["--global", "--includes"], True)]
    if local is not None:
        sources.insert(0, (["--file", str(local), "--no-includes"], False))
    for where, own in sources:
        if all(found.values()):
            break
        command = ["config", *where, "-z", "--get-regexp", r"^user\.(name|email)$"]
        try:
            raw = runner.run(command, own=own)
        except (HistoryProblem, DiskProblem):
            continue  # nothing is set there, or there is no git
        lines = raw.decode("utf-8", "replace").split("\0")
        said = dict(line.partition("\n")[::2] for line in lines)
        for key, value in found.items():
            found[key] = value or said.get(key, "")
    return Person(found["user.name"] or "Owner", found["user.email"] or "owner@localhost")
