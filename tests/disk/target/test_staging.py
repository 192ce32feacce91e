"""The private folder of a pull: what it believes of what an earlier run left."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelpack.disk.target.directory import PREFIX
from modelpack.disk.target.staging import Staging
from modelpack.errors import LocalError
from modelpack.oci.digest import Digest

CONTENT = bytes(range(256)) * 16
DIGEST = Digest.of(CONTENT)
SIZE = len(CONTENT)


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[Staging]:
    with Staging(tmp_path / f"{PREFIX}model") as staging:
        yield staging


def place(tmp_path: Path) -> Path:
    return tmp_path / f"{PREFIX}model" / "files" / DIGEST.hex


def write_half(tmp_path: Path) -> None:
    """Leave what a pull leaves that was killed in the middle of a file."""
    with Staging(tmp_path / f"{PREFIX}model") as staging:
        slot = staging.slot(staging.file(DIGEST, SIZE, 1), DIGEST, 0, SIZE)
        slot.write(0, memoryview(CONTENT)[: SIZE // 2])
        slot.record(0, SIZE // 2)


def test_a_file_grows_as_its_bytes_arrive(staging: Staging, tmp_path: Path) -> None:
    slot = staging.slot(staging.file(DIGEST, SIZE, 1), DIGEST, 0, SIZE)
    slot.write(0, memoryview(CONTENT)[:100])
    assert place(tmp_path).stat().st_size == 100
    slot.write(100, memoryview(CONTENT)[100:])
    assert place(tmp_path).read_bytes() == CONTENT


def test_pieces_may_arrive_in_any_order(staging: Staging, tmp_path: Path) -> None:
    slot = staging.slot(staging.file(DIGEST, SIZE, 1), DIGEST, 0, SIZE)
    slot.write(SIZE - 10, memoryview(CONTENT)[-10:])
    slot.write(0, memoryview(CONTENT)[:-10])
    assert place(tmp_path).read_bytes() == CONTENT


def test_the_next_run_knows_what_was_written(tmp_path: Path) -> None:
    write_half(tmp_path)
    with Staging(tmp_path / f"{PREFIX}model") as staging:
        slot = staging.slot(staging.file(DIGEST, SIZE, 1), DIGEST, 0, SIZE)
        assert slot.finished() == [(0, SIZE // 2)]


def test_what_the_disk_lost_is_not_taken_from_the_journal(tmp_path: Path) -> None:
    write_half(tmp_path)
    os.truncate(place(tmp_path), SIZE // 4)  # as after a power cut
    with Staging(tmp_path / f"{PREFIX}model") as staging:
        slot = staging.slot(staging.file(DIGEST, SIZE, 1), DIGEST, 0, SIZE)
        assert slot.finished() == []


def test_a_file_that_is_too_long_is_cut(tmp_path: Path) -> None:
    write_half(tmp_path)
    os.truncate(place(tmp_path), SIZE * 2)
    with Staging(tmp_path / f"{PREFIX}model") as staging:
        slot = staging.slot(staging.file(DIGEST, SIZE, 1), DIGEST, 0, SIZE)
        slot.write(SIZE // 2, memoryview(CONTENT)[SIZE // 2 :])
    assert place(tmp_path).read_bytes() == CONTENT


def test_a_model_that_has_no_room_is_refused_before_its_first_byte(
    staging: Staging, tmp_path: Path
) -> None:
    with pytest.raises(LocalError, match="the model needs 1152921504606846976 more"):
        staging.require_room({DIGEST: 1 << 60})
    assert not place(tmp_path).exists()


def test_what_is_there_already_needs_no_room(tmp_path: Path) -> None:
    write_half(tmp_path)
    free = os.statvfs(tmp_path)
    with Staging(tmp_path / f"{PREFIX}model") as staging:
        staging.require_room({DIGEST: SIZE})
        with pytest.raises(LocalError):
            staging.require_room({DIGEST: SIZE + (free.f_blocks * free.f_frsize)})
