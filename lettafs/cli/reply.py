"""The words of one message, printed as Markdown while they arrive."""

from __future__ import annotations

from typing import ClassVar

from rich.console import JustifyMethod, RenderableType
from rich.markdown import Heading, Markdown, MarkdownElement
from rich.text import Text

from lettafs.cli.clean import Cleaner
from lettafs.cli.markdown import Code, CodeEnd, CodeLine, MarkdownParts, Part, Prose, parser
from lettafs.cli.screen import Lines, Screen

__all__ = ["ReplyText"]

_LEXED_LINES = 40
"""How many lines above a line of code its colours are judged by."""


class ReplyText:
    """Prints the finished parts of a text above the screen's tail; the tail gets the rest.

    On a terminal that cannot redraw, the words are printed as they come, without Markdown.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._cleaner = Cleaner()
        self._parts = MarkdownParts()
        self._code: list[str] = []
        self._language = ""
        self._written = False

    def feed(self, text: str) -> None:
        """Take more words."""
        text = self._cleaner.feed(text)
        if self._screen.redraws:
            for part in self._parts.feed(text):
                self._print(part)
            return
        if not self._written:
            self._screen.gap()
        self._screen.console.out(text, end="", highlight=False)
        self._written = self._written or bool(text)

    def finish(self) -> None:
        """Print what is left; the message is complete, or will never be."""
        if self._screen.redraws:
            for part in self._parts.finish():
                self._print(part)
        elif self._written:
            self._screen.print("")
        self._written = False

    def unfinished(self) -> list[RenderableType]:
        """Return what the tail shows of the part being written."""
        match self._parts.unfinished():
            case None:
                return []
            case CodeLine(text):
                return [Text(text, no_wrap=True, overflow="ellipsis")]
            case Prose(text):
                return [markdown(text)]

    def _print(self, part: Part) -> None:
        screen = self._screen
        match part:
            case Prose(text, joins):
                if not joins:
                    screen.gap()
                screen.print(markdown(text))
            case Code(opening, language):
                screen.gap()
                screen.print(Text(opening, style="dim"))
                self._code, self._language = [], language
            case CodeLine(text):
                screen.print(self._coloured(text), wrap=False)
            case CodeEnd(closing):
                screen.print(Text(closing, style="dim"))

    def _coloured(self, line: str) -> Text:
        if not self._language or not line.strip():
            self._code.append(line)
            return Text(line)
        from rich.syntax import Syntax  # late: Pygments is only wanted for code

        self._code = [*self._code[-_LEXED_LINES:], line]
        code = "\n".join(self._code)
        syntax = Syntax(code, self._language, theme="ansi_dark", background_color="default")
        lines = syntax.highlight(code).split("\n", allow_blank=True)
        # A lexer may drop a line it takes for blank; what is printed is always the model's text.
        shown = lines[len(self._code) - 1] if len(lines) >= len(self._code) else Text(line)
        return shown if shown.plain == line else Text(line)


class _Heading(Heading):
    """A heading at the left, as it is written."""

    LEVEL_ALIGN: ClassVar[dict[str, JustifyMethod]] = {}


class _Markdown(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _Heading,
    }


def markdown(text: str) -> Lines:
    """Return `text` as Markdown to print: line ends and HTML kept, addresses beside their links."""
    shown = _Markdown(text, hyperlinks=False, code_theme="ansi_dark")
    shown.parsed = parser().parse(text)
    for token in shown.parsed:
        for child in token.children or ():
            if child.type == "softbreak":
                child.type = "hardbreak"  # a model's line ends mean something in a chat
    return Lines(shown, bare=True)
