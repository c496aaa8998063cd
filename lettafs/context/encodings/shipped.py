"""An encoding, loaded from the package's own data: nothing is ever fetched.

tiktoken does the counting, but knows its encodings only by URL; so they are built here, from the
ranks beside this file and the definitions below, which are tiktoken's.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from struct import Struct
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiktoken import Encoding

__all__ = ["ENCODINGS", "Definition", "load", "ranks"]


@dataclass(frozen=True, slots=True)
class Definition:
    """What makes an encoding, beside its ranks."""

    pattern: str
    """Cuts a text into the pieces that are encoded each by itself."""
    special_tokens: Mapping[str, int]
    """Marks of the chat format. In a text they are words like others."""


_CONTRACTED = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"

ENCODINGS: Mapping[str, Definition] = MappingProxyType(
    {
        "cl100k_base": Definition(
            pattern=(
                r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+"
                r"| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
            ),
            special_tokens={
                "<|endoftext|>": 100257,
                "<|fim_prefix|>": 100258,
                "<|fim_middle|>": 100259,
                "<|fim_suffix|>": 100260,
                "<|endofprompt|>": 100276,
            },
        ),
        "o200k_base": Definition(
            pattern="|".join(
                (
                    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*"
                    r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + _CONTRACTED,
                    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
                    r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + _CONTRACTED,
                    r"\p{N}{1,3}",
                    r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
                    r"\s*[\r\n]+",
                    r"\s+(?!\S)",
                    r"\s+",
                )
            ),
            special_tokens={"<|endoftext|>": 199999, "<|endofprompt|>": 200018},
        ),
    }
)


def ranks(name: str) -> dict[bytes, int]:
    """Return the tokens of an encoding with their ranks, in order.

    Raises:
        OSError: the data is not there.
        ValueError: it is not what `derive.py` makes.
    """
    try:
        data = zlib.decompress(Path(__file__).with_name(f"{name}.zlib").read_bytes())
    except zlib.error as error:
        raise ValueError(f"{name}.zlib is damaged: {error}") from error
    count = int.from_bytes(data[:4], "big")
    lengths = data[4 : 4 + count]
    # One unpacking of two hundred thousand fields is the quickest way to cut so many pieces.
    tokens = Struct("".join(map([f"{length}s" for length in range(256)].__getitem__, lengths)))
    if tokens.size != len(data) - 4 - count:
        raise ValueError(f"{name}.zlib is damaged: its lengths do not add up")
    return dict(zip(tokens.unpack_from(data, 4 + count), range(count), strict=True))


@cache
def load(name: str) -> Encoding | None:
    """Return an encoding, loaded once in a process; None: it cannot be loaded here.

    A damaged installation must not cost a turn: whoever counts has an estimate to fall back on.
    """
    definition = ENCODINGS[name]
    try:
        from tiktoken import Encoding  # late: only where the estimate does not decide

        return Encoding(
            name,
            pat_str=definition.pattern,
            mergeable_ranks=ranks(name),
            special_tokens=dict(definition.special_tokens),
        )
    except (ImportError, OSError, ValueError):
        return None
