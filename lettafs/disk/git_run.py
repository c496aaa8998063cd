"""Running git: one command, its input and output, and no surroundings it was not given.

The only import of GitPython. Of it only the command runner is used, with the flags and the
environment of `git_flags`: much of its object interface runs what a repository's configuration
names. What a turn runs is started in the same way without it, since loading it takes longer than
a whole checkpoint.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lettafs.disk.git_flags import FLAGS, UNWANTED, environment
from lettafs.errors import HistoryProblem

if TYPE_CHECKING:
    import git.cmd

__all__ = ["TIMEOUT_S", "GitKilled", "Runner", "program"]

TIMEOUT_S = 60.0

_OF_A_TURN = frozenset({"config", "init", "ls-files", "ls-tree", "update-index", "update-ref"})
"""Commands that a turn and its checkpoint may run."""

_NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # on Windows, none flashes up

# Every git has a session of its own: Ctrl-C in the terminal is for us, and a git that it ended in
# the middle of a checkpoint would leave its locks.


class GitKilled(HistoryProblem):
    """A git was ended from outside, or by us since it took too long: it may have left locks."""


class Runner:
    """Runs git for one home."""

    def __init__(self, root: Path, *, index: Path) -> None:
        self._root = root
        self._index = index

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: bytes = b"",
        extra: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
        own: bool = False,
        inside: Path | None = None,
    ) -> bytes:
        """Return what a command prints; arguments as `start`.

        Raises:
            HistoryProblem: it failed; the message is git's own.
            GitKilled: as `start`.
        """
        status, out, errors = self.start(
            command, stdin=stdin, extra=extra, timeout_s=timeout_s, own=own, inside=inside
        )
        if status != 0:
            said = errors.decode("utf-8", "replace").strip().replace("\n", "; ")
            raise HistoryProblem(f"git {command[0]} failed: {said[:500] or f'status {status}'}")
        return out

    def start(
        self,
        command: Sequence[str],
        *,
        stdin: bytes = b"",
        extra: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
        own: bool = False,
        inside: Path | None = None,
    ) -> tuple[int, bytes, bytes]:
        """Return status, output and error output of a command.

        Args:
            command: the command and its arguments, without `git` and without flags before it.
            stdin: what it reads.
            extra: more for its environment.
            timeout_s: seconds after which it is killed.
            own: let git read the person's own settings: for their name, and nothing else.
            inside: the directory to run in, and to take for the work tree; else the home, and none.

        Raises:
            HistoryProblem: git is missing, or cannot be started.
            GitKilled: it took too long, or was ended by a signal.
        """
        path = program()
        if path is None:
            raise HistoryProblem("git is not installed, or not on the PATH")
        surroundings = environment(self._root, index=self._index)
        if own:
            del surroundings["GIT_CONFIG_GLOBAL"]
        if inside is not None:
            surroundings["GIT_WORK_TREE"] = str(inside)
        surroundings.update(extra or {})
        start = _started if command[0] in _OF_A_TURN else _started_by_gitpython
        try:
            with start(
                [path, *FLAGS, *command], str(inside or self._root), surroundings
            ) as process:
                return _ended(process, stdin, timeout_s, name=command[0])
        except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
            raise HistoryProblem(f"git could not be started: {error}") from error


def _ended(
    process: subprocess.Popen[bytes], stdin: bytes, timeout_s: float, *, name: str
) -> tuple[int, bytes, bytes]:
    try:
        out, errors = process.communicate(stdin, timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        process.kill()
        process.communicate()
        raise GitKilled(f"git {name} took over {timeout_s:g} s") from error
    if process.returncode < 0:
        raise GitKilled(f"git {name} was ended by signal {-process.returncode}")
    return process.returncode, out, errors


@contextmanager
def _started(
    command: list[str], place: str, surroundings: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    ours = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    process = subprocess.Popen(
        command,
        cwd=place,
        env={**ours, "LANGUAGE": "C", "LC_ALL": "C", **surroundings},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        creationflags=_NO_WINDOW,
        start_new_session=True,
    )
    try:
        yield process
    except BaseException:  # nobody waits for it any more
        process.kill()
        process.communicate()
        raise


@contextmanager
def _started_by_gitpython(
    command: list[str], place: str, surroundings: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    # It adds to the environment and takes nothing out.
    harmless = {name: value for name, value in UNWANTED.items() if name in os.environ}
    # Kept in a variable: it ends the process when it goes out of scope.
    owner = _runner(place).execute(
        command,
        istream=subprocess.PIPE,
        as_process=True,
        env={**harmless, **surroundings},
        start_new_session=True,
    )
    if owner.proc is None:
        raise HistoryProblem("git could not be started")
    yield owner.proc


@functools.cache
def _find(path: str) -> str | None:
    found = shutil.which("git", path=path)
    # A relative entry of the PATH would let a directory bring its own "git".
    return found if found is not None and os.path.isabs(found) else None


def program() -> str | None:
    """Return where git is on the PATH of this moment; None when it is not there."""
    return _find(os.pathsep.join(os.get_exec_path()))


def _runner(root: str) -> git.cmd.Git:
    # Reason: GitPython takes a tenth of a second to import, and looks for git while it does.
    try:
        from git.cmd import Git
    except ImportError as error:
        raise HistoryProblem(f"git could not be started: {error}") from error
    return Git(root)
