"""The model's file: where it lies, whether it is whole, and what is in it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable

import numpy as np

from lettafs.embed.minilm.forward import Floats, Layer, Linear, Network, Norm
from lettafs.embed.minilm.tensors import Tensor, read_tensors
from lettafs.embed.minilm.wordpiece import WordPiece
from lettafs.errors import EmbedProblem

__all__ = ["FILE_NAME", "load"]

FILE_NAME = "minilm.safetensors"

_CRC32 = 0x8DD2A3DC
"""Of the whole file. Against damage, not against malice: whoever can change the file can change
this line. SHA-256 would take as long as everything else that loading does."""


def load(place: Traversable | None = None) -> tuple[WordPiece, Network]:
    """Return the model, ready to use; of the file that comes with lettafs, or of a copy of it.

    Raises:
        EmbedProblem: the file is missing or damaged.
    """
    place = place or resources.files(__package__).joinpath(FILE_NAME)
    try:
        data = place.read_bytes()
    except OSError as error:
        raise EmbedProblem(
            f"The built-in embedder's file cannot be read: {place} ({error.strerror or error})."
            " Install lettafs again."
        ) from error
    if zlib.crc32(data) != _CRC32:
        raise EmbedProblem(
            f"The built-in embedder's file is damaged: {place} has {len(data):,} bytes and is not"
            " the one that belongs to this version. Install lettafs again."
        )
    tensors = read_tensors(data)
    return WordPiece(bytes(tensors["tokens"]).decode().split("\n")), _network(tensors)


def _network(tensors: Mapping[str, Tensor]) -> Network:
    count = sum(name.endswith(".look") for name in tensors)
    return Network(
        # A copy: a view would keep the whole file in memory.
        words=tensors["words"].astype(np.int8),
        word_scales=_floats(tensors["words.scale"])[:, 0],
        positions=_floats(tensors["positions"]),
        norm=_norm(tensors, "norm"),
        layers=tuple(_layer(tensors, f"layer.{number}") for number in range(count)),
    )


def _layer(tensors: Mapping[str, Tensor], at: str) -> Layer:
    return Layer(
        look=_linear(tensors, f"{at}.look"),
        join=_linear(tensors, f"{at}.join"),
        joined=_norm(tensors, f"{at}.joined"),
        widen=_linear(tensors, f"{at}.widen"),
        narrow=_linear(tensors, f"{at}.narrow"),
        narrowed=_norm(tensors, f"{at}.narrowed"),
    )


def _linear(tensors: Mapping[str, Tensor], name: str) -> Linear:
    # Made floats once, 43 MB: to do it for every call would double what a question takes.
    rounded, scales = tensors[name], _floats(tensors[f"{name}.scale"])
    parts = _floats(rounded).reshape(*scales.shape, -1)
    parts *= scales[:, :, None]
    return Linear(matrix=parts.reshape(rounded.shape), bias=_column(tensors[f"{name}.bias"]))


def _norm(tensors: Mapping[str, Tensor], name: str) -> Norm:
    return Norm(_column(tensors[f"{name}.weight"]), _column(tensors[f"{name}.bias"]))


def _column(tensor: Tensor) -> Floats:
    return _floats(tensor)[:, None]


def _floats(tensor: Tensor) -> Floats:
    return tensor.astype(np.float32)
