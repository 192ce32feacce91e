from __future__ import annotations

import itertools
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelpack.oci.digest import Digest
from modelpack.transfer.arrival import Arrival, Extents
from tests.transfer.making import MemorySlot, described, noise


@st.composite
def cuts(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    """Draw a size, and ranges that cover it once, in any order."""
    size = draw(st.integers(0, 200))
    points = draw(st.sets(st.integers(1, max(size - 1, 1)), max_size=12))
    edges = sorted({0, size, *(p for p in points if p < size)})
    ranges = list(itertools.pairwise(edges))
    return size, draw(st.permutations(ranges))


@given(cuts(), st.data())
@settings(max_examples=60, deadline=None)
def test_prefix_and_gaps_are_those_of_the_set_of_bytes(
    cut: tuple[int, list[tuple[int, int]]], data: st.DataObject
) -> None:
    size, ranges = cut
    taken = ranges[: data.draw(st.integers(0, len(ranges)))]
    extents = Extents()
    present: set[int] = set()
    for start, end in taken:
        extents.add(start, end)
        present |= set(range(start, end))
        missing = [at for at in range(size) if at not in present]
        assert extents.prefix == (missing[0] if missing else size)
        gaps = extents.gaps(size)
        assert [at for start, end in gaps for at in range(start, end)] == missing
        # Neighbouring gaps melt together: there are no two where one would do.
        assert all(a[1] < b[0] for a, b in itertools.pairwise(gaps))


@given(cuts(), st.data())
@settings(max_examples=60, deadline=None)
def test_blocks_in_any_order_give_the_digest(
    cut: tuple[int, list[tuple[int, int]]], data: st.DataObject
) -> None:
    size, ranges = cut
    content = noise(size)
    arrival = Arrival("file", described(content), MemorySlot(size))
    buffer = memoryview(bytearray(data.draw(st.integers(1, 64))))
    for start, end in ranges:
        assert not arrival.holds() or not size
        arrival.wrote(start, memoryview(content)[start:end])
        if data.draw(st.booleans()):
            arrival.catch_up(buffer, wait=False)
    arrival.catch_up(buffer, wait=True)
    assert arrival.hashed == size
    assert arrival.missing() == []
    assert arrival.holds()


@given(cuts(), st.data())
@settings(max_examples=60, deadline=None)
def test_what_an_earlier_run_left_is_hashed_again_and_not_fetched(
    cut: tuple[int, list[tuple[int, int]]], data: st.DataObject
) -> None:
    size, ranges = cut
    content = noise(size)
    split = data.draw(st.integers(0, len(ranges)))
    kept, rest = ranges[:split], ranges[split:]
    slot = MemorySlot(size, [(a, content[a:b]) for a, b in kept])
    arrival = Arrival("file", described(content), slot)
    assert arrival.resumed == sum(b - a for a, b in kept)
    assert sum(b - a for a, b in arrival.missing()) == size - arrival.resumed
    for start, end in rest:
        arrival.wrote(start, memoryview(content)[start:end])
    arrival.catch_up(memoryview(bytearray(7)), wait=True)
    assert arrival.holds()


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 130)), max_size=8))
@settings(max_examples=60, deadline=None)
def test_a_record_that_makes_no_sense_is_believed_only_so_far(
    records: list[tuple[int, int]],
) -> None:
    slot = MemorySlot(100)
    slot.records = records
    arrival = Arrival("file", described(noise(100)), slot)
    missing = sum(b - a for a, b in arrival.missing())
    assert arrival.resumed + missing == 100


def test_one_wrong_bit_does_not_hold() -> None:
    content = noise(100)
    wrong = bytearray(content)
    wrong[50] ^= 1
    arrival = Arrival("file", described(content), MemorySlot(100))
    arrival.wrote(0, memoryview(wrong))
    assert arrival.hashed == 100
    assert not arrival.holds()


def test_damage_on_the_disk_is_found_in_resumed_bytes() -> None:
    content = noise(100)
    slot = MemorySlot(100, [(0, content[:60])])
    slot.content[30] ^= 1
    arrival = Arrival("file", described(content), slot)
    arrival.wrote(60, memoryview(content)[60:])
    arrival.catch_up(memoryview(bytearray(16)), wait=True)
    assert not arrival.holds()
    arrival.begin_again()
    assert (slot.discarded, arrival.resumed, arrival.hashed) == (1, 0, 0)
    assert arrival.missing() == [(0, 100)]
    arrival.wrote(0, memoryview(content))
    assert arrival.holds()


def test_nothing_at_all_has_a_digest_too() -> None:
    arrival = Arrival("file", described(b""), MemorySlot(0))
    assert arrival.missing() == []
    assert arrival.holds()


def test_a_sha512_digest_is_held_to_sha512() -> None:
    content = noise(10)
    hasher = Digest("sha512", "0" * 128).hasher()
    hasher.update(content)
    blob = described(content)
    object.__setattr__(blob, "digest", Digest("sha512", hasher.hexdigest()))
    arrival = Arrival("file", blob, MemorySlot(10))
    arrival.wrote(0, memoryview(content))
    assert arrival.holds()


@pytest.mark.parametrize("threads", [2, 5])
def test_many_threads_make_one_hash(threads: int) -> None:
    content = noise(100_000)
    arrival = Arrival("file", described(content), MemorySlot(len(content)))
    pieces = [(at, at + 500) for at in range(0, len(content), 500)]
    ready = threading.Barrier(threads, timeout=30)

    def work(number: int) -> None:
        ready.wait()
        buffer = memoryview(bytearray(333))
        for start, end in pieces[number::threads]:
            arrival.wrote(start, memoryview(content)[start:end])
            arrival.catch_up(buffer, wait=False)

    workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    arrival.catch_up(memoryview(bytearray(333)), wait=True)
    assert arrival.holds()
