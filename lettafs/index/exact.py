"""Exact search: a piece of text as it stands, ignoring case, by reading the segments."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lettafs.errors import DiskProblem
from lettafs.format import layout
from lettafs.index.corpus import Corpus
from lettafs.stores.segments import Segments
from lettafs.values.problem import Problem

__all__ = ["holding"]

_ESCAPED = re.compile(r'["\\\x00-\x1f]+')
"""What JSON writes otherwise than it is; a line end may also be where two parts of a text meet."""
_TEXT_PART = b'"type":"text"'

R = TypeVar("R")


def holding(
    segments: Segments[R], corpus: Corpus, text: str, *, said: Callable[[R], str]
) -> NDArray[np.bool_]:
    """Return which documents of a corpus come from a record that holds a text as it stands.

    Args:
        segments: the files.
        corpus: made from them.
        text: what is looked for; case is ignored.
        said: what a record says.
    """
    holds = np.zeros(corpus.size, np.bool_)
    needle = text.casefold()
    for number, path in _with(segments, text):
        first, after = np.searchsorted(corpus.places[:, 0], [number, number + 1]).tolist()
        lines = segments.lines(path)
        for document in range(first, after):
            line = int(corpus.places[document, 1])
            record = lines[line - 1] if line <= len(lines) else None
            if record is not None and not isinstance(record, Problem):
                holds[document] = needle in said(record).casefold()
    return holds


def _with(segments: Segments[R], text: str) -> Iterator[tuple[int, str]]:
    """Yield the segments that may hold a text; none that does is left out.

    A segment is looked through as one text, which is many times faster than reading its records.
    """
    # The longest run of it that stands in JSON as it is, but for what another program may have
    # escaped: words told to a tool are escaped twice.
    needle = max(_ESCAPED.split(text), key=len).casefold()
    for path in segments.paths():
        try:
            raw = segments.read(path)
        except DiskProblem:
            continue  # `lines` has it as a problem
        if (
            b"\\u" in raw
            or b"\\/" in raw
            or needle in raw.decode("utf-8", "replace").casefold()
            # Parts of a message are joined without anything between them.
            or any(line.count(_TEXT_PART) > 1 for line in raw.split(b"\n"))
        ):
            yield layout.segment_number(path.rpartition("/")[2]) or 0, path
