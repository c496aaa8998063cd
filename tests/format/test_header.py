"""A header of plain lines is read without the YAML parser, and as that would read it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lettafs.format.header import Header, HeaderFault, _read_plain, _Reading, read_header

_PIECES = [
    "description",
    "limit",
    "read_only",
    "a-b",
    "A",
    "y",
    "1",
    "-",
    " ",
    "  ",
    ": ",
    ":",
    "\n",
]
_PIECES += [
    "#",
    " #",
    '"',
    "'",
    "\\",
    "{",
    "}",
    "[",
    "]",
    "|",
    ">",
    "&x",
    "*x",
    "!t",
    "%",
    "@",
    "`",
]
_PIECES += ["words, and more", "20000", "true", "no", "12:30:00", "2026-03-01", "é", "日本", "---"]
_PIECES += ["\t", "\r\n", "\u2028", "\xa0", "\ufeff", "<<", "=", "~", "?", "? ", "- ", "...", "😀"]

pieces = st.lists(st.sampled_from(_PIECES), max_size=12).map("".join)
lines = st.lists(
    st.builds(
        "{}: {}\n".format,
        st.sampled_from(["description", "limit", "read_only", "k-1", "Label", "y"]),
        st.one_of(pieces, pieces.map('"{}"'.format), st.text(max_size=12)),
    ),
    max_size=4,
).map("".join)


def by_the_parser(text: str) -> Header | HeaderFault:
    try:
        return _Reading(text).header()
    except HeaderFault as fault:
        return fault


@given(st.one_of(lines, pieces))
def test_plain_lines_are_read_as_the_yaml_parser_reads_them(text: str) -> None:
    plain = _read_plain(text)
    if plain is not None:
        assert plain == by_the_parser(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "description: What I know about the person I talk to.\nlimit: 20000\nread_only: false\n",
        'description: "Names: what matters, and # more"\n',
        "at: 12:30:00\nwords:   with  two spaces?\n",
        "description: Où est la gare\n",
    ],
)
def test_common_headers_are_plain(text: str) -> None:
    assert _read_plain(text) == by_the_parser(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: b\na: c\n",
        "a: b\n  c\n",
        "a: b # c\n",
        "a: b: c\n",
        'a: "b\\n"\n',
        'a: "b" c\n',
        "a: 'b'\n",
        "a: b:\n",
        "a: |\n  b\n",
        "a: -\n",
        "a:\n",
        "a: b",
        " a: b\n",
        "a: b\r\n",
        "{a: b}\n",
    ],
)
def test_anything_else_is_left_to_the_parser(text: str) -> None:
    assert _read_plain(text) is None
    expected = by_the_parser(text)
    found = read_header(text)
    assert type(found) is type(expected)
    assert found == expected if isinstance(expected, Header) else True


def test_plain_headers_do_not_load_the_yaml_parser() -> None:
    code = (
        "import sys; from lettafs.format.header import read_header; "
        "read_header('limit: 5\\n'); sys.exit('ruamel.yaml' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
