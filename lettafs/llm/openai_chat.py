"""A model behind OpenAI's chat completions: OpenAI itself, and the many servers that speak it.

The connection belongs to one call: it opens with the request and is closed when the reply is whole,
when it breaks, and when the caller stops listening.
"""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

import anyio

from lettafs.errors import ModelProblem, ModelRefusedRequest
from lettafs.llm.base import ModelEvent, ModelRequest
from lettafs.llm.catalog import Endpoint, Handle, default_window
from lettafs.llm.failures import Asked, cut, from_status, from_transport, quote, silent
from lettafs.llm.openai_wire import ChunkReader, error_in, request_body
from lettafs.llm.reply import ReplyBuilder
from lettafs.llm.sse import SseDecoder
from lettafs.llm.transport import CONNECT_S, Patience, setting_up, tls, transport_errors

if TYPE_CHECKING:
    import openai

__all__ = ["OpenAIChatModel", "list_models", "preload"]

_TAIL_S = 5.0
"""Seconds to wait for usage and `[DONE]` once the server said why it stopped."""

_PLAIN_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
        "user-agent",
        "x-stainless-raw-response",  # the library reads it back from the request
    }
)


class OpenAIChatModel:
    """A language model at an OpenAI-compatible endpoint."""

    def __init__(
        self, handle: Handle, endpoint: Endpoint, *, context_window: int | None = None
    ) -> None:
        self._handle = handle
        self._endpoint = endpoint
        self._context_window = context_window or default_window(handle)

    @property
    def handle(self) -> str:
        """`provider/name`."""
        return str(self._handle)

    @property
    def context_window(self) -> int:
        """Tokens: as given, else what the catalogue knows."""
        return self._context_window

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield deltas, then one reply; see `LanguageModel` for what is promised.

        Raises:
            ModelProblem: one of its tree, always; nothing of the client library gets through.
        """
        asked = Asked(endpoint=self._endpoint, model=self._handle.model)
        body = request_body(request, model=self._handle.model, provider=self._endpoint.provider)
        patience = Patience.of(request.timeout_s, local=self._endpoint.on_this_machine)
        builder = ReplyBuilder(request.message_id)
        reader = ChunkReader(builder, provider=self._endpoint.provider)
        source = _Source(asked, builder=builder, reader=reader)
        async with contextlib.AsyncExitStack() as stack:
            response = await _open(
                stack, endpoint=self._endpoint, body=body, asked=asked, patience=patience
            )
            source.check_type(response.headers.get("content-type", ""))
            chunks = response.iter_bytes()
            while not source.whole:
                if reader.finish_reason is not None:
                    wait_s = _TAIL_S
                else:
                    wait_s = patience.between_s if builder.started else patience.first_s
                try:
                    with anyio.fail_after(wait_s):
                        chunk = await anext(chunks, None)
                except TimeoutError:
                    source.went_silent(wait_s)
                except transport_errors() as error:
                    source.broke(error)
                else:
                    for event in source.take(chunk):
                        yield event
        for delta in builder.flush():
            yield delta
        yield builder.reply(reader.finish_reason or "stop", usage=reader.usage)


class _Source:
    """The bytes of one reply, judged: whole, cut, or not a reply at all."""

    def __init__(self, asked: Asked, *, builder: ReplyBuilder, reader: ChunkReader) -> None:
        self._asked = asked
        self._builder = builder
        self._reader = reader
        self._decoder = SseDecoder()
        self._head = b""
        """The first bytes while no event was found: an error that is no stream, perhaps."""
        self._events = 0
        self.whole = False

    def check_type(self, content_type: str) -> None:
        """Refuse a web page: a proxy's or a portal's, or the base URL of something else."""
        if "text/html" in content_type:
            raise ModelRefusedRequest(
                f"{self._asked.where} answered with a web page, not with a model's reply. Check"
                " the base URL (often it ends in /v1)."
            )

    def take(self, chunk: bytes | None) -> list[ModelEvent]:
        """Return the deltas in these bytes; None means that the connection ended."""
        if chunk is None:
            events = self._decoder.finish()
        else:
            events = self._decoder.feed(chunk)
        self._events += len(events)
        if not self._events and len(self._head) < 10_000:
            self._head += chunk or b""
        deltas: list[ModelEvent] = []
        for event in events:
            if event.data.strip() == "[DONE]":
                self.whole = True
                break
            deltas += self._payload(event.data, is_error=event.event == "error")
        if chunk is None and not self.whole:
            if self._reader.finish_reason is None:
                self._ended_early()
            self.whole = True
        return deltas

    def went_silent(self, after_s: float) -> None:
        """Decide what silence means: the end of a whole reply, or a problem, which is raised."""
        if self._reader.finish_reason is not None:
            self.whole = True
        elif self._builder.started:
            raise self._cut(f"it went silent for {after_s:g} seconds")
        else:
            raise silent(after_s, asked=self._asked)

    def broke(self, error: Exception) -> None:
        """Decide what a transport error means; it no longer matters once the reply is whole."""
        if self._reader.finish_reason is not None:
            self.whole = True
            return
        raise self._cut("the connection was lost") from error

    def _payload(self, data: str, *, is_error: bool) -> list[ModelEvent]:
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise self._cut("it contains something that is not JSON") from error
        found = error_in(chunk)
        if found is None and is_error:
            found = data, "", 0
        if found is not None:
            raise self._said_error(*found)
        deltas: list[ModelEvent] = [*self._reader.feed(chunk)]
        if self._reader.broken is not None:
            raise self._cut(f"the server stopped with {self._reader.broken!r}")
        return deltas

    def _ended_early(self) -> None:
        if not self._events:
            # A server that answers without streaming, or an error it sent with status 200.
            with contextlib.suppress(ValueError, RecursionError):
                found = error_in(json.loads(self._head))
                if found is not None:
                    raise self._said_error(*found)
        raise self._cut("the connection ended before the reply did")

    def _said_error(self, text: str, code: str, status: int) -> ModelProblem:
        if self._builder.started:
            return self._cut(f"the server failed{quote(text, key=self._asked.endpoint.api_key)}")
        return from_status(status, text, asked=self._asked, code=code)

    def _cut(self, why: str) -> ModelProblem:
        return cut(why, asked=self._asked, parts=self._builder.parts_so_far())


async def _open(
    stack: contextlib.AsyncExitStack,
    *,
    endpoint: Endpoint,
    body: dict[str, Any],
    asked: Asked,
    patience: Patience,
) -> Any:  # the library's streamed response; its type differs between its major versions
    """Send the request and return the response, to be closed by `stack`."""
    import openai  # a third of a second: not at start-up

    client = await stack.enter_async_context(_client(endpoint, read_s=patience.longest_s))
    try:
        with anyio.fail_after(patience.first_s):
            return await stack.enter_async_context(
                client.chat.completions.with_streaming_response.create(**body)
            )
    except TimeoutError:
        raise silent(patience.first_s, asked=asked) from None
    except openai.APIStatusError as error:
        # Without its cause: the library's own message repeats what the provider echoed, which
        # may be the key.
        raise _status_problem(error, asked=asked) from None
    except openai.APIConnectionError as error:
        raise from_transport(error, asked=asked) from error
    except transport_errors() as error:
        raise from_transport(error, asked=asked) from error
    except (openai.OpenAIError, ValueError, TypeError) as error:
        raise ModelRefusedRequest(
            f"The request to {asked.who} could not be made"
            f"{quote(str(error), key=endpoint.api_key)}. Check [model_settings] in agent.toml."
        ) from None


def _status_problem(error: openai.APIStatusError, *, asked: Asked) -> ModelProblem:
    text, code = error.response.text, ""
    with contextlib.suppress(ValueError, RecursionError):
        found = error_in(json.loads(text))
        if found is not None:
            text, code = found[0], found[1]
    headers = {name.lower(): value for name, value in error.response.headers.items()}
    if "text/html" in headers.get("content-type", ""):
        text = ""  # a proxy's page says nothing a person wants to read here
    return from_status(error.status_code, text, asked=asked, code=code, headers=headers)


def _client(endpoint: Endpoint, *, read_s: float) -> openai.AsyncOpenAI:
    """Return a client that sends our key or none, follows no redirect and retries nothing.

    Raises:
        ModelUnreachable: what the environment says about proxies or certificates cannot be used.
    """
    import openai  # a third of a second: not at start-up

    async def own_headers(request: Any) -> None:
        # The library adds what it finds in the environment (organisation, project, custom
        # headers, even a key). That is OpenAI's business, and nobody else's.
        if endpoint.provider.name != "openai" or endpoint.api_key is None:
            for name in set(request.headers) - _PLAIN_HEADERS:
                del request.headers[name]
        if endpoint.api_key is None:
            request.headers.pop("authorization", None)
        else:
            request.headers["authorization"] = f"Bearer {endpoint.api_key}"

    timeout = openai.Timeout(read_s, connect=CONNECT_S, pool=CONNECT_S)
    with setting_up(endpoint):
        return openai.AsyncOpenAI(
            api_key=endpoint.api_key or "none",
            base_url=endpoint.base_url,
            max_retries=0,
            timeout=timeout,
            http_client=openai.DefaultAsyncHttpxClient(
                base_url=endpoint.base_url,
                timeout=timeout,
                follow_redirects=False,
                # A proxy is for the world outside; a model on this machine is never behind it.
                trust_env=not endpoint.on_this_machine,
                verify=tls(endpoint),
                event_hooks={"request": [own_headers]},
            ),
        )


async def list_models(endpoint: Endpoint, *, timeout_s: float) -> tuple[str, ...]:
    """Return the names of the models an endpoint serves, sorted.

    Raises:
        ModelProblem: it does not answer, refuses the key, or has no such list.
    """
    import openai  # a third of a second: not at start-up

    asked = Asked(endpoint=endpoint, model="its list of models")
    try:
        with anyio.fail_after(timeout_s):
            async with _client(endpoint, read_s=timeout_s) as client:
                found: object = await client.get("/models", cast_to=object)
    except TimeoutError:
        raise silent(timeout_s, asked=asked) from None
    except openai.APIStatusError as error:
        raise _status_problem(error, asked=asked) from None
    except openai.APIConnectionError as error:
        raise from_transport(error, asked=asked) from error
    except transport_errors() as error:
        raise from_transport(error, asked=asked) from error
    except (openai.OpenAIError, ValueError) as error:
        raise ModelRefusedRequest(f"{asked.where} sent no list of models.") from error
    # Together sends the bare list.
    rows = found.get("data") if isinstance(found, dict) else found
    names = {row["id"] for row in _dicts(rows) if isinstance(row.get("id"), str)}
    return tuple(sorted(name.removeprefix("models/") for name in names))


def preload() -> None:
    """Import what the first call needs; meant for a thread while a person types."""
    importlib.import_module("openai")


def _dicts(rows: object) -> list[dict[str, Any]]:
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
