"""An embedder behind OpenAI's `/embeddings`: OpenAI itself, and the many servers that speak it.

The connection belongs to one call of `embed`: it opens with the first request and is closed after
the last.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lettafs.embed.base import Kind
from lettafs.embed.connection import CONNECT_S, is_near, setting_up, tls, transport_errors
from lettafs.embed.failures import Asked, Refused, from_status, from_transport, nonsense
from lettafs.embed.remote import RemoteEmbedder
from lettafs.errors import EmbedProblem

if TYPE_CHECKING:
    import numpy as np
    import openai
    from numpy.typing import NDArray

__all__ = ["OpenAIEmbedder"]

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


class OpenAIEmbedder(RemoteEmbedder):
    """An embedder at an OpenAI-compatible endpoint.

    Args of the constructor:
        name: `provider/model`; the part behind the first slash is sent.
        base_url: of the API, often ending in /v1.
        api_key: sent there, and nowhere else; None sends none.
        dimensions: numbers to ask for; only models that can be shortened take it.
        timeout_s: seconds of silence allowed.
        sleep: waits so many seconds before asking again.
        jitter: gives a number from 0 to 1, the share of a pause that is left to chance.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        api_key: str | None = None,
        dimensions: int | None = None,
        timeout_s: float = 60.0,
        sleep: Callable[[float], object] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        asked = Asked(name=name, base_url=base_url, key=api_key)
        super().__init__(asked, timeout_s=timeout_s, sleep=sleep, jitter=jitter)
        self._wanted = dimensions
        self._dimensions = dimensions

    def embed(self, texts: Sequence[str], *, kind: Kind) -> NDArray[np.float32]:
        """Return the vectors of these texts; see `Embedder` for what is promised.

        Raises:
            EmbedProblem: the server did not answer, or sent no vectors.
        """
        if not texts:
            return self._embed(_never, texts, kind=kind)
        try:
            client = self._client()
        except Refused as refused:
            raise refused.problem from None
        with client:
            return self._embed(lambda batch: self._ask(client, batch), texts, kind=kind)

    def _ask(self, client: openai.OpenAI, texts: list[str]) -> Sequence[object]:
        import openai  # a third of a second: not at start-up

        # As numbers: not every server knows the library's own choice, base64.
        body: dict[str, Any] = {
            "model": self._asked.model,
            "input": texts,
            "encoding_format": "float",
        }
        if self._wanted is not None:
            body["dimensions"] = self._wanted
        try:
            answer = client.embeddings.with_raw_response.create(**body)
            text = answer.http_response.text
        except openai.APIStatusError as error:
            raise self._status(error) from None
        except openai.APIConnectionError as error:
            raise from_transport(error, asked=self._asked) from None
        except transport_errors() as error:
            raise from_transport(error, asked=self._asked) from None
        except (openai.OpenAIError, ValueError, TypeError) as error:
            said = self._asked.quote(str(error))
            raise Refused(
                EmbedProblem(
                    f"The request to {self._asked.who} could not be made{said}. Check the"
                    " embedder's name and its key."
                )
            ) from None
        return _vectors(text, asked=self._asked)

    def _status(self, error: openai.APIStatusError) -> Refused:
        headers = {name.lower(): value for name, value in error.response.headers.items()}
        # A proxy's page says nothing a person wants to read here.
        is_page = "text/html" in headers.get("content-type", "")
        text = "" if is_page else _message(error.response.text)
        return from_status(error.status_code, text, asked=self._asked, headers=headers)

    def _client(self) -> openai.OpenAI:
        """Return a client that sends our key or none, follows no redirect and retries nothing."""
        import openai  # a third of a second: not at start-up

        asked = self._asked

        def own_headers(request: Any) -> None:  # its type differs between major versions
            # The library adds what it finds in the environment (organisation, project, custom
            # headers, even a key). That is OpenAI's business, and nobody else's.
            if not asked.name.startswith("openai/") or asked.key is None:
                for name in set(request.headers) - _PLAIN_HEADERS:
                    del request.headers[name]
            if asked.key is None:
                request.headers.pop("authorization", None)
            else:
                request.headers["authorization"] = f"Bearer {asked.key}"

        timeout = openai.Timeout(self._timeout_s, connect=CONNECT_S, pool=CONNECT_S)
        with setting_up(asked):
            return openai.OpenAI(
                api_key=asked.key or "none",
                base_url=asked.base_url,
                max_retries=0,
                timeout=timeout,
                http_client=openai.DefaultHttpxClient(
                    base_url=asked.base_url,
                    timeout=timeout,
                    follow_redirects=False,
                    # A proxy is for the world outside; a server on this machine is never behind it.
                    trust_env=not is_near(asked.base_url),
                    verify=tls(asked.base_url),
                    event_hooks={"request": [own_headers]},
                ),
            )


def _never(texts: list[str]) -> Sequence[object]:
    raise AssertionError(texts)  # nothing is asked for no texts


def _message(text: str) -> str:
    """Return what an error's body says, with its code; the body itself when it is not JSON."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return text
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return error if isinstance(error, str) else text
    words = [error.get(name) for name in ("code", "message", "detail")]
    return " ".join(word for word in words if isinstance(word, str)) or text


def _vectors(text: str, *, asked: Asked) -> Sequence[object]:
    """Return the vectors of an answer, in the order of the texts.

    Raises:
        Refused: it is no such answer.
    """
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise nonsense("something that is not JSON", asked=asked) from None
    if isinstance(body, dict) and body.get("error"):
        # Some servers say it with status 200.
        raise from_status(500, _message(text), asked=asked)
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise nonsense("no list of vectors", asked=asked)
    rows: list[dict[str, Any]] = data
    places = [row.get("index") for row in rows]
    if sorted(map(str, places)) == sorted(map(str, range(len(rows)))):
        rows.sort(key=lambda row: int(row["index"]))
    elif len(set(map(str, places))) > 1:
        raise nonsense("vectors whose numbers are not those of the texts", asked=asked)
    # All alike, or none: a server that does not number them sends them in order.
    return [row.get("embedding") for row in rows]
