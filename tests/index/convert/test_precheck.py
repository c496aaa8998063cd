"""Containers are looked into before anything reads them."""

from __future__ import annotations

import time

import pytest

from lettafs.index.convert.failure import Failure
from lettafs.index.convert.limits import Limits
from lettafs.index.convert.precheck import check_container, check_xml, inside_of
from tests.support.documents import docx, docx_of, epub_of, pptx, rss, xlsx, zip_of


def nested(depth: int) -> bytes:
    return docx_of("<w:p>" * depth + "</w:p>" * depth)


@pytest.mark.parametrize(
    "data, kind",
    [
        (docx("words", [["a", "b"]]), "docx"),
        (pptx(("Title", "words~notes")), "pptx"),
        (xlsx({"One": [[1, "a"]]}), "xlsx"),
        (epub_of({"a.xhtml": "<p>words</p>"}), "epub"),
        (zip_of({"a.txt": "words"}), "zip"),
    ],
)
def test_a_plain_document_passes_and_is_known(data: bytes, kind: str) -> None:
    assert inside_of(data, promised="zip") == kind
    assert check_container(data, kind=kind, limits=Limits()) is None


@pytest.mark.parametrize(
    "data, limits, code",
    [
        (nested(300), Limits(), "nested"),
        (docx_of("<w:p/>" * 500), Limits(xml_elements=300), "nested"),
        (docx_of("a" * 3_000_000), Limits(), "bomb"),
        (docx("words"), Limits(unpacked_bytes=100), "bomb"),
        (docx("words"), Limits(entries=2), "bomb"),
        (docx_of('<?xml version="1.0"?><!DOCTYPE a><a/>'), Limits(), "unsafe"),
        (docx_of(b"\xff\xfe" + "<!DOCTYPE a><a/>".encode("utf-16-le")), Limits(), "damaged"),
        (docx("words")[:-30], Limits(), "damaged"),
    ],
)
def test_what_breaks_a_limit_is_refused_at_once(data: bytes, limits: Limits, code: str) -> None:
    start = time.process_time()
    found = check_container(data, kind="docx", limits=limits)

    assert isinstance(found, Failure)
    assert time.process_time() - start < 2
    assert found.code == code or (code == "damaged" and found.code == "unsafe")


def test_depth_that_is_allowed_passes() -> None:
    assert check_container(nested(150), kind="docx", limits=Limits()) is None


def test_entities_of_a_feed_are_refused_and_a_plain_feed_passes() -> None:
    laughs = '<!DOCTYPE rss [<!ENTITY a "ha">]>'

    found = check_xml(rss(("t", "&a;"), before=laughs), limits=Limits())

    assert isinstance(found, Failure) and found.code == "unsafe"
    assert check_xml(rss(("t", "x")), limits=Limits()) is None
