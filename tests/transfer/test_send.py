from __future__ import annotations

from dataclasses import replace

import pytest

from modelpack.errors import ContentError, RegistryError
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.store import Blocks, blocks_of
from modelpack.transfer.progress import Began, Done, Event, Moved, Restarted
from modelpack.transfer.send import SMALL
from tests.transfer.making import (
    MIB,
    FaultyStore,
    FaultyUpload,
    described,
    noise,
    outgoing,
    sender,
    sending,
)

BIG = noise(2 * MIB + 5)
HOW = sending(chunk=MIB)


def counted(events: list[Event]) -> int:
    """Add up what a listener counts for one file."""
    total = 0
    for event in events:
        match event:
            case Moved():
                total += event.count
            case Restarted():
                total = event.offset
            case _:
                pass
    return total


def test_a_large_blob_goes_in_chunks_and_is_read_once() -> None:
    store, events = FaultyStore(), list[Event]()
    assert sender(store, HOW, events).send(outgoing(BIG)) == Digest.of(BIG)
    assert store.put == []
    assert events[0] == Began(name="file", size=len(BIG))
    assert events[-1] == Done(
        name="file", size=len(BIG), digest=Digest.of(BIG), how="moved"
    )
    assert counted(events) == len(BIG)


@pytest.mark.parametrize("size", [0, 1, SMALL])
def test_a_small_blob_goes_in_one_request(size: int) -> None:
    store, events = FaultyStore(), list[Event]()
    content = noise(size)
    sender(store, HOW, events).send(outgoing(content))
    assert store.put == [Digest.of(content)]
    assert (store.begun, counted(events)) == (0, size)
    assert store.has(described(content))


@pytest.mark.parametrize("content", [b"small", BIG], ids=["small", "big"])
def test_what_is_there_already_is_not_sent(content: bytes) -> None:
    store, events = FaultyStore(), list[Event]()
    store.keep(Digest.of(content), content)
    sender(store, HOW, events).send(outgoing(content, Digest.of(content)))
    assert (store.put, store.begun, counted(events)) == ([], 0, 0)
    assert isinstance(events[-1], Done)
    assert events[-1].how == "exists"


@pytest.mark.parametrize(("hint", "begun"), [(True, 0), (False, 1)])
def test_a_large_blob_is_hashed_first_only_where_it_may_be_there(
    hint: bool,  # noqa: FBT001 - a parameter of the test
    begun: int,
) -> None:
    store = FaultyStore()
    store.keep(Digest.of(BIG), BIG)
    one = replace(sender(store, HOW, []), may_exist=lambda size: hint and size > 0)
    assert one.send(outgoing(BIG)) == Digest.of(BIG)
    assert store.begun == begun


def test_a_store_without_patch_gets_a_large_blob_whole() -> None:
    store, events = FaultyStore(), list[Event]()
    one = replace(sender(store, HOW, events), chunked=False)
    assert one.send(outgoing(BIG)) == Digest.of(BIG)
    assert (store.begun, store.put) == (0, [Digest.of(BIG)])
    assert counted(events) == len(BIG)


@pytest.mark.parametrize("known", [True, False])
def test_a_store_that_refuses_patch_gets_a_large_blob_whole(
    known: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    def refuses(self: FaultyUpload, blocks: Blocks, size: int) -> None:
        self.take(blocks, size, 0)
        raise RegistryError("no", status=405)

    store, events = FaultyStore(spoil=refuses), list[Event]()
    digest = Digest.of(BIG) if known else None
    assert sender(store, HOW, events).send(outgoing(BIG, digest)) == Digest.of(BIG)
    assert store.put == [Digest.of(BIG)]
    assert store.has(described(BIG))
    assert counted(events) == len(BIG)


def test_a_blob_is_taken_from_the_first_repository_that_has_it() -> None:
    class Mounting(FaultyStore):
        def mount(self, blob: Descriptor, origin: str) -> bool:
            asked.append(origin)
            if origin == "b":
                self.keep(blob.digest, BIG)
            return origin == "b"

    asked: list[str] = []
    events: list[Event] = []
    store = Mounting()
    one = replace(sender(store, HOW, events), mount_from=("a", "b", "c"))
    one.send(outgoing(BIG, Digest.of(BIG)))
    assert asked == ["a", "b"]
    assert isinstance(events[-1], Done)
    assert (events[-1].how, store.begun) == ("mounted", 0)


def test_bytes_that_are_not_those_remembered_are_refused() -> None:
    store, events = FaultyStore(), list[Event]()
    stale = Digest.of(b"what it was yesterday")
    with pytest.raises(ContentError, match=r"^file: its bytes") as caught:
        sender(store, HOW, events).send(outgoing(BIG, stale))
    assert "--rehash" in caught.value.hint
    assert not any(isinstance(event, Done) for event in events)


def test_small_bytes_that_are_not_those_remembered_are_refused_too() -> None:
    store = FaultyStore()
    with pytest.raises(ContentError):
        sender(store, HOW, []).send(outgoing(b"new", Digest.of(b"old")))
    assert not store.has(described(b"old"))


def test_a_command_that_is_over_stops_at_the_next_block() -> None:
    class Over(Exception):
        pass

    blocks_seen: list[int] = []

    def check() -> None:
        blocks_seen.append(1)
        if len(blocks_seen) == 2:
            raise Over

    store = FaultyStore()
    with pytest.raises(Over):
        sender(store, replace(HOW, check=check), []).send(outgoing(BIG))
    assert len(blocks_seen) == 2
    assert not store.has(described(BIG))
    assert b"".join(map(bytes, blocks_of(BIG)(0, len(BIG)))) == BIG
