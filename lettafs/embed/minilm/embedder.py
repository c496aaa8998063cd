"""The built-in embedder: no network, no server, no other package than numpy."""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lettafs.embed.base import Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lettafs.embed.minilm.forward import Network
    from lettafs.embed.minilm.wordpiece import WordPiece

__all__ = ["MiniLM"]

_DIMENSIONS = 384
_REVISION = "53aa5117.1"
"""The published weights, by the beginning of their hash, and a number of ours. The number goes up
when word pieces or forward pass change so much that old vectors no longer compare with new ones;
another rounding of the same weights is no such change."""

_LOADING = threading.Lock()


class MiniLM:
    """all-MiniLM-L6-v2: English before all, and the first 256 word pieces of a text.

    Cosine with the published model's own vectors is above 0.999. All instances share one model of
    55 MB, which the first call loads. A call keeps one core busy; several threads use several.
    """

    @property
    def name(self) -> str:
        """`lettafs/minilm`."""
        return "lettafs/minilm"

    @property
    def dimensions(self) -> int:
        """384."""
        return _DIMENSIONS

    @property
    def identity(self) -> str:
        """Name, dimensions, revision of the weights."""
        return f"{self.name} {_DIMENSIONS} {_REVISION}"

    def embed(self, texts: Sequence[str], *, kind: Kind) -> NDArray[np.float32]:
        """Return the vectors of these texts; a question is read as a passage is.

        Raises:
            EmbedProblem: the model's file is missing or damaged.
        """
        # numpy takes a tenth of a second: not at start-up.
        import numpy as np

        from lettafs.embed.minilm.forward import encode
        from lettafs.embed.minilm.one_core import one_core

        pieces, network = _model()
        found = np.zeros((len(texts), _DIMENSIONS), np.float32)
        ids = [pieces.ids(text, limit=network.max_tokens) for text in texts]
        # Nothing between the two marks that every text gets: it stays zeros.
        worded = [at for at, text in enumerate(ids) if len(text) > 2]
        if worded:
            with one_core():
                found[worded] = encode(network, [ids[at] for at in worded])
        return found


def _model() -> tuple[WordPiece, Network]:
    with _LOADING:  # or two threads that come first would both load it
        return _loaded()


@functools.cache
def _loaded() -> tuple[WordPiece, Network]:
    from lettafs.embed.minilm.weights import load  # numpy: not at start-up

    return load()
