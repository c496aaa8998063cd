"""The picture of a chat is what the program shows today."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.chat_recording import PICTURE, as_svg, record, words_of_screen, words_of_svg


@pytest.mark.timeout(300)
@pytest.mark.skipif(shutil.which("tmux") is None, reason="records in tmux, which is not here")
def test_picture_of_a_chat_is_what_a_terminal_shows(tmp_path: Path) -> None:
    words = words_of_svg(PICTURE.read_text(encoding="utf-8"))
    recorded = words_of_screen(record(tmp_path))
    assert words == recorded[:-1], (
        "docs/chat.svg is out of date: python -m tests.support.chat_recording"
    )


def test_a_picture_gives_its_words_back() -> None:
    screen = "\x1b[1m> \x1b[0mHello, <Kim> & co\n\n· saved as 0123abc\n  + indented\n$ "
    words = ["> Hello, <Kim> & co", "· saved as COMMIT", "  + indented"]
    assert words_of_svg(as_svg(screen)) == words


def test_picture_loads_nothing() -> None:
    picture = PICTURE.read_text(encoding="utf-8")
    assert "url(http" not in picture
    assert "@font-face" not in picture
