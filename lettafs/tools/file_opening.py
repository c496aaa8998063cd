"""Opening files and closing them: what the model asks for, what it gets, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lettafs.context.directories import FileLimits, limits_for
from lettafs.context.shown import show, visible
from lettafs.errors import ToolProblem
from lettafs.tools.base import ToolContext
from lettafs.tools.file_names import file_named
from lettafs.tools.views import Opened, open_views
from lettafs.values.file import FileInfo, FileState, FileText
from lettafs.values.view import View

if TYPE_CHECKING:
    from lettafs.index.files.files import Files

__all__ = [
    "LOOK_S",
    "NOTHING",
    "REFRESH_S",
    "close_file",
    "file_meant",
    "open_files",
    "opened_text",
    "text_of",
    "view_of",
]

REFRESH_S = 10.0
"""How long files that have changed are read before those that are read have to do."""
LOOK_S = 2.0
"""As much for a tool that does not need all of them."""
NOTHING = "No folder is attached, so there are no files. A person attaches one."
_MAX_LINE = 10**12


def open_files(tool: str, context: ToolContext, args: dict[str, Any]) -> str:
    """Open what is asked for, and return what that did; `tool` is the name it was asked under.

    Raises:
        ToolProblem: something of it cannot be opened; then nothing is.
        DiskProblem: the disk refused.
    """
    files = context.turn.home.files
    if not files.is_attached:
        return NOTHING
    turn = context.turn
    views = turn.views
    asked = _requests(tool, args)
    if not asked:
        raise ToolProblem(f"{tool} needs a file: say which one.")
    limits = _limits(context)
    if len({name for name, _, _ in asked}) > limits.max_files_open:
        raise ToolProblem(
            f"{len(asked)} files were asked for, and {limits.max_files_open} can be open at once. "
            "Nothing was opened: ask for fewer."
        )
    seen = {view.file: _hash_of(files.info(view.file)) for view in views}
    files.refresh(for_s=LOOK_S)
    fresh: list[View] = []
    texts: dict[str, FileText] = {}
    for wanted, start, length in asked:
        info = file_meant(files, wanted)
        texts[info.name] = text = text_of(files, info)
        fresh.append(view_of(info.name, text, start=start, length=length))
    opened = open_views(
        views,
        fresh,
        max_files_open=limits.max_files_open,
        close_all_others=bool(args.get("close_all_others")),
    )
    if opened.views != views:
        turn.set_views(opened.views)
    changed = [
        name
        for name in texts
        if seen.get(name) is not None and seen[name] != _hash_of(files.info(name))
    ]
    return opened_text(opened, texts, file_chars=limits.file_chars, tool=tool, changed=changed)


def _limits(context: ToolContext) -> FileLimits:
    agent = context.turn.agent
    usual = limits_for(context.context_window or agent.context_window)
    return FileLimits(
        agent.max_files_open or usual.max_files_open,
        agent.per_file_view_window_char_limit or usual.file_chars,
    )


def _hash_of(info: FileInfo | None) -> str | None:
    return None if info is None else info.sha256


def _requests(tool: str, args: Mapping[str, Any]) -> list[tuple[str, int, int | None]]:
    """Return what is asked for: names, the lines before the first shown, how many are shown."""
    found: list[tuple[str, int, int | None]] = []
    if args.get("file_name"):
        start, length = _range(args.get("view_range"))
        found.append((args["file_name"], start, length))
    for request in args.get("file_requests") or []:
        name = request.get("file_name") or request.get("name")
        if not isinstance(name, str) or not name.strip():
            raise ToolProblem(f"Each of {tool}'s file_requests needs a file_name.")
        offset = _whole_number(request.get("offset"), "offset")
        length = _whole_number(request.get("length"), "length")
        if (offset or 0) < 0 or (length is not None and length < 1):
            raise ToolProblem("offset is counted from 0, and length is at least 1.")
        found.append((name, offset or 0, length))
    return found


def _whole_number(value: object, name: str) -> int | None:
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal():
        value = int(value.strip()[:18])
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return None if value is None else min(value, _MAX_LINE)
    raise ToolProblem(f"{name} must be a whole number, not {value!r:.80}.")


def _range(numbers: Sequence[int] | None) -> tuple[int, int | None]:
    """Return a range of lines, both ends included, as lines before it and its length."""
    if not numbers:
        return 0, None
    if len(numbers) > 2:
        raise ToolProblem("view_range is [first line, last line].")
    first = numbers[0]
    last = numbers[1] if len(numbers) == 2 else -1
    if first < 1 or (last != -1 and last < first):
        raise ToolProblem(
            "view_range counts lines from 1, and the last is not before the first (-1: to the end)."
        )
    return min(first, _MAX_LINE) - 1, None if last == -1 else last - first + 1


def file_meant(files: Files, name: str) -> FileInfo:
    """Return the file that is meant.

    Raises:
        ToolProblem: there is none, or it cannot be told which.
    """
    info = files.info(name)
    if info is None:
        listing = {info.name: info for info in files.listing()}
        info = listing[file_named(name, tuple(listing))]
    return info


def text_of(files: Files, info: FileInfo) -> FileText:
    """Return a file's text.

    Raises:
        ToolProblem: it has none; the text says why.
    """
    text = files.text(info.name)
    if text is None and _state(files, info) in ("waiting", "ready"):
        # It is being converted; most documents take less than this.
        files.refresh(for_s=REFRESH_S)
        text = files.text(info.name)
    if text is not None:
        return text
    info = files.info(info.name) or info
    name = visible(info.name)
    match info.state:
        case "failed":
            raise ToolProblem(f"{name} cannot be read: {info.reason}.")
        case "empty":
            raise ToolProblem(f"{name} has no text: {info.reason}.")
        case "waiting" | "ready":
            raise ToolProblem(f"{name} is still being read. Try again in a while.")


def _state(files: Files, info: FileInfo) -> FileState:
    return (files.info(info.name) or info).state


def view_of(name: str, text: FileText, *, start: int, length: int | None) -> View:
    """Return a view of a file.

    Raises:
        ToolProblem: it would begin after the last line.
    """
    total = len(text.line_starts)
    if start and start >= total:
        raise ToolProblem(
            f"{visible(name)} has {total:,} lines: line {start + 1:,} (offset {start:,}) is past "
            "its end."
        )
    return View(name, start, length)


def opened_text(
    opened: Opened,
    texts: Mapping[str, FileText],
    *,
    file_chars: int,
    tool: str,
    changed: Sequence[str] = (),
) -> str:
    """Return what opening files did, for the model.

    Args:
        opened: what is open now.
        texts: of the files that were opened.
        file_chars: how many characters of a file are shown.
        tool: its name: how to see more is told in its terms.
        changed: files that were open already and say something else now.
    """
    before = {view.file: view for view in opened.before}
    fresh = [view for view in opened.views if view.file in texts]
    lines = [f"Opened {len(fresh)} file{'' if len(fresh) == 1 else 's'}:"]
    for view in fresh:
        text = texts[view.file]
        shown = show(text, view, limit_chars=file_chars)
        words = f"* {visible(view.file)}: lines {shown.first}-{shown.last} of {shown.of}"
        if not shown.last:
            words = f"* {visible(view.file)}: it has no lines"
        if shown.pages:
            words += f" ({visible(shown.pages)} of {len(text.pages)} pages)"
        if view.file in before:
            words += f"; before: {_range_words(before[view.file])}"
        if view.file in changed:
            words += "; the file has changed since it was opened"
        lines.append(words)
        if shown.is_cut:
            last = shown.of if view.length is None else min(shown.of, view.start + view.length)
            how = f"view_range [{shown.last + 1}, {last}]" if tool == "open_file" else ""
            how = how or f"offset {shown.last}"
            rest = f"; {tool} with {how} shows the rest" if shown.last < last else ""
            lines.append(f"  cut: {file_chars:,} characters of a file are shown{rest}")
        if text.note:
            lines.append(f"  note: {visible(text.note)}")
    if opened.for_room:
        lines.append(
            "Closed to make room, those used longest ago: "
            f"{', '.join(map(visible, opened.for_room))}"
        )
    if opened.as_asked:
        lines.append(f"Closed as asked: {', '.join(map(visible, opened.as_asked))}")
    lines.append("Their text stands in <directories> from your next step on.")
    return "\n".join(lines)


def _range_words(view: View) -> str:
    last = "end" if view.length is None else str(view.start + view.length)
    return f"lines {view.start + 1}-{last}"


def close_file(context: ToolContext, args: dict[str, Any]) -> str:
    """Close one open file or all, and return which are still open.

    Raises:
        ToolProblem: it is not open.
        DiskProblem: the disk refused.
    """
    turn = context.turn
    views = turn.views
    if not views:
        return "No file is open."
    if args.get("all"):
        turn.set_views(())
        return f"Closed {', '.join(visible(view.file) for view in views)}. No file is open now."
    if not args.get("file_name"):
        raise ToolProblem("close_file needs file_name, or all.")
    names = [view.file for view in views]
    try:
        name = file_named(args["file_name"], names, how_to_list="")
    except ToolProblem as error:
        listed = ", ".join(map(visible, names))
        raise ToolProblem(f"{args['file_name']!r:.200} is not open. Open: {listed}.") from error
    left = tuple(view for view in views if view.file != name)
    turn.set_views(left)
    still = f"Still open: {', '.join(visible(view.file) for view in left)}." if left else ""
    return f"Closed {visible(name)}. {still or 'No file is open now.'}"
