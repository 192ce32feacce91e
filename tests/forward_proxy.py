"""A proxy as HTTP_PROXY and HTTPS_PROXY name one: it forwards, and it tunnels.

It knows where names lead, which the client cannot: ``registry.test`` exists nowhere
else, so that what arrives there has come this way.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from collections.abc import Mapping
from io import BufferedReader
from typing import Self
from urllib.parse import urlsplit

from tests.faults.faults import Answer, Head

_BLOCK = 1 << 16


class ForwardProxy:
    """``hosts`` maps ``NAME:PORT`` to a server on loopback; all else is refused.

    With ``login`` (``user:password``) it serves nobody else.
    """

    def __init__(self, hosts: Mapping[str, str], *, login: str = "") -> None:
        self._hosts = hosts
        self._wanted = f"Basic {base64.b64encode(login.encode()).decode()}"
        self._guarded = bool(login)
        self._lock = threading.Lock()
        self._live: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"http://{self.address}"
        self.asked: list[Head] = []

    def targets(self, method: str) -> set[str]:
        """Return the hosts that were asked for with this method."""
        with self._lock:
            return {_host(head) for head in self.asked if head.method == method}

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._listener.shutdown(socket.SHUT_RDWR)
        with self._lock:
            for connection in self._live:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _start(self, work: object, *args: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=args)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as reader, contextlib.suppress(OSError):
            with self._lock:
                self._live.add(client)
            request = Head.read(reader)
            if request is not None and not self._closed:
                self._answer(client, reader, request)
        with self._lock:
            self._live.discard(client)

    def _answer(
        self, client: socket.socket, reader: BufferedReader, request: Head
    ) -> None:
        with self._lock:
            self.asked.append(request)
        if self._guarded and request.get("Proxy-Authorization") != self._wanted:
            client.sendall(Answer(407, {"Connection": "close"}).encoded())
            return
        upstream = self._hosts.get(_host(request))
        if upstream is None:
            client.sendall(Answer(502, {"Connection": "close"}).encoded())
            return
        host, _, port = upstream.rpartition(":")
        with socket.create_connection((host, int(port))) as server:
            with self._lock:
                self._live.add(server)
            if request.method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                server.sendall(_in_origin_form(request).encoded())
            # One request for each connection, so that its end ends the answer.
            back = self._start(_pour, server.makefile("rb"), client)
            _pour(reader, server)
            back.join()
            with self._lock:
                self._live.discard(server)


def _host(request: Head) -> str:
    if request.method == "CONNECT":
        return request.target
    return urlsplit(request.target).netloc


def _in_origin_form(request: Head) -> Head:
    parts = urlsplit(request.target)
    target = parts._replace(scheme="", netloc="").geturl() or "/"
    line = f"{request.method} {target} HTTP/1.1"
    fields = request.without("Proxy-Authorization").having("Connection", "close").fields
    return Head(line, fields)


def _pour(source: BufferedReader, sink: socket.socket) -> None:
    with contextlib.suppress(OSError), source:
        while block := source.read1(_BLOCK):
            sink.sendall(block)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
