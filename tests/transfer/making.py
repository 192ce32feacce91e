"""What the tests of this room are made of: slots, waits, and stores with faults."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

from modelpack.errors import NotFound, RegistryError
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.memory import MemoryBody, MemoryStore, MemoryUpload
from modelpack.oci.patience import Patience
from modelpack.oci.store import Blocks, Store, blocks_of
from modelpack.transfer.crew import Crew, Stop, Width
from modelpack.transfer.progress import Event
from modelpack.transfer.send import Outgoing, Sender
from modelpack.transfer.upload import ChunkedUpload, NoSessions, Sending, Sessions

OCTETS = "application/octet-stream"
KIB = 1 << 10
MIB = 1 << 20


def noise(size: int, seed: int = 1) -> bytes:
    """Return bytes that repeat nowhere, the same in each run."""
    return random.Random(seed).randbytes(size)  # noqa: S311


def described(content: bytes) -> Descriptor:
    return Descriptor.of(content, OCTETS)


@dataclass(slots=True)
class Waits:
    """Counts instead of sleeping."""

    seconds: list[float] = field(default_factory=list)

    def __call__(self, seconds: float, error: RegistryError) -> None:
        del error
        self.seconds.append(seconds)


def patience(tries: int = 5, waits: Waits | None = None) -> Patience:
    return Patience(waits or Waits(), tries=tries)


def crew(jobs: int = 4) -> Crew:
    return Crew(Width(jobs), Stop())


class MemorySlot:
    """Implements ``Slot``; ``left`` is what an earlier run has recorded."""

    def __init__(self, size: int, left: Sequence[tuple[int, bytes]] = ()) -> None:
        self.content = bytearray(size)
        self.records: list[tuple[int, int]] = []
        self.discarded = 0
        self.completed = 0
        for start, block in left:
            self.content[start : start + len(block)] = block
            self.records.append((start, start + len(block)))

    def write(self, offset: int, block: memoryview, /) -> None:
        self.content[offset : offset + len(block)] = block

    def read_into(self, offset: int, buffer: memoryview, /) -> int:
        block = self.content[offset : offset + len(buffer)]
        buffer[: len(block)] = block
        return len(block)

    def finished(self) -> Sequence[tuple[int, int]]:
        return self.records

    def record(self, start: int, end: int, /) -> None:
        self.records.append((start, end))

    def discard(self) -> None:
        self.records = []
        self.discarded += 1

    def complete(self) -> None:
        self.completed += 1


@dataclass(slots=True)
class KeptSessions:
    """Implements ``Sessions`` in memory."""

    known: dict[str, str] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)

    def recall(self, key: str) -> str:
        return self.known.get(key, "")

    def remember(self, key: str, session: str) -> None:
        self.known[key] = session

    def forget(self, key: str) -> None:
        self.known.pop(key, None)

    def finish(self, key: str) -> None:
        self.sent.add(key)

    def finished(self, key: str) -> bool:
        return key in self.sent

    def clear(self) -> None:
        self.known.clear()
        self.sent.clear()


@dataclass(slots=True)
class FaultyUpload(MemoryUpload):
    """Asks its store's ``spoil`` before each chunk; notes what went over the wire."""

    faults: FaultyStore = field(kw_only=True)

    def append(self, blocks: Blocks, size: int) -> None:
        self.faults.appended.append((self.offset, size))
        spoil = self.faults.spoil
        if spoil is None:
            MemoryUpload.append(self, blocks, size)
        else:
            spoil(self, blocks, size)

    def take(self, blocks: Blocks, size: int, kept: int) -> None:
        """Take ``size`` bytes off the wire and keep the first ``kept``."""
        content = b"".join(map(bytes, blocks(self.offset, self.offset + size)))
        self._content += content[:kept]

    def lose(self) -> None:
        """Be forgotten by the store."""
        self.faults.uploads.pop(self.session, None)


Spoil = Callable[[FaultyUpload, Blocks, int], None]


@dataclass(slots=True)
class FaultyStore(MemoryStore):
    """A ``MemoryStore`` whose uploads can be spoiled."""

    spoil: Spoil | None = None
    appended: list[tuple[int, int]] = field(default_factory=list)
    put: list[Digest] = field(default_factory=list)
    begun: int = 0
    smallest: int = 0

    def begin(self, session: str = "") -> MemoryUpload:
        if session:
            return MemoryStore.begin(self, session)
        self.begun += 1
        upload = FaultyUpload(self, f"upload-{self.begun}", self.smallest, faults=self)
        self.uploads[upload.session] = upload
        return upload

    def put_blob(self, blob: Descriptor, blocks: Blocks) -> None:
        self.put.append(blob.digest)
        MemoryStore.put_blob(self, blob, blocks)


class FaultyBody(MemoryBody):
    """A body that ends early, with an error or in silence."""

    def __init__(self, content: bytes, start: int, end: int, *, breaks: bool) -> None:
        super().__init__(content, start, end)
        self._breaks = breaks

    def read_into(self, buffer: memoryview, /) -> int:
        count = super().read_into(buffer)
        if not count and self._breaks:
            raise RegistryError("the body ended early")
        return count

    def __enter__(self) -> Self:
        return self


def sending(*, chunk: int, tries: int = 5, sessions: Sessions | None = None) -> Sending:
    return Sending(
        patience=patience(tries),
        check=lambda: None,
        sessions=sessions or NoSessions(),
        chunk=chunk,
    )


@dataclass(slots=True)
class Noted:
    """Hears what an upload says of itself."""

    moved: int = 0
    resumed: list[int] = field(default_factory=list)
    restarted: list[int] = field(default_factory=list)

    def count(self, count: int) -> None:
        self.moved += count


def upload(
    store: MemoryStore, content: bytes, how: Sending, noted: Noted | None = None
) -> ChunkedUpload:
    noted = noted or Noted()
    return ChunkedUpload(
        store=store,
        blocks=blocks_of(content),
        size=len(content),
        key="key",
        sending=how,
        moved=noted.count,
        resumed=noted.resumed.append,
        restarted=noted.restarted.append,
    )


def sender(store: Store, how: Sending, events: list[Event]) -> Sender:
    return Sender(
        store=store, sending=how, notify=events.append, width_moved=lambda _: None
    )


def outgoing(content: bytes, digest: Digest | None = None) -> Outgoing:
    return Outgoing(
        name="file",
        key="key",
        size=len(content),
        blocks=blocks_of(content),
        digest=digest,
    )


def counting_blocks(content: bytes, asked: list[tuple[int, int]]) -> Blocks:
    """Offer bytes, and note which were asked for."""
    inner = blocks_of(content)

    def blocks(start: int, end: int) -> Iterator[memoryview]:
        asked.append((start, end))
        return inner(start, end)

    return blocks


def forgotten() -> NotFound:
    return NotFound("no such upload", status=404)
