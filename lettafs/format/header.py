"""A header: the YAML mapping above a block's text, read strictly and changed in place.

Read strictly: one mapping, keys are scalars and stand once, every scalar is a string (`no` is not
false, `12:30:00` is not a number), no anchors, aliases, tags or directives. What a program could
trip over is refused with its line, so that what a person sees is what every reader gets.

Changed in place: the entry's own characters are exchanged, everything else stays as it is, and the
result is read again before it is returned.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ruamel.yaml.events import Event

__all__ = ["MAX_HEADER_BYTES", "Entry", "Header", "HeaderFault", "read_header", "with_entry"]

MAX_HEADER_BYTES = 64 * 1024
"""A longer header is refused unread."""

_MAX_DEPTH = 20
_MAX_EVENTS = 2_000  # Of the parser, which takes some 70 µs for each.

# What a value that is not there has behind it: the colon of its key, or the dash of its item.
_SIGN = re.compile(r"(?:\s|#[^\n]*\n)*[:-]")

# YAML's `\uD800` can name what no UTF-8 file can hold.
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One key with its value; positions are character offsets in the header's text."""

    key: str
    value: str | None
    """The scalar as a string; None: the value is a list or a mapping."""
    source: str
    """The value as it stands in the file."""
    line: int
    """Of the key; 1 is the header's first line."""
    key_start: int
    key_end: int
    value_start: int
    value_end: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says."""

    entries: tuple[Entry, ...] = ()
    """In file order."""
    indent: int = 0
    """How many columns the keys are indented by."""
    brace: int | None = None
    """Where the `{` stands, when the whole header is written in braces."""

    def get(self, key: str) -> Entry | None:
        """Return the entry of a key."""
        return next((entry for entry in self.entries if entry.key == key), None)


class HeaderFault(Exception):
    """Why a header cannot be used.

    Attributes:
        message: one sentence without a full stop.
        line: where; 1 is the header's first line.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@lru_cache(maxsize=256)  # The same headers are read again at every step.
def read_header(text: str) -> Header | HeaderFault:
    """Return what the text between the two `---` lines says, or why it cannot be used."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_HEADER_BYTES:
        return HeaderFault(f"the header is longer than {MAX_HEADER_BYTES} bytes")
    plain = _read_plain(text)
    if plain is not None:
        return plain
    try:
        return _Reading(text).header()
    except HeaderFault as fault:
        return HeaderFault(fault.message, fault.line)  # Without a traceback: it is kept for long.


# A line that says the same to every YAML parser, whatever stands on the others: a plain key, one
# colon, and a value on that line which is a word or number and more, or is quoted without escapes.
_PLAIN_LINE = re.compile(
    r"""(?P<key>[A-Za-z][A-Za-z0-9_-]{0,63}):[ ]+"""
    r"""(?P<value>"(?P<quoted>[\w .,:;!?'()/+*=~@%$^&<>#{}\[\]|-]*)"|"""
    r"""[^\W_](?:(?:[\w .,;!?'"()/+*=~@%$^&<>-]|:(?=\w))*[\w.;!?'"()/+*=~@%$^&<>-])?)\n"""
)
_MAX_PLAIN_LINES = 100


def _read_plain(text: str) -> Header | None:
    """Return what a header of plain lines says; None: the YAML parser has to read it.

    Most headers are like this, and loading that parser takes longer than reading all the rest of
    an agent.
    """
    entries: list[Entry] = []
    end = 0
    while end < len(text):
        found = _PLAIN_LINE.match(text, end)
        if found is None or len(entries) == _MAX_PLAIN_LINES:
            return None
        quoted: str | None = found["quoted"]
        value = found["value"] if quoted is None else quoted
        entries.append(
            Entry(
                found["key"],
                value,
                found["value"],
                len(entries) + 1,
                *found.span("key"),
                *found.span("value"),
            )
        )
        end = found.end()
    if len({entry.key for entry in entries}) < len(entries):
        return None
    return Header(tuple(entries))


def with_entry(text: str, key: str, value: str | int | bool | None, *, newline: str = "\n") -> str:
    r"""Return the header's text with one entry set, added (at the end) or, with None, taken out.

    Args:
        text: what stands between the two `---` lines.
        key: the entry's key.
        value: the new value. A list or a mapping of that key is replaced, too. The text comes back
            as it is when the entry says this already, in whatever way of writing.
        newline: how an added line ends, `\n` or `\r\n`.

    Raises:
        HeaderFault: the text is not a usable header, or it is written in a way in which this entry
            cannot be changed without touching others.
    """
    before = _usable(text)
    entry = before.get(key)
    braces = before.brace is not None
    if value is None:
        changed = text if entry is None else _without(text, before, entry)
    elif entry is None:
        line = f"{_scalar(key, braces=braces)}: {_scalar(value, braces=braces)}"
        changed = _with_new(text, before, line, newline)
    elif _says(entry, value):
        return text
    else:
        changed = _with_replaced(text, entry, _scalar(value, braces=braces))
    after = read_header(changed)
    if isinstance(after, HeaderFault):
        raise HeaderFault(
            f"{key!r} cannot be changed in place: {after.message}",
            after.line if entry is None else entry.line,
        )
    _check_only_changed(before, after, key, None if value is None else _as_text(value))
    return changed


def _as_text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _says(entry: Entry, value: str | int | bool) -> bool:
    """Tell whether the entry has this value already: `True` is `true`, `20_000` is 20000."""
    if entry.value is None or isinstance(value, str):
        return entry.value == value
    return entry.value.lower().replace("_", "") == _as_text(value)


def _usable(text: str) -> Header:
    header = read_header(text)
    if isinstance(header, HeaderFault):
        raise HeaderFault(header.message, header.line)
    return header


def _with_new(text: str, header: Header, line: str, newline: str) -> str:
    if header.brace is not None:
        after = header.brace + 1
        return f"{text[:after]}{line}, {text[after:]}"
    return f"{text}{' ' * header.indent}{line}{newline}"


def _with_replaced(text: str, entry: Entry, scalar: str) -> str:
    colon = text.find(":", entry.key_end) + 1
    gap = text[colon : entry.value_start]
    if not gap or gap.strip(" \t"):
        # Nothing stands there yet, or a list on the lines below.
        return f"{text[:colon]} {scalar}{text[entry.value_end :]}"
    return f"{text[: entry.value_start]}{scalar}{text[entry.value_end :]}"


def _without(text: str, header: Header, entry: Entry) -> str:
    if header.brace is None:
        start = text.rfind("\n", 0, entry.key_start) + 1
        end = text.find("\n", entry.value_end) + 1
        return text[:start] + text[end or len(text) :]
    place = header.entries.index(entry)
    if place + 1 < len(header.entries):
        return text[: entry.key_start] + text[header.entries[place + 1].key_start :]
    start = header.entries[place - 1].value_end if place else entry.key_start
    return text[:start] + text[entry.value_end :]


def _check_only_changed(before: Header, after: Header, key: str, value: str | None) -> None:
    """Raise unless `after` is `before` with that one entry changed."""
    others_before = [(entry.key, entry.source) for entry in before.entries if entry.key != key]
    others_after = [(entry.key, entry.source) for entry in after.entries if entry.key != key]
    entry = after.get(key)
    if others_before != others_after or (None if entry is None else entry.value) != value:
        old = before.get(key)
        raise HeaderFault(
            f"{key!r} stands in the header in a form that cannot be changed in place",
            None if old is None else old.line,
        )


# Words that other YAML readers take for something else than text.
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})

# Text that means itself in any YAML. It begins with a letter, so that nothing takes it for a
# number, a date or punctuation; a colon has something behind it.
_PLAIN = re.compile(
    r"""[^\W\d_](?:(?:[\w .,;!?'"()/+*=~@%$^&<>-]|:(?=\w))*[\w.;!?'"()/+*=~@%$^&<>-])?"""
)

# What JSON leaves as it is and YAML wants escaped.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def _scalar(value: str | int | bool, *, braces: bool) -> str:
    """Return the value as a YAML scalar on one line: plain where that is safe, else quoted."""
    text = _as_text(value)
    if not isinstance(value, str):
        return text
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS and not (braces and "," in text):
        return text
    # JSON's strings are YAML's double-quoted ones, but for some characters.
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


class _Reading:
    """One pass over a header's events; the parser keeps a stack, so depth costs no recursion."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._depth = 0
        self._count = 0
        self._event: Any = None
        self._events = self._parse()
        self._content_end = 0
        """Where the last thing read ends, without the blank lines and comments after it."""

    def header(self) -> Header:
        self._next()  # The stream begins.
        if self._next() == "StreamEndEvent":
            return Header()
        if self._event.explicit or self._event.version or self._event.tags:
            raise self._fault("a header has no `---`, `%YAML` or `%TAG` lines of its own")
        if self._next() != "MappingStartEvent":
            raise self._fault("a header is a list of `key: value` lines")
        start = self._event.start_mark
        brace = start.index if self._event.flow_style else None
        entries = tuple(self._entries())
        end = self._next()
        if end == "DocumentEndEvent" and self._event.explicit:
            raise self._fault("a header has no `...` line")
        if self._next() != "StreamEndEvent":
            raise self._fault("a header is one list of `key: value` lines")
        return Header(entries=entries, indent=start.column, brace=brace)

    def _entries(self) -> Iterator[Entry]:
        """Yield the entries of the outermost mapping, up to its end."""
        seen: set[str] = set()
        while self._next() != "MappingEndEvent":
            key = self._key(seen)
            line = self._line()
            key_start, key_end = self._event.start_mark.index, self._content_end
            self._next()
            # The mark of a value that is not there stands at whatever comes next.
            value_start = self._content_end if self._is_empty() else self._event.start_mark.index
            value = self._value()
            source = self._text[value_start : self._content_end]
            yield Entry(
                key, value, source, line, key_start, key_end, value_start, self._content_end
            )

    def _key(self, seen: set[str]) -> str:
        """Return the key the present event is, and add it to those seen in its mapping."""
        if type(self._event).__name__ != "ScalarEvent":
            raise self._fault("a key is plain text, not a list or a mapping")
        key: str = self._event.value
        if self._is_empty():
            raise self._fault("a key is empty")
        if key in seen:
            raise self._fault(f"the key {key!r} stands twice")
        seen.add(key)
        return key

    def _value(self) -> str | None:
        """Read the value that begins with the present event; None for a list or mapping."""
        match type(self._event).__name__:
            case "ScalarEvent":
                scalar: str = self._event.value
                return scalar
            case "MappingStartEvent":
                seen: set[str] = set()
                while self._next() != "MappingEndEvent":
                    self._key(seen)
                    self._next()
                    self._value()
            case _:
                while self._next() != "SequenceEndEvent":
                    self._value()
        return None

    def _next(self) -> str:
        """Step to the next event, refuse what a header may not have, and return its kind."""
        self._event = event = next(self._events)
        kind = type(event).__name__
        self._count += 1
        if self._count > _MAX_EVENTS:
            raise self._fault("a header has at most some hundred values")
        if kind == "AliasEvent" or getattr(event, "anchor", None) is not None:
            raise self._fault("a header has no anchors (`&name`) or aliases (`*name`)")
        if getattr(event, "tag", None) is not None:
            raise self._fault("a header has no tags (`!name`)")
        if kind.endswith("StartEvent"):
            self._depth += 1
            if self._depth > _MAX_DEPTH + 2:  # Stream and document are two of them.
                raise self._fault(f"a header is at most {_MAX_DEPTH} levels deep")
        elif kind.endswith("EndEvent"):
            self._depth -= 1
        self._note_content(kind)
        return kind

    def _note_content(self, kind: str) -> None:
        start, end = self._event.start_mark.index, self._event.end_mark.index
        if self._is_empty():
            sign = _SIGN.match(self._text, self._content_end, start)
            self._content_end = self._content_end if sign is None else sign.end()
        elif kind == "ScalarEvent":
            if _SURROGATE.search(self._event.value):
                raise self._fault("half of a surrogate pair is not a character")
            if self._event.style in ("|", ">"):
                # Its mark stands behind the blank lines that follow it.
                end = start + len(self._text[start:end].rstrip("\r\n"))
            self._content_end = end
        elif end > start and kind in {"SequenceEndEvent", "MappingEndEvent"}:
            self._content_end = end  # A closing bracket; an indented list ends with its last item.

    def _is_empty(self) -> bool:
        """Tell whether the present event is a scalar of which nothing stands in the text."""
        start, end = self._event.start_mark.index, self._event.end_mark.index
        return type(self._event).__name__ == "ScalarEvent" and bool(start == end)

    def _parse(self) -> Iterator[Event]:
        # Late: ruamel.yaml costs 60 ms, and an agent whose blocks have no headers never needs it.
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError
        from ruamel.yaml.reader import ReaderError

        try:
            yield from YAML(typ="safe", pure=True).parse(self._text)
        except MarkedYAMLError as error:
            mark = error.problem_mark
            if mark is None or mark.index >= len(self._text):
                mark = error.context_mark or mark  # What was opened and never closed.
            raise HeaderFault(
                f"the header is not valid YAML: {error.problem or error.context}",
                None if mark is None else self._line_at(mark.index),
            ) from error
        except ReaderError as error:
            raise HeaderFault(
                "the header is not valid YAML: it holds a control character",
                self._line_at(error.position),
            ) from error
        except Exception as error:
            # The scanner trips over some nonsense with whatever Python raises then (an escape
            # beyond Unicode, an index past the end); it is still only a header nobody can read.
            raise HeaderFault("the header is not valid YAML") from error

    def _line(self) -> int:
        return self._line_at(self._event.start_mark.index)

    def _line_at(self, index: int) -> int:
        return self._text.count("\n", 0, index) + 1

    def _fault(self, message: str) -> HeaderFault:
        return HeaderFault(message, self._line())
