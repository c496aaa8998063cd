"""The sentences of files that answer a question, each with the file, the page and the lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lettafs.llm._offline.file_results import Piece
from lettafs.llm._offline.late import late
from lettafs.llm._offline.shelf import SeenLine
from lettafs.llm._offline.text import covers, groups, sentences, shorten, straight

__all__ = ["FileQuote", "best_quotes"]

_ENOUGH = 0.6
_QUOTE_CHARS = 320
_PROSE_LINE_CHARS = 40
_MOST_LINES = 4_000
_BONUS = 0.18
_CLOSE_BEHIND = 0.16
"""How far behind the best another quote may be and still be given."""
_BY_LINE = frozenset(
    "csv tsv json jsonl log py js ts c h java go rs rb sh sql toml yaml yml".split()
)
_STARTS = late(r"\s*(?:[-*+•]\s|\d+[.)]\s|#{1,6}\s|\||>|```|<)")
_TITLE = late(r"\s*#{1,6}\s+(?P<title>\S.*)")
_RULE = late(r"[\s|:=*_+-]*")
_COUNTS = late(
    r"\b(?:how (?:much|many|long|old|far|high|big|often)|what (?:number|price|sum|total|"
    r"percentage)|total|price|cost)\b",
    re.IGNORECASE,
)
_WHEN = late(r"\b(?:when|which (?:year|day|date)|what (?:year|day|date)|deadline)\b", re.IGNORECASE)
_DATE = late(
    r"\b(?:1[5-9]|20)\d\d\b|\b\d{1,2}[./]\d{1,2}[./]|\b(?:january|february|march|april|may|june|"
    r"july|august|september|october|november|december|monday|tuesday|wednesday|thursday|friday|"
    r"saturday|sunday|tomorrow)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FileQuote:
    """Words of a file and where they stand."""

    file: str
    text: str
    """On one line, cut when long."""
    page: str
    lines: tuple[int, int] | None
    score: float
    """0 to a little above 1; comparable among answers to one question."""

    @property
    def place(self) -> str:
        """File, page and lines in words."""
        parts = [self.file, self.page]
        if self.lines is not None:
            first, last = self.lines
            parts.append(f"line {first}" if first == last else f"lines {first}-{last}")
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class _Said:
    text: str
    page: str
    lines: tuple[int, int] | None
    title: str


def best_quotes(
    pieces: Sequence[Piece],
    words: tuple[str, ...],
    *,
    question: str = "",
    most: int = 3,
    least: float = 0.5,
) -> tuple[FileQuote, ...]:
    """Return the sentences that answer best, best first; none when nothing bears on it.

    Args:
        pieces: what was found or is open, best first.
        words: what was asked for, in words that carry it.
        question: the whole question: one for a number prefers a sentence with one.
        most: how many at most.
        least: which share of the words a sentence, with its title and file, must have.
    """
    wanted = groups(words)
    if not wanted:
        return ()
    found: list[FileQuote] = []
    for rank, piece in enumerate(pieces):
        frame = f"{_as_words(piece.file)} {piece.heading}"
        whole = f"{frame} {' '.join(line.text for line in piece.lines[:_MOST_LINES])}"
        around = covers(whole, wanted)
        if around < _ENOUGH and not (around >= 0.5 and len(wanted) > 1):
            continue
        # What the file is called says nothing of where in it the answer stands.
        telling = tuple(group for group in wanted if not covers(_as_words(piece.file), (group,)))
        for said in _said(piece):
            own = covers(said.text, telling or wanted)
            framed = covers(f"{said.text} {said.title} {frame}", wanted)
            if own == 0.0 and covers(f"{said.title} {piece.heading}", telling or wanted) == 0.0:
                continue
            if framed < least:
                continue
            score = 0.6 * own + 0.3 * framed + 0.1 * around - 0.02 * min(rank, 5)
            score += _BONUS if _is_of_the_kind(said.text, question) else 0.0
            # A list of links names much and says little.
            score -= 0.1 * min(said.text.count("]("), 4)
            text = shorten(said.text, _QUOTE_CHARS)
            found.append(FileQuote(piece.file, text, said.page, _lines(said, piece), score))
    return _distinct(found, most)


def _is_of_the_kind(text: str, question: str) -> bool:
    """Tell whether a sentence has the number or the date that is asked for."""
    asked = straight(question)
    if _WHEN().search(asked):
        return _DATE().search(text) is not None
    return _COUNTS().search(asked) is not None and re.search(r"\d", text) is not None


def _as_words(name: str) -> str:
    return re.sub(r"[/_.-]+", " ", name)


def _lines(said: _Said, piece: Piece) -> tuple[int, int] | None:
    return said.lines or piece.span


def _distinct(found: list[FileQuote], most: int) -> tuple[FileQuote, ...]:
    ordered = sorted(found, key=lambda each: -each.score)
    chosen: list[FileQuote] = []
    for each in ordered:
        if len(chosen) >= most or each.score < ordered[0].score - _CLOSE_BEHIND:
            break
        if not any(each.text in other.text or other.text in each.text for other in chosen):
            chosen.append(each)
    return tuple(chosen)


def _said(piece: Piece) -> Iterator[_Said]:
    """Yield the sentences of a piece; one that runs over several lines is one."""
    by_line = piece.file.lower().rpartition(".")[2] in _BY_LINE
    title = ""
    for run in _runs(piece.lines[:_MOST_LINES], by_line=by_line):
        joined, starts = _joined(run)
        is_title = _TITLE().fullmatch(joined)
        if is_title is not None:
            title = is_title["title"]
            continue
        if not re.search(r"\w", joined):
            continue
        parts = [(0, len(joined))] if by_line or joined.lstrip().startswith("|") else [
            (each.start, each.end) for each in sentences(joined)
        ]  # fmt: skip
        for start, end in parts:
            inside = [line for at, line in zip(starts, run, strict=True) if at < end]
            first = max(at for at, begin in enumerate(starts) if begin <= start)
            covered = inside[first:]
            text = joined[start:end].strip()
            if re.search(r"\w", text):
                yield _Said(text, covered[0].page, _span(covered), title)


def _span(lines: Sequence[SeenLine]) -> tuple[int, int] | None:
    first, last = lines[0].number, lines[-1].number
    return (first, last) if first is not None and last is not None else None


def _runs(lines: Sequence[SeenLine], *, by_line: bool) -> Iterator[list[SeenLine]]:
    """Yield lines that read on as one text; in a table or a program each stands by itself."""
    run: list[SeenLine] = []
    for line in lines:
        if run and (by_line or not _reads_on(run[-1], line)):
            yield run
            run = []
        if line.text.strip() and not _RULE().fullmatch(line.text):
            run.append(line)
    if run:
        yield run


def _reads_on(before: SeenLine, line: SeenLine) -> bool:
    if not line.text.strip() or before.page != line.page or _STARTS().match(line.text):
        return False
    if _TITLE().match(before.text) or before.text.lstrip().startswith("|"):
        return False
    if _STARTS().match(before.text) and re.match(r"\s|[a-z]", line.text) is None:
        # A list ends where a new sentence begins at the margin.
        return False
    return len(before.text) >= _PROSE_LINE_CHARS and not line.text.startswith(("    ", "\t"))


def _joined(run: Sequence[SeenLine]) -> tuple[str, list[int]]:
    """Return the lines as one text, and where in it each begins."""
    text = ""
    starts: list[int] = []
    for line in run:
        piece = line.text.strip()
        if re.search(r"[a-z]-$", text) and piece[:1].islower():
            # A word that was divided at the line's end is read as one.
            text = text[:-1]
        elif text:
            text += " "
        starts.append(len(text))
        text += piece
    return text, starts
