"""Commands about documents: `attach`, `detach` and `files`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from lettafs.cli.bar import Bar
from lettafs.cli.clean import clean
from lettafs.cli.file_lines import (
    broken_lines,
    chosen,
    file_lines,
    given,
    many,
    size_of,
    trouble_lines,
)
from lettafs.cli.line import echo
from lettafs.cli.options import agent_dir, as_json, given_text, json_option, text_in
from lettafs.cli.words import line_of
from lettafs.errors import UsageProblem
from lettafs.sdk.open import open_agent
from lettafs.values.file import FileInfo
from lettafs.values.folder import FolderInfo

__all__ = ["attach_command", "detach_command", "files_command"]

_NAMED = 3
"""How many files of a sort are named after attaching."""


@click.command("attach")
@agent_dir
@click.argument("folder", metavar="FOLDER")
@click.option("--name", help="What the agent calls it. Without it: by the path's last part.")
@click.option("--description", metavar="TEXT", default="", help="What it holds: text, or @FILE.")
@click.option(
    "--instructions",
    metavar="TEXT",
    default="",
    help="What the agent is to do with it: text, or @FILE.",
)
@click.option(
    "--include",
    metavar="PATTERN",
    multiple=True,
    help="Only files that fit, as in .gitignore; may be repeated.",
)
@click.option(
    "--exclude", metavar="PATTERN", multiple=True, help="No files that fit; may be repeated."
)
@click.option("--no-gitignore", is_flag=True, help="Read what its .gitignore files name, too.")
@click.option("--archives", is_flag=True, help="Read the files in a zip, too.")
@json_option
def attach_command(
    agent_dir: Path,
    folder: str,
    *,
    name: str | None,
    description: str,
    instructions: str,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    no_gitignore: bool,
    archives: bool,
    json_output: bool,
) -> None:
    """Attach a folder of documents, or one document.

    The agent can then open, grep and search every file in it. The documents stay where they are;
    for a folder outside the agent's directory this is also your leave to read it, on this machine.
    Files that cannot be read are named, and are no failure. Ctrl-C stops reading; the same command
    goes on where it was.
    """
    if not folder:  # a shell's empty variable: a path would make it this directory
        raise UsageProblem("FOLDER is empty: give the path of a folder or a document.")
    agent = open_agent(agent_dir)
    before = {info.folder.name: info for info in agent.folders()}
    known = _contents(agent.files(look=False))
    with _bar() as bar:
        info = agent.attach(
            Path(folder),
            name=None if name is None else text_in(name),
            description=given_text(description, option="--description"),
            instructions=given_text(instructions, option="--instructions"),
            include=[text_in(pattern) for pattern in include],
            exclude=[text_in(pattern) for pattern in exclude],
            gitignore=not no_gitignore,
            archives=archives,
            progress=bar.show,
        )
    files = [file for file in agent.files(look=False) if file.folder == info.folder.name]
    if json_output:
        as_json(
            _folder_json(info) | {"not_ready": [_brief(f) for f in files if f.state != "ready"]}
        )
    else:
        was = before.get(info.folder.name)
        is_new = not _contents(files).items() <= known.items()
        click.echo(_attached_words(clean(agent.settings.name), info, was, is_new=is_new))
        for line in _summary(info, files, listing=f"lettafs files {given(agent_dir)}"):
            click.echo(line)
    echo(trouble_lines(agent, [info], command=True), err=True)


@click.command("detach")
@agent_dir
@click.argument("name")
def detach_command(agent_dir: Path, name: str) -> None:
    """Detach a folder of documents.

    The documents stay where they are.
    """
    folder = open_agent(agent_dir).detach(text_in(name))
    place = line_of(folder.path, width=200)
    click.echo(f"{clean(folder.name)} is detached; its documents stay in {place}.")


@click.command("files")
@agent_dir
@click.argument("name", required=False)
@click.option("--failed", is_flag=True, help="Only files whose reading failed, with the reason.")
@click.option("--all", "left_out", is_flag=True, help="Also what was left out: links, pipes.")
@json_option
def files_command(
    agent_dir: Path, name: str | None, *, failed: bool, left_out: bool, json_output: bool
) -> None:
    """List attached folders and their files, with the state of each.

    With NAME: one folder, or one file. Files that are new or have changed are read first. Why a
    folder cannot be read is told on stderr.
    """
    agent = open_agent(agent_dir)
    with _bar() as bar:
        known = agent.files(progress=bar.show)
    attached = agent.folders()
    folders, files = chosen(attached, known, None if name is None else text_in(name))
    shown = folders
    if failed:
        files = [file for file in files if file.state == "failed"]
        shown = [info for info in folders if info.failed or info.trouble]
    troubles = list(trouble_lines(agent, folders, command=True))
    if name is None:
        troubles += broken_lines(agent, attached, command=True)
    if json_output:
        as_json({"folders": [_folder_json(info) for info in folders], "files": files})
    else:
        echo(file_lines(shown, files, left_out=left_out))
        if failed and folders and not files:
            click.echo("No file has failed.", err=True)
        if not attached and not troubles:
            click.echo(
                f"No folder is attached: lettafs attach {given(agent_dir)} FOLDER.", err=True
            )
    echo(troubles, err=True)


@contextmanager
def _bar() -> Iterator[Bar]:
    """Show how far reading is while the block runs; say what Ctrl-C left."""
    bar = Bar()
    try:
        yield bar
    except KeyboardInterrupt:
        bar.end()
        click.echo("Stopped. What was read is kept; the same command reads the rest.", err=True)
        raise
    finally:
        bar.end()


def _contents(files: Sequence[FileInfo]) -> dict[str, tuple[str, str | None]]:
    """Return what tells, by name, whether a file says what it said before."""
    return {file.name: (file.state, file.sha256) for file in files}


def _attached_words(
    agent: str, info: FolderInfo, before: FolderInfo | None, *, is_new: bool
) -> str:
    """Return in a sentence or two what attaching did, and where the documents lie."""
    folder, name = info.folder, clean(info.folder.name)
    if before is not None and before.folder != folder:
        return f"{name} was attached already; what you say of it is written down."
    if before is not None and before.trouble:
        return f"{name} was attached already, and now it can be read."
    if before is not None and is_new:
        return f"{name} was attached already; what is new or has changed was read."
    if before is not None:
        return f"{name} was attached already, and nothing had to be read."
    place = line_of(folder.path, width=200)
    if folder.is_outside:
        where = "outside the agent, and stays there"
    elif folder.path.startswith("folders/"):
        where = "inside the agent, and travels with it"
    else:
        where = "inside the agent; git keeps with it only what lies in folders/"
    return f"{name} is attached to {agent}. It lies in {place}, {where}."


def _summary(info: FolderInfo, files: Sequence[FileInfo], *, listing: str) -> list[str]:
    """Return in a few lines how many files are ready, and which are not."""
    ready = [file for file in files if file.state == "ready"]
    pages, chars = sum(file.pages for file in ready), sum(file.chars for file in ready)
    extent = f"{many(pages, 'page')}, " * bool(pages) + many(chars, "character")
    if ready:
        lines = [f"{many(len(ready), 'file')} ready: {extent}, {size_of(info.size)} in all."]
    elif files or info.trouble:
        lines = [f"There is nothing to read in it: {many(len(files), 'file')}."]
    elif info.folder.include:
        patterns = ", ".join(line_of(pattern, width=60) for pattern in info.folder.include)
        lines = [
            f"No file in it fits {line_of(patterns, width=200)}; "
            f'`--include` gives other patterns, and "*" takes all.'
        ]
    else:
        lines = ["There is no file in it to read; one that is put there will be."]
    for words, some in (
        ("without text", [file for file in files if file.state == "empty"]),
        ("failed", [file for file in files if file.state == "failed"]),
        ("waiting to be read", [file for file in files if file.state == "waiting"]),
    ):
        if some:
            lines.append(f"{many(len(some), 'file')} {words}: {_named(some)}")
    if info.left_out:
        path, why = info.left_out[0]
        first = f"{line_of(path, width=60)} ({line_of(why, width=100)})"
        more = len(info.left_out) - 1
        lines.append(f"Left out: {first}{f' and {more:,} more' if more else ''}.")
    if len(ready) < len(files) or info.left_out:
        lines.append(f"`{listing}{' --all' if info.left_out else ''}` shows all.")
    return lines


def _named(files: Sequence[FileInfo]) -> str:
    """Return the first of some files, with reasons, as the end of a sentence."""
    said = []
    for file in files[:_NAMED]:
        reason = f" ({line_of(file.reason, width=100)})" if file.reason else ""
        said.append(f"{line_of(file.name, width=80)}{reason}")
    more = len(files) - len(said)
    return f"{', '.join(said)}{f' and {more:,} more' if more else ''}."


def _brief(file: FileInfo) -> dict[str, str]:
    return {"name": file.name, "state": file.state, "reason": file.reason}


def _folder_json(info: FolderInfo) -> dict[str, Any]:
    folder = info.folder
    return {
        "name": folder.name,
        "id": folder.id,
        "path": folder.path,
        "place": info.place,
        "trouble": info.trouble,
        "description": folder.description,
        "instructions": folder.instructions,
        "include": folder.include,
        "exclude": folder.exclude,
        "gitignore": folder.gitignore,
        "archives": folder.archives,
        "files": info.files,
        "ready": info.ready,
        "waiting": info.waiting,
        "empty": info.empty,
        "failed": info.failed,
        "size": info.size,
        "left_out": [{"path": path, "reason": why} for path, why in info.left_out],
    }
