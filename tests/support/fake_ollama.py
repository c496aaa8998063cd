"""A fake Ollama server, and the lines it sends."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.support.fake_http import FakeServer, Reply

__all__ = ["FakeOllama", "call_line", "done", "error", "line", "stream", "text_lines"]


class FakeOllama(FakeServer):
    """Answers `POST /api/chat` with its replies and `GET /api/tags` with `models`."""

    def __init__(
        self, replies: Iterable[Reply] = (), *, models: Sequence[str] = ("fake:latest",)
    ) -> None:
        listing = {"models": [{"name": name, "model": name, "size": 1} for name in models]}
        super().__init__(
            replies,
            fixed={
                "GET /api/tags": Reply(
                    [json.dumps(listing).encode()], headers={"Content-Type": "application/json"}
                )
            },
        )


def line(message: Mapping[str, Any] | None = None, **fields: Any) -> bytes:
    """Return one line of a streamed answer."""
    row = {
        "model": "fake:latest",
        "created_at": "2026-01-01T00:00:00.000000Z",
        "message": {"role": "assistant", "content": "", **(message or {})},
        "done": False,
        **fields,
    }
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"


def text_lines(text: str, *, size: int = 4, field: str = "content") -> list[bytes]:
    """Return the text (or, with the field `thinking`, the thinking) in pieces."""
    return [line({field: text[at : at + size]}) for at in range(0, len(text), size)]


def call_line(*calls: tuple[str, Mapping[str, Any]]) -> bytes:
    """Return a line with whole tool calls."""
    return line(
        {
            "tool_calls": [
                {"function": {"name": name, "arguments": dict(arguments)}}
                for name, arguments in calls
            ]
        }
    )


def done(reason: str = "stop", *, prompt: int = 11, completion: int = 7) -> bytes:
    """Return the last line."""
    return line(
        done=True,
        done_reason=reason,
        total_duration=1,
        prompt_eval_count=prompt,
        eval_count=completion,
    )


def stream(*lines: bytes) -> Reply:
    """Return a streamed answer of these lines."""
    return Reply(lines, headers={"Content-Type": "application/x-ndjson"})


def error(status: int, message: str) -> Reply:
    """Return an error answer in Ollama's form."""
    body = json.dumps({"error": message}).encode()
    return Reply([body], status=status, headers={"Content-Type": "application/json"})
