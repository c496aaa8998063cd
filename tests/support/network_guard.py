"""A guard that makes a call to any other machine fail, loudly, wherever it comes from.

`install()` once per process; from then on connecting, sending to, or looking up anything but this
machine raises `RealNetworkCall`. It is an `AssertionError`, so that no code under test takes it for
a network that is down. Audit hooks cannot be taken out again, so there is a switch instead.
Child processes are not covered: for them there is `LETTAFS_NO_REMOTE=1`.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import sys
from collections.abc import Iterator

__all__ = ["RealNetworkCall", "install", "is_this_machine", "lifted"]


class RealNetworkCall(AssertionError):
    """A test tried to leave this machine."""


_installed = False
_lifted = 0


def install() -> None:
    """Put the guard up; a second time does nothing."""
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_watch)


@contextlib.contextmanager
def lifted() -> Iterator[None]:
    """Let calls through for a while; for the one who really means it."""
    global _lifted
    _lifted += 1
    try:
        yield
    finally:
        _lifted -= 1


def is_this_machine(host: object) -> bool:
    """Tell whether a host, as sockets are given it, is this machine."""
    if host is None or host in ("", b""):
        return True
    if isinstance(host, bytes | bytearray):
        host = bytes(host).decode("ascii", errors="replace")
    if not isinstance(host, str):
        return False
    if host.lower() in ("localhost", socket.gethostname().lower()):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _watch(event: str, args: tuple[object, ...]) -> None:
    match event, args:
        case ("socket.connect" | "socket.sendto" | "socket.sendmsg", (_, (host, *_))):
            target = host
        case (
            "socket.getaddrinfo" | "socket.gethostbyname" | "socket.gethostbyaddr",
            (host, *_),
        ):
            target = host
        case _:
            return  # also Unix sockets: their address is a path
    if not _lifted and not is_this_machine(target):
        raise RealNetworkCall(f"{event} to {target!r}: tests stay on this machine")
