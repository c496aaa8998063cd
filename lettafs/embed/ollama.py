"""An embedder served by Ollama, through its own protocol."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from lettafs.embed.base import Kind
from lettafs.embed.connection import CONNECT_S, is_near, setting_up, tls, transport_errors
from lettafs.embed.failures import Asked, Refused, from_status, from_transport, nonsense
from lettafs.embed.remote import RemoteEmbedder

if TYPE_CHECKING:
    import httpx
    import numpy as np
    import ollama
    from numpy.typing import NDArray

__all__ = ["OllamaEmbedder"]


class OllamaEmbedder(RemoteEmbedder):
    """An embedder behind an Ollama server.

    Args of the constructor:
        name: `ollama/model`, with or without a tag.
        base_url: of the server, without a path.
        api_key: sent there, and nowhere else; None sends none.
        timeout_s: seconds of silence allowed; the first request also loads the model.
        sleep: waits so many seconds before asking again.
        jitter: gives a number from 0 to 1, the share of a pause that is left to chance.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        api_key: str | None = None,
        timeout_s: float = 120.0,
        sleep: Callable[[float], object] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        asked = Asked(name=name, base_url=base_url, key=api_key)
        super().__init__(asked, timeout_s=timeout_s, sleep=sleep, jitter=jitter)

    def embed(self, texts: Sequence[str], *, kind: Kind) -> NDArray[np.float32]:
        """Return the vectors of these texts; see `Embedder` for what is promised.

        Raises:
            EmbedProblem: the server did not answer, or sent no vectors.
        """
        with contextlib.ExitStack() as stack:
            try:
                client = stack.enter_context(self._client())
            except Refused as refused:
                raise refused.problem from None
            return self._embed(lambda batch: self._ask(client, batch), texts, kind=kind)

    def _ask(self, client: _Client, texts: list[str]) -> Sequence[object]:
        import ollama  # a fifth of a second: not at start-up

        client.headers.clear()
        try:
            answer = client.ollama.embed(model=self._asked.model, input=texts, truncate=True)
        except ollama.ResponseError as error:
            status = max(error.status_code, 0) or 500
            raise from_status(
                status, error.error, asked=self._asked, headers=client.headers
            ) from None
        except transport_errors() as error:
            raise from_transport(error, asked=self._asked) from None
        except (ValueError, TypeError):
            raise nonsense("something that is not Ollama's protocol", asked=self._asked) from None
        return list(answer.embeddings)

    @contextlib.contextmanager
    def _client(self) -> Iterator[_Client]:
        """Give a client that sends our key or none, and follows no redirect; it is closed after."""
        import httpx  # comes with ollama

        asked = self._asked
        headers: dict[str, str] = {}
        with setting_up(asked):  # the library makes a client of its own while it is imported
            import ollama  # a fifth of a second: not at start-up

        def own_key(request: httpx.Request) -> httpx.Request:
            # The library adds a key it finds in the environment, whatever the host.
            request.headers.pop("authorization", None)
            if asked.key is not None:
                request.headers["authorization"] = f"Bearer {asked.key}"
            return request

        def keep_headers(response: httpx.Response) -> None:
            # The library's error has the status and the text, but not how long to wait.
            headers.update((name.lower(), value) for name, value in response.headers.items())

        with setting_up(asked):
            client = ollama.Client(
                host=asked.base_url,
                timeout=httpx.Timeout(self._timeout_s, connect=CONNECT_S, pool=CONNECT_S),
                follow_redirects=False,
                # A proxy is for the world outside; a server on this machine is never behind it.
                trust_env=not is_near(asked.base_url),
                verify=tls(asked.base_url),
                auth=own_key,
                event_hooks={"response": [keep_headers]},
            )
        try:
            yield _Client(client, headers)
        finally:
            # Older versions cannot be closed but through the HTTP client they hold.
            close = getattr(client, "close", None) or client._client.close
            close()


class _Client:
    """A client, and the headers of what it received last."""

    def __init__(self, client: ollama.Client, headers: dict[str, str]) -> None:
        self.ollama = client
        self.headers = headers
