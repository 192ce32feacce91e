"""Pulls from a registry, or over a way, that fails: what passes is waited for.

After each fault: the class that says who must act, nothing under the target's
name but the complete model, and a next run that goes on.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from modelpack.api import pull
from modelpack.cli.exit_codes import exit_code
from modelpack.disk.target.directory import PREFIX
from modelpack.errors import (
    ContentError,
    InvalidInput,
    LocalError,
    ModelpackError,
    RegistryError,
)
from modelpack.transfer.download import RANGE
from modelpack.transfer.progress import Moved, Waiting
from tests.faults.faults import (
    CutsReceived,
    Fault,
    Flips,
    Gate,
    Holds,
    IgnoresRange,
    LosesAnswer,
    Redirects,
    Resizes,
    Says,
    ShiftsRange,
)
from tests.faults.proxy import FaultProxy, Rule
from tests.faults.scene import (
    BIG,
    CHUNK,
    FILES,
    MIB,
    Scene,
    content,
    finish,
    scene_in,
)

TOTAL = sum(FILES.values())
BLOBS = "/blobs/sha256"
MANIFESTS = "/manifests/"
BUSY = {"Retry-After": "1"}


def fetch(scene: Scene) -> None:
    pull(scene.reference, scene.target, settings=scene.settings, notify=scene.hear)


def refused(scene: Scene, kind: type[ModelpackError]) -> ModelpackError:
    """Pull, which has to fail without a trace under the target's name."""
    with pytest.raises(kind) as caught:
        fetch(scene)
    assert scene.nothing_shows()
    return caught.value


PASSING: dict[str, Fault] = {
    "500": Says(500),
    "502": Says(502),
    "503": Says(503),
    "429": Says(429),
    "408": Says(408),
    "an answer that is lost": LosesAnswer(),
    "a body that ends at once": CutsReceived(0),
    "a body that ends in the middle": CutsReceived(20),
    "a body that is reset in the middle": CutsReceived(20, reset=True),
    "a body shorter than its length": Resizes(-1, announced=False),
}


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("path", [MANIFESTS, BLOBS])
@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_waited_for(
    published: Scene, name: str, path: str, times: int
) -> None:
    published.rule(Rule(fault=PASSING[name], method="GET", path=path, times=times))
    fetch(published)
    assert published.delivered()
    assert len(published.heard(Waiting)) == times


@pytest.mark.parametrize("path", [MANIFESTS, BLOBS])
@pytest.mark.parametrize("name", PASSING)
def test_what_does_not_pass_is_given_up(published: Scene, name: str, path: str) -> None:
    published.rule(Rule(fault=PASSING[name], method="GET", path=path, times=None))
    error = refused(published, RegistryError)
    assert exit_code(error) == 5
    assert len(published.proxy.requests("GET", path)) <= published.settings.tries * 3
    published.rule()
    fetch(published)
    assert published.delivered()


def test_retry_after_is_kept_to(published: Scene) -> None:
    published.rule(
        Rule(fault=Says(429, BUSY), path=MANIFESTS),
        Rule(fault=Says(503, BUSY), path=BLOBS),
    )
    fetch(published)
    assert published.delivered()
    assert [event.seconds for event in published.heard(Waiting)] == [1.0, 1.0]


def test_a_registry_that_wants_an_hour_is_given_up_at_once(published: Scene) -> None:
    busy = Says(429, {"Retry-After": "3600"})
    published.rule(Rule(fault=busy, path=BLOBS, times=None))
    refused(published, RegistryError)
    assert not published.heard(Waiting)


@pytest.mark.parametrize("at", [1, 70_000, 1 * MIB, 1 * MIB + 1, 3 * MIB + 6])
@pytest.mark.parametrize("reset", [False, True])
def test_a_cut_body_goes_on_where_it_ended(
    published: Scene, at: int, *, reset: bool
) -> None:
    big = published.blob(BIG)
    published.rule(Rule(fault=CutsReceived(at, reset=reset), path=big))
    fetch(published)
    assert published.delivered()
    _, again = published.proxy.requests("GET", big)
    assert again.head.get("Range").startswith("bytes=") or at == 1
    # What was under way when the connection was reset may be lost.
    assert published.proxy.received() - TOTAL <= (CHUNK if reset else 0)


def test_a_body_that_is_cut_again_and_again_but_grows_is_not_given_up(
    published: Scene,
) -> None:
    published.rule(Rule(fault=CutsReceived(100_000), path=BLOBS, times=None))
    fetch(published)
    assert published.delivered()
    assert published.proxy.received() == TOTAL


def test_the_next_run_goes_on_after_the_connection_was_lost_for_good(
    published: Scene,
) -> None:
    big = published.blob(BIG)
    published.rule(
        Rule(fault=CutsReceived(2 * MIB), path=big),
        Rule(fault=LosesAnswer(), path=big, nth=2, times=None),
    )
    refused(published, RegistryError)
    published.rule()
    published.proxy.forget()
    fetch(published)
    assert published.delivered()
    assert published.proxy.received() <= TOTAL - 2 * MIB
    assert sum(e.count for e in published.heard(Moved) if e.resumed) >= 2 * MIB


ALTERED: dict[str, tuple[str, Fault]] = {
    "a manifest's byte": (MANIFESTS, Flips(100)),
    "a manifest that is longer": (MANIFESTS, Resizes(1, announced=True)),
    "a manifest that is shorter": (MANIFESTS, Resizes(-1, announced=True)),
    "a first byte": (BLOBS, Flips(0)),
    "a byte in the middle": (BLOBS, Flips(50)),
    "a last byte": (BLOBS, Flips(98)),
    "a blob that is shorter": (BLOBS, Resizes(-1, announced=True)),
    "a blob that is longer": (BLOBS, Resizes(1, announced=True)),
}


@pytest.mark.parametrize("name", ALTERED)
def test_altered_bytes_are_refused_and_not_asked_for_again(
    published: Scene, name: str
) -> None:
    path, fault = ALTERED[name]
    where = path if path == MANIFESTS else published.blob("notes.txt")
    published.rule(Rule(fault=fault, path=where, times=None))
    error = refused(published, ContentError)
    assert exit_code(error) == 3
    assert not published.heard(Waiting)
    assert len(published.proxy.requests("GET", where)) == 1
    published.rule()
    fetch(published)
    assert published.delivered()


def test_a_body_followed_by_other_bytes_is_taken_up_to_its_length(
    published: Scene,
) -> None:
    published.rule(Rule(fault=Resizes(5, announced=False), path=BLOBS, times=None))
    fetch(published)
    assert published.delivered()


def test_one_altered_file_is_fetched_again_and_the_others_are_not(
    published: Scene,
) -> None:
    wrong = Flips(2 * MIB)
    published.rule(Rule(fault=wrong, path=published.blob(BIG), times=None))
    alone = replace(published.settings, jobs=1)  # so that the others come before
    with pytest.raises(ContentError):
        pull(published.reference, published.target, settings=alone)
    assert published.nothing_shows()
    published.rule()
    published.proxy.forget()
    fetch(published)
    assert published.delivered()
    assert published.proxy.received() == FILES[BIG]


def test_a_partial_file_damaged_on_the_disk_is_fetched_anew(published: Scene) -> None:
    # kit keeps the damaged file, so that every later run fails.
    big = published.blob(BIG)
    published.rule(
        Rule(fault=CutsReceived(2 * MIB), path=big),
        Rule(fault=Says(500), path=big, nth=2, times=None),
    )
    refused(published, RegistryError)
    name = big.rpartition(":")[2]
    [partial] = published.target.parent.glob(f"{PREFIX}*/files/{name}")
    with partial.open("r+b") as file:
        file.seek(MIB)
        file.write(bytes(8))
    published.rule()
    fetch(published)
    assert published.delivered()


def test_a_partial_file_that_was_cut_short_is_fetched_anew(published: Scene) -> None:
    big = published.blob(BIG)
    published.rule(
        Rule(fault=CutsReceived(2 * MIB), path=big),
        Rule(fault=Says(500), path=big, nth=2, times=None),
    )
    refused(published, RegistryError)
    name = big.rpartition(":")[2]
    [partial] = published.target.parent.glob(f"{PREFIX}*/files/{name}")
    partial.write_bytes(b"")
    published.rule()
    fetch(published)
    assert published.delivered()


def test_a_journal_of_nonsense_costs_bytes_and_nothing_else(published: Scene) -> None:
    big = published.blob(BIG)
    published.rule(
        Rule(fault=CutsReceived(2 * MIB), path=big),
        Rule(fault=Says(500), path=big, nth=2, times=None),
    )
    refused(published, RegistryError)
    [journal] = published.target.parent.glob(f"{PREFIX}*/journal.jsonl")
    with journal.open("ab") as file:
        file.write(b'{"piece":"x","start":0,"en')
    published.rule()
    fetch(published)
    assert published.delivered()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A registry with a file of several ranges; each test has a folder of its own."""
    with scene_in(tmp_path_factory.mktemp("large"), {"l.bin": 2 * RANGE + 9}) as made:
        made.publish()
        yield made


@pytest.fixture
def ranged(large: Scene, tmp_path: Path) -> Iterator[Scene]:
    yield replace(large, folder=tmp_path, events=[])
    large.rule()
    large.proxy.forget()


def test_a_large_file_comes_in_ranges(ranged: Scene) -> None:
    fetch(ranged)
    assert ranged.delivered()
    assert len(ranged.proxy.requests("GET", BLOBS)) == 3
    assert ranged.proxy.received() == 2 * RANGE + 9


def test_a_registry_that_ignores_ranges_gives_the_whole_in_one_stream(
    ranged: Scene,
) -> None:
    ranged.rule(Rule(fault=IgnoresRange(), path=BLOBS, times=None))
    fetch(ranged)
    assert ranged.delivered()


@pytest.mark.parametrize("nth", [2, 3])
def test_a_registry_that_ignores_some_ranges_is_coped_with(
    ranged: Scene, nth: int
) -> None:
    ranged.rule(Rule(fault=IgnoresRange(), path=BLOBS, nth=nth))
    fetch(ranged)
    assert ranged.delivered()


def test_a_cut_body_goes_on_where_the_registry_ignores_ranges(
    published: Scene,
) -> None:
    big = published.blob(BIG)
    published.rule(
        Rule(fault=CutsReceived(2 * MIB), path=big),
        Rule(fault=IgnoresRange(), path=big, nth=2, times=None),
    )
    fetch(published)
    assert published.delivered()
    assert len(published.proxy.requests("GET", big)) == 2


def test_a_range_that_was_not_asked_for_is_refused(ranged: Scene) -> None:
    ranged.rule(Rule(fault=ShiftsRange(1), path=BLOBS, nth=2, times=None))
    assert exit_code(refused(ranged, RegistryError)) == 5
    ranged.rule()
    fetch(ranged)
    assert ranged.delivered()


@pytest.mark.parametrize("at", [0, RANGE - 1, RANGE, 2 * RANGE + 8])
def test_an_altered_byte_in_any_range_is_noticed(ranged: Scene, at: int) -> None:
    nth = at // RANGE + 1
    path = ranged.blob("l.bin")
    seen = [Rule(fault=Flips(at % RANGE), path=path, nth=nth, times=1)]
    # One stream alone, so that the n-th request is the n-th range.
    ranged.rule(*seen)
    with pytest.raises(ContentError):
        pull(
            ranged.reference,
            ranged.target,
            settings=replace(ranged.settings, jobs=1),
        )
    assert ranged.nothing_shows()


@pytest.mark.parametrize("at", [1, MIB + 5, RANGE - 1])
def test_a_cut_range_goes_on_where_it_ended(ranged: Scene, at: int) -> None:
    ranged.rule(Rule(fault=CutsReceived(at), path=BLOBS, nth=2))
    fetch(ranged)
    assert ranged.delivered()
    assert ranged.proxy.received() == 2 * RANGE + 9


def test_a_blob_on_another_host_is_fetched_there(published: Scene) -> None:
    with FaultProxy(published.registry.address, host="localhost") as other:
        away = Redirects(other.url)
        published.rule(Rule(fault=away, path=BLOBS, times=None))
        fetch(published)
        assert published.delivered()
        assert other.received() == TOTAL


def test_redirects_without_end_are_given_up(published: Scene) -> None:
    here = Redirects(published.proxy.url)
    published.rule(Rule(fault=here, path=BLOBS, times=None))
    assert "redirects" in str(refused(published, RegistryError))


def test_a_second_pull_into_one_directory_is_refused_at_once(published: Scene) -> None:
    gate = Gate(MIB)
    published.rule(Rule(fault=gate, path=BLOBS, times=None))
    first = published.start("pull", published.reference, "-o", str(published.target))
    assert gate.reached.wait(20)
    second = published.run("pull", published.reference, "-o", str(published.target))
    assert second.code == 7
    [line] = second.errors
    assert "another pull" in line
    gate.open.set()
    assert finish(first).code == 0
    assert published.delivered()


def test_what_appears_in_the_target_meanwhile_is_not_touched(published: Scene) -> None:
    held = Holds(done=True)
    published.rule(Rule(fault=held, path=BLOBS))
    process = published.start("pull", published.reference, "-o", str(published.target))
    assert held.reached.wait(20)
    mine = published.target / "other.bin"
    mine.parent.mkdir()
    mine.write_text("mine")
    held.open.set()
    finished = finish(process)
    assert finished.code == 2
    assert len(finished.errors) == 1
    assert content(published.target) == {"other.bin": b"mine"}
    mine.unlink()
    published.proxy.forget()
    fetch(published)
    assert published.delivered()
    assert published.proxy.received() == 0


def test_an_empty_target_is_filled(published: Scene) -> None:
    published.target.mkdir(parents=True)
    fetch(published)
    assert published.delivered()


def test_a_target_that_has_the_model_is_left_as_it_is(published: Scene) -> None:
    fetch(published)
    published.proxy.forget()
    fetch(published)
    assert published.delivered()
    assert published.proxy.received() == 0


def test_a_changed_file_is_noticed_and_repaired_on_demand(published: Scene) -> None:
    fetch(published)
    published.proxy.forget()
    (published.target / "other.bin").write_text("changed")
    (published.target / "mine.txt").write_text("mine")
    with pytest.raises(InvalidInput, match="differs"):
        fetch(published)
    assert (published.target / "other.bin").read_text() == "changed"
    settings = published.settings
    pull(published.reference, published.target, overwrite=True, settings=settings)
    expected = content(published.model) | {"mine.txt": b"mine"}
    assert content(published.target) == expected
    assert published.proxy.received() == FILES["other.bin"]


def test_an_overwrite_that_fails_leaves_the_old_files(published: Scene) -> None:
    published.target.mkdir(parents=True)
    (published.target / "other.bin").write_text("old")
    wrong = Flips(7)
    published.rule(Rule(fault=wrong, path=published.blob(BIG), times=None))
    with pytest.raises(ContentError):
        pull(
            published.reference,
            published.target,
            overwrite=True,
            settings=published.settings,
        )
    assert content(published.target) == {"other.bin": b"old"}


def test_a_target_that_is_a_file_is_refused(published: Scene) -> None:
    published.target.parent.mkdir()
    published.target.write_text("mine")
    with pytest.raises(InvalidInput, match="is a file"):
        fetch(published)
    assert published.target.read_text() == "mine"


def test_a_target_that_is_a_link_is_followed(published: Scene) -> None:
    real = published.folder / "real"
    real.mkdir()
    published.target.parent.mkdir()
    published.target.symlink_to(real)
    fetch(published)
    assert published.target.is_symlink()
    assert content(real) == content(published.model)


def test_a_link_inside_the_target_is_not_followed(published: Scene) -> None:
    away = published.folder / "away"
    away.mkdir()
    published.target.mkdir(parents=True)
    (published.target / "weights").symlink_to(away)
    with pytest.raises(InvalidInput, match="is a link"):
        pull(
            published.reference,
            published.target,
            overwrite=True,
            settings=published.settings,
        )
    assert not list(away.iterdir())


def test_a_private_folder_that_is_a_link_is_refused(published: Scene) -> None:
    away = published.folder / "away"
    away.mkdir()
    published.target.parent.mkdir()
    (published.target.parent / f"{PREFIX}{published.target.name}").symlink_to(away)
    assert exit_code(refused(published, LocalError)) == 7
    assert not list(away.iterdir())


def test_a_read_only_place_is_named(published: Scene) -> None:
    place = published.target.parent
    place.mkdir()
    place.chmod(0o555)
    finished = published.run(
        "pull", published.reference, "-o", str(published.target), limited=True
    )
    place.chmod(0o755)
    assert finished.code == 7
    [line] = finished.errors
    assert str(place) in line
    assert published.nothing_shows()
    shutil.rmtree(published.target, ignore_errors=True)
    fetch(published)
    assert published.delivered()
