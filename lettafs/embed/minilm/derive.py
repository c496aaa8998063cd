"""Make the model's file from the published one: `python -m lettafs.embed.minilm.derive DIR > FILE`.

`DIR` holds `model.safetensors` and `tokenizer.json` as sentence-transformers published them for
all-MiniLM-L6-v2; both are checked by their SHA-256 first. Matrices are rounded to int8 with a scale
for each token's row, and for each 64 inputs of an output (with one for all its inputs, the cosine
to the published model's vectors fell to 0.996 on some texts; so it stays above 0.999). All else is
float32. Same input, same bytes.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lettafs.embed.minilm.forward import HEADS, Floats
from lettafs.embed.minilm.tensors import Tensor, read_tensors, write_tensors
from lettafs.errors import UsageProblem

__all__ = ["GROUP", "MODEL_SHA256", "TOKENIZER_SHA256", "derive"]

MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"

GROUP = 64
"""Inputs that share a scale."""

_CHANGES = (
    "matrices rounded to int8; query, key and value joined; constant factors and the embedding of"
    " the first token type folded in; tensors that are not used left out"
)
_MAX_TOKENS = 256
"""What the published model was made for; the positions behind it were never trained."""


def derive(model: bytes, tokenizer: bytes) -> bytes:
    """Return the derived file.

    Raises:
        UsageProblem: an input is not the published file.
    """
    for name, data, wanted in (
        ("model.safetensors", model, MODEL_SHA256),
        ("tokenizer.json", tokenizer, TOKENIZER_SHA256),
    ):
        found = hashlib.sha256(data).hexdigest()
        if found != wanted:
            raise UsageProblem(f"{name} has SHA-256 {found}, the published one has {wanted}.")
    about = {
        "model": "sentence-transformers/all-MiniLM-L6-v2",
        "license": "Apache-2.0",
        "changes": _CHANGES,
        "source_sha256": MODEL_SHA256,
        "tokenizer_sha256": TOKENIZER_SHA256,
    }
    return write_tensors(_tensors(read_tensors(model), _tokens(tokenizer)), about=about)


def _tokens(tokenizer: bytes) -> Tensor:
    ids: Mapping[str, int] = json.loads(tokenizer)["model"]["vocab"]
    return np.frombuffer("\n".join(sorted(ids, key=ids.__getitem__)).encode(), np.uint8)


def _tensors(source: Mapping[str, Tensor], tokens: Tensor) -> dict[str, Tensor]:
    def get(name: str) -> Floats:
        return source[name].astype(np.float32)

    found: dict[str, Tensor] = {"tokens": tokens}
    words = get("embeddings.word_embeddings.weight")
    found["words"], found["words.scale"] = _rounded(words, group=words.shape[1])
    positions = get("embeddings.position_embeddings.weight")[:_MAX_TOKENS]
    found["positions"] = positions + get("embeddings.token_type_embeddings.weight")[0]
    for ending in ("weight", "bias"):
        found[f"norm.{ending}"] = get(f"embeddings.LayerNorm.{ending}")
    layers = sum(name.endswith(".attention.self.query.weight") for name in source)
    for number in range(layers):
        theirs, ours = f"encoder.layer.{number}", f"layer.{number}"
        look = {
            ending: [get(f"{theirs}.attention.self.{one}.{ending}") for one in _LOOK]
            for ending in ("weight", "bias")
        }
        root = np.sqrt(np.float32(look["bias"][0].size // HEADS))
        look = {ending: [query / root, *rest] for ending, (query, *rest) in look.items()}
        found |= _linear(f"{ours}.look", *map(np.concatenate, (look["weight"], look["bias"])))
        for name, their_name, share in _LINEAR:
            weight = get(f"{theirs}.{their_name}.weight") * np.float32(share)
            found |= _linear(f"{ours}.{name}", weight, get(f"{theirs}.{their_name}.bias"))
        for name, their_name in _NORM:
            for ending in ("weight", "bias"):
                found[f"{ours}.{name}.{ending}"] = get(f"{theirs}.{their_name}.{ending}")
    return found


_LOOK = ("query", "key", "value")
_LINEAR = (
    ("join", "attention.output.dense", 1.0),
    ("widen", "intermediate.dense", 1.0),
    ("narrow", "output.dense", 0.5),
)
"""Our name, theirs, and what the matrix is multiplied with (see `forward.Layer`)."""
_NORM = (("joined", "attention.output.LayerNorm"), ("narrowed", "output.LayerNorm"))


def _linear(name: str, weight: Floats, bias: Floats) -> dict[str, Tensor]:
    rounded, scales = _rounded(weight, group=GROUP)
    return {name: rounded, f"{name}.scale": scales, f"{name}.bias": bias}


def _rounded(rows: Floats, *, group: int) -> tuple[Tensor, Tensor]:
    """Return int8 numbers and float16 scales, one scale for each `group` numbers of a row."""
    parts = rows.reshape(len(rows), -1, group)
    scales = (np.abs(parts).max(axis=2) / np.float32(127)).astype(np.float16)
    scales[scales == 0] = 1
    whole = np.rint(parts / scales[:, :, None].astype(np.float32))
    # A scale that float16 made smaller would take the largest number past the end.
    return whole.clip(-127, 127).astype(np.int8).reshape(rows.shape), scales


if __name__ == "__main__":
    place = Path(sys.argv[1])
    made = derive(
        (place / "model.safetensors").read_bytes(), (place / "tokenizer.json").read_bytes()
    )
    sys.stdout.buffer.write(made)
