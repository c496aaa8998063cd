"""Markdown from HTML: web pages, and what Word documents and books become on the way."""

from __future__ import annotations

import re
import warnings
from typing import Any

from bs4 import BeautifulSoup, Tag, XMLParsedAsHTMLWarning
from markitdown import DocumentConverterResult, StreamInfo
from markitdown.converters import HtmlConverter

# markitdown's own Markdown writer, so that links and headings come out as it writes them.
from markitdown.converters._markdownify import _CustomMarkdownify

__all__ = ["Html", "declared_charset", "html_to_markdown"]

_UNREAD = ("script", "style", "noscript", "template", "iframe", "object", "embed", "svg")
_MOST_COLUMNS = 50
_BAR = re.compile(r"(?<!\\)\|")
_TITLE_ALONE = re.compile(r"^# ", re.MULTILINE)
warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)


class _Writer(_CustomMarkdownify):
    """Writes tables that stay tables: a first row is the header, a bar in a cell is escaped."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("table_infer_header", True)
        super().__init__(**options)

    # The methods it overrides are found by name, and so untyped.
    def convert_td(self, el: Tag, text: str, parent_tags: Any) -> str:
        written: Any = super()
        _narrow(el)
        return str(written.convert_td(el, _in_a_cell(text), parent_tags))

    def convert_th(self, el: Tag, text: str, parent_tags: Any) -> str:
        written: Any = super()
        _narrow(el)
        return str(written.convert_th(el, _in_a_cell(text), parent_tags))

    def convert_img(
        self, el: Any, text: str, convert_as_inline: bool | None = False, **kwargs: Any
    ) -> str:
        # Bytes in an address are no use to a reader; what the picture shows is.
        if str(el.get("src") or "").startswith("data:") and not el.get("data-src"):
            alt = " ".join(str(el.get("alt") or "").split())
            return f"![{alt}](picture)" if alt else ""
        return str(super().convert_img(el, text, convert_as_inline, **kwargs))


def _narrow(cell: Tag) -> None:
    """Let a cell be as wide as tables are; a small page could else become a very long text."""
    span = str(cell.get("colspan") or "")
    if len(span) > 1 and not (span.isdigit() and int(span[:9]) <= _MOST_COLUMNS):
        cell["colspan"] = str(_MOST_COLUMNS)


def _in_a_cell(text: str) -> str:
    # A table in a cell has its bars escaped already.
    return _BAR.sub(r"\\|", text).replace("\r", " ")


def html_to_markdown(html: str | bytes, *, with_title: bool = False) -> str:
    """Return a page's text as Markdown; nothing it refers to is fetched.

    With `with_title`, the page's title heads a text that has no first heading of its own.
    """
    soup = BeautifulSoup(html, "html.parser")
    for unread in soup(list(_UNREAD)):
        unread.extract()
    body = soup.find("body")
    page: Any = body if body is not None else soup
    title = "" if soup.title is None else " ".join(soup.title.get_text().split())
    if body is None and soup.title is not None:
        soup.title.extract()
    try:
        text = _Writer().convert_soup(page)
    except RecursionError:
        # Too deep for a writer that calls itself; its words are still there.
        text = page.get_text("\n", strip=True)
    text = text.strip()
    if with_title and title and not _TITLE_ALONE.search(text):
        text = f"# {title}\n\n{text}" if text else ""
    return text


class Html(HtmlConverter):
    """markitdown's converter of web pages, with tables that hold."""

    def convert(
        self, file_stream: Any, stream_info: StreamInfo, **kwargs: Any
    ) -> DocumentConverterResult:
        """Return the page as Markdown."""
        from lettafs.index.convert.decode import decode_bytes  # late: only pages need it

        data = file_stream.read()
        declared = declared_charset(data)
        found = None
        if declared is not None:
            try:
                found = data.decode(declared)
            except (UnicodeDecodeError, LookupError):
                found = None
        if found is None:
            guessed = decode_bytes(data)
            found = guessed[0] if isinstance(guessed, tuple) else data.decode(errors="replace")
        return DocumentConverterResult(
            markdown=html_to_markdown(found, with_title=stream_info.extension == ".html")
        )


_CHARSET = re.compile(
    rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE
)


def declared_charset(data: bytes) -> str | None:
    """Return the encoding a page says it is in; None where it says none, or has a mark."""
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return None
    found = _CHARSET.search(data[:4096])
    return found[1].decode("ascii").lower() if found else None
