"""A reverse proxy on loopback that spoils HTTP by rules, and records all it sees."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BufferedReader
from typing import Self

from tests.faults.faults import Cut, Fault, Head, Several

_BLOCK = 1 << 16
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST, as a broken line does
_NO_BODY = (204, 304)


@dataclass(slots=True, kw_only=True)
class Rule:
    """A fault, and whom it strikes: the ``nth`` match and ``times`` - 1 after it.

    ``method`` and ``path`` are regular expressions; ``times`` None is for ever.
    """

    fault: Fault
    method: str = ".*"
    path: str = ""
    nth: int = 1
    times: int | None = 1
    matched: int = field(default=0, init=False)

    def strikes(self, request: Head) -> bool:
        """Count the request if it matches; say whether the fault strikes it."""
        if not re.fullmatch(self.method, request.method):
            return False
        if not re.search(self.path, request.target):
            return False
        self.matched += 1
        past = self.matched - self.nth
        return past >= 0 and (self.times is None or past < self.times)


@dataclass(slots=True)
class Seen:
    """One request, and the bytes of bodies that went through for it."""

    head: Head
    sent: int = 0
    received: int = 0
    status: int = 0

    def is_for(self, method: str, path: str) -> bool:
        found = re.fullmatch(method, self.head.method)
        return found is not None and re.search(path, self.head.target) is not None


class FaultProxy:
    """Stands before the registry at ``upstream``; ``host`` is its name in references.

    One connection to the registry for each connection of a client.
    """

    def __init__(self, upstream: str, *rules: Rule, host: str = "127.0.0.1") -> None:
        self._upstream = upstream
        self._rules = list(rules)
        self._lock = threading.Lock()
        self._live: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"{host}:{self._listener.getsockname()[1]}"
        self.url = f"http://{self.address}"
        self.seen: list[Seen] = []

    def rule(self, *rules: Rule) -> None:
        """Let these rules hold from now on, and no others."""
        with self._lock:
            self._rules = list(rules)

    def requests(self, method: str = ".*", path: str = "") -> Sequence[Seen]:
        """Return what was seen so far of these requests."""
        with self._lock:
            return [seen for seen in self.seen if seen.is_for(method, path)]

    def sent(self, method: str = "PATCH|PUT", path: str = "/blobs/") -> int:
        """Count the bytes of bodies that clients sent."""
        return sum(seen.sent for seen in self.requests(method, path))

    def received(self, path: str = "/blobs/") -> int:
        """Count the bytes of bodies that went to clients."""
        return sum(seen.received for seen in self.requests("GET", path))

    def forget(self) -> None:
        """Begin a new record."""
        with self._lock:
            self.seen = []

    def hang_up(self) -> None:
        """End every connection."""
        with self._lock:
            for connection in self._live:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        # On Linux this wakes accept(), which a plain close would not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self.hang_up()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _start(self, work: object, *args: object) -> None:
        thread = threading.Thread(target=work, args=args)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._converse, client)

    def _converse(self, client: socket.socket) -> None:
        host, _, port = self._upstream.rpartition(":")
        with client, socket.create_connection((host, int(port))) as server:
            # What is sent has then, but for a little, also been received.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BLOCK)
            with self._lock:
                self._live |= {client, server}
            if self._closed:
                return
            exchange = _Exchange(self, client, server)
            try:
                while exchange.relay():
                    pass
            except Cut as cut:
                if cut.reset:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            except OSError:
                pass  # one of the two has gone away
            finally:
                exchange.close()
                with self._lock:
                    self._live -= {client, server}

    def note(self, request: Head) -> tuple[Seen, Fault]:
        """Record a request, and find the faults that strike it."""
        seen = Seen(request)
        with self._lock:
            self.seen.append(seen)
            striking = [rule.fault for rule in self._rules if rule.strikes(request)]
        return seen, Several(tuple(striking))


class _Exchange:
    """The requests of one connection, one after another."""

    def __init__(
        self, proxy: FaultProxy, client: socket.socket, server: socket.socket
    ) -> None:
        self._proxy = proxy
        self._client, self._server = client, server
        self._from_client = client.makefile("rb")
        self._from_server = server.makefile("rb")

    def close(self) -> None:
        self._from_client.close()
        self._from_server.close()

    def relay(self) -> bool:
        """Relay one request and its answer; False at the end of the connection."""
        request = Head.read(self._from_client)
        if request is None:
            return False
        seen, fault = self._proxy.note(request)
        blocks = self._sent(seen, request.length)
        answer = fault.before(request)
        if answer is not None:
            for _ in blocks:
                pass
            seen.status = answer.status
            self._client.sendall(answer.encoded())
            return True
        self._server.sendall(fault.request(request).encoded())
        for block in fault.sent(blocks):
            self._server.sendall(block)
        return self._answer(seen, fault)

    def _answer(self, seen: Seen, fault: Fault) -> bool:
        response = Head.read(self._from_server)
        if response is None:
            raise Cut
        blocks = _blocks(self._from_server, _body_length(seen.head, response))
        answer = fault.after(seen.head, response)
        if answer is not None:
            for _ in blocks:
                pass
            seen.status = answer.status
            self._client.sendall(answer.encoded())
            return True
        seen.status = response.status
        self._client.sendall(fault.response(response).encoded())
        for block in fault.received(blocks):
            self._client.sendall(block)
            seen.received += len(block)
        return response.get("Connection").lower() != "close"

    def _sent(self, seen: Seen, length: int) -> Iterator[bytes]:
        for block in _blocks(self._from_client, length):
            seen.sent += len(block)
            yield block


def _blocks(reader: BufferedReader, length: int) -> Iterator[bytes]:
    left = length
    while left:
        block = reader.read1(min(left, _BLOCK))
        if not block:
            raise Cut
        left -= len(block)
        yield block


def _body_length(request: Head, response: Head) -> int:
    if request.method == "HEAD" or response.status in _NO_BODY:
        return 0
    return response.length
