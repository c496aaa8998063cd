"""What the person's environment says about the terminal: colour, editor, where history is kept.

What it says about agents and models is read in one other place, `lettafs.sdk.open`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from lettafs.cli.keys import echo_keys
from lettafs.errors import LettafsError, UsageProblem

__all__ = ["editor_command", "has_terminal", "history_file", "open_editor", "wants_colour"]


def wants_colour(env: Mapping[str, str] = os.environ) -> bool:
    """Tell whether output may be coloured at all (a pipe never is)."""
    return not env.get("NO_COLOR") and env.get("TERM") != "dumb"


def has_terminal() -> bool:
    """Tell whether somebody can type here and see what is shown."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def editor_command(env: Mapping[str, str] = os.environ) -> list[str]:
    """Return the person's editor as an argument list: $VISUAL, $EDITOR, else nano or vi.

    Raises:
        UsageProblem: none is named and none is installed, or the name cannot be read.
    """
    import shlex  # late: every command imports this module, and few edit
    import shutil

    for name in ("VISUAL", "EDITOR"):
        if env.get(name, "").strip():
            try:
                # Windows paths hold backslashes, which a POSIX reading would eat.
                return shlex.split(env[name], posix=os.name != "nt")
            except ValueError as error:
                raise UsageProblem(f"${name} cannot be read as a command: {error}.") from error
    for name in ("nano", "vi", "notepad"):
        if found := shutil.which(name):
            return [found]
    raise UsageProblem("There is no editor: set $EDITOR to the one you use.")


def open_editor(path: Path) -> None:
    """Let the person edit a file; return when the editor has closed.

    Raises:
        UsageProblem: there is no editor, or it cannot be started.
        LettafsError: the editor said that it failed.
    """
    import subprocess  # late: as above

    command = editor_command()
    try:
        with echo_keys(True):  # in a chat they are not echoed; an editor may count on it
            ended = subprocess.run([*command, str(path)], check=False)
    except OSError as error:
        raise UsageProblem(
            f"The editor {command[0]} cannot be started: {error.strerror}."
        ) from error
    if ended.returncode != 0:
        raise LettafsError(f"The editor {command[0]} ended with code {ended.returncode}.")


def history_file(env: Mapping[str, str] = os.environ) -> Path | None:
    """Return the file that typed lines are kept in, made if need be; None where that fails.

    It lies in the user's state directory and never in an agent's: an agent may be shared.
    """
    from platformdirs import user_state_path  # late: only a conversation needs it

    named = env.get("LETTAFS_STATE_DIR")
    file = (Path(named) if named else user_state_path("lettafs")) / "history"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)  # what a person says to an agent is theirs alone
    except OSError:
        return None
    return file
