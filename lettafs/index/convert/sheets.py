"""Workbooks, old and new, as one Markdown table a sheet, read cell by cell and never further.

markitdown reads them whole, in columns of one type: 30 becomes 30.0, an empty cell NaN, and one
cell at the far end of a sheet fills the memory. Here rows come as they lie in the file, and the
reading stops when the text is as long as it may be.
"""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterable, Iterator
from typing import Any

from lettafs.index.convert.failure import Failure
from lettafs.index.convert.paged import Paged
from lettafs.values.file import FileText

__all__ = ["read_xls", "read_xlsx"]

_MOST_CELLS = 20_000_000
"""Empty ones included, of a workbook: what there is to look through in the time there is."""
_MOST_ROWS = 1_048_576
_MOST_ROWS_HELD = 200_000
"""Of one sheet: the columns in use are known only at its end."""


def read_xlsx(data: bytes, *, text_chars: int) -> FileText | Failure:
    """Return the sheets of a workbook, in order, as tables of what its cells show."""
    import openpyxl  # late: the child loads it when a workbook comes

    book = openpyxl.load_workbook(
        io.BytesIO(data), read_only=True, data_only=True, keep_links=False
    )
    text = Paged(text_chars=text_chars)
    budget = _MOST_CELLS
    try:
        for sheet in book.worksheets:
            # What a sheet says of its size is not to be trusted.
            sheet.reset_dimensions()
            text.page(f"sheet {sheet.title}")
            budget = _add_table(text, sheet.iter_rows(values_only=True), budget)
            if text.is_full:
                break
    finally:
        book.close()
    return text.done("xlsx")


def read_xls(data: bytes, *, text_chars: int) -> FileText | Failure:
    """Return the sheets of an old workbook, in order, as tables of what its cells show."""
    import xlrd  # type: ignore[import-untyped]  # late, and it has no types

    book = xlrd.open_workbook(file_contents=data, on_demand=True, logfile=io.StringIO())
    text = Paged(text_chars=text_chars)
    budget = _MOST_CELLS
    for name in book.sheet_names():
        sheet = book.sheet_by_name(name)
        text.page(f"sheet {name}")
        rows = (_xls_row(sheet, number, book.datemode) for number in range(sheet.nrows))
        budget = _add_table(text, rows, budget)
        book.unload_sheet(name)
        if text.is_full:
            break
    return text.done("xls")


def _xls_row(sheet: Any, number: int, datemode: int) -> tuple[object, ...]:
    from xlrd import xldate  # late, with the module above

    values: list[object] = []
    for cell in sheet.row(number):
        value: object = cell.value
        if cell.ctype == 3:
            try:
                value = xldate.xldate_as_datetime(cell.value, datemode)
            except (ValueError, OverflowError, xldate.XLDateError):
                value = cell.value
        elif cell.ctype == 4:
            value = bool(cell.value)
        elif cell.ctype == 5:
            value = _ERRORS.get(cell.value, "#ERROR")
        values.append(value)
    return tuple(values)


_ERRORS = {
    0: "#NULL!",
    7: "#DIV/0!",
    15: "#VALUE!",
    23: "#REF!",
    29: "#NAME?",
    36: "#NUM!",
    42: "#N/A",
}


def _add_table(text: Paged, rows: Iterable[tuple[object, ...]], budget: int) -> int:
    """Add a sheet's rows that hold something; return how many more cells may be looked at."""
    held: list[dict[int, str]] = []
    columns: set[int] = set()
    size = 0
    for number, row in enumerate(rows):
        budget -= len(row) + 1
        if number >= _MOST_ROWS:
            break
        if budget < 0 or size > text.text_chars or len(held) >= _MOST_ROWS_HELD:
            text.cut()
            break
        cells = {
            at: shown
            for at, value in enumerate(row)
            if value is not None and (shown := _shown(value))
        }
        if cells:
            held.append(cells)
            columns.update(cells)
            size += sum(map(len, cells.values())) + 3 * len(cells)
    if held:
        text.add("\n".join(_lines(held, sorted(columns))))
    return budget


def _lines(held: list[dict[int, str]], columns: list[int]) -> Iterator[str]:
    for number, cells in enumerate(held):
        yield "| " + " | ".join(cells.get(at, "") for at in columns) + " |"
        if number == 0:
            yield "| " + " | ".join("---" for _ in columns) + " |"


def _shown(value: object) -> str:
    """Return a cell's value as its reader would write it, in one line."""
    match value:
        case str():
            text = value
        case bool():
            return "TRUE" if value else "FALSE"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case float():
            return repr(round(value, 12))
        case datetime.datetime():
            midnight = value.time() == datetime.time()
            return value.date().isoformat() if midnight else value.isoformat(" ", "seconds")
        case _:
            text = str(value)
    if not text.isprintable():
        text = " ".join(text.split())
    return text.strip().replace("|", "\\|")
