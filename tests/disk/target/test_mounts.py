"""Targets on file systems of their own: mounted, full, or where we stand."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from modelpack import ContentError, Event, InvalidInput, LocalError, Settings
from modelpack.api import pull, push
from modelpack.disk.target.directory import PREFIX
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


@contextlib.contextmanager
def mounted(place: Path, *how: str) -> Iterator[Path]:
    """Mount something there, where this user may; no mount outlives its test."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if mount is None or umount is None:
        pytest.skip("there is no mount here")
    done = subprocess.run(
        [mount, *how, str(place)], check=False, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"may not mount here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        busy = subprocess.run([umount, str(place)], check=False).returncode
        if busy:
            subprocess.run([umount, "--lazy", str(place)], check=True)
    assert not busy, "something in it is still open"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount 1 MiB of memory."""
    place = tmp_path / "disk"
    place.mkdir()
    with mounted(place, "-t", "tmpfs", "-o", "size=1m", "modelpack-test"):
        yield place


@pytest.fixture
def bound(tmp_path: Path) -> Iterator[Path]:
    """Mount a folder of the same file system, which looks like any other."""
    place, real = tmp_path / "bound here", tmp_path / "real"
    place.mkdir()
    real.mkdir()
    with mounted(place, "--bind", str(real)):
        yield place


@pytest.fixture(params=["disk", "bound"])
def mount_point(request: pytest.FixtureRequest) -> Path:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Path)
    return found


def delivered(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_mount_point_is_filled(
    mount_point: Path, model: str, settings: Settings
) -> None:
    pull(model, mount_point, settings=settings)
    assert delivered(mount_point) == FILES
    assert not list(mount_point.parent.glob(f"{PREFIX}*"))
    assert pull(model, mount_point, settings=settings).moved == 0


def test_a_file_that_differs_in_a_mount_point_is_named_and_repaired(
    mount_point: Path, model: str, settings: Settings
) -> None:
    pull(model, mount_point, settings=settings)
    (mount_point / "a.bin").write_text("mine")
    with pytest.raises(InvalidInput, match=r"a\.bin differs"):
        pull(model, mount_point, settings=settings)
    pull(model, mount_point, settings=settings, overwrite=True)
    assert delivered(mount_point) == FILES


def test_a_mount_point_shows_nothing_of_a_pull_that_failed(
    mount_point: Path, model: str, settings: Settings, tmp_path: Path
) -> None:
    blob = tmp_path / "layout/blobs/sha256" / sha256(FILES["b.bin"]).hexdigest()
    blob.write_bytes(bytes(len(FILES["b.bin"])))
    with pytest.raises(ContentError):
        pull(model, mount_point, settings=settings)
    (left,) = mount_point.iterdir()
    assert left.name.startswith(PREFIX)
    blob.write_bytes(FILES["b.bin"])
    pull(model, mount_point, settings=settings)
    assert delivered(mount_point) == FILES


def test_filling_goes_on_where_it_was_interrupted(
    bound: Path, model: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed = Path.rename
    left = 1

    def interrupted(path: Path, target: Path) -> Path:
        nonlocal left
        if target.parent == bound:
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
        return renamed(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pull(model, bound, settings=settings)
    assert (bound / "a.bin").exists()
    assert not (bound / "b.bin").exists()
    # What somebody changed meanwhile is not ours to replace, as ever.
    (bound / "a.bin").write_text("mine")
    with pytest.raises(InvalidInput, match=r"a\.bin differs$"):
        pull(model, bound, settings=settings)
    (bound / "a.bin").write_bytes(FILES["a.bin"])
    heard: list[Event] = []
    pull(model, bound, settings=settings, notify=heard.append)
    assert sum(e.count for e in heard if isinstance(e, Moved) and not e.resumed) == 0
    assert delivered(bound) == FILES


def test_a_folder_in_one_that_we_may_not_write_to_is_filled(
    tmp_path: Path, model: str
) -> None:
    """As a home is to its user, or a working directory in a container."""
    if os.geteuid():
        pytest.skip("only root can leave its rights behind")
    place = tmp_path / "above" / "mine"
    place.mkdir(parents=True)
    program = (
        "import ctypes, sys, os; libc = ctypes.CDLL(None); "
        "[libc.prctl(24, right, 0, 0, 0) for right in (1, 2)]; "
        "os.execv(sys.executable, [sys.executable, '-m', 'modelpack', *sys.argv[1:]])"
    )
    place.parent.chmod(0o555)
    try:
        done = subprocess.run(
            [sys.executable, "-c", program, "pull", model, "-o", str(place)],
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert delivered(place) == FILES
    finally:
        place.parent.chmod(0o755)


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
