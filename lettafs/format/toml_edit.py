"""Changes to a TOML file that leave everything else in it as a person wrote it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lettafs.errors import UsageProblem
from lettafs.format.toml_text import TomlFault, parse_toml, toml_key, toml_value

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import AoT

__all__ = ["with_changes"]


def with_changes(data: bytes, changes: Mapping[str, Any]) -> bytes:
    """Return the file with these keys set, or with None taken out.

    Comments, order, line ends and other keys stay; when nothing changes, so do all bytes.

    Args:
        data: valid TOML.
        changes: key to value; a dotted key reaches into a table, which is made if need be.

    Raises:
        TomlFault: the file is not TOML.
        UsageProblem: a key cannot be changed in place.
    """
    wanted = parse_toml(data)
    pending: dict[str, Any] = {}
    for key, value in changes.items():
        table, last = _reached(wanted, key, make=value is not None)
        if table is not None and not _same(table.get(last), value):
            pending[key] = value
            _put(table, last, value)
    if not pending:
        return data
    changed = _edited(data, pending)
    if changed is None or not _says(changed, wanted):
        raise UsageProblem(
            f"{', '.join(pending)} cannot be changed without rewriting what a person "
            "wrote there; change it by hand."
        )
    return changed


def _says(data: bytes, wanted: dict[str, Any]) -> bool:
    try:
        return _same(parse_toml(data), wanted)
    except TomlFault:
        return False


def _reached(values: Any, key: str, *, make: bool) -> tuple[Any, str]:
    """Return the table a dotted key's last part is in (None: there is none), and that part."""
    *parents, last = key.split(".")
    for parent in parents:
        if parent not in values:
            if not make:
                return None, last
            values[parent] = {}
        values = values[parent]
        if not isinstance(values, Mapping):
            raise UsageProblem(f"`{parent}` is not a table, so it has no `{last}`.")
    return values, last


def _put(table: Any, key: str, value: Any) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value


def _same(one: Any, other: Any) -> bool:
    """Tell whether two values are written alike: 1 is neither 1.0 nor true, nan is nan."""
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
        case list(), list():
            return len(one) == len(other) and all(map(_same, one, other))
        case (None, _) | (_, None):
            return one is other
        case _:
            return type(one) is type(other) and toml_value(one) == toml_value(other)


def _edited(data: bytes, pending: Mapping[str, Any]) -> bytes | None:
    """Return the file changed, or None when tomlkit cannot."""
    # Late: tomlkit costs 70 ms, and only changing a file needs it, not reading one.
    from tomlkit.exceptions import TOMLKitError

    text = data.decode()
    try:
        for key, value in pending.items():
            text = _with_change(text, key, value)
    except _Unkept:
        return None
    except (TOMLKitError, ValueError, TypeError, KeyError, IndexError, AttributeError):
        return None  # Tables out of order and dotted keys have forms that tomlkit trips over.
    if data.count(b"\n") == data.count(b"\r\n") > 0:
        text = re.sub(r"(?<!\r)\n", "\r\n", text)
    return text.encode()


class _Unkept(Exception):
    """The file is written in a form that tomlkit does not give back as it was."""


def _with_change(text: str, key: str, value: Any) -> str:
    import tomlkit
    from tomlkit.items import AoT, Table

    document = tomlkit.parse(text)
    table, last = _reached(document, key, make=value is not None)
    if table is None:
        return text
    present = table.get(last)
    if present is None and not isinstance(value, (dict, list)) or _is_flat(value):
        end = _end_of_keys(text, key.split(".")[:-1]) if present is None else None
        if end is not None:
            gap = "" if text[:end].endswith("\n") else "\n"
            return f"{text[:end]}{gap}{toml_key(last)} = {toml_value(value)}\n{text[end:]}"
    if tomlkit.dumps(tomlkit.parse(text)) != text:
        raise _Unkept  # It does so with an array of tables that others interrupt.
    if isinstance(present, AoT) and value:
        _put_tables(present, value)
    elif isinstance(present, (AoT, Table)) and value is None and table is document:
        _take_out(document, last)
    else:
        _put(table, last, value)
    return tomlkit.dumps(document)


def _is_flat(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(item, dict) for item in value)


def _end_of_keys(text: str, parents: list[str]) -> int | None:
    """Return the offset behind a table's last key, before the comments that follow it.

    Those mostly speak of the next table, so a new key is not to come behind them. None: the table
    is written in some form other than `[name]`.
    """
    import tomlkit
    from tomlkit.items import AoT, Table

    document = tomlkit.parse(text)
    container: Any = document
    for parent in parents:
        places = [
            index
            for index, (key, _) in enumerate(container.body)
            if key is not None and key.key == parent
        ]
        if len(places) != 1 or not isinstance(container.body[places[0]][1], Table):
            return None
        item = container.body[places[0]][1]
        if item.name is None or item.is_super_table() or item.display_name is None:
            return None
        del container.body[places[0] + 1 :]
        container = item.value
    keys = [
        index
        for index, (key, item) in enumerate(container.body)
        if key is not None and not isinstance(item, (Table, AoT))
    ]
    del container.body[keys[-1] + 1 if keys else 0 :]
    before = tomlkit.dumps(document)
    return len(before) if text.startswith(before) else None


def _put_tables(tables: AoT, values: list[dict[str, Any]]) -> None:
    """Set an array of tables so that those that stay the same keep their comments."""
    import tomlkit

    kept = 0
    while kept < min(len(values), len(tables)) and _same(tables[kept].unwrap(), values[kept]):
        kept += 1
    tail = _tail(tables) if kept < len(tables) else []
    while len(tables) > kept:
        del tables[len(tables) - 1]
    for value in values[kept:]:
        table = tomlkit.table()
        table.update(value)
        tables.append(table)
    for item in tail:
        tables[-1].add(item)


def _take_out(document: TOMLDocument, key: str) -> None:
    """Remove a table of the top, but not the comments behind it."""
    tail = _tail(document[key])
    place = next(
        index for index, (own, _) in enumerate(document.body) if own is not None and own.key == key
    )
    document.remove(key)
    document.body[place : place + 1] = [(None, item) for item in tail]


def _tail(table: Any) -> list[Any]:
    """Return the comments and blank lines at a table's end: mostly they speak of what follows."""
    from tomlkit.items import AoT, Comment, Whitespace

    last = table[-1] if isinstance(table, AoT) else table
    tail: list[Any] = []
    for key, item in reversed(last.value.body):
        if key is not None or not isinstance(item, (Comment, Whitespace)):
            break
        tail.insert(0, item)
    return tail
