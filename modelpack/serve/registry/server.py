"""The embedded registry as a server that can be started and stopped."""

from __future__ import annotations

import contextlib
import functools
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from modelpack.disk.local import local
from modelpack.serve.connections import Connections
from modelpack.serve.registry.handler import Handler
from modelpack.serve.registry.repositories import Repositories


class RegistryServer:
    """A registry over ``directory``: ``DIR/NAME/`` is an image layout.

    Listens from the start; answers between ``start`` (or ``serve_forever``) and
    ``close``. Without a directory it keeps all in a temporary one. It asks
    nobody who they are: only loopback is safe. ``log`` hears of every answer.
    """

    def __init__(
        self,
        directory: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self._cleanup = contextlib.ExitStack()
        if directory is None:
            root = Path(self._cleanup.enter_context(tempfile.TemporaryDirectory()))
        else:
            root = directory
            with local(root):
                root.mkdir(parents=True, exist_ok=True)
        handler = functools.partial(
            Handler,
            repositories=Repositories(root, durable=directory is not None),
            log=log,
        )
        with local(f"{host}:{port}"):
            self._server = Connections((host, port), handler)
        self._thread: threading.Thread | None = None
        self._serving = False

    @property
    def address(self) -> str:
        """``HOST:PORT``, as it stands in a reference."""
        host, port = self._server.server_address[:2]
        name = str(host)
        return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def start(self) -> Self:
        """Answer in a thread of its own; once started, go on."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, daemon=True)
            self._serving = True
            self._thread.start()
        return self

    def serve_forever(self) -> None:
        """Answer until ``close``; once started, wait for that."""
        if self._thread is not None:
            self._thread.join()
        else:
            self._serving = True
            self._serve()

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.1)

    def close(self) -> None:
        """Stop, and end every connection."""
        if self._serving:
            self._server.shutdown()
        if self._thread is not None:
            self._thread.join()
        self._server.server_close()
        self._cleanup.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()
