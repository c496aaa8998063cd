"""Attached folders and their files as lines, for the command `files` and for `/files` in a chat."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from lettafs.cli.clean import clean
from lettafs.cli.line import Line, LineStyle
from lettafs.cli.options import columns
from lettafs.cli.words import line_of
from lettafs.context.shown import size_words
from lettafs.errors import UsageProblem
from lettafs.format import layout
from lettafs.sdk.agent import Agent
from lettafs.values.file import FileInfo, FileState
from lettafs.values.folder import FolderInfo

__all__ = [
    "broken_lines",
    "chosen",
    "file_lines",
    "given",
    "many",
    "size_of",
    "trouble_lines",
]

_STATES: Final[dict[FileState, tuple[str, LineStyle]]] = {
    "ready": ("ready", "plain"),
    "waiting": ("waiting", "dim"),
    "empty": ("no text", "dim"),
    "failed": ("failed", "warning"),
}


def chosen(
    folders: Sequence[FolderInfo], files: Sequence[FileInfo], name: str | None
) -> tuple[list[FolderInfo], list[FileInfo]]:
    """Return the folders and files that a name means: a folder's or a file's; None: all.

    Raises:
        UsageProblem: there is nothing of this name.
    """
    if name is None:
        return list(folders), list(files)
    wanted = name.rstrip("/").casefold()
    mine = [info for info in folders if info.folder.name.casefold() == wanted]
    if mine:
        return mine, [file for file in files if file.folder == mine[0].folder.name]
    named = [file for file in files if file.name == name] or [
        file for file in files if file.name.casefold() == wanted
    ]
    if named:
        holders = {file.folder for file in named}
        return [info for info in folders if info.folder.name in holders], named
    there = ", ".join(line_of(info.folder.name) for info in folders) or "none"
    raise UsageProblem(f"There is no attached folder or file named {name!r}. Folders: {there}.")


def file_lines(
    folders: Sequence[FolderInfo],
    files: Sequence[FileInfo],
    *,
    left_out: bool = False,
    most: int | None = None,
) -> Iterator[Line]:
    """Yield each folder's line and, below it, one line for each of these files.

    Args:
        folders: which, in the order they are shown.
        files: those that are shown; the folders' counts are of all their files.
        left_out: whether what is no file, or was not taken for one, is listed too.
        most: how many files of a folder get a line, the rest only a number; None: all.
    """
    by_folder: dict[str, list[FileInfo]] = {info.folder.name: [] for info in folders}
    for file in files:
        if file.folder in by_folder:
            by_folder[file.folder].append(file)
    for number, info in enumerate(folders):
        if number:
            yield Line("")
        yield Line(_folder_words(info), "bold")
        if info.folder.description:
            yield Line(f"  {line_of(info.folder.description, width=200)}", "dim")
        mine = by_folder[info.folder.name]
        yield from _rows(mine[:most])
        if most is not None and len(mine) > most:
            yield Line(f"  and {len(mine) - most:,} more", "dim")
        if left_out:
            for path, why in info.left_out:
                name = line_of(f"{info.folder.name}/{path}", width=500)
                yield Line(f"  left out  {name}: {line_of(why, width=200)}", "dim")


def trouble_lines(agent: Agent, folders: Sequence[FolderInfo], *, command: bool) -> Iterator[Line]:
    """Yield, for each folder whose files cannot be read, a line that says why and what helps.

    Args:
        agent: whose folders they are.
        folders: those that are asked about.
        command: whether the lines go beside a command's output, where they begin with `warning`.
    """
    for info in folders:
        if info.trouble:
            yield _trouble(_trouble_words(agent, info), command=command)


def broken_lines(agent: Agent, folders: Sequence[FolderInfo], *, command: bool) -> Iterator[Line]:
    """Yield a line for each file that should attach a folder and cannot be understood.

    Args:
        agent: whose folders they are.
        folders: all that are attached.
        command: as for `trouble_lines`.
    """
    attached = {layout.folder_path(info.folder.name) for info in folders}
    for path in sorted(_folder_files(agent.path / layout.FOLDERS) - attached):
        doctor = f"`lettafs doctor {given(agent.path)}` says why"
        yield _trouble(f"{line_of(path)} attaches nothing: {doctor}.", command=command)


def _folder_files(directory: Path) -> set[str]:
    """Return the paths of the files that should attach a folder; a link is not looked through."""
    try:
        names = [] if directory.is_symlink() else os.listdir(directory)
    except OSError:
        return set()
    return {
        f"{layout.FOLDERS}/{name}"
        for name in names
        if name.endswith(".toml") and not name.startswith(".")
    }


def _trouble(words: str, *, command: bool) -> Line:
    return Line(f"{'warning: ' if command else '· '}{words}", "warning")


def given(path: Path) -> str:
    """Return a path as a person would type it in a command."""
    return clean(shlex.quote(str(path)))


def many(number: int, noun: str) -> str:
    """Return `1 file`, `1,200 files`, `0 files`."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def size_of(size: int) -> str:
    """Return a number of bytes as `812 B`, `1.2 kB`, `34 MB`."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.5 or unit == "TB":
            break
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:,.0f} {unit}"


def _folder_words(info: FolderInfo) -> str:
    name = line_of(info.folder.name)
    place = line_of(info.folder.path, width=200)
    if info.trouble and not info.files:
        return f"{name}  {place}  not readable"
    states = [
        f"{number:,} {words}"
        for number, words in (
            (info.ready, "ready"),
            (info.waiting, "waiting"),
            (info.empty, "without text"),
            (info.failed, "failed"),
        )
        if number
    ]
    counts = f" ({', '.join(states)})" if states else ""
    more = f", {len(info.left_out):,} left out" if info.left_out else ""
    return f"{name}  {place}  {many(info.files, 'file')}{counts}, {size_of(info.size)}{more}"


def _rows(files: Sequence[FileInfo]) -> Iterator[Line]:
    rows = []
    for file in files:
        # Last, since a name may be of any length.
        reason = f": {_clause(file)}" if file.reason else ""
        name = line_of(file.name, width=500) + reason
        rows.append((_STATES[file.state][0], size_of(file.size), _extent(file), name))
    for line, file in zip(columns(rows, right=(1, 2)), files, strict=True):
        yield Line(f"  {line}", _STATES[file.state][1])


def _extent(file: FileInfo) -> str:
    """Return how long the text of a file is: in pages, slides or sheets, or else in lines."""
    return size_words(file) if file.state == "ready" else ""


def _clause(file: FileInfo) -> str:
    """Return what is said of a file as it goes on after a colon; a note is a sentence by itself."""
    said = line_of(file.reason, width=200)
    return said[:1].lower() + said[1:].removesuffix(".") if file.state == "ready" else said


def _trouble_words(agent: Agent, info: FolderInfo) -> str:
    name = line_of(info.folder.name)
    trouble = line_of(info.trouble, width=500)
    if "`lettafs " in trouble:
        # It knows the directory's name, and we how it was reached from here.
        by_name = f"`lettafs attach {shlex.quote(agent.path.resolve().name)} "
        return f"{name}: {trouble.replace(by_name, f'`lettafs attach {given(agent.path)} ')}"
    # What is not allowed says what allows it; else it is not there, or cannot be entered.
    remedy = "Put it back" if trouble.endswith("is not there.") else "Look at its permissions"
    detach = f"`lettafs detach {given(agent.path)} {given(Path(name))}`"
    return f"{name}: {trouble} {remedy}, correct `path` in folders/{name}.toml, or {detach}."
