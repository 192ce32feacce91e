"""Targets on file systems of their own: mounted, full, or where we stand."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelpack import Event, LocalError, Settings
from modelpack.api import pull, push
from modelpack.disk.target.staging import PREFIX
from modelpack.transfer.progress import Done, Moved

KIB = 1 << 10
FILES = {"a.bin": os.urandom(300 * KIB), "b.bin": os.urandom(300 * KIB)}


@pytest.fixture
def settings() -> Settings:
    return Settings(jobs=1)


@pytest.fixture
def model(tmp_path: Path, settings: Settings) -> str:
    """Publish a model that fits the small disk once; return its reference."""
    source = tmp_path / "source"
    source.mkdir()
    for name, content in FILES.items():
        (source / name).write_bytes(content)
    return push(source, f"oci:{tmp_path / 'layout'}:1", settings=settings).reference


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount 1 MiB of memory, where this user may."""
    place = tmp_path / "disk"
    place.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if mount is None or umount is None:
        pytest.skip("there is no mount here")
    mounting = [mount, "-t", "tmpfs", "-o", "size=1m", "modelpack-test", str(place)]
    mounted = subprocess.run(mounting, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"may not mount here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        busy = subprocess.run([umount, str(place)], check=False).returncode
        if busy:  # no mount outlives its test
            subprocess.run([umount, "--lazy", str(place)], check=True)
    assert not busy, "something in it is still open"


def delivered(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_mount_point_is_refused_before_anything_is_fetched(
    disk: Path, model: str, settings: Settings
) -> None:
    heard: list[Event] = []
    with pytest.raises(LocalError, match="is a mount point") as refused:
        pull(model, disk, settings=settings, notify=heard.append)
    assert str(disk / "model") in refused.value.hint
    assert not [event for event in heard if isinstance(event, Moved)]
    assert not list(disk.parent.glob(f"{PREFIX}*"))
    pull(model, disk / "model", settings=settings)
    assert delivered(disk / "model") == FILES


def test_what_a_mount_point_has_already_is_not_fetched(
    disk: Path, model: str, settings: Settings
) -> None:
    for name, content in FILES.items():
        (disk / name).write_bytes(content)
    assert pull(model, disk, settings=settings).moved == 0


def test_a_disk_that_is_too_small_is_known_before_the_first_byte(
    disk: Path, model: str, settings: Settings
) -> None:
    (disk / "ballast").write_bytes(bytes(600 * KIB))
    heard: list[Event] = []
    with pytest.raises(LocalError, match="bytes left; the model needs"):
        pull(model, disk / "model", settings=settings, notify=heard.append)
    assert not [event for event in heard if isinstance(event, Moved)]
    assert not (disk / "model").exists()


def test_a_disk_that_fills_up_meanwhile_loses_nothing(
    disk: Path, model: str, settings: Settings
) -> None:
    ballast = disk / "ballast"

    def fill(event: Event) -> None:
        if not isinstance(event, Done):
            return
        with ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(4 * KIB)):
                pass

    with pytest.raises(LocalError, match="No space left") as failed:
        pull(model, disk / "model", settings=settings, notify=fill)
    assert "the next run goes on from here" in failed.value.hint
    assert not (disk / "model").exists()
    ballast.unlink()
    heard: list[Event] = []
    pull(model, disk / "model", settings=settings, notify=heard.append)
    resumed = sum(e.count for e in heard if isinstance(e, Moved) and e.resumed)
    assert resumed >= 300 * KIB
    assert delivered(disk / "model") == FILES


def test_the_folder_that_we_stand_in_stays_and_is_filled(
    tmp_path: Path, model: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "here"
    place.mkdir()
    before = place.stat().st_ino
    monkeypatch.chdir(place)
    pull(model, ".", settings=settings)
    assert place.stat().st_ino == before
    assert delivered(Path()) == FILES
    assert not list(tmp_path.glob(f"{PREFIX}*"))
