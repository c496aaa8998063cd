"""The file of arrays: round trip, and damage that is found."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lettafs.embed.minilm.tensors import Tensor, read_tensors, write_tensors

ARRAYS: dict[str, Tensor] = {
    "a": np.arange(6, dtype=np.int8).reshape(2, 3),
    "b.scale": np.array([0.5, -2], np.float16),
    "c": np.zeros((0, 4), np.float32),
    "d": np.array([7], np.uint8),
}


def test_arrays_come_back_as_they_were() -> None:
    found = read_tensors(write_tensors(ARRAYS, about={"license": "Apache-2.0"}))
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)


def test_same_arrays_give_the_same_bytes_whatever_their_memory_order() -> None:
    turned = {"a": np.asfortranarray(ARRAYS["a"])}
    assert write_tensors(turned, about={}) == write_tensors({"a": ARRAYS["a"]}, about={})


def test_header_tells_what_travels_with_it() -> None:
    data = write_tensors(ARRAYS, about={"license": "Apache-2.0"})
    length = int.from_bytes(data[:8], "little")
    assert (8 + length) % 64 == 0
    assert json.loads(data[8 : 8 + length])["__metadata__"] == {"license": "Apache-2.0"}


def test_arrays_cannot_be_written_to() -> None:
    found = read_tensors(write_tensors(ARRAYS, about={}))
    with pytest.raises(ValueError, match="read-only"):
        found["a"][:] = 1


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]},
        {"dtype": "I8", "shape": [4], "data_offsets": [0, 3]},
        {"dtype": "I8", "shape": [-1], "data_offsets": [1, 0]},
        {"dtype": "I8", "shape": [4], "data_offsets": [-4, 0]},
        {"dtype": "I8", "shape": [400], "data_offsets": [0, 400]},
        {"dtype": "I8", "shape": [2**62, 4], "data_offsets": [0, 2**64]},
        {"dtype": "I8", "shape": "4", "data_offsets": [0, 4]},
        {"dtype": "I8", "shape": [None], "data_offsets": [0, 4]},
        {"dtype": "I8", "shape": [4]},
        ["I8", [4], [0, 4]],
        None,
    ],
)
def test_header_that_contradicts_itself_is_refused(entry: object) -> None:
    text = json.dumps({"a": entry}).encode()
    with pytest.raises(ValueError, match=r"."):
        read_tensors(len(text).to_bytes(8, "little") + text + bytes(8))


@given(st.data())
def test_cut_or_altered_file_gives_arrays_or_a_value_error(data: st.DataObject) -> None:
    whole = write_tensors(ARRAYS, about={})
    cut = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for at in data.draw(st.lists(st.integers(0, max(0, len(cut) - 1)), max_size=3)):
        if cut:
            cut[at] = data.draw(st.integers(0, 255))
    try:
        read_tensors(bytes(cut))
    except ValueError:
        pass
