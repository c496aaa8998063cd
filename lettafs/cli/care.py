"""Commands that look after a directory: `doctor`, `rebuild` and `gc`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from lettafs.cli.bar import Bar
from lettafs.cli.clean import clean
from lettafs.cli.options import agent_dir, as_json, json_option
from lettafs.cli.words import count
from lettafs.sdk.agent import Agent
from lettafs.sdk.open import open_agent
from lettafs.values.problem import Problem

__all__ = ["doctor_command", "gc_command", "problem_line", "rebuild_command"]

_PROBLEMS_FOUND = 4


def problem_line(problem: Problem) -> str:
    """Return a problem as `path:line: message — remedy`."""
    # Piece by piece: a sequence in a file's name that does not end must not hide what is said.
    path, message, remedy = map(clean, (problem.path, problem.message, problem.remedy or ""))
    shown = replace(problem, path=path, message=message)
    return " ".join(f"{shown}{f' — {remedy}' if remedy else ''}".split())


@click.command("doctor")
@agent_dir
@click.option("--repair", is_flag=True, help="Mend what can be mended without loss.")
@json_option
@click.pass_context
def doctor_command(ctx: click.Context, agent_dir: Path, *, repair: bool, json_output: bool) -> None:
    """List every problem with path, line and remedy.

    Leaves with exit code 4 when problems are left, and 0 when there are none. What keeps search
    from its indexes is a note on stderr, and no problem of the directory.
    """
    agent = open_agent(agent_dir)
    mended: list[str] = []
    if repair:
        mended, problems = agent.repair()
    else:
        problems = agent.problems()
    notes = _notes(agent)
    if json_output:
        as_json({"mended": mended, "problems": problems, "notes": notes})
    else:
        for words in mended:
            click.echo(f"mended: {clean(words)}")
        for problem in problems:
            click.echo(problem_line(problem))
        mendable = sum(problem.repairable for problem in problems)
        hint = f" ({mendable} can be mended: --repair)" if mendable and not repair else ""
        click.echo(f"{count(len(problems), 'problem')}{hint}", err=bool(problems))
        for note in notes:
            click.echo(f"note: {' '.join(clean(note).split())}", err=True)
    if problems:
        ctx.exit(_PROBLEMS_FOUND)


def _notes(agent: Agent) -> list[str]:
    """Return why search is slower or finds less than it could; nothing is asked or written."""
    said = (agent.keeping_trouble, agent.search_trouble)
    return list(dict.fromkeys(note for note in said if note is not None))


@click.command("rebuild")
@agent_dir
def rebuild_command(agent_dir: Path) -> None:
    """Delete what is derived and build it anew.

    Nothing canonical is touched; a rebuild is always safe. Vectors that can be trusted stay, so
    that one which was stopped goes on where it was.
    """
    bar = Bar()
    try:
        done = open_agent(agent_dir).rebuild(progress=bar.show)
    finally:
        bar.end()
    for words in done or ["There was nothing to rebuild."]:
        click.echo(clean(words))


@click.command("gc")
@agent_dir
def gc_command(agent_dir: Path) -> None:
    """Pack the history.

    The directory grows smaller; no checkpoint is lost.
    """
    click.echo(clean(open_agent(agent_dir).pack()))
