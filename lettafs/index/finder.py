"""The finder: searches one home, in its indexes and in what they do not hold yet."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lettafs.disk import atomic
from lettafs.embed.base import Embedder
from lettafs.errors import DiskProblem, LettafsError
from lettafs.index.behind import CAUGHT_UP, SHELF_INDEX, TALK_INDEX, VECTORS
from lettafs.index.meaning import Meaning
from lettafs.index.passage_search import PassageSearch
from lettafs.index.place import IndexPlace
from lettafs.index.talk_search import TalkSearch
from lettafs.index.wanted import Wanted
from lettafs.stores.archival import Archival
from lettafs.stores.recall import Recall
from lettafs.values.hit import Hit
from lettafs.values.index_state import IndexState
from lettafs.values.progress import Progress

__all__ = ["Finder"]

_ANSWER_S = 4.0
"""How long an embedder elsewhere may take over a question; then words have to do."""


class Finder:
    """Finds messages and passages of one home."""

    def __init__(
        self,
        recall: Recall,
        archival: Archival,
        *,
        place: IndexPlace | None,
        embedding: Callable[[], str | None],
    ) -> None:
        """Make one; nothing is read yet.

        Args:
            recall: the messages.
            archival: the passages.
            place: where indexes lie; None: everything is read from the files, passages by words.
            embedding: says which embedder the agent has now, by handle.
        """
        self._place = place
        self._embedding = embedding
        self._key = place.key() if place is not None else None
        self._directory = place.directory if place is not None and self._key is not None else None
        self._talk = TalkSearch(recall, directory=self._under(TALK_INDEX), key=self._key)
        self._shelf = PassageSearch(archival, directory=self._under(SHELF_INDEX), key=self._key)
        self._meaning = Meaning(self._under(VECTORS), key=self._key)
        self._chosen: tuple[str | None, Embedder | None] | None = None
        """The handle and the embedder it names; None: by words only."""
        self._no_embedder: str | None = None
        """Why there is none though one is named."""
        self._background: str | None = None

    def _under(self, name: str) -> Path | None:
        return None if self._directory is None else self._directory / name

    @property
    def trouble(self) -> str | None:
        """Why search is less than it could be, as a sentence; None: it is not."""
        embedder = self._embedder()
        found = self._meaning.trouble if embedder is not None else self._no_embedder
        return found or self._background

    def note_trouble(self, words: str) -> None:
        """Keep what went wrong in the background, for `trouble`."""
        self._background = words

    def messages(
        self, query: str, wanted: Wanted, *, limit: int, skip: int = 0, exact: bool = False
    ) -> list[Hit]:
        """Return the messages that fit, as `TalkSearch.find`."""
        return self._talk.find(query, wanted, limit=limit, skip=skip, exact=exact)

    def passages(
        self, query: str, wanted: Wanted, *, limit: int, skip: int = 0, exact: bool = False
    ) -> list[Hit]:
        """Return the passages that fit, as `PassageSearch.find`."""
        return self._shelf.find(
            query, wanted, limit=limit, skip=skip, exact=exact, by_meaning=self._near
        )

    def _embedder(self) -> Embedder | None:
        """Return the embedder the agent has now."""
        if self._place is None:
            return None
        handle = self._embedding()
        if self._chosen is None or self._chosen[0] != handle:
            self._no_embedder = None
            try:
                self._chosen = (handle, self._place.embedder(handle))
            except LettafsError as error:
                self._no_embedder = f"Passages are found by words only: {error}"
                self._chosen = (handle, None)
        return self._chosen[1]

    def _near(self, query: str, keys: NDArray[np.uint64]) -> NDArray[np.float32] | None:
        embedder = self._embedder()
        if embedder is None:
            return None
        # The built-in one is waited for: it answers in this process, once it is loaded.
        patience = None if embedder.name.startswith("lettafs/") else _ANSWER_S
        return self._meaning.near(query, keys, embedder=embedder, timeout_s=patience)

    # -- what is derived -----------------------------------------------------------------------

    def catch_up(
        self,
        *,
        stop: Callable[[], bool],
        progress: Callable[[Progress], None] | None = None,
        vectors_for_s: float | None = None,
        wait: Callable[[], bool] | None = None,
    ) -> None:
        """Bring the indexes up to the files; what cannot be written leaves searches as they are.

        Args:
            stop: asked often; True ends the work where it stands, to be gone on with later.
            progress: told how far it has come.
            vectors_for_s: seconds spent at most on vectors; None: as long as it takes.
            wait: asked in place of `stop` by what can stand still for a while, many times a second;
                it may take its time.
        """

        def told(what: str) -> Callable[[int, int], None] | None:
            if progress is None:
                return None
            return lambda done, total: progress(Progress(what, done, total))

        try:
            for words, what in ((self._talk.index, "messages"), (self._shelf.index, "passages")):
                words.catch_up(stop=wait or stop, progress=told(what))
            embedder = self._embedder()
            if embedder is None or stop():
                return
            until = None if vectors_for_s is None else time.monotonic() + vectors_for_s

            def enough() -> bool:
                return stop() or (until is not None and time.monotonic() > until)

            pieces = self._shelf.pieces()
            if pieces:
                self._meaning.catch_up(
                    list(pieces),
                    lambda key: pieces[key](),
                    embedder=embedder,
                    stop=enough,
                    progress=told("vectors"),
                )
            if not self._meaning.waiting(list(pieces), embedder=embedder):
                self._mark_caught_up()
        except DiskProblem as error:
            self.note_trouble(f"The indexes cannot be kept: {error}")

    def _mark_caught_up(self) -> None:
        directory = self._under(VECTORS)
        if directory is not None:
            with suppress(DiskProblem):  # only the next process has to look again
                atomic.make_dirs(directory)
                atomic.replace(directory / CAUGHT_UP, b"", durable=False)

    def discard(self) -> None:
        """Delete the indexes; they are made anew by `catch_up`."""
        self._talk.index.discard()
        self._shelf.index.discard()
        with suppress(DiskProblem):  # what cannot be deleted is not what it should be either
            self._meaning.store.discard()

    def state(self) -> IndexState:
        """Return how far the indexes are."""
        messages = self._talk.index.snapshot().size
        pieces = self._shelf.pieces()
        everything = self._shelf.index.snapshot().size
        embedder = self._embedder()
        waiting = len(pieces)
        if embedder is not None:
            waiting = self._meaning.waiting(list(pieces), embedder=embedder)
        return IndexState(
            messages=messages,
            messages_indexed=messages - self._talk.index.pending(),
            pieces=len(pieces),
            pieces_indexed=everything - self._shelf.index.pending(),
            vectors=len(pieces) - waiting,
            embedder=None if embedder is None else embedder.name,
            trouble=self.trouble,
        )
