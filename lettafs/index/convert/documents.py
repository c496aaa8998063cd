"""The converter of documents, as the child holds it: markitdown, with our own readers before its.

Only `convert_stream` is called, on bytes that are in memory: whatever else markitdown would take,
addresses above all, never reaches it.
"""

from __future__ import annotations

import io
import re
import time
import warnings
from collections.abc import Callable
from typing import Any, BinaryIO

from markitdown import (
    DocumentConverter,
    DocumentConverterResult,
    FileConversionException,
    MarkItDown,
    StreamInfo,
    UnsupportedFormatException,
)
from markitdown.converters import IpynbConverter, OutlookMsgConverter, RssConverter

from lettafs.index.convert.archive import read_zip
from lettafs.index.convert.failure import DAMAGED, MEMORY, NO_TEXT, PASSWORD, Failure
from lettafs.index.convert.limits import Limits
from lettafs.index.convert.markdown import Html, declared_charset
from lettafs.index.convert.office import Docx, Epub, Pptx, slides_of
from lettafs.index.convert.ole import inside_of_ole
from lettafs.index.convert.paged import Paged
from lettafs.index.convert.pdf import read_pdf
from lettafs.index.convert.precheck import check_container, check_xml, inside_of
from lettafs.index.convert.sheets import read_xls, read_xlsx
from lettafs.values.file import FileText

__all__ = ["Documents"]

_CONTAINERS = ("docx", "pptx", "xlsx", "epub", "zip")
_BEFORE_ITS_OWN = -1.0
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,400}\?>")
_EMPTY_MESSAGE = re.compile(r"\s*# Email Message\s*## Content\s*")
_TOO_DEEP = Failure("nested", "it is nested too deeply")


class _Paged(DocumentConverter):
    """One of our readers in markitdown's row; it keeps what markitdown has no place for: pages."""

    def __init__(self, kind: str, read: Callable[[bytes], FileText | Failure]) -> None:
        self._kind = kind
        self._read = read
        self.found: FileText | Failure | None = None

    def accepts(self, file_stream: BinaryIO, stream_info: StreamInfo, **kwargs: Any) -> bool:
        """Tell whether the bytes are of this reader's kind."""
        return stream_info.extension == f".{self._kind}"

    def convert(
        self, file_stream: BinaryIO, stream_info: StreamInfo, **kwargs: Any
    ) -> DocumentConverterResult:
        """Read the bytes; the text with its pages is in `found`."""
        self.found = self._read(file_stream.read())
        return DocumentConverterResult(
            markdown=self.found.text if isinstance(self.found, FileText) else ""
        )


class _NoGuess:
    """Stands where markitdown asks a model what bytes are; it has no opinion."""

    status = "unasked"

    def identify_stream(self, _stream: BinaryIO) -> _NoGuess:
        return self


class Documents:
    """Converts one document after the other."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        # Its own converters are not wanted whole: some ask the network, some run programs.
        self._engine = MarkItDown(enable_builtins=False, enable_plugins=False, exiftool_path="")
        # Its guess at the kind costs as much as the conversion, and the kind is known.
        self._engine._magika = _NoGuess()  # type: ignore[assignment]  # its one method
        converters: tuple[DocumentConverter, ...] = (
            Html(),
            RssConverter(),  # type: ignore[no-untyped-call]  # markitdown says nothing of it
            IpynbConverter(),
            OutlookMsgConverter(),
            Docx(),
            Pptx(),
            Epub(),
        )
        for converter in converters:
            self._engine.register_converter(converter)
        self._readers = {
            kind: _Paged(kind, self._with_cap(read))
            for kind, read in (("pdf", read_pdf), ("xlsx", read_xlsx), ("xls", read_xls))
        }
        for reader in self._readers.values():
            self._engine.register_converter(reader, priority=_BEFORE_ITS_OWN)

    def _with_cap(
        self, read: Callable[..., FileText | Failure]
    ) -> Callable[[bytes], FileText | Failure]:
        return lambda data: read(data, text_chars=self._limits.text_chars)

    def convert(self, data: bytes, *, kind: str, archives: bool) -> FileText | Failure:
        """Return a document's text, or why there is none; what the document does never raises."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self._convert(data, kind, archives=archives)
        except MemoryError:
            return MEMORY
        except RecursionError:
            return _TOO_DEEP
        except Exception:  # whatever a reader does with a hostile document, it is the document's
            return DAMAGED

    def _convert(self, data: bytes, kind: str, *, archives: bool) -> FileText | Failure:
        if kind == "rss":
            data = _in_utf8(data)
        settled = self._settle(data, kind)
        if isinstance(settled, Failure):
            return settled
        if settled == "zip":
            if not archives:
                return Failure("archive", "it is an archive, and reading archives is off")
            return read_zip(
                data,
                read=self._of_a_member,
                has_time=_for(self._limits.cpu_s / 2),
                limits=self._limits,
            )
        return self._run(data, settled)

    def _of_a_member(self, data: bytes, kind: str) -> FileText | Failure:
        return self.convert(data, kind=kind, archives=False)

    def _settle(self, data: bytes, kind: str) -> str | Failure:
        """Return the kind a whole file is, where its beginning said only half; check it too."""
        if data.startswith(b"\xd0\xcf\x11\xe0"):
            return inside_of_ole(data)
        if kind in _CONTAINERS:
            found = inside_of(data, promised=kind)
            if isinstance(found, Failure):
                return found
            return check_container(data, kind=found, limits=self._limits) or found
        if kind == "rss":
            return check_xml(data, limits=self._limits) or kind
        return kind

    def _run(self, data: bytes, kind: str) -> FileText | Failure:
        reader = self._readers.get(kind)
        if reader is not None:
            reader.found = None
        # Of the name only the kind is told: a name leads nowhere then.
        about = StreamInfo(extension=f".{kind}", charset="utf-8" if kind == "ipynb" else None)
        try:
            markdown = self._engine.convert_stream(io.BytesIO(data), stream_info=about).markdown
        except UnsupportedFormatException:
            return DAMAGED
        except FileConversionException as problem:
            return _why(problem)
        if reader is not None and reader.found is not None:
            return reader.found
        if kind == "msg" and _EMPTY_MESSAGE.fullmatch(markdown):
            return NO_TEXT
        if kind == "pptx":
            return slides_of(markdown, text_chars=self._limits.text_chars)
        text = Paged(text_chars=self._limits.text_chars)
        text.add(markdown)
        return text.done(kind)


def _in_utf8(data: bytes) -> bytes:
    """Return a feed in the one encoding that every parser knows."""
    declared = declared_charset(data)
    if declared is None or declared in ("utf-8", "utf8"):
        return data
    try:
        text = data.decode(declared)
    except (UnicodeDecodeError, LookupError):
        return data
    return _DECLARATION.sub("", text, count=1).encode()


def _for(seconds: float) -> Callable[[], bool]:
    until = time.monotonic() + seconds
    return lambda: time.monotonic() < until


def _why(problem: FileConversionException) -> Failure:
    for attempt in problem.attempts or ():
        error = attempt.exc_info[1] if attempt.exc_info else None
        if isinstance(error, MemoryError):
            return MEMORY
        if isinstance(error, RecursionError):
            return _TOO_DEEP
        # xlrd says so in words.
        if error is not None and "encrypted" in str(error).lower():
            return PASSWORD
    return DAMAGED
