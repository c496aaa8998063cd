"""Make `kin.txt` from the built-in embedder: `python -m lettafs.index.ranking.derive_kin > FILE`.

Two words are kin when the embedder's own vectors of them, before any sentence, point the same way.
The mean of all vectors and their two main directions are taken off first: these tell how common a
word is, not what it means. Same model and same word rules, same bytes.
"""

from __future__ import annotations

import sys
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from lettafs.embed.minilm.tensors import Tensor, read_tensors
from lettafs.index.ranking.stop import STOP_WORDS
from lettafs.index.words import words_of

__all__ = ["derive"]

_LEAST = 0.3
"""Cosine from which on two words are kin."""
_MOST = 12
"""Kin of one word; more cost time and say less."""
_SHORTEST = 3
_COMMON_DIRECTIONS = 2


def derive(model: bytes) -> str:
    """Return a line for each word stem: the stem, then its kin, nearest first.

    Each is written with the cosine's two decimals: `film:movi72 cinema57 ...`.
    """
    tensors = read_tensors(model)
    tokens = bytes(tensors["tokens"]).decode().split("\n")
    chosen = [
        number
        for number, token in enumerate(tokens)
        if len(token) >= _SHORTEST
        and token.isascii()
        and token.isalpha()
        and token not in STOP_WORDS
    ]
    vectors = _meanings(tensors["words"][chosen], tensors["words.scale"][chosen])
    rows: dict[str, list[int]] = {}
    for row, number in enumerate(chosen):
        rows.setdefault(words_of(tokens[number])[0], []).append(row)
    stems = sorted(rows)
    grouped = vectors[[row for stem in stems for row in rows[stem]]]
    starts = np.cumsum([0, *(len(rows[stem]) for stem in stems)])
    lines = []
    for at, stem in enumerate(stems):
        near = (grouped[starts[at] : starts[at + 1]] @ grouped.T).max(axis=0)
        best = np.maximum.reduceat(near, starts[:-1])
        best[at] = 0
        found = [n for n in np.argsort(-best, kind="stable")[:_MOST] if best[n] >= _LEAST]
        if found:
            kin = " ".join(f"{stems[n]}{min(99, int(best[n] * 100)):02d}" for n in found)
            lines.append(f"{stem}:{kin}\n")
    return "".join(lines)


def _meanings(rounded: Tensor, scales: Tensor) -> NDArray[np.float32]:
    """Return the words' vectors without what they have in common, of length 1."""
    vectors = rounded.astype(np.float64) * np.asarray(scales, np.float64)
    vectors -= vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(vectors, full_matrices=False)
    main = directions[:_COMMON_DIRECTIONS]
    vectors -= vectors @ main.T @ main
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


if __name__ == "__main__":
    place = resources.files("lettafs.embed.minilm").joinpath("minilm.safetensors")
    sys.stdout.write(derive(place.read_bytes()))
