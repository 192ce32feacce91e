"""The admission service as a server that can be started and stopped."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from modelpack.disk.local import local
from modelpack.serve.admission.doors import Carrying
from modelpack.serve.admission.handler import Budget, Handler, Site
from modelpack.serve.admission.listening import (
    MOST_CONNECTIONS,
    SecureConnections,
    tls_context,
)
from modelpack.serve.admission.service import Service
from modelpack.serve.admission.watch import Watched, Watcher, contents


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where to listen, and with which certificate.

    ``seconds`` is how long a caller waits that does not say it; every ``every`` seconds
    files are looked at for changes; no more than ``connections`` are open at a time.
    """

    certificate: Path
    key: Path
    host: str = "127.0.0.1"
    port: int = 0
    seconds: float = 10.0
    every: float = 10.0
    connections: int = MOST_CONNECTIONS


class AdmissionServer:
    """Answers over HTTPS between ``start`` (or ``serve_forever``) and ``close``.

    The certificate is read again when it changes, and so are ``policies``. ``told``
    hears of both; ``leave`` is called at the end.
    """

    def __init__(
        self,
        service: Service,
        listening: Listening,
        *,
        carrying: Carrying,
        policies: Watched | None = None,
        leave: Callable[[], None] = lambda: None,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._service = service
        self._pair = listening.certificate, listening.key
        self.told = told
        self._leave = leave
        site = Site(
            service=service,
            carrying=carrying,
            seconds=listening.seconds,
            ready=self._fault,
            budget=Budget(),
        )
        certificate = Watched(
            "certificate", self._pair, self._renew, contents(self._pair)
        )
        address = listening.host, listening.port
        with local(f"{listening.host}:{listening.port}"):
            self._server = SecureConnections(
                address,
                functools.partial(Handler, site=site),
                tls_context(*self._pair),
                service.clock,
                listening.connections,
            )
        self.watched = (certificate, *([policies] if policies is not None else []))
        self._watcher = Watcher(self.watched, listening.every, self._reloaded)
        self._thread = threading.Thread(target=self._serve)
        self._ending = False
        gauges = service.metrics.gauges
        gauges["under_way"] = lambda: service.decider.under_way
        gauges["stale"] = lambda: sum(bool(each.fault) for each in self.watched)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def start(self) -> Self:
        """Answer in a thread of its own."""
        self._watcher.__enter__()
        self._thread.start()
        return self

    def serve_forever(self) -> None:
        """Answer until interrupted."""
        self.start()
        self._thread.join()

    def drain(self, seconds: float) -> None:
        """Say that it is not ready, and go on for as long as others need to hear it."""
        self._ending = True
        self._thread.join(seconds)

    def close(self) -> None:
        """Stop, and end every connection."""
        self._ending = True
        self._server.shutdown()
        self._thread.join()
        self._watcher.__exit__()
        self._server.server_close()
        self._service.decider.close()
        self._leave()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.1)

    def _fault(self) -> str:
        return "ending" if self._ending else ""

    def _renew(self) -> None:
        self._server.context = tls_context(*self._pair)

    def _reloaded(self, watched: Watched, done: bool) -> None:  # noqa: FBT001 - a fact
        self._service.metrics.count(
            "reloads_total", what=watched.name, success=str(done).lower()
        )
        self.told(f"read {watched.name} again" if done else f"kept: {watched.fault}")
