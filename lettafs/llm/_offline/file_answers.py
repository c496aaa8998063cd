"""How the offline model answers what was asked of files: it quotes, and says where from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import assert_never

from lettafs.llm._offline.answers import MODEL_HINT
from lettafs.llm._offline.file_ask import (
    Close,
    FileAsk,
    Grep,
    ListFiles,
    Open,
    Search,
    Unclear,
)
from lettafs.llm._offline.file_calls import (
    done_for,
    found_pieces,
    offered,
    on_page,
    opened_file,
    search_words,
)
from lettafs.llm._offline.file_names import nearest
from lettafs.llm._offline.file_quotes import FileQuote, best_quotes
from lettafs.llm._offline.file_results import matches_in, pieces_in, view_piece
from lettafs.llm._offline.prompt import Turn
from lettafs.llm._offline.shelf import SeenFile, SeenLine, Shelf
from lettafs.llm._offline.text import clean, shorten
from lettafs.values.tool import ToolSpec

__all__ = ["answers_about_files"]

_WHOLE_LINES = 20
_FIRST_LINES = 12
_ASKED_LINES = 40
_EXCERPT_CHARS = 1_500
_LINE_CHARS = 200
_REASON_CHARS = 300
_MOST_NAMES = 30
_MOST_MATCHES = 8
_ONLY_QUOTES = "I quote and do not sum up."


def answers_about_files(
    asks: Sequence[FileAsk],
    shelf: Shelf,
    turn: Turn,
    *,
    tools: Mapping[str, ToolSpec],
    hint: bool,
) -> list[str]:
    """Return the answers to what was asked of the files.

    Args:
        asks: what was asked.
        shelf: the files as they stand in front of the model now.
        turn: what was done about it.
        tools: what there was to do it with.
        hint: whether to say how to get a model that thinks.
    """
    answers = [_answer(ask, shelf, turn, tools) for ask in asks]
    if any(isinstance(ask, Open) and ask.sums_up for ask in asks):
        answers.append("Summing up takes a model that thinks; I am the offline stand-in and quote.")
        answers += [MODEL_HINT] if hint else []
    return answers


def _answer(ask: FileAsk, shelf: Shelf, turn: Turn, tools: Mapping[str, ToolSpec]) -> str:
    match ask:
        case Open():
            return _opened(ask, shelf, turn, tools)
        case Unclear(said=said, among=among):
            return f'Several files fit "{said}": {_listed(among)}. Say which one you mean.'
        case Search():
            return _searched(ask, shelf, turn, tools)
        case Grep():
            return _grepped(ask, shelf, turn, tools)
        case Close():
            return _closed(ask, shelf, turn, tools)
        case ListFiles():
            return _list(ask, shelf, turn)
        case _:
            assert_never(ask)


def _quotes(quotes: Sequence[FileQuote]) -> str:
    """Return quotes from files, each with its file, page and lines."""
    return " ".join(f'From your files, {each.place}: "{each.text}"' for each in quotes)


def _listed(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _opened(ask: Open, shelf: Shelf, turn: Turn, tools: Mapping[str, ToolSpec]) -> str:
    done = done_for(ask, turn, shelf)
    if not done:
        if offered(tools, "open") is None:
            return f"I was offered no tool to open {ask.file}."
        return f"I did not get to open {ask.file}."
    file = opened_file(ask.file, shelf)
    reason = shorten(done[-1].text, _REASON_CHARS)
    if not shelf.folders:
        return f"I cannot open {ask.file}: {reason}"
    if done[-1].failed:
        return _not_there(ask.file, shelf, reason) if file is None else _not_read(file, reason)
    if file is None or not file.lines:
        if file is not None and file.total == 0:
            return f"I opened {file.name}; there is nothing in it."
        name = file.name if file else ask.file
        return f'I opened {name}, but none of its text is in front of me. The tool said: "{reason}"'
    return _quoted(ask, file, turn, shelf)


def _not_there(said: str, shelf: Shelf, reason: str) -> str:
    text = f'I have no file called "{said}".'
    if not shelf.files or not shelf.is_complete:
        return f"{text} {reason}"
    near = nearest(said, shelf.files)
    if near:
        return f"{text} The nearest {'name is' if len(near) == 1 else 'names are'} {_listed(near)}."
    return f"{text} These are attached: {_listed([each.name for each in shelf.files])}."


def _not_read(file: SeenFile, reason: str) -> str:
    own = reason.removeprefix(f"{file.name} ")
    return f"I could not open {file.name}: {'it ' if own != reason else ''}{own}"


def _quoted(ask: Open, file: SeenFile, turn: Turn, shelf: Shelf) -> str:
    if ask.place is not None and ask.place.page and not on_page(file, ask.place.page):
        pages = [page for page, _ in groupby(line.page for line in file.lines) if page]
        shown = f" In front of me I have {_range_of(pages)}." if pages else ""
        return f"I found no {ask.place.page} in {file.name}.{shown}"
    if ask.about and (found := _about(ask, file, turn, shelf)):
        return _quotes(found)
    lines, is_all = _chosen(ask, file)
    if not lines:
        return f"I found no such lines in {file.name}; it has {file.total or 0:,} in all."
    text = f"{_heading(file, lines, is_all)}\n\n{_block(lines)}"
    # That this is no summary is said once, in words of its own, where one was wanted.
    says_so = is_all or ask.sums_up or ask.place is not None
    return text if says_so else f"{text}\n\n{_ONLY_QUOTES}"


def _range_of(pages: Sequence[str]) -> str:
    return pages[0] if len(pages) == 1 else f"{pages[0]} to {pages[-1]}"


def _about(ask: Open, file: SeenFile, turn: Turn, shelf: Shelf) -> tuple[FileQuote, ...]:
    search = Search(" ".join(ask.about), file.name)
    return best_quotes((view_piece(file), *found_pieces(search, turn, shelf)), ask.about)


def _chosen(ask: Open, file: SeenFile) -> tuple[list[SeenLine], bool]:
    """Return the lines to quote, and whether they are all the file has."""
    told = [line for line in file.lines if line.text.strip()]
    most = _FIRST_LINES
    if ask.place is not None and ask.place.page:
        told = [line for line in told if line.page.casefold() == ask.place.page.casefold()]
        most = _WHOLE_LINES
    elif ask.place is not None and ask.place.lines is not None:
        first, last = ask.place.lines
        told = [line for line in told if first <= (line.number or 0) <= last]
        most = _ASKED_LINES
    elif file.is_whole and len(told) <= _WHOLE_LINES:
        most = _WHOLE_LINES
    room = _EXCERPT_CHARS
    chosen: list[SeenLine] = []
    for line in told[:most]:
        room -= min(len(line.text), _LINE_CHARS)
        if room < 0 and chosen:
            break
        chosen.append(line)
    is_all = ask.place is None and file.is_whole and len(chosen) == len(told)
    return chosen, is_all


def _heading(file: SeenFile, lines: Sequence[SeenLine], is_all: bool) -> str:
    total = file.total
    # Of a presentation they are slides, of a workbook sheets.
    unit = lines[0].page.partition(" ")[0] or "page"
    pages = f"{file.pages:,} {unit}{'' if file.pages == 1 else 's'}" if file.pages else ""
    if is_all and total is not None:
        length = f"{total:,} line{'' if total == 1 else 's'}{f' on {pages}' if pages else ''}"
        return f"I opened {file.name}; it has {length}:"
    first, last = lines[0].number, lines[-1].number
    span = f"line {first:,}" if first == last else f"lines {first:,}-{last:,}"
    of = f" of {total:,}" if total is not None else ""
    return f"I opened {file.name}; {span}{of}{f' ({pages})' if pages else ''}:"


def _block(lines: Sequence[SeenLine]) -> str:
    """Return lines with their numbers, under the page they stand on.

    Indented by four spaces they are shown as they are, also where the answer is drawn as Markdown.
    """
    parts: list[str] = []
    for page, group in groupby(lines, key=lambda line: line.page):
        text = "\n".join(f"    {line.number}: {_cut(line.text)}" for line in group)
        parts.append(f"{page}:\n\n{text}" if page else text)
    return "\n\n".join(parts)


def _cut(text: str) -> str:
    line = text.rstrip()
    return line if len(line) <= _LINE_CHARS else line[: _LINE_CHARS - 1].rstrip() + "…"


def _searched(ask: Search, shelf: Shelf, turn: Turn, tools: Mapping[str, ToolSpec]) -> str:
    quotes = best_quotes(found_pieces(ask, turn, shelf), search_words(ask), question=turn.text)
    if quotes:
        return _quotes(quotes)
    where = ask.file or (f"the folder {ask.folder}" if ask.folder else "your files")
    done = done_for(ask, turn, shelf)
    if not done and offered(tools, "search") is None:
        return f"I was offered no tool to search {where}."
    text = f'I found nothing about "{shorten(ask.query, 80)}" in {where}.'
    failed = [each for each in done if each.failed]
    if failed:
        return f"{text} The {failed[0].name} tool failed: {shorten(failed[0].text, _REASON_CHARS)}"
    file = shelf.file(ask.file) if ask.file is not None else None
    if file is not None and file.lines and done_for(Open(file.name), turn, shelf):
        return f"{text} {_quoted(Open(file.name), file, turn, shelf)}"
    pieces = found_pieces(ask, turn, shelf)
    if pieces and ask.file is None:
        words = " ".join(line.text for line in pieces[0].lines)
        if words.strip():
            lines = pieces[0].span
            near = FileQuote(
                pieces[0].file, shorten(words, _LINE_CHARS), pieces[0].lines[0].page, lines, 0.0
            )
            return f'{text} The nearest piece is from {near.place}: "{near.text}"'
    return text


def _grepped(ask: Grep, shelf: Shelf, turn: Turn, tools: Mapping[str, ToolSpec]) -> str:
    done = done_for(ask, turn, shelf)
    if not done:
        return f"I was offered no tool to look for {shorten(ask.pattern, 80)!r} in files."
    last = done[-1]
    if last.failed:
        return f"The {last.name} tool refused: {shorten(last.text, _REASON_CHARS)}"
    if pieces_in(last.text) and not matches_in(last.text):
        return _searched(Search(ask.pattern, ask.file, ask.folder), shelf, turn, tools)
    found = [(file, line) for file, line in matches_in(last.text) if ask.file in (None, file)]
    if not found:
        return f"I found no match. The {last.name} tool said: {shorten(last.text, _REASON_CHARS)}"
    rows = [f"    {_match_place(file, line)}: {_cut(line.text)}" for file, line in found]
    head = clean(last.text.split("\n", 1)[0]).strip(" :.").removeprefix("Found ")
    rest = "\n\nThere are more; I show the first." if len(rows) > _MOST_MATCHES else ""
    shown = "\n".join(rows[:_MOST_MATCHES])
    return f"I found {shorten(head, _LINE_CHARS)}:\n\n{shown}{rest}"


def _match_place(file: str, line: SeenLine) -> str:
    return f"{file}:{line.number}" + (f" ({line.page})" if line.page else "")


def _closed(ask: Close, shelf: Shelf, turn: Turn, tools: Mapping[str, ToolSpec]) -> str:
    done = done_for(ask, turn, shelf)
    what = ask.file if ask.file is not None else "all files"
    if not done:
        if offered(tools, "close") is None:
            return "I was offered no tool to close a file."
        return f"I did not get to close {what}."
    if done[-1].failed:
        return f"I could not close {what}: {shorten(done[-1].text, _REASON_CHARS)}"
    return f"I closed {what}."


def _list(ask: ListFiles, shelf: Shelf, turn: Turn) -> str:
    if not shelf.folders:
        return "No folder is attached, so I have no files."
    done = [each for each in done_for(ask, turn, shelf) if not each.failed]
    files = [each for each in shelf.files if ask.folder in (None, each.folder)]
    if ask.only_open:
        files = [each for each in files if each.status == "open"]
        return f"Open: {_names(files)}." if files else "No file is open."
    if done and (not shelf.is_complete or not shelf.files):
        lines = [line for line in done[-1].text.splitlines() if line.strip()]
        shown = "\n".join(f"    {_cut(line)}" for line in lines[:_MOST_NAMES])
        more = f"\n\nI show {_MOST_NAMES} lines of {len(lines):,}." * (len(lines) > _MOST_NAMES)
        return f"The list_files tool says:\n\n{shown}{more}"
    if not files:
        return f"There are no files in {ask.folder or 'what is attached'}."
    count = f"{len(files):,} file{'' if len(files) == 1 else 's'}"
    rows = "\n".join(f"    {each.name}{_state(each)}" for each in files[:_MOST_NAMES])
    more = f"\n\nAnd {len(files) - _MOST_NAMES:,} more." if len(files) > _MOST_NAMES else ""
    return f"Attached{'' if shelf.is_complete else ', among others'}: {count}.\n\n{rows}{more}"


def _names(files: Sequence[SeenFile]) -> str:
    told = [f"{each.name}{_state(each)}" for each in files[:_MOST_NAMES]]
    more = f" and {len(files) - _MOST_NAMES:,} more" if len(files) > _MOST_NAMES else ""
    return ", ".join(told) + more


def _state(file: SeenFile) -> str:
    notes = [re.sub(r"\s+", " ", file.note)] if file.note and file.status != "open" else []
    if file.status == "open":
        notes = ["open"] + ([f"{file.total:,} lines"] if file.total is not None else [])
    elif file.status != "closed":
        notes.insert(0, file.status)
    return f" ({', '.join(shorten(note, 120) for note in notes)})" if notes else ""
