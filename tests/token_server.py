"""Where a registry with token authentication sends its clients.

After the "Token Authentication Specification" of the distribution registry: a client
shows a name and password (GET) or an identity token (POST, "OAuth2"), and gets a token
for the scopes that it asked for.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a client shows, and the scopes that it wants."""

    scopes: tuple[str, ...]
    authorization: str = ""
    identity: str = ""

    def shows(self, username: str, password: str) -> bool:
        """Whether it shows this name and password."""
        right = base64.b64encode(f"{username}:{password}".encode()).decode()
        return self.authorization == f"Basic {right}"


class Issuer(Protocol):
    """Decides who gets which token."""

    def issue(self, asked: Asked, /) -> Mapping[str, str | int] | None:
        """Return the answer's members; None is a refusal."""
        ...


@contextmanager
def token_server(issuer: Issuer) -> Iterator[str]:
    """Serve tokens on a free loopback port; yield the realm."""
    listener = ThreadingHTTPServer(("127.0.0.1", 0), _handler(issuer))
    thread = threading.Thread(target=listener.serve_forever, args=[0.02])
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.server_port}/token"
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


def _handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            authorization = self.headers.get("Authorization", "")
            self._answer(Asked(scopes=_scopes(query), authorization=authorization))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = parse_qs(body)
            asked = form if form.get("grant_type") == ["refresh_token"] else {}
            identity = "".join(asked.get("refresh_token", ()))
            self._answer(Asked(scopes=_scopes(form), identity=identity))

        def log_message(self, *_: object) -> None:
            """Keep the tests' output free of access logs."""

        def _answer(self, asked: Asked) -> None:
            given = issuer.issue(asked)
            body = json.dumps(given or {"errors": []}).encode()
            self.send_response(401 if given is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _scopes(fields: Mapping[str, list[str]]) -> tuple[str, ...]:
    return tuple(scope for text in fields.get("scope", ()) for scope in text.split())
