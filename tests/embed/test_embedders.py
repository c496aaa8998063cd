"""What every embedder promises, of all of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from lettafs.embed.base import Embedder
from lettafs.embed.hashed import HashedEmbedder
from lettafs.embed.minilm import MiniLM
from tests.embed.serving import VectorServer, embedder_at

ROOT = Path(__file__).resolve().parents[2]

TEXTS = [
    "The cat sat on the mat.",
    "今天天气很好",
    "x" * 3_000,
    "A half \ud800 of a pair.",
    "ends with a zero \x00",
    *(f"Sentence number {number} of many." for number in range(130)),
]


@pytest.fixture(params=["minilm", "hashed", "openai", "ollama"])
def embedder(request: pytest.FixtureRequest) -> Iterator[Embedder]:
    match request.param:
        case "minilm":
            yield MiniLM()
        case "hashed":
            yield HashedEmbedder()
        case protocol:
            with VectorServer(protocol) as server:
                yield embedder_at(server)


def test_rows_are_finite_unit_vectors_in_float32(embedder: Embedder) -> None:
    found = embedder.embed(TEXTS, kind="passage")
    assert found.dtype == np.float32
    assert found.shape == (len(TEXTS), embedder.dimensions)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_row_is_the_same_alone_and_in_company(embedder: Embedder) -> None:
    together = embedder.embed(TEXTS, kind="passage")
    for at in (0, 1, 2, 70, len(TEXTS) - 1):
        alone = embedder.embed([TEXTS[at]], kind="passage")
        assert np.allclose(alone[0], together[at], atol=1e-5), TEXTS[at][:40]


def test_text_with_nothing_to_read_gets_zeros_between_its_neighbours(embedder: Embedder) -> None:
    found = embedder.embed(["one", "", "two", " \n\t\u3000"], kind="passage")
    assert not found[[1, 3]].any()
    assert np.allclose(found[[0, 2]], embedder.embed(["one", "two"], kind="passage"), atol=1e-5)


def test_nothing_but_blank_texts_still_has_the_right_width(embedder: Embedder) -> None:
    found = embedder.embed(["", " "], kind="query")
    assert found.shape == (2, embedder.dimensions)
    assert not found.any()


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert len(embedder.embed([], kind="query")) == 0
    embedder.embed(["now its width is known"], kind="query")
    assert embedder.embed([], kind="query").shape == (0, embedder.dimensions)


def test_identity_names_embedder_and_width_and_stays(embedder: Embedder) -> None:
    embedder.embed(["x"], kind="passage")
    identity = embedder.identity
    assert embedder.name in identity
    assert str(embedder.dimensions) in identity.split()
    embedder.embed(["y"], kind="query")
    assert embedder.identity == identity


def test_threads_get_the_same_rows(embedder: Embedder) -> None:
    texts = TEXTS[:12]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: embedder.embed(texts, kind="passage"), range(4)))
    assert all(np.allclose(found[0], rows, atol=1e-5) for rows in found)


def test_making_an_embedder_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from lettafs.embed import base\n"
        "from lettafs.embed.hashed import HashedEmbedder\n"
        "from lettafs.embed.minilm import MiniLM\n"
        "from lettafs.embed.ollama import OllamaEmbedder\n"
        "from lettafs.embed.openai import OpenAIEmbedder\n"
        "made = (HashedEmbedder(), MiniLM(), OllamaEmbedder('ollama/m', 'http://127.0.0.1:9'),\n"
        "        OpenAIEmbedder('openai/m', 'https://api.invalid/v1', api_key='k'))\n"
        "print([one.identity for one in made])\n"
        "print(sorted({'numpy', 'openai', 'ollama', 'httpx', 'httpx2'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    identities, loaded = done.stdout.splitlines()
    assert loaded == "[]"
    assert "openai/m ?" in identities
