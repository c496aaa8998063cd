"""Commands that read an agent: `memory`, `prompt` and `search`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import click

from lettafs.cli.bar import keep_up_with_a_bar
from lettafs.cli.care import problem_line
from lettafs.cli.clean import clean
from lettafs.cli.file_lines import broken_lines, many, trouble_lines
from lettafs.cli.line import echo
from lettafs.cli.listings import (
    blame_lines,
    hit_lines,
    last_changes,
    log_lines,
    memory_lines,
)
from lettafs.cli.options import agent_dir, as_json, json_option, text_in
from lettafs.cli.prompt import prompt_json, prompt_lines, token_lines
from lettafs.cli.surroundings import open_editor
from lettafs.errors import UsageProblem
from lettafs.sdk.agent import Agent
from lettafs.sdk.open import open_agent
from lettafs.sdk.search import ROLES, SOURCES

_VECTORS_S = 3.0
"""What a search spends at most on vectors; words find all that has none yet."""

__all__ = ["edit_block", "memory_command", "prompt_command", "search_command"]


@click.command("memory")
@agent_dir
@click.argument("label", required=False)
@click.option("--history", is_flag=True, help="Checkpoints that changed the block.")
@click.option("--blame", is_flag=True, help="Where each line of the block comes from.")
@click.option("--edit", is_flag=True, help="Open the block in $VISUAL or $EDITOR.")
@json_option
def memory_command(
    agent_dir: Path,
    label: str | None,
    *,
    history: bool,
    blame: bool,
    edit: bool,
    json_output: bool,
) -> None:
    """Show core memory: blocks with size, limit and last change.

    With LABEL: the block's text, byte for byte when it goes to a file or a pipe.
    """
    if history + blame + edit > 1:
        raise UsageProblem("--history, --blame and --edit are three questions: ask one at a time.")
    if label is None and (history or blame or edit):
        raise UsageProblem("Name the block: lettafs memory DIR LABEL.")
    agent = open_agent(agent_dir)
    if label is None:
        _list_blocks(agent, json_output=json_output)
        return
    label = text_in(label)
    if history:
        entries = agent.history(label)
        as_json(entries) if json_output else echo(log_lines(entries))
    elif blame:
        lines = agent.blame(label)
        as_json(lines) if json_output else echo(blame_lines(lines))
    elif edit:
        click.echo(edit_block(agent, label))
    elif json_output:
        as_json(agent.block(label))
    else:
        _print_value(agent.block(label).value)


@click.command("prompt")
@agent_dir
@json_option
def prompt_command(agent_dir: Path, *, json_output: bool) -> None:
    """Show exactly what the model would be sent next.

    The system text, the messages and the tools; in a terminal a table of tokens by section first.
    """
    prompt = open_agent(agent_dir).prompt()
    if json_output:
        as_json(prompt_json(prompt))
        return
    if sys.stdout.isatty():
        echo(token_lines(prompt))
        click.echo()
    echo(prompt_lines(prompt))


@click.command("search")
@agent_dir
@click.argument("query")
@click.option(
    "--in",
    "sources",
    metavar="SOURCES",
    help=(
        "Where to look: recall (everything said), archival (everything put away), files (attached"
        " folders). Without it: in all; with --role or --conversation in recall, with --tag in"
        " archival."
    ),
)
@click.option(
    "-k", metavar="N", type=click.IntRange(min=1), default=10, show_default=True, help="How many."
)
@click.option(
    "--page", metavar="N", type=click.IntRange(min=0), default=0, help="The next N, from page 1 on."
)
@click.option("--since", metavar="DATE", help="Only from this day on (2026-03-01), or time.")
@click.option("--until", metavar="DATE", help="Only until this day's end, or time.")
@click.option(
    "--role",
    "roles",
    type=click.Choice(ROLES),
    multiple=True,
    help="Only what this side said; may be repeated. Without it: user and assistant.",
)
@click.option("--conversation", metavar="ID", help="Only messages of this conversation.")
@click.option("--tag", "tags", metavar="TAG", multiple=True, help="Only passages with this tag.")
@click.option("--all-tags", is_flag=True, help="With several --tag: passages that have them all.")
@click.option("--exact", is_flag=True, help="Find QUERY as it stands, anywhere in a text.")
@click.option("--at", metavar="CHECKPOINT", help="Search the agent as it was then.")
@json_option
def search_command(
    agent_dir: Path,
    query: str,
    *,
    sources: str | None,
    k: int,
    page: int,
    since: str | None,
    until: str | None,
    roles: tuple[str, ...],
    conversation: str | None,
    tags: tuple[str, ...],
    all_tags: bool,
    exact: bool,
    at: str | None,
    json_output: bool,
) -> None:
    """Search everything said, everything put away and attached files.

    Messages are found by words, passages and files by words and by meaning. Each hit: when, who
    said it or that it is a passage, its id, and the text; of a file its name, page and lines. An
    empty QUERY lists the newest messages and passages. For --since and --until, a file's time is
    that of its last change.
    """
    if sources is None:
        named = _fitting_sources(of_recall=bool(roles or conversation), of_archival=bool(tags))
    else:
        named = tuple(name.strip() for name in sources.split(",") if name.strip())
    unknown = [name for name in named if name not in SOURCES]
    if unknown or not named:
        what = f"cannot look in {unknown[0]!r}" if unknown else "nowhere to look"
        raise UsageProblem(f"--in: {what}. There are {', '.join(SOURCES)}.")
    with ExitStack() as stack:
        agent = open_agent(agent_dir)
        if at is not None:
            agent = stack.enter_context(agent.at(at))
        by_meaning = named != ("recall",) and not exact and bool(query.strip())
        if agent.is_behind():
            keep_up_with_a_bar(agent, vectors_for_s=_VECTORS_S if by_meaning else 0.0)
        hits = agent.search(
            text_in(query),
            sources=named,
            k=k,
            page=page,
            since=since,
            until=until,
            roles=roles or ("user", "assistant"),
            conversation_id=conversation,
            tags=tags,
            all_tags=all_tags,
            exact=exact,
        )
        trouble = agent.search_trouble if by_meaning else None
        if "files" in named and query.strip():
            _tell_unread(agent)
    if trouble is not None:
        click.echo(clean(trouble), err=True)
    if json_output:
        as_json(hits)
    elif hits:
        echo(hit_lines(hits))
    else:
        click.echo("Nothing found.", err=True)


def _fitting_sources(*, of_recall: bool, of_archival: bool) -> tuple[str, ...]:
    """Return where to look when only the filters say so: each belongs to one memory."""
    if not of_recall and not of_archival:
        return SOURCES
    return ("recall",) * of_recall + ("archival",) * of_archival


def _tell_unread(agent: Agent) -> None:
    """Say on stderr which attached files could not be searched."""
    folders = agent.folders()
    echo(trouble_lines(agent, folders, command=True), err=True)
    echo(broken_lines(agent, folders, command=True), err=True)
    waiting = sum(info.waiting for info in folders)
    if waiting:
        click.echo(f"{many(waiting, 'file')} not read yet: ask again in a while.", err=True)


def edit_block(agent: Agent, label: str) -> str:
    """Let the person edit a block in their editor; return in a sentence what came of it.

    Raises:
        UsageProblem: there is no such block, or no editor.
    """
    before = agent.block(label)
    open_editor(agent.path / before.path)
    blocks, problems = agent.blocks()
    for problem in problems:
        if problem.path == before.path:
            return f"The block cannot be read now: {problem_line(problem)}"
    after = next((block for block in blocks if block.path == before.path), None)
    if after is None:
        return f"{clean(before.path)} is gone."
    if after == before:
        return f"{clean(before.path)} is unchanged."
    return f"{clean(before.path)} changed; the next turn sees it and commits it in your name."


def _list_blocks(agent: Agent, *, json_output: bool) -> None:
    blocks, problems = agent.blocks()
    if json_output:
        last = last_changes(agent, blocks)
        as_json(
            [
                {
                    "label": block.label,
                    "path": block.path,
                    "description": block.description,
                    "chars": len(block.value),
                    "limit_chars": block.limit_chars,
                    "read_only": block.read_only,
                    "last_change": last[block.label],
                    "value": block.value,
                }
                for block in blocks
            ]
        )
    else:
        echo(memory_lines(agent))
    for problem in problems:
        click.echo(problem_line(problem), err=True)


def _print_value(value: str) -> None:
    """Print a block's text: as it is into a pipe, cleaned on a terminal."""
    if sys.stdout.isatty():
        click.echo(clean(value))
    else:
        # Bytes, so that no layer changes line ends or adds one: a block is its bytes.
        click.echo(value.encode("utf-8"), nl=False)
