"""The built-in model: as near to the published one as promised, whole, and quick to say if not."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lettafs.embed import minilm
from lettafs.embed.minilm import MiniLM
from lettafs.embed.minilm.derive import MODEL_SHA256, TOKENIZER_SHA256, derive
from lettafs.embed.minilm.weights import FILE_NAME, load
from lettafs.errors import EmbedProblem, UsageProblem

HERE = Path(__file__).resolve().parent
PLACE = Path(minilm.__file__).parent
TEXTS = [row["text"] for row in json.loads((HERE / "reference.json").read_text(encoding="utf-8"))]


def embed(*texts: str) -> NDArray[np.float32]:
    return MiniLM().embed(texts, kind="passage")


@pytest.fixture(scope="module")
def rows() -> NDArray[np.float32]:
    return embed(*TEXTS)


def test_vectors_are_those_of_the_published_model(rows: NDArray[np.float32]) -> None:
    wanted = np.load(HERE / "reference.npy", allow_pickle=False).astype(np.float64)
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    cosines = (rows * wanted).sum(axis=1)
    assert len(cosines) == 100
    assert cosines.min() > 0.998, TEXTS[int(cosines.argmin())]
    assert cosines.mean() > 0.9995


def test_similarities_are_those_its_authors_print() -> None:
    three = embed(
        "The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."
    )
    found = three @ three.T
    assert [found[0, 1], found[0, 2], found[1, 2]] == pytest.approx(
        [0.6660, 0.1046, 0.1411], abs=0.003
    )


def test_first_numbers_are_those_its_authors_print() -> None:
    (row,) = embed("This is an example sentence")
    assert row[:5] == pytest.approx([0.0677, 0.0635, 0.0487, 0.0793, 0.0374], abs=0.003)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What can I not eat?", "I am allergic to peanuts."),
        ("How old is the cat?", "Our cat is called Minka; she is seventeen and nearly deaf."),
        ("What name does he like to be called by?", "Please call me Sam, not Samuel."),
        (
            "How long does the bread have to be in the oven?",
            "Preheat the oven to 200 degrees, then bake the bread for forty minutes.",
        ),
        (
            "Where did we go on holiday last summer?",
            "We spent a week by the sea in Portugal, mostly reading.",
        ),
        (
            "Why did you not buy the red couch?",
            "We decided against the red sofa because it would not fit through the door.",
        ),
    ],
)
def test_question_finds_its_answer_among_all_statements(
    question: str, answer: str, rows: NDArray[np.float32]
) -> None:
    likeness = rows @ MiniLM().embed([question], kind="query")[0]
    statements = [at for at, text in enumerate(TEXTS) if not text.endswith("?")]
    assert TEXTS[max(statements, key=lambda at: float(likeness[at]))] == answer


def test_what_comes_after_256_word_pieces_changes_nothing() -> None:
    beginning = "word " * 254
    same, shorter = (
        embed(beginning, beginning + "and now for something different"),
        embed("word " * 20 + "and now for something different"),
    )
    assert np.allclose(same[0], same[1], atol=1e-5)
    assert not np.allclose(same[0], shorter[0], atol=1e-2)


def test_text_of_control_characters_gets_zeros() -> None:
    assert not embed("\x00\x01\u200b").any()


def test_large_text_without_spaces_is_read() -> None:
    found = embed("x" * 1_000_000, "天" * 100_000, "a-" * 100_000)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_many_short_texts_keep_their_order() -> None:
    texts = [f"note {number}" for number in range(300)]
    found = embed(*texts)
    for at in (0, 1, 150, 299):
        assert np.allclose(found[at], embed(texts[at])[0], atol=1e-5)


def test_all_instances_share_one_model_however_many_threads_come_first() -> None:
    code = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from lettafs.embed.minilm import MiniLM, embedder\n"
        "with ThreadPoolExecutor(4) as pool:\n"
        "    rows = list(pool.map(lambda n: MiniLM().embed(['x'], kind='query'), range(8)))\n"
        "print(embedder._loaded.cache_info().misses, len({row.tobytes() for row in rows}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[0] == "1"


def test_file_is_the_one_its_provenance_names() -> None:
    page = (PLACE / "PROVENANCE.md").read_text(encoding="utf-8")
    data = (PLACE / FILE_NAME).read_bytes()
    assert re.findall(r"`([0-9a-f]{64})`", page) == [
        MODEL_SHA256,
        TOKENIZER_SHA256,
        sha256(data).hexdigest(),
    ]
    assert f"{len(data):,}" in page
    assert "Apache License, Version 2.0" in (PLACE / "NOTICE").read_text(encoding="utf-8")


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "altered", "longer", "directory"])
def test_damaged_file_is_told_with_its_place_and_what_to_do(tmp_path: Path, damage: str) -> None:
    copy = tmp_path / FILE_NAME
    shutil.copyfile(PLACE / FILE_NAME, copy)
    match damage:
        case "missing":
            copy.unlink()
        case "empty":
            copy.write_bytes(b"")
        case "cut":
            copy.write_bytes(copy.read_bytes()[:-1])
        case "altered":
            with copy.open("r+b") as file:
                file.seek(9_000_000)
                byte = file.read(1)[0]
                file.seek(9_000_000)
                file.write(bytes([byte ^ 1]))
        case "longer":
            with copy.open("ab") as file:
                file.write(b"\n")
        case _:
            copy.unlink()
            copy.mkdir()
    with pytest.raises(EmbedProblem) as caught:
        load(copy)
    assert str(copy) in str(caught.value)
    assert "Install lettafs again" in str(caught.value)
    assert not caught.value.transient


def test_copy_of_the_file_loads_like_the_file(tmp_path: Path) -> None:
    copy = tmp_path / FILE_NAME
    shutil.copyfile(PLACE / FILE_NAME, copy)
    _, network = load(copy)
    assert (network.dimensions, network.max_tokens, len(network.layers)) == (384, 256, 6)


def test_derivation_refuses_any_other_source() -> None:
    with pytest.raises(UsageProblem, match=r"model\.safetensors has SHA-256"):
        derive(b"something else", b"{}")


def test_identity_says_which_weights() -> None:
    assert MiniLM().name == "lettafs/minilm"
    assert MiniLM().identity == f"lettafs/minilm 384 {MODEL_SHA256[:8]}.1"
