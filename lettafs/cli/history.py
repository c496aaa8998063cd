"""Commands about the past: `log`, `diff` and `undo`."""

from __future__ import annotations

from pathlib import Path

import click

from lettafs.cli.line import echo
from lettafs.cli.listings import changes_lines, log_lines, undone_lines
from lettafs.cli.options import agent_dir, as_json, json_option
from lettafs.sdk.open import open_agent

__all__ = ["diff_command", "log_command", "undo_command"]


@click.command("log")
@agent_dir
@click.option(
    "-n",
    "--limit",
    metavar="N",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many checkpoints.",
)
@click.option("--all", "everything", is_flag=True, help="Every checkpoint.")
@json_option
def log_command(agent_dir: Path, *, limit: int, everything: bool, json_output: bool) -> None:
    """List checkpoints, newest first, in words about memory.

    Each line: the checkpoint, when, who, which blocks changed by how many lines, and the message
    that caused it. A turn that was taken back is marked.
    """
    entries = open_agent(agent_dir).log(None if everything else limit)
    if json_output:
        as_json(entries)
    else:
        echo(log_lines(entries))


@click.command("diff")
@agent_dir
@click.argument("a", required=False)
@click.argument("b", required=False)
@json_option
def diff_command(agent_dir: Path, a: str | None, b: str | None, *, json_output: bool) -> None:
    """Show what changed in memory between checkpoints.

    Without A: what the last turn changed. With A: from A to the newest checkpoint. With A
    and B: from A to B.
    """
    changes = open_agent(agent_dir).diff(a, b)
    if json_output:
        as_json(changes)
    elif changes:
        echo(changes_lines(changes))
    else:
        click.echo("Memory did not change.", err=True)


@click.command("undo")
@agent_dir
@click.option("--to", "checkpoint", metavar="CHECKPOINT", help="Take back every turn after it.")
@json_option
def undo_command(agent_dir: Path, *, checkpoint: str | None, json_output: bool) -> None:
    """Take back the agent's last turn, memory and window together.

    It is a new commit; nothing is lost, and what people changed stays.
    """
    undone = open_agent(agent_dir).undo(to=checkpoint)
    if json_output:
        as_json(undone)
    else:
        echo(undone_lines(undone))
