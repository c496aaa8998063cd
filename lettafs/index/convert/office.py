"""Word documents and slides, as markitdown reads them, with what it gets wrong put right."""

from __future__ import annotations

import re
from typing import Any

from markitdown.converters import DocxConverter, EpubConverter, PptxConverter

from lettafs.index.convert.failure import Failure
from lettafs.index.convert.markdown import Html
from lettafs.index.convert.paged import Paged
from lettafs.values.file import FileText

__all__ = ["Docx", "Epub", "Pptx", "slides_of"]

_SLIDE = re.compile(r"^<!-- Slide number: ([0-9]{1,6}) -->$", re.MULTILINE)


class Docx(DocxConverter):
    """Its tables keep their first row as header, and bars in cells are escaped."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # markitdown says nothing of it
        self._html_converter: Any = Html()


class Pptx(PptxConverter):
    """As `Docx`; what it says of slides' numbers is read by `slides_of`."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # markitdown says nothing of it
        self._html_converter: Any = Html()


class Epub(EpubConverter):
    """As `Docx`, for the chapters of a book."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # markitdown says nothing of it
        self._html_converter: Any = Html()


def slides_of(markdown: str, *, text_chars: int) -> FileText | Failure:
    """Return slides as pages, from the line markitdown puts before each.

    A slide may hold such a line as its text; it is taken for a slide's beginning only where its
    number is the next one.
    """
    text = Paged(text_chars=text_chars)
    starts: list[tuple[int, int]] = []
    for found in _SLIDE.finditer(markdown):
        if int(found[1]) == len(starts) + 1:
            starts.append(found.span())
    for number, (_, begin) in enumerate(starts, 1):
        end = starts[number][0] if number < len(starts) else len(markdown)
        text.page(f"slide {number}")
        text.add(markdown[begin:end])
    return text.done("pptx")
