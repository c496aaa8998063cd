"""Small phrases that several commands show: times, counts, one-line extracts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo

from lettafs.cli.clean import clean
from lettafs.values.event import Compacted
from lettafs.values.history import BlockChange

__all__ = [
    "change_words",
    "changes_words",
    "compacted_words",
    "count",
    "line_of",
    "short",
    "when",
    "who",
]

_LISTED_CHANGES = 4


def when(time: str | None, *, zone: tzinfo | None = None) -> str:
    """Return an ISO time as `2026-03-01 09:00` in `zone` (None: the machine's).

    A time that cannot be read is returned as it is: times in files are opaque.
    """
    if time is None:
        return "-"
    try:
        read = datetime.fromisoformat(time)
    except ValueError:
        return clean(time)
    if read.tzinfo is None:
        return f"{read:%Y-%m-%d %H:%M}"
    try:
        return f"{read.astimezone(zone):%Y-%m-%d %H:%M}"
    except (OverflowError, OSError):  # years that the machine's calendar cannot convert
        return clean(time)


def short(commit: str | None) -> str:
    """Return the first seven characters of a commit, or dashes where there is none."""
    return commit[:7] if commit else "-------"


def who(by: str | None, author: str | None) -> str:
    """Return the name that a listing shows for an author."""
    return line_of(author or "", width=20) or (by or "-")


def line_of(text: str, *, width: int = 72) -> str:
    """Return `text` cleaned and on one line, cut with an ellipsis at `width` characters."""
    line = " ".join(clean(text[: 8 * width + 200]).split())
    return line if len(line) <= width else line[: max(width - 1, 0)].rstrip() + "…"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return `1 block`, `2 blocks`, `no blocks`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number if number else 'no'} {plural or noun + 's'}"


def change_words(change: BlockChange) -> str:
    """Return one block's change as `human +1 −1`, `human new +3`, `human deleted`."""
    label = line_of(change.label, width=40)
    if change.after is None:
        return f"{label} deleted"
    added, removed = change.counts
    signs = " ".join([f"+{added}"] * bool(added) + [f"−{removed}"] * bool(removed))
    new = "new" if change.before is None else ""
    return " ".join(part for part in (label, new, signs) if part)


def changes_words(changes: Iterable[BlockChange]) -> str:
    """Return several blocks' changes, joined by commas; the empty string for none."""
    words = [change_words(change) for change in changes]
    if len(words) > _LISTED_CHANGES:
        words[_LISTED_CHANGES:] = [f"{len(words) - _LISTED_CHANGES} more"]
    return ", ".join(words)


def compacted_words(event: Compacted) -> str:
    """Return what a compaction did: how many messages became a summary, and what that saved."""
    number = event.messages_before - event.messages_after + 1
    writer = "" if event.written_by == "rules" else f" by {line_of(event.written_by, width=40)}"
    return (
        f"{count(number, 'message')} summed up{writer}: {event.tokens_before:,} tokens before, "
        f"{event.tokens_after:,} now"
    )
