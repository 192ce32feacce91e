"""The issuer and the log, over HTTP."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST = "127.0.0.1"

Answer = Callable[[str, bytes | None], object]
"""Path and, where something was posted, the body; None is not found."""


@contextmanager
def served(make: Callable[[str], Answer]) -> Iterator[str]:
    """Serve JSON on a free loopback port; `make` is told the address."""
    listener = ThreadingHTTPServer((HOST, 0), BaseHTTPRequestHandler)
    url = f"http://{HOST}:{listener.server_port}"
    listener.RequestHandlerClass = _handler(make(url))
    thread = threading.Thread(target=listener.serve_forever, args=[0.05])
    thread.start()
    try:
        yield url
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


def _handler(answer: Answer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(answer(self.path, None))

        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            self._answer(answer(self.path, self.rfile.read(size)))

        def log_message(self, *_: object) -> None:
            """Keep the tests' output free of access logs."""

        def _answer(self, document: object) -> None:
            body = b"" if document is None else json.dumps(document).encode()
            self.send_response(HTTPStatus.OK if body else HTTPStatus.NOT_FOUND)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
