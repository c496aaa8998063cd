"""Meaning: keeps the vectors of a set of texts up to date, and asks them for what is near.

Embedding is slow (seconds for a hundred texts) and may fail (a server that is not there), so it is
never waited for: texts are found by their words at once, and by their meaning when this has caught
up. What went wrong is kept in `trouble`, in words for a person; search goes on by words.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lettafs.embed.base import Embedder
from lettafs.errors import DiskProblem, EmbedProblem
from lettafs.index.corpus import key_hash
from lettafs.index.strangers import STRANGERS
from lettafs.index.vectors.rows import Keys
from lettafs.index.vectors.store import VectorStore

__all__ = ["IN_PROCESS", "Meaning", "patience_for"]

IN_PROCESS = "lettafs/"
"""How the names of embedders begin that answer in this process."""

_ANSWER_S = 4.0
"""How long an embedder elsewhere may take over a question; then words have to do."""

_WINDOW_BATCHES = 32
"""Batches that are sorted by length together: texts of a batch then take about as long each."""
_KNOWN_QUERIES = 64

_STRANGERS = {key_hash(text): text for text in STRANGERS}
_FIRST = list(_STRANGERS.items())[:1]
_FEWEST_STRANGERS = 16
_LEAST_SPREAD = 0.01
_FLOOR = 2.0
_NOT_ALL = "Passages without a vector are found by words only: "
_WORDS_ONLY = "Passages are found by words only: "
"""Standard deviations above strangers below which nearness is chance.

Measured with the built-in embedder on the development half of LoCoMo: of a question and the turns
that answer it 97 in 100 lie above; of a question and turns of other people's conversations fewer
than one in five; of questions of quite other matters one turn in a hundred.
"""


def patience_for(embedder: Embedder) -> float | None:
    """Return how many seconds an embedder may take over a question; None: it is waited for.

    The built-in one is: it answers in this process, once it is loaded.
    """
    return None if embedder.name.startswith(IN_PROCESS) else _ANSWER_S


def _never() -> bool:
    return False


class Meaning:
    """The vectors of one home's texts.

    A text is known by the `key_hash` of exactly its characters.

    Args:
        directory: where vectors lie; None keeps them in memory only. The caller has made sure that
            no directory above it leads elsewhere.
        key: the user's key for derived files; None keeps them in memory only.
    """

    def __init__(self, directory: Path | None, *, key: bytes | None) -> None:
        self.trouble: str | None = None
        """Why texts or a query could not be embedded, the last time; None when they could."""
        self.store = VectorStore(directory, key=key)
        self._hopeless: set[tuple[str, int]] = set()
        """Texts that are blank, or that an embedder found nothing in: it is not asked again."""
        self._queries: OrderedDict[tuple[str, str], NDArray[np.float32]] = OrderedDict()
        self._strangers: tuple[str, NDArray[np.float32]] | None = None
        self._asked = threading.Lock()
        """Held while the queries that are known are looked at or changed."""
        self._hanging: threading.Thread | None = None
        """A call that was not answered in time."""

    def waiting(self, keys: Iterable[int] | Keys, *, embedder: Embedder) -> int:
        """Return how many of these texts cannot be found by meaning yet."""
        return len(self._missing(list(dict.fromkeys(map(int, keys))), embedder))

    def _missing(self, keys: list[int], embedder: Embedder) -> list[int]:
        if self._open(embedder):
            keys = self.store.missing(keys).tolist()
        return [key for key in keys if (embedder.identity, key) not in self._hopeless]

    def _open(self, embedder: Embedder) -> bool:
        """Turn the store to an embedder's vectors; False while it is not known what they are."""
        dimensions = embedder.dimensions
        if dimensions is None:
            return False
        self.store.open(embedder.identity, dimensions)
        return True

    def catch_up(
        self,
        keys: Iterable[int] | Keys,
        text_of: Callable[[int], str | None],
        *,
        embedder: Embedder,
        stop: Callable[[], bool] = _never,
        progress: Callable[[int, int], None] | None = None,
        batch: int = 32,
    ) -> int:
        """Embed the texts that have no vector yet; return how many got one.

        Every batch is kept as soon as it is made, so that what is stopped or killed goes on where
        it was. When another process is at it, nothing is done. A failing embedder or disk ends it
        with `trouble`, without an exception.

        Args:
            keys: of all texts there are, those to do first first: the vectors of others may be
                cleared away.
            text_of: gives the text of a key; None, or another text than the key's, for one that is
                there no more.
            embedder: makes the vectors.
            stop: asked between batches, and a few times a second while files are put in order.
            progress: told how many are done, of how many, after each batch.
            batch: texts embedded at once.
        """
        wanted = list(dict.fromkeys(map(int, keys)))
        if not wanted:
            return 0
        wanted = list(dict.fromkeys([*_STRANGERS, *wanted]))

        def find(key: int) -> str | None:
            text = _STRANGERS.get(key) or text_of(key)
            return text if text is not None and key_hash(text) == key else None

        try:
            with self.store.writing() as ours:
                if not ours:
                    return 0
                if not self._open(embedder) and self._embed_batch(_FIRST, embedder) is None:
                    return (
                        0  # a server has to answer once before it is known whose vectors these are
                    )
                work = _Work(self._missing(wanted, embedder), find, embedder, stop, progress, batch)
                made, whole = self._embed_missing(work)
                if whole and not stop() and self._open(embedder):
                    self._settle(wanted, stop)
                return made
        except DiskProblem as error:
            self.trouble = str(error)
            return 0

    def _embed_missing(self, work: _Work) -> tuple[int, bool]:
        """Return how many were embedded, and whether none is left."""
        total, seen, made = len(work.missing), 0, 0
        window = work.batch * _WINDOW_BATCHES
        for at in range(0, total, window):
            if work.stop():
                return made, False
            found = [(key, work.text_of(key)) for key in work.missing[at : at + window]]
            # What is blank has no meaning, and what is gone is not missed.
            some = [(key, text) for key, text in found if text is not None and text.strip()]
            blank = {key for key, text in found if text is not None and not text.strip()}
            self._hopeless.update((work.embedder.identity, key) for key in blank)
            some.sort(key=lambda pair: (len(pair[1]), pair[0]))
            seen += len(found) - len(some)
            for begin in range(0, len(some), work.batch):
                if work.stop():
                    return made, False
                now = some[begin : begin + work.batch]
                kept = self._embed_batch(now, work.embedder)
                if kept is None:
                    return made, False
                made += kept
                seen += len(now)
                if work.progress is not None:
                    work.progress(seen, total)
        return made, True

    def _embed_batch(self, some: list[tuple[int, str]], embedder: Embedder) -> int | None:
        """Embed and keep a few texts; None when it went wrong, with `trouble` set."""
        try:
            vectors = embedder.embed([text for _, text in some], kind="passage")
        except EmbedProblem as error:
            self.trouble = f"{_NOT_ALL}{error}"
            return None
        if not self._open(embedder) or vectors.shape != (len(some), self.store.dimensions):
            self.trouble = (
                f"{embedder.name} gave {vectors.shape} numbers for {len(some)} texts, "
                f"not a row of {self.store.dimensions} for each. Search goes on by words."
            )
            return None
        keys = [key for key, _ in some]
        kept = self.store.append(keys, vectors)
        left = self.store.missing(keys).tolist()
        self._hopeless.update((embedder.identity, key) for key in left)
        self.trouble = None
        return kept

    def _settle(self, wanted: list[int], stop: Callable[[], bool]) -> None:
        self.store.settle(live=np.array(wanted, np.uint64), stop=stop)
        if not stop():
            self.store.forget_others()

    def near(
        self, query: str, keys: Keys, *, embedder: Embedder, timeout_s: float | None = None
    ) -> NDArray[np.float32] | None:
        """Return how near each text is to a query; 0 for what is no nearer than strangers are.

        In standard deviations: how far its cosine lies above that of texts that have nothing to do
        with anything, less two. So the numbers of one embedder mean what those of another do. A
        text without a vector has 0 too; where there are very many, so have all but the nearest 300.

        None when the query cannot be embedded now; `trouble` says why, and words have to do.

        Args:
            query: what is asked.
            keys: of the texts that may be found, one may come more than once.
            embedder: the one whose vectors there are.
            timeout_s: how long it may take. An answer that comes later is not used. None waits for
                it, which is right for an embedder in this process.
        """
        if self._open(embedder) and len(self.store) == 0:
            return np.zeros(len(keys), np.float32)  # the embedder need not even be loaded
        vector = self._vector(query, embedder, timeout_s)
        if vector is None or not self._open(embedder):
            return None
        strangers = self._stranger_vectors()
        if len(strangers) < _FEWEST_STRANGERS or len(vector) != self.store.dimensions:
            return np.zeros(len(keys), np.float32)
        cosines = self.store.nearness(vector, keys)
        theirs = strangers @ vector
        spread = max(float(theirs.std()), _LEAST_SPREAD)
        above = (cosines - np.float32(theirs.mean())) / np.float32(spread) - np.float32(_FLOOR)
        # A cosine of exactly 0 is that of no vector.
        return np.where(cosines == 0, 0, np.maximum(above, 0)).astype(np.float32)

    def _stranger_vectors(self) -> NDArray[np.float32]:
        identity = self.store.identity or ""
        known = self._strangers
        if known is None or known[0] != identity:
            vectors = self.store.vectors_of(_STRANGERS)
            if len(vectors) < len(_STRANGERS):
                return vectors  # not caught up: there will be more
            self._strangers = known = (identity, vectors)
        return known[1]

    def _vector(
        self, query: str, embedder: Embedder, timeout_s: float | None
    ) -> NDArray[np.float32] | None:
        with self._asked:
            known = self._queries.get((embedder.identity, query))
            if known is not None:
                self._queries.move_to_end((embedder.identity, query))
                return known
        try:
            made = self._embed_query(query, embedder, timeout_s)
        except EmbedProblem as error:
            self.trouble = f"{_WORDS_ONLY}{error}"
            return None
        if made is None:
            waited = "the last query" if timeout_s is None else f"within {timeout_s:g} s"
            self.trouble = f"{_WORDS_ONLY}{embedder.name} did not answer {waited}."
            return None
        self.trouble = None
        with self._asked:
            self._queries[embedder.identity, query] = made
            if len(self._queries) > _KNOWN_QUERIES:
                self._queries.popitem(last=False)
        return made

    def _embed_query(
        self, query: str, embedder: Embedder, timeout_s: float | None
    ) -> NDArray[np.float32] | None:
        """Return the query's vector, None when it does not come in time."""
        if timeout_s is None:
            return _only_row(embedder, query)
        hanging = self._hanging
        if hanging is not None and hanging.is_alive():
            return None  # the one before still hangs: this one would too
        answers: list[NDArray[np.float32]] = []
        problems: list[EmbedProblem] = []

        def ask() -> None:
            try:
                answers.append(_only_row(embedder, query))
            except EmbedProblem as error:
                problems.append(error)

        # A thread nobody waits for at the end: a call to a server cannot be taken back.
        asking = threading.Thread(target=ask, name="embed query", daemon=True)
        asking.start()
        asking.join(timeout_s)
        if asking.is_alive():
            self._hanging = asking
        if problems:
            raise problems[0]
        return answers[0] if answers else None


def _only_row(embedder: Embedder, query: str) -> NDArray[np.float32]:
    row: NDArray[np.float32] = embedder.embed([query], kind="query")[0]
    return row


@dataclass(frozen=True, slots=True)
class _Work:
    """What there is to embed, and how."""

    missing: list[int]
    text_of: Callable[[int], str | None]
    embedder: Embedder
    stop: Callable[[], bool]
    progress: Callable[[int, int], None] | None
    batch: int
