"""The difference between two values of a block, as lines a person reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

from lettafs.cli.clean import clean
from lettafs.cli.line import Line, LineStyle
from lettafs.cli.words import line_of
from lettafs.values.history import BlockChange

__all__ = ["DiffLine", "around_change", "change_lines", "diff_lines"]

Sign = Literal["+", "-", " "]

_STYLES: Final[dict[Sign, LineStyle]] = {"+": "added", "-": "removed", " ": "dim"}


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line: taken away, added, or around the change."""

    sign: Sign
    text: str
    change_at: int = 0
    """Where the line differs from the one it replaces: what to keep in sight when it is cut."""


def change_lines(
    change: BlockChange, *, width: int | None = None, limit: int | None = None, context: int = 0
) -> Iterator[Line]:
    """Yield a block's label, then what went and what came.

    At most `limit` lines of difference, each cut to `width` around the change; None: everything.
    """
    name = line_of(change.label, width=80)
    new = " (new)" if change.before is None else " (deleted)" if change.after is None else ""
    yield Line(f"memory: {name}{new}", "bold")
    lines = diff_lines(change.before, change.after, context=context)
    shown = lines if limit is None or len(lines) <= limit else lines[: limit - 1]
    for line in shown:
        cut = line.text if width is None else around_change(line, width=max(width - 4, 10))
        text = clean(cut).replace("\t", "    ")
        yield Line(f"  {line.sign} {text}".rstrip(), _STYLES[line.sign])
    if len(shown) < len(lines):
        yield Line(f"  … {len(lines) - len(shown)} more lines", "dim")


def diff_lines(before: str | None, after: str | None, *, context: int = 0) -> list[DiffLine]:
    """Return the lines that tell `before` from `after`, with `context` lines around each change."""
    old, new = (before or "").splitlines(), (after or "").splitlines()
    lines: list[DiffLine] = []
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for group in matcher.get_grouped_opcodes(context):
        if lines and context:
            lines.append(DiffLine(" ", "…"))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                lines += [DiffLine(" ", text) for text in old[i1:i2]]
            else:
                lines += _changed(old[i1:i2], new[j1:j2])
    if not lines and before is not None and after is not None and before != after:
        lines.append(DiffLine(" ", "(only line ends changed)"))
    return lines


def around_change(line: DiffLine, *, width: int) -> str:
    """Return the line's text cut to `width`, with the place of the change in sight."""
    if len(line.text) <= width:
        return line.text
    start = max(0, min(line.change_at - width // 3, len(line.text) - width + 1))
    head = "…" if start else ""
    room = max(width - len(head), 1)
    piece = line.text[start : start + room]
    if start + room < len(line.text):
        piece = piece[:-1] + "…"
    return head + piece


def _changed(old: list[str], new: list[str]) -> Iterator[DiffLine]:
    """Yield a replaced stretch: all that went, then all that came."""
    places = [_first_difference(a, b) for a, b in zip(old, new, strict=False)]
    signs: tuple[tuple[Sign, list[str]], ...] = (("-", old), ("+", new))
    for sign, texts in signs:
        for number, text in enumerate(texts):
            yield DiffLine(sign, text, places[number] if number < len(places) else 0)


def _first_difference(one: str, other: str) -> int:
    for at, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return at
    return min(len(one), len(other))
