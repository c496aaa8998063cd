"""Decoding: text comes out as it is written, whatever it is written in."""

from __future__ import annotations

import random

import pytest

from lettafs.index.convert.decode import decode
from lettafs.index.convert.failure import Failure
from lettafs.values.file import FileText

FRENCH = "Voilà une phrase naïve, déjà vue. L’été dernier, nous avons mangé à l'hôtel.\n"
ENGLISH = "It’s a “quoted” text – don’t worry. We’re fine, aren’t we? They’ve said so.\n"
GERMAN = "Die Straße führt über die Brücke, schön und groß.\n"
POLISH = "Zażółć gęślą jaźń, proszę państwa, dziękuję.\n"
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy.\n"
TURKISH = "Türkçe bir metin: güneş doğdu, ışık çoğaldı, şehir uyandı.\n"
RUSSIAN = "Привет, мир! Это простой текст на русском языке, который нужно прочитать.\n"
GREEK = "Καλημέρα κόσμε, αυτό είναι ένα απλό κείμενο στα ελληνικά.\n"
CHINESE = "这是一个简单的中文文本，用来测试编码检测。我们希望它能够正确识别，并且不会出错。\n"
TRADITIONAL = "這是一個簡單的中文文字，用來測試編碼偵測。我們希望它能夠正確辨識，並且不會出錯。\n"
JAPANESE = "これは日本語の文章です。文字コードを正しく判定できるかどうかを確認します。\n"
NAMES = "名前,年齢,住所\r\n佐藤太郎,30,東京\r\n三木英子,25,大阪\r\n"
KOREAN = "이것은 간단한 한국어 텍스트입니다. 인코딩을 올바르게 감지하는지 확인합니다.\n"


@pytest.mark.parametrize("times", [1, 30])
@pytest.mark.parametrize(
    "text, encoding",
    [
        ("naïve déjà\n", "latin-1"),
        (FRENCH, "cp1252"),
        (ENGLISH, "cp1252"),
        (GERMAN, "cp1252"),
        ("Name;Straße;Ort\nMüller;Hauptstr. 1;München\n", "cp1252"),
        ("// Größe\nint main() { return 0; }\n", "cp1252"),
        (POLISH, "cp1250"),
        (CZECH, "cp1250"),
        (TURKISH, "cp1254"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "cp866"),
        (GREEK, "cp1253"),
        (CHINESE, "gb18030"),
        (CHINESE, "utf-16-le"),
        (TRADITIONAL, "big5"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "iso2022_jp"),
        (JAPANESE, "utf-16-be"),
        (NAMES, "cp932"),
        (KOREAN, "euc_kr"),
        ("plain words\n", "utf-16-le"),
        (RUSSIAN, "utf-16-be"),
    ],
)
def test_text_in_another_encoding_is_read_and_the_note_says_so(
    text: str, encoding: str, times: int
) -> None:
    found = decode(text.encode(encoding) * times, kind="text")

    assert isinstance(found, FileText)
    assert found.text == text * times
    assert found.note.startswith("It ") and found.note.endswith(".")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_no_part_of_the_text(encoding: str) -> None:
    found = decode(GERMAN.encode(encoding), kind="markdown")

    assert isinstance(found, FileText)
    assert (found.text, found.kind) == (GERMAN, "markdown")


def test_utf8_is_taken_as_it_is_line_ends_and_all() -> None:
    text = "one\r\ntwo\rthree\n\n  Ünï \x1b[1mbold\x1b[0m\fpage\n"

    assert decode(text.encode(), kind="code") == FileText(text, kind="code")


def test_a_few_bytes_that_are_not_utf8_cost_only_themselves() -> None:
    data = (GERMAN * 20).encode() + b"\xff broken \xc3"

    found = decode(data, kind="text")

    assert isinstance(found, FileText)
    assert found.text == GERMAN * 20 + "\ufffd broken \ufffd"
    assert "not" in found.note


def test_a_text_that_is_too_long_is_cut_at_the_end_of_a_line() -> None:
    found = decode(b"0123456789\n" * 10, kind="text", text_chars=35)

    assert isinstance(found, FileText)
    assert found.text == "0123456789\n" * 3
    assert found.note == "Only the first 33 of 110 characters are here."


@pytest.mark.parametrize("data", [b"", b"\n\n \t\r\n", "\ufeff".encode()])
def test_a_file_without_text_says_that_it_is_empty(data: bytes) -> None:
    found = decode(data, kind="text")

    assert isinstance(found, Failure) and found.is_empty


@pytest.mark.parametrize(
    "data", [b"words\0words", bytes(range(1, 9)) * 9, random.Random(3).randbytes(5000)]
)
def test_what_is_no_text_is_refused(data: bytes) -> None:
    found = decode(data, kind="text")

    assert isinstance(found, Failure)
    assert (found.code, found.is_empty) == ("unsupported", False)
