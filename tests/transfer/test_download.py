from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from modelpack.errors import ContentError, NotFound, RegistryError
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.memory import MemoryBody, MemoryStore
from modelpack.transfer.arrival import Arrival
from modelpack.transfer.download import Download
from modelpack.transfer.progress import Began, Done, Event, Moved, Restarted
from tests.transfer.making import (
    MIB,
    FaultyBody,
    MemorySlot,
    Waits,
    crew,
    described,
    noise,
    patience,
)

STEP = MIB
CONTENT = noise(5 * MIB + 9)
BLOB = described(CONTENT)


@dataclass(slots=True)
class FaultySource(MemoryStore):
    """Answers with what ``answer`` makes of the request; counts the requests."""

    answer: Callable[[bytes, int, int, int], MemoryBody] | None = None
    opened: list[tuple[int, int]] = field(default_factory=list)

    def open(
        self, blob: Descriptor, start: int = 0, end: int | None = None
    ) -> MemoryBody:
        stop = blob.size if end is None else end
        self.opened.append((start, stop))
        if self.answer is None:
            return MemoryStore.open(self, blob, start, end)
        content = MemoryStore.open(self, blob)
        buffer = memoryview(bytearray(blob.size))
        content.read_into(buffer)
        return self.answer(bytes(buffer), start, stop, len(self.opened))


def source(
    *contents: bytes,
    answer: Callable[[bytes, int, int, int], MemoryBody] | None = None,
) -> FaultySource:
    made = FaultySource(answer=answer)
    for content in contents:
        made.keep(described(content).digest, content)
    return made


def fetch(
    store: FaultySource,
    *arrivals: Arrival,
    jobs: int = 3,
    events: list[Event] | None = None,
    waits: Waits | None = None,
) -> None:
    heard = events if events is not None else []
    download = Download(store, crew(jobs), patience(waits=waits), heard.append)
    download.fetch(arrivals, STEP)


def arrival(blob: Descriptor = BLOB, slot: MemorySlot | None = None) -> Arrival:
    return Arrival("file", blob, slot or MemorySlot(blob.size))


def slot_of(one: Arrival) -> MemorySlot:
    assert isinstance(one.slot, MemorySlot)
    return one.slot


def assert_arrived(one: Arrival, content: bytes = CONTENT) -> None:
    slot = slot_of(one)
    assert bytes(slot.content) == content
    assert slot.completed == 1


@pytest.mark.parametrize("jobs", [1, 2, 7])
def test_a_blob_comes_in_ranges_each_asked_for_once(jobs: int) -> None:
    store, one, events = source(CONTENT), arrival(), list[Event]()
    fetch(store, one, jobs=jobs, events=events)
    assert_arrived(one)
    assert sorted(store.opened) == [
        (at, min(at + STEP, len(CONTENT))) for at in range(0, len(CONTENT), STEP)
    ]
    assert events[0] == Began(name="file", size=BLOB.size)
    assert sum(e.count for e in events if isinstance(e, Moved)) == BLOB.size
    assert events[-1] == Done(
        name="file", size=BLOB.size, digest=BLOB.digest, how="moved"
    )


def test_many_blobs_come_together_also_two_of_the_same_bytes() -> None:
    contents = [b"", b"x", noise(STEP), CONTENT, CONTENT, noise(STEP + 1, 3), b""]
    store = source(*contents)
    arrivals = [arrival(described(content)) for content in contents]
    fetch(store, *arrivals)
    for one, content in zip(arrivals, contents, strict=True):
        assert_arrived(one, content)


def test_nothing_is_asked_for_a_blob_without_bytes() -> None:
    store, one = source(b""), arrival(described(b""))
    fetch(store, one)
    assert_arrived(one, b"")
    assert store.opened == []


@pytest.mark.parametrize("jobs", [1, 4])
def test_a_source_that_ignores_ranges_gives_the_whole_in_one_stream(jobs: int) -> None:
    def whole(content: bytes, _start: int, _stop: int, _count: int) -> MemoryBody:
        return MemoryBody(content, 0, len(content))

    store, one, events = source(CONTENT, answer=whole), arrival(), list[Event]()
    fetch(store, one, jobs=jobs, events=events)
    assert_arrived(one)
    assert store.opened[-1] == (0, BLOB.size)
    assert any(isinstance(event, Restarted) for event in events)


def test_a_broken_whole_body_is_read_over_up_to_where_it_was() -> None:
    def broken(content: bytes, _start: int, _stop: int, count: int) -> MemoryBody:
        if count == 3:
            return FaultyBody(content, 0, 3 * MIB, breaks=True)
        return MemoryBody(content, 0, len(content))

    store, one = source(CONTENT, answer=broken), arrival()
    fetch(store, one, jobs=1)
    assert_arrived(one)
    assert store.opened[-1] == (3 * MIB, BLOB.size)


def test_a_body_that_breaks_goes_on_from_there() -> None:
    def short(content: bytes, start: int, stop: int, count: int) -> MemoryBody:
        if count % 2:
            middle = min(start + 300_000, stop)
            return FaultyBody(content, start, middle, breaks=True)
        return MemoryBody(content, start, stop)

    waits = Waits()
    store, one, events = source(CONTENT, answer=short), arrival(), list[Event]()
    fetch(store, one, jobs=1, events=events, waits=waits)
    assert_arrived(one)
    # Not one byte came twice, and each break that followed progress is a first one.
    assert sum(e.count for e in events if isinstance(e, Moved)) == BLOB.size
    assert set(waits.seconds) == {0.25}


def test_a_body_that_never_moves_is_given_up_and_what_came_is_recorded() -> None:
    def stuck(content: bytes, start: int, stop: int, _count: int) -> MemoryBody:
        at = STEP + 1000
        if start < STEP:
            return MemoryBody(content, start, stop)
        return FaultyBody(content, start, max(start, at), breaks=True)

    waits = Waits()
    store, one = source(CONTENT, answer=stuck), arrival()
    with pytest.raises(RegistryError, match="early"):
        fetch(store, one, jobs=1, waits=waits)
    slot = slot_of(one)
    assert waits.seconds == [0.25, 0.5, 1.0, 2.0]
    assert (0, STEP) in slot.records
    assert (STEP, STEP + 1000) in slot.records
    assert slot.completed == 0
    # The next run asks only for the rest.
    again = source(CONTENT)
    two = Arrival("file", BLOB, slot)
    fetch(again, two, jobs=1)
    assert_arrived(two)
    assert min(again.opened) == (STEP + 1000, 2 * STEP + 1000)


def test_a_body_that_ends_in_silence_is_a_lie() -> None:
    def silent(content: bytes, start: int, stop: int, _count: int) -> MemoryBody:
        return FaultyBody(content, start, stop - 1, breaks=False)

    store, one = source(CONTENT, answer=silent), arrival()
    with pytest.raises(ContentError, match="ends at"):
        fetch(store, one)
    assert slot_of(one).completed == 0


@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.parametrize("at", [0, 3 * MIB, len(CONTENT) - 1])
def test_wrong_bytes_of_the_right_length_are_never_complete(at: int, jobs: int) -> None:
    def wrong(content: bytes, start: int, stop: int, _count: int) -> MemoryBody:
        altered = bytearray(content)
        altered[at] ^= 1
        return MemoryBody(bytes(altered), start, stop)

    store, one, events = source(CONTENT, answer=wrong), arrival(), list[Event]()
    with pytest.raises(ContentError, match=r"^file: .*another digest"):
        fetch(store, one, jobs=jobs, events=events)
    slot = slot_of(one)
    assert (slot.completed, slot.records) == (0, [])
    assert not any(isinstance(event, Done) for event in events)


def test_damage_in_what_was_resumed_is_fetched_once_more() -> None:
    slot = MemorySlot(BLOB.size, [(0, CONTENT[: 2 * MIB]), (3 * MIB, b"x" * MIB)])
    store, events = source(CONTENT), list[Event]()
    one = arrival(slot=slot)
    fetch(store, one, events=events)
    assert_arrived(one)
    assert slot.discarded == 1
    assert store.opened.count((0, BLOB.size)) == 1
    resumed = [e.count for e in events if isinstance(e, Moved) and e.resumed]
    assert resumed == [3 * MIB]
    assert Restarted(name="file", offset=0) in events


def test_resumed_bytes_of_a_lying_source_are_fetched_once_more_and_no_more() -> None:
    def wrong(content: bytes, start: int, stop: int, _count: int) -> MemoryBody:
        return MemoryBody(bytes(len(content)), start, stop)

    slot = MemorySlot(BLOB.size, [(0, CONTENT[:MIB])])
    store, one = source(CONTENT, answer=wrong), arrival(slot=slot)
    with pytest.raises(ContentError):
        fetch(store, one, jobs=1)
    assert store.opened.count((0, BLOB.size)) == 1
    assert slot.completed == 0


def test_what_is_all_there_is_hashed_and_not_asked_for() -> None:
    slot = MemorySlot(BLOB.size, [(0, CONTENT)])
    store, one = source(CONTENT), arrival(slot=slot)
    fetch(store, one)
    assert_arrived(one)
    assert store.opened == []


def test_a_blob_that_is_missing_ends_the_pull_at_once() -> None:
    waits = Waits()
    there, gone = arrival(), arrival(described(b"never stored"))
    with pytest.raises(NotFound):
        fetch(source(CONTENT), gone, there, waits=waits)
    assert waits.seconds == []
