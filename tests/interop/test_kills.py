"""SIGKILL in the middle, against registries that nobody here wrote."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from modelpack.api import pull, push
from tests.faults.faults import PATIENCE, Gate
from tests.faults.proxy import FaultProxy, Rule
from tests.faults.scene import (
    CHUNK,
    FILES,
    JOBS,
    KIB,
    MIB,
    Scene,
    content,
    end,
    make_model,
)
from tests.interop.registries import Running

pytestmark = pytest.mark.interop

SENT = FILES["weights/big.bin"] + FILES["other.bin"]
RECEIVED = sum(FILES.values())
POINTS = [0, 1, CHUNK - 1, CHUNK + 1, SENT // 3, SENT // 2, SENT - CHUNK, SENT - 1]


@dataclass(frozen=True, slots=True)
class At:
    """A registry, as a scene needs to know it."""

    address: str


@pytest.fixture
def scene(tmp_path: Path, plain_registry: Running) -> Iterator[Scene]:
    model = make_model(tmp_path / "model")
    registry = At(plain_registry.host)
    with FaultProxy(registry.address) as proxy:
        yield Scene(folder=tmp_path, model=model, registry=registry, proxy=proxy)


def kill_at(scene: Scene, limit: int, method: str, *arguments: str) -> None:
    """Run the program until so many bytes have passed, and kill it there."""
    gate = Gate(limit)
    scene.rule(Rule(fault=gate, method=method, path="/blobs/", times=None))
    process = scene.start(*arguments)
    assert gate.reached.wait(PATIENCE), process.poll()
    assert end(process, signal.SIGKILL).code == -signal.SIGKILL
    gate.open.set()
    scene.proxy.hang_up()
    scene.rule()


def test_a_push_that_is_killed_again_and_again_arrives(
    scene: Scene, plain_registry: Running
) -> None:
    flags = ("--chunk-size", f"{CHUNK // KIB}KiB", "--jobs", str(JOBS))
    arguments = ("push", str(scene.model), scene.reference, *flags)
    kills = 0
    for limit in POINTS:
        # What the proxy still held went on when the program was dead.
        if limit < SENT - scene.proxy.sent("PATCH") - JOBS * CHUNK:
            kill_at(scene, limit, "PATCH", *arguments)
            kills += 1
    finished = scene.run(*arguments)
    assert (finished.code, finished.errors) == (0, []), finished.err
    assert scene.arrived()
    assert kills >= 3
    if plain_registry.keeps_cut_chunks:
        assert scene.proxy.sent("PATCH") - SENT <= kills * JOBS * CHUNK


@pytest.mark.parametrize("limit", [0, 1, MIB, RECEIVED // 2, RECEIVED - 1])
def test_a_pull_that_is_killed_shows_nothing_and_goes_on(
    scene: Scene, limit: int
) -> None:
    scene.publish()
    arguments = ("pull", scene.reference, "-o", str(scene.target), "--jobs", "2")
    kill_at(scene, limit, "GET", *arguments)
    assert scene.nothing_shows()
    finished = scene.run(*arguments)
    assert (finished.code, finished.errors) == (0, []), finished.err
    assert scene.delivered()


def test_two_pushes_of_one_model_at_once_both_arrive(scene: Scene) -> None:
    first = scene.start("push", str(scene.model), scene.reference)
    second = scene.start("push", str(scene.model), f"{scene.reference}-too")
    ended = [process.communicate(timeout=PATIENCE) for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), ended
    assert scene.arrived()


def test_a_push_over_ipv4_is_pulled_by_name(scene: Scene) -> None:
    settings = replace(scene.settings, state=None)
    push(scene.model, scene.reference, settings=settings)
    port = scene.registry.address.rpartition(":")[2]
    pull(f"localhost:{port}/team/model:1", scene.target, settings=settings)
    assert content(scene.target) == content(scene.model)
