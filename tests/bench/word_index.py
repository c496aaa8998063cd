"""`python -m tests.bench.word_index 100000`: what the word index of a long conversation costs.

Figures are processor time of one thread, so that they hold on a busy machine too.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lettafs.format.recall_line import RecallRecord
from lettafs.index.documents import TALK_FIELDS, VERSION, talk_documents
from lettafs.index.engine.index import WordIndex
from lettafs.stores.recall import Recall
from tests.bench.history import real_turns, write_history

_KEY = b"k" * 32


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.word_index", description=__doc__)
    parser.add_argument("messages", type=int)
    parser.add_argument("--turns", type=Path, help="a LoCoMo file whose texts are repeated")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read is not None:
        _read(given.read)
        return
    with tempfile.TemporaryDirectory(prefix="lettafs-bench-") as scratch:
        root = Path(scratch)
        texts = real_turns(given.turns) if given.turns is not None else None
        write_history(root, given.messages, texts=texts)
        _say("index all of it", _spent(lambda: _index(root).catch_up()), "s")
        size = sum(path.stat().st_size for path in _place(root).iterdir())
        _say("size of the index", size / 1e6, "MB")
        # A process of its own: what indexing left in memory is not counted.
        again = [sys.executable, "-m", "tests.bench.word_index", str(given.messages)]
        subprocess.run([*again, "--read", str(root)], check=True)


def _read(root: Path) -> None:
    before = _resident_mb()
    index = _index(root)
    _say("open, and the first word", _spent(lambda: index.snapshot().postings("the")), "s")
    corpus = index.snapshot()
    _say("memory of that", _resident_mb() - before, "MB")
    words = corpus.words_beginning("", limit=10**6)
    words.sort(key=lambda word: -len(corpus.postings(word).docs))
    fresh = _index(root).snapshot()
    for word in (words[0], words[min(20, len(words) - 1)], words[-1]):
        count = len(corpus.postings(word).docs)
        first = _spent(lambda word=word: fresh.postings(word))  # type: ignore[misc]
        again = _spent(lambda word=word: fresh.postings(word))  # type: ignore[misc]
        _say(f"a word of {count} messages", first * 1e3, "ms")
        _say("the same again", again * 1e3, "ms")
    _say("a snapshot when nothing changed", _spent(index.snapshot) * 1e3, "ms")


def _index(root: Path) -> WordIndex[RecallRecord]:
    return WordIndex(
        Recall(root).segments,
        extract=talk_documents,
        fields=len(TALK_FIELDS),
        directory=_place(root),
        key=_KEY,
        version=VERSION,
    )


def _place(root: Path) -> Path:
    return root / ".lettafs" / "index" / "recall"


def _spent(doing: Callable[[], object]) -> float:
    began = time.process_time()
    doing()
    return time.process_time() - began


def _resident_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def _say(what: str, figure: float, unit: str) -> None:
    print(f"{what}: {figure:.3g} {unit}", flush=True)


if __name__ == "__main__":
    main()
