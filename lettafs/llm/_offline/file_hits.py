"""Questions that files may answer: whether they come first, and what a search of them found."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lettafs.llm._offline.file_names import mentions
from lettafs.llm._offline.file_quotes import best_quotes
from lettafs.llm._offline.file_results import pieces_in
from lettafs.llm._offline.file_words import points_at_files, subject_words
from lettafs.llm._offline.prompt import Done
from lettafs.llm._offline.search import Hit
from lettafs.llm._offline.shelf import Shelf
from lettafs.llm._offline.text import keywords, stem, straight

__all__ = ["file_hits", "file_query", "is_file_hit", "prefers_files", "sifted"]

_IN_FILES = "your files"
_FAR_BEHIND = 0.3
_LEAST = 0.75
"""Which share of the words a file must have to answer what was not asked of files."""


def prefers_files(question: str, shelf: Shelf) -> bool:
    """Tell whether a question is about documents rather than about the person or the talk."""
    if points_at_files(question) or mentions(straight(question), shelf):
        return True
    if _is_personal(question):
        return False
    words = {stem(word) for word in keywords(question) if len(word) > 3}
    return any(
        words & {stem(word) for word in re.findall(r"[^\W\d_]{4,}", name)}
        for name in (
            *(folder.name for folder in shelf.folders),
            *(file.name.rsplit("/", 1)[-1].rpartition(".")[0] for file in shelf.files),
        )
    )


def _is_personal(question: str) -> bool:
    words = set(re.findall(r"[a-z']+", straight(question).lower()))
    return bool(words & {"i", "i'm", "my", "me", "mine", "i've", "you", "your", "yours"})


def file_query(question: str) -> str:
    """Return what to search files for: the subject, without "the paper"."""
    return " ".join(subject_words(question, of_search=True))


def file_hits(done: Done, question: str, shelf: Shelf) -> tuple[Hit, ...]:
    """Return what a finished search of files found that bears on the question, best first."""
    words = subject_words(question, of_search=True)
    pieces = [piece for piece in pieces_in(done.text) if shelf.may_have(piece.file)]
    return tuple(
        Hit(f"{_IN_FILES}, {quote.place}", quote.text, quote.score)
        for quote in best_quotes(
            pieces,
            words,
            question=question,
            least=0.5 if prefers_files(question, shelf) else _LEAST,
        )
    )


def is_file_hit(hit: Hit) -> bool:
    """Tell whether a hit is from a file."""
    return hit.source.startswith(_IN_FILES)


def sifted(hits: Sequence[Hit], question: str, *, files_first: bool) -> tuple[Hit, ...]:
    """Return the hits worth quoting together, where some are from files.

    A question about documents is answered from them alone when they answer it, and one about the
    person from memory alone when that does; otherwise what is far behind the best is left out.
    """
    files = tuple(hit for hit in hits if is_file_hit(hit))
    others = tuple(hit for hit in hits if not is_file_hit(hit))
    if not files:
        return others
    if files_first or not others:
        return files
    if _is_personal(question):
        return others
    best = max(hit.score for hit in hits)
    return tuple(hit for hit in hits if hit.score >= best - _FAR_BEHIND)
