"""What one command shares: its threads, its patience, its stream of events."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from modelpack.api.settings import Settings
from modelpack.errors import RegistryError
from modelpack.oci.patience import Patience
from modelpack.transfer.crew import Crew, Stop, Width
from modelpack.transfer.progress import Event, Listener, Waiting, Warned

if TYPE_CHECKING:
    from modelpack.disk.digests import DigestCache


class Command:
    """Wires the pieces that every verb needs, from ``Settings``."""

    def __init__(self, settings: Settings | None, notify: Listener) -> None:
        self.settings = settings or Settings.from_environment()
        self.notify = _one_at_a_time(notify)
        self.stop = Stop()
        self.crew = Crew(Width(self.settings.jobs), self.stop)
        self.patience = Patience(
            self._wait, tries=self.settings.tries, first=self.settings.first_wait
        )

    def _wait(self, seconds: float, error: RegistryError) -> None:
        self.notify(Waiting(reason=str(error), seconds=seconds))
        self.stop.wait(seconds)

    def open_cache(self) -> DigestCache:
        """Return this user's digest cache; in memory where there is no folder."""
        from modelpack.disk.digests import DigestCache

        folder = self.settings.cache
        path = folder / "digests.sqlite" if folder else Path(":memory:")
        return DigestCache(path, clock=time.time_ns, warn=self.warn)

    def warn(self, message: str) -> None:
        self.notify(Warned(message=message))


def _one_at_a_time(notify: Listener) -> Listener:
    """Call a listener from one thread at a time: it need not know of threads."""
    turn = threading.Lock()

    def tell(event: Event) -> None:
        with turn:
            notify(event)

    return tell
