"""Grep: which lines of the agent's files a pattern matches.

Patterns are RE2's: its time grows with the text alone, so that no pattern and no file can stop the
agent. Where RE2 is missing a pattern is taken as plain text, never as one of Python's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from lettafs.context.shown import visible
from lettafs.errors import ToolProblem
from lettafs.tools.file_names import glob_matcher
from lettafs.values.file import FileText

__all__ = [
    "MAX_CONTEXT_LINES",
    "Found",
    "Match",
    "Searcher",
    "grep",
    "name_matcher",
    "searcher",
    "shown_matches",
]

_MAX_PATTERN_CHARS = 1_000
_MAX_MATCHES = 1_000
"""More are not collected: the count says so."""
_PAGE_MATCHES = 20
MAX_CONTEXT_LINES = 20
_LINE_CHARS = 400
_CUT = " ... "
_ANSWER_CHARS = 20_000
_FILES_COUNTED = 20
_MARKED_LINES = 10
"""Of a match over many lines, so many are shown as hit."""
_DEADLINE_S = 30.0
_RULER = "=" * 60
_REGEX_ONLY = ("^", "$", "(", ")", "|", "\\", "+", ".*")


class _Place(NamedTuple):
    """A match within one text."""

    line: int
    """Its first line; 1 is the text's first."""
    last_line: int
    column: int
    """Characters of the first line before it."""
    length: int
    """Characters of it in its first line."""


class Match(NamedTuple):
    """One place a pattern matches; counted once a line."""

    file: str
    line: int
    """Its first line; 1 is the file's first."""
    last_line: int
    column: int
    """Characters of the first line before it."""
    length: int
    """Characters of it in its first line."""


class Searcher(Protocol):
    """Finds a pattern in texts; safe to use from several threads."""

    note: str
    """What the model must know of how it was understood; empty: nothing."""

    def places(self, text: str) -> Iterator[_Place]:
        """Yield the matches of a text in order, at most one that begins in a line."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """What a search through files found."""

    matches: tuple[Match, ...]
    is_all: bool = True
    """False: there are more than were collected."""
    unread: int = 0
    """Files that time was too short for."""


def searcher(pattern: str, *, case_sensitive: bool = False) -> Searcher:
    """Return what finds a pattern.

    Raises:
        ToolProblem: RE2 does not take it; the text says what it takes.
    """
    if not pattern:
        raise ToolProblem("pattern is empty: say what to look for.")
    if len(pattern) > _MAX_PATTERN_CHARS:
        raise ToolProblem(
            f"pattern has {len(pattern):,} characters; at most {_MAX_PATTERN_CHARS:,} are taken."
        )
    try:
        return _Regex(pattern, case_sensitive=case_sensitive)
    except ImportError:  # no build of it for this machine
        return _Literal(pattern, case_sensitive=case_sensitive)


def _compiled(pattern: str, *, case_sensitive: bool) -> Any:
    import re2  # late: it loads a large library, and most turns grep nothing

    re2.purge()  # it keeps 128 patterns, of up to 8 MB each
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = case_sensitive
    try:
        # Lines are the unit here: ^ and $ stand at theirs.
        return re2.compile(f"(?m){pattern}".encode("utf-8", "replace"), options=options)
    except re2.error as error:
        words = error.args[0] if error.args else ""
        reason = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
        raise ToolProblem(_refusal(reason)) from error


def _refusal(reason: str) -> str:
    if reason.startswith("invalid escape sequence") and reason[-1:].isdigit():
        what = "it has no backreferences (\\1)"
    elif reason.startswith("invalid perl operator"):
        what = "it has no lookahead and no lookbehind"
    elif "repetition" in reason:
        what = "a repeat goes to 1,000 at most, and cannot follow another"
    elif "too large" in reason:
        what = "it grows too large"
    else:
        what = "put a backslash before a character that is meant as it is"
    return (
        f"The pattern is refused ({reason}): {what}. RE2 takes literals, . [..] ( ) | * + ? "
        "{m,n} ^ $ \\b \\d \\w \\s \\p{L} and (?i)."
    )


class _Regex:
    note = ""

    def __init__(self, pattern: str, *, case_sensitive: bool) -> None:
        self._pattern = _compiled(pattern, case_sensitive=case_sensitive)

    def places(self, text: str) -> Iterator[_Place]:
        """Yield the matches; a text without any costs one look at it."""
        # By bytes: what RE2 counts, so that a search from a place on costs nothing to begin.
        data = text.encode("utf-8", "replace")
        if b"\r\n" in data:
            data = data.replace(b"\r\n", b"\n")
        at, counted, line = 0, 0, 1
        while at < len(data) and (found := self._pattern.search(data, at)) is not None:
            begin, end = found.span()
            # A pattern may begin with the line ends before what it is about.
            while begin < end and data[begin] in b"\r\n":
                begin += 1
            if begin >= len(data) and data.endswith(b"\n"):
                return  # behind the last line's end there is no further line
            line += data.count(b"\n", counted, begin)
            counted = begin
            line_start = data.rfind(b"\n", 0, begin) + 1
            final = max(begin, end - 1)
            line_end = data.find(b"\n", begin)
            stop = end if line_end == -1 else min(end, line_end)
            yield _Place(
                line,
                line + data.count(b"\n", begin, final),
                len(data[line_start:begin].decode("utf-8", "replace")),
                len(data[begin:stop].decode("utf-8", "replace")),
            )
            after = data.find(b"\n", final)
            if after == -1:
                return
            at = after + 1


class _Literal:
    note = (
        "(Regular expressions are not at hand on this machine: the pattern was taken as plain "
        "text.)"
    )

    def __init__(self, pattern: str, *, case_sensitive: bool) -> None:
        self._fold: Callable[[str], str] = str if case_sensitive else str.casefold
        self._wanted = self._fold(pattern)

    def places(self, text: str) -> Iterator[_Place]:
        """Yield the matches; a text without any costs one look at it."""
        if self._wanted not in self._fold(text):
            return
        for number, line in enumerate(text.split("\n"), 1):
            column = self._fold(line).find(self._wanted)
            if column != -1:
                yield _Place(number, number, column, len(self._wanted))


def name_matcher(include: str) -> Callable[[str], bool]:
    """Return what tells whether a file's name is included: by glob, or else by RE2.

    Raises:
        ToolProblem: it is neither.
    """
    if len(include) > _MAX_PATTERN_CHARS:
        raise ToolProblem(f"include has {len(include):,} characters; it is a short pattern.")
    if not any(mark in include for mark in _REGEX_ONLY):
        return glob_matcher(include)
    try:
        pattern = _compiled(include, case_sensitive=False)
    except ImportError as error:  # no build of it for this machine
        raise ToolProblem("include can only be a glob here, such as *.py.") from error
    return lambda name: pattern.search(name.encode("utf-8", "replace")) is not None


def grep(
    finder: Searcher,
    names: Iterable[str],
    text_of: Callable[[str], FileText | None],
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Found:
    """Return where a pattern matches in files, in their order; one without a text has no match."""
    ends = clock() + _DEADLINE_S
    matches: list[Match] = []
    waiting = iter(names)
    for name in waiting:
        text = text_of(name)
        for place in finder.places(text.text) if text is not None else ():
            if len(matches) == _MAX_MATCHES:
                return Found(tuple(matches), is_all=False)
            matches.append(Match(name, *place))
            if clock() > ends:
                break
        if clock() > ends:
            return Found(tuple(matches), is_all=False, unread=sum(1 for _ in waiting))
    return Found(tuple(matches))


def shown_matches(
    found: Found,
    text_of: Callable[[str], FileText | None],
    *,
    offset: int = 0,
    context_lines: int = 1,
    note: str = "",
) -> str:
    """Return one page of matches as a text: how many there are, where, and the lines.

    Raises:
        ToolProblem: `offset` lies beyond the last match.
    """
    matches = found.matches
    if offset >= len(matches):
        raise ToolProblem(
            f"offset is {offset:,}, and there are {len(matches):,} matches: it is less than that."
        )
    page = matches[offset : offset + _PAGE_MATCHES]
    blocks: list[str] = []
    room = _ANSWER_CHARS
    for match in page:
        block = _block(match, text_of(match.file), context_lines)
        room -= len(block)
        if blocks and room < 0:
            break
        blocks.append(block)
    ends = offset + len(blocks)
    counts = _counts(matches)
    total = f"{len(matches):,}{'' if found.is_all else '+'}"
    match_word = "match" if total == "1" else "matches"
    file_word = "file" if len(counts) == 1 else "files"
    lines = [
        f"{total} {match_word} in {len(counts):,} {file_word}, showing {offset + 1}-{ends}:",
        _RULER,
        *_per_file(counts),
        "",
        *blocks,
    ]
    if ends < len(matches):
        lines.append(f"The next matches: the same call with offset {ends}.")
    elif not found.is_all:
        lines.append("There are more than were collected: a narrower pattern or include helps.")
    if found.unread:
        lines.append(f"Time ran out with {found.unread:,} files not looked into.")
    if note:
        lines.append(note)
    return "\n".join(lines)


def _counts(matches: Sequence[Match]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for match in matches:
        counts[match.file] = counts.get(match.file, 0) + 1
    return counts


def _per_file(counts: dict[str, int]) -> Iterator[str]:
    for name in list(counts)[:_FILES_COUNTED]:
        number = counts[name]
        yield f"{visible(name)}: {number:,} match{'' if number == 1 else 'es'}"
    if len(counts) > _FILES_COUNTED:
        rest = list(counts.values())[_FILES_COUNTED:]
        yield f"... and {len(rest):,} more files: {sum(rest):,} matches"


def _block(match: Match, text: FileText | None, context_lines: int) -> str:
    if text is None:  # it went away meanwhile
        return f"=== {visible(match.file)}:{match.line} ===\n(the file cannot be read any more)\n"
    first = max(match.line - context_lines, 1)
    marked = min(match.last_line, match.line + _MARKED_LINES - 1)
    lines = text.lines(first, marked + context_lines)
    page = text.page_of(text.line_starts[match.line - 1]) if text.pages else ""
    shown = [f"=== {visible(match.file)}:{match.line}{f' ({visible(page)})' if page else ''} ==="]
    for number, line in enumerate(lines, first):
        is_hit = match.line <= number <= marked
        column, length = (match.column, match.length) if number == match.line else (0, 0)
        cut = visible(_around(line, column, length))
        shown.append(f"{'>' if is_hit else ' '} {number}: {cut}")
    return "\n".join([*shown, ""])


def _around(line: str, column: int, length: int) -> str:
    """Return a line, or of a long one the part around a match."""
    if len(line) <= _LINE_CHARS:
        return line
    length = min(length, _LINE_CHARS)
    begin = max(min(column - (_LINE_CHARS - length) // 2, len(line) - _LINE_CHARS), 0)
    end = begin + _LINE_CHARS
    return (_CUT if begin else "") + line[begin:end] + (_CUT if end < len(line) else "")
