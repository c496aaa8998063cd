"""Tables of a PDF page: grids that were drawn, and rows that keep the same gaps.

Both end as Markdown rows, a row of the table on one line, so that a reader sees which value
belongs to which label. A doubtful one is no table: its rows stay lines.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from operator import attrgetter
from statistics import median

from lettafs.index.convert.pdf_pieces import Piece, Row, pieces_of, rows_of
from lettafs.index.convert.pdf_words import Rule, Word

__all__ = ["drawn_tables", "is_enumerator", "table_at"]

_TOUCH = 3.0
"""Points: rules that come as near as this meet."""
_COLUMNS, _ROWS = 60, 500
"""More make no table that somebody reads: a drawn pattern, a sheet of squared paper."""
_PAIRS = 200_000
"""Pairs of rules that may meet; a table of the largest size has fewer."""
_LONG_CELL = 600
"""Letters in one cell: more is a page set inside a frame."""
_LONG_LIST = 12
"""Rows that keep their gaps and yet are no table; a longer run of them holds no table at all."""
_STRIP = 0.6
"""The narrowest gap between columns, in the size of the text."""

_TALL = 30.0
"""Points: how far below the foot of its cell a baseline may be found, in the tallest of fonts."""

_height = attrgetter("y")
_ENUMERATOR = re.compile(
    r"[•▪◦‣➢✓●○■□*·–—-]|\[?\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[\])]?[.):]?|\.?\d+(?:\.\d+)*\.?"
)
"""What begins an item of a list."""


def is_enumerator(text: str) -> bool:
    """Whether a text is a bullet, a number or a letter before an item of a list."""
    return _ENUMERATOR.fullmatch(text) is not None


def _as_markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return cells as the lines of a Markdown table; the first row is its head."""
    lines = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


# -- drawn ---------------------------------------------------------------------------------------


def drawn_tables(words: list[Word], rules: Sequence[Rule]) -> tuple[list[Piece], list[Word]]:
    """Return the tables that stand in drawn grids, and the words outside of them."""
    tables: list[Piece] = []
    taken: set[int] = set()
    by_height = sorted(words, key=_height)
    for group in _meeting(rules):
        low = bisect_left(by_height, min(rule.y0 for rule in group), key=_height)
        high = bisect_right(by_height, max(rule.y1 for rule in group) + _TALL, key=_height)
        table, inside = _drawn(group, [w for w in by_height[low:high] if id(w) not in taken])
        if table is not None:
            tables.append(table)
            taken.update(id(word) for word in inside)
    return tables, [word for word in words if id(word) not in taken] if taken else words


def _meeting(rules: Sequence[Rule]) -> list[list[Rule]]:
    """Return rules in groups that hang together, those of a likely grid alone."""
    rules = list(dict.fromkeys(rules))
    level = [rule for rule in rules if rule.is_level]
    upright = sorted((rule for rule in rules if not rule.is_level), key=lambda rule: rule.x0)
    if len(level) < 2 or len(upright) < 1:
        return []
    places = [rule.x0 for rule in upright]
    owner = list(range(len(level) + len(upright)))

    def root(at: int) -> int:
        while owner[at] != at:
            owner[at] = owner[owner[at]]
            at = owner[at]
        return at

    pairs = 0
    for number, rule in enumerate(level):
        low = bisect_left(places, rule.x0 - _TOUCH)
        high = bisect_right(places, rule.x1 + _TOUCH)
        pairs += high - low
        if pairs > _PAIRS:
            return []
        for at in range(low, high):
            if upright[at].y0 - _TOUCH <= rule.y0 <= upright[at].y1 + _TOUCH:
                owner[root(len(level) + at)] = root(number)
    groups: dict[int, list[Rule]] = {}
    for number, rule in enumerate([*level, *upright]):
        groups.setdefault(root(number), []).append(rule)
    return [group for group in groups.values() if len(group) >= 4]


def _drawn(rules: list[Rule], words: Sequence[Word]) -> tuple[Piece | None, list[Word]]:
    """Return the table in a grid of rules with the words it holds; None where it is none."""
    xs = _merged(x for rule in rules for x in (rule.x0, rule.x1))
    ys = _merged(y for rule in rules for y in (rule.y0, rule.y1))
    if not (3 <= len(xs) <= _COLUMNS + 1 and 3 <= len(ys) <= _ROWS + 1):
        return None, []
    grid = _Grid(xs, ys, rules)
    cells: dict[tuple[int, int], list[Word]] = {}
    inside = []
    for word in words:
        cell = grid.cell((word.x0 + word.x1) / 2, word.y - 0.3 * word.size)
        if cell is not None:
            cells.setdefault(cell, []).append(word)
            inside.append(word)
    if len({row for row, _ in cells}) < 2 or len({column for _, column in cells}) < 2:
        return None, []
    told: dict[tuple[int, int], str] = {}
    gappy = 0
    for place, held in cells.items():
        rows = rows_of(pieces_of(held))
        gappy += any(row.widest_gap > 1.5 * row.size for row in rows)
        told[place] = " ".join(row.text for row in rows)
        if len(told[place]) > _LONG_CELL:
            return None, []
    # A grid whose cells hold rows with gaps of their own is a frame around several tables.
    if gappy > 0.15 * len(cells):
        return None, []
    columns = sorted({column for _, column in told})
    lines = _as_markdown(
        [
            [told.get((row, column), "") for column in columns]
            for row in sorted({row for row, _ in told})
        ]
    )
    size = median(word.size for word in inside)
    return Piece(xs[0], xs[-1], (ys[0] + ys[-1]) / 2, size, [], lines), inside


def _merged(places: Iterable[float]) -> list[float]:
    """Return places in order, those that nearly coincide as one."""
    found: list[float] = []
    for place in sorted(places):
        if not found or place - found[-1] > _TOUCH:
            found.append(place)
    return found


class _Grid:
    """The cells that drawn rules make, those with no rule between them as one."""

    def __init__(self, xs: list[float], ys: list[float], rules: Sequence[Rule]) -> None:
        self._xs, self._ys = xs, ys
        self._across = len(xs) - 1
        self._owner = list(range(self._across * (len(ys) - 1)))
        left, above = self._walls(rules)
        for row in range(len(ys) - 1):
            for column in range(self._across):
                here = row * self._across + column
                if column and (row, column) not in left:
                    self._join(here, here - 1)
                if row and (row, column) not in above:
                    self._join(here, here - self._across)

    def _walls(self, rules: Sequence[Rule]) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
        """Return the cells with a rule at their left, and those with one above."""
        left: set[tuple[int, int]] = set()
        above: set[tuple[int, int]] = set()
        for rule in rules:
            x0, x1 = self._at(self._xs, rule.x0), self._at(self._xs, rule.x1)
            y0, y1 = self._at(self._ys, rule.y0), self._at(self._ys, rule.y1)
            if rule.is_level:
                above.update((y0, column) for column in range(x0, x1))
            else:
                left.update((row, x0) for row in range(y0, y1))
        return left, above

    @staticmethod
    def _at(places: list[float], place: float) -> int:
        return max(bisect_right(places, place + 0.01) - 1, 0)

    def _root(self, at: int) -> int:
        while self._owner[at] != at:
            self._owner[at] = self._owner[self._owner[at]]
            at = self._owner[at]
        return at

    def _join(self, one: int, other: int) -> None:
        one, other = self._root(one), self._root(other)
        self._owner[max(one, other)] = min(one, other)

    def cell(self, x: float, y: float) -> tuple[int, int] | None:
        """Return row and column of the cell a point lies in; of several as one, the first."""
        column, row = bisect_right(self._xs, x) - 1, bisect_right(self._ys, y) - 1
        if not (0 <= column < self._across and 0 <= row < len(self._ys) - 1):
            return None
        return divmod(self._root(row * self._across + column), self._across)


# -- by gaps alone -------------------------------------------------------------------------------

_Span = tuple[float, float]


def table_at(rows: Sequence[Row], start: int) -> tuple[list[str] | None, int]:
    """Return the table that begins at a row, as Markdown lines, and how many rows it has.

    Without one: None, and how many rows begin none.
    """
    if len(rows[start].pieces) < 2:
        return None, 1
    end, spans = _grown(rows, start)
    table = rows[start:end]
    if not _is_table(table, spans):
        # To begin anew at each row of a long list would take the square of its length.
        return None, len(table) if len(table) > _LONG_LIST else 1
    return _as_markdown([_cells(row, spans) for row in table]), end - start


def _grown(rows: Sequence[Row], start: int) -> tuple[int, list[_Span]]:
    """Return where the rows end that keep the gaps of the first ones, and their columns."""
    spans = _with([], rows[start])
    end = start + 1
    while end < len(rows):
        step = _steps(rows, start, end)
        for ahead in (0, 1, 2):
            if end + ahead >= len(rows) or not all(
                _is_near(rows[at - 1], rows[at], step) for at in range(end, end + ahead + 1)
            ):
                return end, spans
            if ahead and not _may_stand_between(rows[end + ahead - 1], spans):
                return end, spans
            grown = _with(spans, rows[end + ahead])
            pieces = len(rows[end + ahead].pieces)
            if pieces > 1 and len(grown) >= max(len(spans), pieces):
                spans, end = grown, end + ahead + 1
                break
        else:
            return end, spans
    return end, spans


def _steps(rows: Sequence[Row], start: int, end: int) -> float:
    """Return the usual distance between the last rows so far; none for a single row."""
    return (
        median(rows[at].y - rows[at - 1].y for at in range(start + 1, end))
        if end > start + 1
        else 0.0
    )


def _is_near(above: Row, row: Row, step: float) -> bool:
    if row.pieces[0].table is not None or not 0.7 < row.size / above.size < 1.4:
        return False
    return row.y - above.y <= max(1.7 * step, 2.9 * row.size)


def _may_stand_between(row: Row, spans: Sequence[_Span]) -> bool:
    """Whether a row that does not keep the gaps may belong to a table nevertheless."""
    return len(row.pieces) <= 2 and row.x1 - row.x0 < 0.7 * (spans[-1][1] - spans[0][0])


def _with(spans: Sequence[_Span], row: Row) -> list[_Span]:
    """Return what columns cover with one row more; spans that come too near are one."""
    slack = _STRIP * row.size
    found: list[_Span] = []
    for x0, x1 in sorted([*spans, *((piece.x0, piece.x1) for piece in row.pieces)]):
        if found and x0 - found[-1][1] < slack:
            found[-1] = (found[-1][0], max(found[-1][1], x1))
        else:
            found.append((x0, x1))
    return found


def _cells(row: Row, spans: Sequence[_Span]) -> list[str]:
    """Return a row's text by columns; what crosses several stands in its first."""
    cells = [""] * len(spans)
    starts = [span[0] for span in spans]
    for piece in row.pieces:
        column = max(bisect_right(starts, piece.x0 + 1.0) - 1, 0)
        cells[column] = f"{cells[column]} {piece.text}".strip()
    return cells


def _is_table(rows: Sequence[Row], spans: Sequence[_Span]) -> bool:
    full = [row for row in rows if len(row.pieces) > 1]
    if len(spans) < 2 or len(full) < 2:
        return False
    if sum(row.is_stretched for row in full) > len(full) / 2:
        return False
    cells = [_cells(row, spans) for row in full]
    columns = [[cell for cell in column if cell] for column in zip(*cells, strict=True)]
    first = columns[0]
    if len(spans) == 2:
        if sum(is_enumerator(cell) for cell in first) > len(first) / 2:
            return False
        labels = sum(cell.endswith(":") for cell in first)
        if len(full) < 3 and labels < 2:
            return False
        if median(len(cell.split()) for cell in columns[1]) > 7:
            return False
    wordy = [median(len(cell.split()) for cell in column) >= 4 for column in columns if column]
    return sum(wordy) < 2 or sum(wordy) < len(wordy) / 2
