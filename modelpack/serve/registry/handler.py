"""One connection: requests in, answers out (HTTP/1.1, kept alive)."""

from __future__ import annotations

import http
import http.server
import io
import os
import socket
import socketserver
import struct
from collections.abc import Callable, Mapping
from typing import Final, cast

from modelpack.errors import ModelpackError
from modelpack.serve.registry import blobs, lists, manifests, uploads
from modelpack.serve.registry.answer import Answer, Refused, failed, failure
from modelpack.serve.registry.body import Disconnected, RequestBody
from modelpack.serve.registry.call import Call
from modelpack.serve.registry.repositories import Repositories

_IDLE: Final = 120  # seconds until a silent connection is given up
_DRAINED: Final = 64 << 20
_SMALL: Final = 64 << 10

_Endpoint = Callable[[Call], Answer]
_METHODS: Final[Mapping[str, Mapping[str, _Endpoint]]] = {
    "ping": {"GET": lists.ping, "HEAD": lists.ping},
    "catalog": {"GET": lists.catalog},
    "tags": {"GET": lists.tags},
    "referrers": {"GET": lists.referrers},
    "manifest": {
        "GET": manifests.get,
        "HEAD": manifests.get,
        "PUT": manifests.put,
        "DELETE": manifests.delete,
    },
    "blob": {"GET": blobs.get, "HEAD": blobs.get, "DELETE": blobs.delete},
    "uploads": {"POST": uploads.post},
    "upload": {
        "GET": uploads.get,
        "PATCH": uploads.patch,
        "PUT": uploads.put,
        "DELETE": uploads.delete,
    },
}


class Handler(http.server.BaseHTTPRequestHandler):
    """Reads requests from one connection and answers each by its endpoint."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(
        self,
        request: socket.socket,
        client_address: tuple[str, int],
        server: socketserver.BaseServer,
        *,
        repositories: Repositories,
        log: Callable[[str], None] | None,
    ) -> None:
        self._repositories = repositories
        self._log = log
        # All requests of the connection are answered within.
        super().__init__(request, client_address, server)

    def setup(self) -> None:
        super().setup()
        # The kernel's timeouts: with Python's own, MSG_WAITALL would not wait.
        limit = struct.pack("ll", _IDLE, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    def handle_expect_100(self) -> bool:
        return True  # whoever wants the body invites it

    def serve(self) -> None:
        """Answer one request."""
        try:
            self._serve()
        except (Disconnected, OSError):
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815 - http.server looks for these

    def _serve(self) -> None:
        try:
            body = RequestBody(
                self.connection,
                cast("io.BufferedReader", self.rfile),
                self.headers,
                self.send_100_continue,
            )
        except Refused as refused:
            # Where this request ends nobody knows.
            self.close_connection = True
            self._send(refused.answer)
            return
        answer = self._answer(body)
        fits = (body.length or 0) <= _DRAINED
        self.close_connection = self.close_connection or not fits
        self._send(answer)
        if not body.drain(_DRAINED):
            self.close_connection = True

    def send_100_continue(self) -> None:
        """Invite a body that waits for it."""
        self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _answer(self, body: RequestBody) -> Answer:
        try:
            call = Call.parse(self._repositories, self.path, self.headers, body)
            return self._endpoint(call.endpoint)(call)
        except Refused as refused:
            return refused.answer
        except ModelpackError as error:
            return failed(error)

    def _endpoint(self, name: str) -> _Endpoint:
        if "Origin" in self.headers and self.command not in ("GET", "HEAD"):
            # A page in somebody's browser, which can reach our loopback.
            raise Refused(403, "DENIED", "not from a web page")
        methods = _METHODS[name]
        if self.command not in methods:
            allowed = ", ".join(methods)
            raise Refused(405, "UNSUPPORTED", self.command, Allow=allowed)
        return methods[self.command]

    def _send(self, answer: Answer) -> None:
        if self._log is not None:
            self._log(f"{self.command} {self.path} {answer.status}")
        try:
            self._send_parts(answer)
        finally:
            if answer.file is not None:
                answer.file.close()

    def _send_parts(self, answer: Answer) -> None:
        phrase = http.HTTPStatus(answer.status).phrase
        lines = [f"HTTP/1.1 {answer.status} {phrase}"]
        lines += [f"{key}: {value}" for key, value in answer.headers.items()]
        lines.append("Docker-Distribution-Api-Version: registry/2.0")
        if answer.status != http.HTTPStatus.NO_CONTENT:
            lines.append(f"Content-Length: {answer.length}")
        if self.close_connection:
            lines.append("Connection: close")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        if self.command == "HEAD" or not answer.length:
            self.connection.sendall(head)
        elif answer.file is None:
            self.connection.sendall(head + answer.content)
        else:
            self.connection.sendall(head, getattr(socket, "MSG_MORE", 0))
            self._send_file(answer)

    def _send_file(self, answer: Answer) -> None:
        """Let the kernel move the bytes from the disk to the connection."""
        extent = answer.file
        offset, left = answer.start, answer.length
        while left and extent is not None:
            count = os.sendfile(
                self.connection.fileno(), extent.file, extent.start + offset, left
            )
            if count == 0:
                raise Disconnected  # the file was cut; only silence is honest now
            offset, left = offset + count, left - count

    def send_error(
        self, code: int, message: str | None = None, explain: str | None = None
    ) -> None:
        """Answer what http.server itself refuses."""
        del explain
        self.close_connection = True
        if not hasattr(self, "path"):
            self.path = ""
        self._send(failure(code, "UNSUPPORTED", message or ""))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: the server's ``log`` hears of every answer."""
