"""What commands and slash commands both show: memory, checkpoints, hits, what an undo did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lettafs.cli.clean import clean
from lettafs.cli.diffs import change_lines
from lettafs.cli.line import Line
from lettafs.cli.options import columns
from lettafs.cli.words import changes_words, count, line_of, short, when, who
from lettafs.errors import HistoryProblem
from lettafs.sdk.agent import Agent
from lettafs.values.block import Block
from lettafs.values.history import BlameLine, BlockChange, LogEntry, Undone
from lettafs.values.hit import Hit

__all__ = [
    "blame_lines",
    "changes_lines",
    "hit_lines",
    "last_changes",
    "log_lines",
    "memory_lines",
    "place_words",
    "undone_lines",
]


def last_changes(agent: Agent, blocks: Sequence[Block]) -> dict[str, LogEntry | None]:
    """Return by label the checkpoint that last changed a block; None where there is none."""
    try:
        return {
            block.label: next(iter(agent.history(block.label, limit=1)), None) for block in blocks
        }
    except HistoryProblem:  # a directory made by hand has no history before its first turn
        return {block.label: None for block in blocks}


def memory_lines(agent: Agent) -> Iterator[Line]:
    """Yield one line for each block: label, size, limit, last change and by whom."""
    blocks, _ = agent.blocks()
    if not blocks:
        yield Line("There are no blocks: make one as a file in memory/.", "dim")
        return
    last = last_changes(agent, blocks)
    rows = [("block", "characters", "limit", "", "lines", "last change", "by", "")]
    for block in blocks:
        entry = last[block.label]
        rows.append(
            (
                line_of(block.label, width=60),
                f"{len(block.value):,}",
                f"{block.limit_chars:,}",
                f"{len(block.value) * 100 // max(block.limit_chars, 1)}%",
                str(len(block.value.splitlines())),
                when(entry.time) if entry else "-",
                who(entry.by, entry.author) if entry else "-",
                "read only" if block.read_only else "",
            )
        )
    head, *lines = columns(rows, right=(1, 2, 3, 4))
    yield Line(head, "dim")
    for line, block in zip(lines, blocks, strict=True):
        yield Line(line, "warning" if len(block.value) > block.limit_chars else "plain")


def log_lines(entries: Iterable[LogEntry]) -> Iterator[Line]:
    """Yield one line for each checkpoint: commit, time, who, what changed in memory, and why."""
    entries = list(entries)
    rows = [
        (short(entry.commit), when(entry.time), who(entry.by, entry.author)) for entry in entries
    ]
    for line, entry in zip(columns(rows), entries, strict=True):
        words = " · ".join(
            part
            for part in (changes_words(entry.changes), line_of(entry.subject, width=90))
            if part
        )
        if entry.undone:
            words += " (taken back)"
        yield Line(f"{line}  {words}", "dim" if entry.undone else "plain")


def changes_lines(changes: Iterable[BlockChange], *, context: int = 2) -> Iterator[Line]:
    """Yield the full difference of each block, with an empty line between two blocks."""
    for number, change in enumerate(changes):
        if number:
            yield Line("")
        yield from change_lines(change, context=context)


def blame_lines(lines: Iterable[BlameLine]) -> Iterator[Line]:
    """Yield each line of a block after where it comes from: when, who, checkpoint, cause."""
    known = list(lines)
    rows = [
        (
            when(line.time) if line.time else "not saved yet",
            who(line.by, line.author) if line.commit else "-",
            short(line.commit),
            line_of(line.cause or line.subject or "", width=40),
            clean(line.line).rstrip("\n"),
        )
        for line in known
    ]
    yield from (Line(line) for line in columns(rows))


def hit_lines(hits: Iterable[Hit]) -> Iterator[Line]:
    """Yield each hit: when, who or what, its id; under it the piece of its text that fits.

    Of a file: its name, where in it, and under which headings.
    """
    for hit in hits:
        if hit.source == "files":
            yield from _file_hit_lines(hit)
            continue
        kind = hit.role or "passage"
        tags = f"  [{', '.join(line_of(tag, width=30) for tag in hit.tags)}]" if hit.tags else ""
        piece = f"  piece {clean(hit.piece)}" if hit.piece else ""
        yield Line(f"{when(hit.created_at)}  {clean(kind)}  {clean(hit.id)}{piece}{tags}", "dim")
        yield Line(f"  {' '.join(clean(hit.snippet).split())}")


def _file_hit_lines(hit: Hit) -> Iterator[Line]:
    parts = [when(hit.created_at or None), "file", line_of(hit.id, width=500), place_words(hit)]
    also = f"  (also {', '.join(line_of(name, width=80) for name in hit.also)})" if hit.also else ""
    yield Line("  ".join(part for part in parts if part) + also, "dim")
    if hit.heading:
        yield Line(f"  {line_of(hit.heading, width=200)}", "dim")
    yield Line(f"  {' '.join(clean(hit.snippet).split())}")


def place_words(hit: Hit) -> str:
    """Return where in a file a hit is: `page 3, lines 12-40`; empty where it is not known."""
    parts = [clean(hit.page)] if hit.page else []
    if hit.lines is not None:
        first, last = hit.lines
        parts.append(f"line {first}" if first == last else f"lines {first}-{last}")
    return ", ".join(parts)


def undone_lines(undone: Sequence[Undone]) -> Iterator[Line]:
    """Yield in words what an undo took back."""
    for one in undone:
        yield Line(f"took back {short(one.undid)}: {line_of(one.subject)}")
        parts = [changes_words(one.changes)] if one.changes else ["memory is as it was before"]
        if one.messages:
            parts.append(f"{count(one.messages, 'message')} left the window")
        if one.summaries:
            parts.append("what had been summed up is back in the window")
        if one.passages:
            parts.append(f"{count(one.passages, 'passage')} put back or taken away")
        yield Line(f"  {'; '.join(parts)} (saved as {short(one.commit)})", "dim")
