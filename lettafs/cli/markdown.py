"""Markdown that arrives in pieces, split into parts that are finished.

A terminal cannot take back what has scrolled away. So a streaming reply is printed part by part: a
paragraph, a heading, a table or an item of a list when it can no longer change, a code block line
by line. Only the part still being written is shown in a place that is redrawn.

What is split is decided on whole lines only: `#` at the end of a chunk may become a heading or a
hashtag, and only the rest of its line tells.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from markdown_it import MarkdownIt  # comes with rich, whose Markdown renders the parts
from markdown_it.token import Token

__all__ = ["Code", "CodeEnd", "CodeLine", "MarkdownParts", "Part", "Prose", "parser"]


@dataclass(frozen=True, slots=True)
class Prose:
    """Markdown to be rendered as a whole: any block but fenced code."""

    markdown: str
    joins: bool = False
    """True: it goes on a list that is above it, without a blank line between."""


@dataclass(frozen=True, slots=True)
class Code:
    """A fenced code block begins."""

    opening: str
    """The fence as written, with the language."""
    language: str


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One line of the code block, without its line feed."""

    text: str


@dataclass(frozen=True, slots=True)
class CodeEnd:
    """The code block ends."""

    closing: str


Part = Prose | Code | CodeLine | CodeEnd

# A line that no part ends at is not worth parsing for: a table of a thousand rows stays cheap.
_MAY_END_A_PART = re.compile(r"\s*$|\s*([#`~>*+_=-]|\d)")
_ENDED_BY_BLANK_LINE = frozenset({"paragraph_open", "table_open", "blockquote_open"})
_ENDED_BY_THEMSELVES = frozenset({"heading_open", "hr"})
_LISTS = frozenset({"bullet_list_open", "ordered_list_open"})


def parser() -> MarkdownIt:
    """Return the parser that replies are read with.

    HTML is text to it, and so is a link's definition: a terminal shows neither, and what the model
    said must not vanish.
    """
    return (
        MarkdownIt("commonmark", {"html": False})
        .enable(["table", "strikethrough"])
        .disable(["html_block", "html_inline", "reference"])
    )


class MarkdownParts:
    """Takes text in, gives finished parts out; the parts hold every line of the text once."""

    def __init__(self) -> None:
        self._parser = parser()
        self._lines: list[str] = []
        """Whole lines that belong to no finished part, with their line feeds."""
        self._rest = ""
        """The last line, while it has no line feed."""
        self._fence: Token | None = None
        self._in_list = False

    def feed(self, text: str) -> list[Part]:
        """Return the parts that `text` finishes."""
        lines = (self._rest + text).split("\n")
        self._rest = lines.pop()
        parts: list[Part] = []
        for line in lines:
            self._lines.append(line + "\n")
            if self._fence is not None or _MAY_END_A_PART.match(line):
                parts += self._finished(ended=False)
        return parts

    def finish(self) -> list[Part]:
        """Return what is left: the text has ended."""
        if self._rest:
            self._lines.append(self._rest + "\n")
            self._rest = ""
        parts = self._finished(ended=True)
        if self._fence is not None:
            parts.append(CodeEnd(self._fence.markup))
            self._fence = None
        self._in_list = False
        return parts

    def unfinished(self) -> Prose | CodeLine | None:
        """Return what has arrived of the part being written, for a place that is redrawn."""
        if self._fence is not None:
            return CodeLine(self._rest) if self._rest else None
        text = "".join(self._lines) + self._rest
        return Prose(text, joins=self._in_list) if text.strip() else None

    def _finished(self, *, ended: bool) -> list[Part]:
        parts: list[Part] = []
        while self._lines:
            if self._fence is not None:
                parts.append(self._code_line(self._lines.pop(0), self._fence))
                continue
            before = len(self._lines)
            part = self._next_part(ended=ended)
            if part is not None:
                parts.append(part)
            if len(self._lines) == before:
                break
        return parts

    def _next_part(self, *, ended: bool) -> Part | None:
        """Take the first part off the lines if it is finished; drop blank lines before it."""
        while self._lines and not self._lines[0].strip():
            self._lines.pop(0)
        if not self._lines:
            return None
        tokens = self._parser.parse("".join(self._lines))
        blocks = [token for token in tokens if token.level == 0 and token.map is not None]
        if not blocks:  # nothing the parser knows: shown as it is
            return self._prose(len(self._lines)) if ended else None
        first = blocks[0]
        assert first.map is not None
        if first.type == "fence":
            return self._open(first)
        if first.type in _LISTS:
            return self._list_item(tokens, blocks, ended=ended)
        in_list, self._in_list = self._in_list, False
        end = first.map[1]
        if len(blocks) > 1 or ended or first.type in _ENDED_BY_THEMSELVES:
            return self._prose(end)
        blank_follows = end < len(self._lines)
        if blank_follows and first.type in _ENDED_BY_BLANK_LINE:
            return self._prose(end)
        self._in_list = in_list
        return None

    def _list_item(self, tokens: list[Token], blocks: list[Token], *, ended: bool) -> Part | None:
        """Take the first item off a list, once another item or block has begun after it."""
        starts = [
            token.map[0]
            for token in tokens
            if token.type == "list_item_open" and token.level == 1 and token.map is not None
        ]
        assert blocks[0].map is not None
        list_end = blocks[0].map[1]
        starts = [start for start in starts if start < list_end]
        joins = self._in_list
        if len(starts) > 1:
            self._in_list = True
            return self._prose(starts[1], joins=joins)
        if len(blocks) > 1 or ended:
            self._in_list = False
            return self._prose(list_end, joins=joins)
        return None

    def _open(self, fence: Token) -> Part:
        self._in_list = False
        self._fence = fence
        opening = self._lines.pop(0).strip()
        words = fence.info.split()
        return Code(opening, words[0] if words else "")

    def _code_line(self, line: str, fence: Token) -> Part:
        line = line.rstrip("\n")
        bare = line.strip()
        mark = fence.markup
        indent = len(line) - len(line.lstrip(" "))
        if indent <= 3 and len(bare) >= len(mark) and bare == mark[0] * len(bare):
            self._fence = None
            return CodeEnd(bare)
        return CodeLine(line)

    def _prose(self, count: int, *, joins: bool = False) -> Prose:
        text = "".join(self._lines[:count])
        del self._lines[:count]
        return Prose(text, joins=joins)
