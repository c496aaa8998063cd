"""Lines that say outright what search is to know of them, and how to compare two corpora."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lettafs.format import layout
from lettafs.index.corpus import Corpus, Document, Mark, Marked, Place
from lettafs.stores.segments import Segments
from lettafs.values.problem import Problem
from tests.support.memory_corpus import MemoryCorpus

__all__ = ["FIELDS", "Line", "differences", "extract", "plain_scan", "segments_of"]

FIELDS = 2

Line = Mapping[str, Any]
"""A record: `items`, each a document or a mark."""


def segments_of(root: Path) -> Segments[Line]:
    """Return the segments in `lines/` of a home."""
    return Segments(root, "lines", parse=lambda record, path, line: record)


def extract(record: Line) -> Sequence[Document | Mark]:
    """Return what a line says."""
    found: list[Document | Mark] = []
    for item in record.get("items", ()):
        if "mark" in item:
            found.append(Mark(item["mark"], item["key"]))
        else:
            numbers = tuple(item["fields"])
            found.append(Document(item["key"], item["words"], item["labels"], numbers))
    return found


def plain_scan(segments: Segments[Line]) -> MemoryCorpus:
    """Return everything the lines say, read without any of the index's own code."""
    return MemoryCorpus(_everything(segments), fields=FIELDS)


def _everything(segments: Segments[Line]) -> Iterator[tuple[Place, Document] | Marked]:
    for path in segments.paths():
        number = layout.segment_number(path.rpartition("/")[2])
        assert number is not None
        for line, record in enumerate(segments.lines(path), 1):
            if isinstance(record, Problem):
                continue
            said = extract(record)
            documents = [item for item in said if isinstance(item, Document)]
            marks = [item for item in said if isinstance(item, Mark)]
            yield from ((Place(number, line, n), item) for n, item in enumerate(documents))
            yield from (
                Marked(item.kind, item.key, Place(number, line, n)) for n, item in enumerate(marks)
            )


def differences(found: Corpus, expected: MemoryCorpus) -> list[str]:
    """Return in what a corpus answers otherwise; empty: in nothing."""
    if found.size != expected.size:
        return [f"size {found.size}, not {expected.size}"]
    return [
        f"{asked}: {mine!r}, not {theirs!r}"
        for (asked, mine), (_, theirs) in zip(
            _answers(found, expected), _answers(expected, expected), strict=True
        )
        if mine != theirs
    ]


def _answers(corpus: Corpus, about: MemoryCorpus) -> Iterator[tuple[str, object]]:
    """Yield everything a corpus answers, asked for what another one holds."""
    for name in ("lengths", "keys", "places", "fields"):
        column = getattr(corpus, name)
        yield name, (column.dtype, column.shape, column.tolist())
    yield "marks", list(corpus.marks)
    words = about.words_beginning("", limit=10**6)
    yield "words", corpus.words_beginning("", limit=10**6)
    for word in [*words, "nobody-said-this", ""]:
        docs, counts = corpus.postings(word)
        yield f"postings of {word!r}", (docs.dtype, docs.tolist(), counts.dtype, counts.tolist())
    for start in sorted({"", *(word[:1] for word in words), *(word[:3] for word in words)}):
        for limit in (0, 1, 3, 100):
            yield f"words beginning {start!r}", corpus.words_beginning(start, limit=limit)
    for end in sorted({"", *(word[-1:] for word in words), *(word[-4:] for word in words)}):
        for limit in (1, 3, 100):
            yield f"words ending {end!r}", corpus.words_ending(end, limit=limit)
    for start in ("", "tag:", "who:", "nothing"):
        yield f"labels beginning {start!r}", corpus.labels(start)
    for label in [*about.labels(), "tag:nobody"]:
        docs = corpus.labelled(label)
        yield f"labelled {label!r}", (docs.dtype, docs.tolist())
