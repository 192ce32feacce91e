"""One pool of threads for one command, as wide as the link rewards.

Threads, not async: hashing, TLS and file writes release the interpreter lock,
and a thread that blocks on one socket is easy to read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from modelpack.errors import RegistryError

Task = Callable[[], None]

_START: Final = 4
MOST: Final = 16
_STEP: Final = 4
_LOOK_SECONDS: Final = 0.4
_REST_SECONDS: Final = 0.5  # for all threads together, after Ctrl-C
_BUSY: Final = 0.5  # of one core: from here on the link is not what limits


class Halted(Exception):
    """Another part of the command failed or was interrupted: stop here."""


class Stop:
    """The one switch that ends a command's threads at their next block."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def check(self) -> None:
        """Raise ``Halted`` if the command is over."""
        if self._event.is_set():
            raise Halted

    def wait(self, seconds: float, _error: RegistryError | None = None) -> None:
        """Sleep, but wake up and raise ``Halted`` when the command is over."""
        if self._event.wait(seconds):
            raise Halted


class Width:
    """How many streams are under way: more while that makes it faster.

    With ``jobs`` the number is fixed. Without, it starts at 4 and grows by 4 as
    long as each step brings at least half of what as many more streams could
    bring; a step that does not is taken back. A link that limits each connection
    wants many. Where this process is what is busy, more threads only take the
    interpreter lock from each other, and the number stays.
    """

    def __init__(
        self,
        jobs: int | None,
        clock: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.process_time,
    ) -> None:
        self.now = jobs or _START
        self._settled = jobs is not None
        self._clock = clock
        self._cpu = cpu
        self._since = clock(), cpu()
        self._bytes = 0
        self._wanted = 0.0
        self._lock = threading.Lock()

    @property
    def most(self) -> int:
        """The widest that this can get."""
        return self.now if self._settled else MOST

    def moved(self, count: int) -> None:
        """Hear that ``count`` bytes went through."""
        if self._settled:
            return
        with self._lock:
            self._bytes += count
            elapsed = self._clock() - self._since[0]
            if elapsed >= _LOOK_SECONDS and not self._settled:
                busy = (self._cpu() - self._since[1]) / elapsed
                self._judge(self._bytes / elapsed, busy)
                self._bytes = 0
                self._since = self._clock(), self._cpu()

    def _judge(self, rate: float, busy: float) -> None:
        """Decide from bytes a second, and from the cores that it took."""
        if busy > _BUSY:
            self._settled = True
        elif rate >= self._wanted:
            wider = min(self.now + _STEP, MOST)
            self._wanted = rate * (1 + (wider / self.now - 1) / 2)
            self.now = wider
            self._settled = wider == MOST
        else:
            self.now = max(self.now - _STEP, _START)
            self._settled = True


class Crew:
    """Runs tasks on daemon threads; the first failure ends them all."""

    def __init__(self, width: Width, stop: Stop) -> None:
        self.width = width
        self.stop = stop
        self._busy = 0
        self._turn = threading.Condition()
        self._failure: BaseException | None = None

    def run(self, tasks: Iterable[Task]) -> None:
        """Do every task, or raise the first failure once all threads rest.

        ``tasks`` may be a generator: it is asked for the next one when a thread
        is free, so that what it yields can depend on what has been done.
        """
        queue = iter(tasks)
        threads = [
            threading.Thread(target=self._work, args=(queue,), daemon=True)
            for _ in range(self.width.most)
        ]
        started = []
        try:
            for thread in threads:
                thread.start()
                started.append(thread)
            for thread in started:
                thread.join()
        except BaseException:  # Ctrl-C: let the threads see it, and do not wait long
            self.stop.set()
            with self._turn:
                self._turn.notify_all()
            until = time.monotonic() + _REST_SECONDS
            for thread in started:
                thread.join(timeout=max(0, until - time.monotonic()))
            raise
        if self._failure is not None:
            raise self._failure

    def _work(self, queue: Iterator[Task]) -> None:
        try:
            while (task := self._next(queue)) is not None:
                try:
                    task()
                finally:
                    with self._turn:
                        self._busy -= 1
                        self._turn.notify_all()
        except Halted:
            return
        except BaseException as error:  # noqa: BLE001 - handed to the caller of run()
            with self._turn:
                self._failure = self._failure or error
            self.stop.set()
            with self._turn:
                self._turn.notify_all()

    def _next(self, queue: Iterator[Task]) -> Task | None:
        with self._turn:
            while self._busy >= self.width.now:
                self.stop.check()
                self._turn.wait(timeout=_LOOK_SECONDS)
            self.stop.check()
            task = next(queue, None)
            if task is not None:
                self._busy += 1
            return task
