"""What the wire protocols share below their JSON: patience, TLS, and how a connection breaks."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from lettafs.llm.catalog import Endpoint
from lettafs.llm.failures import Asked, from_setup

__all__ = ["CONNECT_S", "Patience", "setting_up", "tls", "transport_errors"]

CONNECT_S = 5.0
"""Seconds to be connected: a machine that is there accepts at once."""

_FIRST_S = 600.0
_BETWEEN_LOCAL_S = 600.0
_BETWEEN_REMOTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds of silence allowed."""

    first_s: float
    """Before anything is said. Long: a local model reads a long prompt in minutes, and a hosted
    one may think for as long without a word."""
    between_s: float
    """Between two pieces of a reply. Short for a hosted model; a local one may hold a whole tool
    call back until it is complete."""

    @staticmethod
    def of(timeout_s: float | None, *, local: bool) -> Patience:
        """Return the patience for a call; `timeout_s`, where a person set it, decides both."""
        if timeout_s is not None:
            return Patience(first_s=timeout_s, between_s=timeout_s)
        between_s = _BETWEEN_LOCAL_S if local else _BETWEEN_REMOTE_S
        return Patience(first_s=_FIRST_S, between_s=between_s)

    @property
    def longest_s(self) -> float:
        """The longer of the two, in seconds."""
        return max(self.first_s, self.between_s)


def tls(endpoint: Endpoint) -> ssl.SSLContext | bool:
    """Return what the HTTP clients take as `verify`: always checking.

    Reading the certificates of the world takes 70 ms per client. Plain `http` needs none, so there
    it is a context that trusts nobody.
    """
    if endpoint.base_url.startswith("https:"):
        return True
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def transport_errors() -> tuple[type[Exception], ...]:
    """Return what a broken connection raises: the HTTP client under `openai` changed with 3.0.

    A body that cannot be unpacked counts: it is a RequestError, but no TransportError.
    """
    import httpx  # an eighth of a second: not at start-up

    found: list[type[Exception]] = [httpx.RequestError, httpx.StreamError, OSError]
    with contextlib.suppress(ImportError):
        import httpx2  # not there beside an older openai

        found += [httpx2.RequestError, httpx2.StreamError]
    return tuple(found)


@contextlib.contextmanager
def setting_up(endpoint: Endpoint) -> Iterator[None]:
    """Make a `ModelUnreachable` of whatever keeps an HTTP client from being made in the block.

    Clients read the environment when they are made: a proxy of a kind that needs another package
    (socks), an address that is none, a file of certificates that is not there.
    """
    import httpx  # an eighth of a second: not at start-up

    found: list[type[Exception]] = [ImportError, OSError, ValueError, httpx.InvalidURL]
    with contextlib.suppress(ImportError):
        import httpx2  # not there beside an older openai

        found.append(httpx2.InvalidURL)
    try:
        yield
    except tuple(found) as error:
        raise from_setup(error, asked=Asked(endpoint=endpoint, model="")) from error
