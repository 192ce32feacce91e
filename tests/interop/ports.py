"""Ports for programs that cannot choose one themselves."""

import secrets
import socket
from collections.abc import Iterator
from functools import cache
from itertools import cycle
from typing import Final

_HOST: Final = "127.0.0.1"
# Below those that systems give to outgoing connections: none of these, of which the
# tests make thousands, can take a port between its choice and its use.
_PORTS: Final = range(15_000, 30_000)
_BLOCK: Final = 250


def free_port() -> int:
    """Return a port of loopback at which nothing listens."""
    _, ports = _block()
    for port in ports:
        with socket.socket() as probe:
            # Connections that ended a moment ago are no hindrance.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if _bound(probe, port):
                return port
    raise AssertionError("a cycle has no end")


@cache
def _block() -> tuple[socket.socket, Iterator[int]]:
    """Take a block of ports for this process: no other run of tests chooses in it.

    Its first port says that it is taken, for as long as the process holds it.
    """
    while True:
        first = secrets.choice(_PORTS[::_BLOCK])
        guard = socket.socket()
        if _bound(guard, first):
            return guard, cycle(range(first + 1, first + _BLOCK))
        guard.close()


def _bound(probe: socket.socket, port: int) -> bool:
    try:
        probe.bind((_HOST, port))
    except OSError:
        return False
    return True
