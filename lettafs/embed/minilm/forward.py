"""The forward pass of the model: token ids to one unit vector per text, in float32.

Texts are not padded. The tokens of several texts lie side by side in one matrix, a column each, so
that everything but attention is one product over all of them; attention is done text by text (texts
of one length together). A text's vector therefore does not depend on what stands beside it.

Columns, because BLAS is faster with the large matrix on the left: by a third for a question of ten
tokens, by a few hundredths for a full matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["HEADS", "Floats", "Layer", "Linear", "Network", "Norm", "encode"]

Floats = NDArray[np.float32]

HEADS = 12
"""Of attention, each with as many numbers as the others."""

_PACK_TOKENS = 720
"""Tokens in one matrix, at most: enough for fast products, few enough to stay near the processor;
and no power of two, at which columns fall on one another in its caches."""

_EPSILON = np.float32(1e-12)


@dataclass(frozen=True, slots=True)
class Norm:
    """A layer normalisation; both are columns."""

    weight: Floats
    bias: Floats


@dataclass(frozen=True, slots=True)
class Linear:
    """A product and a sum; the matrix is (out, in), the bias a column."""

    matrix: Floats
    bias: Floats


@dataclass(frozen=True, slots=True)
class Layer:
    """One of the model's layers."""

    look: Linear
    """To queries (already divided by the root of a head's width), keys and values, side by side."""
    join: Linear
    joined: Norm
    widen: Linear
    narrow: Linear
    """Takes twice what the activation gives, so its matrix is half the published one."""
    narrowed: Norm


@dataclass(frozen=True, slots=True)
class Network:
    """Everything the forward pass needs."""

    words: NDArray[np.int8]
    """A row per token; int8, since only the rows of the tokens at hand are needed as floats."""
    word_scales: Floats
    positions: Floats
    """With the embedding of the first sentence's type already added."""
    norm: Norm
    layers: tuple[Layer, ...]

    @property
    def dimensions(self) -> int:
        """Numbers in a vector."""
        return int(self.words.shape[1])

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read."""
        return int(self.positions.shape[0])


def encode(network: Network, texts: Sequence[Sequence[int]]) -> Floats:
    """Return the unit vectors of texts given as token ids, none of them empty."""
    found = np.empty((len(texts), network.dimensions), np.float32)
    for pack in _packs(texts):
        found[pack] = _encode_pack(network, [texts[at] for at in pack])
    return found


def _packs(texts: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yield positions of texts that go into one matrix: by length, so that equals meet."""
    pack: list[int] = []
    tokens = 0
    for at in sorted(range(len(texts)), key=lambda at: len(texts[at])):
        if pack and tokens + len(texts[at]) > _PACK_TOKENS:
            yield pack
            pack, tokens = [], 0
        pack.append(at)
        tokens += len(texts[at])
    if pack:
        yield pack


def _encode_pack(network: Network, texts: Sequence[Sequence[int]]) -> Floats:
    lengths = np.array([len(text) for text in texts])
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    ids = np.concatenate([np.asarray(text, np.intp) for text in texts])
    places = np.concatenate([np.arange(length) for length in lengths])
    runs = [*_runs(lengths)]
    embedded = network.words[ids] * network.word_scales[ids, None]
    embedded += network.positions[places]
    state = _normal(np.ascontiguousarray(embedded.T), network.norm)
    for layer in network.layers:
        seen = _linear(layer.join, _attend(_linear(layer.look, state), runs))
        seen += state
        state = _normal(seen, layer.joined)
        thought = _linear(layer.narrow, _twice_gelu(_linear(layer.widen, state)))
        thought += state
        state = _normal(thought, layer.narrowed)
    # The mean's divisor is left out: only the direction counts.
    sums = np.add.reduceat(state, starts, axis=1).T
    unit: Floats = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return unit


def _runs(lengths: NDArray[np.intp]) -> Iterator[tuple[int, int, int]]:
    """Yield where texts of one length begin, how many there are, and their length."""
    begin = at = 0
    for number in range(1, len(lengths) + 1):
        if number == len(lengths) or lengths[number] != lengths[begin]:
            count, length = number - begin, int(lengths[begin])
            yield at, count, length
            at += count * length
            begin = number


def _linear(linear: Linear, state: Floats) -> Floats:
    found: Floats = linear.matrix @ state
    found += linear.bias
    return found


def _normal(state: Floats, norm: Norm) -> Floats:
    """Return the state with each token normalised; what was given is overwritten."""
    state -= state.mean(axis=0)
    spread = np.einsum("ij,ij->j", state, state) / np.float32(len(state))
    state /= np.sqrt(spread + _EPSILON)
    state *= norm.weight
    state += norm.bias
    return state


def _attend(look: Floats, runs: Sequence[tuple[int, int, int]]) -> Floats:
    """Return what each token saw of the others of its text."""
    width = len(look) // 3
    found = np.empty((width, look.shape[1]), np.float32)
    for at, count, length in runs:
        tokens = slice(at, at + count * length)
        parts = look[:, tokens].reshape(3, HEADS, width // HEADS, count, length)
        query, key, value = parts.transpose(0, 3, 1, 2, 4)
        weights = query.swapaxes(-1, -2) @ key
        weights -= weights.max(axis=-1, keepdims=True)
        np.exp(weights, out=weights)
        weights /= weights.sum(axis=-1, keepdims=True)
        seen = value @ weights.swapaxes(-1, -2)
        found[:, tokens] = seen.transpose(1, 2, 0, 3).reshape(width, count * length)
    return found


def _twice_gelu(state: Floats) -> Floats:
    """Return twice the activation, by its tanh form.

    numpy has no error function. The two forms differ by less than the weights were rounded.
    """
    curve = state * state
    curve *= np.float32(0.044715 * 0.7978845608)
    curve += np.float32(0.7978845608)
    curve *= state
    np.tanh(curve, out=curve)
    curve += np.float32(1)
    curve *= state
    return curve
