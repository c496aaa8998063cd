"""Server-sent events, cut anywhere."""

from __future__ import annotations

import pytest

from lettafs.llm.sse import ServerEvent, SseDecoder


def decode(*chunks: bytes) -> list[ServerEvent]:
    decoder = SseDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)] + decoder.finish()


CASES: list[tuple[bytes, list[ServerEvent]]] = [
    (b"data: a\n\ndata: b\n\n", [ServerEvent("a"), ServerEvent("b")]),
    (b"data:a\r\n\r\ndata: b\r\n\r\n", [ServerEvent("a"), ServerEvent("b")]),
    (b"data: a\r\ndata: b\r\n\r\n", [ServerEvent("a\nb")]),
    (b"data: a\r\rdata: b\r\r", [ServerEvent("a"), ServerEvent("b")]),
    (b": keep-alive\n\ndata: a\n\n", [ServerEvent("a")]),
    (b"event: error\ndata: {}\nid: 7\nretry: 9\n\n", [ServerEvent("{}", "error")]),
    (b"data: a\ndata: b\n\n", [ServerEvent("a\nb")]),
    (b"data:  two blanks\n\n", [ServerEvent(" two blanks")]),
    (b"\n\n\n", []),
    (b"event: lonely\n\n", []),
    (b"data: last", [ServerEvent("last")]),
    (b"data: a\n\ndata: [DONE]", [ServerEvent("a"), ServerEvent("[DONE]")]),
    ("data: é\u2028\x85 ü\n\n".encode(), [ServerEvent("é\u2028\x85 ü")]),
    (b"data: \xff\xfe\n\n", [ServerEvent("\ufffd\ufffd")]),
    (b"<html>\n</html>\n", []),
]


@pytest.mark.parametrize("raw, events", CASES)
def test_events_are_the_same_wherever_the_bytes_are_cut(
    raw: bytes, events: list[ServerEvent]
) -> None:
    assert decode(raw) == events
    assert decode(*[raw[at : at + 1] for at in range(len(raw))]) == events
    for at in range(len(raw) + 1):
        assert decode(raw[:at], raw[at:]) == events


def test_event_is_given_as_soon_as_it_is_whole() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\n") == []
    assert decoder.feed(b"\n") == [ServerEvent("a")]
