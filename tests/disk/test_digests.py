"""The digest cache: quick where it can be, and never a reason to fail."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from modelpack.disk.digests import SETTLED_NS, DigestCache, FileDigests
from modelpack.disk.file import Fingerprint
from modelpack.disk.source.tree import list_model
from modelpack.oci.digest import Digest

FILE = Fingerprint(device=1, inode=2, size=10, mtime_ns=5, ctime_ns=6)
LATER = 6 + SETTLED_NS
WHOLE = FileDigests(whole=Digest.of(b"whole"))
SPLIT = replace(
    WHOLE, split=4, parts=(Digest.of(b"a"), Digest.of(b"b"), Digest.of(b"c"))
)


class Told(list[str]):
    """Collects warnings."""

    def __call__(self, text: str) -> None:
        self.append(text)


def cache(path: Path, warn: Told | None = None) -> DigestCache:
    return DigestCache(path, clock=lambda: LATER, warn=Told() if warn is None else warn)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "digests.sqlite"


def test_what_was_put_is_found_in_the_next_run(path: Path) -> None:
    warnings = Told()
    with cache(path, warnings) as first:
        assert first.get(FILE) is None
        first.put(FILE, WHOLE, started=first.clock())
    with cache(path, warnings) as second:
        assert second.get(FILE) == WHOLE
    assert warnings == []
    assert path.parent.stat().st_mode & 0o77 == 0


def test_parts_are_found_by_their_size_and_the_whole_beside_them(path: Path) -> None:
    with cache(path) as known:
        known.put(FILE, SPLIT, started=LATER)
        assert known.get(FILE, 4) == SPLIT
        assert known.get(FILE) == WHOLE
        assert known.get(FILE, 5) is None


@pytest.mark.parametrize("changed", ["device", "inode", "size", "mtime_ns", "ctime_ns"])
def test_any_other_state_is_not_known(path: Path, changed: str) -> None:
    with cache(path) as known:
        known.put(FILE, WHOLE, started=LATER)
        assert known.get(replace(FILE, **{changed: 11})) is None


def test_a_file_is_remembered_in_one_state(path: Path) -> None:
    newer = replace(FILE, ctime_ns=7)
    with cache(path) as known:
        known.put(FILE, SPLIT, started=LATER)
        known.put(newer, WHOLE, started=LATER + 1)
        assert known.get(newer) == WHOLE
        assert known.get(FILE) is None


@pytest.mark.parametrize("times", [{"ctime_ns": 7}, {"mtime_ns": 7}])
def test_what_has_just_changed_is_not_remembered(
    path: Path, times: dict[str, int]
) -> None:
    file = replace(FILE, **times)
    with cache(path) as known:
        known.put(file, WHOLE, started=LATER)
        assert known.get(file) is None
        known.put(file, WHOLE, started=LATER + 1)
        assert known.get(file) == WHOLE


def test_numbers_beyond_63_bits_are_kept(path: Path) -> None:
    file = replace(FILE, device=(1 << 64) - 1, inode=(1 << 64) - 2)
    with cache(path) as known:
        known.put(file, WHOLE, started=LATER)
        assert known.get(file) == WHOLE


def test_touching_a_file_back_to_its_old_time_does_not_fool_it(
    tmp_path: Path, path: Path
) -> None:
    model = tmp_path / "w"
    model.write_bytes(b"before")
    (file,) = list_model(model)
    with cache(path) as known:
        known.put(file.fingerprint, WHOLE, started=file.fingerprint.ctime_ns * 2)
        assert known.get(list_model(model)[0].fingerprint) == WHOLE
        model.write_bytes(b"after!")
        os.utime(model, ns=(0, file.fingerprint.mtime_ns))  # as touch -r does
        (again,) = list_model(model)
        assert again.fingerprint.mtime_ns == file.fingerprint.mtime_ns
        assert known.get(again.fingerprint) is None


@pytest.mark.parametrize(
    "content", [b"junk" * 999, b"SQLite format 3\0" + b"\xff" * 4080]
)
def test_a_damaged_database_is_made_anew(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    warnings = Told()
    with cache(path, warnings) as known:
        assert known.get(FILE) is None
        known.put(FILE, WHOLE, started=LATER)
        assert known.get(FILE) == WHOLE
    assert len(warnings) == 1
    assert "made anew" in warnings[0]


def test_a_page_that_was_overwritten_is_noticed(path: Path) -> None:
    with cache(path) as known:
        for inode in range(200):
            known.put(replace(FILE, inode=inode), SPLIT, started=LATER)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    warnings = Told()
    with cache(path, warnings) as known:
        for inode in range(200):
            assert known.get(replace(FILE, inode=inode)) is None
        known.put(FILE, WHOLE, started=LATER)
        assert known.get(FILE) == WHOLE
    assert len(warnings) == 1


@pytest.mark.parametrize(
    "text", ["", "sha256:zz", "junk", str(WHOLE.whole) + " " + str(WHOLE.whole)]
)
def test_a_row_that_makes_no_sense_is_not_used(path: Path, text: str) -> None:
    with cache(path) as known:
        known.put(FILE, WHOLE, started=LATER)
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE digests_1 SET digests = ?", (text,))
        database.commit()
    with cache(path) as known:
        assert known.get(FILE) is None


def test_a_locked_database_is_left_out_with_one_warning(path: Path) -> None:
    warnings = Told()
    with cache(path) as known:
        known.put(FILE, WHOLE, started=LATER)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with cache(path, warnings) as known:
            known.put(replace(FILE, inode=3), WHOLE, started=LATER)
            known.put(replace(FILE, inode=4), WHOLE, started=LATER)
            assert known.get(FILE) is None
        other.execute("ROLLBACK")
    assert len(warnings) == 1
    assert "locked" in warnings[0]


@pytest.mark.parametrize("where", ["directory", "under a file"])
def test_a_path_that_cannot_be_is_left_out_with_one_warning(
    tmp_path: Path, where: str
) -> None:
    (tmp_path / "file").touch()
    path = tmp_path if where == "directory" else tmp_path / "file" / "digests"
    warnings = Told()
    with cache(path, warnings) as known:
        known.put(FILE, WHOLE, started=LATER)
        assert known.get(FILE) is None
    assert len(warnings) == 1


def test_threads_share_one_cache(path: Path) -> None:
    warnings = Told()
    files = [replace(FILE, inode=inode) for inode in range(64)]
    with cache(path, warnings) as known, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda file: known.put(file, SPLIT, started=LATER), files))
        assert all(pool.map(lambda file: known.get(file, 4) == SPLIT, files))
    assert warnings == []


PROCESS = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.disk.test_digests import FILE, LATER, SPLIT, DigestCache

number = int(sys.argv[2])
with DigestCache(Path(sys.argv[1]), clock=lambda: LATER, warn=sys.exit) as known:
    for inode in range(number * 50, number * 50 + 50):
        known.put(replace(FILE, inode=inode), SPLIT, started=LATER)
"""


def test_processes_share_one_database(path: Path) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", PROCESS, str(path), str(number)])
        for number in range(4)
    ]
    assert [process.wait() for process in running] == [0, 0, 0, 0]
    with cache(path) as known:
        for inode in range(200):
            assert known.get(replace(FILE, inode=inode), 4) == SPLIT


def test_sqlite_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, modelpack.disk.digests; sys.exit('sqlite3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
