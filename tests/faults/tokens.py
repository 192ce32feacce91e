"""Bearer tokens that soon expire: the server that gives them, and who asks for them."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.faults.faults import Answer, Fault, Head

USER, PASSWORD = "someone", "secret"
_BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class Tokens(Fault):
    """Asks for a token with every request; each is good for ``uses`` of them."""

    def __init__(self, uses: int, *, revoked: bool = False) -> None:
        self.issued = 0
        self.revoked = revoked
        self.realm = ""
        self._uses = uses
        self._left: dict[str, int] = {}
        self._lock = threading.Lock()

    def before(self, request: Head) -> Answer | None:
        with self._lock:
            shown = request.get("Authorization").removeprefix("Bearer ")
            left = self._left.get(shown, 0)
            if left:
                self._left[shown] = left - 1
                return None
        challenge = f'Bearer realm="{self.realm}",service="test",scope="any"'
        return Answer(401, {"WWW-Authenticate": challenge})

    def issue(self, authorization: str) -> str:
        """Return a new token for who shows the right password; else nothing."""
        with self._lock:
            if authorization != _BASIC or (self.revoked and self.issued):
                return ""
            self.issued += 1
            token = f"token-{self.issued}"
            self._left[token] = self._uses
            return token


@contextmanager
def tokens(uses: int, *, revoked: bool = False) -> Iterator[Tokens]:
    """Serve tokens; when ``revoked``, only the first."""
    made = Tokens(uses, revoked=revoked)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            token = made.issue(self.headers.get("Authorization", ""))
            body = json.dumps({"token": token}).encode()
            self.send_response(200 if token else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.realm = f"http://127.0.0.1:{server.server_port}/token"
    thread = threading.Thread(target=server.serve_forever, args=[0.02])
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
