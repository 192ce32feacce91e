"""Ports for programs that cannot choose one themselves."""

import secrets
import socket
from typing import Final

# Below those that systems give to outgoing connections: none of these, of which the
# tests make thousands, can take a port between its choice and its use.
_PORTS: Final = range(15_000, 30_000)


def free_port() -> int:
    """Return a port of loopback at which nothing listens."""
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
