"""The seam to an embedder: texts in, unit vectors out.

Obligations of an implementation:
- `embed` returns one row per text, in the order given: float32, finite, of length 1. A text with
  nothing to read (empty, or only white space) gets a row of zeros, which is similar to nothing.
- The same text gets the same row, whatever stands beside it in the call, but for rounding.
- A text longer than the model reads is embedded by its beginning.
- It raises `EmbedProblem` and nothing else; no row of a failed call is returned.
- Calls block; they may come from several threads at once. Making an embedder costs nothing: what
  is heavy is loaded by the first call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Embedder", "Kind"]

Kind = Literal["query", "passage"]
"""What a text is for: some models read a question otherwise than what answers it."""


class Embedder(Protocol):
    """What an embedder must do for the index."""

    @property
    def name(self) -> str:
        """`provider/model`, as `embedding` in agent.toml has it."""
        ...

    @property
    def dimensions(self) -> int | None:
        """Numbers a vector has; None until a remote model has answered once."""
        ...

    @property
    def identity(self) -> str:
        """Name, dimensions and revision: vectors of equal identity can be compared.

        While `dimensions` is None it ends in `?` and is nobody's: embed something first.
        """
        ...

    def embed(self, texts: Sequence[str], *, kind: Kind) -> NDArray[np.float32]:
        """Return the vectors of these texts, of shape `(len(texts), dimensions)`.

        Raises:
            EmbedProblem: it did not answer.
        """
        ...
