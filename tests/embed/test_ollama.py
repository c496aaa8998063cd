"""What only Ollama's protocol has: its own path, and models that must be fetched."""

from __future__ import annotations

import pytest

from lettafs.errors import EmbedProblem
from tests.embed.serving import VectorServer, embedder_at, said


def test_request_names_model_and_texts_and_lets_the_server_cut() -> None:
    with VectorServer("ollama") as server:
        embedder_at(server, model="all-minilm:l6-v2").embed(["a", "b"], kind="passage")
        (seen,) = server.requests
    assert (seen.method, seen.path) == ("POST", "/api/embed")
    assert seen.json["model"] == "all-minilm:l6-v2"
    assert seen.json["input"] == ["a", "b"]
    assert seen.json["truncate"] is True


def test_model_that_was_not_fetched_is_told_with_the_command() -> None:
    with VectorServer("ollama", [said(404, 'model "m" not found')]) as server:
        with pytest.raises(EmbedProblem, match="ollama pull m$"):
            embedder_at(server).embed(["a"], kind="query")
