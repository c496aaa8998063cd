"""Documents made by the tests: by the libraries, and containers put together by hand."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Mapping, Sequence
from html import escape

__all__ = [
    "docx",
    "docx_of",
    "epub_of",
    "notebook",
    "ole",
    "pdf_of",
    "pptx",
    "rss",
    "xlsx",
    "xlsx_of",
    "zip_of",
]

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def zip_of(parts: Mapping[str, bytes | str], *, stored: Sequence[str] = ()) -> bytes:
    """Return a container of parts, in order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as container:
        for name, data in parts.items():
            how = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            entry = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
            entry.compress_type = how
            # Bombs are of zeros, and quick to make so.
            container.writestr(entry, data, compresslevel=1 if len(data) > 5_000_000 else 6)
    return out.getvalue()


def docx(*blocks: str | Sequence[Sequence[str]]) -> bytes:
    """Return a Word document: a string is a paragraph (`# ` a heading), rows are a table."""
    body = []
    for block in blocks:
        if isinstance(block, str):
            style = '<w:pPr><w:pStyle w:val="Heading1"/></w:pPr>' if block.startswith("# ") else ""
            body.append(
                f"<w:p>{style}<w:r><w:t>{escape(block.removeprefix('# '))}</w:t></w:r></w:p>"
            )
        else:
            rows = "".join(
                "<w:tr>"
                + "".join(
                    f"<w:tc><w:p><w:r><w:t>{escape(cell)}</w:t></w:r></w:p></w:tc>" for cell in row
                )
                + "</w:tr>"
                for row in block
            )
            body.append(f"<w:tbl>{rows}</w:tbl>")
    return docx_of("".join(body), more=_STYLES)


_STYLES = {
    "word/styles.xml": (
        f'<?xml version="1.0"?><w:styles xmlns:w="{_W}"><w:style w:type="paragraph" '
        'w:styleId="Heading1"><w:name w:val="heading 1"/></w:style></w:styles>'
    ),
    "word/_rels/document.xml.rels": (
        f'<?xml version="1.0"?><Relationships xmlns="{_RELATIONS}"><Relationship Id="s1" '
        f'Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
    ),
}


def docx_of(body: str | bytes, *, more: Mapping[str, bytes | str] | None = None) -> bytes:
    """Return a Word document around the XML of a body (`<w:p>...`), or around a whole part."""
    whole = body
    if isinstance(body, str) and not body.lstrip().startswith("<?xml"):
        whole = (
            f'<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="{_W}" xmlns:r="{_OFFICE}"'
            f"><w:body>{body}</w:body></w:document>"
        )
    base = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    return zip_of(
        {
            "[Content_Types].xml": _content_types(
                {"/word/document.xml": f"{base}.document.main+xml"}
            ),
            "_rels/.rels": _relations([("officeDocument", "word/document.xml")]),
            "word/document.xml": whole,
            **(more or {}),
        }
    )


def _content_types(parts: Mapping[str, str]) -> str:
    overrides = "".join(
        f'<Override PartName="{part}" ContentType="{kind}"/>' for part, kind in parts.items()
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Types xmlns="{_TYPES}">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f"{overrides}</Types>"
    )


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    inner = "".join(
        f'<Relationship Id="r{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<?xml version="1.0"?><Relationships xmlns="{_RELATIONS}">{inner}</Relationships>'


def pptx(*slides: tuple[str, str]) -> bytes:
    """Return slides of a title and a text each; a text may end in notes after a `~`."""
    from pptx import Presentation

    deck = Presentation()
    for title, text in slides:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        assert slide.shapes.title is not None
        slide.shapes.title.text = title
        body, _, notes = text.partition("~")
        slide.placeholders[1].text = body
        if notes:
            frame = slide.notes_slide.notes_text_frame
            assert frame is not None
            frame.text = notes
    out = io.BytesIO()
    deck.save(out)
    return out.getvalue()


def xlsx(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """Return a workbook of named sheets of rows."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def xlsx_of(rows: str, *, shared: str = "", sheet: str | bytes | None = None) -> bytes:
    """Return a workbook around the XML of a sheet's rows (`<row>...`), or around a whole sheet."""
    base = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts: dict[str, bytes | str] = {
        "[Content_Types].xml": _content_types(
            {
                "/xl/workbook.xml": f"{base}.sheet.main+xml",
                "/xl/worksheets/sheet1.xml": f"{base}.worksheet+xml",
                "/xl/sharedStrings.xml": f"{base}.sharedStrings+xml",
            }
        ),
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": (
            f'<?xml version="1.0"?><workbook xmlns="{_S}" xmlns:r="{_OFFICE}"><sheets>'
            '<sheet name="One" sheetId="1" r:id="r1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": _relations(
            [("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "sharedStrings.xml")]
        ),
        "xl/worksheets/sheet1.xml": sheet
        if sheet is not None
        else f'<worksheet xmlns="{_S}"><sheetData>{rows}</sheetData></worksheet>',
        "xl/sharedStrings.xml": shared
        or f'<?xml version="1.0"?><sst xmlns="{_S}"><si><t>shared</t></si></sst>',
    }
    return zip_of(parts)


def epub_of(
    chapters: Mapping[str, str], *, spine: Sequence[str] | None = None, opf: str | None = None
) -> bytes:
    """Return a book of chapters (XHTML bodies), read in the order of `spine`."""
    items = "".join(
        f'<item id="c{n}" href="{name}" media-type="application/xhtml+xml"/>'
        for n, name in enumerate(chapters)
    )
    order = spine if spine is not None else [f"c{n}" for n in range(len(chapters))]
    refs = "".join(f'<itemref idref="{ref}"/>' for ref in order)
    package = opf or (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>A book</dc:title>'
        f"</metadata><manifest>{items}</manifest><spine>{refs}</spine></package>"
    )
    return zip_of(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": (
                '<?xml version="1.0"?><container version="1.0" '
                'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
                '<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/>'
                "</rootfiles></container>"
            ),
            "book.opf": package,
            **{
                name: f"<html><body>{body}</body></html>"
                for name, body in chapters.items()
                if not name.startswith(("..", "/"))
            },
        },
        stored=["mimetype"],
    )


def notebook(*cells: tuple[str, str], outputs: Sequence[object] = ()) -> bytes:
    """Return a notebook of (kind, source) cells."""
    return json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {},
            "cells": [
                {
                    "cell_type": kind,
                    "metadata": {},
                    "source": source.splitlines(keepends=True),
                    "outputs": list(outputs),
                }
                for kind, source in cells
            ],
        }
    ).encode()


def rss(*items: tuple[str, str], before: str = "") -> bytes:
    """Return a feed of titled items; `before` stands before its root."""
    inner = "".join(
        f"<item><title>{title}</title><description>{text}</description></item>"
        for title, text in items
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}<rss version="2.0"><channel>'
        f"<title>A feed</title>{inner}</channel></rss>"
    ).encode()


def pdf_of(objects: Mapping[int, bytes], *, trailer: bytes = b"") -> bytes:
    """Return a PDF of numbered objects; object 1 is its catalogue."""
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    size = max(objects, default=0) + 1
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for number, place in places.items():
        out += b"%d 1\n%010d 00000 n \n" % (number, place)
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        size,
        trailer,
        start,
    )
    return bytes(out)


_SECTOR = 512
_END, _FAT_SECTOR, _FREE = 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF


def ole(streams: Mapping[str, bytes]) -> bytes:
    """Return an old Office container of streams, each padded with spaces to 4 KiB at least."""
    bodies = {name: data.ljust(4096, b" ") for name, data in streams.items()}
    fat: list[int] = []
    content = bytearray()

    def place(data: bytes) -> int:
        first = len(fat)
        count = -(-len(data) // _SECTOR)
        fat.extend([*range(first + 1, first + count), _END])
        content.extend(data.ljust(count * _SECTOR, b"\0"))
        return first

    starts = {name: place(data) for name, data in bodies.items()}
    names = list(bodies)
    entries = [_entry("Root Entry", 5, child=1 if names else _FREE, start=_END, size=0)]
    for number, name in enumerate(names, 1):
        # A chain to the right is a tree, if a poor one.
        right = number + 1 if number < len(names) else _FREE
        entries.append(_entry(name, 2, right=right, start=starts[name], size=len(bodies[name])))
    while len(entries) % 4:
        entries.append(bytes(64) + b"\xff" * 12 + bytes(52))
    directory = place(b"".join(entries))
    sectors = 1
    while len(fat) + sectors > sectors * (_SECTOR // 4):
        sectors += 1
    first_fat = len(fat)
    fat += [_FAT_SECTOR] * sectors
    fat += [_FREE] * (sectors * (_SECTOR // 4) - len(fat))
    header = struct.pack(
        "<8s16sHHHHHHIIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        bytes(16),
        0x3E,
        3,
        0xFFFE,
        9,
        6,
        0,
        0,
        0,
        sectors,
        directory,
        0,
        4096,
        _END,
        0,
        _END,
        0,
    )
    table = [first_fat + n if n < sectors else _FREE for n in range(109)]
    return (
        header + struct.pack("<109I", *table) + bytes(content) + struct.pack(f"<{len(fat)}I", *fat)
    )


def _entry(
    name: str, kind: int, *, right: int = _FREE, child: int = _FREE, start: int, size: int
) -> bytes:
    told = name.encode("utf-16-le") + b"\0\0"
    return (
        told.ljust(64, b"\0")
        + struct.pack("<HBBIII", len(told), kind, 1, _FREE, right, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )
