"""The body of a request: received in blocks, and never held as a whole."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from email.message import Message
from io import BufferedReader
from typing import Final

from modelpack.serve.registry.answer import Refused

_BLOCK: Final = 1 << 20
_LENGTH: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_CHUNK_LENGTH: Final = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;.*)?\r?\n", re.ASCII)
_LINE: Final = 4096
_MAX_TRAILERS: Final = 100


class Disconnected(Exception):
    """The client went away in the middle."""


class RequestBody:
    """What is still to come of one request.

    ``length`` is what the client promised; None where it sends chunks (RFC 9112,
    "Chunked Transfer Coding").
    """

    def __init__(
        self,
        connection: socket.socket,
        reader: BufferedReader,
        headers: Message,
        invite: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._reader = reader
        self.length = _length(headers)
        self._left = self.length or 0
        self._ended = self.length == 0
        self._started = False
        self._invite = invite
        self._waiting = "100-continue" in headers.get("Expect", "").lower()

    def views(self) -> Iterator[memoryview]:
        """Yield the body in order, as views of one reused buffer."""
        if self._ended:
            return
        if self._waiting:
            self._invite()
            self._waiting = False
        size = _BLOCK if self.length is None else min(_BLOCK, self.length)
        buffer = memoryview(bytearray(size))
        source = self._chunks(buffer) if self.length is None else self._plain(buffer)
        try:
            yield from source
        except OSError as error:
            raise Disconnected from error
        self._ended = True

    def read(self, limit: int) -> bytes:
        """Return the whole of a small body."""
        if (self.length or 0) > limit:
            raise Refused(413, "SIZE_INVALID", f"more than {limit} bytes")
        content = bytearray()
        for view in self.views():
            content += view
            if len(content) > limit:
                raise Refused(413, "SIZE_INVALID", f"more than {limit} bytes")
        return bytes(content)

    def drain(self, limit: int) -> bool:
        """Let the rest go by, if it is no more than ``limit``; say whether it was."""
        if self._ended:
            return True
        if self._waiting or self._left > limit or (self._started and not self.length):
            return False
        passed = 0
        for view in self.views():
            passed += len(view)
            if passed > limit:
                return False
        return True

    def _plain(self, buffer: memoryview) -> Iterator[memoryview]:
        if not self._started:
            # What came in one packet with the headers waits in the reader.
            self._started = True
            ready = min(len(self._reader.peek()), self._left, len(buffer))
            yield self._taken(buffer, self._reader.readinto1(buffer[:ready]))
        while self._left:
            wanted = min(len(buffer), self._left)
            # Past the reader: whole blocks from the kernel to our buffer.
            count = self._connection.recv_into(buffer, wanted, socket.MSG_WAITALL)
            yield self._taken(buffer, count)

    def _taken(self, buffer: memoryview, count: int) -> memoryview:
        if count == 0:
            raise Disconnected
        self._left -= count
        return buffer[:count]

    def _chunks(self, buffer: memoryview) -> Iterator[memoryview]:
        self._started = True
        while size := self._chunk_length():
            while size:
                count = self._reader.readinto1(buffer[:size])
                if count == 0:
                    raise Disconnected
                yield buffer[:count]
                size -= count
            if self._reader.readline(_LINE).strip():
                raise Refused(400, "SIZE_INVALID", "a chunk without an end")
        for _ in range(_MAX_TRAILERS):
            if not self._reader.readline(_LINE).strip():
                return
        raise Refused(400, "SIZE_INVALID", "trailers without an end")

    def _chunk_length(self) -> int:
        line = self._reader.readline(_LINE)
        if not line:
            raise Disconnected
        match = _CHUNK_LENGTH.fullmatch(line)
        if match is None:
            raise Refused(400, "SIZE_INVALID", "a chunk without a length")
        return int(match[1], 16)


def _length(headers: Message) -> int | None:
    lengths = headers.get_all("Content-Length", [])
    coding = headers.get_all("Transfer-Encoding", [])
    if coding:
        # RFC 9112, "Message Body Length": both is how requests are smuggled.
        if lengths or [c.strip().lower() for c in coding] != ["chunked"]:
            raise Refused(400, "SIZE_INVALID", "no length that can be relied on")
        return None
    if not lengths:
        return 0
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0].strip()):
        raise Refused(400, "SIZE_INVALID", "no length that can be relied on")
    return int(lengths[0])
