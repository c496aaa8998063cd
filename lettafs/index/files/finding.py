"""Finding in files: the index of their words and the vectors of their meaning, kept and asked.

Apart from what files there are and what they say, because it needs much more to be loaded: an agent
that has documents, and looks nothing up in them, starts as soon as one without.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lettafs.disk import derived
from lettafs.embed.base import Embedder
from lettafs.errors import DiskProblem
from lettafs.index.convert.kinds import VERSION as CONVERT_VERSION
from lettafs.index.files.search import FileSearch
from lettafs.index.meaning import Meaning, patience_for
from lettafs.values.file import FileText
from lettafs.values.hit import Hit

__all__ = ["Finding"]

_WORDS, _VECTORS = "words", "vectors"


class Finding:
    """Words and vectors of one home's files."""

    def __init__(
        self,
        directory: Path | None,
        *,
        root: Path,
        key: bytes | None,
        contents: Callable[[], Sequence[str]],
        text_of: Callable[[str], FileText | None],
        embedder: Callable[[], Embedder | None],
    ) -> None:
        """Make one; nothing is read yet.

        Args:
            directory: where indexes of files lie; None: they are kept in memory.
            root: the home.
            key: the user's.
            contents: gives every content, as `FileSearch` takes them.
            text_of: gives a content's text.
            embedder: says which embedder the agent has now.
        """
        self._directory = directory
        self._root = root
        self._embedder = embedder
        self._search = FileSearch(
            contents,
            text_of,
            root=root,
            directory=self._under(_WORDS),
            key=key,
            version=CONVERT_VERSION,
        )
        self._meaning = Meaning(self._under(_VECTORS), key=key)

    def _under(self, name: str) -> Path | None:
        return None if self._directory is None else self._directory / name

    @property
    def trouble(self) -> str | None:
        """Why files are found by their words only, as a sentence; None: they are not."""
        return self._meaning.trouble

    def missed(self, live: Collection[str]) -> list[str]:
        """Return contents to be listed again, as `FileSearch.missed`."""
        return self._search.missed(live)

    def find(
        self,
        query: str,
        *,
        names: Mapping[str, Sequence[str]],
        now: datetime,
        limit: int,
        skip: int,
        exact: bool,
        snippet_chars: int,
    ) -> list[Hit]:
        """Return the pieces that fit, as `FileSearch.find`."""
        return self._search.find(
            query,
            names=names,
            limit=limit,
            skip=skip,
            exact=exact,
            now=now,
            by_meaning=self._near,
            snippet_chars=snippet_chars,
        )

    def _near(self, query: str, keys: NDArray[np.uint64]) -> NDArray[np.float32] | None:
        embedder = self._embedder()
        if embedder is None:
            return None
        return self._meaning.near(query, keys, embedder=embedder, timeout_s=patience_for(embedder))

    def catch_up(self, *, stop: Callable[[], bool], progress: Callable[[int, int], None]) -> None:
        """Bring the index of words up to the contents.

        Raises:
            DiskProblem: it cannot be written; files are found as before, only slower.
        """
        self._make(_WORDS)
        self._search.index.catch_up(stop=stop, progress=progress)

    def catch_up_vectors(
        self,
        live: Collection[str],
        *,
        stop: Callable[[], bool],
        progress: Callable[[int, int], None],
    ) -> bool:
        """Make the vectors that are missing; tell whether every piece now has one that can.

        Never fails: `trouble` says what went wrong.

        Args:
            live: the contents to be found.
            stop: asked often.
            progress: told how many are made.
        """
        embedder = self._embedder()
        if embedder is None:
            return True
        pieces = self._search.pieces(live)
        with suppress(DiskProblem):
            self._make(_VECTORS)
            self._meaning.catch_up(
                list(pieces),
                lambda key: pieces[key](),
                embedder=embedder,
                stop=stop,
                progress=progress,
            )
        return not self._meaning.waiting(list(pieces), embedder=embedder)

    def _make(self, name: str) -> None:
        directory = self._under(name)
        if directory is not None:
            derived.make(directory, root=self._root)

    def counted(self, live: Collection[str]) -> tuple[int, int]:
        """Return how many pieces some contents have, and how many of them have a vector."""
        pieces = self._search.pieces(live)
        embedder = self._embedder()
        if embedder is None:
            return len(pieces), 0
        return len(pieces), len(pieces) - self._meaning.waiting(list(pieces), embedder=embedder)

    def discard(self) -> None:
        """Take the index of words away; vectors stay, for making them is slow."""
        self._search.index.discard()
