"""`python -m tests.bench`: all figures, or some of them, as Markdown on stdout."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.documents import documents_tables
from tests.bench.embedder import embedder_table
from tests.bench.folders import convert_tables, folder_tables
from tests.bench.growth import growth_tables
from tests.bench.machine import Machine
from tests.bench.passages import passages_tables
from tests.bench.retrieval import retrieval_tables
from tests.bench.search import search_tables
from tests.bench.shelf import shelf_tables
from tests.bench.start import first_reply_table, imports_table, start_table
from tests.bench.table import Table
from tests.bench.turns import turn_tables

_MARKED = re.compile(r"(?<=<!-- figures -->\n).*?(?=<!-- /figures -->)", re.DOTALL)


def main() -> None:
    """Measure, and print or write what was measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, shorter histories")
    names = ["start", "reply", "imports", "turns", "growth", "embed", "passages", "search"]
    names += ["shelf", "retrieval", "folder", "convert", "documents"]
    parser.add_argument("--only", choices=names)
    parser.add_argument("--into", type=Path, help="a page whose figures are exchanged for these")
    parser.add_argument(
        "--in", dest="place", type=Path, help="where to put agents; else a temporary place"
    )
    parser.add_argument("--chats", type=Path, help="a file of long chats in LoCoMo's form")
    parser.add_argument("--documents", type=Path, help="a directory of documents to convert")
    parser.add_argument("--cranfield", type=Path, help="a directory with Cranfield's files")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lettafs-bench-", dir=given.place) as scratch:
        tables = _measure(Path(scratch), given)
    text = "\n".join(table.markdown() for table in tables)
    print(text)
    if given.into is not None:
        page = given.into.read_text(encoding="utf-8")
        given.into.write_text(
            _MARKED.sub(lambda _: f"\n{text}\n", page), encoding="utf-8", newline="\n"
        )


def _measure(scratch: Path, given: argparse.Namespace) -> list[Table]:
    quick, chats = given.quick, given.chats
    times = 5 if quick else 15
    machine = Machine(scratch, times=times)
    sizes = (10, 1_000) if quick else (10, 1_000, 20_000)
    parts: dict[str, Callable[[], list[Table]]] = {
        "start": lambda: [start_table(machine, times=times)],
        "reply": lambda: [first_reply_table(scratch / "reply", machine, times=times)],
        "imports": lambda: [imports_table(scratch / "imports", times=times // 2 + 1)],
        "turns": lambda: turn_tables(
            scratch / "turns", machine, sizes=sizes, times=15 if quick else 100
        ),
        "growth": lambda: growth_tables(scratch / "growth", turns=150 if quick else 1_500),
        "embed": lambda: [embedder_table(times=times // 3)],
        "passages": lambda: passages_tables(
            scratch / "passages",
            sizes=(1_000, 10_000) if quick else (1_000, 10_000, 100_000),
            crossing=(5_000,) if quick else (10_000, 20_000, 40_000),
            texts=200 if quick else 1_000,
        ),
        "search": lambda: search_tables(
            scratch / "search",
            sizes=(1_000, 10_000) if quick else (1_000, 10_000, 100_000),
            times=10 if quick else 30,
        ),
        "shelf": lambda: shelf_tables(
            scratch / "shelf",
            sizes=(1_000, 10_000) if quick else (1_000, 10_000, 100_000),
            times=10 if quick else 30,
        ),
        "retrieval": lambda: retrieval_tables(scratch / "retrieval", chats=chats, quick=quick),
        "folder": lambda: folder_tables(
            scratch / "folder", sizes=(1_000,) if quick else (1_000, 10_000), times=times
        ),
        "convert": lambda: convert_tables(scratch / "convert", documents=given.documents),
        "documents": lambda: documents_tables(
            scratch / "documents", collection=given.cranfield, quick=quick
        ),
    }
    tables = [machine.table(scratch)]
    for name, measure in parts.items():
        if given.only in (None, name):
            begun = time.monotonic()
            tables += measure()
            print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return tables


if __name__ == "__main__":
    main()
