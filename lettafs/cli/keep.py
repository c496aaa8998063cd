"""Commands that change archival memory: `remember` and `forget`."""

from __future__ import annotations

from pathlib import Path

import click

from lettafs.cli.clean import clean
from lettafs.cli.options import agent_dir, read_stdin, text_in
from lettafs.cli.words import line_of
from lettafs.errors import UsageProblem
from lettafs.sdk.open import open_agent

__all__ = ["forget_command", "remember_command"]


@click.command("remember")
@agent_dir
@click.argument("text")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A tag; may be repeated.")
def remember_command(agent_dir: Path, text: str, *, tags: tuple[str, ...]) -> None:
    """Put a passage into archival memory.

    TEXT of one hyphen (-) reads the passage from stdin. Prints the passage's id.
    """
    agent = open_agent(agent_dir)
    words = read_stdin() if text == "-" else text_in(text)
    if not words.strip():
        raise UsageProblem("There is nothing to remember: the text is empty.")
    passage = agent.remember(words, tags=[text_in(tag) for tag in tags])
    click.echo(clean(passage.id))


@click.command("forget")
@agent_dir
@click.argument("passage_id", metavar="PASSAGE_ID")
def forget_command(agent_dir: Path, passage_id: str) -> None:
    """Take a passage out of archival memory.

    `lettafs search` shows the ids. History keeps the passage.
    """
    passage = open_agent(agent_dir).forget(text_in(passage_id))
    click.echo(f"forgot {clean(passage.id)}: {line_of(passage.text)}")
