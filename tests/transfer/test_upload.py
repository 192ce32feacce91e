from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelpack.errors import ContentError, NotFound, RegistryError
from modelpack.oci.digest import Digest
from modelpack.oci.store import Blocks, blocks_of
from modelpack.transfer.upload import PatchRefused, PrefixHash, digest_of
from tests.transfer.making import (
    KIB,
    MIB,
    FaultyStore,
    FaultyUpload,
    KeptSessions,
    Noted,
    counting_blocks,
    described,
    forgotten,
    noise,
    sending,
    upload,
)

CONTENT = noise(10 * KIB + 3)
CHUNK = KIB


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=8),
    st.binary(max_size=300),
)
@settings(max_examples=80, deadline=None)
def test_whatever_passes_again_or_is_skipped_the_hash_is_that_of_the_whole(
    moves: list[tuple[int, int]], content: bytes
) -> None:
    prefix = PrefixHash(blocks_of(content))
    reached = 0
    for a, b in moves:
        start, end = sorted((min(a, len(content)), min(b, len(content))))
        passed = b"".join(map(bytes, prefix.passing(start, end)))
        assert passed == content[start:end]
        reached = max(reached, start, end)
        assert prefix.position == reached
    prefix.reach(len(content))
    assert prefix.digest() == Digest.of(content)


def test_bytes_are_read_once_where_nothing_is_resumed() -> None:
    asked: list[tuple[int, int]] = []
    prefix = PrefixHash(counting_blocks(CONTENT, asked))
    for at in range(0, len(CONTENT), KIB):
        for _ in prefix.passing(at, min(at + KIB, len(CONTENT))):
            pass
    prefix.reach(len(CONTENT))
    assert sum(end - start for start, end in asked) == len(CONTENT)


def test_a_blob_goes_in_chunks_in_order() -> None:
    store, noted = FaultyStore(), Noted()
    assert upload(store, CONTENT, sending(chunk=CHUNK), noted).send() == Digest.of(
        CONTENT
    )
    assert store.has(described(CONTENT))
    assert store.appended[0] == (0, CHUNK)
    assert store.appended[-1] == (10 * KIB, 3)
    assert (len(store.appended), noted.moved) == (11, len(CONTENT))
    assert store.uploads == {}


def test_no_chunk_is_smaller_than_the_store_takes() -> None:
    store = FaultyStore(smallest=4 * KIB)
    upload(store, CONTENT, sending(chunk=CHUNK)).send()
    assert [size for _, size in store.appended] == [4 * KIB, 4 * KIB, 2 * KIB + 3]


def test_nothing_is_sent_for_a_blob_without_bytes() -> None:
    store = FaultyStore()
    assert upload(store, b"", sending(chunk=CHUNK)).send() == Digest.of(b"")
    assert store.appended == []


@pytest.mark.parametrize("kept", [1, CHUNK // 2, CHUNK - 1])
def test_what_was_not_confirmed_is_sent_again_and_no_more(kept: int) -> None:
    def less(self: FaultyUpload, blocks: Blocks, size: int) -> None:
        self.take(blocks, size, kept if self.offset == 2 * CHUNK else size)

    store, noted = FaultyStore(spoil=less), Noted()
    upload(store, CONTENT, sending(chunk=CHUNK), noted).send()
    assert store.has(described(CONTENT))
    assert noted.restarted == [2 * CHUNK + kept]
    assert noted.moved == len(CONTENT) + CHUNK - kept


def test_a_store_that_confirms_nothing_half_way_is_given_up() -> None:
    def nothing(self: FaultyUpload, blocks: Blocks, size: int) -> None:
        self.take(blocks, size, 0 if self.offset else size)

    store = FaultyStore(spoil=nothing)
    with pytest.raises(RegistryError, match="confirms no byte"):
        upload(store, CONTENT, sending(chunk=CHUNK, tries=4)).send()
    assert len(store.appended) == 1 + 4


def test_a_store_that_confirms_nothing_at_all_gets_the_blob_whole() -> None:
    def nothing(self: FaultyUpload, blocks: Blocks, size: int) -> None:
        self.take(blocks, size, 0)

    store = FaultyStore(spoil=nothing)
    with pytest.raises(PatchRefused):
        upload(store, CONTENT, sending(chunk=CHUNK)).send()


def test_a_broken_chunk_goes_on_from_what_the_store_has() -> None:
    broken: list[int] = []

    def breaks(self: FaultyUpload, blocks: Blocks, size: int) -> None:
        if self.offset == 3 * CHUNK and not broken:
            broken.append(1)
            self.take(blocks, size, 100)
            raise RegistryError("connection reset")
        self.take(blocks, size, size)

    store = FaultyStore(spoil=breaks)
    assert upload(store, CONTENT, sending(chunk=CHUNK)).send() == Digest.of(CONTENT)
    assert store.has(described(CONTENT))
    assert (3 * CHUNK + 100, CHUNK) in store.appended


def test_a_store_that_is_down_is_tried_so_often_and_no_more() -> None:
    def down(self: FaultyUpload, blocks: Blocks, size: int) -> None:
        del self, blocks, size
        raise RegistryError("down", status=503)

    store, sessions = FaultyStore(spoil=down), KeptSessions()
    with pytest.raises(RegistryError, match="down"):
        upload(store, CONTENT, sending(chunk=CHUNK, tries=3, sessions=sessions)).send()
    assert len(store.appended) == 3
    assert sessions.recall("key") == "upload-1"  # the next run asks for it


def test_each_chunk_that_gets_through_renews_the_patience() -> None:
    def every_second(self: FaultyUpload, blocks: Blocks, size: int) -> None:
        if len(self.faults.appended) % 2:
            raise RegistryError("hiccup", status=500)
        self.take(blocks, size, size)

    store = FaultyStore(spoil=every_second)
    upload(store, CONTENT, sending(chunk=CHUNK, tries=2)).send()
    assert store.has(described(CONTENT))


def test_a_store_that_forgets_an_upload_gets_it_from_the_start() -> None:
    lost: list[int] = []

    def forgets(self: FaultyUpload, blocks: Blocks, size: int) -> None:
        if self.offset == 4 * CHUNK and not lost:
            lost.append(1)
            self.lose()
            raise forgotten()
        self.take(blocks, size, size)

    store, noted = FaultyStore(spoil=forgets), Noted()
    assert upload(store, CONTENT, sending(chunk=CHUNK), noted).send() == Digest.of(
        CONTENT
    )
    assert store.has(described(CONTENT))
    assert (store.begun, noted.restarted) == (2, [0])


def test_a_store_that_always_forgets_is_given_up() -> None:
    def forgets(self: FaultyUpload, blocks: Blocks, size: int) -> None:
        if self.offset:
            self.lose()
            raise forgotten()
        self.take(blocks, size, size)

    store = FaultyStore(spoil=forgets)
    with pytest.raises(NotFound):
        upload(store, CONTENT, sending(chunk=CHUNK)).send()
    assert store.begun < 6


@pytest.mark.parametrize("status", [400, 404, 405, 411, 415, 501])
def test_a_store_that_refuses_patch_is_told_apart_and_left_clean(status: int) -> None:
    def refuses(self: FaultyUpload, blocks: Blocks, size: int) -> None:
        del self, blocks, size
        raise RegistryError("no PATCH", status=status)

    store, sessions = FaultyStore(spoil=refuses), KeptSessions()
    with pytest.raises(PatchRefused):
        upload(store, CONTENT, sending(chunk=CHUNK, sessions=sessions)).send()
    assert len(store.appended) == 1
    assert (store.uploads, sessions.known) == ({}, {})


@pytest.mark.parametrize("status", [413, 416])
def test_a_store_that_finds_the_first_chunk_too_large_gets_smaller_ones(
    status: int,
) -> None:
    content = noise(9 * MIB)

    def small(self: FaultyUpload, blocks: Blocks, size: int) -> None:
        if size > 4 * MIB:
            raise RegistryError("too large", status=status)
        self.take(blocks, size, size)

    store = FaultyStore(spoil=small)
    assert upload(store, content, sending(chunk=8 * MIB)).send() == Digest.of(content)
    assert [size >> 20 for _, size in store.appended] == [8, 4, 4, 1]


@pytest.mark.parametrize("status", [413, 416])
def test_a_store_that_finds_any_chunk_too_large_gets_none(status: int) -> None:
    def refuses(self: FaultyUpload, blocks: Blocks, size: int) -> None:
        del self, blocks, size
        raise RegistryError("too large", status=status)

    store = FaultyStore(spoil=refuses)
    with pytest.raises(PatchRefused):
        upload(store, noise(5 * MIB), sending(chunk=8 * MIB)).send()
    assert [size >> 20 for _, size in store.appended] == [5, 4]


def test_a_recorded_session_goes_on_and_skipped_bytes_are_hashed() -> None:
    store, sessions, noted = FaultyStore(), KeptSessions(), Noted()
    begun = store.begin()
    begun.append(blocks_of(CONTENT), 5 * KIB)
    sessions.remember("key", begun.session)
    store.appended.clear()
    how = sending(chunk=CHUNK, sessions=sessions)
    assert upload(store, CONTENT, how, noted).send() == Digest.of(CONTENT)
    assert store.appended[0] == (5 * KIB, CHUNK)
    assert (noted.resumed, noted.moved) == ([5 * KIB], len(CONTENT) - 5 * KIB)
    assert noted.restarted == []
    assert (store.begun, sessions.known) == (1, {})


def test_the_last_bytes_of_an_earlier_run_may_arrive_late() -> None:
    """It was asked how much it has before they came, and is out of step after."""
    late: list[int] = []

    def arrive(self: FaultyUpload, blocks: Blocks, size: int) -> None:
        if not late:
            late.append(1)
            self.take(blocks_of(CONTENT), 100, 100)
            raise RegistryError("range not satisfiable", status=416)
        self.take(blocks, size, size)

    store, sessions = FaultyStore(), KeptSessions()
    sessions.remember("key", store.begin().session)
    store.spoil = arrive
    how = sending(chunk=CHUNK, sessions=sessions)
    assert upload(store, CONTENT, how).send() == Digest.of(CONTENT)
    assert store.appended[:2] == [(0, CHUNK), (100, CHUNK)]
    assert store.begun == 1


def test_a_recorded_session_may_be_gone_only_when_its_bytes_come() -> None:
    def gone(self: FaultyUpload, blocks: Blocks, size: int) -> None:
        if self.session == "upload-1":
            self.lose()
            raise forgotten()
        self.take(blocks, size, size)

    store, sessions = FaultyStore(), KeptSessions()
    sessions.remember("key", store.begin().session)
    store.spoil = gone
    how = sending(chunk=CHUNK, sessions=sessions)
    assert upload(store, CONTENT, how).send() == Digest.of(CONTENT)
    assert store.begun == 2


def test_a_recorded_session_that_is_gone_is_replaced() -> None:
    store, sessions = FaultyStore(), KeptSessions({"key": "of yesterday"})
    upload(store, CONTENT, sending(chunk=CHUNK, sessions=sessions)).send()
    assert store.has(described(CONTENT))
    assert sessions.known == {}


def test_a_recorded_session_with_more_bytes_than_the_file_is_left() -> None:
    store, sessions = FaultyStore(), KeptSessions()
    begun = store.begin()
    begun.append(blocks_of(CONTENT * 2), len(CONTENT) + 1)
    sessions.remember("key", begun.session)
    upload(store, CONTENT, sending(chunk=CHUNK, sessions=sessions)).send()
    assert store.has(described(CONTENT))
    assert begun.session not in store.uploads


def test_a_session_with_other_bytes_is_never_resumed_again() -> None:
    store, sessions = FaultyStore(), KeptSessions()
    begun = store.begin()
    begun.append(blocks_of(noise(5 * KIB, seed=2)), 5 * KIB)
    sessions.remember("key", begun.session)
    how = sending(chunk=CHUNK, sessions=sessions)
    with pytest.raises(ContentError):
        upload(store, CONTENT, how).send()
    assert (sessions.known, store.uploads) == ({}, {})
    assert upload(store, CONTENT, how).send() == Digest.of(CONTENT)


def test_a_commit_whose_answer_was_lost_counts_when_the_blob_is_there() -> None:
    class Forgetful(FaultyUpload):
        def commit(self, digest: Digest) -> None:
            FaultyUpload.commit(self, digest)
            raise forgotten()

    class Store(FaultyStore):
        def begin(self, session: str = "") -> FaultyUpload:
            del session
            made = Forgetful(self, "one", faults=self)
            self.uploads["one"] = made
            return made

    store = Store()
    assert upload(store, CONTENT, sending(chunk=CHUNK)).send() == Digest.of(CONTENT)

    class Loser(Forgetful):
        def commit(self, digest: Digest) -> None:
            del digest
            raise forgotten()

    class Losing(FaultyStore):
        def begin(self, session: str = "") -> FaultyUpload:
            del session
            return Loser(self, "one", faults=self)

    with pytest.raises(NotFound):
        upload(Losing(), CONTENT, sending(chunk=CHUNK)).send()


def test_a_digest_is_made_of_all_blocks_and_can_be_stopped() -> None:
    assert digest_of(blocks_of(CONTENT), len(CONTENT), lambda: None) == Digest.of(
        CONTENT
    )

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        digest_of(blocks_of(CONTENT), len(CONTENT), stop)
