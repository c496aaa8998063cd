"""The file tools: open, close, list, grep and search the documents of attached folders.

They come under lettafs' own names and under Letta's, which do the same. What a file says is shown
in the system text of the next request, never obeyed: a tool returns names, places and quotes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from lettafs.context.shown import visible
from lettafs.errors import ToolProblem
from lettafs.tools.base import Tool, ToolContext, parameters
from lettafs.tools.file_listing import found_text, listing_text, snippet_chars
from lettafs.tools.file_names import glob_matcher
from lettafs.tools.file_opening import (
    LOOK_S,
    NOTHING,
    REFRESH_S,
    close_file,
    file_meant,
    open_files,
    text_of,
)
from lettafs.tools.grep import MAX_CONTEXT_LINES, grep, name_matcher, searcher, shown_matches
from lettafs.values.tool import ToolSpec

if TYPE_CHECKING:
    from lettafs.index.files.files import Files

__all__ = ["FILE_TOOLS"]

_SEARCH_LIMIT = 5
_SEARCH_LIMIT_MAX = 50
_MAX_PAGE = 10**9


def _list(context: ToolContext, args: dict[str, Any]) -> str:
    files = context.turn.home.files
    if not files.is_attached:
        return NOTHING
    files.refresh(for_s=LOOK_S)
    folders = files.folders()
    listing = files.listing()
    if args.get("folder"):
        folder = _folder_name(files, args["folder"])
        folders = [info for info in folders if info.folder.name == folder]
        listing = [info for info in listing if info.folder == folder]
    if args.get("pattern"):
        fits = glob_matcher(args["pattern"])
        listing = [info for info in listing if fits(info.name)]
    return listing_text(
        folders,
        listing,
        is_open={view.file for view in context.turn.views},
        page=_page(args),
        narrowed=bool(args.get("pattern")),
    )


def _folder_name(files: Files, name: str) -> str:
    wanted = name.strip().strip("/").casefold()
    known = [info.folder.name for info in files.folders()]
    for folder in known:
        if folder.casefold() == wanted:
            return folder
    raise ToolProblem(f"There is no folder named {name!r:.200}. Folders: {', '.join(known)}.")


def _page(args: Mapping[str, Any]) -> int:
    page = int(args.get("page") or 0)
    if page < 0:
        raise ToolProblem("page is counted from 0.")
    return min(page, _MAX_PAGE)


def _grep(context: ToolContext, args: dict[str, Any]) -> str:
    finder = searcher(args["pattern"], case_sensitive=bool(args.get("case_sensitive")))
    included = name_matcher(args["include"]) if args.get("include") else None
    offset = int(args.get("offset") or 0)
    if offset < 0:
        raise ToolProblem("offset is how many matches to skip: 0 or more.")
    around = args.get("context_lines")
    around = 1 if around is None else max(0, min(int(around), MAX_CONTEXT_LINES))
    files = context.turn.home.files
    if not files.is_attached:
        return NOTHING
    waiting = files.refresh(for_s=REFRESH_S)
    listing = files.listing()
    if included is not None:
        listing = [info for info in listing if included(info.name)]
        if not listing:
            return f"No file's name fits include {args['include']!r:.200}."
    ready = [info.name for info in listing if info.state == "ready"]
    # They were looked at just now: each is read, and not looked at again.
    read = partial(files.text, look=False)
    notes = [finder.note] if finder.note else []
    if waiting:
        are = "file is" if waiting == 1 else "files are"
        notes.append(f"{waiting:,} {are} not read yet, and not searched.")
    found = grep(finder, ready, read)
    if not found.matches:
        where = f" in the {len(ready):,} files" if len(ready) != 1 else " in the one file"
        short = f" Time ran out with {found.unread:,} left." if found.unread else ""
        words = f"No match for {visible(args['pattern'])!r:.300}{where} that can be read.{short}"
        return " ".join([words, *notes])
    return shown_matches(found, read, offset=offset, context_lines=around, note=" ".join(notes))


def _search(context: ToolContext, args: dict[str, Any]) -> str:
    query = args["query"]
    if not query.strip():
        raise ToolProblem("query is empty: say what to look for.")
    files = context.turn.home.files
    if not files.is_attached:
        return NOTHING
    asked = args.get("limit")
    limit = _SEARCH_LIMIT if asked is None else max(1, min(int(asked), _SEARCH_LIMIT_MAX))
    page = _page(args)
    waiting = files.refresh(for_s=REFRESH_S)
    folder = _folder_name(files, args["folder"]) if args.get("folder") else None
    only = None
    if args.get("file_name"):
        info = file_meant(files, args["file_name"])
        text_of(files, info)
        only = (info.name,)
    hits = files.find(
        query,
        now=context.now.astimezone(context.zone),
        limit=limit,
        skip=page * limit,
        folder=folder,
        files=only,
        snippet_chars=snippet_chars(limit),
    )
    return found_text(hits, query, page=page, waiting=waiting, trouble=files.trouble)


# -- what the model is told ----------------------------------------------------------------------

_REQUESTS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "file_name": {"type": "string", "description": "the file, as folder/name"},
            "offset": {"type": "integer", "description": "lines to skip (default 0)"},
            "length": {"type": "integer", "description": "lines to show (default: what fits)"},
        },
        "required": ["file_name"],
    },
    "description": "several files, or parts of them, at once",
}
_OTHERS = "boolean: close every other open file (default false)"


def _opener(name: str) -> Tool:
    if name == "open_files":
        shape = parameters("file_requests", file_requests=_REQUESTS, close_all_others=_OTHERS)
    else:
        shape = parameters(
            file_name="string: the file, as folder/name",
            view_range={
                "type": "array",
                "items": {"type": "integer"},
                "description": "[first line, last line], counted from 1; -1 as last: to the end",
            },
            file_requests=_REQUESTS,
            close_all_others=_OTHERS,
        )
    about = (
        "Open files: their text then stands in <directories>, with line numbers, until they are "
        "closed. Opening an open file again shows another part of it."
    )
    return Tool(ToolSpec(name, about, shape), partial(open_files, name), return_limit_chars=None)


def _grepper(name: str) -> Tool:
    shape = parameters(
        "pattern",
        pattern="string: a regular expression (RE2: no backreferences, no lookaround)",
        include="string: only files whose name fits this glob or expression, like *.py",
        context_lines="integer: lines shown before and after a match (default 1)",
        offset="integer: matches to skip, to see the next 20 (default 0)",
        case_sensitive="boolean: whether case counts (default false)",
    )
    about = "Find the lines of your files that match a pattern, with file, line and page."
    return Tool(ToolSpec(name, about, shape), _grep, parallel=True, return_limit_chars=None)


def _searcher(name: str) -> Tool:
    shape = parameters(
        "query",
        query="string: a question or words to look for",
        limit="integer: how many results (default 5, at most 50)",
        page="integer: 0 for the best results (default), 1 for the next, and so on",
        folder="string: only files of this folder",
        file_name="string: only this file",
    )
    about = "Find the passages of your files that answer a question, by words and by meaning."
    return Tool(ToolSpec(name, about, shape), _search, parallel=True, return_limit_chars=None)


FILE_TOOLS: tuple[Tool, ...] = (
    _opener("open_file"),
    _grepper("grep_file"),
    _searcher("search_file"),
    Tool(
        ToolSpec(
            "close_file",
            "Close a file you no longer need; that makes room for others.",
            parameters(
                file_name="string: the open file",
                all="boolean: close every open file",
            ),
        ),
        close_file,
        return_limit_chars=None,
    ),
    Tool(
        ToolSpec(
            "list_files",
            "List your files with their length, and why one cannot be read.",
            parameters(
                folder="string: only files of this folder",
                pattern="string: only names that fit this glob, like *.pdf",
                page="integer: 0 for the first 100 (default), 1 for the next, and so on",
            ),
        ),
        _list,
        parallel=True,
        return_limit_chars=None,
    ),
    _opener("open_files"),
    _grepper("grep_files"),
    _grepper("grep"),
    _searcher("semantic_search_files"),
    _searcher("search_files"),
)
"""lettafs' own, then Letta's names and the older ones for the same."""
