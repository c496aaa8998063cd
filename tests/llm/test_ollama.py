"""Ollama's own protocol: what is sent, what is read, and how it fails."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from lettafs.errors import (
    ContextOverflow,
    ModelOverloaded,
    ModelProblem,
    ModelRefusedRequest,
    ModelTimeout,
    ModelUnreachable,
    StreamCut,
)
from lettafs.llm.catalog import Endpoint, parse_handle, resolve
from lettafs.llm.ollama import OllamaModel, list_models, request_arguments
from lettafs.llm.providers import PROVIDERS
from lettafs.values.message import ReasoningPart, TextPart, ToolCall, ToolReturn
from lettafs.values.run import Usage
from lettafs.values.tool import ToolSpec
from tests.support.fake_http import Reply
from tests.support.fake_ollama import FakeOllama, call_line, done, error, line, stream, text_lines
from tests.support.models import SET_FLAG, hear, message, ollama_model, request


@pytest.fixture(scope="module")
def server() -> Iterator[FakeOllama]:
    with FakeOllama() as running:
        yield running


def body_of(server: FakeOllama, *words: Any, **fields: Any) -> Any:
    server.play(stream(*text_lines("ok"), done()))
    hear(ollama_model(server), request(*words, **fields))
    return server.requests[0].json


def test_conversation_is_sent_as_ollama_wants_it(server: FakeOllama) -> None:
    body = body_of(
        server,
        "Hi",
        message(
            "assistant",
            ReasoningPart("hm"),
            ToolCall("call_1", "set_flag", '{"on": true}'),
            ToolCall("call_2", "set_flag", "{broken"),
            ToolCall("call_3", "set_flag", '{"level": "\\ud83d"}'),
            ToolCall("call_4", "set_flag", '{"on": NaN}'),
        ),
        message(
            "tool",
            ToolReturn("call_1", "set_flag", "success", "done"),
            ToolReturn("call_2", "set_flag", "error", "not JSON"),
        ),
        message("assistant", ReasoningPart("only thinking")),
        message("assistant", "half", partial=True),
        message("user", "go on", kind="heartbeat"),
        temperature=0.0,
        max_output_tokens=64,
        think=False,
    )
    assert server.requests[0].path == "/api/chat"
    assert body["model"] == "fake:latest"
    assert body["stream"] is True
    assert body["think"] is False
    assert body["options"] == {"num_ctx": 8192, "temperature": 0.0, "num_predict": 64}
    assert body["messages"] == [
        {"role": "system", "content": "You are a test."},
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "tool_calls": [
                {"function": {"name": "set_flag", "arguments": {"on": True}}},
                {"function": {"name": "set_flag", "arguments": {"_unparsed": "{broken"}}},
                {"function": {"name": "set_flag", "arguments": {"level": "\ufffd"}}},
                {"function": {"name": "set_flag", "arguments": {"_unparsed": '{"on": NaN}'}}},
            ],
        },
        {"role": "tool", "content": "done", "tool_name": "set_flag"},
        {"role": "tool", "content": "not JSON", "tool_name": "set_flag"},
        {"role": "user", "content": "go on"},
    ]


def test_window_is_always_sent(server: FakeOllama) -> None:
    assert body_of(server, "Hi")["options"]["num_ctx"] == 8192
    assert body_of(server, "Hi", context_window=16_384)["options"]["num_ctx"] == 16_384
    handle = parse_handle("ollama/fake")
    endpoint = resolve(handle, env={}, base_url=server.base_url, base_url_source="user")
    model = OllamaModel(handle, endpoint, context_window=4096)
    assert model.context_window == 4096
    server.play(stream(*text_lines("ok"), done()))
    hear(model, request("Hi"))
    assert server.requests[0].json["options"]["num_ctx"] == 4096


def test_tools_keep_their_schema(server: FakeOllama) -> None:
    tool = ToolSpec(
        "put",
        "Put it.",
        {
            "type": "object",
            "properties": {
                "text": {"type": "string", "description": "What."},
                "tags": {"type": "array", "items": {"type": "string"}},
                "until": {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "When."},
                "how": {"type": "string", "enum": ["a", "b"]},
            },
            "required": ["text"],
        },
    )
    sent = body_of(server, "Hi", tools=(tool,))["tools"]
    assert sent == [
        {
            "type": "function",
            "function": {
                "name": "put",
                "description": "Put it.",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "text": {"type": "string", "description": "What."},
                        "tags": {"type": "array", "items": {"type": "string"}},
                        "until": {"type": ["string", "null"], "description": "When."},
                        "how": {"type": "string", "enum": ["a", "b"]},
                    },
                    "required": ["text"],
                },
            },
        }
    ]


def test_tools_offered_stand_for_the_tool_choice() -> None:
    other = ToolSpec("other", "", {"type": "object", "properties": {}})

    def offered(**fields: Any) -> list[str]:
        arguments = request_arguments(
            request("Hi", tools=(SET_FLAG, other), **fields), model="m", context_window=1
        )
        return [tool["function"]["name"] for tool in arguments.get("tools", ())]

    assert offered() == ["set_flag", "other"]
    assert offered(tool_choice="required", forced_tool="other") == ["other"]
    assert offered(tool_choice="none") == []


def test_level_of_thinking_goes_where_the_switch_is() -> None:
    def think(**fields: Any) -> object:
        return request_arguments(request("Hi", **fields), model="m", context_window=1).get("think")

    assert think() is None
    assert think(think=True) is True
    assert think(think=False, reasoning_effort="high") is False
    assert think(think=True, reasoning_effort="high") == "high"


def test_key_of_the_environment_is_not_sent_to_an_endpoint_without_one(server: FakeOllama) -> None:
    os.environ["OLLAMA_API_KEY"] = "secret-of-the-person"
    body_of(server, "Hi")
    assert "authorization" not in server.requests[0].headers
    handle = parse_handle("ollama/fake")
    endpoint = resolve(
        handle,
        env={"OLLAMA_API_KEY": "mine"},
        base_url=server.base_url,
        base_url_source="user",
    )
    hear(OllamaModel(handle, endpoint))
    assert server.requests[1].headers["authorization"] == "Bearer mine"


def test_proxy_of_the_environment_is_not_used_for_this_machine(server: FakeOllama) -> None:
    os.environ.update(HTTP_PROXY="http://127.0.0.1:9", ALL_PROXY="http://127.0.0.1:9")
    server.play(stream(*text_lines("ok"), done()))
    assert hear(ollama_model(server)).text == "ok"


def test_thinking_text_calls_and_usage_are_read(server: FakeOllama) -> None:
    server.play(
        stream(
            *text_lines("hm, hm", field="thinking"),
            *text_lines("Setting it."),
            call_line(("set_flag", {"on": True}), ("set_flag", {"on": False, "level": "ü"})),
            call_line(("set_flag", {"on": True})),
            done(prompt=20, completion=9),
        )
    )
    heard = hear(ollama_model(server))
    thinking, text, *calls = heard.reply.parts
    assert (thinking, text) == (ReasoningPart("hm, hm"), TextPart("Setting it."))
    assert [it.arguments for it in calls if isinstance(it, ToolCall)] == [
        '{"on": true}',
        '{"on": false, "level": "ü"}',
        '{"on": true}',
    ]
    ids = [it.id for it in calls if isinstance(it, ToolCall)]
    assert len(set(ids)) == 3
    assert heard.reply.finish_reason == "tool_calls"
    assert heard.reply.usage == Usage(20, 9, step_count=1)


def test_usage_that_is_missing_counts_as_nothing(server: FakeOllama) -> None:
    server.play(stream(*text_lines("ok"), line(done=True)))
    assert hear(ollama_model(server)).reply.usage == Usage(step_count=1)


def test_length_limit_is_told(server: FakeOllama) -> None:
    server.play(stream(*text_lines("ok"), done("length")))
    assert hear(ollama_model(server)).reply.finish_reason == "length"


FAULTS: dict[str, tuple[Reply, type[ModelProblem], str]] = {
    "model not pulled": (
        error(404, 'model "fake:latest" not found, try pulling it first'),
        ModelRefusedRequest,
        "ollama pull fake:latest",
    ),
    "no tools": (
        error(400, "registry.ollama.ai/library/x does not support tools"),
        ModelRefusedRequest,
        "cannot call tools",
    ),
    "no thinking": (
        error(400, '"fake:latest" does not support thinking'),
        ModelRefusedRequest,
        "Remove `think`",
    ),
    "not enough memory": (
        error(500, "model requires more system memory (9.1 GiB) than is available (4.2 GiB)"),
        ModelRefusedRequest,
        "smaller model",
    ),
    "runner died": (
        error(500, "llama runner process has terminated: exit status 2"),
        ModelOverloaded,
        "runner process",
    ),
    "too long": (
        error(400, "the input length exceeds the context length"),
        ContextOverflow,
        "context_window",
    ),
    "busy": (error(503, "server busy, please try again"), ModelOverloaded, "busy"),
    "error in the first line": (
        stream(b'{"error": "an error was encountered while running the model"}\n'),
        ModelOverloaded,
        "while running the model",
    ),
    "error after words": (
        stream(*text_lines("ok"), b'{"error": "gone"}\n'),
        StreamCut,
        "gone",
    ),
    "not JSON": (stream(b"<html>\n"), StreamCut, "not Ollama's protocol"),
    "another protocol": (stream(b'{"object": "chat"}\n'), StreamCut, "not Ollama's protocol"),
    "arguments as text": (
        stream(line({"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]})),
        StreamCut,
        "not Ollama's protocol",
    ),
    "no body": (Reply([]), StreamCut, "ended before"),
    "redirect": (
        Reply([], status=308, headers={"Location": "http://evil.example"}),
        ModelRefusedRequest,
        "308",
    ),
    "reset": (Reply([], end="reset"), StreamCut, "lost"),
    "body that cannot be unpacked": (
        Reply([b"no gzip"], headers={"Content-Encoding": "gzip"}),
        StreamCut,
        "lost",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_told_in_plain_words(server: FakeOllama, fault: str) -> None:
    reply, kind, words = FAULTS[fault]
    server.play(reply)
    problem = hear(ollama_model(server)).problem
    assert type(problem) is kind
    assert words in str(problem)
    assert len(server.requests) == 1


def test_nothing_there_says_how_to_start_it() -> None:
    with FakeOllama() as gone:
        url = gone.base_url
    began = time.monotonic()
    problem = hear(ollama_model(url)).problem
    assert isinstance(problem, ModelUnreachable)
    assert url in str(problem)
    assert "ollama serve" in str(problem)
    assert time.monotonic() - began < 4


def test_silence_is_a_timeout_before_and_a_cut_after_the_first_word(server: FakeOllama) -> None:
    server.play(Reply([], first_delay_s=9))
    assert isinstance(
        hear(ollama_model(server), request("Hi", timeout_s=0.3)).problem, ModelTimeout
    )
    server.play(Reply(text_lines("so far"), end="hang"))
    problem = hear(ollama_model(server), request("Hi", timeout_s=0.3)).problem
    assert isinstance(problem, StreamCut)
    assert problem.parts == (TextPart("so far"),)


def test_listener_that_stops_closes_the_connection(server: FakeOllama) -> None:
    server.play(Reply(text_lines("Hello"), end="hang"))
    model = ollama_model(server)

    async def take_one() -> None:
        events = model.stream(request("Hi"))
        async for _ in events:
            break
        await events.aclose()

    anyio.run(take_one)
    assert server.client_left.wait(5)


def test_pulled_models_are_listed(server: FakeOllama) -> None:
    async def ask() -> tuple[str, ...]:
        return await list_models(Endpoint(PROVIDERS["ollama"], server.base_url), timeout_s=2)

    assert anyio.run(ask) == ("fake:latest",)
    server.fixed["GET /api/tags"] = Reply([b"[]"])
    with pytest.raises(ModelRefusedRequest):
        anyio.run(ask)
    server.fixed["GET /api/tags"] = Reply([json.dumps({"error": "no"}).encode()], status=500)
    with pytest.raises(ModelOverloaded):
        anyio.run(ask)
