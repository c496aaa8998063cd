"""A scripted HTTP server on this machine: what it answers is bytes, how it breaks is data.

Used through `fake_openai` and `fake_ollama`. A context manager that gives a base URL, so that a
child process can be pointed at it as well.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self

__all__ = ["FakeServer", "Reply", "Seen"]

End = Literal["whole", "cut", "reset", "hang"]
"""How a body ends: as HTTP wants it; closed early; closed with a reset; not at all, until the
client goes."""


@dataclass(frozen=True)
class Reply:
    """One answer."""

    chunks: Sequence[bytes] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    end: End = "whole"
    framing: Literal["chunked", "close"] = "chunked"
    """`close`: the end of the connection is the end of the body, so a cut looks like an end."""
    first_delay_s: float = 0.0
    """Before the status line."""
    delay_s: float = 0.0
    """Before each chunk."""

    def cut_after(self, chunks: int, *, framing: Literal["chunked", "close"] = "chunked") -> Reply:
        """Return this answer, broken off after so many chunks."""
        return Reply(
            chunks=self.chunks[:chunks],
            status=self.status,
            headers=self.headers,
            end="cut",
            framing=framing,
        )


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class FakeServer:
    """Plays its replies in order, the last one for ever; remembers every request.

    `fixed` answers by path (`GET /v1/models`) without using up a reply.
    """

    path = ""
    """What the base URL has behind the port."""

    def __init__(
        self, replies: Iterable[Reply] = (), *, fixed: Mapping[str, Reply] | None = None
    ) -> None:
        self.replies = list(replies)
        self.fixed = dict(fixed or {})
        self.requests: list[Seen] = []
        self.client_left = threading.Event()
        """Set when a client closed its connection while an answer was still open."""
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._played = 0
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                fake._answer(self)

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def base_url(self) -> str:
        """What a client is told."""
        return self.origin + self.path

    def play(self, *replies: Reply) -> None:
        """Replace what is played from here on, and forget what was seen."""
        with self._lock:
            self.replies, self._played = list(replies), 0
            self.requests.clear()
            self.client_left.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _next(self, method: str, path: str) -> Reply:
        with self._lock:
            fixed = self.fixed.get(f"{method} {path}")
            if fixed is not None:
                return fixed
            if not self.replies:
                return Reply([b"the fake server has nothing to play"], status=418)
            reply = self.replies[min(self._played, len(self.replies) - 1)]
            self._played += 1
            return reply

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("content-length") or 0)
        body = handler.rfile.read(length)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.requests.append(Seen(handler.command, handler.path, headers, body))
        reply = self._next(handler.command, handler.path)
        try:
            self._send(handler, reply)
        except OSError:
            self.client_left.set()
        handler.close_connection = True

    def _send(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        if reply.first_delay_s and self._left_within(handler, reply.first_delay_s):
            return
        out = handler.wfile
        handler.send_response_only(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        if reply.framing == "chunked":
            handler.send_header("Transfer-Encoding", "chunked")
        handler.send_header("Connection", "close")
        handler.end_headers()
        for chunk in reply.chunks:
            if reply.delay_s and self._left_within(handler, reply.delay_s):
                return
            framed = b"%x\r\n%b\r\n" % (len(chunk), chunk) if reply.framing == "chunked" else chunk
            if chunk:
                out.write(framed)
                out.flush()
        if reply.end == "hang":
            self._left_within(handler, 60)
        elif reply.end == "reset":
            # Linger of zero: closing sends RST instead of FIN.
            time.sleep(0.05)  # or it overtakes what was just sent
            handler.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            handler.connection.close()
        elif reply.end == "whole" and reply.framing == "chunked":
            out.write(b"0\r\n\r\n")
            out.flush()

    def _left_within(self, handler: BaseHTTPRequestHandler, seconds: float) -> bool:
        """Wait, and tell whether the client went (or the server closes) meanwhile."""
        until = time.monotonic() + seconds
        while (rest := until - time.monotonic()) > 0:
            if self._closing.is_set():
                return True
            readable, _, _ = select.select([handler.connection], [], [], min(rest, 0.05))
            if readable and not handler.connection.recv(1, socket.MSG_PEEK):
                self.client_left.set()
                return True
        return False
