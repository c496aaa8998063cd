"""Plain words for what breaks, where no fake server can break it for us."""

from __future__ import annotations

import socket
import ssl

import httpx
import pytest

from lettafs.errors import ModelTimeout, ModelUnreachable
from lettafs.llm.catalog import Endpoint
from lettafs.llm.failures import Asked, from_transport, quote
from lettafs.llm.providers import PROVIDERS

LOCAL = Asked(endpoint=Endpoint(PROVIDERS["lmstudio"], "http://127.0.0.1:1234/v1"), model="qwen")
REMOTE = Asked(endpoint=Endpoint(PROVIDERS["openai"], "https://api.openai.com/v1"), model="gpt-x")


def caused(outer: Exception, cause: BaseException) -> Exception:
    outer.__cause__ = cause
    return outer


@pytest.mark.parametrize(
    "error, words",
    [
        (
            caused(httpx.ConnectError("x"), socket.gaierror(-2, "Name or service not known")),
            "known",
        ),
        (httpx.ConnectError("[Errno 8] nodename nor servname provided"), "spelling"),
        (caused(httpx.ConnectError("x"), ssl.SSLCertVerificationError("expired")), "secure"),
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"), "secure"),
        (httpx.ConnectError("All connection attempts failed"), "Nothing answers"),
        (ConnectionRefusedError(111, "Connection refused"), "Nothing answers"),
        (ConnectionError("Failed to connect to Ollama."), "Nothing answers"),
        (httpx.ConnectTimeout("timed out"), "does not accept connections"),
        (httpx.RemoteProtocolError("Server disconnected"), "broke before it answered"),
        (ConnectionResetError(104, "Connection reset by peer"), "broke before it answered"),
        (httpx.ProxyError("407 Proxy Authentication Required"), "407 Proxy"),
    ],
)
def test_broken_connection_says_what_where_and_what_to_do(error: Exception, words: str) -> None:
    problem = from_transport(error, asked=REMOTE)
    assert type(problem) is ModelUnreachable
    assert words in str(problem)
    assert "api.openai.com" in str(problem)


def test_read_timeout_is_a_timeout() -> None:
    assert type(from_transport(httpx.ReadTimeout("x"), asked=REMOTE)) is ModelTimeout


def test_hint_how_to_start_it_is_for_this_machine_only() -> None:
    refused = httpx.ConnectError("All connection attempts failed")
    assert "lms server start" in str(from_transport(refused, asked=LOCAL))
    far = Asked(endpoint=Endpoint(PROVIDERS["lmstudio"], "http://box:1234/v1"), model="qwen")
    assert "lms server start" not in str(from_transport(refused, asked=far))


def test_causes_that_go_in_a_circle_end() -> None:
    one, two = httpx.ConnectError("one"), OSError("two")
    one.__cause__, two.__cause__ = two, one
    assert isinstance(from_transport(one, asked=REMOTE), ModelUnreachable)


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abcdef***wxyz.",
        "Invalid key gsk_abcdefghijkl",
        "header was 'Bearer abcdef.ghijkl'",
        "API key AIzaSyA-abcdefghijk not valid",
        "zq81odd-secret is wrong",
    ],
)
def test_quoted_words_hold_no_key(text: str) -> None:
    quoted = quote(text, key="zq81odd-secret")
    assert "[key]" in quoted
    assert not any(piece in quoted for piece in ("abcdef", "odd-secret"))


def test_quoted_words_are_short_and_on_one_line() -> None:
    assert quote("") == quote(" \r\n\t") == ""
    assert quote("a\r\n\x1b[31mb\x1b[0m\x00c") == ': "a b c"'
    assert len(quote("x" * 1000)) < 310
