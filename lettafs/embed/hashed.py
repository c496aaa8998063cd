"""An embedder for tests: words hashed to 64 numbers. It knows words, not meaning.

Deterministic on every machine, ready at once, and no use in earnest: two texts are alike when they
share words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from lettafs.embed.base import Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["HashedEmbedder"]

_DIMENSIONS = 64
_SIGNS = 4
"""Numbers a word changes: with one alone, two words in a hundred would be the same."""


class HashedEmbedder:
    """Texts to sums of pseudo-random signs, one small set for each word. For tests only."""

    def __init__(self, name: str = "lettafs/hashed") -> None:
        self._name = name

    @property
    def name(self) -> str:
        """As given."""
        return self._name

    @property
    def dimensions(self) -> int:
        """64."""
        return _DIMENSIONS

    @property
    def identity(self) -> str:
        """Name and dimensions."""
        return f"{self._name} {_DIMENSIONS}"

    def embed(self, texts: Sequence[str], *, kind: Kind) -> NDArray[np.float32]:
        """Return the vectors of these texts; never raises."""
        import numpy as np  # a tenth of a second: not at start-up

        found = np.zeros((len(texts), _DIMENSIONS), np.float32)
        for row, text in zip(found, texts, strict=True):
            for word in _words(text):
                digest = blake2b(word.encode("utf-8", "replace"), digest_size=_SIGNS).digest()
                for byte in digest:
                    row[byte % _DIMENSIONS] += 1 if byte & 128 else -1
            length = float(np.linalg.norm(row))
            if length == 0 and text.strip():
                row[0] = length = 1.0  # its words cancelled out, or it has none
            if length:
                row /= length
        return found


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
