"""Asking a server for vectors: in requests it can take, and again when that may help."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lettafs.embed.base import Kind
from lettafs.embed.failures import Asked, Refused, nonsense
from lettafs.embed.prefixes import prefixes_of
from lettafs.errors import EmbedProblem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Ask", "Patience", "RemoteEmbedder"]

Ask = Callable[[list[str]], Sequence[object]]
"""Sends one request; returns what should be a vector for each text, or raises `Refused`."""

_MAX_TEXTS = 64
_MAX_REQUEST_CHARS = 100_000
"""Of all texts of a request: OpenAI takes 300,000 tokens, a local server's patience less."""

_MAX_TEXT_CHARS = 32_000
"""About 8,000 tokens of English: the most that common models read."""

_MIN_TEXT_CHARS = 64
"""A server that cannot read this much is not asked for less."""

_FIRST_BOUND_S = 0.5


class Patience:
    """How often, and how long, to wait for a server within one call of `embed`."""

    def __init__(
        self,
        kind: Kind,
        *,
        sleep: Callable[[float], object],
        jitter: Callable[[], float],
    ) -> None:
        # A question is asked by somebody who waits; passages are embedded behind the scenes.
        self._tries, self._left_s = (1, 2.0) if kind == "query" else (5, 60.0)
        self._sleep = sleep
        self._jitter = jitter

    def ask(self, ask: Ask, texts: list[str]) -> Sequence[object]:
        """Return what one request gave, the last of several tries perhaps.

        Raises:
            Refused: it failed for good, or often enough, or wants a longer wait than is left.
        """
        tries = 0
        while True:
            try:
                return ask(texts)
            except Refused as refused:
                pause_s = self._pause_s(refused, tries=tries)
                if refused.remedy != "again" or tries == self._tries or pause_s > self._left_s:
                    raise
            tries += 1
            self._left_s -= pause_s
            self._sleep(pause_s)

    def _pause_s(self, refused: Refused, *, tries: int) -> float:
        """Return the seconds to wait: as the server asked and a little more, else drawn."""
        share = self._jitter()
        if refused.wait_s is not None:
            return refused.wait_s + share * _FIRST_BOUND_S
        return (0.5 + share / 2) * _FIRST_BOUND_S * 2.0**tries


class RemoteEmbedder:
    """What the embedders behind a server share; a provider adds how one request is made."""

    def __init__(
        self,
        asked: Asked,
        *,
        timeout_s: float,
        sleep: Callable[[float], object] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._asked = asked
        self._timeout_s = timeout_s
        self._sleep = sleep
        self._jitter = jitter
        self._prefixes = prefixes_of(asked.model)
        self._dimensions: int | None = None

    @property
    def name(self) -> str:
        """`provider/model`."""
        return self._asked.name

    @property
    def dimensions(self) -> int | None:
        """Numbers a vector has; None until the server has answered once."""
        return self._dimensions

    @property
    def identity(self) -> str:
        """Name and dimensions, and what is put in front of a passage; a server tells no more.

        It ends in `?` until the server has answered once.
        """
        prefix = self._prefixes.passage.strip()
        words = [self.name, *([repr(prefix)] if prefix else []), str(self._dimensions or "?")]
        return " ".join(words)

    def _embed(self, ask: Ask, texts: Sequence[str], *, kind: Kind) -> NDArray[np.float32]:
        """Return the vectors of texts; blank ones are not sent.

        Raises:
            EmbedProblem: the server did not answer, or sent no vectors.
        """
        import numpy as np  # a tenth of a second: not at start-up

        worded = [at for at, text in enumerate(texts) if text.strip()]
        wanted = [_fit(texts[at]) for at in worded]
        patience = Patience(kind, sleep=self._sleep, jitter=self._jitter)
        try:
            if not wanted and self._dimensions is None and texts:
                self._rows(ask, ["dimensions"], kind=kind, patience=patience)
            rows = self._rows(ask, wanted, kind=kind, patience=patience)
        except Refused as refused:
            # Without its cause: what the library raised repeats the request, perhaps the key.
            raise refused.problem from None
        found = np.zeros((len(texts), self._dimensions or 0), np.float32)
        if rows:
            found[worded] = np.concatenate(rows)
        return found

    def _rows(
        self, ask: Ask, texts: list[str], *, kind: Kind, patience: Patience
    ) -> list[NDArray[np.float32]]:
        """Return the vectors of the texts, request by request.

        A request that is too much for the server is halved: in texts first, then in length.
        """
        prefix = self._prefixes.query if kind == "query" else self._prefixes.passage
        found: list[NDArray[np.float32]] = []
        left = list(texts)
        size = _MAX_TEXTS
        while left:
            batch = _batch(left, size=size)
            try:
                answer = patience.ask(ask, [prefix + text for text in batch])
            except Refused as refused:
                if refused.remedy != "less":
                    raise
                if len(batch) > 1:
                    size = len(batch) // 2
                elif len(batch[0]) >= 2 * _MIN_TEXT_CHARS:
                    left[0] = batch[0][: len(batch[0]) // 2]
                    # It was this text, not the number of them.
                    size = _MAX_TEXTS
                else:
                    raise
                continue
            found.append(self._checked(answer, count=len(batch)))
            del left[: len(batch)]
        return found

    def _checked(self, answer: Sequence[object], *, count: int) -> NDArray[np.float32]:
        from lettafs.embed.vectors import unit_rows  # numpy: not at start-up

        try:
            rows = unit_rows(answer, count=count)
        except ValueError as error:
            raise nonsense(str(error), asked=self._asked) from None
        width = int(rows.shape[1])
        if self._dimensions not in (None, width):
            raise Refused(
                EmbedProblem(
                    f"{self._asked.who} sent vectors of {width} numbers where"
                    f" {self._dimensions} were expected: another model is served there now, or it"
                    " cannot be shortened. Start lettafs again, or choose another embedder."
                )
            )
        self._dimensions = width
        return rows


def _fit(text: str) -> str:
    """Return the beginning of a text, as UTF-8 can write it."""
    return text[:_MAX_TEXT_CHARS].encode("utf-8", "replace").decode()


def _batch(texts: Sequence[str], *, size: int) -> list[str]:
    """Return the first texts that fit into one request, one at least."""
    found: list[str] = []
    chars = 0
    for text in texts[:size]:
        chars += len(text)
        if found and chars > _MAX_REQUEST_CHARS:
            break
        found.append(text)
    return found
