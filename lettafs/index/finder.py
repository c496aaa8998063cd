"""The finder: searches one home, in its indexes and in what they do not hold yet."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lettafs.disk import atomic, derived
from lettafs.embed.base import Embedder
from lettafs.errors import DiskProblem, LettafsError
from lettafs.index.behind import CAUGHT_UP, SHELF_INDEX, TALK_INDEX, VECTORS, vectors_mark
from lettafs.index.meaning import IN_PROCESS, Meaning, patience_for
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


class Finder:
    """Finds messages and passages of one home; several threads may search at once."""

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
        self._archival = archival
        self._place = place
        self._embedding = embedding
        self._key = place.key() if place is not None else None
        directory = place.directory if place is not None and self._key is not None else None
        if directory is not None and derived.is_barred(directory, root=archival.segments.file(".")):
            directory = None  # it came with a link that leads elsewhere
        self._directory = directory
        self._talk = TalkSearch(recall, directory=self._under(TALK_INDEX), key=self._key)
        self._shelf = PassageSearch(archival, directory=self._under(SHELF_INDEX), key=self._key)
        self._meaning = Meaning(self._under(VECTORS), key=self._key)
        self._chosen: tuple[str | None, Embedder | None] | None = None
        """The handle and the embedder it names; None: by words only."""
        self._choosing = threading.Lock()
        self._no_embedder: str | None = None
        """Why there is none though one is named."""
        self._background: str | None = None

    def _under(self, name: str) -> Path | None:
        return None if self._directory is None else self._directory / name

    @property
    def trouble(self) -> str | None:
        """Why search is less than it could be, as a sentence; None: it is not."""
        embedder = self.embedder()
        found = self._meaning.trouble if embedder is not None else self._no_embedder
        return found or self._background

    @property
    def keeping_trouble(self) -> str | None:
        """Why no index is kept, as a sentence; None: nothing seems to stand in the way.

        Looks, and writes nothing.
        """
        if self._place is None:
            return None
        if self._key is None:
            return (
                "No index is kept, so that every search reads the files: index.key in your "
                "configuration directory cannot be made, or others can read it."
            )
        directory, root = self._place.directory, self._archival.segments.file(".")
        there = next((p for p in (directory, *directory.parents) if os.path.lexists(p)), directory)
        ours = there == directory or directory.is_relative_to(root)
        if not (derived.is_safe(there, root=root) if ours else there.is_dir()):
            reason = f"{there} is not a real directory"
        elif not os.access(there, os.W_OK | os.X_OK):
            reason = f"{there} cannot be written"
        else:
            return self._background
        return f"No index is kept, so that every search reads the files: {reason}."

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

    def embedder(self) -> Embedder | None:
        """Return the embedder the agent has now; None: by words only, `trouble` may say why."""
        if self._place is None:
            return None
        handle = self._embedding()
        with self._choosing:
            if self._chosen is None or self._chosen[0] != handle:
                try:
                    chosen = self._place.embedder(handle)
                except LettafsError as error:
                    # Asked again the next time: a key may have come by then.
                    self._chosen = None
                    self._no_embedder = f"Passages are found by words only: {error}"
                    return None
                self._chosen, self._no_embedder = (handle, chosen), None
                self._meaning.trouble = None  # it was another one's
            return self._chosen[1]

    def _near(self, query: str, keys: NDArray[np.uint64]) -> NDArray[np.float32] | None:
        embedder = self.embedder()
        if embedder is None:
            return None
        return self._meaning.near(query, keys, embedder=embedder, timeout_s=patience_for(embedder))

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
            vectors_for_s: seconds spent at most on vectors, 0: none are made; None: as long as it
                takes.
            wait: asked in place of `stop` by what can stand still for a while, many times a second;
                it may take its time.
        """

        def told(what: str) -> Callable[[int, int], None] | None:
            if progress is None:
                return None
            return lambda done, total: progress(Progress(what, done, total))

        troubles: list[str] = []
        for words, what in ((self._talk.index, "messages"), (self._shelf.index, "passages")):
            with _kept(troubles):
                words.catch_up(stop=wait or stop, progress=told(what))
        with _kept(troubles):
            self._catch_up_vectors(stop=stop, progress=told("vectors"), for_s=vectors_for_s)
        self._background = troubles[0] if troubles else None

    def _catch_up_vectors(
        self,
        *,
        stop: Callable[[], bool],
        progress: Callable[[int, int], None] | None,
        for_s: float | None,
    ) -> None:
        if stop() or (for_s is not None and for_s <= 0):
            return
        embedder = self.embedder()
        if embedder is None:
            return
        until = None if for_s is None else time.monotonic() + for_s

        def enough() -> bool:
            return stop() or (until is not None and time.monotonic() > until)

        def told(done: int, total: int) -> None:
            if progress is not None and not enough():
                progress(done, total)

        def work() -> None:
            self._make_vectors(embedder, stop=enough, progress=told)

        if for_s is None or embedder.name.startswith(IN_PROCESS):
            work()
            return
        # A server may keep silent for a minute: a call to it cannot be taken back, only left.
        troubles: list[str] = []

        def aside() -> None:
            with _kept(troubles):
                work()

        thread = threading.Thread(target=aside, name="lettafs-vectors", daemon=True)
        thread.start()
        thread.join(for_s)
        if troubles:
            raise DiskProblem(troubles[0])

    def _make_vectors(
        self,
        embedder: Embedder,
        *,
        stop: Callable[[], bool],
        progress: Callable[[int, int], None],
    ) -> None:
        # Before the passages are read: what is put away meanwhile is then not taken for done.
        mark = vectors_mark(self._archival, embedding=self._embedding())
        pieces = self._shelf.pieces()
        directory = self._under(VECTORS)
        if directory is not None and pieces:
            derived.make(directory, root=self._archival.segments.file("."))
        self._meaning.catch_up(
            list(pieces),
            lambda key: pieces[key](),
            embedder=embedder,
            stop=stop,
            progress=progress,
        )
        if directory is not None and pieces:
            # What an embedder finds nothing in lacks a vector for good, and is not waited for.
            if not self._meaning.waiting(list(pieces), embedder=embedder):
                atomic.replace(directory / CAUGHT_UP, mark, durable=False)

    def discard(self) -> None:
        """Delete the indexes over words; they are made anew by `catch_up`.

        Vectors stay: each is checked when it is read, and making them takes minutes, or money.
        """
        self._talk.index.discard()
        self._shelf.index.discard()
        directory = self._under(VECTORS)
        if directory is not None and derived.is_safe(
            directory, root=self._archival.segments.file(".")
        ):
            derived.drop(directory, [CAUGHT_UP])

    def state(self) -> IndexState:
        """Return how far the indexes are."""
        messages = self._talk.index.snapshot().size
        pieces = self._shelf.pieces()
        embedder = self.embedder()
        waiting = len(pieces)
        if embedder is not None:
            waiting = self._meaning.waiting(list(pieces), embedder=embedder)
        return IndexState(
            messages=messages,
            messages_indexed=self._talk.index.held(),
            pieces=len(pieces),
            pieces_indexed=self._shelf.index.held(),
            vectors=len(pieces) - waiting,
            embedder=None if embedder is None else embedder.name,
            trouble=self.trouble,
        )


@contextmanager
def _kept(troubles: list[str]) -> Iterator[None]:
    """Keep what goes wrong with an index as a sentence: no search and no turn depends on one."""
    try:
        yield
    except DiskProblem as error:
        troubles.append(f"The indexes cannot be kept: {error}")
    except Exception as error:
        # The libraries of an index raise nearly anything where a file is damaged.
        troubles.append(f"The indexes cannot be kept: {type(error).__name__}: {error}")
