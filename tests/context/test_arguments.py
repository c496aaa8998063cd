"""Overlong arguments of calls: cut so that they can still be sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lettafs.context.arguments import clip_arguments
from lettafs.context.tokens import ESTIMATED
from lettafs.llm.call_stream import arguments_object

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=400),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=20), inner),
    max_leaves=30,
)


def test_short_arguments_are_as_the_model_wrote_them() -> None:
    for arguments in ('{"a":  1}', "", "{", "[1]"):
        assert clip_arguments(arguments, limit_tokens=100) == arguments


def test_long_value_loses_its_middle_and_the_others_stay() -> None:
    words = "begin " + "word " * 5_000 + "end"
    arguments = json.dumps({"label": "human", "content": words, "tags": ["a", "b"], "n": 3})

    cut = json.loads(clip_arguments(arguments, limit_tokens=500))

    assert (cut["label"], cut["tags"], cut["n"]) == ("human", ["a", "b"], 3)
    assert cut["content"].startswith("begin word") and cut["content"].endswith("word end")
    assert "characters left out" in cut["content"]
    assert 200 < len(cut["content"]) < 2_500


def test_object_of_too_many_values_is_still_an_object() -> None:
    arguments = json.dumps({f"key {number}": number for number in range(5_000)})

    cut = clip_arguments(arguments, limit_tokens=300)

    assert list(json.loads(cut)) == ["_cut"]
    assert ESTIMATED.text(cut) <= 450


@pytest.mark.parametrize("arguments", ["no JSON " * 2_000, json.dumps(["x" * 9_000]), "[" * 9_000])
def test_what_is_no_object_is_cut_like_words(arguments: str) -> None:
    cut = clip_arguments(arguments, limit_tokens=200)

    assert cut.startswith(arguments[:20]) and cut.endswith(arguments[-20:])
    assert ESTIMATED.text(cut) <= 300


def test_half_of_a_surrogate_pair_can_be_sent_afterwards() -> None:
    cut = clip_arguments('{"a": "\\ud83d", "b": "' + "x" * 9_000 + '"}', limit_tokens=200)

    assert json.loads(cut)["a"] == "\ufffd"
    cut.encode()


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=20), VALUES, max_size=8), st.integers(16, 300))
def test_any_object_stays_one_and_becomes_short(value: dict[str, Any], limit: int) -> None:
    arguments = json.dumps(value, ensure_ascii=False)

    cut = clip_arguments(arguments, limit_tokens=limit)

    assert "_unparsed" in value or "_unparsed" not in arguments_object(cut)
    assert ESTIMATED.text(cut) <= 4 * limit + 40
    assert clip_arguments(arguments, limit_tokens=limit) == cut
