"""What both clients need below their JSON: whether a server is near, TLS, how connections break."""

from __future__ import annotations

import contextlib
import ipaddress
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from lettafs.embed.failures import Asked, from_setup

__all__ = ["CONNECT_S", "is_near", "setting_up", "tls", "transport_errors"]

CONNECT_S = 5.0
"""Seconds to be connected: a machine that is there accepts at once."""


def is_near(base_url: str) -> bool:
    """Tell whether a URL's host is this machine, by its spelling alone."""
    try:
        host = urlsplit(base_url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def tls(base_url: str) -> ssl.SSLContext | bool:
    """Return what the HTTP clients take as `verify`: always checking.

    Reading the certificates of the world takes 70 ms. Plain `http` needs none, so there it is a
    context that trusts nobody.
    """
    if base_url.startswith("https:"):
        return True
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def transport_errors() -> tuple[type[Exception], ...]:
    """Return what a broken connection raises: the HTTP client under `openai` changed with 3.0."""
    import httpx  # an eighth of a second: not at start-up

    found: list[type[Exception]] = [httpx.RequestError, httpx.StreamError, OSError]
    with contextlib.suppress(ImportError):
        import httpx2  # not there beside an older openai

        found += [httpx2.RequestError, httpx2.StreamError]
    return tuple(found)


@contextlib.contextmanager
def setting_up(asked: Asked) -> Iterator[None]:
    """Make a `Refused` of whatever keeps an HTTP client from being made in the block.

    Clients read the environment when they are made: a proxy of a kind that needs another package,
    an address that is none, a file of certificates that is not there.
    """
    import httpx  # an eighth of a second: not at start-up

    found: list[type[Exception]] = [ImportError, OSError, ValueError, httpx.InvalidURL]
    with contextlib.suppress(ImportError):
        import httpx2  # not there beside an older openai

        found.append(httpx2.InvalidURL)
    try:
        yield
    except tuple(found) as error:
        raise from_setup(error, asked=asked) from error
