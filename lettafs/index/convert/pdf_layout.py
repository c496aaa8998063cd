"""The reading order of one PDF page: its words as lines, columns, paragraphs and tables.

A PDF says where letters stand, not what they belong to. The order is found from the places alone:

1. words that stand close together on a baseline make a *piece*; a wide gap parts pieces;
2. a grid of drawn rules becomes a table (`pdf_tables`);
3. where pieces of prose stand on both sides of an upright strip that stays empty, the page is
   read column by column; what crosses the strip (a title, a wide figure) is read in its place;
4. inside a column, rows that keep the same gaps become a table; everything else stays the lines
   it was, with an empty line between paragraphs.

Prose is the test in step 3 because a table has empty strips too: only lines that fill their
column, one below the other, make a column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from lettafs.index.convert.pdf_pieces import Piece, Row, pieces_of, rows_of
from lettafs.index.convert.pdf_tables import drawn_tables, is_enumerator, table_at
from lettafs.index.convert.pdf_words import Face, Rule

__all__ = ["Gutters", "lines_of"]

_GUTTER = 0.8
"""Width of the narrowest strip between columns, in the size of the text."""
_LEAST_LINES = 6
"""Of both columns together; fewer are read line by line."""
_DEEP = 5
"""Columns within columns."""
_CANDIDATES = 12
"""Places tried for a strip."""

Gutters = Counter[int]
"""Where strips between columns were found so far in a document, in points: a short column, or
one of formulas, is known by the strip of the pages before."""


def lines_of(face: Face, gutters: Gutters) -> list[str]:
    """Return the lines of a page as they are read; empty lines part paragraphs and tables.

    Args:
        face: the words of the page that are turned alike, and its rules.
        gutters: of the pages before; what this page shows is added.
    """
    pieces, words = [], face.words
    if face.rules:
        tables, words = drawn_tables(face.words, face.rules)
        pieces.extend(tables)
    pieces.extend(pieces_of(words))
    if not pieces:
        return []
    level = [rule for rule in face.rules if rule.is_level]
    lines: list[str] = []
    last: Row | None = None
    for flow in _flows(pieces, level, gutters, _DEEP):
        rows = rows_of(flow.pieces)
        told = _told(rows)
        goes_on = flow.goes_on and lines and _runs_on(lines[-1], told[0])
        if last is not None and not goes_on and not _follows(last, rows[0]):
            lines.append("")
        lines.extend(told)
        last = rows[-1]
    return lines


# -- columns -------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Flow:
    """Pieces that are read from the top to the bottom."""

    pieces: list[Piece]
    goes_on: bool = False
    """Whether it is the next column of a text: its first line may go on with a paragraph."""


@dataclass(slots=True)
class _Band:
    """Pieces between two things that cross a strip: those to its left and to its right."""

    left: list[Piece]
    right: list[Piece]


@dataclass(slots=True)
class _Split:
    """A strip, and the page as it parts it: bands to be read in columns, and all the rest."""

    at: float
    parts: list[_Band | list[Piece]]
    weight: int
    """Pieces in columns."""


def _flows(pieces: list[Piece], level: Sequence[Rule], gutters: Gutters, deep: int) -> list[_Flow]:
    split = _best_split(pieces, level, gutters) if deep and len(pieces) >= _LEAST_LINES else None
    if split is None:
        return [_Flow(pieces)]
    gutters[round(split.at)] += 1
    flows: list[_Flow] = []
    for part in split.parts:
        if isinstance(part, _Band):
            flows.extend(_flows(part.left, level, gutters, deep - 1))
            right = _flows(part.right, level, gutters, deep - 1)
            right[0].goes_on = True
            flows.extend(right)
        else:
            flows.extend(_flows(part, level, gutters, deep - 1))
    return flows


def _best_split(pieces: list[Piece], level: Sequence[Rule], gutters: Gutters) -> _Split | None:
    em = median(piece.size for piece in pieces)
    left_edge = min(piece.x0 for piece in pieces)
    starts = Counter(round(piece.x0 / 2) for piece in pieces if piece.x0 > left_edge + 6 * em)
    ordered = sorted(pieces, key=lambda piece: piece.y)
    best: _Split | None = None
    for start, count in starts.most_common(_CANDIDATES):
        edge = min(piece.x0 for piece in pieces if round(piece.x0 / 2) == start)
        known = sum(gutters[round(edge) + near] for near in range(-6, 7)) > 0
        if count < 2 and not known:
            continue
        split = _split(ordered, level, edge, em, known=known)
        if split is not None and (best is None or split.weight > best.weight):
            best = split
            if best.weight > len(pieces) / 2:
                break
    return best


def _split(
    ordered: list[Piece], level: Sequence[Rule], edge: float, em: float, *, known: bool
) -> _Split | None:
    """Part pieces at the strip left of `edge`; None where no band reads as columns."""
    bars = sorted(rule.y0 for rule in level if rule.x0 < edge - 2 * em and rule.x1 > edge + 2 * em)
    parts: list[_Band | list[Piece]] = []
    weight = 0
    for run in _bands(ordered, bars, edge, em):
        if isinstance(run, _Band):
            head, band, tail = _trimmed(run, em)
            if _are_columns(band, edge, em, known=known):
                parts.extend(part for part in (head, band, tail) if part)
                weight += len(band.left) + len(band.right)
                continue
            rest = sorted([*run.left, *run.right], key=lambda piece: piece.y)
        else:
            rest = run
        if parts and isinstance(parts[-1], list):
            parts[-1].extend(rest)
        else:
            parts.append(list(rest))
    return _Split(edge, parts, weight) if weight else None


def _bands(
    ordered: list[Piece], bars: Sequence[float], edge: float, em: float
) -> list[_Band | list[Piece]]:
    """Part pieces, sorted from the top, into what crosses the strip and what stands beside it."""
    found: list[_Band | list[Piece]] = []
    band: _Band | None = None
    bar = 0
    for piece in ordered:
        passed = bar
        while bar < len(bars) and bars[bar] < piece.y - 0.3 * piece.size:
            bar += 1
        if piece.x0 < edge - 1.5 and piece.x1 > edge + 1.5 * em:
            found.append([piece])
            band = None
            continue
        if band is None or bar > passed:
            band = _Band([], [])
            found.append(band)
        (band.right if piece.x0 >= edge - 1.5 else band.left).append(piece)
    return found


def _are_columns(band: _Band, edge: float, em: float, *, known: bool) -> bool:
    left, right = band.left, band.right
    if not left or not right:
        return False
    if sum(piece.x1 > edge - _GUTTER * em for piece in left) > len(left) / 10:
        return False
    width = edge - min(piece.x0 for piece in left)
    right_width = max(piece.x1 for piece in right) - edge
    left_rows, right_rows = rows_of(left), rows_of(right)
    prose = [
        len(left_rows) > 1 and _is_prose(left_rows, width, em),
        len(right_rows) > 1 and _is_prose(right_rows, max(right_width, width * 0.7), em),
    ]
    both = rows_of([*left, *right])
    shared = sum(row.x0 < edge - 1.5 and row.x1 > edge for row in both)
    is_aligned = shared >= 0.7 * min(len(left_rows), len(right_rows))
    if all(prose):
        # Cells of whole sentences stand on shared lines too, but not as close as lines of a text.
        is_dense = _pitch(left_rows) < 1.6 or _pitch(right_rows) < 1.6
        return len(left_rows) + len(right_rows) >= _LEAST_LINES and (is_dense or not is_aligned)
    short = min(left_rows, right_rows, key=len)
    return known and any(prose) and (not is_aligned or len(short) < 4)


def _is_prose(rows: list[Row], width: float, em: float) -> bool:
    """Whether lines fill their column, as those of a running text do."""
    rows = [row for row in rows if row.pieces[0].table is None]
    if not rows:
        return False
    widths = sorted(row.x1 - row.x0 for row in rows)
    usual = widths[int(len(widths) * 0.9)]
    if usual < 9 * em or usual < 0.6 * width:
        return False
    full = [
        row
        for row in rows
        if row.x1 - row.x0 >= 0.75 * usual
        and row.widest_gap < 2.5 * em
        and row.letters >= (row.x1 - row.x0) / em
    ]
    return len(full) >= 0.45 * len(rows)


def _trimmed(band: _Band, em: float) -> tuple[list[Piece], _Band, list[Piece]]:
    """Take from a band what stands apart above and below it, and does not fill a column.

    Names of two authors side by side above two columns, the two ends of a running header.
    """
    rows = rows_of([*band.left, *band.right])
    if len(rows) < 4:
        return [], band, []
    usual = [sorted(p.x1 - p.x0 for p in side) for side in (band.left, band.right) if side]
    enough = 0.75 * min(widths[int(len(widths) * 0.9)] for widths in usual)
    head = _apart(rows, enough, em)
    tail = _apart(rows[::-1], enough, em) if head < len(rows) - 4 else 0
    if not head and not tail:
        return [], band, []
    outside = {id(p) for row in rows[:head] + rows[len(rows) - tail :] for p in row.pieces}
    return (
        [piece for row in rows[:head] for piece in row.pieces],
        _Band(
            [piece for piece in band.left if id(piece) not in outside],
            [piece for piece in band.right if id(piece) not in outside],
        ),
        [piece for row in rows[len(rows) - tail :] for piece in row.pieces],
    )


def _apart(rows: list[Row], enough: float, em: float) -> int:
    """Return how many rows, from the first, stand apart from the rest."""
    apart = 0
    for at in range(min(len(rows) // 3, 12)):
        if any(piece.x1 - piece.x0 >= enough for piece in rows[at].pieces):
            break
        if abs(rows[at + 1].y - rows[at].y) > 1.9 * em:
            apart = at + 1
    return apart


# -- lines ---------------------------------------------------------------------------------------


def _told(rows: list[Row]) -> list[str]:
    """Return the rows of one column as lines: tables as such, the rest as it stands."""
    lines: list[str] = []
    before: Row | None = None
    pitch = _pitch(rows)
    at = 0
    while at < len(rows):
        drawn = rows[at].pieces[0].table
        table, length = (drawn, 1) if drawn is not None else table_at(rows, at)
        if table is not None:
            if lines:
                lines.append("")
            lines.extend(table)
            before = None
            at += length
            continue
        for row in rows[at : at + length]:
            at += 1
            following = rows[at] if at < len(rows) else None
            if lines and (before is None or _begins(before, row, following, pitch)):
                lines.append("")
            lines.append(row.text)
            before = row
    return lines


def _pitch(rows: Iterable[Row]) -> float:
    """Return the usual distance from line to line, in the size of the text."""
    steps: list[float] = []
    before: Row | None = None
    for row in rows:
        if before is not None and row.size > 0:
            step = (row.y - before.y) / row.size
            if 0.5 < step < 2.5:
                steps.append(step)
        before = row
    return median(steps) if steps else 1.2


def _begins(before: Row, row: Row, following: Row | None, pitch: float) -> bool:
    """Whether a row begins a paragraph: by its distance, its size, or the way it is set in."""
    size = max(row.size, before.size)
    if row.y - before.y > max(1.3 * pitch, 1.3) * size:
        return True
    if not 0.88 < row.size / before.size < 1.14:
        return True
    inset = row.x0 - before.x0
    if is_enumerator(before.pieces[0].words[0].text):
        return False  # the second line of an item hangs behind its bullet
    if following is None or not 0.8 * size < inset < 4 * size:
        return False
    return row.x0 - following.x0 > 0.8 * size and abs(following.x0 - before.x0) < 0.5 * size


def _follows(above: Row, row: Row) -> bool:
    """Whether a row is the next line of a paragraph that ends another way than it began."""
    if above.pieces[0].table is not None or row.pieces[0].table is not None:
        return False
    step = (row.y - above.y) / max(above.size, 1.0)
    return 0.8 < step < 1.3 and 0.88 < row.size / above.size < 1.14 and abs(row.x0 - above.x0) < 3


def _runs_on(last: str, first: str) -> bool:
    """Whether a column's first line goes on with the sentence the column before ended in."""
    return bool(last) and last[-1] not in '.!?:|"”' and first[:1].islower()
