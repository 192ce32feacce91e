"""Fetch blobs: in parallel, large ones in parallel ranges, digests checked."""

from __future__ import annotations

import mmap
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from modelpack.errors import ContentError, RegistryError
from modelpack.oci.patience import Patience
from modelpack.oci.store import Body, Source
from modelpack.transfer.arrival import Arrival
from modelpack.transfer.crew import Crew, Task
from modelpack.transfer.progress import Began, Done, Listener, Moved, Restarted

RANGE: Final = 16 << 20
_BLOCK: Final = 1 << 20
_PROGRESS: Final = 64 << 10  # a try that moved this much was not in vain


class _Ranges:
    """The ranges of one arrival: which wait, and how many are under way."""

    def __init__(self, arrival: Arrival, step: int) -> None:
        self.arrival = arrival
        self.waiting = [
            (at, min(at + step, end))
            for start, end in arrival.missing()
            for at in range(start, end, step)
        ]
        self.waiting.reverse()
        self.under_way = 0
        self.without_ranges = False
        self.lock = threading.Lock()

    def leave(self, *, done: bool) -> bool:
        """Count a stream out; True for the one that closes the arrival."""
        with self.lock:
            self.under_way -= 1
            return done and not self.under_way and not self.waiting

    def drop_all(self) -> None:
        """Note that the store begins each body at 0: one stream has to do it all."""
        with self.lock:
            self.without_ranges = True
            self.waiting.clear()


class Download:
    """Fetches arrivals from one source with one crew."""

    def __init__(
        self, source: Source, crew: Crew, patience: Patience, notify: Listener
    ) -> None:
        self._source = source
        self._crew = crew
        self._patience = patience
        self._notify = notify
        self._local = threading.local()

    def fetch(self, arrivals: Sequence[Arrival], step: int = RANGE) -> None:
        """Fetch every arrival into its slot, or raise; what came stays recorded."""
        for arrival in arrivals:
            self._notify(Began(name=arrival.name, size=arrival.blob.size))
            if arrival.resumed:
                self._moved(arrival, arrival.resumed, resumed=True)
        self._crew.run(self._tasks([_Ranges(a, step) for a in arrivals]))

    def _tasks(self, every: Sequence[_Ranges]) -> Iterator[Task]:
        """Yield a range at a time: each thread stays with its file while it can.

        A file that one stream fills from its start is hashed as it arrives.
        """
        for ranges in every:
            if not ranges.waiting:
                ranges.under_way = 1
                yield partial(self._close, ranges)
        last: dict[int, _Ranges] = {}
        while True:
            mine = last.get(threading.get_ident())
            if mine is None or not mine.waiting:
                waiting = [r for r in every if r.waiting]
                if not waiting:
                    return
                idle = (r for r in waiting if not r.under_way)
                mine = next(idle, None) or max(waiting, key=lambda r: len(r.waiting))
            last[threading.get_ident()] = mine
            with mine.lock:
                if not mine.waiting:
                    continue
                start, end = mine.waiting.pop()
                mine.under_way += 1
            yield partial(self._range, mine, start, end)

    def _range(self, ranges: _Ranges, start: int, end: int) -> None:
        done = False
        try:
            done = self._fill(ranges, start, end)
        finally:
            last = ranges.leave(done=done or ranges.without_ranges)
        if last:
            ranges.under_way = 1
            self._close(ranges)
        elif done:
            ranges.arrival.catch_up(self._buffer(), wait=False)

    def _close(self, ranges: _Ranges) -> None:
        """All streams have ended: check the whole, or fetch it in one stream."""
        arrival = ranges.arrival
        if ranges.without_ranges:
            self._one_stream(ranges)
        arrival.catch_up(self._buffer(), wait=True)
        if not arrival.holds() and arrival.resumed:
            # What an earlier run left is not what it should be: once more, clean.
            self._one_stream(ranges)
        if not arrival.holds():
            arrival.slot.discard()
            raise ContentError(
                f"{arrival.blob.digest}: the bytes that came have another digest",
                where=arrival.name,
                hint="the registry or the way to it alters data; the bytes are dropped",
            )
        arrival.slot.complete()
        size, digest = arrival.blob.size, arrival.blob.digest
        self._notify(Done(name=arrival.name, size=size, digest=digest, how="moved"))

    def _one_stream(self, ranges: _Ranges) -> None:
        ranges.arrival.begin_again()
        self._notify(Restarted(name=ranges.arrival.name, offset=0))
        ranges.without_ranges = True
        self._fill(ranges, 0, ranges.arrival.blob.size)

    def _fill(self, ranges: _Ranges, start: int, end: int) -> bool:
        """Fetch one range, through as many connections as it takes.

        False when it turns out that the store cannot begin in the middle.
        """
        arrival = ranges.arrival
        single = (start, end) == (0, arrival.blob.size)
        at = start
        failures = 0
        while at < end:
            before = at
            try:
                with self._source.open(arrival.blob, at, end) as body:
                    if body.start != at and not single:
                        ranges.drop_all()
                        return False
                    self._discard(body, at - body.start)
                    for reached in self._blocks(arrival, body, at, end):
                        at = reached
                        if ranges.without_ranges and not single:
                            return False
            except RegistryError as error:
                failures = 0 if at - before >= _PROGRESS else failures
                self._patience.pause(failures, error)
                failures += 1
            finally:
                arrival.slot.record(start, at)
        return True

    def _blocks(self, arrival: Arrival, body: Body, at: int, end: int) -> Iterator[int]:
        """Take in the body block by block; yield how far it has come."""
        buffer = self._buffer()
        while at < end:
            count = body.read_into(buffer[: min(len(buffer), end - at)])
            self._crew.stop.check()
            if not count:
                raise ContentError(
                    f"{arrival.blob.digest}: ends at {at} of {arrival.blob.size} bytes",
                    where=arrival.name,
                )
            arrival.wrote(at, buffer[:count])
            at += count
            self._moved(arrival, count)
            yield at

    def _discard(self, body: Body, count: int) -> None:
        """Read over bytes that are here already."""
        buffer = self._buffer()
        while count > 0:
            self._crew.stop.check()
            got = body.read_into(buffer[: min(len(buffer), count)])
            if not got:
                raise RegistryError("the body ended before the part asked for")
            count -= got

    def _moved(self, arrival: Arrival, count: int, *, resumed: bool = False) -> None:
        if not resumed:
            self._crew.width.moved(count)
        self._notify(Moved(name=arrival.name, count=count, resumed=resumed))

    def _buffer(self) -> memoryview:
        """Return this thread's buffer; page-aligned, reused for every block."""
        found: memoryview | None = getattr(self._local, "buffer", None)
        if found is None:
            found = self._local.buffer = memoryview(mmap.mmap(-1, _BLOCK))
        return found
