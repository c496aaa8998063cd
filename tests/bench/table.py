"""A table of figures, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Table", "ms", "p95", "ratio"]


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def markdown(self) -> str:
        """Return the table under its title, columns aligned."""
        widths = [max(len(row[at]) for row in (self.head, *self.rows)) for at in range(self._width)]
        rule = tuple("-" * width for width in widths)
        lines = [
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            for row in (self.head, rule, *self.rows)
        ]
        note = [self.note, ""] if self.note else []
        return "\n".join([f"### {self.title}", "", *note, *(f"{line} |" for line in lines), ""])

    @property
    def _width(self) -> int:
        return len(self.head)


def p95(values: Sequence[float]) -> float:
    """Return the value that 95 of a hundred do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


def ms(values: Sequence[float]) -> str:
    """Return median and 95th percentile of seconds, as milliseconds."""
    return f"{median(values) * 1000:.1f} / {p95(values) * 1000:.1f}"


def ratio(values: Sequence[float], baseline: Sequence[float]) -> str:
    """Return how many times the baseline's median the values' is."""
    return f"{median(values) / median(baseline):.1f}x"
