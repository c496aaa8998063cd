"""Driving a language model from a plain test: requests, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import anyio

from lettafs.errors import ModelProblem
from lettafs.llm.base import LanguageModel, ModelReply, ModelRequest
from lettafs.llm.catalog import parse_handle, resolve
from lettafs.llm.ollama import OllamaModel
from lettafs.llm.openai_chat import OpenAIChatModel
from lettafs.values.event import Delta, ReasoningDelta, TextDelta, ToolCallDelta
from lettafs.values.message import Message, Part, Role, TextPart
from lettafs.values.tool import ToolSpec
from tests.support.fake_http import FakeServer

__all__ = [
    "SET_FLAG",
    "Heard",
    "hear",
    "message",
    "ollama_model",
    "openai_model",
    "request",
]

SET_FLAG = ToolSpec(
    name="set_flag",
    description="Set the flag.",
    parameters={
        "type": "object",
        "properties": {"on": {"type": "boolean"}, "level": {"type": "string"}},
        "required": ["on"],
    },
)


@dataclass(frozen=True)
class Heard:
    """All that one call gave: deltas, then a reply or a problem."""

    deltas: tuple[Delta, ...]
    replies: tuple[ModelReply, ...]
    problem: ModelProblem | None

    @property
    def reply(self) -> ModelReply:
        if self.problem is not None:
            raise self.problem
        assert len(self.replies) == 1
        return self.replies[0]

    @property
    def text(self) -> str:
        return "".join(delta.text for delta in self.deltas if isinstance(delta, TextDelta))

    @property
    def reasoning(self) -> str:
        return "".join(delta.text for delta in self.deltas if isinstance(delta, ReasoningDelta))

    @property
    def call_deltas(self) -> list[ToolCallDelta]:
        return [delta for delta in self.deltas if isinstance(delta, ToolCallDelta)]


def hear(model: LanguageModel, asked: ModelRequest | None = None) -> Heard:
    """Call the model once and return everything it gave."""
    deltas: list[Delta] = []
    replies: list[ModelReply] = []

    async def listen() -> ModelProblem | None:
        try:
            async for event in model.stream(asked or request("Hello")):
                assert not replies, "an event after the reply"
                if isinstance(event, ModelReply):
                    replies.append(event)
                else:
                    deltas.append(event)
        except ModelProblem as problem:
            return problem
        return None

    problem = anyio.run(listen)
    assert bool(replies) != (problem is not None), "a reply or a problem, never both or neither"
    return Heard(deltas=tuple(deltas), replies=tuple(replies), problem=problem)


def message(role: Role, *parts: Part | str, **fields: Any) -> Message:
    """Return a message; a plain string is a text part."""
    return Message(
        id="message-00000000-0000-4000-8000-000000000000",
        role=role,
        parts=tuple(TextPart(part) if isinstance(part, str) else part for part in parts),
        created_at="2026-01-01T00:00:00.000000+00:00",
        **fields,
    )


def request(
    *words: Message | str, tools: Sequence[ToolSpec] = (SET_FLAG,), **fields: Any
) -> ModelRequest:
    """Return a request; a plain string is a user message."""
    return ModelRequest(
        message_id=fields.pop("message_id", "message-11111111-1111-4111-8111-111111111111"),
        system=fields.pop("system", "You are a test."),
        messages=tuple(message("user", it) if isinstance(it, str) else it for it in words),
        tools=tuple(tools),
        **fields,
    )


def openai_model(
    server: FakeServer | str, handle: str = "llamacpp/fake-model", **env: str
) -> OpenAIChatModel:
    """Return a model at a fake server; `env` may hold keys."""
    url = server if isinstance(server, str) else server.base_url
    parsed = parse_handle(handle)
    return OpenAIChatModel(parsed, resolve(parsed, env=env, base_url=url, base_url_source="user"))


def ollama_model(server: FakeServer | str, handle: str = "ollama/fake:latest") -> OllamaModel:
    """Return an Ollama model at a fake server."""
    url = server if isinstance(server, str) else server.base_url
    parsed = parse_handle(handle)
    return OllamaModel(parsed, resolve(parsed, env={}, base_url=url, base_url_source="user"))
