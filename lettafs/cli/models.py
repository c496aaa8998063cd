"""Commands about language models: `models` and `quickstart`."""

from __future__ import annotations

import click

from lettafs.cli.clean import clean
from lettafs.cli.line import Line, echo
from lettafs.cli.options import as_json, json_option
from lettafs.sdk.open import model_choices, quickstart

__all__ = ["models_command", "quickstart_command"]

BACKENDS = ("openai", "ollama", "lmstudio", "offline")


@click.command("models")
@json_option
def models_command(*, json_output: bool) -> None:
    """List the models that can be used now.

    For each provider whether its key or its server is there, and its models' handles.
    """
    states = model_choices()
    if json_output:
        as_json(states)
        return
    for state in states:
        place = f" at {clean(state.base_url)}" if state.base_url else ""
        words = f"{clean(state.provider)}{place}: {clean(state.reason)}"
        echo([Line(words, "plain" if state.usable else "dim")])
        for handle in state.models:
            click.echo(f"  {clean(handle)}")


@click.command("quickstart")
@click.option(
    "--backend",
    type=click.Choice(BACKENDS),
    required=True,
    help="Where the model runs.",
)
@json_option
def quickstart_command(backend: str, *, json_output: bool) -> None:
    """Choose a default model for new agents and write it down.

    Says what was found, and where the choice is kept.
    """
    result = quickstart(backend)
    if json_output:
        as_json(result)
        return
    click.echo(clean(result.found))
    click.echo(
        f"The default model is {clean(result.handle)} (written to {clean(str(result.path))})."
    )
