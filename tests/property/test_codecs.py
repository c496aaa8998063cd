"""What holds of the codecs for any input: round trips, untouched bytes, no surprises."""

from __future__ import annotations

import datetime
import json
import math
import re
from functools import partial
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lettafs.errors import BlockProblem, NotAnAgent, UsageProblem
from lettafs.format import passage_line, recall_line
from lettafs.format.agent_toml import parse_agent, render_agent, with_settings
from lettafs.format.frontmatter import parse_block, render_block, with_key, with_value
from lettafs.format.header import Header, HeaderFault, read_header, with_entry
from lettafs.format.jsonl import frame, unframe, whole_length
from lettafs.values.agent import AgentSettings, ModelSettings
from lettafs.values.block import Block
from lettafs.values.message import (
    Message,
    OpaquePart,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolReturn,
)
from lettafs.values.problem import Problem

PATH = "memory/human.md"

modest = settings(
    max_examples=70, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)

# Text as files hold it, rich in what has a meaning somewhere on the way.
TRICKY = st.sampled_from(
    ["---", "---\n", "---\r\n", "\n", "\r", "\r\n", "\u2028", "\u0085", "\ufeff", ": ", " #", "'"]
    + [
        '"',
        "\\",
        "\t",
        " ",
        "- ",
        "a: b\n",
        "=======\n",
        "&x",
        "*x",
        "!x",
        "{",
        "]",
        "🙂",
        "e\u0301",
    ]
)
CHARS = st.characters(codec="utf-8", exclude_characters="\0")
TEXT = st.lists(TRICKY | st.text(CHARS, max_size=8), max_size=12).map("".join)
NAMES = st.sampled_from(["a", "b", "tags", "note", "x y", "limit ", "ключ"])
FORMS = st.sampled_from(
    [
        "{key}: plain text  # with a comment\n",
        "{key}: 'single ''quoted'''\n",
        '{key}: "double \\t quoted"\n',
        "{key}:\n",
        "{key}: # only a comment\n",
        "{key}: |\n  literal\n\n   text\n\n",
        "{key}: >-\n  folded\n  text\n",
        "{key}: |+\n  kept\n\n\n",
        "{key}:\n- one\n- two: 2\n  three:\n-\n",
        "{key}:\n  deep:\n    deeper: [1,\n     2]\n",
        "{key}: plain\n  on two lines\n",
        "{key}: {{a: b, c: [d]}}\n",
        "? {key}\n: asked\n",
    ]
)
BETWEEN = st.sampled_from(["", "\n", "# a comment\n", "# two\n\n# comments\n"])


@st.composite
def headers(draw: st.DrawFn) -> str:
    """A header a person may have written, with every form of value in it."""
    keys = draw(st.lists(NAMES, unique=True, max_size=5))
    text = draw(BETWEEN)
    for key in keys:
        text += draw(FORMS).format(key=f'"{key}"' if key.endswith(" ") else key) + draw(BETWEEN)
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


@modest
@given(value=TEXT, description=TEXT, limit=st.none() | st.integers(1, 10**12))
def test_any_text_reads_back_from_a_new_block(
    value: str, description: str, limit: int | None
) -> None:
    data = render_block(
        value, label_in_header="a:b", description=description, limit_chars=limit, read_only=True
    )
    found = parse_block(data, path=PATH)
    assert isinstance(found, Block), found
    assert (found.label, found.value, found.description) == ("a:b", value, description)
    assert found.limit_chars == (limit or 20_000) and found.read_only


@modest
@given(value=TEXT)
def test_any_text_reads_back_from_a_block_without_header(value: str) -> None:
    data = render_block(value)
    found = parse_block(data, path=PATH)
    assert isinstance(found, Block) and found.value == value
    assert data in (value.encode(), b"---\n---\n" + value.encode())


@modest
@given(before=TEXT, value=TEXT, header=st.none() | headers())
def test_any_text_replaces_any_other_and_the_header_stays(
    before: str, value: str, header: str | None
) -> None:
    fenced = b"" if header is None else f"---\n{header}---\n".encode()
    data = fenced + before.encode()
    assume(isinstance(parse_block(data, path=PATH), Block))
    changed = with_value(data, value)
    found = parse_block(changed, path=PATH)
    assert isinstance(found, Block) and found.value == value
    if header is not None:
        assert changed == fenced + value.encode()


@modest
@given(header=headers(), key=NAMES, value=TEXT | st.integers(1) | st.booleans() | st.none())
def test_setting_one_key_leaves_the_bytes_of_the_others(
    header: str, key: str, value: str | int | bool | None
) -> None:
    before = read_header(header)
    assert isinstance(before, Header), (header, before)
    text = with_entry(header, key, value, newline="\n")
    after = read_header(text)
    assert isinstance(after, Header)
    entry = after.get(key)
    if value is None:
        assert entry is None
    else:
        wanted = str(value).lower() if isinstance(value, bool) else str(value)
        assert entry is not None and entry.value == wanted
    # Every other line, comments and blanks too, is still there, and in its order.
    own = before.get(key)
    kept = header if own is None else _without_lines_of(header, own.key_start, own.value_end)
    lines = iter(text.splitlines(keepends=True))
    assert all(line in lines for line in kept.splitlines(keepends=True))
    for other in before.entries:
        if other.key != key:
            found = after.get(other.key)
            assert found is not None and found.source == other.source


def _without_lines_of(text: str, start: int, end: int) -> str:
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end)
    return text[:first] + text[last + 1 :]


@modest
@given(header=headers(), body=TEXT, limit=st.integers(1, 10**9))
def test_setting_a_key_leaves_the_value_byte_for_byte(header: str, body: str, limit: int) -> None:
    data = f"---\n{header}---\n{body}".encode()
    assume(isinstance(parse_block(data, path=PATH), Block))
    changed = with_key(data, "limit", limit)
    found = parse_block(changed, path=PATH)
    assert isinstance(found, Block) and found.limit_chars == limit
    assert changed.endswith(b"---\n" + body.encode())


WORD = st.text(CHARS, max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | WORD | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORD, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
RECORD = st.dictionaries(WORD.filter(lambda key: key != "crc"), JSON, min_size=1, max_size=3)


@modest
@given(record=RECORD)
def test_any_record_reads_back_from_its_line(record: dict[str, Any]) -> None:
    line = frame(record)
    found = unframe(line, path="", line_no=1)
    assert found.problem is None and not found.edited
    assert json.dumps(found.record) == json.dumps(record)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert whole_length(line) == len(line)


@modest
@given(record=RECORD, data=st.data())
def test_one_flipped_bit_is_never_taken_for_what_we_wrote(
    record: dict[str, Any], data: st.DataObject
) -> None:
    line = bytearray(frame(record))
    line[data.draw(st.integers(0, len(line) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    for one in bytes(line).splitlines(keepends=True) or [b""]:
        assert unframe(one, path="", line_no=1).edited


@modest
@given(records=st.lists(RECORD, max_size=4), tail=st.binary(max_size=20))
def test_whole_length_finds_the_end_of_what_was_written(
    records: list[dict[str, Any]], tail: bytes
) -> None:
    assume(all(unframe(line, path="", line_no=1).problem for line in tail.split(b"\n")))
    data = b"".join(map(frame, records))
    assert whole_length(data + tail) == len(data)


OPTIONAL = st.none() | TEXT
PARTS = st.one_of(
    st.builds(TextPart, TEXT),
    st.builds(ReasoningPart, TEXT, OPTIONAL),
    st.builds(ToolCall, TEXT, TEXT, TEXT),
    st.builds(ToolReturn, TEXT, TEXT, st.sampled_from(["success", "error"]), TEXT),
    st.dictionaries(TEXT, JSON, max_size=2).map(lambda data: OpaquePart({"type": "new", **data})),
)
KINDS = {"text", "reasoning", "tool_call", "tool_return"}


@modest
@given(
    message=st.builds(
        Message,
        id=TEXT,
        role=st.sampled_from(["system", "user", "assistant", "tool"]),
        parts=st.lists(PARTS, max_size=3).map(tuple),
        created_at=TEXT,
        kind=st.sampled_from(["message", "heartbeat", "login", "summary", "alert"]),
        run_id=OPTIONAL,
        step_id=OPTIONAL,
        partial=st.booleans(),
        name=OPTIONAL,
        sender_id=OPTIONAL,
        otid=OPTIONAL,
        conversation_id=TEXT.map(lambda text: text or "default"),
    )
)
def test_any_message_reads_back_from_its_line(message: Message) -> None:
    for part in message.parts:
        if isinstance(part, OpaquePart):
            kind = part.data["type"]
            assume(isinstance(kind, str) and kind not in KINDS)
    record = recall_line.MessageRecord(1, message)
    line = unframe(frame(recall_line.render_record(record)), path="", line_no=1)
    assert line.record is not None and not line.edited
    assert recall_line.parse_record(line.record, path="", line_no=1) == record


NEAR_RECORDS = st.dictionaries(
    st.sampled_from(
        ["seq", "type", "id", "role", "kind", "parts", "created_at", "partial", "path", "usage"]
        + ["reason", "drop", "start", "status", "stop_reason", "text", "tags", "message_ids"]
    ),
    JSON
    | st.sampled_from(["message", "edit", "step", "window", "run", "passage", "delete", "user"]),
)


@modest
@given(record=NEAR_RECORDS)
def test_any_object_is_a_record_or_a_problem(record: dict[str, Any]) -> None:
    recall_line.parse_record(record, path="", line_no=1)
    passage_line.parse_record(record, path="", line_no=1)


@modest
@given(data=st.binary(max_size=200) | TEXT.map(str.encode))
def test_any_bytes_are_answered_without_a_surprise(data: bytes) -> None:
    for file in (data, b"---\n" + data + b"\n---\n"):
        assert isinstance(parse_block(file, path=PATH), Block | Problem)
        for change in (partial(with_value, value="x"), partial(with_key, key="limit", value=5)):
            try:
                assert isinstance(parse_block(change(file), path=PATH), Block)
            except BlockProblem:
                pass
    line = unframe(data, path="", line_no=1)
    assert (line.record is None) is (line.problem is not None)
    assert 0 <= whole_length(data) <= len(data)
    for toml in (data, b'name = "a"\n' + data):
        try:
            parse_agent(toml)
            with_settings(toml, {"id": "x", "model_settings.think": True})
        except (NotAnAgent, UsageProblem):
            pass


YAML_PIECES = st.lists(
    st.sampled_from(
        ["a", "b", ":", ": ", "\n", "  ", "- ", "? ", "[", "]", "{", "}", ",", "'", '"', "|", ">"]
        + ["#", " # c", "&", "*", "!", "%", "@", "`", "\t", "\r\n", "\\", "...", "~", "<<", "\x85"]
    ),
    max_size=25,
).map("".join)


@settings(modest, max_examples=200)
@given(text=YAML_PIECES, key=st.sampled_from(["a", "b", "ab"]), value=st.none() | TEXT)
def test_any_header_that_is_read_is_changed_right_or_refused(
    text: str, key: str, value: str | None
) -> None:
    before = read_header(text)
    if isinstance(before, HeaderFault):
        return
    try:
        after = read_header(with_entry(text if text.endswith("\n") else f"{text}\n", key, value))
    except HeaderFault:
        return
    assert isinstance(after, Header)
    entry = after.get(key)
    assert (None if entry is None else entry.value) == value
    assert [(one.key, one.value) for one in before.entries if one.key != key] == [
        (one.key, one.value) for one in after.entries if one.key != key
    ]


TOML_VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | TEXT
    | st.datetimes(min_value=datetime.datetime(1000, 1, 1))
    | st.dates(min_value=datetime.date(1000, 1, 1)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@modest
@given(
    name=TEXT.filter(str.strip),
    description=TEXT,
    tags=st.lists(TEXT, max_size=3),
    temperature=st.none() | st.floats(0, allow_infinity=False),
    extra=st.dictionaries(TEXT.map("x{}".format), TOML_VALUES, max_size=3),
)
def test_any_settings_read_back_from_a_fresh_file(
    name: str,
    description: str,
    tags: list[str],
    temperature: float | None,
    extra: dict[str, Any],
) -> None:
    wanted = AgentSettings(
        name=name,
        description=description,
        tags=tuple(tags),
        model_settings=ModelSettings(temperature=temperature),
        extra=extra,
    )
    assert parse_agent(render_agent(wanted)) == (wanted, ())


TOML_LINES = st.sampled_from(
    ["# comment {n}", "", "k{n} = 1 # comment {n}", "[t{n}] # comment {n}", "[[tool_rules]]"]
    + ["'q k{n}' = [1, # comment {n}\n 2]", 'm{n} = """\n# no comment {n}\n"""', "d{n}.x = 1"]
    + ["  indented{n} = {{ a = 1 }} # comment {n}", "[t{n}.sub]", "[model_settings]"]
)
CHANGES = st.dictionaries(
    st.sampled_from(
        ["name", "id", "description", "model_settings.think", "model_settings.x", "k1"]
    ),
    st.booleans() | TEXT | st.integers(0, 9) | st.lists(TEXT, max_size=2),
    min_size=1,
    max_size=3,
)


@modest
@given(lines=st.lists(TOML_LINES, max_size=8), changes=CHANGES, crlf=st.booleans())
def test_edits_of_a_toml_file_keep_its_comments_and_other_lines(
    lines: list[str], changes: dict[str, Any], crlf: bool
) -> None:
    text = 'name = "a" # comment\n' + "".join(
        f"{line.format(n=number)}\n" for number, line in enumerate(lines)
    )
    text = text.replace("\n", "\r\n") if crlf else text
    try:
        parse_agent(text.encode())
    except NotAnAgent:
        assume(False)
    try:
        changed = with_settings(text.encode(), changes).decode()
    except UsageProblem:
        assume(False)
    kept = [line for line in text.split("\n") if not re.match(r"name|k1 ", line)]
    rest = iter(changed.split("\n"))
    assert all(line in rest for line in kept[:-1])
    assert re.findall(r"# comment.*", changed) == re.findall(r"# comment.*", text)
    assert not crlf or not re.search(r"[^\r]\n", changed)


@modest
@given(value=st.floats() | st.integers())
def test_any_number_as_a_setting_is_used_or_a_problem(value: float) -> None:
    text = f"{value!r}"
    found, problems = parse_agent(f'name = "a"\nmax_steps = {text}\n'.encode())
    is_count = isinstance(value, int) and value > 0
    assert found.max_steps == (value if is_count else 50)
    assert bool(problems) is not is_count
    found, problems = parse_agent(f'name = "a"\nmodel_settings.timeout_s = {text}\n'.encode())
    assert (found.model_settings.timeout_s is None) is bool(problems)
    assert bool(problems) is not (math.isfinite(value) and value >= 0)
