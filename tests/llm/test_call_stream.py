"""Tool calls from fragments, as a dozen servers send them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lettafs.llm.call_stream import CallFragment as F
from lettafs.llm.call_stream import CallStream, arguments_object
from lettafs.values.event import ToolCallDelta
from lettafs.values.message import ToolCall

Shape = tuple[str, str]

# What a server sends, and the calls (name, arguments) it means.
TRAPS: dict[str, tuple[list[F], list[Shape]]] = {
    "as the protocol says": (
        [F(0, "a", "f"), F(0, arguments='{"x"'), F(0, arguments=": 1}")],
        [("f", '{"x": 1}')],
    ),
    "two calls by index": (
        [F(0, "a", "f", "{}"), F(1, "b", "g", '{"y":'), F(1, arguments=" 2}")],
        [("f", "{}"), ("g", '{"y": 2}')],
    ),
    "two calls whose fragments alternate": (
        [F(0, "a", "f"), F(1, "b", "g"), F(0, arguments="{"), F(1, arguments="{")]
        + [F(0, arguments="}"), F(1, arguments="}")],
        [("f", "{}"), ("g", "{}")],
    ),
    "no id at all": (
        [F(0, "", "f", "{"), F(0, arguments="}")],
        [("f", "{}")],
    ),
    "one index for every call, told apart by id": (
        [F(0, "a", "f", '{"x": 1}'), F(0, "b", "f", '{"x": 2}')],
        [("f", '{"x": 1}'), ("f", '{"x": 2}')],
    ),
    "one index for every call, told apart by name": (
        [F(0, "", "f", "{"), F(0, arguments="}"), F(0, "", "g", "{}")],
        [("f", "{}"), ("g", "{}")],
    ),
    "one index, no ids, the same tool twice, each whole": (
        [F(0, "", "f", '{"x": 1}'), F(0, "", "f", '{"x": 2}')],
        [("f", '{"x": 1}'), ("f", '{"x": 2}')],
    ),
    "one index, ids, later fragments with an empty id": (
        [F(0, "a", "f"), F(0, "", "", '{"x": 1}'), F(0, "b", "g"), F(0, "", "", "{}")],
        [("f", '{"x": 1}'), ("g", "{}")],
    ),
    "no index, each whole": (
        [F(None, "", "f", '{"x": 1}'), F(None, "", "f", '{"x": 2}')],
        [("f", '{"x": 1}'), ("f", '{"x": 2}')],
    ),
    "no index, in pieces": (
        [F(None, "a", "f"), F(None, arguments="{"), F(None, arguments="}"), F(None, "b", "g")],
        [("f", "{}"), ("g", "{}")],
    ),
    "id and name repeated on every fragment": (
        [F(0, "a", "f", "{"), F(0, "a", "f", '"x": 1'), F(0, "a", "f", "}")],
        [("f", '{"x": 1}')],
    ),
    "id and name repeated after the call is whole": (
        [F(0, "a", "f", "{}"), F(0, "a", "f", "")],
        [("f", "{}")],
    ),
    "name repeated on every fragment, no id": (
        [F(0, "", "f", "{"), F(0, "", "f", '"x": 1'), F(0, "", "f", "}")],
        [("f", '{"x": 1}')],
    ),
    "a fresh id on every fragment": (
        [F(0, "a", "f", "{"), F(0, "b", "", '"x": 1'), F(0, "c", "", "}")],
        [("f", '{"x": 1}')],
    ),
    "empty names after the first": (
        [F(0, "a", "f", ""), F(0, "a", "", "{"), F(0, "a", "", "}")],
        [("f", "{}")],
    ),
    "id first, name later": (
        [F(0, "a"), F(0, "", "f"), F(0, arguments="{}")],
        [("f", "{}")],
    ),
    "arguments before the name": (
        [F(0, "a", "", "{"), F(0, "", "f", "}")],
        [("f", "{}")],
    ),
    "no arguments at all": ([F(0, "a", "f")], [("f", "{}")]),
    "indices that begin at one": ([F(1, "a", "f", "{}"), F(2, "b", "g", "{}")],)
    + ([("f", "{}"), ("g", "{}")],),
    "a call without a name": ([F(0, "a", "", "{}"), F(1, "b", "g", "{}")], [("g", "{}")]),
    "nothing in a fragment": ([F(0), F(None), F(0, "a", "f", "{}"), F(0)], [("f", "{}")]),
    "arguments that are not JSON": ([F(0, "a", "f", "{x: 1}")], [("f", "{x: 1}")]),
    "forty calls": (
        [F(i, f"c{i}", "f", f'{{"i": {i}}}') for i in range(40)],
        [("f", f'{{"i": {i}}}') for i in range(40)],
    ),
}


def played(fragments: list[F]) -> tuple[tuple[ToolCall, ...], list[ToolCallDelta]]:
    stream = CallStream("message-1")
    deltas = [delta for fragment in fragments for delta in stream.feed(fragment)]
    return stream.calls(only_complete=False), deltas


@pytest.mark.parametrize("trap", TRAPS)
def test_calls_are_what_the_server_meant(trap: str) -> None:
    fragments, expected = TRAPS[trap]
    calls, _ = played(fragments)
    assert [(call.name, call.arguments) for call in calls] == expected


@pytest.mark.parametrize("trap", TRAPS)
def test_ids_are_there_and_distinct(trap: str) -> None:
    calls, _ = played(TRAPS[trap][0])
    assert all(call.id for call in calls)
    assert len({call.id for call in calls}) == len(calls)


@pytest.mark.parametrize("trap", TRAPS)
def test_deltas_add_up_to_the_calls(trap: str) -> None:
    calls, deltas = played(TRAPS[trap][0])
    first: dict[int, ToolCallDelta] = {}
    arguments: dict[int, str] = {}
    for delta in deltas:
        if delta.index not in first:
            assert delta.name, "the first delta of a call names it"
            first[delta.index] = delta
        else:
            assert not delta.name
        assert delta.call_id == first[delta.index].call_id
        arguments[delta.index] = arguments.get(delta.index, "") + delta.arguments
    shown = [
        (first[index].call_id, first[index].name, arguments[index] or "{}")
        for index in sorted(first)
    ]
    assert shown == [(call.id, call.name, call.arguments) for call in calls]


def test_ids_of_the_server_are_kept() -> None:
    calls, _ = played([F(0, "call_x", "f", "{}"), F(1, "call_y", "g", "{}")])
    assert [call.id for call in calls] == ["call_x", "call_y"]


def test_id_given_twice_is_replaced_for_the_second_call() -> None:
    calls, _ = played([F(0, "same", "f", "{}"), F(1, "same", "g", "{}")])
    assert calls[0].id == "same"
    assert calls[1].id.startswith("call_")


def test_made_up_ids_are_the_same_in_a_replay_and_differ_between_messages() -> None:
    def made_up(message_id: str) -> str:
        stream = CallStream(message_id)
        stream.feed(F(0, "", "f", "{}"))
        return stream.calls(only_complete=False)[0].id

    assert made_up("message-1") == made_up("message-1")
    assert made_up("message-1") != made_up("message-2")


def test_incomplete_call_of_a_shortened_reply_is_left_out() -> None:
    stream = CallStream("message-1")
    for fragment in [F(0, "a", "f", "{}"), F(1, "b", "g", '{"x": "unfin')]:
        stream.feed(fragment)
    assert [call.name for call in stream.calls(only_complete=True)] == ["f"]
    assert [call.name for call in stream.calls(only_complete=False)] == ["f", "g"]


def test_arguments_that_are_no_object_are_wrapped_for_the_wire() -> None:
    assert arguments_object('{"a": 1}') == {"a": 1}
    for text in ("", "{a: 1}", "[1]", "null", "[" * 100_000):
        assert arguments_object(text) == {"_unparsed": text}


def test_arguments_for_the_wire_can_be_encoded() -> None:
    assert arguments_object('{"a": "\\ud83d", "\\ude00": [1.5]}') == {
        "a": "\N{REPLACEMENT CHARACTER}",
        "\N{REPLACEMENT CHARACTER}": [1.5],
    }
    assert arguments_object('{"a": "\\ud83d\\ude00"}') == {"a": "\N{GRINNING FACE}"}
    assert arguments_object("{a: '\ud83d'}") == {"_unparsed": "{a: '\N{REPLACEMENT CHARACTER}'}"}
    for text in ('{"a": NaN}', '{"a": [-Infinity]}', '{"a": 1e999}'):
        assert arguments_object(text) == {"_unparsed": text}


@pytest.mark.parametrize(
    ("repeated_id", "repeated_name"), [("", ""), ("a", "f"), ("", "f"), (None, "")]
)
def test_long_arguments_in_small_pieces_are_not_parsed_over_and_over(
    monkeypatch: pytest.MonkeyPatch, repeated_id: str | None, repeated_name: str
) -> None:
    arguments = json.dumps({"content": "x + {y}\n" * 1_000})
    pieces = [arguments[at : at + 4] for at in range(0, len(arguments), 4)]
    parsed_chars = 0
    loads = json.loads

    def counted(text: str) -> Any:
        nonlocal parsed_chars
        parsed_chars += len(text)
        return loads(text)

    stream = CallStream("message-1")
    stream.feed(F(0, "a", "f"))
    monkeypatch.setattr(json, "loads", counted)
    for number, piece in enumerate(pieces):
        # None: a server that makes up an id for every fragment.
        fragment_id = f"id-{number}" if repeated_id is None else repeated_id
        stream.feed(F(0, fragment_id, repeated_name, piece))
    monkeypatch.undo()

    assert [call.arguments for call in stream.calls(only_complete=True)] == [arguments]
    assert parsed_chars <= 2 * len(arguments)
