"""What the file tools say back: lists of files, and what a search in them found."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from lettafs.context.shown import size_words, visible
from lettafs.values.file import FileInfo
from lettafs.values.folder import FolderInfo
from lettafs.values.hit import Hit

__all__ = ["FILES_A_PAGE", "found_text", "listing_text", "snippet_chars"]

FILES_A_PAGE = 100

_ANSWER_CHARS = 12_000
_PIECE_CHARS = 1_500
_PIECE_LINES = 20
_LEAST_PIECE_CHARS = 120
_PLACE_CHARS = 100
"""What the line with file and place usually takes, with some to spare."""
_ABOUT_CHARS = 300
"""Of a folder's description."""
_NAME_CHARS = 300
_RULER = "=" * 60
_HEAD = re.compile("^===", re.MULTILINE)


def listing_text(
    folders: Sequence[FolderInfo],
    files: Sequence[FileInfo],
    *,
    is_open: Collection[str],
    page: int = 0,
    narrowed: bool = False,
) -> str:
    """Return one page of files as a text, with the folders before the first.

    Args:
        folders: those that are listed.
        files: those that are listed, in order.
        is_open: names of the open files.
        page: 0 is the first.
        narrowed: whether only files that fit a pattern are listed.
    """
    lines = []
    if page == 0:
        lines += [_folder_line(info) for info in folders]
        lines.append("")
    total = len(files)
    first = page * FILES_A_PAGE
    shown = files[first : first + FILES_A_PAGE]
    fit = (" fits" if total == 1 else " fit") if narrowed else ""
    if not total:
        lines.append("No file's name fits the pattern." if narrowed else "There are no files.")
    elif not shown:
        pages = -(-total // FILES_A_PAGE)
        lines.append(f"{total:,} files{fit}: the last page is {pages - 1}.")
    else:
        which = f", {first + 1:,}-{first + len(shown):,}" if len(shown) < total else ""
        lines.append(f"{_counted(total, 'file')}{fit}{which}:")
        lines += [_file_line(info, is_open) for info in shown]
    if first + len(shown) < total and shown:
        lines.append(f"The next files: the same call with page {page + 1}.")
    return "\n".join(lines)


def _folder_line(info: FolderInfo) -> str:
    parts = [_counted(info.files, "file")]
    for number, word in (
        (info.waiting, "not read yet"),
        (info.empty, "without text"),
        (info.failed, "that cannot be read"),
        (len(info.left_out), "left out (links and other things that are no documents)"),
    ):
        if number:
            parts.append(f"{number:,} {word}")
    words = f"Folder {visible(info.folder.name)}: {', '.join(parts)}."
    if info.folder.description:
        words += f" {_cut(_one_line(info.folder.description), _ABOUT_CHARS)}"
    if info.trouble:
        words += f" Trouble: {_one_line(info.trouble)}"
    return words


def _file_line(info: FileInfo, is_open: Collection[str]) -> str:
    facts = [_one_line(size_words(info))]
    if info.state == "ready" and info.pages:
        facts.append(_counted(info.lines, "line"))
    facts.append(_bytes(info.size))
    if info.state == "ready" and info.reason:
        facts.append(_one_line(info.reason))
    if info.name in is_open:
        facts.append("open")
    return f"- {visible(_one_line(info.name))} ({', '.join(facts)})"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _bytes(size: int) -> str:
    if size < 1_000:
        return _counted(size, "byte")
    amount, unit = (size / 1_000, "KB") if size < 1_000_000 else (size / 1_000_000, "MB")
    return f"{amount:,.1f} {unit}" if amount < 10 else f"{amount:,.0f} {unit}"


def _one_line(text: str) -> str:
    return visible(" ".join(text.split()))


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 4].rstrip()} ..."


def found_text(
    hits: Sequence[Hit],
    query: str,
    *,
    page: int = 0,
    waiting: int = 0,
    trouble: str | None = None,
) -> str:
    """Return what a search in files found as a text of at most about 12,000 characters.

    Args:
        hits: the pieces, best first.
        query: what was asked.
        page: which page of results it is; 0 is the best.
        waiting: how many files are not read yet.
        trouble: why search is less than it could be, as a sentence.
    """
    notes = []
    if waiting:
        are = "file is" if waiting == 1 else "files are"
        notes.append(f"{waiting:,} {are} not read yet, and not searched.")
    if trouble:
        notes.append(_one_line(trouble))
    asked = _cut(_one_line(query), 200)
    if not hits:
        more = "no more passages" if page else "no passage"
        words = f'There is {more} for "{asked}" in the files. Other words, or grep_file, may help.'
        return "\n".join([words, *notes])
    which = f" (page {page})" if page else ""
    lines = [f'{_counted(len(hits), "result")} for "{asked}"{which}:', _RULER]
    room = _ANSWER_CHARS - sum(len(line) + 1 for line in (*lines, *notes))
    for number, hit in enumerate(hits):
        # What short ones leave of their share is for those that follow.
        share = room // (len(hits) - number)
        block = _block(hit, query, chars=min(_PIECE_CHARS, max(share, _LEAST_PIECE_CHARS)))
        if len(block) + 80 > room:
            lines.append(f"{len(hits) - number} more have no room here: ask for fewer at a time.")
            break
        lines.append(block)
        room -= len(block) + 1
    return "\n".join([*lines, *notes])


def snippet_chars(limit: int) -> int:
    """Return how long the part of a piece may be where `limit` of them are shown."""
    return max(_LEAST_PIECE_CHARS, min(_PIECE_CHARS, _ANSWER_CHARS // limit - _PLACE_CHARS))


def _block(hit: Hit, query: str, *, chars: int) -> str:
    lines = []
    if hit.also:
        others = ", ".join(_one_line(name) for name in hit.also)
        lines.append(_cut(f"(the same as {others})", _NAME_CHARS))
    if hit.heading:
        lines.append(f"[{_cut(_one_line(hit.heading), _NAME_CHARS)}]")
    name = _cut(_one_line(hit.id), _NAME_CHARS)
    taken = len(name) + _PLACE_CHARS // 2 + sum(len(line) + 1 for line in lines)
    shown = _piece(hit, query, max(chars - taken, _LEAST_PIECE_CHARS))
    return "\n".join([f"=== {name}{_where(hit, shown)} ===", *lines, shown.text, ""])


class _Shown(NamedTuple):
    """What is shown of a piece."""

    text: str
    skipped: int
    """Lines of the piece before it."""
    lines: int


def _where(hit: Hit, shown: _Shown) -> str:
    """Return the page and the lines of what is shown, which may be a part of the piece."""
    parts = [_one_line(hit.page)] if hit.page else []
    if hit.lines is not None:
        first = min(hit.lines[0] + shown.skipped, hit.lines[1])
        last = min(first + shown.lines - 1, hit.lines[1])
        parts.append(f"line {first}" if first == last else f"lines {first}-{last}")
    return f" ({', '.join(parts)})" if parts else ""


def _piece(hit: Hit, query: str, chars: int) -> _Shown:
    """Return what is shown of a piece: all of it, or the lines that answer, cut at a line's end."""
    text, skipped = hit.text, 0
    is_long = len(text) > chars or text.count("\n") > _PIECE_LINES
    if is_long and len(hit.snippet) <= chars:
        at = text.find(hit.snippet.removeprefix("... ").removesuffix(" ..."))
        if at != -1 and hit.snippet:
            text, skipped = hit.snippet, text.count("\n", 0, at)
    # What looks like the head of a result is set in: a file must not speak for another one.
    lines = _HEAD.sub(r" \g<0>", visible(text.rstrip("\n"))).split("\n")
    while len(lines) > 1 and not lines[0].strip():
        lines, skipped = lines[1:], skipped + 1
    if len(lines) <= _PIECE_LINES and sum(len(line) + 1 for line in lines) <= chars + 1:
        return _Shown("\n".join(lines), skipped, len(lines))
    begin = _best_lines(lines, query)
    kept: list[str] = []
    room = chars
    for line in lines[begin : begin + _PIECE_LINES]:
        if len(line) + 1 > room:
            break
        kept.append(line)
        room -= len(line) + 1
    skipped += begin
    if not kept:
        return _Shown(f"{lines[begin][:chars].rstrip()} ...", skipped, 1)
    cut = f"[cut: {len(kept)} of {len(lines)} lines]"
    return _Shown("\n".join([*kept, cut]), skipped, len(kept))


def _best_lines(lines: Sequence[str], query: str) -> int:
    """Return from which line on as many are shown as there is room for: where words stand."""
    words = {word for word in query.casefold().split() if len(word) > 2}
    found = [sum(word in line.casefold() for word in words) for line in lines]
    last = max(len(lines) - _PIECE_LINES, 0)
    return max(range(last + 1), key=lambda at: (sum(found[at : at + _PIECE_LINES]), -at))
