"""The rules of a pull's target, through the SDK on a layout: no network is needed."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from modelpack import Settings
from modelpack.api import pull, push
from modelpack.disk.target.directory import PREFIX
from modelpack.disk.target.staging import Staging
from modelpack.errors import InvalidInput, LocalError

FILES = {"config.json": b"{}", "deep/weights.bin": bytes(range(256)) * 40, "empty": b""}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache=tmp_path / "cache", state=tmp_path / "state")


@pytest.fixture
def model(tmp_path: Path, settings: Settings) -> str:
    """Publish a small model; return its reference."""
    source = tmp_path / "source"
    for name, content in FILES.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (source / "run.sh").write_text("#!/bin/sh\n")
    (source / "run.sh").chmod(0o755)
    return push(source, f"oci:{tmp_path / 'layout'}:1", settings=settings).reference


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_an_absent_target_appears_whole(
    tmp_path: Path, model: str, settings: Settings
) -> None:
    pull(model, tmp_path / "new/place", settings=settings)
    assert contents(tmp_path / "new/place") == {**FILES, "run.sh": b"#!/bin/sh\n"}
    assert not list((tmp_path / "new").glob(f"{PREFIX}*"))


def test_modes_say_who_may_execute(
    tmp_path: Path, model: str, settings: Settings
) -> None:
    pull(model, tmp_path / "out", settings=settings)
    modes = {
        p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "out").iterdir()
    }
    assert modes["run.sh"] & stat.S_IXUSR
    assert not modes["config.json"] & stat.S_IXUSR


def test_a_second_pull_moves_nothing(
    tmp_path: Path, model: str, settings: Settings
) -> None:
    first = pull(model, tmp_path / "out", settings=settings)
    second = pull(model, tmp_path / "out", settings=settings)
    assert (first.kept, second.moved) == (0, 0)
    assert second.kept == first.moved


def test_a_changed_file_is_named_and_repaired_with_overwrite(
    tmp_path: Path, model: str, settings: Settings
) -> None:
    out = tmp_path / "out"
    pull(model, out, settings=settings)
    mine = out / "notes.txt"
    mine.write_text("mine")
    before = (out / "config.json").stat()
    (out / "config.json").write_bytes(b"[]")
    os.utime(out / "config.json", ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(InvalidInput, match=r"config\.json differs") as caught:
        pull(model, out, settings=settings)
    assert "--overwrite" in caught.value.hint
    pull(model, out, overwrite=True, settings=settings)
    assert contents(out) == {
        **FILES,
        "run.sh": b"#!/bin/sh\n",
        "notes.txt": b"mine",
    }


def test_a_missing_file_is_named(
    tmp_path: Path, model: str, settings: Settings
) -> None:
    out = tmp_path / "out"
    pull(model, out, settings=settings)
    (out / "deep/weights.bin").unlink()
    with pytest.raises(InvalidInput, match=r"deep/weights\.bin is missing"):
        pull(model, out, settings=settings)


def test_a_link_in_the_target_is_not_followed(
    tmp_path: Path, model: str, settings: Settings
) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    outside.mkdir()
    out.mkdir()
    (out / "deep").symlink_to(outside)
    with pytest.raises(InvalidInput, match="is a link"):
        pull(model, out, overwrite=True, settings=settings)
    assert not list(outside.iterdir())


@pytest.mark.parametrize("name", ["deep", "config.json/x"])
def test_a_file_where_the_model_has_a_folder_or_the_reverse(
    tmp_path: Path, model: str, settings: Settings, name: str
) -> None:
    out = tmp_path / "out"
    (out / name).parent.mkdir(parents=True)
    (out / name).write_bytes(b"mine")
    with pytest.raises(InvalidInput, match=r"folder there|not a file"):
        pull(model, out, overwrite=True, settings=settings)
    assert contents(out) == {name: b"mine"}


def test_a_target_that_is_a_file_is_refused(
    tmp_path: Path, model: str, settings: Settings
) -> None:
    (tmp_path / "out").write_bytes(b"mine")
    with pytest.raises(InvalidInput, match="is a file"):
        pull(model, tmp_path / "out", overwrite=True, settings=settings)


def test_only_what_was_asked_for_is_fetched(
    tmp_path: Path, model: str, settings: Settings
) -> None:
    out = tmp_path / "out"
    pull(model, out, include=["*.json"], settings=settings)
    assert contents(out) == {"config.json": b"{}"}


def test_a_staging_folder_that_is_a_link_is_refused(
    tmp_path: Path, model: str, settings: Settings
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / f"{PREFIX}out").symlink_to(elsewhere)
    with pytest.raises(LocalError, match="not a folder of this user"):
        pull(model, tmp_path / "out", settings=settings)
    assert not list(elsewhere.iterdir())


def test_a_second_pull_into_one_target_is_kept_out(
    tmp_path: Path, model: str, settings: Settings
) -> None:
    with (
        Staging(tmp_path / f"{PREFIX}out"),
        pytest.raises(LocalError, match="under way"),
    ):
        pull(model, tmp_path / "out", settings=settings)


def test_parts_are_joined_and_the_whole_is_checked(
    tmp_path: Path, settings: Settings
) -> None:
    source = tmp_path / "big"
    source.mkdir()
    (source / "w.bin").write_bytes(os.urandom(300_000))
    place = f"oci:{tmp_path / 'parts'}:1"
    push(source, place, split=100_000, settings=settings)
    pull(place, tmp_path / "out", settings=settings)
    assert contents(tmp_path / "out") == contents(source)


_FULL = """
import resource, signal, sys
from pathlib import Path
from modelpack import Settings
from modelpack.api import pull
from modelpack.errors import LocalError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    pull(sys.argv[1], sys.argv[2], settings=Settings())
except LocalError as error:
    print(error)
    sys.exit(7)
"""


def test_a_file_that_may_not_grow_ends_the_pull_with_its_name(
    tmp_path: Path, model: str
) -> None:
    """What a full disk looks like to a process: a write that the kernel refuses."""
    done = subprocess.run(
        [sys.executable, "-c", _FULL, model, str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 7, done.stderr
    assert "File too large" in done.stdout
    assert not (tmp_path / "out").exists()
