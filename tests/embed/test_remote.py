"""Embedders behind a server, both protocols: what is sent, what is accepted, what is told."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any

import numpy as np
import pytest

from lettafs.embed.base import Kind
from lettafs.embed.ollama import OllamaEmbedder
from lettafs.embed.openai import OpenAIEmbedder
from lettafs.errors import EmbedProblem
from tests.embed.serving import (
    KEY,
    Pauses,
    Protocol,
    VectorServer,
    embedder_at,
    said,
    vector_of,
    vectors,
)
from tests.support.fake_http import Reply

pytestmark = pytest.mark.parametrize("protocol", ["openai", "ollama"])

GOOD = [[1.0, 2.0, 2.0, 4.0, 5.0, 5.0, 6.0, 7.0]]


def problem(server: VectorServer, *texts: str, kind: Kind = "query", **how: Any) -> EmbedProblem:
    """Return the problem that embedding ends in; its message never holds the key."""
    with pytest.raises(EmbedProblem) as caught:
        embedder_at(server, **how).embed(texts or ("a",), kind=kind)
    link: BaseException | None = caught.value
    while link is not None:
        assert KEY not in str(link) + repr(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return caught.value


def test_vectors_come_back_normalised_and_in_order(protocol: Protocol) -> None:
    with VectorServer(protocol) as server:
        found = embedder_at(server).embed(["one", "two", "three"], kind="passage")
    wanted = np.array([vector_of(text) for text in ("one", "two", "three")])
    assert np.allclose(found, wanted / np.linalg.norm(wanted, axis=1, keepdims=True), atol=1e-6)


def test_many_texts_go_in_requests_of_64(protocol: Protocol) -> None:
    texts = [f"text {number}" for number in range(150)]
    with VectorServer(protocol) as server:
        embedder_at(server).embed(texts, kind="passage")
        assert [len(asked) for asked in server.asked] == [64, 64, 22]
        assert [text for asked in server.asked for text in asked] == texts


def test_long_texts_go_in_smaller_requests_and_are_cut(protocol: Protocol) -> None:
    with VectorServer(protocol) as server:
        embedder_at(server).embed(["x" * 40_000] * 5 + ["short"], kind="passage")
        lengths = [[len(text) for text in asked] for asked in server.asked]
    assert lengths == [[32_000] * 3, [32_000, 32_000, 5]]


def test_blank_texts_are_never_sent(protocol: Protocol) -> None:
    with VectorServer(protocol) as server:
        embedder = embedder_at(server)
        embedder.embed(["", "one", "  \n", "two", ""], kind="passage")
        assert server.asked == [["one", "two"]]
        embedder.embed(["", " "], kind="passage")
        assert len(server.asked) == 1


def test_dimensions_and_identity_are_known_after_the_first_answer(protocol: Protocol) -> None:
    with VectorServer(protocol, width=12) as server:
        embedder = embedder_at(server)
        before = embedder.dimensions, embedder.identity
        embedder.embed(["one"], kind="query")
        after = embedder.dimensions, embedder.identity
        assert before == (None, f"{embedder.name} ?")
        assert after == (12, f"{embedder.name} 12")


def test_model_that_wants_prefixes_gets_them_by_kind(protocol: Protocol) -> None:
    with VectorServer(protocol) as server:
        embedder = embedder_at(server, model="nomic-embed-text:v1.5")
        embedder.embed(["where?"], kind="query")
        embedder.embed(["there."], kind="passage")
        assert server.asked == [["search_query: where?"], ["search_document: there."]]
        assert "'search_document:' 8" in embedder.identity


def test_key_goes_in_the_header_and_none_goes_when_there_is_none(
    protocol: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The libraries would find these by themselves.
    for name in ("OPENAI_API_KEY", "OLLAMA_API_KEY"):
        monkeypatch.setenv(name, "sk-of-the-environment")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    with VectorServer(protocol) as server:
        embedder_at(server).embed(["a"], kind="query")
        embedder_at(server, key=None).embed(["a"], kind="query")
        first, second = server.requests
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert "authorization" not in second.headers
    for seen in (first, second):
        assert "openai-organization" not in seen.headers
        assert "sk-of-the-environment" not in str(seen.headers)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
def test_busy_server_is_asked_again_with_growing_pauses(protocol: Protocol, status: int) -> None:
    pauses = Pauses()
    with VectorServer(protocol, [said(status, "busy")] * 3) as server:
        found = embedder_at(server, pauses=pauses).embed(["a"], kind="passage")
        assert len(server.requests) == 4
    assert found.any()
    assert pauses == [0.25, 0.5, 1.0]


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After_ms": "1500"}, 1.5),
        (
            {
                "Retry_After": "Wed, 01 Jan 2025 00:00:09 GMT",
                "Date": "Wed, 01 Jan 2025 00:00:00 GMT",
            },
            9.0,
        ),
    ],
)
def test_pause_is_the_one_the_server_asked_for(
    protocol: Protocol, headers: dict[str, str], wait_s: float
) -> None:
    pauses = Pauses()
    with VectorServer(protocol, [said(429, "slow down", **headers)]) as server:
        embedder_at(server, pauses=pauses).embed(["a"], kind="passage")
    assert pauses == [wait_s]


def test_longer_pause_than_patience_is_not_waited_for(protocol: Protocol) -> None:
    pauses = Pauses()
    with VectorServer(protocol, [said(429, "slow down", Retry_After="3600")]) as server:
        found = problem(server, kind="passage", pauses=pauses)
        assert len(server.requests) == 1
    assert pauses == []
    assert found.transient
    assert "in 3600 seconds" in str(found)


def test_question_waits_for_one_short_retry_only(protocol: Protocol) -> None:
    pauses = Pauses()
    with VectorServer(protocol, refuse=lambda texts: said(503, "loading")) as server:
        found = problem(server, kind="query", pauses=pauses)
        assert len(server.requests) == 2
    assert sum(pauses) < 1
    assert found.transient


def test_patience_is_one_for_a_whole_call(protocol: Protocol) -> None:
    pauses = Pauses()
    texts = [f"text {number}" for number in range(64 * 30)]
    busy_until = 0

    def refuse(asked: list[str]) -> Reply | None:
        nonlocal busy_until
        number = int(asked[0].split()[1])
        if number < busy_until:
            return None
        busy_until = number + 1
        return said(429, "slow down", Retry_After="9")

    with VectorServer(protocol, refuse=refuse) as server:
        problem(server, *texts, kind="passage", pauses=pauses)
    assert sum(pauses) <= 60


def test_server_that_takes_fewer_texts_gets_fewer(protocol: Protocol) -> None:
    def refuse(asked: list[str]) -> Reply | None:
        too_many = f"batch size {len(asked)} > maximum allowed batch size 10"
        return said(422, too_many) if len(asked) > 10 else None

    texts = [f"text {number}" for number in range(50)]
    with VectorServer(protocol, refuse=refuse) as server:
        found = embedder_at(server).embed(texts, kind="passage")
        sizes = [len(asked) for asked in server.asked]
    assert sizes[:4] == [50, 25, 12, 6]
    assert max(sizes[3:]) <= 10
    wanted = np.array(vector_of("text 49"))
    assert np.allclose(found[49], wanted / np.linalg.norm(wanted), atol=1e-6)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (400, "This model's maximum context length is 8192 tokens, however you requested 9000"),
        (400, "the input length exceeds the context length"),
        (413, "Request Entity Too Large"),
        (500, "input is too large to process. increase the physical batch size"),
        (500, "input (900 tokens) is larger than the max context size (512 tokens). skipping"),
    ],
)
def test_text_longer_than_the_model_reads_is_embedded_by_its_beginning(
    protocol: Protocol, status: int, text: str
) -> None:
    pauses = Pauses()
    long = "0123456789" * 100

    def refuse(asked: list[str]) -> Reply | None:
        return said(status, text) if any(len(one) > 300 for one in asked) else None

    with VectorServer(protocol, refuse=refuse) as server:
        found = embedder_at(server, pauses=pauses).embed(["a", long, "b"], kind="passage")
    for row, beginning in zip(found, ("a", long[:250], "b"), strict=True):
        wanted = np.array(vector_of(beginning))
        assert np.allclose(row, wanted / np.linalg.norm(wanted), atol=1e-6)
    assert pauses == []


def test_one_long_text_does_not_make_the_other_requests_small(protocol: Protocol) -> None:
    def refuse(asked: list[str]) -> Reply | None:
        return said(413, "too large") if any(len(one) > 300 for one in asked) else None

    texts = ["x" * 500, *(f"text {number}" for number in range(128))]
    with VectorServer(protocol, refuse=refuse) as server:
        embedder_at(server).embed(texts, kind="passage")
        assert [len(asked) for asked in server.asked] == [64, 32, 16, 8, 4, 2, 1, 64, 64, 1]


def test_what_a_server_says_is_quoted_without_keys_and_passwords(protocol: Protocol) -> None:
    text = f"neither sk-abcdefgh1234 nor {KEY} by http://pat:hidden@proxy failed"
    with VectorServer(protocol, [said(400, text)]) as server:
        found = str(problem(server))
    assert "neither [key] nor [key] by http://proxy failed" in found


def test_server_that_finds_everything_too_long_is_given_up(protocol: Protocol) -> None:
    with VectorServer(protocol, refuse=lambda texts: said(413, "too large")) as server:
        found = problem(server, "x" * 5_000, kind="passage")
        assert len(server.requests) < 20
    assert "larger window" in str(found)


@pytest.mark.parametrize(
    ("status", "text", "words"),
    [
        (401, f"Incorrect API key provided: {KEY}", "refused the key"),
        (403, "not for you", "refused the key"),
        (402, "Payment Required", "no credit"),
        (429, "insufficient_quota: You exceeded your current quota", "no credit"),
        (404, "model 'm' not found, try pulling it first", "is not there"),
        (400, "this model does not support embeddings", "makes no vectors"),
        (501, "This server does not support embeddings. Start it with `--embeddings`", "no vect"),
        (400, "unknown field", "refused the request"),
        (500, "failed to encode response: json: unsupported value: NaN", "makes no vectors"),
        (422, "\x1b[31mred\u202e alert", "red alert"),
    ],
)
def test_final_refusal_is_told_at_once(
    protocol: Protocol, status: int, text: str, words: str
) -> None:
    pauses = Pauses()
    with VectorServer(protocol, refuse=lambda texts: said(status, text)) as server:
        found = problem(server, kind="passage", pauses=pauses)
        assert len(server.requests) == 1
        assert server.origin in str(found)
    assert words in str(found)
    assert not found.transient
    assert pauses == []
    assert "\x1b" not in str(found)
    assert "\u202e" not in str(found)


def test_missing_key_is_told_as_missing(protocol: Protocol) -> None:
    with VectorServer(protocol, [said(401, "Unauthorized")]) as server:
        assert "wants a key" in str(problem(server, key=None))


def test_redirect_is_not_followed(protocol: Protocol) -> None:
    with VectorServer(protocol) as other:
        away = Reply(status=307, headers={"Location": f"{other.base_url}/embeddings"})
        with VectorServer(protocol, [away]) as server:
            found = problem(server)
        assert other.requests == []
    assert "elsewhere" in str(found)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "vector|list"),
        ([*GOOD, *GOOD], "2 vectors for 1 texts"),
        ([[0.0] * 8], "zeros"),
        ([[]], "vector"),
    ],
)
def test_answer_that_is_no_vectors_is_refused(
    protocol: Protocol, rows: list[object], words: str
) -> None:
    with VectorServer(protocol, [vectors(protocol, rows)]) as server:
        found = problem(server)
    assert "answered, but it sent" in str(found)
    assert any(word in str(found) for word in words.split("|")), found
    assert not found.transient


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b"<html>Sign in</html>", b'{"data": 3}', b'{"data":']
)
def test_answer_in_another_protocol_is_refused(protocol: Protocol, body: bytes) -> None:
    with VectorServer(protocol, [Reply([body], headers={"Content-Type": "text/html"})]) as server:
        found = problem(server)
    assert server.base_url in str(found)
    assert not found.transient


def test_numbers_that_are_none_are_refused(protocol: Protocol) -> None:
    for broken in ("NaN", "null"):
        text = json.dumps(json.loads(vectors(protocol, GOOD).chunks[0])).replace("4.0", broken)
        reply = dataclasses.replace(vectors(protocol, GOOD), chunks=[text.encode()])
        with VectorServer(protocol, [reply]) as server:
            assert "answered, but it sent" in str(problem(server))


def test_width_that_changes_is_refused(protocol: Protocol) -> None:
    with VectorServer(protocol) as server:
        embedder = embedder_at(server)
        embedder.embed(["a"], kind="query")
        server.width = 6
        with pytest.raises(EmbedProblem, match="6 numbers where 8 were expected") as caught:
            embedder.embed(["a"], kind="query")
        assert embedder.dimensions == 8
    assert not caught.value.transient


def test_server_that_is_not_there_is_told_at_once(protocol: Protocol) -> None:
    pauses = Pauses()
    with VectorServer(protocol) as server:
        gone = server
    found = problem(gone, kind="passage", pauses=pauses)
    assert "Nothing answers at" in str(found)
    assert found.transient
    assert pauses == []


def test_silent_server_is_left_after_the_timeout(protocol: Protocol) -> None:
    with VectorServer(protocol, [Reply(end="hang", headers={"X": "1"})]) as server:
        found = problem(server, timeout_s=0.2)
    assert "in time" in str(found)
    assert found.transient


@pytest.mark.parametrize("end", ["cut", "reset"])
def test_lost_connection_is_tried_again(protocol: Protocol, end: Any) -> None:
    whole = vectors(protocol, GOOD)
    broken = dataclasses.replace(whole, chunks=[whole.chunks[0][:20]], end=end)
    pauses = Pauses()
    with VectorServer(protocol, [broken, broken]) as server:
        assert embedder_at(server, pauses=pauses).embed(["a"], kind="passage").any()
        assert len(server.requests) == 3
    assert len(pauses) == 2


def test_unusable_proxy_is_told_for_a_server_elsewhere(
    protocol: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ollama  # noqa: F401  # it reads the proxies when it is imported

    monkeypatch.setenv("ALL_PROXY", "ftp://user:hidden@127.0.0.1:9")
    kind = OpenAIEmbedder if protocol == "openai" else OllamaEmbedder
    with pytest.raises(EmbedProblem, match="can be prepared") as caught:
        kind(f"{protocol}/m", "http://192.0.2.1:9/v1").embed(["a"], kind="query")
    assert "hidden" not in str(caught.value)


def test_proxy_is_not_used_for_a_server_on_this_machine(
    protocol: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ALL_PROXY", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert "NO_PROXY" not in os.environ
    with VectorServer(protocol) as server:
        assert embedder_at(server).embed(["a"], kind="query").any()


def test_no_texts_ask_nobody(protocol: Protocol) -> None:
    with VectorServer(protocol) as server:
        embedder_at(server).embed([], kind="query")
        assert server.requests == []
