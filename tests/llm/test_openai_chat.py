"""OpenAI-compatible servers: what is sent, what is read, and how it fails."""

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
    ModelAuthProblem,
    ModelOutOfCredit,
    ModelOverloaded,
    ModelProblem,
    ModelRateLimited,
    ModelRefusedRequest,
    ModelTimeout,
    ModelUnreachable,
    StreamCut,
)
from lettafs.llm.base import ModelReply
from lettafs.llm.catalog import Endpoint, parse_handle, resolve
from lettafs.llm.openai_chat import OpenAIChatModel, list_models
from lettafs.llm.openai_wire import request_body
from lettafs.llm.providers import PROVIDERS
from lettafs.values.message import OpaquePart, ReasoningPart, TextPart, ToolCall, ToolReturn
from lettafs.values.run import Usage
from tests.support.fake_http import Reply
from tests.support.fake_openai import (
    DONE,
    FakeOpenAI,
    call_chunks,
    chunk,
    error,
    event,
    finish,
    stream,
    text_chunks,
    usage,
)
from tests.support.models import SET_FLAG, hear, message, openai_model, request

KEY = "sk-secret-0123456789"


@pytest.fixture(scope="module")
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as running:
        yield running


# What is sent.

CONVERSATION = (
    message("user", "Hi"),
    message(
        "assistant",
        ReasoningPart("I should look."),
        TextPart("Let me see."),
        ToolCall("call_1", "set_flag", '{"on": true}'),
        ToolCall("call_2", "set_flag", "{on: broken"),
    ),
    message(
        "tool",
        ToolReturn("call_1", "set_flag", "success", "done"),
        ToolReturn("call_2", "set_flag", "error", "Error: not JSON"),
    ),
    message("assistant", ReasoningPart("Nothing to say.")),
    message("assistant", "broken off", partial=True),
    message("assistant", "Set."),
    message("user", "go on", kind="heartbeat"),
    message("user", OpaquePart({"type": "image"})),
    message("system", "A reminder.", kind="alert"),
)


def test_conversation_is_sent_as_the_protocol_wants_it() -> None:
    body = request_body(
        request(*CONVERSATION, temperature=0.5, max_output_tokens=9, reasoning_effort="low"),
        model="gpt-x",
        provider=PROVIDERS["openai"],
    )
    assert body == {
        "model": "gpt-x",
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "max_completion_tokens": 9,
        "reasoning_effort": "low",
        "messages": [
            {"role": "system", "content": "You are a test."},
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "content": "Let me see.",
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "set_flag", "arguments": '{"on": true}'},
                    },
                    {
                        "id": "call_2",
                        "type": "function",
                        "function": {
                            "name": "set_flag",
                            "arguments": '{"_unparsed": "{on: broken"}',
                        },
                    },
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "done"},
            {"role": "tool", "tool_call_id": "call_2", "content": "Error: not JSON"},
            {"role": "assistant", "content": "Set."},
            {"role": "user", "content": "go on"},
            {"role": "user", "content": "A reminder."},
        ],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "set_flag",
                    "description": "Set the flag.",
                    "parameters": dict(SET_FLAG.parameters),
                },
            }
        ],
    }


def sent(provider: str, *words: Any, **fields: Any) -> dict[str, Any]:
    return request_body(request(*words, **fields), model="m", provider=PROVIDERS[provider])


def test_mistral_gets_nine_character_ids_and_no_neighbouring_users() -> None:
    rows = sent("mistral", *CONVERSATION)["messages"]
    ids = [call["id"] for row in rows for call in row.get("tool_calls", ())]
    assert all(len(it) == 9 and it.isalnum() for it in ids)
    assert [row["tool_call_id"] for row in rows if row["role"] == "tool"] == ids
    assert rows[-1] == {"role": "user", "content": "go on\n\nA reminder."}
    assert "stream_options" not in sent("mistral", "Hi")


def test_nine_character_id_stays_what_it_is() -> None:
    call = message("assistant", ToolCall("abcDEF123", "set_flag", "{}"))
    assert sent("vllm", "Hi", call)["messages"][-1]["tool_calls"][0]["id"] == "abcDEF123"


def test_reasoning_is_sent_back_only_where_and_while_it_is_wanted() -> None:
    rows = sent("deepseek", *CONVERSATION[:3])["messages"]
    assert rows[2]["reasoning_content"] == "I should look."
    rows = sent("deepseek", *CONVERSATION)["messages"]
    assert not any("reasoning_content" in row for row in rows)
    rows = sent("openai", *CONVERSATION[:3])["messages"]
    assert "I should look." not in json.dumps(rows)


def test_tool_choice_is_said_in_the_words_a_provider_knows() -> None:
    other = type(SET_FLAG)(name="other", description="", parameters={"type": "object"})
    both = (SET_FLAG, other)
    assert "tool_choice" not in sent("openai", "Hi")
    assert sent("openai", "Hi", tool_choice="required")["tool_choice"] == "required"
    assert sent("openai", "Hi", tool_choice="none")["tool_choice"] == "none"
    named = sent("openai", "Hi", tools=both, tool_choice="required", forced_tool="other")
    assert named["tool_choice"] == {"type": "function", "function": {"name": "other"}}
    assert len(named["tools"]) == 2
    only = sent("llamacpp", "Hi", tools=both, tool_choice="required", forced_tool="other")
    assert only["tool_choice"] == "required"
    assert [tool["function"]["name"] for tool in only["tools"]] == ["other"]
    bare = sent("openai", "Hi", tools=(), tool_choice="required", parallel_tool_calls=False)
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(bare)


def test_parallel_calls_are_switched_off_where_that_is_understood() -> None:
    assert sent("openai", "Hi", parallel_tool_calls=False)["parallel_tool_calls"] is False
    assert "parallel_tool_calls" not in sent("openai", "Hi")
    assert "parallel_tool_calls" not in sent("gemini", "Hi", parallel_tool_calls=False)


def test_same_request_is_the_same_bytes(server: FakeOpenAI) -> None:
    server.play(stream(*text_chunks("ok"), finish()))
    for _ in range(2):
        hear(openai_model(server), request(*CONVERSATION))
    first, second = server.requests
    assert first.body == second.body


# What goes along with it.


def test_key_is_sent_to_the_endpoint_the_person_named(server: FakeOpenAI) -> None:
    server.play(stream(*text_chunks("ok"), finish()))
    hear(openai_model(server, "openai/gpt-4o", OPENAI_API_KEY=KEY))
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_endpoint_the_agent_named_gets_no_key_and_nothing_of_the_environment(
    server: FakeOpenAI,
) -> None:
    os.environ.update(
        OPENAI_API_KEY=KEY,
        OPENAI_ADMIN_KEY="sk-admin-key",
        OPENAI_ORG_ID="org-mine",
        OPENAI_PROJECT_ID="proj-mine",
        OPENAI_CUSTOM_HEADERS="X-Gateway-Token: hush-hush",
        OPENAI_BASE_URL="https://gateway.example/v1",
    )
    handle = parse_handle("openai/gpt-4o")
    endpoint = resolve(
        handle, env=dict(os.environ) | {"LETTAFS_NO_REMOTE": ""},
        base_url=server.base_url, base_url_source="agent",
    )  # fmt: skip
    server.play(stream(*text_chunks("ok"), finish()))
    hear(OpenAIChatModel(handle, endpoint))
    headers = server.requests[0].headers
    assert "authorization" not in headers
    assert not {KEY, "sk-admin-key", "org-mine", "proj-mine", "hush-hush"} & set(headers.values())


def test_proxy_of_the_environment_is_not_used_for_this_machine(server: FakeOpenAI) -> None:
    os.environ.update(HTTP_PROXY="http://127.0.0.1:9", ALL_PROXY="http://127.0.0.1:9")
    server.play(stream(*text_chunks("ok"), finish()))
    assert hear(openai_model(server)).text == "ok"


def test_redirect_is_not_followed(server: FakeOpenAI) -> None:
    with FakeOpenAI([stream(*text_chunks("stolen"), finish())]) as elsewhere:
        target = f"{elsewhere.base_url}/chat/completions"
        server.play(Reply([], status=307, headers={"Location": target}))
        problem = hear(openai_model(server, "openai/m", OPENAI_API_KEY=KEY)).problem
        assert isinstance(problem, ModelRefusedRequest)
        assert target in str(problem)
        assert elsewhere.requests == []


# What is read.


def test_reasoning_and_cached_tokens_are_counted(server: FakeOpenAI) -> None:
    counts = usage(
        100,
        50,
        prompt_tokens_details={"cached_tokens": 64},
        completion_tokens_details={"reasoning_tokens": 32},
    )
    server.play(stream(*text_chunks("ok"), finish(), counts))
    assert hear(openai_model(server)).reply.usage == Usage(100, 50, 64, 32, 1)


@pytest.mark.parametrize(
    "raw",
    [
        event({"choices": [], "usage": {"prompt_tokens": 5, "prompt_cache_hit_tokens": 3}}),
        chunk({}).replace(b'"choices"', b'"x_groq":{"usage":{"prompt_tokens":5}},"choices"'),
        event({"choices": None, "usage": {"prompt_tokens": 5, "completion_tokens": None}}),
        event({"usage": {"prompt_tokens": 5, "completion_tokens": "many"}}),
    ],
)
def test_usage_is_found_where_servers_put_it(server: FakeOpenAI, raw: bytes) -> None:
    server.play(stream(*text_chunks("ok"), finish(), raw))
    assert hear(openai_model(server)).reply.usage.prompt_tokens == 5


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_fields_become_reasoning(server: FakeOpenAI, field: str) -> None:
    server.play(stream(*text_chunks("hm, hm", field=field), *text_chunks("Four."), finish()))
    heard = hear(openai_model(server))
    assert (heard.reasoning, heard.text) == ("hm, hm", "Four.")
    assert heard.reply.parts == (ReasoningPart("hm, hm"), TextPart("Four."))


def test_thinking_tags_in_the_text_become_reasoning(server: FakeOpenAI) -> None:
    server.play(stream(*text_chunks("<think>\nhm\n</think>\n\nFour.", size=3), finish()))
    assert hear(openai_model(server)).reply.parts == (ReasoningPart("hm"), TextPart("Four."))


def test_list_of_typed_pieces_is_read(server: FakeOpenAI) -> None:
    thinking = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]
    server.play(
        stream(
            chunk({"content": thinking}),
            chunk({"content": [{"type": "text", "text": "Four."}]}),
            finish(),
        )
    )
    assert hear(openai_model(server)).reply.parts == (ReasoningPart("hm"), TextPart("Four."))


@pytest.mark.parametrize(
    "said, meant",
    [
        ("stop", "stop"),
        ("end_turn", "stop"),
        ("tool_calls", "stop"),  # without any call
        ("length", "length"),
        ("max_tokens", "length"),
        ("model_length", "length"),
        ("content_filter", "content_filter"),
        ("SAFETY", "content_filter"),
    ],
)
def test_finish_reason_is_one_of_ours(server: FakeOpenAI, said: str, meant: str) -> None:
    server.play(stream(*text_chunks("ok"), finish(said)))
    assert hear(openai_model(server)).reply.finish_reason == meant


def test_calls_that_end_with_stop_are_tool_calls(server: FakeOpenAI) -> None:
    server.play(stream(*call_chunks("set_flag", "{}"), finish("stop")))
    assert hear(openai_model(server)).reply.finish_reason == "tool_calls"


def test_call_cut_short_by_the_length_limit_is_never_given(server: FakeOpenAI) -> None:
    whole = call_chunks("set_flag", '{"on": true}', call_id="a")
    torn = call_chunks("set_flag", '{"on": fal', index=1, call_id="b")
    server.play(stream(*text_chunks("Now: "), *whole, *torn, finish("length")))
    reply = hear(openai_model(server)).reply
    assert reply.finish_reason == "length"
    assert reply.parts == (TextPart("Now: "), ToolCall("a", "set_flag", '{"on": true}'))


def test_arguments_given_as_an_object_are_made_text(server: FakeOpenAI) -> None:
    call = {"id": "a", "function": {"name": "set_flag", "arguments": {"on": True}}}
    server.play(stream(chunk({"tool_calls": [call]}), finish("tool_calls")))
    assert hear(openai_model(server)).reply.parts == (ToolCall("a", "set_flag", '{"on": true}'),)


def test_odd_chunks_do_no_harm(server: FakeOpenAI) -> None:
    odd: list[Any] = [
        [],
        "text",
        7,
        {},
        {"choices": [None]},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": {"content": 7, "tool_calls": [None, {}, {"function": 3}]}}]},
        {"choices": [{"delta": {"tool_calls": {"0": 1}}, "finish_reason": ""}]},
    ]
    chunks = [event(json.dumps(it)) for it in odd]
    server.play(stream(b": ping\n\n", *chunks, *text_chunks("ok"), finish()))
    assert hear(openai_model(server)).reply.parts == (TextPart("ok"),)


def test_unescaped_line_separators_in_the_text_survive(server: FakeOpenAI) -> None:
    text = "a\u2028b\x85c\u2029d"
    server.play(stream(*text_chunks(text, size=2), finish()))
    assert hear(openai_model(server)).reply.parts == (TextPart(text),)


def test_empty_reply_is_a_reply_without_parts(server: FakeOpenAI) -> None:
    for chunks in (
        [finish()],
        [chunk({"content": ""}), finish()],
        [chunk({"content": "\n"}), DONE],
    ):
        server.play(stream(*chunks))
        assert hear(openai_model(server)).reply.parts == ()


@pytest.mark.parametrize("end", ["whole", "cut", "reset", "hang"])
def test_reply_with_a_finish_reason_is_whole_however_the_connection_ends(
    server: FakeOpenAI, end: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lettafs.llm.openai_chat._TAIL_S", 0.2)
    server.play(Reply([*text_chunks("ok"), finish()], end=end))
    assert hear(openai_model(server)).text == "ok"


def test_done_ends_the_reply_even_if_the_connection_stays_open(server: FakeOpenAI) -> None:
    server.play(Reply([*text_chunks("ok"), DONE], end="hang"))
    began = time.monotonic()
    assert hear(openai_model(server)).text == "ok"
    assert time.monotonic() - began < 4


# How it fails.


def failure(status: int, text: str, **fields: Any) -> Reply:
    return error(status, text, **fields)


FAULTS: dict[str, tuple[Reply, type[ModelProblem], str]] = {
    "wrong key": (
        failure(401, f"Incorrect API key provided: {KEY}.", code="invalid_api_key"),
        ModelAuthProblem,
        "OPENAI_API_KEY",
    ),
    "bad key as 400 (Gemini)": (
        Reply(
            [b'[{"error": {"code": 400, "message": "API key not valid. Please pass a valid"}}]'],
            status=400,
        ),
        ModelAuthProblem,
        "refused the key",
    ),
    "no permission": (failure(403, "Project has no access"), ModelAuthProblem, "permissions"),
    "no credit (402)": (failure(402, "Insufficient Balance"), ModelOutOfCredit, "no credit"),
    "no quota (429)": (
        failure(429, "You exceeded your current quota", code="insufficient_quota"),
        ModelOutOfCredit,
        "Top it up",
    ),
    "no credit (Anthropic)": (
        failure(400, "Your credit balance is too low to access the API"),
        ModelOutOfCredit,
        "no credit",
    ),
    "rate limit": (failure(429, "Rate limit reached"), ModelRateLimited, "too many requests"),
    "rate limit as plain text": (
        Reply([b"Too Many Requests"], status=429),
        ModelRateLimited,
        "Too Many Requests",
    ),
    "overflow (OpenAI)": (
        failure(
            400,
            "This model's maximum context length is 8192 tokens. However, your messages resulted"
            " in 9000 tokens.",
            code="context_length_exceeded",
        ),
        ContextOverflow,
        "context_window",
    ),
    "overflow (llama.cpp)": (
        failure(
            400,
            "the request exceeds the available context size, try increasing it",
            type="exceed_context_size_error",
        ),
        ContextOverflow,
        "longer than",
    ),
    "overflow (Anthropic)": (
        failure(400, "prompt is too long: 212394 tokens > 200000 maximum"),
        ContextOverflow,
        "longer than",
    ),
    "overflow (Gemini)": (
        failure(400, "The input token count (1200000) exceeds the maximum number of tokens"),
        ContextOverflow,
        "longer than",
    ),
    "overflow (LM Studio)": (
        failure(
            400,
            "Trying to keep the first 5000 tokens when context the overflows. However, the model"
            " is loaded with context length of only 4096 tokens: n_keep: 5000 >= n_ctx: 4096",
        ),
        ContextOverflow,
        "longer than",
    ),
    "overflow (vLLM)": (
        Reply(
            [
                b'{"object":"error","message":"This model\'s maximum context length is 4096 tokens.'
                b' Please reduce the length of the messages or completion.","code":400}'
            ],
            status=400,
        ),
        ContextOverflow,
        "longer than",
    ),
    "overflow (Mistral)": (
        failure(
            400,
            "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
        ),
        ContextOverflow,
        "longer than",
    ),
    "overflow (xAI)": (
        failure(400, "This model's maximum prompt length is 131072 but the request contains 1e6"),
        ContextOverflow,
        "longer than",
    ),
    "overflow (Groq 413)": (
        failure(413, "Request too large for model `x` in organization on tokens per minute"),
        ContextOverflow,
        "longer than",
    ),
    "overflow (DeepSeek, Together)": (
        failure(
            422,
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193."
            " The input is too long: exceeds the model's context length",
        ),
        ContextOverflow,
        "longer than",
    ),
    "overflow as 500": (
        failure(500, "Context size has been exceeded."),
        ContextOverflow,
        "longer than",
    ),
    "unknown model": (
        failure(404, "The model `gpt-9` does not exist", code="model_not_found"),
        ModelRefusedRequest,
        "lettafs models",
    ),
    "wrong path": (
        Reply([b"404 page not found"], status=404, headers={"Content-Type": "text/plain"}),
        ModelRefusedRequest,
        "/v1",
    ),
    "wrong method": (failure(405, "Method Not Allowed"), ModelRefusedRequest, "405"),
    "bad parameter": (
        failure(400, "Unsupported value: 'temperature' does not support 0.5"),
        ModelRefusedRequest,
        "model_settings",
    ),
    "unprocessable (FastAPI)": (
        Reply([b'{"detail":[{"loc":["body","tools"],"msg":"field required"}]}'], status=422),
        ModelRefusedRequest,
        "field required",
    ),
    "no tools": (
        failure(400, "registry.ollama.ai/library/gemma does not support tools"),
        ModelRefusedRequest,
        "cannot call tools",
    ),
    "chat template": (
        failure(500, "Jinja Exception: Conversation roles must alternate user/assistant"),
        ModelRefusedRequest,
        "chat template",
    ),
    "not implemented": (failure(501, "Not implemented"), ModelRefusedRequest, "501"),
    "timeout said by the server": (failure(408, "Request timeout"), ModelTimeout, "408"),
    "gateway timeout": (
        Reply([b"<html>504</html>"], status=504, headers={"Content-Type": "text/html"}),
        ModelTimeout,
        "504",
    ),
    "conflict": (failure(409, "Try again"), ModelOverloaded, "409"),
    "server error": (failure(500, "Internal error"), ModelOverloaded, "Internal error"),
    "bad output with tools (llama.cpp)": (
        failure(
            500, "The model produced output that does not match the expected peg-native format"
        ),
        ModelOverloaded,
        "peg-native",
    ),
    "bad gateway": (
        Reply([b"<html>nginx</html>"], status=502, headers={"Content-Type": "text/html"}),
        ModelOverloaded,
        "502",
    ),
    "loading": (failure(503, "Loading model"), ModelOverloaded, "Loading model"),
    "overloaded (Anthropic)": (failure(529, "Overloaded"), ModelOverloaded, "529"),
    "cloudflare": (Reply([b"error code: 522"], status=522), ModelOverloaded, "522"),
    "empty body": (Reply([], status=500), ModelOverloaded, "500"),
    "redirect": (Reply([], status=301, headers={"Location": "/v2"}), ModelRefusedRequest, "/v2"),
    "web page": (
        Reply([b"<html>Sign in</html>"], headers={"Content-Type": "text/html; charset=utf-8"}),
        ModelRefusedRequest,
        "web page",
    ),
    "error with status 200": (
        Reply([b'{"error": {"message": "Internal error", "code": 500}}']),
        ModelOverloaded,
        "Internal error",
    ),
    "error as an event": (
        stream(b'event: error\ndata: {"message": "upstream gone"}\n\n'),
        ModelOverloaded,
        "upstream gone",
    ),
    "rate limit inside the stream (OpenRouter)": (
        stream(event({"error": {"code": 429, "message": "Provider returned error"}})),
        ModelRateLimited,
        "Provider returned error",
    ),
    "overflow inside the stream": (
        stream(event({"error": {"message": "context length exceeded", "code": 400}})),
        ContextOverflow,
        "longer than",
    ),
    "error as a text": (stream(event({"error": "boom"})), ModelOverloaded, "boom"),
    "not JSON in the stream": (stream(b"data: {oops\n\n"), StreamCut, "not JSON"),
    "nothing at all": (Reply([]), StreamCut, "ended before"),
    "reset before the body": (Reply([], end="reset"), StreamCut, "lost"),
    "body that cannot be unpacked": (
        Reply([b"no gzip"], headers={"Content-Encoding": "gzip"}),
        StreamCut,
        "lost",
    ),
    "not streamed": (Reply([b'{"choices": []}']), StreamCut, "ended before"),
    "server says error as its reason": (
        stream(*text_chunks("ok"), finish("error")),
        StreamCut,
        "'error'",
    ),
    "server aborts": (stream(finish("abort")), StreamCut, "'abort'"),
    "error after some words": (
        stream(*text_chunks("ok"), event({"error": {"message": "gone", "code": 502}})),
        StreamCut,
        "gone",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_told_in_plain_words(server: FakeOpenAI, fault: str) -> None:
    reply, kind, words = FAULTS[fault]
    server.play(reply)
    problem = hear(openai_model(server, "openai/gpt-x", OPENAI_API_KEY=KEY)).problem
    assert type(problem) is kind
    assert words in str(problem)
    assert KEY not in str(problem)
    assert str(problem).endswith(".")
    assert "Traceback" not in str(problem)
    assert len(server.requests) == 1, "the library must not retry behind our back"


def test_words_before_a_failure_inside_the_stream_are_kept(server: FakeOpenAI) -> None:
    server.play(stream(*text_chunks("so far"), event({"error": {"message": "gone"}})))
    problem = hear(openai_model(server)).problem
    assert isinstance(problem, StreamCut)
    assert problem.parts == (TextPart("so far"),)


@pytest.mark.parametrize(
    "headers, text, wait_s",
    [
        ({"Retry-After": "7"}, "", 7.0),
        ({"Retry-After": "0.5"}, "", 0.5),
        ({"retry-after-ms": "1500", "Retry-After": "2"}, "", 1.5),
        (
            {
                "Date": "Wed, 21 Oct 2026 07:28:00 GMT",
                "Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT",
            },
            "",
            30.0,
        ),
        ({"Retry-After": "soon"}, "", None),
        ({"Retry-After": "-3"}, "", None),
        ({}, "Please try again in 7.66s. Visit", 7.66),
        ({}, "Please try again in 1m26.4s.", 86.4),
        ({}, "Please try again in 850ms.", 0.85),
        ({}, '{"retryDelay": "17s"}', 17.0),
        ({}, "Please try again later", None),
    ],
)
def test_time_to_wait_is_found(
    server: FakeOpenAI, headers: dict[str, str], text: str, wait_s: float | None
) -> None:
    server.play(error(429, text or "slow down", headers=headers))
    problem = hear(openai_model(server)).problem
    assert isinstance(problem, ModelRateLimited)
    if wait_s is None:
        assert problem.retry_after_s is None
    else:
        assert problem.retry_after_s == pytest.approx(wait_s)


def test_what_a_provider_writes_cannot_reach_the_terminal(server: FakeOpenAI) -> None:
    server.play(error(400, "\x1b[2J\x1b]0;owned\x07\u202eevil\r\n" + "x" * 5000))
    text = str(hear(openai_model(server)).problem)
    assert not any(ord(char) < 32 or char in "\x7f\x9b\u202e" for char in text)
    assert len(text) < 700


def test_nothing_there_says_how_to_start_it() -> None:
    with FakeOpenAI() as gone:
        url = gone.base_url
    began = time.monotonic()
    problem = hear(openai_model(url, "lmstudio/qwen")).problem
    assert isinstance(problem, ModelUnreachable)
    assert url in str(problem)
    assert "lms server start" in str(problem)
    assert time.monotonic() - began < 4


def test_tls_failure_says_so(server: FakeOpenAI) -> None:
    url = server.base_url.replace("http:", "https:")
    problem = hear(openai_model(url, "vllm/qwen")).problem
    assert isinstance(problem, ModelUnreachable)
    assert "secure connection" in str(problem)


@pytest.mark.parametrize("reply", [Reply([], first_delay_s=9), Reply([b": hi\n\n"], end="hang")])
def test_silence_before_the_first_word_is_a_timeout(server: FakeOpenAI, reply: Reply) -> None:
    server.play(reply)
    problem = hear(openai_model(server), request("Hi", timeout_s=0.3)).problem
    assert isinstance(problem, ModelTimeout)
    assert "0.3 seconds" in str(problem)
    assert "timeout_s" in str(problem)


def test_silence_in_the_middle_is_a_cut_that_keeps_the_words(server: FakeOpenAI) -> None:
    server.play(Reply(text_chunks("so far"), end="hang"))
    problem = hear(openai_model(server), request("Hi", timeout_s=0.3)).problem
    assert isinstance(problem, StreamCut)
    assert problem.parts == (TextPart("so far"),)
    assert "silent" in str(problem)


def test_listener_that_stops_closes_the_connection(server: FakeOpenAI) -> None:
    server.play(Reply(text_chunks("Hello"), end="hang"))
    model = openai_model(server)

    async def take_one() -> None:
        events = model.stream(request("Hi"))
        async for _ in events:
            break
        await events.aclose()

    anyio.run(take_one)
    assert server.client_left.wait(5)


def test_model_names_are_listed(server: FakeOpenAI) -> None:
    def names(reply: Reply, *, timeout_s: float = 5) -> tuple[str, ...]:
        server.fixed["GET /v1/models"] = reply
        endpoint = Endpoint(PROVIDERS["vllm"], server.base_url)

        async def ask() -> tuple[str, ...]:
            return await list_models(endpoint, timeout_s=timeout_s)

        return anyio.run(ask)

    def answer(body: object) -> Reply:
        return Reply([json.dumps(body).encode()], headers={"Content-Type": "application/json"})

    assert names(answer({"data": [{"id": "b"}, {"id": "a"}, {}, 3]})) == ("a", "b")
    assert names(answer([{"id": "x"}])) == ("x",)
    assert names(answer({"data": [{"id": "models/gemini-x"}]})) == ("gemini-x",)
    assert names(answer({"data": None})) == ()
    with pytest.raises(ModelAuthProblem):
        names(error(401, "no"))
    with pytest.raises(ModelProblem):
        names(Reply([b"<html>"], headers={"Content-Type": "application/json"}))
    with pytest.raises(ModelTimeout):
        names(Reply([], first_delay_s=9), timeout_s=0.2)


def test_two_calls_at_once_do_not_mix() -> None:
    with FakeOpenAI() as one, FakeOpenAI() as two:
        one.play(Reply([*text_chunks("one " * 9), finish()], delay_s=0.002))
        two.play(Reply([*text_chunks("two " * 9), finish()], delay_s=0.002))
        replies: dict[str, ModelReply] = {}

        async def call(name: str, model: OpenAIChatModel) -> None:
            async for event in model.stream(request("Hi")):
                if isinstance(event, ModelReply):
                    replies[name] = event

        async def both() -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call, "one", openai_model(one))
                tasks.start_soon(call, "two", openai_model(two))

        anyio.run(both)
    assert replies["one"].parts == (TextPart("one " * 9),)
    assert replies["two"].parts == (TextPart("two " * 9),)
