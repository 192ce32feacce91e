"""Connections over TLS: few enough, none for ever, and with the newest certificate."""

from __future__ import annotations

import contextlib
import http.server
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from modelpack.errors import InvalidInput
from modelpack.serve.connections import Connections

MOST_CONNECTIONS: Final = 256
LONGEST_SILENCE: Final = 180.0  # seconds without an answer until a connection is ended
_HANDSHAKE_SECONDS: Final = 10.0


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Read a server's certificate chain and key; TLS 1.2 or newer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise InvalidInput(
            f"no certificate with its key: {error.strerror or error}",
            where=f"{certificate}, {key}",
        ) from error
    return context


class SecureConnections(Connections):
    """Speaks TLS. ``context`` may be replaced: new connections get the new one."""

    def __init__(
        self,
        address: tuple[str, int],
        handler: Callable[..., http.server.BaseHTTPRequestHandler],
        context: ssl.SSLContext,
        clock: Callable[[], float],
        most: int = MOST_CONNECTIONS,
    ) -> None:
        self.context = context
        self._clock = clock
        self._heard: dict[socket.socket, float] = {}
        self._places = threading.BoundedSemaphore(most)
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        # Here, in the connection's own thread: a slow handshake keeps nobody waiting.
        request.settimeout(_HANDSHAKE_SECONDS)
        with contextlib.suppress(OSError, ssl.SSLError):
            secured = self.context.wrap_socket(request, server_side=True)
            with secured, self._watched(secured):
                super().finish_request(secured, client_address)

    @contextlib.contextmanager
    def _watched(self, connection: socket.socket) -> Iterator[None]:
        with self._lock:
            self._live.add(connection)
        self.heard(connection)
        try:
            yield
        finally:
            with self._lock:
                self._live.discard(connection)
                self._heard.pop(connection, None)

    def heard(self, connection: socket.socket) -> None:
        """Note that a connection is of use: it has just been answered."""
        with self._lock:
            self._heard[connection] = self._clock()

    def service_actions(self) -> None:
        """End what has been silent, or has been sending one request, for too long."""
        before = self._clock() - LONGEST_SILENCE
        with self._lock:
            silent = [each for each, heard in self._heard.items() if heard < before]
        for each in silent:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Say nothing: a connection that breaks is the caller's business."""
