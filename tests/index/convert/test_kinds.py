"""Kinds: bytes decide, names among texts."""

from __future__ import annotations

import gzip

import pytest

from lettafs.index.convert.kinds import kind_of
from tests.support.documents import docx, epub_of, notebook, ole, pdf_of, pptx, rss, xlsx, zip_of

OPEN = zip_of({"mimetype": "application/vnd.oasis.opendocument.text"})
HTML = b"\n<!-- made by hand -->\n<!DOCTYPE html>\n<html><body>x</body></html>"


@pytest.mark.parametrize(
    "name, data, kind, way",
    [
        ("a.txt", b"words\n", "text", "decode"),
        ("a.py", b"import os\n", "code", "decode"),
        ("a.unheard-of", b"words\n", "text", "decode"),
        ("run", b"#!/bin/sh\necho\n", "code", "decode"),
        ("deep/Makefile", b"all:\n", "code", "decode"),
        (".bashrc", b"alias a=b\n", "code", "decode"),
        ("README", b"words\n", "text", "decode"),
        ("a.MD", b"# A\n", "markdown", "decode"),
        ("a.tsv", b"a\tb\n", "table", "decode"),
        ("a.json", b"{}", "code", "decode"),
        ("a.jsonl", b"{}\n", "text", "decode"),
        ("a.xml", b"<?xml version='1.0'?><note/>", "code", "decode"),
        ("a.xml", rss(("t", "x")), "rss", "convert"),
        ("a.html", b"words", "html", "convert"),
        ("noname", HTML, "html", "convert"),
        ("a.py", HTML, "code", "decode"),
        ("a.ipynb", notebook(("code", "1")), "ipynb", "convert"),
        ("a.ipynb", b"words", "text", "decode"),
        ("a.txt", "words\n".encode("utf-16"), "text", "decode"),
        ("a.txt", "слова и слова\n".encode("utf-16-le"), "text", "decode"),
        ("a.txt", "这是一个中文文本。\n".encode("utf-16-be"), "text", "decode"),
        ("a.docx", docx("x"), "docx", "convert"),
        ("noname", docx("x"), "docx", "convert"),
        ("a.txt", pptx(("t", "x")), "pptx", "convert"),
        ("a.zip", xlsx({"A": [[1]]}), "xlsx", "convert"),
        ("a.bin", epub_of({"a.xhtml": "x"}), "epub", "convert"),
        ("a.zip", zip_of({"a.txt": "x", "b.docx": docx("x")}), "zip", "convert"),
        ("a.docx", zip_of({"a.txt": "x"}), "docx", "convert"),
        ("a.txt", pdf_of({}), "pdf", "convert"),
        ("a.pdf", b"\r\n junk " + pdf_of({1: b"<< >>"}), "pdf", "convert"),
        ("how.md", b"A PDF begins with %PDF-1.7\n", "markdown", "decode"),
        ("a.msg", ole({"__properties_version1.0": b""}), "msg", "convert"),
        ("a.doc", ole({"WordDocument": b""}), "doc", "none"),
        ("a", ole({"Workbook": b""}), "xls", "convert"),
        ("a.docx", b"\x89PNG\r\n\x1a\n" + bytes(9), "image", "none"),
        ("a.jpg", b"\xff\xd8\xff\xe0" + bytes(9), "image", "none"),
        ("a.txt", b"MZ\x90\0" + bytes(99), "binary", "none"),
        ("MZ.txt", b"MZ is how programs begin\n", "text", "decode"),
        ("a.mp3", b"ID3\3" + bytes(9), "audio", "none"),
        ("a.mp4", b"\0\0\0\x18ftypisom" + bytes(9), "video", "none"),
        ("a.csv", gzip.compress(b"a,b", mtime=0), "archive", "none"),
        ("a.odt", OPEN, "opendocument", "none"),
        ("a.rtf", b"{\\rtf1 words}", "rtf", "none"),
        ("a.dat", bytes(range(256)), "binary", "none"),
        ("a.txt", b"", "text", "decode"),
    ],
)
def test_a_files_kind_is_told_by_its_bytes_and_then_by_its_name(
    name: str, data: bytes, kind: str, way: str
) -> None:
    found = kind_of(name, data[: 64 * 1024])

    assert (found.name, found.way) == (kind, way)
    assert bool(found.reason) == (way == "none")
