"""A model served by Ollama, through its own protocol.

Not through its OpenAI-compatible door: that one ignores `num_ctx` and `think`, and then cuts a long
prompt silently to 4096 tokens. Here the window is always sent. Tool calls arrive whole, with their
arguments as an object and without ids; the ids are ours.
"""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any

import anyio

from lettafs.errors import ModelProblem, ModelRefusedRequest
from lettafs.llm.base import FinishReason, ModelEvent, ModelRequest
from lettafs.llm.call_stream import CallFragment, arguments_object
from lettafs.llm.catalog import Endpoint, Handle, default_window
from lettafs.llm.failures import Asked, cut, from_status, from_transport, quote, silent
from lettafs.llm.reply import ReplyBuilder
from lettafs.llm.transport import CONNECT_S, Patience, setting_up, tls, transport_errors
from lettafs.values.event import Delta
from lettafs.values.message import Message
from lettafs.values.run import Usage
from lettafs.values.tool import ToolSpec

if TYPE_CHECKING:
    import httpx
    import ollama

__all__ = ["OllamaModel", "list_models", "preload", "request_arguments"]

_AFTER_CONNECTING = frozenset({"DecodingError", "ReadError", "RemoteProtocolError"})
"""Names of the transport errors that only a connection which stood can have."""


class OllamaModel:
    """A language model behind an Ollama server."""

    def __init__(
        self, handle: Handle, endpoint: Endpoint, *, context_window: int | None = None
    ) -> None:
        self._handle = handle
        self._endpoint = endpoint
        self._context_window = context_window or default_window(handle)

    @property
    def handle(self) -> str:
        """`ollama/name:tag`."""
        return str(self._handle)

    @property
    def context_window(self) -> int:
        """Tokens the server is told to serve this model with."""
        return self._context_window

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield deltas, then one reply; see `LanguageModel` for what is promised.

        Raises:
            ModelProblem: one of its tree, always; nothing of the client library gets through.
        """
        asked = Asked(endpoint=self._endpoint, model=self._handle.model)
        arguments = request_arguments(
            request, model=self._handle.model, context_window=self._context_window
        )
        patience = Patience.of(request.timeout_s, local=self._endpoint.on_this_machine)
        builder = ReplyBuilder(request.message_id)
        last: ollama.ChatResponse | None = None
        async with contextlib.AsyncExitStack() as stack:
            client = await stack.enter_async_context(
                _client(self._endpoint, read_s=patience.longest_s)
            )
            parts = await client.chat(**arguments)
            stack.push_async_callback(parts.aclose)
            while last is None:
                part = await _next(parts, asked=asked, builder=builder, patience=patience)
                for delta in _deltas(part, builder=builder):
                    yield delta
                last = part if part.done else None
        for delta in builder.flush():
            yield delta
        yield builder.reply(
            _finish_reason(last.done_reason),
            usage=Usage(
                prompt_tokens=last.prompt_eval_count or 0,
                completion_tokens=last.eval_count or 0,
                step_count=1,
            ),
        )


def request_arguments(request: ModelRequest, *, model: str, context_window: int) -> dict[str, Any]:
    """Return the arguments of Ollama's chat call; same request, same arguments."""
    options: dict[str, Any] = {"num_ctx": request.context_window or context_window}
    if request.temperature is not None:
        options["temperature"] = request.temperature
    if request.max_output_tokens is not None:
        options["num_predict"] = request.max_output_tokens
    arguments: dict[str, Any] = {
        "model": model,
        "messages": _messages(request),
        "stream": True,
        "options": options,
    }
    # There is no tool_choice: a tool is forced by offering no other, and none by offering none.
    tools = request.tools if request.tool_choice != "none" else ()
    if request.tool_choice == "required" and request.forced_tool is not None:
        tools = tuple(tool for tool in tools if tool.name == request.forced_tool)
    if tools:
        arguments["tools"] = [_tool(tool) for tool in tools]
    if request.think is not None:
        # Models with levels of thinking take the level in the same place.
        arguments["think"] = (request.think and request.reasoning_effort) or request.think
    return arguments


async def list_models(endpoint: Endpoint, *, timeout_s: float) -> tuple[str, ...]:
    """Return the names of the models that were pulled, sorted.

    Raises:
        ModelProblem: the server does not answer.
    """
    with setting_up(endpoint):  # the library makes a client of its own while it is imported
        import ollama  # a fifth of a second: not at start-up

    asked = Asked(endpoint=endpoint, model="its list of models")
    try:
        with anyio.fail_after(timeout_s):
            async with _client(endpoint, read_s=timeout_s) as client:
                found = await client.list()
    except TimeoutError:
        raise silent(timeout_s, asked=asked) from None
    except ollama.ResponseError as error:
        raise from_status(error.status_code, error.error, asked=asked) from None
    except transport_errors() as error:
        raise from_transport(error, asked=asked) from error
    except (ValueError, TypeError) as error:
        raise ModelRefusedRequest(
            f"{asked.where} sent no list of models. Is it an Ollama server?"
        ) from error
    return tuple(sorted(model.model for model in found.models if model.model))


def preload() -> None:
    """Import what the first call needs; meant for a thread while a person types."""
    importlib.import_module("ollama")


async def _next(
    parts: AsyncGenerator[ollama.ChatResponse, None],
    *,
    asked: Asked,
    builder: ReplyBuilder,
    patience: Patience,
) -> ollama.ChatResponse:
    """Return the next part of the reply; whatever goes wrong is a `ModelProblem`."""
    import ollama  # a fifth of a second: not at start-up

    wait_s = patience.between_s if builder.started else patience.first_s

    def broke(why: str) -> ModelProblem:
        return cut(why, asked=asked, parts=builder.parts_so_far())

    try:
        with anyio.fail_after(wait_s):
            return await anext(parts)
    except StopAsyncIteration:
        raise broke("the connection ended before the reply did") from None
    except TimeoutError:
        if builder.started:
            raise broke(f"it went silent for {wait_s:g} seconds") from None
        raise silent(wait_s, asked=asked) from None
    except ollama.ResponseError as error:
        if builder.started:
            raise broke(f"the server failed{quote(error.error)}") from None
        # An error inside the stream has no status; the library says -1.
        raise from_status(max(error.status_code, 0), error.error, asked=asked) from None
    except transport_errors() as error:
        # Before the first byte of an answer the connection itself is the news.
        if builder.started or type(error).__name__ in _AFTER_CONNECTING:
            raise broke("the connection was lost") from error
        raise from_transport(error, asked=asked) from error
    except (ValueError, TypeError) as error:
        raise broke("it contains something that is not Ollama's protocol") from error


@contextlib.asynccontextmanager
async def _client(endpoint: Endpoint, *, read_s: float) -> AsyncGenerator[ollama.AsyncClient, None]:
    """Give a client that sends our key or none, and follows no redirect; it is closed after.

    Raises:
        ModelUnreachable: what the environment says about proxies or certificates cannot be used.
    """
    import httpx  # comes with ollama

    with setting_up(endpoint):  # the library makes a client of its own while it is imported
        import ollama  # a fifth of a second: not at start-up

    def own_key(request: httpx.Request) -> httpx.Request:
        # The library adds a key it finds in the environment, whatever the host.
        request.headers.pop("authorization", None)
        if endpoint.api_key is not None:
            request.headers["authorization"] = f"Bearer {endpoint.api_key}"
        return request

    with setting_up(endpoint):
        client = ollama.AsyncClient(
            host=endpoint.base_url,
            timeout=httpx.Timeout(read_s, connect=CONNECT_S, pool=CONNECT_S),
            follow_redirects=False,
            # A proxy is for the world outside; a model on this machine is never behind it.
            trust_env=not endpoint.on_this_machine,
            verify=tls(endpoint),
            auth=own_key,
        )
    try:
        yield client
    finally:
        # Older versions cannot be closed but through the HTTP client they hold.
        close = getattr(client, "close", None) or client._client.aclose
        await close()


def _deltas(part: ollama.ChatResponse, *, builder: ReplyBuilder) -> list[Delta]:
    message = part.message
    deltas: list[Delta] = []
    if message.thinking:
        deltas += builder.reasoning(message.thinking)
    if message.content:
        deltas += builder.text(message.content)
    for call in message.tool_calls or ():
        arguments = json.dumps(dict(call.function.arguments), ensure_ascii=False)
        # No index: each is whole, and the next one is another.
        deltas += builder.call(CallFragment(name=call.function.name, arguments=arguments))
    return deltas


def _finish_reason(done_reason: str | None) -> FinishReason:
    return "length" if done_reason == "length" else "stop"


def _messages(request: ModelRequest) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    if request.system:
        rows.append({"role": "system", "content": request.system})
    for message in request.messages:
        if not message.partial:
            rows += _rows(message)
    return rows


def _rows(message: Message) -> list[dict[str, Any]]:
    match message.role:
        case "assistant":
            calls = [
                {"function": {"name": call.name, "arguments": arguments_object(call.arguments)}}
                for call in message.tool_calls
            ]
            if not calls and not message.text:
                return []
            row: dict[str, Any] = {"role": "assistant"}
            row |= {"content": message.text} if message.text else {}
            return [row | ({"tool_calls": calls} if calls else {})]
        case "tool":
            return [
                {"role": "tool", "content": part.text, "tool_name": part.name}
                for part in message.tool_returns
            ]
        case "user" | "system":
            # Only the first message may be a system one; most chat templates refuse others.
            return [{"role": "user", "content": message.text}] if message.text else []


def _tool(tool: ToolSpec) -> dict[str, Any]:
    properties = tool.parameters.get("properties", {})
    parameters = {**tool.parameters, "type": "object"}
    if isinstance(properties, Mapping):
        parameters["properties"] = {name: _property(schema) for name, schema in properties.items()}
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": parameters,
        },
    }


def _property(schema: Any) -> Any:
    """Return a parameter's schema in Ollama's form, which has `type` lists but no `anyOf`."""
    if not isinstance(schema, Mapping) or "type" in schema:
        return schema
    choices = [choice for choice in schema.get("anyOf", ()) if isinstance(choice, Mapping)]
    types = [choice["type"] for choice in choices if isinstance(choice.get("type"), str)]
    merged = {key: value for choice in choices for key, value in choice.items()}
    return {**merged, **schema, "type": types} if types else schema
