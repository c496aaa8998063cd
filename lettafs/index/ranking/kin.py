"""Kin: words of like meaning, from a table that comes with the package.

English, made once from the built-in embedder's vectors of single words (see `derive_kin`); a
question about "kids" so finds "children". Readable: a line a word, `film:movi72 cinema57`.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

__all__ = ["kin_of"]

_FILE_NAME = "kin.txt"


def kin_of(stem: str) -> list[tuple[str, float]]:
    """Return the kin of a word, nearest first, each with how near it is: 0.3 to 1."""
    kin = _table().get(stem, "")
    return [(each[:-2], int(each[-2:]) / 100) for each in kin.split()]


@cache
def _table() -> dict[str, str]:
    # Read at the first question: most processes ask none.
    text = resources.files(__package__).joinpath(_FILE_NAME).read_text(encoding="ascii")
    return dict(line.split(":", 1) for line in text.splitlines())
