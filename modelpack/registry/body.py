"""Receive a blob's bytes into the caller's buffer, with few copies.

urllib3 owns the connection, the headers, TLS and proxies. The body's bytes go
past its buffered reader, from the socket straight into the caller's buffer:
through that reader the same pull takes twice as long, and the interpreter lock
changes hands a hundred times as often.
"""

from __future__ import annotations

import socket
import ssl
import struct
from typing import Final, Self

import urllib3
from urllib3.exceptions import HTTPError

from modelpack.errors import RegistryError
from modelpack.registry.tls import ReadAheadSocket

_STALL_SECONDS: Final = 60
_RECEIVE_TIMEOUT: Final = struct.pack("ll", _STALL_SECONDS, 0)
_HEAD: Final = 1 << 16  # more than the response reader ever holds back


class HttpBody:
    """The ``length`` bytes of one response, from offset ``start`` of the blob."""

    def __init__(
        self, response: urllib3.HTTPResponse, *, start: int, length: int, where: str
    ) -> None:
        self._response = response
        self._left = length
        self._where = where
        self.start = start
        self._socket = _socket_of(response)
        self._head = memoryview(b"")
        if self._socket is not None and length:
            self._leave_the_reader()

    def _leave_the_reader(self) -> None:
        """Take what the header reader has read too far, then use the socket alone."""
        try:
            raw = self._response._fp.fp  # type: ignore[union-attr]  # noqa: SLF001
            self._head = memoryview(raw.read1(min(self._left, _HEAD)))
        except OSError as error:
            raise self._broken(f"the connection broke: {error}") from error
        if isinstance(self._socket, socket.socket):
            # MSG_WAITALL waits only on a blocking socket, so that the kernel has
            # to keep the time.
            self._socket.settimeout(None)
            self._socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_RCVTIMEO, _RECEIVE_TIMEOUT
            )

    def read_into(self, buffer: memoryview, /) -> int:
        """Fill ``buffer`` as far as the body goes; 0 at its end."""
        want = min(len(buffer), self._left)
        if not want:
            return 0
        try:
            count = self._receive(buffer[:want])
        except (OSError, HTTPError) as error:
            raise self._broken(f"the connection broke ({error})") from error
        if not count:
            raise self._broken("the body ended")
        self._left -= count
        return count

    def _receive(self, buffer: memoryview) -> int:
        if self._socket is None:
            data = self._response.read(len(buffer))
            buffer[: len(data)] = data
            return len(data)
        held = min(len(self._head), len(buffer))
        if held:
            buffer[:held] = self._head[:held]
            self._head = self._head[held:]
            buffer = buffer[held:]
        return held + self._from_socket(self._socket, buffer) if buffer else held

    @staticmethod
    def _from_socket(
        source: socket.socket | ReadAheadSocket, buffer: memoryview
    ) -> int:
        if isinstance(source, socket.socket):
            return source.recv_into(buffer, len(buffer), socket.MSG_WAITALL)
        return source.fill(buffer)

    def _broken(self, what: str) -> RegistryError:
        return RegistryError(f"{what}, {self._left} bytes early", where=self._where)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._left:
            self._response.close()  # the rest of the body is still on its way
            return
        if self._socket is not None:
            self._response._fp.close()  # type: ignore[union-attr]  # noqa: SLF001
        else:
            self._response.drain_conn()
        self._response.release_conn()


def _socket_of(
    response: urllib3.HTTPResponse,
) -> socket.socket | ReadAheadSocket | None:
    """Return the socket that the plain body comes from; None if it is encoded."""
    if response.headers.get("Transfer-Encoding") or response.headers.get(
        "Content-Encoding"
    ):
        return None
    raw = getattr(getattr(response._fp, "fp", None), "raw", None)  # noqa: SLF001
    found = getattr(raw, "_sock", None)
    # Another kind of TLS, as under a proxy that is reached by TLS itself, keeps
    # to its own reader.
    plain = isinstance(found, socket.socket) and not isinstance(found, ssl.SSLSocket)
    return found if plain or isinstance(found, ReadAheadSocket) else None
