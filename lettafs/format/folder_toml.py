"""`folders/NAME.toml`: an attached folder, read with every mistake in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from typing import Any

from lettafs.format import layout
from lettafs.format.settings_table import SettingsTable
from lettafs.format.toml_edit import with_changes
from lettafs.format.toml_text import TomlFault, line_of, parse_toml, toml_key, toml_value
from lettafs.ids import is_id
from lettafs.values.folder import Folder
from lettafs.values.problem import Problem

__all__ = ["parse_folder", "render_folder", "with_folder"]

_KNOWN = frozenset({field.name for field in fields(Folder)} - {"extra", "name"})


def parse_folder(data: bytes, *, path: str) -> tuple[Folder | None, tuple[Problem, ...]]:
    """Return the folder a file attaches, and what is wrong with it.

    One wrong value costs that value; without a path, or where the file is no TOML, there is no
    folder to speak of.

    Args:
        data: the file.
        path: where it lies in the home; its stem is the folder's name.
    """
    name = layout.folder_name(path)
    if name is None:
        remedy = "rename it: letters, digits, - _ . and spaces, up to 64"
        said = "the file's name cannot be a folder's name; nothing is attached by it"
        return None, (Problem("folder", path, said, remedy=remedy),)
    try:
        values = parse_toml(data)
    except TomlFault as fault:
        said = f"{fault.message}; nothing is attached by it"
        return None, (Problem("folder", path, said, line=fault.line),)
    table = SettingsTable(values, path, line_of=partial(line_of, data.decode()))
    where = table.text("path")
    if where is None or not where.strip() or "\0" in where:
        remedy = 'add a line such as: path = "~/papers"'
        table.note("path", "`path` is missing; nothing is attached by it", remedy=remedy)
        return None, tuple(table.problems)
    ignore = table.boolean("gitignore")
    folder = Folder(
        name=name,
        path=where.strip(),
        id=_id(table),
        description=table.text("description") or "",
        instructions=table.text("instructions") or "",
        include=table.texts("include") or (),
        exclude=table.texts("exclude") or (),
        gitignore=True if ignore is None else ignore,
        archives=table.boolean("archives") or False,
        extra={key: value for key, value in values.items() if key not in _KNOWN},
    )
    return folder, tuple(table.problems)


def _id(table: SettingsTable) -> str | None:
    found = table.text("id")
    if found is None or is_id(found, "source"):
        return found
    remedy = "correct it, or take it out"
    table.note("id", "`id` has to be `source-` and a UUID 4 in lower case", remedy=remedy)
    return None


def render_folder(folder: Folder) -> bytes:
    """Return a fresh file that attaches a folder."""
    lines = ["# A folder this agent can read. What people write here stays as they wrote it."]
    lines += [
        f"{toml_key(key)} = {toml_value(value)}"
        for key, value in _values(folder).items()
        if value is not None
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def with_folder(data: bytes, folder: Folder) -> bytes:
    """Return the file changed to say this folder; comments, order and other keys stay.

    Raises:
        TomlFault: the file is not TOML.
        UsageProblem: a key is written in a way in which it cannot be changed in place.
    """
    return with_changes(data, _values(folder))


def _values(folder: Folder) -> Mapping[str, Any]:
    """Return the keys of a file, in order; None stands for one that is left out."""
    return {
        "id": folder.id,
        "path": folder.path,
        "description": folder.description or None,
        "instructions": folder.instructions or None,
        "include": list(folder.include) or None,
        "exclude": list(folder.exclude) or None,
        "gitignore": None if folder.gitignore else False,
        "archives": True if folder.archives else None,
        **folder.extra,
    }
