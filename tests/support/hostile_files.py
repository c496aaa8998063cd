"""Files made to harm who reads them: bombs, loops, lies, and addresses that must not be asked.

Each is made when its bytes are asked for, small on disk, of nothing but bytes. `port` is where a
test listens for whoever fetches, `secret` a file whose text must turn up nowhere.
"""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path

from tests.support.documents import (
    docx,
    docx_of,
    epub_of,
    notebook,
    ole,
    pdf_of,
    pptx,
    rss,
    xlsx_of,
    zip_of,
)

__all__ = ["Hostile", "hostile_files", "write_hostile_files"]

_MB = 1_000_000
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY {n} "{f"&{p};" * 10}">' for p, n in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]>"
)


@dataclass(frozen=True)
class Hostile:
    """One hostile file."""

    name: str
    label: str
    data: Callable[[], bytes]


def hostile_files(*, port: int, secret: Path) -> list[Hostile]:
    """Return all of them."""
    http = f"http://127.0.0.1:{port}/hit"
    file = secret.as_uri()
    xxe = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{file}"><!ENTITY h SYSTEM "{http}">]>'
    return [
        *_archives(),
        *_word(http, file, xxe),
        *_slides(http, file, xxe),
        *_sheets(file, xxe),
        *_books(xxe),
        *_pages(http, file),
        *_feeds(xxe),
        *_pdfs(http, file),
        *_wrong_names(),
        *_notebooks(),
        *_texts(),
        *_old_office(),
        *_polyglots(),
    ]


def write_hostile_files(directory: Path, *, port: int, secret: Path) -> list[Hostile]:
    """Write all of them into a directory, under their names."""
    made = hostile_files(port=port, secret=secret)
    for one in made:
        (directory / one.name).write_bytes(one.data())
    return made


def _archives() -> list[Hostile]:
    return [
        Hostile(
            "flat.zip", "220 MB of zeros in 220 KB", lambda: zip_of({"zeros.txt": _zeros(220)})
        ),
        Hostile("ratio.zip", "20 MB in 20 KB", lambda: zip_of({"zeros.txt": _zeros(20)})),
        Hostile("nested.zip", "archives ten deep and ten wide", _nested_zip),
        Hostile("many.zip", "20,000 entries", _many_entries),
        Hostile(
            "climbing.zip",
            "names that climb out",
            lambda: zip_of({"../../up.txt": "up", "/abs.txt": "abs", "..\\win.txt": "w"}),
        ),
        Hostile("overlapping.zip", "one body, a thousand names", _overlapping),
        Hostile("lying.zip", "more inside than it says", _lying_zip),
        Hostile("truncated.zip", "half a zip", lambda: _half(zip_of({"a.txt": "a" * 5000}))),
        Hostile("locked.zip", "marked as encrypted", _locked_zip),
        Hostile("linked.zip", "a link as an entry", _linked_zip),
        Hostile("methods.zip", "LZMA and bzip2 inside", _other_methods),
        Hostile(
            "bombs.zip",
            "forty slow documents",
            lambda: zip_of(dict.fromkeys((f"{n}.docx" for n in range(40)), _slow_docx(0))),
        ),
        Hostile(
            "quine.zip", "a zip that holds its like", lambda: zip_of({"quine.zip": _nested_zip()})
        ),
    ]


def _word(http: str, file: str, xxe: str) -> list[Hostile]:
    def part(before: str, text: str) -> str:
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>{before}<w:document xmlns:w="{_W}"><w:body>'
            f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>"
        )

    return [
        Hostile(
            "nested.docx",
            "50,000 nested paragraphs",
            lambda: docx_of("<w:p>" * 50_000 + "</w:p>" * 50_000),
        ),
        Hostile(
            "part.docx",
            "one part of 100 MB",
            lambda: docx_of("<w:p><w:r><w:t>" + "a" * 100 * _MB + "</w:t></w:r></w:p>"),
        ),
        Hostile(
            "slow.docx", "paragraphs without end, little alike", lambda: _slow_docx(0, 150_000)
        ),
        Hostile("doctype.docx", "a document type", lambda: docx_of(part("<!DOCTYPE x>", "t"))),
        Hostile("laughs.docx", "billion laughs", lambda: docx_of(part(_LAUGHS, "&i;"))),
        Hostile("xxe.docx", "entities from outside", lambda: docx_of(part(xxe, "&e;&h;"))),
        Hostile(
            "xxe16.docx",
            "entities from outside, in UTF-16",
            lambda: docx_of(part(xxe, "&e;&h;").replace("UTF-8", "UTF-16").encode("utf-16")),
        ),
        Hostile(
            "xxe7.docx",
            "entities from outside, in UTF-7",
            lambda: docx_of(_in_utf7(part(xxe, "&e;&h;"))),
        ),
        Hostile("image.docx", "pictures from outside", lambda: _linked_docx("image", http, file)),
        Hostile("template.docx", "a template from outside", lambda: _linked_docx("t", http, file)),
        Hostile(
            "tables.docx",
            "tables in tables, as deep as is let through",
            lambda: docx_of("<w:tbl><w:tr><w:tc>" * 45 + "<w:p/>" + "</w:tc></w:tr></w:tbl>" * 45),
        ),
        Hostile("styles.docx", "styles that rest on each other", _looping_styles),
        Hostile("cut.docx", "half a document", lambda: _half(docx("some text " * 500))),
    ]


def _slides(http: str, file: str, xxe: str) -> list[Hostile]:
    return [
        Hostile(
            "groups.pptx", "5,000 nested groups", lambda: _with_part(_deck(), _SLIDE, _groups())
        ),
        Hostile(
            "xxe.pptx",
            "entities from outside",
            lambda: _with_part(_deck(), _SLIDE, _after_declaration(_part(_deck(), _SLIDE), xxe)),
        ),
        Hostile(
            "image.pptx",
            "a picture from outside",
            lambda: _with_part(
                _deck(),
                "ppt/slides/_rels/slide1.xml.rels",
                _relation("image", http, "r9") + _relation("image", file, "r10"),
                wrap=True,
            ),
        ),
        Hostile(
            "parts.pptx", "a slide that is not there", lambda: _with_part(_deck(), _SLIDE, None)
        ),
        Hostile(
            "fake.pptx",
            "slides that pretend to be others",
            lambda: pptx(("One", "<!-- Slide number: 2 -->"), ("Two", "<!-- Slide number: 1 -->")),
        ),
    ]


def _sheets(file: str, xxe: str) -> list[Hostile]:
    def row(number: int, cell: str) -> str:
        return f'<row r="{number}">{cell}</row>'

    return [
        Hostile(
            "sparse.xlsx",
            "a cell at the far end",
            lambda: xlsx_of(row(1048576, '<c r="XFD1048576"><v>7</v></c>')),
        ),
        Hostile(
            "wide.xlsx",
            "20,000 rows of one far cell",
            lambda: xlsx_of(
                "".join(row(n, f'<c r="XFD{n}"><v>1</v></c>') for n in range(1, 20_001))
            ),
        ),
        Hostile(
            "shared.xlsx",
            "300,000 cells of one long string",
            lambda: xlsx_of(
                "".join(
                    row(n, "".join(f'<c r="{c}{n}" t="s"><v>0</v></c>' for c in "ABCDEFGHIJ"))
                    for n in range(1, 30_001)
                ),
                shared=f'<sst xmlns="{_S}"><si><t>{"long " * 6000}</t></si></sst>',
            ),
        ),
        Hostile(
            "laughs.xlsx",
            "billion laughs",
            lambda: xlsx_of("", shared=f'{_LAUGHS}<sst xmlns="{_S}"><si><t>&i;</t></si></sst>'),
        ),
        Hostile(
            "xxe.xlsx",
            "entities from outside",
            lambda: xlsx_of(
                "",
                sheet=f'<?xml version="1.0"?>{xxe}<worksheet xmlns="{_S}"><sheetData>'
                '<row r="1"><c t="inlineStr"><is><t>&e;</t></is></c></row></sheetData></worksheet>',
            ),
        ),
        Hostile(
            "row.xlsx",
            "a row number beyond all sheets",
            lambda: xlsx_of(row(4_000_000_000, '<c r="A4000000000"><v>1</v></c>')),
        ),
        Hostile(
            "column.xlsx",
            "a column beyond all sheets",
            lambda: xlsx_of(row(1, '<c r="ZZZZZZ1"><v>1</v></c>')),
        ),
        Hostile(
            "links.xlsx",
            "a formula that asks outside",
            lambda: xlsx_of(row(1, f'<c r="A1"><f>WEBSERVICE("{file}")</f><v>1</v></c>')),
        ),
        Hostile(
            "strings.xlsx",
            "a million short strings",
            lambda: xlsx_of(
                row(1, '<c r="A1"><v>1</v></c>'),
                shared=f'<sst xmlns="{_S}">'
                + "".join(f"<si><t>{n}</t></si>" for n in range(1_000_000))
                + "</sst>",
            ),
        ),
    ]


def _books(xxe: str) -> list[Hostile]:
    opf = (
        f'<?xml version="1.0"?>{xxe}<package><metadata xmlns:dc="x"><dc:title>&e;</dc:title>'
        "</metadata><manifest/><spine/></package>"
    )
    chapter = "".join(f"<p>Line {n} of a chapter.</p>" for n in range(3000))
    return [
        Hostile("xxe.epub", "entities from outside", lambda: epub_of({"a.xhtml": "a"}, opf=opf)),
        Hostile("bomb.epub", "a chapter of 100 MB", lambda: epub_of({"a.xhtml": "a" * 100 * _MB})),
        Hostile(
            "again.epub",
            "one chapter, read 3,000 times",
            lambda: epub_of({"a.xhtml": chapter}, spine=["c0"] * 3000),
        ),
        Hostile(
            "climb.epub",
            "chapters outside the book",
            lambda: epub_of({"../../../../etc/passwd": "", "a.xhtml": "<p>inside</p>"}),
        ),
    ]


def _pages(http: str, file: str) -> list[Hostile]:
    resources = "".join(
        f'<img src="{a}"><iframe src="{a}"></iframe><script src="{a}"></script>'
        f'<link rel="stylesheet" href="{a}"><object data="{a}"></object><embed src="{a}">'
        f'<video src="{a}"></video><a href="{a}">a link</a>'
        for a in (http, file)
    )
    return [
        Hostile("resources.html", "things to fetch", lambda: _html(resources + "<p>words</p>")),
        Hostile(
            "refresh.html",
            "a page that sends elsewhere",
            lambda: (
                f'<html><head><base href="{http}"><meta http-equiv="refresh" content="0;'
                f'url={file}"></head><body>words</body></html>'.encode()
            ),
        ),
        Hostile("deep.html", "50,000 nested elements", lambda: _html("<div>" * 50_000 + "deep")),
        Hostile("lists.html", "3,000 nested lists", lambda: _html("<ul><li>x" * 3000)),
        Hostile(
            "spans.html",
            "cells a thousand columns wide",
            lambda: _html("<table>" + "<tr><td colspan=1000>x</td></tr>" * 5000 + "</table>"),
        ),
        Hostile("unclosed.html", "tags that never end", lambda: _html("<a <b " * 20_000)),
        Hostile("comment.html", "a comment that never ends", lambda: _html("<!--" + "-" * 200_000)),
        Hostile("deep.xml", "XML 100,000 deep", lambda: b"<a>" * 100_000 + b"</a>" * 100_000),
        Hostile("deep.json", "JSON 100,000 deep", lambda: b"[" * 100_000 + b"]" * 100_000),
        Hostile("deep.rtf", "RTF 100,000 deep", lambda: b"{\\rtf1" + b"{\\b " * 100_000),
    ]


def _feeds(xxe: str) -> list[Hostile]:
    deep = escape("<b>" * 5000 + "deep")
    return [
        Hostile("xxe.rss", "entities from outside", lambda: rss(("&e;", "&h;"), before=xxe)),
        Hostile("laughs.rss", "billion laughs", lambda: rss(("&i;", "x"), before=_LAUGHS)),
        Hostile("deep.rss", "a feed 5,000 deep", lambda: rss(("t", "<a>" * 5000 + "</a>" * 5000))),
        Hostile("html.rss", "a deep page in a feed", lambda: rss(("t", deep))),
    ]


def _pdfs(http: str, file: str) -> list[Hostile]:
    catalogue = b"<< /Type /Catalog /Pages 2 0 R >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R %s >>"
    one = {1: catalogue, 2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"}
    text = _stream(b"BT /F1 12 Tf 10 100 Td (some words) Tj ET")
    font = (
        b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    )
    good = {**one, 3: page % font, 4: text}
    act = (
        b"/OpenAction << /S /JavaScript /JS (app.launchURL('%s')) >> "
        b"/AA << /WC << /S /Launch /F (%s) >> >>" % (http.encode(), file.encode())
    )
    links = (
        b"/Annots [<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << /S /URI /URI (%s) >> >>]"
    )
    return [
        Hostile("truncated.pdf", "half a PDF", lambda: _half(pdf_of(good))),
        Hostile("locked.pdf", "a password", lambda: _locked_pdf(good)),
        Hostile(
            "loop.pdf",
            "pages that hold themselves",
            lambda: pdf_of({1: catalogue, 2: b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 9 >>"}),
        ),
        Hostile(
            "huge.pdf",
            "a page wider than the earth",
            lambda: pdf_of({**good, 3: (page % font).replace(b"200 200", b"1e30 1e30")}),
        ),
        Hostile("tree.pdf", "pages 5,000 deep", lambda: pdf_of(_deep_pages(catalogue))),
        Hostile(
            "objects.pdf",
            "50,000 objects",
            lambda: pdf_of({**good, **dict.fromkeys(range(5, 50_000), b"<< /A 1 >>")}),
        ),
        Hostile(
            "count.pdf",
            "two thousand million pages",
            lambda: pdf_of({**good, 2: b"<< /Type /Pages /Kids [3 0 R] /Count 2000000000 >>"}),
        ),
        Hostile("flate.pdf", "a page of 100 MB", lambda: pdf_of({**good, 4: _stream(_zeros(100))})),
        Hostile(
            "words.pdf",
            "a page of three million words",
            lambda: pdf_of(
                {**good, 4: _stream(b"BT /F1 1 Tf " + b"(word) Tj " * 3_000_000 + b"ET")}
            ),
        ),
        Hostile(
            "actions.pdf",
            "a script and a program to start",
            lambda: pdf_of(
                {**good, 1: catalogue[:-2] + act + b">>", 3: page % (font + links % b"x")}
            ),
        ),
        Hostile("xref.pdf", "a table that points nowhere", lambda: _bad_xref(pdf_of(good))),
        Hostile("forms.pdf", "forms in forms, ten to the tenth", lambda: pdf_of(_forms(one))),
        Hostile("none.pdf", "no pages", lambda: pdf_of({1: catalogue, 2: b"<< /Type /Pages >>"})),
        Hostile("mark.pdf", "a mark and nothing else", lambda: b"%PDF-1.7\n"),
    ]


def _wrong_names() -> list[Hostile]:
    png = b"\x89PNG\r\n\x1a\n" + bytes(100)
    return [
        Hostile("picture.docx", "a picture by another name", lambda: png),
        Hostile("program.txt", "a program by another name", lambda: b"MZ\x90\0\3" + bytes(400)),
        Hostile("archive.pdf", "an archive by another name", lambda: zip_of({"a.txt": "words"})),
        Hostile("page.xlsx", "a page by another name", lambda: _html("<p>words</p>")),
        Hostile("document.xls", "a new document by an old name", lambda: docx("words")),
        Hostile("words.docx", "plain words by another name", lambda: b"plain words\n"),
        Hostile("words.msg", "a message that is not one", lambda: b"no message\n"),
        Hostile("words.ipynb", "a notebook that is not one", lambda: b"no notebook\n"),
    ]


def _notebooks() -> list[Hostile]:
    wrong = {"nbformat": 4, "nbformat_minor": 5, "cells": [{"cell_type": 7, "source": {"a": 1}}, 3]}
    return [
        Hostile(
            "outputs.ipynb",
            "outputs of 20 MB",
            lambda: notebook(("code", "1 + 1"), outputs=[{"text": "x" * 20 * _MB}]),
        ),
        Hostile("types.ipynb", "numbers where texts belong", lambda: json.dumps(wrong).encode()),
        Hostile("deep.ipynb", "a notebook 100,000 deep", lambda: b'{"cells":' + b"[" * 100_000),
        Hostile(
            "number.ipynb", "a number of a million digits", lambda: b'{"cells": %s}' % (b"9" * _MB)
        ),
    ]


def _texts() -> list[Hostile]:
    return [
        Hostile("line.csv", "one line of 20 MB", lambda: b"a," * (10 * _MB)),
        Hostile("zeros.txt", "words with zeros between", lambda: b"word\0" * 1000),
        Hostile(
            "terminal.log",
            "escapes for a terminal",
            lambda: b"\x1b[2J\x1b]52;c;ZXZpbA==\x07\x1b]0;title\x07 words\n" * 10,
        ),
        Hostile(
            "bidi.py", "words that turn round", lambda: "x = '\u202e\u2066evil\u2069'\n".encode()
        ),
        Hostile(
            "invalid.txt",
            "UTF-8 that is not",
            lambda: b"words \xc3\x28 \xf0\x28\x8c\x28 more\n" * 9,
        ),
        Hostile(
            "surrogates.txt",
            "halves of UTF-16 pairs",
            lambda: b"\xff\xfe" + b"".join(struct.pack("<H", 0xD800 + n) for n in range(500)),
        ),
        Hostile(
            "large.txt", "54 MB of text", lambda: b"a line of a large text\n" * (54 * _MB // 23)
        ),
        Hostile("zero.docx", "no byte at all", lambda: b""),
        Hostile("one.pdf", "one byte", lambda: b"%"),
        Hostile("one.bin", "one zero byte", lambda: b"\0"),
        Hostile("noise.dat", "noise", lambda: random.Random(7).randbytes(100_000)),
        Hostile("high.txt", "high bytes only", lambda: bytes(range(0x80, 0x100)) * 2000),
        Hostile("controls.txt", "control characters", lambda: bytes(range(1, 9)) * 500),
    ]


def _old_office() -> list[Hostile]:
    book = b"\x09\x08\x10\0\0\6\5\0" + bytes(5000)
    return [
        Hostile("locked.docx", "a locked document", lambda: ole({"EncryptedPackage": bytes(5000)})),
        Hostile("cut.xls", "an old workbook, cut short", lambda: _half(ole({"Workbook": book}))),
        Hostile("empty.xls", "an old workbook of zeros", lambda: ole({"Workbook": bytes(5000)})),
        Hostile("loop.msg", "a message whose parts run in a circle", _looping_ole),
        Hostile("old.doc", "a document of twenty years ago", lambda: ole({"WordDocument": b"x"})),
        Hostile("header.msg", "a beginning and nothing else", lambda: ole({})[:512]),
    ]


def _polyglots() -> list[Hostile]:
    return [
        Hostile(
            "both.pdf", "a PDF that is a zip too", lambda: pdf_of({}) + zip_of({"a.txt": "words"})
        ),
        Hostile("both.gif", "a picture that is a script too", lambda: b"GIF89a=1;alert(1)\n"),
        Hostile("both.html", "a page that is a PDF too", lambda: _html("words") + pdf_of({})),
        Hostile(
            "both.zip",
            "a zip after a program",
            lambda: b"MZ" + bytes(600) + zip_of({"a.txt": "words"}),
        ),
    ]


def _zeros(megabytes: int) -> bytes:
    return bytes(megabytes * _MB)


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _html(body: str) -> bytes:
    return f"<!DOCTYPE html><html><body>{body}</body></html>".encode()


def _nested_zip() -> bytes:
    inner = zip_of({f"{n}.txt": _zeros(1) for n in range(10)})
    for depth in range(10):
        inner = zip_of({f"{depth}-{n}.zip": inner for n in range(10)})
    return inner


def _many_entries() -> bytes:
    return zip_of({f"{n}.txt": b"x" for n in range(20_000)})


def _overlapping() -> bytes:
    """Return a zip whose directory names one body a thousand times."""
    whole = zip_of({"a.txt": _zeros(1)[:900_000]})
    start = whole.rfind(b"PK\1\2")
    end = whole.rfind(b"PK\5\6")
    directory = whole[start:end] * 1000
    tail = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1000, 1000, len(directory), start, 0)
    return whole[:start] + directory + tail


def _lying_zip() -> bytes:
    whole = bytearray(zip_of({"a.docx": _zeros(30)}))
    for mark, at in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        place = whole.find(mark) + at
        whole[place : place + 4] = struct.pack("<I", 1000)
    return bytes(whole)


def _locked_zip() -> bytes:
    whole = bytearray(zip_of({"a.txt": "words"}))
    whole[whole.find(b"PK\3\4") + 6] |= 1
    whole[whole.find(b"PK\1\2") + 8] |= 1
    return bytes(whole)


def _linked_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as container:
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = 0o120777 << 16
        container.writestr(link, "/etc/passwd")
    return out.getvalue()


def _other_methods() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as container:
        container.writestr("a.txt", _zeros(10), zipfile.ZIP_LZMA)
        container.writestr("b.txt", _zeros(10), zipfile.ZIP_BZIP2)
    return out.getvalue()


def _slow_docx(seed: int, paragraphs: int = 30_000) -> bytes:
    """Return a document that is slow to read and no bomb by its sizes."""
    chance = random.Random(seed)
    return docx_of(
        "".join(
            f"<w:p><w:r><w:t>{chance.getrandbits(64):x}</w:t></w:r></w:p>"
            for _ in range(paragraphs)
        )
    )


def _in_utf7(part: str) -> bytes:
    declaration, _, rest = part.partition("?>")
    coded = rest.replace("<!", "\x01").encode("ascii").replace(b"\x01", b"+ADwAIQ-")
    return declaration.replace("UTF-8", "UTF-7").encode() + b"?>" + coded


def _relation(kind: str, target: str, name: str) -> str:
    return (
        f'<Relationship Id="{name}" Type="{_OFFICE}/{kind}" Target="{target}" '
        'TargetMode="External"/>'
    )


def _linked_docx(kind: str, http: str, file: str) -> bytes:
    def rels(*inner: str) -> str:
        return f'<Relationships xmlns="{_RELATIONS}">{"".join(inner)}</Relationships>'

    a = "http://schemas.openxmlformats.org/drawingml/2006/main"
    pictures = "".join(
        f'<w:p><w:r><w:drawing><a:blip xmlns:a="{a}" r:link="{r}" r:embed="{r}"/>'
        "</w:drawing></w:r></w:p>"
        for r in ("p1", "p2")
    )
    return docx_of(
        pictures + "<w:p><w:r><w:t>words</w:t></w:r></w:p>",
        more={
            "word/_rels/document.xml.rels": rels(
                _relation("image", http, "p1"), _relation("image", file, "p2")
            ),
            "word/_rels/settings.xml.rels": rels(_relation("attachedTemplate", http, "t1")),
            "word/settings.xml": f'<w:settings xmlns:w="{_W}" xmlns:r="{_OFFICE}">'
            '<w:attachedTemplate r:id="t1"/></w:settings>',
            "word/kind.xml": f"<kind>{kind}</kind>",
        },
    )


def _looping_styles() -> bytes:
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="s{n}"><w:name w:val="s{n}"/>'
        f'<w:basedOn w:val="s{1 - n}"/></w:style>'
        for n in (0, 1)
    )
    relation = f'<Relationship Id="s1" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    return docx_of(
        '<w:p><w:pPr><w:pStyle w:val="s0"/></w:pPr><w:r><w:t>words</w:t></w:r></w:p>',
        more={
            "word/styles.xml": f'<w:styles xmlns:w="{_W}">{styles}</w:styles>',
            "word/_rels/document.xml.rels": f'<Relationships xmlns="{_RELATIONS}">{relation}'
            "</Relationships>",
        },
    )


_SLIDE = "ppt/slides/slide1.xml"


def _deck() -> bytes:
    return pptx(("Title", "words"))


def _part(whole: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(whole)) as container:
        return container.read(name).decode()


def _with_part(whole: bytes, name: str, part: str | None, *, wrap: bool = False) -> bytes:
    """Return a container with another part in place of one, or without it."""
    with zipfile.ZipFile(io.BytesIO(whole)) as container:
        parts: dict[str, bytes | str] = {n: container.read(n) for n in container.namelist()}
    if part is None:
        del parts[name]
    elif wrap:
        parts[name] = str(bytes(parts[name]).decode()).replace(  # type: ignore[arg-type]
            "</Relationships>", part + "</Relationships>"
        )
    else:
        parts[name] = part
    return zip_of(parts)


def _after_declaration(part: str, what: str) -> str:
    declaration, _, rest = part.partition("?>")
    return f"{declaration}?>{what}{rest.replace('Title', '&e;&h;')}"


def _groups() -> str:
    slide = _part(_deck(), _SLIDE)
    group = (
        '<p:grpSp><p:nvGrpSpPr><p:cNvPr id="9" name="g"/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr>'
        "<p:grpSpPr/>"
    )
    return slide.replace("</p:spTree>", group * 5000 + "</p:grpSp>" * 5000 + "</p:spTree>")


def _stream(data: bytes) -> bytes:
    packed = zlib.compress(data, 1)
    return b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed)


def _locked_pdf(good: dict[int, bytes]) -> bytes:
    lock = (
        b"<< /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <" + b"41" * 32 + b"> /U <"
        b"" + b"42" * 32 + b"> >>"
    )
    return pdf_of({**good, 9: lock}, trailer=b"/Encrypt 9 0 R /ID [<00112233> <00112233>]")


def _deep_pages(catalogue: bytes) -> dict[int, bytes]:
    found = {1: catalogue}
    for number in range(2, 5002):
        found[number] = b"<< /Type /Pages /Count 1 /Kids [%d 0 R] >>" % (number + 1)
    found[5002] = b"<< /Type /Page /MediaBox [0 0 9 9] >>"
    return found


def _bad_xref(whole: bytes) -> bytes:
    start = whole.rfind(b"startxref")
    return whole[:start] + b"startxref\n99999999\n%%EOF\n"


def _forms(one: dict[int, bytes]) -> dict[int, bytes]:
    """Return objects whose forms draw each other ten times over, ten levels down."""
    found = {
        **one,
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R "
        b"/Resources << /XObject << /F 10 0 R >> >> >>",
        4: _stream(b"/F Do"),
    }
    for number in range(10, 21):
        drawn = b"/F Do " * 10
        following = number + 1 if number < 20 else 10
        found[number] = (
            b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /F %d 0 R "
            b">> >> /Length %d >>\nstream\n%s\nendstream" % (following, len(drawn), drawn)
        )
    return found


def _looping_ole() -> bytes:
    whole = bytearray(ole({"__properties_version1.0": bytes(5000), "other": bytes(5000)}))
    table = len(whole) - 512
    # The first sector of the first stream follows itself.
    whole[table : table + 4] = struct.pack("<I", 0)
    return bytes(whole)
