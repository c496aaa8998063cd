"""Results: which pieces of ranked files are shown, in which order, and as what.

The best piece of every file comes by how well the file fits. Its further pieces are held back, so
that ten results are ten files where ten fit, and the best places of one long document where there
is but that.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lettafs.index.files.outline import headings_at, outline_of_pages
from lettafs.index.files.pieces import page_ranges
from lettafs.index.files.rank import Grouped, Ranked
from lettafs.values.file import FileText
from lettafs.values.hit import Hit

__all__ = ["Found", "Run", "best_runs", "hit_of"]

_AGAIN = 0.5
"""What a file's second piece counts of what it would by itself."""
_AGAIN_EACH = 0.9
"""What each further one counts of that."""
_AS_GOOD = 0.75
"""How much of a piece's score a neighbour must have to be shown with it as one."""


class Run(NamedTuple):
    """A piece, or one with the neighbours that overlap it, by numbers of documents."""

    best: int
    first: int
    last: int
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    """A range of a content's text that was found."""

    sha256: str
    text: FileText
    start: int
    end: int
    first: int
    """The number of its first piece; 0 is the content's first."""
    last: int
    count: int
    """How many pieces the content has."""
    score: float

    @property
    def said(self) -> str:
        """The text in the range."""
        return self.text.text[self.start : self.end]


def best_runs(ranked: Ranked, groups: Grouped, ends: NDArray[np.int64]) -> Iterator[Run]:
    """Yield what is shown, best first: as much of it as is asked for.

    Args:
        ranked: the scores.
        groups: which documents are of one content.
        ends: where each document begins and ends in its text.
    """
    numbers = np.flatnonzero(ranked.pieces > 0)
    numbers = numbers[ranked.files[groups.of_document[numbers]] > 0]
    order = numbers[np.lexsort((numbers, -ranked.pieces[numbers], groups.of_document[numbers]))]
    owners = groups.of_document[order]
    found = np.flatnonzero(ranked.files > 0)
    starts = np.searchsorted(owners, found, "left").tolist()
    stops = np.searchsorted(owners, found, "right").tolist()
    last = np.flatnonzero(groups.is_last)
    firsts = np.zeros(len(ranked.files), np.intp)
    firsts[groups.of_document[last[::-1]]] = last[::-1]
    queue: list[tuple[float, int, Iterator[Run], Run]] = []
    # A file is opened when it is its turn: most never are.
    for at in np.lexsort((firsts[found], -ranked.files[found])).tolist():
        file, first = int(found[at]), int(firsts[found[at]])
        score = float(ranked.files[file])
        while queue and -queue[0][0] > score:
            yield _next(queue)
        # A file that only its name tells of is shown by its beginning.
        mine = order[starts[at] : stops[at]] if stops[at] > starts[at] else np.array([first])
        runs = _of_file(score, mine, ranked, groups, ends)
        heapq.heappush(queue, (-score, first, runs, next(runs)))
    while queue:
        yield _next(queue)


def _next(queue: list[tuple[float, int, Iterator[Run], Run]]) -> Run:
    """Take the best run there is, and put the next of its file in its place."""
    _, first, runs, run = queue[0]
    following = next(runs, None)
    if following is None:
        heapq.heappop(queue)
    else:
        heapq.heapreplace(queue, (-following.score, first, runs, following))
    return run


def _of_file(
    score: float,
    numbers: NDArray[np.intp],
    ranked: Ranked,
    groups: Grouped,
    ends: NDArray[np.int64],
) -> Iterator[Run]:
    """Yield the pieces of one file, best first, with scores that fall."""
    taken: set[int] = set()
    best = max(float(ranked.pieces[numbers[0]]), 1e-9)
    counts = 1.0
    for number in map(int, numbers):
        if number in taken:
            continue
        mine = float(ranked.pieces[number])
        first = last = number
        for other in (number - 1, number + 1):
            if other not in taken and _joins(number, other, ranked, groups, ends):
                first, last = min(first, other), max(last, other)
                taken.add(other)
        taken.add(number)
        yield Run(number, first, last, score * (mine / best if best > mine else 1.0) * counts)
        counts = _AGAIN if counts == 1.0 else counts * _AGAIN_EACH


def _joins(
    number: int, other: int, ranked: Ranked, groups: Grouped, ends: NDArray[np.int64]
) -> bool:
    """Tell whether a neighbour repeats some of a piece and fits nearly as well."""
    if not 0 <= other < len(ranked.pieces) or not groups.is_last[other]:
        return False
    if groups.of_document[other] != groups.of_document[number]:
        return False
    early, late = sorted((number, other))
    overlap = ends[late, 0] < ends[early, 1]
    return bool(overlap and ranked.pieces[other] >= _AS_GOOD * ranked.pieces[number] > 0)


def hit_of(found: Found, names: Sequence[str], *, snippet: str) -> Hit:
    """Return what is found as a hit.

    Args:
        found: the range.
        names: of the content's files; the first is the hit's id.
        snippet: the part of it that is shown.
    """
    text, piece = found.text, ""
    if found.count > 1:
        which = str(found.first + 1)
        piece = f"{which if found.first == found.last else f'{which}-{found.last + 1}'}"
        piece += f" of {found.count}"
    return Hit(
        "files",
        names[0],
        "",
        found.said,
        found.score,
        snippet=snippet,
        piece=piece,
        heading=" > ".join(_headings(text, found.start)),
        lines=(text.line_of(found.start), text.line_of(max(found.start, found.end - 1))),
        page=text.page_of(found.start),
        also=tuple(names[1:]),
    )


def _headings(text: FileText, place: int) -> tuple[str, ...]:
    if text.kind in ("code", "table"):
        return ()
    # Only as far as the place: what is behind it says nothing of it, but for a line of dashes
    # below it that makes it a heading.
    line = text.line_of(place) + 1
    seen = text.line_starts[line] if line < len(text.line_starts) else len(text.text)
    ranges = [(start, min(end, seen)) for start, end in page_ranges(text) if start <= place]
    outlines = outline_of_pages(text.text, ranges)
    return headings_at(outlines[-1].headings, place) if outlines else ()
