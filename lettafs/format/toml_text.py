"""TOML as text: read with the line of every mistake, written value by value.

Reading refuses, before any parser sees it, what would keep one busy for minutes.
"""

from __future__ import annotations

import datetime
import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

__all__ = ["MAX_TOML_BYTES", "TomlFault", "line_of", "parse_toml", "toml_key", "toml_value"]

MAX_TOML_BYTES = 128 * 1024

_MAX_KEY_PARTS = 32

# A key with more parts than anybody writes: parsers take time by the square of their number. A key
# stands at the beginning of a line, or behind the brace or comma of an inline table.
_DEEP_KEY = re.compile(
    r"""(?:^|[{,])[ \t]*\[?\[?(?:[ \t]*(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
    rf"""[ \t]*+\.){{{_MAX_KEY_PARTS}}}""",
    re.MULTILINE,
)

_TABLE_LINE = re.compile(r"[ \t]*(\[\[?)[ \t]*([^\[\]]+?)[ \t]*\]\]?[ \t\r]*(?:#.*)?")
_KEY_LINE = re.compile(r"""[ \t]*([A-Za-z0-9_."' \t-]+?)[ \t]*=""")


class TomlFault(Exception):
    """Why text is not usable TOML; `line` is 1-based."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def parse_toml(data: bytes) -> dict[str, Any]:
    """Return what the text says.

    Raises:
        TomlFault: it is not UTF-8, not TOML 1.0, longer than 128 KiB or deeper than can be read.
    """
    if len(data) > MAX_TOML_BYTES:
        raise TomlFault(f"it has {len(data)} bytes; at most {MAX_TOML_BYTES} are read")
    if data.startswith(b"\xef\xbb\xbf"):
        raise TomlFault("it begins with a byte order mark; save it as UTF-8 without one", 1)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise TomlFault("it is not UTF-8", data.count(b"\n", 0, error.start) + 1) from error
    deep = _DEEP_KEY.search(text)
    if deep is not None:
        line = text.count("\n", 0, deep.start()) + 1
        raise TomlFault(f"a key has at most {_MAX_KEY_PARTS} parts", line)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line_no = text.count("\n") + 1 if found is None else int(found[1])
        message = re.sub(r" \(at .*?\)$", "", str(error))
        raise TomlFault(f"it is not valid TOML: {message}", line_no) from error
    except RecursionError as error:
        raise TomlFault("it is nested too deeply") from error
    except ValueError as error:  # Whole numbers of some thousand digits; dates such as 2026-02-30.
        raise TomlFault("it is not valid TOML: a number or a date in it is impossible") from error


def line_of(text: str, key: str, *, table: str | None = None, index: int = 0) -> int | None:
    """Return the 1-based line a key stands in, or of its table, as far as lines alone tell.

    Args:
        text: the TOML text.
        key: the key; with a table `""` asks for the table's own line.
        table: the table it is in; None: the top.
        index: which one, when the table is one of an array of tables.
    """
    section: str | None = None
    seen = -1
    own = None
    for number, line in enumerate(text.split("\n"), 1):
        header = _TABLE_LINE.fullmatch(line)
        if header is not None:
            section = _bare(header[2])
            if section == table:
                seen += 1
                own = number if seen == index else own
            continue
        found = _KEY_LINE.match(line)
        if found is None:
            continue
        name = _bare(found[1])
        if section == table and name == key and (table is None or seen == index):
            return number
        if section is None and table is not None and name in {table, f"{table}.{key}"}:
            own = number
    return own


def toml_value(value: object) -> str:
    """Return a value as TOML on one line; a mapping becomes an inline table.

    Halves of surrogate pairs are replaced by U+FFFD, and None in a mapping is left out: TOML has
    neither.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return repr(value)
        case str():
            return _quoted(value)
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
        case Mapping():
            pairs = (
                f"{toml_key(key)} = {toml_value(item)}"
                for key, item in value.items()
                if item is not None
            )
            return "{" + ", ".join(pairs) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(toml_value, value)) + "]"
        case _:
            raise TypeError(f"TOML has no {type(value).__name__}")


def toml_key(key: str) -> str:
    """Return a key as TOML, quoted where it has to be."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _quoted(key)


def _quoted(text: str) -> str:
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    # JSON's strings are TOML's basic strings, but for one character.
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")


def _bare(name: str) -> str:
    """Return a dotted key without quotes and blanks."""
    return re.sub(r"""["' \t]""", "", name)
