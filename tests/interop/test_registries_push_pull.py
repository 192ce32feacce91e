"""Every verb, on every registry that asks for nothing."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from modelpack.api import pull, push
from modelpack.api.settings import Settings
from modelpack.transfer.progress import Done, Event, Moved
from tests.interop.desk import Desk
from tests.interop.models import content, executables, noise, small_model
from tests.interop.registries import Running

pytestmark = pytest.mark.interop

MIB = 1 << 20
BIG = 8 * MIB + 7
CHUNK = 2 * MIB

How = Literal["moved", "exists", "mounted", "kept"]


@dataclass(slots=True)
class Told:
    """Listens, and keeps what it heard."""

    events: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def moved(self) -> int:
        """The bytes that went over the wire."""
        moves = (event for event in self.events if isinstance(event, Moved))
        return sum(event.count for event in moves if not event.resumed)

    @property
    def ways(self) -> list[How]:
        return [event.how for event in self.events if isinstance(event, Done)]


class Cut(Exception):
    """The program is gone at this point."""


def cut_after(count: int) -> Callable[[Event], None]:
    """Listen until so many bytes have moved; then end the command."""
    told = Told()

    def notify(event: Event) -> None:
        told(event)
        if told.moved >= count:
            raise Cut

    return notify


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return small_model(tmp_path / "model")


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """Make a model whose one large file takes many requests."""
    folder = tmp_path / "big"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(noise("big", BIG))
    return folder


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "back"


def test_a_model_goes_in_and_out(
    plain_registry: Running, desk: Desk, model: Path, into: Path
) -> None:
    reference = f"{plain_registry.host}/team/model:v1"
    (pushed,) = desk.modelpack("push", model, reference).lines
    (pulled,) = desk.modelpack("pull", reference, "-o", into).lines
    assert pushed == pulled
    assert content(into) == content(model)
    assert executables(into) == ["run.sh"]


def test_every_registry_has_it_under_one_digest(
    distribution: Running, olareg: Running, desk: Desk, model: Path
) -> None:
    digests = {
        desk.modelpack("push", model, f"{place}:v1").lines[0].rpartition("@")[2]
        for place in (
            f"{distribution.host}/one",
            f"{olareg.host}/two",
            f"oci:{desk.home / 'layout'}",
            f"oci-archive:{desk.home / 'archive.tar'}",
        )
    }
    assert len(digests) == 1


def test_a_second_push_moves_nothing(plain_registry: Running, model: Path) -> None:
    reference = f"{plain_registry.host}/team/model:v1"
    first, second = Told(), Told()
    before = push(model, reference, settings=Settings(), notify=first)
    stored = content(plain_registry.storage)
    after = push(model, reference, settings=Settings(), notify=second)
    assert before == after
    assert first.moved > 100_000
    assert second.moved == 0
    assert set(second.ways) == {"exists"}
    assert content(plain_registry.storage).keys() == stored.keys()


def test_a_second_pull_moves_nothing(
    plain_registry: Running, model: Path, into: Path
) -> None:
    reference = f"{plain_registry.host}/team/model:v1"
    push(model, reference, settings=Settings())
    pull(reference, into, settings=Settings())
    told = Told()
    pulled = pull(reference, into, settings=Settings(), notify=told)
    assert (pulled.moved, told.moved) == (0, 0)
    assert set(told.ways) == {"kept"}


def test_a_model_is_looked_at_without_its_weights(
    plain_registry: Running, desk: Desk, model: Path
) -> None:
    reference = f"{plain_registry.host}/team/model:v1"
    (pinned,) = desk.modelpack("push", model, reference).lines
    look = ("inspect", "--headers", "--format", "json")
    found = json.loads(desk.modelpack(*look, reference).out)
    assert found["reference"] == pinned
    assert found["licenses"] == ["Apache-2.0"]
    assert found["unverifiedHeaders"]["parameters"] == {"F32": 4096}
    paths = {file["path"]: file["size"] for file in found["files"]}
    assert paths == {path: len(raw) for path, raw in content(model).items()}


def test_tags_are_listed_moved_and_read(
    plain_registry: Running, desk: Desk, model: Path
) -> None:
    repository = f"{plain_registry.host}/team/model"
    (first,) = desk.modelpack("push", model, f"{repository}:v1").lines
    (model / "README.md").write_text("# Another\n")
    (second,) = desk.modelpack("push", model, f"{repository}:v2").lines
    assert first != second
    assert desk.modelpack("tag", f"{repository}:v1", "latest", "v0").lines == [first]
    assert desk.modelpack("ls", repository).lines == ["latest", "v0", "v1", "v2"]
    desk.modelpack("tag", f"{repository}:v2", "latest")
    (grown, *referrers) = desk.modelpack("tree", f"{repository}:latest").lines
    assert second.endswith(grown)
    assert referrers == []
    (changed,) = desk.modelpack("diff", first, f"{repository}:latest").lines
    assert "README.md" in changed


def test_a_tag_is_removed_where_the_registry_can(
    modern_registry: Running, desk: Desk, model: Path
) -> None:
    repository = f"{modern_registry.host}/team/model"
    (pinned,) = desk.modelpack("push", model, f"{repository}:v1").lines
    desk.modelpack("tag", f"{repository}:v1", "v2")
    desk.modelpack("rm", f"{repository}:v2")
    assert desk.modelpack("ls", repository).lines == ["v1"]
    desk.modelpack("inspect", pinned)


def test_a_registry_that_removes_no_tags_is_named_as_one(
    docker_registry: Running, desk: Desk, model: Path
) -> None:
    repository = f"{docker_registry.host}/team/model"
    desk.modelpack("push", model, f"{repository}:v1")
    ran = desk.try_modelpack("rm", f"{repository}:v1")
    assert ran.code == 5
    assert "hint: this registry does not delete tags; name its digest" in ran.err
    assert desk.modelpack("ls", repository).lines == ["v1"]


def test_an_artifact_is_removed_by_its_digest(
    plain_registry: Running, desk: Desk, model: Path
) -> None:
    reference = f"{plain_registry.host}/team/model:v1"
    (pinned,) = desk.modelpack("push", model, reference).lines
    desk.modelpack("rm", pinned)
    for gone in (pinned, reference):
        ran = desk.try_modelpack("inspect", gone)
        assert ran.code == 5
        assert "404" in ran.err


def test_a_model_that_is_not_there_is_named(
    plain_registry: Running, desk: Desk, into: Path
) -> None:
    reference = f"{plain_registry.host}/no/such:v1"
    ran = desk.try_modelpack("pull", reference, "-o", into)
    assert ran.code == 5
    assert "no/such" in ran.err
    assert not into.exists()


def test_parts_travel_apart_and_arrive_as_one(
    plain_registry: Running, desk: Desk, big: Path, into: Path
) -> None:
    reference = f"{plain_registry.host}/team/model:v1"
    desk.modelpack("push", big, reference, "--split", "2MiB")
    found = json.loads(desk.modelpack("inspect", reference, "--format", "json").out)
    assert [file["parts"] for file in found["files"]] == [5]
    desk.modelpack("pull", reference, "-o", into)
    assert content(into) == content(big)


def test_small_chunks_arrive_in_order(
    plain_registry: Running, desk: Desk, big: Path, into: Path
) -> None:
    reference = f"{plain_registry.host}/team/model:v1"
    desk.modelpack("push", big, reference, "--chunk-size", "300KB")
    desk.modelpack("pull", reference, "-o", into)
    assert content(into) == content(big)


def test_blobs_are_mounted_from_another_repository(
    plain_registry: Running, model: Path, into: Path
) -> None:
    host = plain_registry.host
    push(model, f"{host}/team/model:v1", settings=Settings())
    told = Told()
    # The sizes under a tag, or a digest computed before, tell what may be there.
    settings = Settings(cache=into.with_name("cache"))
    push(model, f"{host}/team/model:v1", settings=settings)
    mounted = push(
        model,
        f"{host}/other/model:v1",
        mount_from=["team/model"],
        settings=settings,
        notify=told,
    )
    assert told.moved == 0
    assert set(told.ways) <= {"mounted", "exists"}
    assert "mounted" in told.ways
    pull(mounted.reference, into, settings=Settings())
    assert content(into) == content(model)


@pytest.mark.parametrize(
    "count", [4 * MIB, 5 * MIB], ids=["at the end of a chunk", "in a chunk"]
)
def test_a_push_goes_on_where_it_was_cut(
    modern_registry: Running, big: Path, into: Path, count: int
) -> None:
    reference = f"{modern_registry.host}/team/model:v1"
    again = _cut_and_push(big, reference, into.with_name("state"), count)
    assert again.moved <= BIG - count + CHUNK
    pull(reference, into, settings=Settings())
    assert content(into) == content(big)


def test_a_push_to_an_old_registry_ends_whole_though_it_was_cut(
    docker_registry: Running, big: Path, into: Path
) -> None:
    """Distribution 2.8 drops an upload whose last chunk broke off, when asked for it.

    It signs how far the upload has come into the session's address, and says
    "upload resumed at wrong offset" where that is not what it has.
    """
    reference = f"{docker_registry.host}/team/model:v1"
    again = _cut_and_push(big, reference, into.with_name("state"), 5 * MIB)
    assert again.moved == BIG
    pull(reference, into, settings=Settings())
    assert content(into) == content(big)


def _cut_and_push(model: Path, reference: str, state: Path, count: int) -> Told:
    """Push until `count` bytes have moved, and once more from there."""
    settings = Settings(jobs=1, chunk_size=CHUNK, state=state)
    with pytest.raises(Cut):
        push(model, reference, settings=settings, notify=cut_after(count))
    told = Told()
    push(model, reference, settings=settings, notify=told)
    return told
