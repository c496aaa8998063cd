"""A fake server of vectors: scripted replies first, then a vector for each text it is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any, Literal

from lettafs.embed.base import Embedder
from lettafs.embed.ollama import OllamaEmbedder
from lettafs.embed.openai import OpenAIEmbedder
from tests.support.fake_http import FakeServer, Reply

__all__ = [
    "KEY",
    "Pauses",
    "Protocol",
    "VectorServer",
    "embedder_at",
    "said",
    "vector_of",
    "vectors",
]

Protocol = Literal["openai", "ollama"]

KEY = "looks.like.no.key"
_JSON = {"Content-Type": "application/json"}


def vector_of(text: str, *, width: int = 8) -> list[float]:
    """Return what the server answers for a text; never zeros, never of length 1."""
    return [byte - 127.5 for byte in blake2b(text.encode(), digest_size=width).digest()]


def vectors(protocol: Protocol, rows: Sequence[object], **fields: Any) -> Reply:
    """Return an answer with these vectors."""
    if protocol == "ollama":
        body: dict[str, Any] = {"model": "m", "embeddings": list(rows)}
    else:
        data = [{"object": "embedding", "index": at, "embedding": r} for at, r in enumerate(rows)]
        body = {"object": "list", "data": data, "model": "m"}
    return Reply([json.dumps({**body, **fields}).encode()], headers=_JSON)


def said(status: int, text: str, **headers: str) -> Reply:
    """Return an error that both protocols' clients read."""
    body = json.dumps({"error": text}).encode()
    return Reply(
        [body],
        status=status,
        headers=_JSON | {name.replace("_", "-"): value for name, value in headers.items()},
    )


class VectorServer(FakeServer):
    """Plays its replies once each, then answers; `refuse` may refuse a request by its texts."""

    def __init__(
        self,
        protocol: Protocol,
        replies: Iterable[Reply] = (),
        *,
        width: int = 8,
        refuse: Callable[[list[str]], Reply | None] = lambda texts: None,
    ) -> None:
        super().__init__(replies)
        self.protocol = protocol
        self.path = "/v1" if protocol == "openai" else ""
        self.width = width
        self.refuse = refuse

    @property
    def asked(self) -> list[list[str]]:
        """The texts of each request."""
        return [seen.json["input"] for seen in self.requests]

    def _next(self, method: str, path: str) -> Reply:
        if self.replies:
            return self.replies.pop(0)
        texts = self.asked[-1]
        refused = self.refuse(texts)
        if refused is not None:
            return refused
        return vectors(self.protocol, [vector_of(text, width=self.width) for text in texts])


class Pauses(list[float]):
    """A `sleep` that only remembers."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def embedder_at(
    server: VectorServer,
    *,
    model: str = "m",
    key: str | None = KEY,
    timeout_s: float = 5.0,
    pauses: Pauses | None = None,
) -> Embedder:
    """Return an embedder of the server's protocol."""
    sleep = Pauses() if pauses is None else pauses
    if server.protocol == "ollama":
        return OllamaEmbedder(
            f"ollama/{model}",
            server.base_url,
            api_key=key,
            timeout_s=timeout_s,
            sleep=sleep,
            jitter=lambda: 0.0,
        )
    return OpenAIEmbedder(
        f"vllm/{model}",
        server.base_url,
        api_key=key,
        timeout_s=timeout_s,
        sleep=sleep,
        jitter=lambda: 0.0,
    )
