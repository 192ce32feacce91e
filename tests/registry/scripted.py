"""A server that says what a test tells it to, over real sockets."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

from modelpack.oci.patience import Patience
from modelpack.oci.reference import Repository
from modelpack.registry.connections import Connecting
from modelpack.registry.credentials import Login
from modelpack.registry.http import Http
from modelpack.registry.store import RegistryStore
from tests.transfer.making import Waits


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Say:
    """One answer. ``endless``: the body goes on until the client has gone."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    endless: bool = False


Script = Callable[[Asked], Say]


class Scripted:
    """Answers by ``script``; remembers what was asked."""

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self._opened: list[Http] = []
        scripted = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def answer(self) -> None:
                scripted.answer(self)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - http.server looks for these

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.scheme = "http"
        if context is not None:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True
            )
            self.scheme = "https"
        self.port = self._server.server_address[1]
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"{self.scheme}://{self.host}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        asked = Asked(
            handler.command,
            handler.path,
            {name.lower(): value for name, value in handler.headers.items()},
            handler.rfile.read(length),
        )
        self.asked.append(asked)
        said = self.script(asked)
        handler.send_response(said.status)
        for name, value in said.headers.items():
            handler.send_header(name, value)
        if said.endless:
            handler.send_header("Transfer-Encoding", "chunked")
        elif "Content-Length" not in said.headers:
            handler.send_header("Content-Length", str(len(said.body)))
        handler.end_headers()
        try:
            while said.endless:
                handler.wfile.write(b"1000\r\n" + bytes(0x1000) + b"\r\n")
            if handler.command != "HEAD":
                handler.wfile.write(said.body)
        except OSError:
            handler.close_connection = True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for opened in self._opened:
            opened.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def store(
        self,
        *,
        login: Login | None = None,
        waits: Waits | None = None,
        connecting: Connecting | None = None,
    ) -> RegistryStore:
        place = Repository(self.host, "team/model")
        how = connecting or Connecting(plain_http=True)
        http = Http(place, how, login or Login())
        self._opened.append(http)
        return RegistryStore(place, http, Patience(waits or Waits()))

    def paths(self, method: str = "") -> list[str]:
        return [a.path for a in self.asked if method in ("", a.method)]


Serve = Callable[[Script], Scripted]

ROOT = "/v2/team/model"
USER = Login(username="me", password="secret")
BASIC = "Basic bWU6c2VjcmV0"


def behind_login(inner: Script) -> Script:
    """Answer as a registry that wants the password of ``USER``."""

    def script(asked: Asked) -> Say:
        if asked.headers.get("authorization") != BASIC:
            return Say(401, {"WWW-Authenticate": 'Basic realm="here"'})
        return inner(asked)

    return script
