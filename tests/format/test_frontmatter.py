"""A block's file: the value byte for byte, the header strictly, edits in place."""

from __future__ import annotations

import hashlib
import time

import pytest

from lettafs.errors import BlockProblem
from lettafs.format.frontmatter import (
    MAX_BLOCK_BYTES,
    parse_block,
    render_block,
    with_key,
    with_value,
)
from lettafs.values.block import DEFAULT_LIMIT_CHARS, Block
from lettafs.values.problem import Problem

PATH = "memory/human.md"

COMMENTED = b"""---
# who they are
description: about them  # short
limit: 20_000
tags:
- a
- b

# after the tags
read_only: false
notes: |
  first

  second

# last
---
They like tea.
"""


def block(data: bytes, path: str = PATH) -> Block:
    found = parse_block(data, path=path)
    assert isinstance(found, Block), found
    return found


def problem(data: bytes, path: str = PATH) -> Problem:
    found = parse_block(data, path=path)
    assert isinstance(found, Problem), found
    return found


def test_file_without_header_is_all_value() -> None:
    found = block(b"They like tea.")
    assert (found.label, found.value, found.limit_chars) == (
        "human",
        "They like tea.",
        DEFAULT_LIMIT_CHARS,
    )
    assert found.path == PATH
    assert found.sha256 == hashlib.sha256(b"They like tea.").hexdigest()


def test_example_of_the_format_page_reads_as_the_page_says() -> None:
    data = (
        b"---\ndescription: What I know about the person I talk to.\nlimit: 20000\n"
        b"read_only: false\n---\nThe human's name is Chad. They like vibe coding.\n"
    )
    found = block(data)
    assert found.value == "The human's name is Chad. They like vibe coding.\n"
    assert found.description == "What I know about the person I talk to."
    assert not found.read_only


def test_header_says_label_limits_and_keeps_other_keys_as_text() -> None:
    found = block(COMMENTED)
    assert found.description == "about them"
    assert found.limit_chars == 20_000
    assert dict(found.extra) == {"tags": "- a\n- b", "notes": "first\n\nsecond\n"}
    assert list(found.extra) == ["tags", "notes"]
    assert block(b"---\nlabel: a:b\n---\n").label == "a:b"


def test_scalars_stay_text_whatever_they_look_like() -> None:
    found = block(b"---\ndescription: no\na: 12:30:00\nb: ~\nc: 0x10\nd: 2026-01-01\ne:\n---\n")
    assert found.description == "no"
    assert dict(found.extra) == {"a": "12:30:00", "b": "~", "c": "0x10", "d": "2026-01-01", "e": ""}


@pytest.mark.parametrize(
    ("header", "description"),
    [
        ("description: >\n  folded\n  text\n", "folded text\n"),
        ("description: |-\n  literal\n   text\n", "literal\n text"),
        ('description: "a\\tb"\n', "a\tb"),
        ("{description: in braces, limit: 5}\n", "in braces"),
        ("# nothing\n", ""),
        ("", ""),
    ],
)
def test_ways_of_writing_a_header_are_all_read(header: str, description: str) -> None:
    assert block(f"---\n{header}---\nx".encode()).description == description


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_of_the_header_are_no_part_of_the_value(end: str) -> None:
    data = f"---{end}description: d{end}---{end}one{end}two".encode()
    found = block(data)
    assert (found.description, found.value) == ("d", f"one{end}two")


def test_closing_line_may_be_the_last_without_a_line_feed() -> None:
    data = b"---\ndescription: d\n---"
    assert (block(data).description, block(data).value) == ("d", "")
    assert with_value(data, "x") == b"---\ndescription: d\n---\nx"
    assert with_value(data, "") == data


def test_first_line_without_a_closing_one_is_value() -> None:
    assert block(b"---\ndescription: d\n").value == "---\ndescription: d\n"
    assert block(b"--- \nx: y\n---\n").value == "--- \nx: y\n---\n"


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (b"\xff", "encoding", 1),
        (b"a\nb\n\xe9t\xe9", "encoding", 3),
        (b"\xef\xbb\xbfx", "encoding", 1),
        (b"a\n\0", "encoding", 2),
        (b"x" * (MAX_BLOCK_BYTES + 1), "too-large", None),
        (b"a\n<<<<<<< HEAD\nx\n=======\ny\n>>>>>>> b\n", "conflict-markers", 2),
        (b"---\na: 1\n<<<<<<< HEAD\r\nx\n=======\r\ny\n>>>>>>> b\n---\n", "conflict-markers", 3),
        (b"---\na: 1\nb: 'x\n---\n", "front-matter", 3),
        (b"---\njust text\n---\n", "front-matter", 2),
        (b"---\n- a\n---\n", "front-matter", 2),
        (b"---\na: 1\na: 2\n---\n", "front-matter", 3),
        (b"---\nx:\n  a: 1\n  a: 2\n---\n", "front-matter", 4),
        (b"---\na: &x 1\n---\n", "front-matter", 2),
        (b"---\na: *x\n---\n", "front-matter", 2),
        (b"---\na: !!python/object:os.system x\n---\n", "front-matter", 2),
        (b"---\n? [a]\n: b\n---\n", "front-matter", 2),
        (b"---\na: 1\n...\n---\n", "front-matter", 3),
        (b"---\n--- # two\na: 1\n---\n", "front-matter", 2),
        (b"---\n%YAML 1.2\n---\n", "front-matter", None),
        (b"---\na: \x01\n---\n", "front-matter", 2),
        (b'---\na: "\\ud800"\n---\n', "front-matter", 2),
        (b'---\na: "\\UFFFFFFFF"\n---\n', "front-matter", None),
        (b"---\na: 1\nlimit: many\n---\n", "front-matter", 3),
        (b"---\nlimit: 0\n---\n", "front-matter", 2),
        (b"---\nlimit: -5\n---\n", "front-matter", 2),
        (b"---\nlimit: 1.5\n---\n", "front-matter", 2),
        (b"---\nlimit:\n---\n", "front-matter", 2),
        (b"---\nlimit: " + b"9" * 5000 + b"\n---\n", "front-matter", 2),
        (b"---\nread_only: yes\n---\n", "front-matter", 2),
        (b"---\nlabel: [a]\n---\n", "front-matter", 2),
        (b"---\nlabel:\n---\n", "front-matter", 2),
        (b"---\ndescription: {a: b}\n---\n", "front-matter", 2),
        (b"---\na: " + b"x" * 70_000 + b"\n---\n", "front-matter", None),
    ],
)
def test_what_cannot_be_used_is_a_problem_with_its_line(
    data: bytes, code: str, line: int | None
) -> None:
    found = problem(data)
    assert (found.code, found.path) == (code, PATH)
    assert found.line == line or (line is None and found.line is not None and found.line <= 3)
    assert found.message and not found.message.endswith(".")
    assert found.remedy


def test_file_name_that_is_not_utf8_is_a_problem() -> None:
    found = problem(b"x", path="memory/caf\udce9.md")
    assert (found.code, found.path) == ("encoding", "memory/caf?.md")


@pytest.mark.parametrize(
    "text",
    [
        "a line of ======= signs\n=======\n",
        "<<<<<<< only the first\n",
        ">>>>>>> wrong\n=======\n<<<<<<< order\n",
        "indented:\n    <<<<<<< a\n    =======\n    >>>>>>> b\n",
    ],
)
def test_text_about_merges_is_only_text(text: str) -> None:
    assert block(text.encode()).value == text


@pytest.mark.parametrize(
    "hostile",
    [
        b"[" * 60_000,
        b"{a: " * 10_000,
        b"- " * 30_000,
        b"? " * 30_000,
        b": " * 30_000,
        b"a: [" + b"x," * 30_000 + b"]",
        b"".join(b"k%d: v\n" % number for number in range(6000)),
        b"a: '" + b"\n" * 50_000 + b"'",
        b"<<<<<<< a\n" * 6000,
        b"---\n" * 6000,
    ],
)
def test_hostile_header_is_answered_at_once(hostile: bytes) -> None:
    data = b"---\n" + hostile + b"\n---\nx"
    began = time.perf_counter()
    parse_block(data, path=PATH)
    assert time.perf_counter() - began < 5  # Mostly far below 1; the machine may be busy.


def test_deep_header_is_read_up_to_twenty_levels() -> None:
    def nested(levels: int) -> bytes:
        return b"---\n" + b"{a: " * levels + b"x" + b"}" * levels + b"\n---\n"

    assert isinstance(parse_block(nested(20), path=PATH), Block)
    assert problem(nested(21)).message == "a header is at most 20 levels deep"


def test_new_block_has_a_header_only_where_there_is_need() -> None:
    assert render_block("tea") == b"tea"
    assert (
        render_block(
            "tea", label_in_header="a:b", description="It's so", limit_chars=5, read_only=True
        )
        == b"---\nlabel: a:b\ndescription: It's so\nlimit: 5\nread_only: true\n---\ntea"
    )


@pytest.mark.parametrize(
    "value", ["---", "---\n", "---\r\n", "---\na: b\n---\nx", "---\n---", "\ufeffx", "\ufeff"]
)
def test_value_that_looks_like_a_header_is_written_with_one(value: str) -> None:
    data = render_block(value)
    assert data.startswith(b"---\n---\n")
    assert block(data).value == value
    assert block(with_value(b"old", value)).value == value


def test_value_changes_and_the_header_does_not() -> None:
    head = COMMENTED.removesuffix(b"They like tea.\n")
    assert with_value(COMMENTED, "x\r\n---\n") == head + b"x\r\n---\n"
    assert with_value(COMMENTED, "They like tea.\n") == COMMENTED


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("a\0b", "NUL"),
        ("a\ud800", "surrogate"),
        ("x" * (MAX_BLOCK_BYTES + 1), "at most"),
        ("<<<<<<< a\n=======\n>>>>>>> b\n", "merge"),
    ],
)
def test_value_no_file_can_hold_is_refused(value: str, word: str) -> None:
    with pytest.raises(BlockProblem, match=word):
        with_value(b"", value)


def test_block_with_a_broken_header_is_not_written_over() -> None:
    with pytest.raises(BlockProblem, match=r"line 2"):
        with_value(b"---\nbroken\n---\n", "x")
    with pytest.raises(BlockProblem, match=r"line 2"):
        with_key(b"---\nbroken\n---\n", "limit", 5)


@pytest.mark.parametrize(
    ("key", "value", "before", "after"),
    [
        ("description", "new", b"about them  # short", b"new  # short"),
        ("description", 'a: "b" #c\n', b"about them", b'"a: \\"b\\" #c\\n"'),
        ("description", "no", b"about them", b'"no"'),
        ("description", None, b"description: about them  # short\n", b""),
        ("limit", 5, b"20_000", b"5"),
        ("read_only", True, b"read_only: false", b"read_only: true"),
        ("tags", None, b"tags:\n- a\n- b\n", b""),
        ("tags", "x", b"tags:\n- a\n- b\n", b"tags: x\n"),
        ("notes", "x", b"|\n  first\n\n  second\n", b"x\n"),
        ("notes", None, b"notes: |\n  first\n\n  second\n", b""),
        ("new", "x", b"# last\n", b"# last\nnew: x\n"),
    ],
)
def test_one_key_changes_and_no_other_byte(
    key: str, value: str | int | bool | None, before: bytes, after: bytes
) -> None:
    assert COMMENTED.count(before) == 1
    assert with_key(COMMENTED, key, value) == COMMENTED.replace(before, after)


@pytest.mark.parametrize(
    ("key", "value"),
    [("limit", 20_000), ("read_only", False), ("description", "about them"), ("gone", None)],
)
def test_key_that_says_so_already_leaves_the_bytes_alone(
    key: str, value: str | int | bool | None
) -> None:
    assert with_key(COMMENTED, key, value) == COMMENTED


@pytest.mark.parametrize(
    ("data", "key", "value", "expected"),
    [
        (b"text", "limit", 5, b"---\nlimit: 5\n---\ntext"),
        (b"text", "limit", None, b"text"),
        (b"---\n---\n", "limit", 5, b"---\nlimit: 5\n---\n"),
        (b"---\r\na: b\r\n---\r\nx", "limit", 5, b"---\r\na: b\r\nlimit: 5\r\n---\r\nx"),
        (b"---\r\na: b\r\n---\r\nx", "a", "c", b"---\r\na: c\r\n---\r\nx"),
        (b"---\n  a: b\n---\n", "limit", 5, b"---\n  a: b\n  limit: 5\n---\n"),
        (b"---\na:\nb: c\n---\n", "a", "x", b"---\na: x\nb: c\n---\n"),
        (b"---\na: # why\nb: c\n---\n", "a", "x", b"---\na: x # why\nb: c\n---\n"),
        (b"---\na:\n  late\nb: c\n---\n", "a", "x", b"---\na: x\nb: c\n---\n"),
        (b"---\n{a: b, c: d}\n---\n", "a", "x,y", b'---\n{a: "x,y", c: d}\n---\n'),
        (b"---\n{a: b, c: d}\n---\n", "a", None, b"---\n{c: d}\n---\n"),
        (b"---\n{a: b, c: d}\n---\n", "c", None, b"---\n{a: b}\n---\n"),
        (b"---\n{a: b}\n---\n", "a", None, b"---\n{}\n---\n"),
        (b"---\n{a: b}\n---\n", "c", "d", b"---\n{c: d, a: b}\n---\n"),
        (b"---\n? a\n: b\n? c\n: d\n---\n", "a", None, b"---\n? c\n: d\n---\n"),
        (b"---\n? a\n: b\n? c\n: d\n---\n", "a", "x", b"---\n? a\n: x\n? c\n: d\n---\n"),
        (b"---\na:\n- b:\n-\n-\n\n# c\nc: d\n---\n", "a", "x", b"---\na: x\n\n# c\nc: d\n---\n"),
        (b"---\n{a, b: c}\n---\n", "b", "x", b"---\n{a, b: x}\n---\n"),
        (b"---\na: b\n---", "a", "c", b"---\na: c\n---"),
        (b"---\na: b\n---\n", "a", None, b"---\n---\n"),
    ],
)
def test_key_is_set_in_every_form_of_header(
    data: bytes, key: str, value: str | int | None, expected: bytes
) -> None:
    assert with_key(data, key, value) == expected


def test_key_that_cannot_be_taken_out_alone_is_refused() -> None:
    with pytest.raises(BlockProblem, match="cannot be changed"):
        with_key(b"---\n{a: b,}\n---\n", "a", None)


def test_key_whose_comment_would_become_text_of_the_one_before_is_not_taken_out() -> None:
    data = b"---\na: |\n  text\nb: c\n  # about b\n---\n"
    with pytest.raises(BlockProblem, match="line 4: 'b' stands in the header in a form"):
        with_key(data, "b", None)


@pytest.mark.parametrize(("key", "value"), [("limit", 0), ("read_only", "maybe"), ("label", "")])
def test_value_a_key_cannot_have_is_refused(key: str, value: str | int) -> None:
    with pytest.raises(BlockProblem):
        with_key(b"---\na: b\n---\n", key, value)
