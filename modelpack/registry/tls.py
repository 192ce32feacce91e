"""TLS that reads ahead: one system call for many records, not two for each.

Python's ``SSLSocket`` asks the kernel twice for every record of 16 KiB: for its
five bytes of header, then for the rest. Here the kernel fills a buffer with what
has arrived, and OpenSSL takes the records from memory. OpenSSL's own switch for
this, ``SSL_CTX_set_read_ahead``, cannot be reached from Python.
"""

from __future__ import annotations

import io
import socket
import ssl
from typing import Final, Literal, cast, overload

_AHEAD: Final = 256 << 10
_MOST: Final = 1 << 20  # what one call encrypts or decrypts before it is moved on


class ReadAheadContext(ssl.SSLContext):
    """Verifies as ``ssl.create_default_context`` does; its sockets read ahead."""

    @classmethod
    def default(cls) -> ReadAheadContext:
        """Return a client's context that trusts what this machine trusts."""
        # PROTOCOL_TLS_CLIENT asks for a certificate, and checks the host's name.
        context = cls(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_default_certs()
        return context

    def wrap_socket(  # type: ignore[override]
        self,
        sock: socket.socket,
        server_side: bool = False,  # noqa: FBT001, FBT002 - ssl's own signature
        do_handshake_on_connect: bool = True,  # noqa: FBT001, FBT002
        suppress_ragged_eofs: bool = True,  # noqa: FBT001, FBT002
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ReadAheadSocket:
        """Shake hands over a connected socket, which is from then on ours."""
        del server_side, do_handshake_on_connect, suppress_ragged_eofs, session
        return ReadAheadSocket(sock, self, server_hostname)


class ReadAheadSocket:
    """What ``http.client`` and urllib3 use of an ``SSLSocket``, over memory.

    For one thread at a time, as every connection of a pool is.
    """

    def __init__(
        self, sock: socket.socket, context: ssl.SSLContext, name: str | bytes | None
    ) -> None:
        self._sock = sock
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._buffer = memoryview(bytearray(_AHEAD))
        host = name.decode("ascii") if isinstance(name, bytes) else name
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=host
        )
        try:
            self._shake_hands()
        except BaseException:
            sock.close()
            raise

    def _shake_hands(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                self._feed()
            except ssl.SSLError:
                self._flush()  # the alert that says why
                raise
            else:
                self._flush()
                return

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._sock.sendall(self._outgoing.read())

    def _feed(self) -> None:
        count = self._sock.recv_into(self._buffer)
        if count:
            self._incoming.write(self._buffer[:count])
        else:
            self._incoming.write_eof()

    def recv_into(
        self, buffer: memoryview | bytearray, nbytes: int = 0, flags: int = 0
    ) -> int:
        """Fill ``buffer`` with what one record holds; 0 when the other side ends."""
        del flags
        want = nbytes or len(buffer)
        while True:
            try:
                # With a buffer it returns a count, whatever the type hints say.
                return cast("int", self._tls.read(want, buffer))
            except ssl.SSLWantReadError:
                self._flush()  # an answer to a key update
                self._feed()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return 0

    def fill(self, buffer: memoryview) -> int:
        """Fill ``buffer``, a record of 16 KiB at most at a time, from memory mostly.

        Less than all of it came when the other side ended.
        """
        read = self._tls.read
        filled = 0
        while filled < len(buffer):
            rest = buffer[filled:]
            try:
                count = cast("int", read(len(rest), rest))
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError, ssl.SSLEOFError):
                count = self.recv_into(rest)
                if not count:
                    break
            filled += count
        return filled

    def recv(self, count: int) -> bytes:
        """Return up to ``count`` bytes."""
        buffer = bytearray(count)
        return bytes(buffer[: self.recv_into(buffer)])

    def sendall(self, data: bytes | memoryview) -> None:
        """Encrypt and send all of ``data``."""
        view = memoryview(data).cast("B")
        while len(view):
            view = view[self._tls.write(view[:_MOST]) :]
            self._flush()

    def send(self, data: bytes | memoryview) -> int:
        """Encrypt and send all of ``data``; return its length."""
        self.sendall(data)
        return len(data)

    def makefile(self, mode: str = "rb", buffering: int = -1) -> io.BufferedReader:
        """Return a buffered reader, which is all that ``http.client`` asks for."""
        del mode
        size = buffering if buffering > 0 else io.DEFAULT_BUFFER_SIZE
        return io.BufferedReader(_Reader(self), size)

    @overload
    def getpeercert(self, binary_form: Literal[False] = False) -> object: ...  # noqa: FBT002
    @overload
    def getpeercert(self, binary_form: Literal[True]) -> bytes | None: ...
    def getpeercert(self, binary_form: bool = False) -> object:  # noqa: FBT001, FBT002
        """Return the certificate that the other side showed."""
        return self._tls.getpeercert(binary_form)

    def selected_alpn_protocol(self) -> str | None:
        """Return the protocol agreed on, if one was."""
        return self._tls.selected_alpn_protocol()

    def settimeout(self, seconds: float | None) -> None:
        """Limit each wait for the network."""
        self._sock.settimeout(seconds)

    def gettimeout(self) -> float | None:
        """Return that limit."""
        return self._sock.gettimeout()

    def setsockopt(self, level: int, option: int, value: int) -> None:
        """Set an option of the socket below."""
        self._sock.setsockopt(level, option, value)

    def fileno(self) -> int:
        """Return the socket's descriptor, to wait on."""
        return self._sock.fileno()

    def shutdown(self, how: int) -> None:
        """End the connection below in one or both directions."""
        self._sock.shutdown(how)

    def close(self) -> None:
        """Close the connection; lengths are checked elsewhere, so no farewell."""
        self._sock.close()


class _Reader(io.RawIOBase):
    """The raw reader below ``makefile``."""

    def __init__(self, source: ReadAheadSocket) -> None:
        super().__init__()
        self._sock = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._sock.recv_into(memoryview(buffer).cast("B"))
