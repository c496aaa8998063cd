"""What only OpenAI's protocol has: numbered vectors, wanted dimensions, its own headers."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from lettafs.embed.openai import OpenAIEmbedder
from lettafs.errors import EmbedProblem
from tests.embed.serving import KEY, VectorServer, embedder_at
from tests.support.fake_http import Reply


def rows(places: Sequence[object]) -> Reply:
    """Return vectors along the axes, with these numbers beside them."""
    data = [
        {"embedding": np.eye(3)[at].tolist()} | ({} if place is None else {"index": place})
        for at, place in enumerate(places)
    ]
    return Reply(
        [json.dumps({"data": data}).encode()], headers={"Content-Type": "application/json"}
    )


def axes(reply: Reply) -> list[int]:
    """Return along which axis the vector of each of three texts lies."""
    with VectorServer("openai", [reply]) as server:
        found = embedder_at(server).embed(["a", "b", "c"], kind="passage")
    return [int(at) for at in found.argmax(axis=1)]


def test_vectors_are_put_in_the_order_of_their_numbers() -> None:
    assert axes(rows([2, 0, 1])) == [1, 2, 0]


@pytest.mark.parametrize("places", [[None, None, None], [0, 0, 0]])
def test_vectors_without_numbers_are_taken_as_they_come(places: list[object]) -> None:
    assert axes(rows(places)) == [0, 1, 2]


@pytest.mark.parametrize("places", [[0, 1, 1], [1, 2, 3], [0, 1, None], ["x", 0, 1]])
def test_vectors_with_numbers_of_other_texts_are_refused(places: list[object]) -> None:
    with pytest.raises(EmbedProblem, match="not those of the texts"):
        axes(rows(places))


def test_request_is_plain_enough_for_every_server() -> None:
    with VectorServer("openai") as server:
        embedder_at(server).embed(["a"], kind="query")
        (seen,) = server.requests
    assert (seen.method, seen.path) == ("POST", "/v1/embeddings")
    assert seen.json == {"model": "m", "input": ["a"], "encoding_format": "float"}
    assert not {name for name in seen.headers if name.startswith("x-stainless")} - {
        "x-stainless-raw-response"
    }


def test_wanted_dimensions_are_asked_for_and_checked() -> None:
    with VectorServer("openai") as server:
        embedder = OpenAIEmbedder("openai/m", server.base_url, api_key=KEY, dimensions=8)
        assert embedder.identity == "openai/m 8"
        embedder.embed(["a"], kind="query")
        assert server.requests[0].json["dimensions"] == 8
        server.width = 9
        with pytest.raises(EmbedProblem, match="cannot be shortened"):
            embedder.embed(["a"], kind="query")


def test_model_name_may_hold_slashes() -> None:
    with VectorServer("openai") as server:
        embedder_at(server, model="BAAI/bge-m3").embed(["a"], kind="query")
        assert server.requests[0].json["model"] == "BAAI/bge-m3"


def test_error_sent_with_status_200_is_told() -> None:
    body = json.dumps({"error": {"message": "model is not loaded", "code": "x"}}).encode()
    with VectorServer("openai", [Reply([body])] * 3) as server:
        with pytest.raises(EmbedProblem, match="model is not loaded") as caught:
            embedder_at(server).embed(["a"], kind="query")
    assert caught.value.transient


def test_page_of_a_proxy_is_not_quoted() -> None:
    page = Reply([b"<html>blocked by policy"], status=404, headers={"Content-Type": "text/html"})
    with VectorServer("openai", [page]) as server:
        with pytest.raises(EmbedProblem) as caught:
            embedder_at(server).embed(["a"], kind="query")
    assert "policy" not in str(caught.value)
    assert "/v1" in str(caught.value)
