from __future__ import annotations

import json

from lettafs.cli.options import columns, json_text, text_in
from lettafs.values.history import BlockChange


def test_columns_are_aligned_and_end_without_blanks() -> None:
    assert columns([("a", "1", "x"), ("bbb", "22", "")], right=(1,)) == ["a     1  x", "bbb  22"]
    assert columns([]) == []


def test_json_holds_everything_and_shows_nothing_that_steers_a_terminal() -> None:
    value = {"text": "é\x1b[2J\x9b\u202e\x7f", "change": BlockChange("a", None, "b")}

    text = json_text(value)

    assert json.loads(text) == {
        "text": "é\x1b[2J\x9b\u202e\x7f",
        "change": {"label": "a", "before": None, "after": "b"},
    }
    assert "é" in text
    assert not set(text) & set("\x1b\x9b\u202e\x7f")


def test_argument_bytes_that_are_no_text_become_replacement_characters() -> None:
    assert text_in(b"caf\xc3\xa9 \xff".decode("utf-8", "surrogateescape")) == "café \ufffd"


def test_ordinary_arguments_stay_as_they_are() -> None:
    assert text_in("你好 👋") == "你好 👋"
