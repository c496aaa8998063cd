"""Journal lines: framed with a checksum, read whatever happened to them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable

import pytest

from lettafs.errors import UsageProblem
from lettafs.format.jsonl import MAX_LINE_BYTES, frame, unframe, whole_length

RECORD = {"seq": 1, "type": "note", "text": "Grüße\u2028\n\t{}", "n": [1, 2.5, None, True]}


def test_line_is_json_in_utf8_with_the_checksum_last() -> None:
    line = frame(RECORD)
    body = '{"seq":1,"type":"note","text":"Grüße\u2028\\n\\t{}","n":[1,2.5,null,true]}'.encode()
    assert line == body[:-1] + b',"crc":"%08x"}\n' % zlib.crc32(body)
    assert list(json.loads(line))[-1] == "crc"


def test_line_reads_back_as_it_was_written() -> None:
    for line in (frame(RECORD), frame(RECORD).removesuffix(b"\n")):
        found = unframe(line, path="recall/000001.jsonl", line_no=1)
        assert (found.record, found.problem, found.edited) == (RECORD, None, False)


def test_halves_of_characters_are_joined_or_replaced() -> None:
    line = frame({"a": "\ud83d\ude00 \ud83d x \ude00", "\ud800": ["\udfff"]})
    found = unframe(line, path="", line_no=1)
    assert found.record == {"a": "😀 \ufffd x \ufffd", "\ufffd": ["\ufffd"]}
    assert not found.edited
    escaped = unframe(b'{"a":[{"b":"\\ud83d\\ude00 \\ud83d"}]}', path="", line_no=1)
    assert escaped.record == {"a": [{"b": "😀 \ufffd"}]}


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace(b"note", b"nota"),
        lambda line: line.replace(b"\n", b"\r\n"),
        lambda line: b"\xef\xbb\xbf" + line,
        lambda line: line.replace(b'"seq":1', b'"seq": 1'),
        lambda line: line[: line.index(b',"crc"')] + b"}\n",
        lambda line: line[:-11] + line[-11:].upper(),
    ],
)
def test_line_changed_by_hand_is_used_and_known_for_it(
    change: Callable[[bytes], bytes],
) -> None:
    line = frame({"seq": 1, "type": "note", "b": 1})
    assert b'"crc":"28942f1d"' in line  # Letters, so that their case can be changed.
    found = unframe(change(line), path="", line_no=1)
    assert found.record is not None and "crc" not in found.record
    assert found.edited and found.problem is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "it is not JSON"),
        (b"\n", "it is not JSON"),
        (b'{"a":1', "it is not JSON"),
        (b'{"a":1} x', "it is not JSON"),
        (b'{"a":"\xff"}', "it is not UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "it is not UTF-8"),
        (b"[1]", "it is not a JSON object"),
        (b'{"a":1,"a":2}', "a key stands twice"),
        (b'{"x":{"a":1,"a":2}}', "a key stands twice"),
        (b'{"a":NaN}', "NaN is not JSON"),
        (b'{"a":-Infinity}', "-Infinity is not JSON"),
        (b'{"a":1e999}', "a number in it is too large"),
        (b'{"a":' + b"9" * 5000 + b"}", "a number in it is too long"),
        (b'{"a":' + b"[" * 200_000, "it is nested too deeply"),
        (b'{"a":' + b"[" * 100 + b"]" * 100 + b"}", "it is nested too deeply"),
        (b"\0" * 4096, "it is not JSON"),
    ],
)
def test_line_that_is_no_record_is_a_problem_with_its_place(line: bytes, reason: str) -> None:
    found = unframe(line, path="recall/000002.jsonl", line_no=7)
    assert found.record is None and found.edited and found.problem is not None
    assert found.problem.code == "damaged-line"
    assert str(found.problem).startswith(f"recall/000002.jsonl:7: the line is damaged: {reason}")


def test_brackets_in_text_are_no_depth() -> None:
    record = {"a": "[" * 5000, "b": [[]] * 200}
    assert unframe(frame(record), path="", line_no=1).record == record


def test_record_that_is_too_long_is_neither_written_nor_read() -> None:
    with pytest.raises(UsageProblem, match="too long"):
        frame({"a": "x" * MAX_LINE_BYTES})
    found = unframe(b"x" * (MAX_LINE_BYTES + 1), path="", line_no=1)
    assert found.problem is not None and found.problem.code == "too-large"


def test_every_cut_of_a_segment_leaves_its_whole_lines() -> None:
    lines = [frame({"seq": number, "text": "x" * number}) for number in range(1, 6)]
    data = b"".join(lines)
    ends = [0]
    for line in lines:
        ends.append(ends[-1] + len(line))
    for cut in range(len(data) + 1):
        if cut + 1 in ends:  # whole but for its line feed
            assert whole_length(data[:cut]) == cut
        else:
            assert whole_length(data[:cut]) == max(end for end in ends if end <= cut)


@pytest.mark.parametrize(
    "tail", [b"{", b'{"seq":3', b"garbage\n", b"\n", b"\0" * 512, b"\0" * 512 + b"\n", b"a\nb\nc"]
)
def test_torn_tail_is_measured_off(tail: bytes) -> None:
    data = frame({"seq": 1}) + frame({"seq": 2})
    assert whole_length(data + tail) == len(data)


def test_damage_in_the_middle_is_no_torn_tail() -> None:
    data = frame({"seq": 1}) + b"garbage\n" + frame({"seq": 3})
    assert whole_length(data) == len(data)


def test_last_line_edited_by_hand_is_whole() -> None:
    data = frame({"seq": 1}) + b'{"seq": 2}\r\n'
    assert whole_length(data) == len(data)
