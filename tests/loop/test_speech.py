"""Words out of a send_message call that is still being written."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lettafs.loop.speech import Speech
from lettafs.values.event import TextDelta, ToolCallDelta

MESSAGE_ID = "message-1"


def heard(pieces: list[str], *, tool: str = "send_message") -> str:
    speech = Speech("send_message")
    said = []
    for number, piece in enumerate(pieces):
        name = tool if number == 0 else ""
        shown = speech.feed(ToolCallDelta(MESSAGE_ID, 0, "call-1", name, piece))
        if shown is not None:
            assert isinstance(shown, TextDelta)
            assert shown.message_id == MESSAGE_ID
            said.append(shown.text)
    return "".join(said)


def escaped(text: str, how: list[int]) -> str:
    """Return a JSON string of the text, every character escaped in one of the allowed ways."""
    out = []
    for number, char in enumerate(text):
        plain = json.dumps(char, ensure_ascii=False)[1:-1]
        units = char.encode("utf-16-be", "surrogatepass")
        codes = "".join(f"\\u{units[i]:02x}{units[i + 1]:02X}" for i in range(0, len(units), 2))
        solidus = "\\/" if char == "/" else plain
        out.append((plain, codes, solidus)[how[number % len(how)] % 3] if how else plain)
    return f'"{"".join(out)}"'


@st.composite
def cut(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Return a text, and its send_message arguments cut at any places."""
    text = draw(st.text(max_size=40))
    value = escaped(text, draw(st.lists(st.integers(0, 2), max_size=5)))
    space = draw(st.sampled_from(["", " ", "\n  "]))
    before = draw(
        st.sampled_from(
            ["", '"request_heartbeat": false, ', '"thinking": "say \\"message\\": \\"no\\"", ']
        )
    )
    after = draw(st.sampled_from(["", ', "request_heartbeat": true', ' , "message_2": "no"']))
    whole = f'{{{space}{before}"message"{space}:{space}{value}{space}{after}}}'
    assert json.loads(whole)["message"] == text
    places = sorted(draw(st.sets(st.integers(0, len(whole)), max_size=30)))
    edges = [0, *places, len(whole)]
    return text, [whole[a:b] for a, b in zip(edges, edges[1:], strict=False)]


@settings(max_examples=150, deadline=None)
@given(cut())
def test_any_message_cut_anywhere_gives_exactly_its_text(case: tuple[str, list[str]]) -> None:
    text, pieces = case

    assert heard(pieces) == text


@given(st.text(max_size=30))
def test_one_character_at_a_time_gives_exactly_the_text(text: str) -> None:
    for ascii_only in (True, False):
        assert heard(list(json.dumps({"message": text}, ensure_ascii=ascii_only))) == text


@pytest.mark.parametrize(
    "arguments, said",
    [
        (r'{"message": "a\ud83d"}', "a\ufffd"),
        (r'{"message": "\ud83dab"}', "\ufffdab"),
        (r'{"message": "\ud83d\n!"}', "\ufffd\n!"),
        (r'{"message": "\ude00 b"}', "\ufffd b"),
        (r'{"message": "\uZZZZ b"}', "\ufffd b"),
        ('{"message": "broken off', "broken off"),
        ('{"message": 7}', ""),
        ('{"message": null, "other": "no"}', ""),
        ("{}", ""),
        ("not JSON", ""),
    ],
)
def test_broken_arguments_never_stop_the_words(arguments: str, said: str) -> None:
    assert heard([arguments]) == said
    assert heard(list(arguments)) == said


def test_other_calls_pass_through_unchanged() -> None:
    speech = Speech("send_message")
    first = ToolCallDelta(MESSAGE_ID, 0, "call-1", "memory_insert", '{"message": "x')
    more = ToolCallDelta(MESSAGE_ID, 0, "call-1", "", 'y"}')

    assert speech.feed(first) is first
    assert speech.feed(more) is more


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
        pieces, at = [], 0
        while at < len(text):
            size = chance.choice([1, 2, 5, 13])
            pieces.append(text[at : at + size])
            at += size

        assert heard(pieces) == arguments["message"]


def test_words_come_before_the_call_is_complete() -> None:
    pieces = ['{"message": "Hel', "lo\\", "n"]

    assert [heard(pieces[:count]) for count in (1, 2, 3)] == ["Hel", "Hello", "Hello\n"]
