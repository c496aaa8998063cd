"""Named arrays in one file, in the safetensors form: a JSON header, then the bytes of the arrays.

Reading runs no code and allocates nothing that the file's length does not cover.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["Tensor", "read_tensors", "write_tensors"]

Tensor = NDArray[np.generic]

_TYPES = {"F16": "<f2", "F32": "<f4", "I64": "<i8", "I8": "|i1", "U8": "|u1"}
_NAMES = {np.dtype(text): name for name, text in _TYPES.items()}
_ALIGNED = 64
"""The arrays begin at a multiple of so many bytes, so that they can be used where they lie."""


def read_tensors(whole: bytes) -> dict[str, Tensor]:
    """Return the arrays of a file, as read-only views of its bytes.

    Raises:
        ValueError: the bytes are not such a file, or a whole one.
    """
    data = memoryview(whole)
    try:
        begin = 8 + int.from_bytes(data[:8], "little")
        if len(data) < begin:
            raise ValueError("the header is cut off")
        header = json.loads(bytes(data[8:begin]))
        return {
            name: _tensor(data, entry, begin=begin)
            for name, entry in header.items()
            if name != "__metadata__"
        }
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"the header is damaged ({error!r})") from error


def _tensor(data: memoryview, entry: Mapping[str, object], *, begin: int) -> Tensor:
    kind = np.dtype(_TYPES[str(entry["dtype"])])
    shape, offsets = entry["shape"], entry["data_offsets"]
    if not isinstance(shape, list) or not isinstance(offsets, list):
        raise ValueError("the header is damaged")
    start, end = offsets
    part = data[begin + start : begin + end] if start >= 0 else data[:0]
    if any(size < 0 for size in shape) or len(part) != math.prod(shape) * kind.itemsize:
        raise ValueError("an array has another length than its shape")
    return np.frombuffer(part, kind, count=math.prod(shape)).reshape(shape)


def write_tensors(tensors: Mapping[str, Tensor], *, about: Mapping[str, str]) -> bytes:
    """Return a file of these arrays, in their order; same arrays, same bytes.

    Args:
        tensors: by name; of the types a file can have.
        about: text that travels in the header.
    """
    header: dict[str, object] = {"__metadata__": dict(about)}
    parts: list[bytes] = []
    at = 0
    for name, tensor in tensors.items():
        part = np.ascontiguousarray(tensor).tobytes()
        header[name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [at, at + len(part)],
        }
        parts.append(part)
        at += len(part)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % _ALIGNED)
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])
