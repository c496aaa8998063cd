"""The `lettafs` command: which commands there are, and how an error reaches a person.

Commands are imported when they are used, so that `lettafs --help` and `--version` answer at once:
at the top of this module only click and names. A command's one-line help stands here for the same
reason; `reference.py` checks that it is the first sentence of the command's own.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, NoReturn

import click

from lettafs.cli.clean import clean
from lettafs.cli.surroundings import wants_colour
from lettafs.errors import LettafsError

__all__ = ["COMMANDS", "EXIT_CODES", "cli", "main", "worded"]

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "new": ("make", "Make an agent directory and its first commit."),
    "chat": ("chat", "Talk with an agent."),
    "memory": ("read", "Show core memory: blocks with size, limit and last change."),
    "prompt": ("read", "Show exactly what the model would be sent next."),
    "search": ("read", "Search everything said, everything put away and attached files."),
    "remember": ("keep", "Put a passage into archival memory."),
    "forget": ("keep", "Take a passage out of archival memory."),
    "attach": ("attached", "Attach a folder of documents, or one document."),
    "detach": ("attached", "Detach a folder of documents."),
    "files": ("attached", "List attached folders and their files, with the state of each."),
    "log": ("history", "List checkpoints, newest first, in words about memory."),
    "diff": ("history", "Show what changed in memory between checkpoints."),
    "undo": ("history", "Take back the agent's last turn, memory and window together."),
    "fork": ("make", "Make a second agent from this one, with its history so far."),
    "doctor": ("care", "List every problem with path, line and remedy."),
    "rebuild": ("care", "Delete what is derived and build it anew."),
    "gc": ("care", "Pack the history."),
    "models": ("models", "List the models that can be used now."),
    "quickstart": ("models", "Choose a default model for new agents and write it down."),
}
"""Command name to its module in this room and its one-line help, in the order of `--help`."""

EXIT_CODES: Final[dict[int, str]] = {
    0: "done",
    1: "failed",
    2: "wrong usage",
    3: "not an agent directory, or one that cannot be read",
    4: "problems found (`doctor`)",
    5: "busy: another process holds the agent's turn",
    130: "interrupted",
    141: "whoever read the output went away",
    143: "ended by a signal",
}

_INTERRUPTED = 130
_PIPE_CLOSED = 141


class _ReaderGone(Exception):
    """Whoever read our output went away."""


@contextmanager
def _closed_pipe() -> Iterator[None]:
    """Give a closed pipe a name of its own: click would make it exit code 1, as any failure."""
    try:
        yield
    except BrokenPipeError as error:
        raise _ReaderGone from error


class _Root(click.Group):
    """A group that imports a command when it is asked for, and words every error."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"lettafs.cli.{COMMANDS[cmd_name][0]}")
        command = getattr(module, f"{cmd_name}_command")
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name in COMMANDS or name.startswith("-"):
            return super().resolve_command(ctx, args)
        raise click.UsageError(f"There is no command {name!r}{_nearest(name)}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        with _closed_pipe():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _closed_pipe():
            return super().invoke(ctx)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line; leave with the exit code that belongs to what happened."""
        given = list(sys.argv[1:] if args is None else args)
        debug = "--debug" in given
        try:
            code = super().main(
                given,
                prog_name or "lettafs",
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
            sys.stdout.flush()
            _leave(code if isinstance(code, int) else 0)
        except (click.Abort, KeyboardInterrupt):
            _leave(_INTERRUPTED)
        except (_ReaderGone, BrokenPipeError):
            _close_output()
            _leave(_PIPE_CLOSED)
        except Exception as error:
            if debug:
                import traceback  # late: only for --debug

                _say(clean(traceback.format_exc()))
            sentence, code = worded(error, hint=" (--debug shows where)")
            _say(f"lettafs: {sentence}")
            _leave(code)


def worded(error: Exception, *, hint: str = "") -> tuple[str, int]:
    """Return the sentence and the exit code for an error; `hint` goes with our own mistakes."""
    match error:
        case LettafsError():
            words = _one_line(str(error) or type(error).__name__)
            return f"{words}{'.' * words[-1:].isalnum()}", error.exit_code
        case click.ClickException():
            see = ""
            if isinstance(error, click.UsageError) and error.ctx is not None:
                see = f" See {error.ctx.command_path} --help."
            words = _one_line(error.format_message())
            return (words if words.endswith((".", "?")) else f"{words}.") + see, error.exit_code
        case OSError() if error.strerror:
            place = f": {error.filename}" if error.filename else ""
            return _one_line(f"{error.strerror}{place}."), 1
        case _:
            what = _one_line(f"{type(error).__name__}: {error}")
            return f"A mistake inside lettafs, {what}{hint}.", 1


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())


def _nearest(name: str) -> str:
    from difflib import get_close_matches  # late: only after a mistyped name

    near = get_close_matches(name, COMMANDS, n=1)
    return f"; did you mean {near[0]!r}?" if near else "."


def _say(text: str) -> None:
    with suppress(OSError, ValueError):  # stderr may be closed: nothing is left to tell it to
        click.echo(text, err=True)


def _leave(code: int) -> NoReturn:
    sys.exit(code)


def _close_output() -> None:
    """Point stdout at nothing, so that the interpreter's last flush cannot fail too."""
    with suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)


def _version(ctx: click.Context, param: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from lettafs.version import __version__  # late: only --version needs it

        click.echo(f"lettafs {__version__}")
        ctx.exit()


@click.group(
    "lettafs",
    cls=_Root,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and leave.",
)
@click.option("--debug", is_flag=True, expose_value=False, help="Show a traceback with an error.")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Stateful agents as plain, git-versioned directories.

    An agent is a directory: prompt, memory, history and settings are text files in it, and every
    turn is a commit. Start with `lettafs new DIR`, then `lettafs chat DIR`.
    """
    if not wants_colour():
        ctx.color = False
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(2)


def main() -> None:
    """Run the command line of this process, with UTF-8 in and out whatever the locale says."""
    # What a command loads stays until it ends; searching it for garbage was a tenth of a start.
    gc.set_threshold(20_000, 20, 20)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # absent under pythonw, or where an embedder has its own
            reconfigure(encoding="utf-8", errors="replace")
    cli()


if __name__ == "__main__":
    main()
