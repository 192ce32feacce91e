"""One connection of the admission server: requests in, answers out."""

from __future__ import annotations

import http.server
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Final, cast
from urllib.parse import parse_qs, urlsplit

from modelpack.serve.admission import doors
from modelpack.serve.admission.decision import Decision
from modelpack.serve.admission.doors import Carrying, Decide, Reply
from modelpack.serve.admission.listening import SecureConnections
from modelpack.serve.admission.refused import BadRequest
from modelpack.serve.admission.review import Review
from modelpack.serve.admission.service import Service

LARGEST_BODY: Final = 8 << 20
LARGEST_IN_ALL: Final = 64 << 20
_BODY_SECONDS: Final = 10.0
# Longer than an API server keeps a connection that it does not use (Go: 90 s).
_IDLE_SECONDS: Final = 120.0
_BLOCK: Final = 64 << 10
_DURATION: Final = re.compile(r"([0-9]{1,6})(ms|s|m)", re.ASCII)
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0}
_LONGEST_TIMEOUT: Final = 30.0  # Kubernetes allows no more


@dataclass(slots=True)
class Budget:
    """How many bytes of bodies are in memory, over all connections."""

    limit: int = LARGEST_IN_ALL
    _used: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def taken(self, count: int) -> Iterator[None]:
        """Hold room for a body; refuse where there is none left."""
        with self._lock:
            if self._used + count > self.limit:
                raise BadRequest(503, "too much at once; ask again")
            self._used += count
        try:
            yield
        finally:
            with self._lock:
                self._used -= count


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What every connection's handler stands on.

    ``seconds`` is how long a caller waits that does not say it.
    """

    service: Service
    carrying: Carrying
    seconds: float
    ready: Callable[[], str]
    budget: Budget


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers callers' POSTs, and GETs of those who watch."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_SECONDS

    def __init__(
        self,
        request: socket.socket,
        client_address: tuple[str, int],
        server: SecureConnections,
        *,
        site: Site,
    ) -> None:
        self._site = site
        # All requests of the connection are answered within.
        super().__init__(request, client_address, server)

    def do_GET(self) -> None:
        """Answer whoever watches."""
        path = urlsplit(self.path).path
        if path == "/healthz":
            self._send(HTTPStatus.OK, b"ok\n", "text/plain")
        elif path == "/readyz":
            fault = self._site.ready()
            status = HTTPStatus.SERVICE_UNAVAILABLE if fault else HTTPStatus.OK
            self._send(status, f"{fault or 'ok'}\n".encode(), "text/plain")
        elif path == "/metrics":
            text = self._site.service.metrics.text().encode()
            self._send(HTTPStatus.OK, text, "text/plain; version=0.0.4")
        else:
            self._refuse(BadRequest(404, "there is nothing here"))

    def do_POST(self) -> None:
        """Answer whoever asks for admission."""
        clock = self._site.service.clock
        begun = clock()
        try:
            parts = urlsplit(self.path)
            endpoint = self._endpoint(parts.path)
            until = begun + _budget(parts.query, self._site.seconds)
            length = self._length()
            with self._site.budget.taken(length):
                reply = endpoint(
                    self._body(length, begun + _BODY_SECONDS),
                    partial(self._decide, parts.path, until),
                )
        except BadRequest as error:
            self._refuse(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours is no pass either
            self._site.service.decider.fault(error)
            self._refuse(BadRequest(500, "a fault of modelpack itself"))
        else:
            body = json.dumps(reply.document, separators=(",", ":")).encode()
            self._send(reply.status, body, "application/json")

    def _endpoint(self, path: str) -> Callable[[bytes, Decide], Reply]:
        carrying = self._site.carrying
        known: Mapping[str, Callable[[bytes, Decide], Reply]] = {
            "/validate": doors.validate,
            "/v1/admit": partial(doors.admit, carrying=carrying),
            "/gatekeeper": partial(doors.provide, carrying=carrying),
        }
        if path not in known:
            raise BadRequest(404, "there is nothing here")
        return known[path]

    def _decide(self, path: str, until: float, review: Review) -> Decision:
        service = self._site.service
        return service.decide(review, path, until - service.clock())

    def _length(self) -> int:
        said = self.headers.get_all("Content-Length", [])
        if "Transfer-Encoding" in self.headers or len(said) != 1:
            raise BadRequest(411, "a body has to say its length")
        if not (said[0].isascii() and said[0].isdigit() and len(said[0]) < 12):  # noqa: PLR2004 - digits
            raise BadRequest(400, "Content-Length: expected a number")
        if int(said[0]) > LARGEST_BODY:
            raise BadRequest(413, f"larger than {LARGEST_BODY} bytes")
        return int(said[0])

    def _body(self, length: int, until: float) -> bytes:
        clock = self._site.service.clock
        content = bytearray()
        while len(content) < length:
            left = until - clock()
            if left <= 0:
                raise BadRequest(408, "the body takes too long")
            self.connection.settimeout(left)
            try:
                block = self.rfile.read1(min(_BLOCK, length - len(content)))
            except TimeoutError as error:
                raise BadRequest(408, "the body takes too long") from error
            if not block:
                raise BadRequest(400, "the body is cut off")
            content += block
        self.connection.settimeout(self.timeout)
        return bytes(content)

    def _refuse(self, error: BadRequest) -> None:
        # Where the next request begins nobody knows: its body may not be read.
        self.close_connection = True
        self._site.service.metrics.count(
            "rejected_requests_total", status=str(error.status)
        )
        body = json.dumps({"allowed": False, "message": error.message}).encode()
        self._send(error.status, body, "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        phrase = HTTPStatus(status).phrase
        close = "Connection: close\r\n" if self.close_connection else ""
        head = (
            f"HTTP/1.1 {int(status)} {phrase}\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\nX-Content-Type-Options: nosniff\r\n"
            f"{close}\r\n"
        )
        try:
            self.connection.sendall(head.encode("latin-1") + body)
        except OSError:
            self.close_connection = True
        cast("SecureConnections", self.server).heard(self.connection)

    def send_error(
        self, code: int, message: str | None = None, explain: str | None = None
    ) -> None:
        """Answer what http.server itself refuses."""
        del explain
        self._refuse(BadRequest(code, message or ""))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: the audit log has every verdict."""


def _budget(query: str, seconds: float) -> float:
    """Return how long to take: less than the caller waits, so that it hears why."""
    said = parse_qs(query).get("timeout", [])
    match = _DURATION.fullmatch(said[0]) if said else None
    waits = int(match[1]) * _UNITS[match[2]] if match else seconds
    waits = min(waits, _LONGEST_TIMEOUT)
    return waits - 1 if waits >= 2 else waits / 2  # noqa: PLR2004 - seconds
