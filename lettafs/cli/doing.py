"""What a call of a file tool is doing, in words, for the line that shows what is waited for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lettafs.cli.words import line_of

__all__ = ["FILE_TOOLS", "doing"]

_OPEN = frozenset({"open_file", "open_files"})
_CLOSE = frozenset({"close_file"})
_LIST = frozenset({"list_files"})
_GREP = frozenset({"grep", "grep_file", "grep_files"})
_SEARCH = frozenset({"search_file", "search_files", "semantic_search_files"})

FILE_TOOLS = _OPEN | _CLOSE | _LIST | _GREP | _SEARCH
"""Names under which a model reads files, Letta's among them."""

_WIDTH = 50


def doing(tool: str, arguments: str) -> str | None:
    """Return what a call does, as `opening papers/a.pdf`; None where its name says enough.

    Args:
        tool: its name.
        arguments: the model's JSON, which may be anything.
    """
    if tool not in FILE_TOOLS:
        return None
    try:
        given = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        given = {}
    return _words(tool, given if isinstance(given, dict) else {})


def _words(tool: str, given: Mapping[str, Any]) -> str:
    if tool in _OPEN:
        return f"opening {_named(given)}"
    if tool in _CLOSE:
        return "closing all files" if given.get("all") else f"closing {_named(given)}"
    if tool in _LIST:
        return "listing the files"
    where = given.get("file_name") or given.get("include") or given.get("folder")
    place = line_of(where, width=_WIDTH) if isinstance(where, str) and where else "the files"
    wanted = given.get("pattern" if tool in _GREP else "query")
    what = f" for {line_of(wanted, width=_WIDTH)}" if isinstance(wanted, str) and wanted else ""
    return f"{'looking through' if tool in _GREP else 'searching'} {place}{what}"


def _named(given: Mapping[str, Any]) -> str:
    """Return the file that is opened or closed, or how many are."""
    names = [given.get("file_name")]
    requests = given.get("file_requests")
    for request in requests if isinstance(requests, list) else []:
        names.append(request.get("file_name") if isinstance(request, dict) else None)
    said = [name for name in names if isinstance(name, str) and name]
    if not said:
        return "a file"
    return line_of(said[0], width=_WIDTH) if len(said) == 1 else f"{len(said)} files"
