"""Choosing an embedder: what is refused, and what a person is advised to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from lettafs.errors import ModelAuthProblem, UsageProblem
from lettafs.sdk.embedders import choose_embedder


@pytest.mark.parametrize("handle", ["nowhere/x", "words", "lettafs/offline", "scripted:x"])
def test_what_is_no_embedder_is_refused_with_those_there_are(tmp_path: Path, handle: str) -> None:
    with pytest.raises(UsageProblem) as refused:
        choose_embedder(handle, root=tmp_path, env={})

    assert str(refused.value).startswith(f"{handle!r} is no embedder. There are lettafs/minilm, ")


def test_missing_key_advises_the_built_in_embedder_and_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelAuthProblem) as refused:
        choose_embedder("openai/text-embedding-3-small", root=tmp_path, env={})

    assert "OPENAI_API_KEY" in str(refused.value)
    assert str(refused.value).endswith('use the built-in one: embedding = "lettafs/minilm".')


def test_none_is_words_only(tmp_path: Path) -> None:
    assert choose_embedder("none", root=tmp_path, env={}) is None
