"""How much one document may take: bytes, characters, seconds, memory."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEFAULT", "MB", "Limits"]

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a document may take before reading it is given up."""

    source_bytes: int = 50 * MB
    text_chars: int = 5_000_000
    """Longer text is cut at the end of a line, with a note."""
    wall_s: float = 30.0
    """From handing the bytes over until the text is back."""
    cpu_s: int = 30
    """Of the child, for this document."""
    memory_bytes: int = 1_500 * MB
    """Of the child as a whole, resident."""
    unpacked_bytes: int = 200 * MB
    """Sum over a container's parts."""
    ratio: int = 100
    """Unpacked to packed, for a part of more than 1 MB."""
    entries: int = 10_000
    """Parts of a container."""
    xml_depth: int = 200
    xml_elements: int = 5_000_000
    """In one container."""


DEFAULT = Limits()
