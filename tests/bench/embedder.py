"""The built-in embedder: what it takes to load and to use, and how near it is to its model."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.child import clean_env
from tests.bench.table import Table, ms

__all__ = ["Measured", "embedder_table", "measure"]

_REFERENCE = Path(__file__).resolve().parents[1] / "embed"
_QUESTION = "Where did we go on holiday last summer?"


@dataclass(frozen=True, slots=True)
class Measured:
    """What one fresh process found."""

    numpy_s: float
    load_s: float
    """The first question, without numpy's import."""
    rss_numpy_mb: float
    rss_mb: float
    """At the end of everything, at its highest."""
    query_s: tuple[float, ...]
    per_s: dict[str, float]
    """Passages a second of processor time, by their characters."""
    cosine: tuple[float, float]
    """Least and mean."""


def embedder_table(*, times: int) -> Table:
    """Return the embedder's figures, of fresh processes."""
    env = clean_env()
    runs = []
    for _ in range(times):
        command = [sys.executable, "-m", "tests.bench.embedder"]
        done = subprocess.run(command, capture_output=True, text=True, env=env, check=True)
        fields = json.loads(done.stdout)
        fields["query_s"], fields["cosine"] = tuple(fields["query_s"]), tuple(fields["cosine"])
        runs.append(Measured(**fields))
    first = runs[0]
    rows = [
        ("import of numpy, ms (p50 / p95)", ms([run.numpy_s for run in runs])),
        ("first question, numpy imported, ms (p50 / p95)", ms([run.load_s for run in runs])),
        ("a question later, ms (p50 / p95)", ms([t for run in runs for t in run.query_s])),
        ("memory before, with numpy, MB", f"{median(run.rss_numpy_mb for run in runs):.0f}"),
        ("memory after, at its highest, MB", f"{median(run.rss_mb for run in runs):.0f}"),
    ]
    for chars in first.per_s:
        found = [run.per_s[chars] for run in runs]
        rows.append(
            (f"passages of {chars} characters a second of CPU (p50)", f"{median(found):.1f}")
        )
    least, mean = first.cosine
    rows.append(("cosine with the published model (least / mean)", f"{least:.4f} / {mean:.4f}"))
    return Table("Built-in embedder", ("figure", "value"), tuple(rows))


def measure() -> Measured:
    """Measure in this process, which must be fresh."""
    import resource
    import time

    begun = time.perf_counter()
    import numpy as np

    numpy_s = time.perf_counter() - begun
    from lettafs.embed.minilm import MiniLM

    rss_numpy = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    embedder = MiniLM()
    begun = time.perf_counter()
    embedder.embed([_QUESTION], kind="query")
    load_s = time.perf_counter() - begun
    query_s = []
    for _ in range(20):
        begun = time.perf_counter()
        embedder.embed([_QUESTION], kind="query")
        query_s.append(time.perf_counter() - begun)
    rows = json.loads((_REFERENCE / "reference.json").read_text(encoding="utf-8"))
    # Plain English: code and tables have more word pieces to the character.
    sentences = [row["text"] for row in rows if row["text"].isascii() and row["text"][-1] in ".?"]
    prose = " ".join(sentences)
    per_s = {}
    for chars, count in ((200, 200), (1_000, 40)):
        step = (len(prose) - chars) // count
        texts = [prose[at * step : at * step + chars] for at in range(count)]
        begun = time.process_time()
        embedder.embed(texts, kind="passage")
        per_s[f"{chars:,}"] = count / (time.process_time() - begun)
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wanted = np.load(_REFERENCE / "reference.npy", allow_pickle=False).astype(np.float32)
    found = embedder.embed([row["text"] for row in rows], kind="passage")
    cosines = np.sum(found * wanted, axis=1) / np.linalg.norm(wanted, axis=1)
    # Kilobytes on Linux, bytes on macOS.
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return Measured(
        numpy_s,
        load_s,
        rss_numpy / unit,
        rss / unit,
        tuple(query_s),
        per_s,
        (float(cosines.min()), float(cosines.mean())),
    )


if __name__ == "__main__":
    from dataclasses import asdict

    print(json.dumps(asdict(measure())))
