"""A problem: something a file says that lettafs cannot use, with its place.

Loading gives values *and* problems: one broken file never hides the others.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Problem"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong on disk."""

    code: str
    """Stable and short, for tests and scripts: `front-matter`, `torn-line`, `conflict-markers`."""
    path: str
    """Relative to the home, with forward slashes."""
    message: str
    """What is wrong, in one sentence without a final full stop."""
    line: int | None = None
    """1-based."""
    remedy: str = ""
    """What a person can do about it."""
    repairable: bool = False
    """True: `lettafs doctor --repair` mends it without loss."""

    def __str__(self) -> str:
        """Return `path:line: message`, as compilers print it."""
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.message}"
