"""A PDF's text, page by page, in reading order.

`read_pdf` runs in a child process that may be killed at any moment; it bounds its own work
besides, so that a long document gives its beginning and not a timeout. Each page begins with the
line `<!-- page N -->`; N counts from 1 whatever the document calls the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from lettafs.index.convert.failure import Failure
from lettafs.index.convert.pdf_hyphens import join_divided
from lettafs.values.file import FileText, PageMark

__all__ = ["read_pdf"]

_PAGES = 20_000
"""Pages that are looked at; a document may claim any number."""
_MISSING = 200
"""Pages in a row that are not there, after which no more are looked for."""
_LAID_OUT = 1_000_000
"""Letters whose places are asked for, in a whole document: some five seconds. What follows comes
in the order it was drawn, which in a long book is the order it is read."""
_CROWDED = 60_000
"""Letters of one page; a page with more is a drawing, and comes as it was drawn."""
_FIELDS = 5_000
"""Annotations of a page that are looked at."""


@dataclass(slots=True)
class _Page:
    number: int
    lines: list[str] = field(default_factory=list)
    trouble: str = ""
    """`picture`, `blank`, `damaged` or `unreadable`, where it has no lines."""
    is_laid_out: bool = True
    """Whether its lines are in reading order, and not just as they were drawn."""


def read_pdf(data: bytes, *, text_chars: int) -> FileText | Failure:
    """Return what a PDF says, or why it says nothing.

    Lines stay the lines of the document, but a word divided at a line's end is whole on the
    first. Tables are Markdown. The note names pages without text, and where a cut was made.

    Args:
        data: the file.
        text_chars: the length of the longest text that may be returned.
    """
    # Late: pdfium is a library of 7 MB, loaded for PDF files alone.
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        return _refusal(str(error))
    try:
        return _read(document, text_chars)
    finally:
        document.close()


def _refusal(error: str) -> Failure:
    told = error.lower()
    if "password" in told:
        return Failure("password", "it is protected by a password")
    if "security" in told:
        return Failure("password", "it is encrypted in a way that cannot be read here")
    return Failure("damaged", "it is damaged, or not a PDF after all")


def _read(document: Any, text_chars: int) -> FileText | Failure:
    total = len(document)
    if total <= 0:
        return Failure("damaged", "it has no pages")
    pages: list[_Page] = []
    room = text_chars
    is_cut = total > _PAGES
    for page in _pages(document, min(total, _PAGES)):
        room -= len(_mark(page.number)) + 2
        if room < 0:
            is_cut = True
            break
        fitting = _fitting(page.lines, room)
        is_cut |= fitting < len(page.lines)
        del page.lines[fitting:]
        room -= sum(len(line) + 1 for line in page.lines)
        pages.append(page)
        if is_cut:
            break
    if not any(page.lines for page in pages) and not is_cut:
        return _nothing(pages)
    return _whole(pages, total if is_cut else 0)


def _fitting(lines: Sequence[str], room: int) -> int:
    """Return how many lines there is room for."""
    for count, line in enumerate(lines):
        room -= len(line) + 1
        if room < 0:
            return count
    return len(lines)


def _nothing(pages: Sequence[_Page]) -> Failure:
    """Return why there is no text at all."""
    troubles = {page.trouble for page in pages}
    count = f"({len(pages)} page{'s' if len(pages) != 1 else ''})"
    if "unreadable" in troubles:
        return Failure("no-text", f"its fonts do not say which letters they draw {count}")
    if "picture" in troubles:
        return Failure("no-text", f"its pages are pictures, without text to read {count}")
    if "damaged" in troubles:
        return Failure("damaged", f"none of its pages can be read {count}")
    return Failure("no-text", f"its pages are blank {count}")


def _mark(number: int) -> str:
    return f"<!-- page {number} -->"


def _whole(pages: Sequence[_Page], cut_of: int) -> FileText:
    """Return the pages as one text; `cut_of` is how many there are when some are left out."""
    parts: list[str] = []
    marks: list[PageMark] = []
    at = 0
    for page, lines in zip(pages, join_divided([page.lines for page in pages]), strict=True):
        begin = "\n" if parts else ""
        marks.append(PageMark(at + len(begin), f"page {page.number}"))
        part = "\n".join((begin + _mark(page.number), *lines, ""))
        parts.append(part)
        at += len(part)
    return FileText("".join(parts), pages=tuple(marks), kind="pdf", note=_note(pages, cut_of))


def _note(pages: Sequence[_Page], cut_of: int) -> str:
    told = []
    for trouble, one, several in (
        ("picture", "is a picture without text", "are pictures without text"),
        ("damaged", "cannot be read", "cannot be read"),
        ("unreadable", "has letters of unknown meaning", "have letters of unknown meaning"),
    ):
        numbers = [page.number for page in pages if page.trouble == trouble]
        if numbers:
            plural = len(numbers) > 1
            told.append(f"Page{'s' * plural} {_list(numbers)} {several if plural else one}.")
    drawn = [page.number for page in pages if not page.is_laid_out]
    if drawn:
        page = "page" if len(drawn) == 1 else "pages"
        told.append(f"Lines of {page} {_list(drawn)} may come in the order they were drawn.")
    if cut_of:
        last = pages[-1].number if pages else 1
        told.append(f"It is cut on page {last} of {cut_of}; the rest is left out.")
    return " ".join(told)


def _list(numbers: Sequence[int]) -> str:
    """Return numbers for people: `2, 4 to 7 and 9`; the first twelve runs of them."""
    runs = [
        [number for _, number in run]
        for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])
    ]
    told = [f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    if len(told) > 12:
        return ", ".join(told[:12]) + " and others"
    return ", ".join(told)


def _pages(document: Any, count: int) -> Iterator[_Page]:
    """Yield a document's pages; what has no lines says why."""
    # Late: they load pdfium too.
    from lettafs.index.convert.pdf_layout import Gutters
    from lettafs.index.convert.pdf_words import letters_of

    gutters = Gutters()
    laid_out = missing = 0
    for index in range(count):
        page = _loaded(document, index)
        if page is None:
            missing += 1
            if missing > _MISSING:
                return
            yield _Page(index + 1, trouble="damaged")
            continue
        missing = 0
        text = page.get_textpage()
        try:
            letters = letters_of(text.raw)
            laid_out += len(letters)
            with_places = len(letters) <= _CROWDED and laid_out <= _LAID_OUT
            lines = _lines(page, text, letters, gutters if with_places else None)
            trouble = "" if lines else _trouble(page, letters)
            yield _Page(index + 1, lines, trouble, with_places)
        finally:
            text.close()
            page.close()


def _loaded(document: Any, index: int) -> Any:
    """Return a page, what was filled into its form being part of it; None if it is damaged."""
    import pypdfium2
    import pypdfium2.raw as pdfium

    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return None
    notes = min(pdfium.FPDFPage_GetAnnotCount(page.raw), _FIELDS)
    if not any(_is_field(page, at) for at in range(notes)):
        return page
    flattened = pdfium.FPDFPage_Flatten(page.raw, pdfium.FLAT_NORMALDISPLAY)
    if flattened != pdfium.FLATTEN_SUCCESS:
        return page
    page.close()
    return document[index]


def _is_field(page: Any, at: int) -> bool:
    import pypdfium2.raw as pdfium

    note = pdfium.FPDFPage_GetAnnot(page.raw, at)
    if not note:
        return False
    kind = pdfium.FPDFAnnot_GetSubtype(note)
    pdfium.FPDFPage_CloseAnnot(note)
    return kind in (pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_FREETEXT)


def _lines(page: Any, text: Any, letters: str, gutters: Any) -> list[str]:
    """Return the lines of a page; without `gutters`, as they were drawn."""
    from lettafs.index.convert.pdf_layout import lines_of
    from lettafs.index.convert.pdf_words import faces_of, plain_lines

    if gutters is None:
        return plain_lines(letters)
    lines: list[str] = []
    for face in faces_of(page.raw, text.raw, letters):
        told = lines_of(face, gutters)
        if lines and told:
            lines.append("")
        lines.extend(told)
    return lines


def _trouble(page: Any, letters: str) -> str:
    import pypdfium2.raw as pdfium

    if letters.strip():
        return "unreadable"
    return "picture" if pdfium.FPDFPage_CountObjects(page.raw) > 0 else "blank"
