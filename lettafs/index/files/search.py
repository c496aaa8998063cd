"""Search in attached files: by words, by meaning where vectors are at hand, and by names.

A file is found as a whole and shown by its pieces. How well it fits is told by its words altogether
and by the piece that fits best; names come in when a question is asked, so that a file that is
renamed need not be indexed again.
"""

from __future__ import annotations

import re
import threading
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lettafs.index.corpus import Corpus, key_hash
from lettafs.index.engine.index import WordIndex
from lettafs.index.files.contents import ABSENT, FIELDS, VERSION, Contents, meant, text_extract
from lettafs.index.files.pieces import FilePiece, pieces_of
from lettafs.index.files.rank import Grouped, Scope, rank_files
from lettafs.index.files.results import Found, best_runs, hit_of
from lettafs.index.passage_search import ByMeaning
from lettafs.index.ranking.query import read_query
from lettafs.index.wanted import Wanted, shown_of
from lettafs.values.file import FileText
from lettafs.values.hit import Hit

__all__ = ["FileSearch"]

_TEXT, _START, _END = range(len(FIELDS))
_CUT_OPEN = 4
"""Texts of which the pieces are remembered."""


class FileSearch:
    """Finds pieces of the files of one home.

    Args:
        contents: gives the hashes of all contents that were ever seen, in that order; see
            `Contents`.
        texts: gives a content's text; None: there is none now.
        root: the home.
        directory: where the index is kept, for it alone; None: nowhere.
        key: the user's key for seals; None: no index is kept.
        version: changes when the same bytes give another text.
    """

    def __init__(
        self,
        contents: Callable[[], Sequence[str]],
        texts: Callable[[str], FileText | None],
        *,
        root: Path,
        directory: Path | None,
        key: bytes | None,
        version: str = "",
    ) -> None:
        self._texts = texts
        self._contents = Contents(contents, root=root)
        self._lock = threading.Lock()
        self._cut: dict[str, tuple[FileText, list[FilePiece]]] = {}
        self._grouped: tuple[Corpus, Grouped] | None = None
        self._scoped: tuple[Grouped, dict[str, tuple[str, ...]], Scope] | None = None
        self.index: WordIndex[str] = WordIndex(
            self._contents,
            extract=text_extract(texts),
            fields=len(FIELDS),
            directory=directory,
            key=key,
            version=f"{VERSION}/{version}",
        )

    def find(
        self,
        query: str,
        *,
        names: Mapping[str, Sequence[str]],
        limit: int,
        skip: int = 0,
        exact: bool = False,
        now: datetime,
        by_meaning: ByMeaning,
        snippet_chars: int = 240,
    ) -> list[Hit]:
        """Return the pieces that fit, best first; of a file its best, then perhaps others.

        A hit is of a content: its `id` is the first of its names, `also` the others; `created_at`
        is left empty. What a content's text no longer has is passed over.

        Args:
            query: a question, words, or with `exact` a piece of text; nothing is found for none.
            names: the contents that may be found, each with the names of its files.
            limit: how many at most.
            skip: how many of the best are passed over: those of earlier pages.
            exact: the text as it stands, ignoring case; every piece with it, by names and lines.
            now: what `yesterday` in a question is counted from.
            by_meaning: how near texts are to the query.
            snippet_chars: how long the part may be that is shown of a longer piece.
        """
        if not query.strip() or limit <= 0 or not names:
            return []
        if exact:
            found = self._exactly(query, names)
        else:
            found = self._ranked(query, names, now=now, by_meaning=by_meaning)
        wanted = Wanted(UTC, now, snippet_chars=snippet_chars)
        hits = []
        for each in islice(found, skip, skip + limit):
            shown = shown_of(each.said, query, wanted, exact=exact)
            hits.append(hit_of(each, names[each.sha256], snippet=shown))
        return hits

    def missed(self, live: Collection[str]) -> list[str]:
        """Return the contents whose text was not there when the index came to them, and is now.

        Listed once more, at the end, they are found.
        """
        wanted = set(live)
        absent = {
            mark.key: mark.place[:2]
            for mark in self.index.snapshot().marks
            if mark.kind == ABSENT and mark.key in wanted
        }
        if not absent:
            return []
        # Of one that was listed again since, the last line tells.
        last = self._contents.last_places(absent)
        return [
            sha256
            for sha256, place in absent.items()
            if last.get(sha256) == place and self._texts(sha256) is not None
        ]

    def pieces(self, live: Collection[str]) -> dict[int, Callable[[], str | None]]:
        """Return, by the hash of what is embedded of it, what reads each piece of some contents.

        It returns None for a piece that has gone since.
        """
        corpus = self.index.snapshot()
        groups = self._groups(corpus)
        by_key = {key_hash(sha256): sha256 for sha256 in live}
        wanted = np.isin(corpus.keys, np.fromiter(by_key, np.uint64, len(by_key)))
        numbers = np.flatnonzero(wanted & groups.is_last)
        hashes = np.ascontiguousarray(corpus.fields[numbers, _TEXT]).view(np.uint64).tolist()
        keys, places = corpus.keys[numbers].tolist(), corpus.places[numbers, 2].tolist()
        return {
            text: partial(self._meant, by_key[key], piece)
            for text, key, piece in zip(hashes, keys, places, strict=True)
        }

    def _meant(self, sha256: str, number: int) -> str | None:
        text, pieces = self._pieces(sha256)
        return meant(text, pieces[number]) if text is not None and number < len(pieces) else None

    def _pieces(self, sha256: str) -> tuple[FileText | None, list[FilePiece]]:
        """Return a content's text and its pieces; those of the last few are remembered."""
        text = self._texts(sha256)
        if text is None:
            return None, []
        with self._lock:
            known = self._cut.get(sha256)
        if known is not None and known[0] == text:
            return known
        made = (text, pieces_of(text))
        with self._lock:
            self._cut[sha256] = made
            while len(self._cut) > _CUT_OPEN:
                self._cut.pop(next(iter(self._cut)))
        return made

    def _groups(self, corpus: Corpus) -> Grouped:
        with self._lock:
            if self._grouped is None or self._grouped[0] is not corpus:
                self._grouped = (corpus, Grouped.of(corpus))
            return self._grouped[1]

    def _scope(self, groups: Grouped, names: Mapping[str, Sequence[str]]) -> Scope:
        """Return what may be found; the same object while nothing changes."""
        told = {sha256: tuple(each) for sha256, each in names.items()}
        with self._lock:
            known = self._scoped
        if known is None or known[0] is not groups or known[1] != told:
            known = (groups, told, Scope.of(groups, told))
            with self._lock:
                self._scoped = known
        return known[2]

    def _ranked(
        self,
        query: str,
        names: Mapping[str, Sequence[str]],
        *,
        now: datetime,
        by_meaning: ByMeaning,
    ) -> Iterator[Found]:
        """Yield what fits, best first."""
        corpus = self.index.snapshot()
        groups = self._groups(corpus)
        scope = self._scope(groups, names)
        asked = read_query(query, corpus, now=now)

        def near(wanted: NDArray[np.bool_]) -> NDArray[np.float32] | None:
            if not wanted.any():
                return None
            hashes = np.ascontiguousarray(corpus.fields[wanted, _TEXT]).view(np.uint64)
            return by_meaning(query, hashes)

        ranked = rank_files(corpus, groups, asked, scope=scope, near=near)
        ends = corpus.fields[:, [_START, _END]]
        for run in best_runs(ranked, groups, ends):
            sha256 = scope.sha256[int(groups.of_document[run.best])]
            text = self._texts(sha256)
            start, end = int(ends[run.first, 0]), int(ends[run.last, 1])
            if text is None or end > len(text.text):
                continue
            first, last = int(corpus.places[run.first, 2]), int(corpus.places[run.last, 2])
            count = int(groups.pieces[groups.of_document[run.best]])
            yield Found(sha256, text, start, end, first, last, count, run.score)

    def _exactly(self, query: str, names: Mapping[str, Sequence[str]]) -> Iterator[Found]:
        """Yield every piece with a text as it stands, by the names of files and by lines."""
        for sha256 in sorted(names, key=lambda each: (list(names[each]), each)):
            text = self._texts(sha256)
            if text is None:
                continue
            places = list(_places(text.text, query))
            if not places:
                continue
            text, pieces = self._pieces(sha256)
            if text is None:
                continue
            for number in _holding(pieces, places):
                piece = pieces[number]
                yield Found(sha256, text, piece.start, piece.end, number, number, len(pieces), 0.0)


def _places(text: str, query: str) -> Iterator[tuple[int, int]]:
    """Yield where a text stands in another, ignoring case."""
    folded, needle = text.casefold(), query.casefold()
    if len(folded) != len(text):
        # Some letter is two when it is folded: places would not be those in the text.
        for match in re.finditer(re.escape(query), text, re.IGNORECASE):
            yield match.span()
        return
    at = folded.find(needle)
    while at >= 0:
        yield at, at + len(needle)
        at = folded.find(needle, at + len(needle))


def _holding(pieces: Sequence[FilePiece], places: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Yield the number of the piece each place begins in, once: the one that has all of it."""
    starts = [piece.start for piece in pieces]
    shown = -1
    for start, end in places:
        number = max(bisect_right(starts, start) - 1, 0)
        if number and start < pieces[number - 1].end >= end:
            number -= 1  # where two overlap, the first
        if number > shown:
            shown = number
            yield number
