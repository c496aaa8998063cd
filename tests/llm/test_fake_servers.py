"""The fake servers break in the ways they say."""

from __future__ import annotations

import http.client
import time

import pytest

from tests.support.fake_http import FakeServer, Reply


def get(server: FakeServer, *, timeout: float = 5) -> http.client.HTTPResponse:
    host, port = server.origin.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
    connection.request("POST", "/x", body=b"{}", headers={"X-Test": "1"})
    return connection.getresponse()


def test_whole_answer_is_whole_in_both_framings() -> None:
    for framing in ("chunked", "close"):
        with FakeServer([Reply([b"a", b"b"], framing=framing, headers={"X-A": "1"})]) as server:
            response = get(server)
            assert (response.status, response.read()) == (200, b"ab")
            assert response.headers["X-A"] == "1"


def test_cut_shows_in_chunked_framing_and_hides_in_the_other() -> None:
    reply = Reply([b"a", b"b", b"c"])
    with FakeServer([reply.cut_after(2)]) as server, pytest.raises(http.client.IncompleteRead):
        get(server).read()
    with FakeServer([reply.cut_after(2, framing="close")]) as server:
        assert get(server).read() == b"ab"


def test_reset_is_a_reset() -> None:
    with FakeServer([Reply([b"a"], end="reset")]) as server, pytest.raises(ConnectionResetError):
        get(server).read()


def test_hang_ends_when_the_client_goes() -> None:
    with FakeServer([Reply([b"a"], end="hang")]) as server:
        response = get(server)
        assert response.read1() == b"a"
        assert not server.client_left.wait(0.1)
        response.close()
        assert server.client_left.wait(5)


def test_delays_are_kept() -> None:
    with FakeServer([Reply([b"a", b"b"], first_delay_s=0.1, delay_s=0.1)]) as server:
        began = time.monotonic()
        assert get(server).read() == b"ab"
        assert time.monotonic() - began >= 0.3


def test_replies_are_played_in_order_the_last_one_for_ever() -> None:
    with FakeServer([Reply([b"1"]), Reply([b"2"], status=503)]) as server:
        seen = [(it.status, it.read()) for it in (get(server), get(server), get(server))]
        assert seen == [(200, b"1"), (503, b"2"), (503, b"2")]
        assert [it.path for it in server.requests] == ["/x"] * 3
        assert server.requests[0].headers["x-test"] == "1"
        assert server.requests[0].json == {}


def test_server_with_nothing_to_play_says_so() -> None:
    with FakeServer() as server:
        assert get(server).status == 418


def test_closing_the_server_does_not_wait_for_a_hanging_client() -> None:
    with FakeServer([Reply([b"a"], end="hang")]) as server:
        response = get(server)
        began = time.monotonic()
    assert time.monotonic() - began < 2
    response.close()
