"""What a push remembers of its uploads, for the run after a kill."""

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from modelpack.disk.sessions import SavedSessions

PLACE, SOURCE, KEY = "registry.example.com/team/model", "/models/mine", "1:2:3:a.bin"
ADDRESS = "https://registry.example.com/v2/team/model/blobs/uploads/7?state=secret"


def saved(folder: Path, *, place: str = PLACE, source: str = SOURCE) -> SavedSessions:
    return SavedSessions(folder / "uploads", place=place, source=source)


def the_file(folder: Path) -> Path:
    (path,) = (folder / "uploads").iterdir()
    return path


def test_the_next_run_knows_where_an_upload_stands(tmp_path: Path) -> None:
    first = saved(tmp_path)
    assert first.recall(KEY) == ""
    first.remember(KEY, "https://old")
    first.remember(KEY, ADDRESS)
    assert saved(tmp_path).recall(KEY) == ADDRESS


@pytest.mark.parametrize(
    "other", [{"place": "registry.example.com/team/other"}, {"source": "/models/other"}]
)
def test_each_place_and_source_has_its_own(
    tmp_path: Path, other: dict[str, str]
) -> None:
    saved(tmp_path).remember(KEY, ADDRESS)
    assert saved(tmp_path, **other).recall(KEY) == ""


def test_what_is_forgotten_is_gone_for_the_next_run_too(tmp_path: Path) -> None:
    sessions = saved(tmp_path)
    sessions.remember(KEY, ADDRESS)
    sessions.remember("other", ADDRESS)
    sessions.forget(KEY)
    sessions.forget("never known")
    after = saved(tmp_path)
    assert (after.recall(KEY), after.recall("other")) == ("", ADDRESS)


def test_an_upload_that_was_sent_whole_is_known_as_that(tmp_path: Path) -> None:
    sessions = saved(tmp_path)
    sessions.finish(KEY)
    sessions.forget(KEY)  # its address; that the registry may have it stays
    assert saved(tmp_path).finished(KEY)
    assert not saved(tmp_path).finished("other")


def test_a_push_that_is_complete_leaves_no_file(tmp_path: Path) -> None:
    sessions = saved(tmp_path)
    sessions.remember(KEY, ADDRESS)
    sessions.clear()
    assert list((tmp_path / "uploads").iterdir()) == []
    assert saved(tmp_path).recall(KEY) == ""


def test_an_address_is_for_this_user_alone(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        saved(tmp_path).remember(KEY, ADDRESS)
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "uploads").stat().st_mode) == 0o700
    assert stat.S_IMODE(the_file(tmp_path).stat().st_mode) == 0o600
    assert "secret" not in the_file(tmp_path).name


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"no JSON",
        b"[]",
        b'{"a": 7}',
        b'{"a": "x", "a": "y"}',
        b'{"a": "x"',
        b"\xff\xfe",
    ],
)
def test_a_file_that_is_damaged_costs_a_resume_and_nothing_else(
    tmp_path: Path, damage: bytes
) -> None:
    saved(tmp_path).remember(KEY, ADDRESS)
    the_file(tmp_path).write_bytes(damage)
    sessions = saved(tmp_path)
    assert sessions.recall(KEY) == ""
    sessions.remember(KEY, ADDRESS)
    assert saved(tmp_path).recall(KEY) == ADDRESS


def test_a_link_in_its_place_is_neither_read_nor_written_through(
    tmp_path: Path,
) -> None:
    saved(tmp_path).remember(KEY, ADDRESS)
    mine = the_file(tmp_path)
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text(json.dumps({KEY: "https://somebody.else"}))
    mine.unlink()
    mine.symlink_to(elsewhere)
    sessions = saved(tmp_path)
    assert sessions.recall(KEY) == ""
    sessions.remember(KEY, ADDRESS)
    assert json.loads(elsewhere.read_text()) == {KEY: "https://somebody.else"}
    assert not mine.is_symlink()


def test_a_file_of_another_user_is_not_believed(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give a file away")
    saved(tmp_path).remember(KEY, ADDRESS)
    os.chown(the_file(tmp_path), 12345, -1)
    assert saved(tmp_path).recall(KEY) == ""


def test_an_address_without_end_is_not_kept(tmp_path: Path) -> None:
    sessions = saved(tmp_path)
    sessions.remember(KEY, ADDRESS)
    sessions.remember(KEY, "https://x/" + "a" * 9000)
    # The old address leads to another upload than the one under way.
    assert sessions.recall(KEY) == ""


def test_a_folder_that_cannot_be_made_stops_no_push(tmp_path: Path) -> None:
    (tmp_path / "uploads").write_text("in the way")
    sessions = saved(tmp_path)
    sessions.remember(KEY, ADDRESS)
    assert sessions.recall(KEY) == ADDRESS
    sessions.clear()


def test_streams_side_by_side_lose_nothing(tmp_path: Path) -> None:
    sessions = saved(tmp_path)
    keys = [f"file-{i}" for i in range(64)]

    def remember(part: list[str]) -> None:
        for key in part:
            sessions.remember(key, f"https://x/{key}")

    threads = [threading.Thread(target=remember, args=[keys[i::4]]) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = saved(tmp_path)
    assert [after.recall(key) for key in keys] == [f"https://x/{key}" for key in keys]
