"""The calls of file tools that what was asked of files still wants, one after the other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from lettafs.llm._offline.file_ask import (
    Close,
    FileAsk,
    Grep,
    ListFiles,
    Open,
    Place,
    Search,
    Unclear,
)
from lettafs.llm._offline.file_names import resolve
from lettafs.llm._offline.file_quotes import best_quotes
from lettafs.llm._offline.file_results import Piece, matches_in, pieces_in, view_piece
from lettafs.llm._offline.prompt import Done, Turn, properties
from lettafs.llm._offline.shelf import SeenFile, Shelf
from lettafs.llm._offline.text import keywords
from lettafs.values.tool import ToolSpec

__all__ = [
    "ALL_FILE_TOOLS",
    "FILE_TOOLS",
    "Call",
    "done_for",
    "file_calls",
    "file_in_hand",
    "found_pieces",
    "offered",
    "on_page",
    "opened_file",
    "search_words",
]

FILE_TOOLS = ("semantic_search_files", "search_files", "search_file")
_OPEN = ("open_file", "open_files")
_GREP = ("grep_file", "grep_files", "grep")
_CLOSE = ("close_file",)
_LIST = ("list_files",)
ALL_FILE_TOOLS = frozenset((*FILE_TOOLS, *_OPEN, *_GREP, *_CLOSE, *_LIST))

_PAGE_LINES = 60
_ODD = r"[^\w ./-]"

Call = tuple[str, dict[str, Any]]
"""Name and arguments of a tool call to be made."""


def offered(tools: Mapping[str, ToolSpec], kind: str) -> str | None:
    """Return the tool for `open`, `search`, `grep`, `close` or `list`; None when there is none."""
    names = {"open": _OPEN, "search": FILE_TOOLS, "grep": _GREP, "close": _CLOSE, "list": _LIST}
    return next((name for name in names[kind] if name in tools), None)


def file_calls(
    asks: Sequence[FileAsk], shelf: Shelf, turn: Turn, *, tools: Mapping[str, ToolSpec]
) -> tuple[Call, ...]:
    """Return the calls still to be made for what was asked, those that can be made now."""
    calls: list[Call] = []
    for ask in asks:
        call = _next_call(ask, shelf, turn, tools)
        if call is not None and call not in calls:
            calls.append(call)
    return tuple(calls)


def _next_call(
    ask: FileAsk, shelf: Shelf, turn: Turn, tools: Mapping[str, ToolSpec]
) -> Call | None:
    match ask:
        case Open():
            return _to_open(ask, shelf, turn, tools)
        case Search():
            return _to_search(ask, shelf, turn, tools)
        case Grep():
            kind = "grep" if offered(tools, "grep") else "search"
            return None if done_for(ask, turn, shelf) else _grep(ask, tools, kind)
        case Close(file=file):
            name = offered(tools, "close")
            if name is None or done_for(ask, turn, shelf):
                return None
            return name, {"all": True} if file is None else {"file_name": file}
        case ListFiles(folder=folder):
            name = offered(tools, "list")
            if name is None or done_for(ask, turn, shelf):
                return None
            return name, {"folder": folder} if folder else {}
        case Unclear():
            return None
        case _:
            assert_never(ask)


def _to_open(ask: Open, shelf: Shelf, turn: Turn, tools: Mapping[str, ToolSpec]) -> Call | None:
    done = done_for(ask, turn, shelf)
    if not done:
        return _open(ask.file, ask.place.lines if ask.place else None, tools)
    file = opened_file(ask.file, shelf)
    if done[-1].failed or file is None or file.is_whole:
        return None
    if ask.place is not None and ask.place.page:
        return _to_page(ask.place, file, turn, tools)
    if ask.about and not best_quotes((view_piece(file),), ask.about):
        search = Search(" ".join(ask.about), file.name)
        return None if done_for(search, turn, shelf) else _search(search, tools)
    return None


def _to_page(
    place: Place, file: SeenFile, turn: Turn, tools: Mapping[str, ToolSpec]
) -> Call | None:
    """Return the call that brings a page into view: where it begins, then from there on."""
    if on_page(file, place.page):
        return None
    mark = Grep(rf"^<!-- {re.escape(place.page).replace(chr(92) + ' ', ' ')} -->", file.name)
    name = offered(tools, "grep")
    made = [each for each in turn.done if each.arguments.get("pattern") == mark.pattern]
    if not made:
        return _grep(mark, tools, "grep") if name else None
    lines = [line.number for found, line in matches_in(made[-1].text) if found == file.name]
    if made[-1].failed or not lines or lines[0] is None:
        return None
    call = _open(file.name, (lines[0], lines[0] + _PAGE_LINES), tools)
    if call is None or any(
        each.name == call[0] and dict(each.arguments) == call[1] for each in turn.done
    ):
        return None
    return call


def on_page(file: SeenFile, page: str) -> bool:
    """Tell whether the page is in the view of an open file."""
    return any(line.page.casefold() == page.casefold() for line in file.lines)


def _to_search(ask: Search, shelf: Shelf, turn: Turn, tools: Mapping[str, ToolSpec]) -> Call | None:
    done = done_for(ask, turn, shelf)
    if not done and (call := _search(ask, tools)) is not None:
        return call
    if ask.file is None:
        return None
    # What a search does not find may still stand in plain view.
    pieces = found_pieces(ask, turn, shelf)
    if best_quotes(pieces, search_words(ask)):
        return None
    look = Open(ask.file)
    return None if done_for(look, turn, shelf) else _open(ask.file, None, tools)


def _open(name: str, lines: tuple[int, int] | None, tools: Mapping[str, ToolSpec]) -> Call | None:
    tool = offered(tools, "open")
    if tool is None:
        return None
    takes = properties(tools[tool].parameters)
    if "file_name" in takes or (not takes and tool == "open_file"):
        arguments: dict[str, Any] = {"file_name": name}
        if lines is not None and ("view_range" in takes or not takes):
            arguments["view_range"] = list(lines)
        return tool, arguments
    request: dict[str, Any] = {"file_name": name}
    if lines is not None:
        request |= {"offset": lines[0] - 1, "length": lines[1] - lines[0] + 1}
    return tool, {"file_requests": [request]}


def _search(ask: Search, tools: Mapping[str, ToolSpec]) -> Call | None:
    tool = offered(tools, "search")
    if tool is None:
        return None
    takes = properties(tools[tool].parameters)
    arguments: dict[str, Any] = {"query": ask.query}
    if ask.file is not None and "file_name" in takes:
        arguments["file_name"] = ask.file
    if ask.folder is not None and "folder" in takes:
        arguments["folder"] = ask.folder
    return tool, arguments


def _grep(ask: Grep, tools: Mapping[str, ToolSpec], kind: str) -> Call | None:
    if kind == "search":
        return _search(Search(ask.pattern, ask.file, ask.folder), tools)
    tool = offered(tools, "grep")
    if tool is None:
        return None
    arguments: dict[str, Any] = {"pattern": ask.pattern}
    if ask.file is not None:
        # A bracket or a star in a name would mean something in a pattern of names.
        arguments["include"] = re.sub(_ODD, "?", ask.file)
    elif ask.folder is not None:
        arguments["include"] = f"{re.sub(_ODD, '?', ask.folder)}/*"
    return tool, arguments


def done_for(ask: FileAsk, turn: Turn, shelf: Shelf) -> list[Done]:
    """Return the calls of this turn that were made for what was asked."""
    return [each for each in turn.done if _serves(each, ask, shelf)]


def _serves(done: Done, ask: FileAsk, shelf: Shelf) -> bool:
    match ask:
        case Open(file=file):
            return done.name in _OPEN and any(
                name == file or _same_file(name, file, shelf) for name in _opened_names(done)
            )
        case Search(query=query, file=file):
            asked = done.arguments.get("file_name", file)
            return (
                done.name in FILE_TOOLS and done.arguments.get("query") == query and asked == file
            )
        case Grep(pattern=pattern):
            return (done.name in _GREP and done.arguments.get("pattern") == pattern) or (
                done.name in FILE_TOOLS and done.arguments.get("query") == pattern
            )
        case Close(file=file):
            return done.name in _CLOSE and (done.arguments.get("file_name") == file or file is None)
        case ListFiles():
            return done.name in _LIST
        case Unclear():
            return False
        case _:
            assert_never(ask)


def _opened_names(done: Done) -> list[str]:
    requests = done.arguments.get("file_requests")
    names = [done.arguments.get("file_name")]
    if isinstance(requests, list):
        names += [each.get("file_name") for each in requests if isinstance(each, Mapping)]
    return [name for name in names if isinstance(name, str)]


def _same_file(one: str, other: str, shelf: Shelf) -> bool:
    # A file that was not on the shelf when it was asked for may be there by now.
    found = opened_file(one, shelf)
    return found is not None and found == opened_file(other, shelf)


def opened_file(name: str, shelf: Shelf) -> SeenFile | None:
    """Return the file a name opened."""
    found = shelf.file(name)
    among = resolve(name, shelf.files) if found is None else (found,)
    return among[0] if len(among) == 1 else None


def file_in_hand(turn: Turn) -> str:
    """Return the file the first call of this turn named; empty when none did."""
    for each in turn.done:
        if each.name in (*_OPEN, *_CLOSE, *FILE_TOOLS):
            names = _opened_names(each)
            if names:
                return names[0]
    return ""


def found_pieces(ask: Search, turn: Turn, shelf: Shelf) -> tuple[Piece, ...]:
    """Return what was found for a search, and what is in view of the file it is confined to."""
    pieces = [
        piece
        for each in done_for(ask, turn, shelf)
        if not each.failed
        for piece in pieces_in(each.text)
        if shelf.may_have(piece.file)
        and (ask.file is None or piece.file == ask.file)
        and (ask.folder is None or piece.file.startswith(f"{ask.folder}/"))
    ]
    file = shelf.file(ask.file) if ask.file is not None else None
    if file is not None and file.lines and done_for(Open(file.name), turn, shelf):
        pieces.append(view_piece(file))
    return tuple(pieces)


def search_words(ask: Search) -> tuple[str, ...]:
    """Return the words a search is for."""
    return keywords(ask.query) or (ask.query,)
