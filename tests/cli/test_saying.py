from __future__ import annotations

import json
import random

import pytest

from lettafs.cli.saying import Saying, said


@pytest.mark.parametrize(
    "arguments",
    [
        {"message": "Hello"},
        {
            "thinking": "they greet",
            "message": 'A "quote", a \\ and\na line',
            "request_heartbeat": False,
        },
        {"message": ""},
        {"message": "emoji 👩‍👩‍👧 and 你好", "list": ["message", {"message": "not this"}]},
        {"nested": {"message": "not this"}, "message": "this", "x": [1, {"y": "message"}]},
        {"thinking": "message", "message": "after a value that is the key's name"},
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_words_arrive_whole_however_the_arguments_are_split(
    arguments: dict[str, object], ascii_only: bool
) -> None:
    text = json.dumps(arguments, ensure_ascii=ascii_only, indent=1)
    chance = random.Random(7)
    for _ in range(30):
        saying, words, at = Saying(), "", 0
        while at < len(text):
            size = chance.choice([1, 2, 5, 13])
            words += saying.feed(text[at : at + size])
            at += size

        assert words == arguments["message"] == said(text)


def test_words_come_before_the_call_is_complete() -> None:
    saying = Saying()

    assert saying.feed('{"message": "Hel') == "Hel"
    assert saying.feed("lo\\") == "lo"
    assert saying.feed("n") == "\n"


def test_arguments_that_are_not_json_say_nothing() -> None:
    assert said("{broken") is None
    assert said('["message"]') is None
    assert said('{"message": 3}') is None
    assert said("[" * 100_000) is None
