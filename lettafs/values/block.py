"""A block: labelled text in core memory, always in front of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["DEFAULT_LIMIT_CHARS", "Block"]

DEFAULT_LIMIT_CHARS = 20_000
"""What a block may hold when its file names no limit. (Letta's default of 100,000 characters is
more than a local model's whole window; its older human and persona blocks had 20,000.)"""


@dataclass(frozen=True, slots=True)
class Block:
    """One block as its file says it is."""

    label: str
    value: str
    """The text, byte for byte the body of the file."""
    description: str = ""
    limit_chars: int = DEFAULT_LIMIT_CHARS
    read_only: bool = False
    """True: the agent may read it, only a person may change it."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Front matter keys lettafs does not interpret, in file order."""
    path: str = ""
    """Where it lies, relative to the home, with forward slashes."""
    sha256: str = ""
    """Hash of the whole file's bytes: what a compare-and-swap write compares."""
