"""The reference page of the commands, made from the commands themselves.

python -m lettafs.cli.reference           prints docs/commands.md
python -m lettafs.cli.reference --check   fails when docs/commands.md is not what it prints
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from lettafs.cli.main import COMMANDS, EXIT_CODES, cli
from lettafs.cli.slash import SLASH_COMMANDS

__all__ = ["page"]

_PAGE = Path("docs") / "commands.md"

_HEAD = """\
# Commands

<!-- Made by `python -m lettafs.cli.reference`; a test compares. Do not edit by hand. -->

Every command is `lettafs COMMAND ...` and takes `--help`. An error is one sentence on stderr that
says what happened, where, and what to do; `lettafs --debug COMMAND ...` shows the traceback with
it. Output is plain when it does not go to a terminal, and `NO_COLOR` is honoured. Everything shown
is cleaned of escape sequences first. A CHECKPOINT is a commit, or enough of its first characters.
"""

_OUTPUT = """\
## Output of a single turn

`lettafs chat DIR -p TEXT` prints what the agent says. Remarks, and why a turn failed, go to stderr.

`--output-format json` prints one object when the turn is over:

| field | meaning |
|---|---|
| `agent_id`, `run_id` | whose turn, and which |
| `messages` | what the agent did, as the message types of the Letta REST API |
| `stop_reason` | why it ended: `end_turn`, `max_steps`, `cancelled`, `error`, ... |
| `usage` | tokens and steps, a `usage_statistics` object |
| `commit` | the checkpoint that holds the turn; null when nothing was committed |
| `error` | only when the turn failed: `error_type` and `message` |

`--output-format stream-json` prints one object a line as it happens. Pieces of one message share
its `id`: their `content`, `reasoning` and `arguments` are fragments to be joined. The last lines
are the objects `stop_reason`, `usage_statistics` and `checkpoint`; an `error_message` comes before
them when the turn failed.
"""

_ENVIRONMENT = """\
## Environment

| variable | meaning |
|---|---|
| `VISUAL`, `EDITOR` | the editor for `memory --edit` and `/edit`; without them nano, then vi |
| `NO_COLOR` | anything: no colours |
| `LETTAFS_CONFIG_DIR` | where the default model is kept |
| `LETTAFS_STATE_DIR` | where the lines typed in chats are kept |
| `LETTAFS_NO_REMOTE` | anything but `0`: models on other machines are refused |

Keys of providers (`OPENAI_API_KEY`, ...) come from here too, or from the agent's `.env`; which one
is missing, `lettafs models` says.
"""


def page() -> str:
    """Return the text of `docs/commands.md`."""
    parts = [_HEAD, _exit_codes()]
    context = click.Context(cli, info_name="lettafs")
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None  # COMMANDS is what the group looks in
        parts.append("\n".join(_command(name, command, context)) + "\n")
    parts += [_slash_commands(), _OUTPUT, _ENVIRONMENT]
    return "\n".join(parts)


def _exit_codes() -> str:
    rows = [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    return "\n".join(["| exit code | meaning |", "|---|---|", *rows]) + "\n"


def _command(name: str, command: click.Command, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"## {name}"
    yield ""
    yield f"    lettafs {name} {usage}".rstrip()
    yield ""
    yield inspect.cleandoc(command.help or "")
    rows = list(_options(command))
    if rows:
        yield ""
        yield "| option | meaning |"
        yield "|---|---|"
        yield from rows


def _options(command: click.Command) -> Iterator[str]:
    # Worded here and not by click, whose releases word defaults and ranges in different ways.
    for option in command.params:
        if not isinstance(option, click.Option):
            continue
        value = ""
        if isinstance(option.type, click.Choice):
            value = " " + "\\|".join(option.type.choices)
        elif not option.is_flag:
            value = f" {option.metavar or option.type.name.upper()}"
        meaning = option.help or ""
        if option.show_default:
            meaning += f" Default: `{option.default}`."
        elif option.required:
            meaning += " Required."
        yield f"| `{', '.join(option.opts)}{value}` | {meaning} |"


def _slash_commands() -> str:
    rows = [
        f"| `/{name}{' ' + command.argument if command.argument else ''}` | {command.help} |"
        for name, command in SLASH_COMMANDS.items()
    ]
    head = ["## In a chat", "", "| typed | what it does |", "|---|---|"]
    tail = [
        "",
        "Enter sends; Alt-Enter begins a new line, and a pasted block stays one message.",
        "Tab completes commands, block labels and model handles.",
        "Ctrl-C stops a turn and keeps what was done; at the prompt a second Ctrl-C, or Ctrl-D,",
        "leaves. To say something that begins with a slash, put a space before it.",
    ]
    return "\n".join([*head, *rows, *tail]) + "\n"


def main() -> int:
    """Print the page, or with `--check` compare it; return the exit code."""
    if "--check" not in sys.argv[1:]:
        sys.stdout.write(page())
        return 0
    if _PAGE.is_file() and _PAGE.read_text(encoding="utf-8") == page():
        return 0
    sys.stderr.write(f"{_PAGE} is out of date: python -m lettafs.cli.reference > {_PAGE}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
