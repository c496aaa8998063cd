"""Against the real llama.cpp server: its tokeniser, template, grammar and stream."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import anyio
import pytest

from lettafs.errors import ContextOverflow
from lettafs.llm.catalog import Endpoint
from lettafs.llm.openai_chat import list_models
from lettafs.llm.providers import PROVIDERS
from lettafs.values.message import TextPart, ToolCall, ToolReturn
from tests.support.llama_server import llama_server
from tests.support.models import hear, message, openai_model, request
from tests.support.tiny_gguf import TOOL_CALL, write_scripted_model

pytestmark = [
    pytest.mark.wire,
    pytest.mark.skipif(
        importlib.util.find_spec("xllamacpp") is None or importlib.util.find_spec("gguf") is None,
        reason="needs the extra 'wire'",
    ),
]

WORDS = ("The flag", " is", " set", ": low", ".")


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a model that says WORDS."""
    path = tmp_path_factory.mktemp("gguf") / "words.gguf"
    write_scripted_model(path, WORDS)
    with llama_server(path, context=2048) as url:
        yield url


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a model that calls set_flag."""
    path = tmp_path_factory.mktemp("gguf") / "call.gguf"
    write_scripted_model(path, TOOL_CALL)
    with llama_server(path) as url:
        yield url


def test_text_is_streamed_and_counted(speaker: str) -> None:
    heard = hear(openai_model(speaker), request("Hi", temperature=0.0))
    assert heard.reply.parts == (TextPart("".join(WORDS)),)
    assert heard.reply.finish_reason == "stop"
    assert len(heard.deltas) > 1
    assert heard.reply.usage.completion_tokens >= len(WORDS)
    assert heard.reply.usage.prompt_tokens > 10


@pytest.mark.parametrize("choice", ["auto", "required"])
def test_tool_call_is_streamed(caller: str, choice: str) -> None:
    asked = request("Set it.", temperature=0.0, tool_choice=choice)
    heard = hear(openai_model(caller), asked)
    (call,) = heard.reply.parts
    assert isinstance(call, ToolCall)
    assert (call.name, call.id != "") == ("set_flag", True)
    assert call.arguments.replace(" ", "") == '{"on":true,"level":"low"}'
    assert heard.reply.finish_reason == "tool_calls"
    assert len(heard.call_deltas) > 1


def test_call_and_its_return_are_accepted_as_history(speaker: str) -> None:
    asked = request(
        "Set it.",
        message(
            "assistant",
            ToolCall("call_1", "set_flag", '{"on": true}'),
            ToolCall("call_2", "set_flag", "{not json"),
        ),
        message(
            "tool",
            ToolReturn("call_1", "set_flag", "success", "done"),
            ToolReturn("call_2", "set_flag", "error", "not JSON"),
        ),
        message("user", "go on", kind="heartbeat"),
        temperature=0.0,
    )
    assert hear(openai_model(speaker), asked).text == "".join(WORDS)


def test_length_limit_leaves_the_torn_call_out(caller: str) -> None:
    asked = request("Set it.", temperature=0.0, max_output_tokens=3)
    reply = hear(openai_model(caller), asked).reply
    assert reply.finish_reason == "length"
    assert not any(isinstance(part, ToolCall) for part in reply.parts)


def test_conversation_longer_than_the_window_is_an_overflow(speaker: str) -> None:
    problem = hear(openai_model(speaker), request("word " * 3000)).problem
    assert type(problem) is ContextOverflow


def test_models_are_listed(speaker: str) -> None:
    async def ask() -> tuple[str, ...]:
        return await list_models(Endpoint(PROVIDERS["llamacpp"], speaker), timeout_s=5)

    assert len(anyio.run(ask)) == 1
