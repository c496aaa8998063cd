"""Commands that make an agent: `new` and `fork`."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from lettafs.cli.clean import clean
from lettafs.cli.options import agent_dir, given_text, text_in
from lettafs.cli.words import count, short
from lettafs.sdk.agent import Agent
from lettafs.sdk.open import create_agent, open_agent
from lettafs.values.agent import AgentType

__all__ = ["fork_command", "new_command"]


@click.command("new")
@agent_dir
@click.option("--name", help="What people call it. Without it: the directory's name.")
@click.option("--model", metavar="HANDLE", help="The model, as provider/name.")
@click.option("--embedding", metavar="HANDLE", help="The embedder, as provider/name.")
@click.option("--persona", metavar="TEXT", help="Who the agent is: text, or @FILE.")
@click.option("--human", metavar="TEXT", help="Who it talks with: text, or @FILE.")
@click.option("--system", metavar="TEXT", help="Base instructions: text, or @FILE.")
@click.option(
    "--type",
    "agent_type",
    type=click.Choice(get_args(AgentType)),
    default="letta_v1_agent",
    show_default=True,
    help="How the agent ends its turn.",
)
def new_command(
    agent_dir: Path,
    *,
    name: str | None,
    model: str | None,
    embedding: str | None,
    persona: str | None,
    human: str | None,
    system: str | None,
    agent_type: AgentType,
) -> None:
    """Make an agent directory and its first commit.

    An existing directory that is not empty is refused.
    """
    agent = create_agent(
        agent_dir,
        name=None if name is None else text_in(name),
        model=model,
        embedding=embedding,
        persona=None if persona is None else given_text(persona, option="--persona"),
        human=None if human is None else given_text(human, option="--human"),
        system=None if system is None else given_text(system, option="--system"),
        agent_type=agent_type,
    )
    click.echo(f"{_called(agent)} is in {_shown(agent_dir)}, {_memory(agent)}.")
    click.echo(f"Talk with it: lettafs chat {_shown(agent_dir)}")


@click.command("fork")
@agent_dir
@click.argument("new_dir", metavar="NEW", type=click.Path(path_type=Path))
@click.option("--at", "checkpoint", metavar="CHECKPOINT", help="Fork the agent as it was there.")
@click.option("--name", help="What people call the new one.")
def fork_command(
    agent_dir: Path, new_dir: Path, *, checkpoint: str | None, name: str | None
) -> None:
    """Make a second agent from this one, with its history so far.

    The new agent has its own id; the two share nothing from there on.
    """
    made = open_agent(agent_dir).fork(
        new_dir, at=checkpoint, name=None if name is None else text_in(name)
    )
    place = f" as it was at {short(clean(checkpoint))}" if checkpoint else ""
    click.echo(f"{_called(made)} is in {_shown(new_dir)}, from {_shown(agent_dir)}{place}.")


def _called(agent: Agent) -> str:
    return clean(agent.settings.name)


def _memory(agent: Agent) -> str:
    blocks, _ = agent.blocks()
    labels = ", ".join(clean(block.label) for block in blocks)
    return f"with {count(len(blocks), 'block')} of memory" + (f": {labels}" if labels else "")


def _shown(path: Path) -> str:
    return clean(str(path))
