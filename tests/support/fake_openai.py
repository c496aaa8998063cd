"""A fake OpenAI-compatible server, and the chunks such servers send."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.support.fake_http import FakeServer, Reply

__all__ = [
    "DONE",
    "FakeOpenAI",
    "call_chunks",
    "chunk",
    "error",
    "event",
    "finish",
    "stream",
    "text_chunks",
    "usage",
]

DONE = b"data: [DONE]\n\n"

SSE = {"Content-Type": "text/event-stream"}


class FakeOpenAI(FakeServer):
    """Answers `POST /v1/chat/completions` with its replies and `GET /v1/models` with `models`."""

    path = "/v1"

    def __init__(
        self, replies: Iterable[Reply] = (), *, models: Sequence[str] = ("fake-model",)
    ) -> None:
        listing = {"object": "list", "data": [{"id": name, "object": "model"} for name in models]}
        super().__init__(
            replies,
            fixed={
                "GET /v1/models": Reply(
                    [json.dumps(listing).encode()], headers={"Content-Type": "application/json"}
                )
            },
        )


def event(payload: Mapping[str, Any] | str) -> bytes:
    """Return one server-sent event."""
    text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
    return f"data: {text}\n\n".encode()


def chunk(delta: Mapping[str, Any] | None = None, *, finish_reason: str | None = None) -> bytes:
    """Return one chunk with one choice."""
    return event(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "fake-model",
            "choices": [{"index": 0, "delta": dict(delta or {}), "finish_reason": finish_reason}],
        }
    )


def text_chunks(text: str, *, size: int = 4, field: str = "content") -> list[bytes]:
    """Return the text in chunks of so many characters."""
    return [chunk({field: text[at : at + size]}) for at in range(0, len(text), size)]


def call_chunks(
    name: str, arguments: str, *, index: int = 0, call_id: str = "call_a", size: int = 6
) -> list[bytes]:
    """Return a tool call as OpenAI and llama.cpp stream it."""
    first = {
        "index": index,
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": ""},
    }
    rest = [
        {"index": index, "function": {"arguments": arguments[at : at + size]}}
        for at in range(0, len(arguments), size)
    ]
    return [chunk({"tool_calls": [piece]}) for piece in (first, *rest)]


def finish(reason: str = "stop") -> bytes:
    """Return the chunk that says why it stopped."""
    return chunk({}, finish_reason=reason)


def usage(prompt: int = 11, completion: int = 7, **details: Any) -> bytes:
    """Return the usage chunk: no choices at all."""
    counts = {"prompt_tokens": prompt, "completion_tokens": completion, **details}
    return event({"object": "chat.completion.chunk", "choices": [], "usage": counts})


def stream(*chunks: bytes, done: bool = True) -> Reply:
    """Return a streamed answer of these chunks."""
    return Reply([*chunks, *([DONE] if done else [])], headers=SSE)


def error(
    status: int, message: str, *, headers: Mapping[str, str] | None = None, **fields: Any
) -> Reply:
    """Return an error answer in OpenAI's form."""
    body = json.dumps({"error": {"message": message, **fields}}).encode()
    return Reply(
        [body], status=status, headers={"Content-Type": "application/json", **(headers or {})}
    )
