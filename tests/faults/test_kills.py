"""Pushes and pulls that are killed or interrupted, at many points: the next goes on.

The proxy holds the bytes at a given count, so that each kill strikes where it
is meant to. Nothing partial may ever stand under a final name.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from modelpack.transfer.download import RANGE
from tests.faults.faults import PATIENCE, Gate, Holds
from tests.faults.proxy import FaultProxy, Rule
from tests.faults.scene import (
    CHUNK,
    FILES,
    JOBS,
    KIB,
    MIB,
    Finished,
    Scene,
    end,
    scene_in,
)

SIGNALS = [signal.SIGKILL, signal.SIGINT]
ENDS = {signal.SIGKILL: -9, signal.SIGINT: 130}
SENT = FILES["weights/big.bin"] + FILES["other.bin"]
PULLED = {"one.bin": 3 * RANGE + 7, "two.bin": RANGE // 2, "three.txt": 5}
RECEIVED = sum(PULLED.values())


def killed(
    scene: Scene, held: Gate | Holds, how: signal.Signals, *arguments: str
) -> Finished:
    """Run the program until the proxy holds it, and end it there."""
    process = scene.start(*arguments)
    assert held.reached.wait(PATIENCE), process.poll()
    finished = end(process, how)
    # What the proxy has still to pass on belongs to the first run.
    held.open.set()
    scene.proxy.hang_up()
    scene.rule()
    assert finished.code == ENDS[how]
    assert finished.out == ""
    if how is signal.SIGINT:
        assert finished.errors == ["error: interrupted"]
    return finished


def push_arguments(scene: Scene) -> tuple[str, ...]:
    sizes = ("--chunk-size", f"{CHUNK // KIB}KiB", "--jobs", str(JOBS))
    return ("push", str(scene.model), scene.reference, *sizes)


def pull_arguments(scene: Scene) -> tuple[str, ...]:
    return ("pull", scene.reference, "-o", str(scene.target), "--jobs", str(JOBS))


def pushed_again(scene: Scene) -> None:
    """Push once more: it has to succeed, and to send little again."""
    finished = scene.run(*push_arguments(scene))
    assert (finished.code, finished.errors) == (0, [])
    assert scene.arrived()
    assert scene.proxy.sent("PATCH") - SENT <= JOBS * CHUNK


@pytest.mark.parametrize("how", SIGNALS)
@pytest.mark.parametrize(
    "limit",
    [0, 1, CHUNK - 1, CHUNK, 3 * CHUNK + 5, SENT // 2, SENT - CHUNK, SENT - 1],
)
def test_a_push_that_is_ended_goes_on(
    scene: Scene, limit: int, how: signal.Signals
) -> None:
    gate = Gate(limit)
    scene.rule(Rule(fault=gate, method="PATCH", times=None))
    killed(scene, gate, how, *push_arguments(scene))
    pushed_again(scene)


REQUESTS = {
    "the first": ("GET", "", 1),
    "the start of an upload": ("POST", "", 2),
    "a chunk": ("PATCH", "", 3),
    "the end of an upload": ("PUT", "/uploads/", 2),
    "the configuration": ("PUT", "/uploads/", 4),
    "the manifest": ("PUT", "/manifests/", 1),
}


@pytest.mark.parametrize("how", SIGNALS)
@pytest.mark.parametrize("done", [False, True], ids=["request", "answer"])
@pytest.mark.parametrize("name", REQUESTS)
def test_a_push_that_is_ended_at_a_request_goes_on(
    scene: Scene, name: str, how: signal.Signals, *, done: bool
) -> None:
    method, path, nth = REQUESTS[name]
    held = Holds(done=done)
    scene.rule(Rule(fault=held, method=method, path=path, nth=nth))
    killed(scene, held, how, *push_arguments(scene))
    pushed_again(scene)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene_in(tmp_path_factory.mktemp("large"), PULLED) as made:
        made.publish()
        yield made


@pytest.fixture
def stored(large: Scene, tmp_path: Path) -> Iterator[Scene]:
    """A registry with a model of several ranges; a proxy and a folder of our own."""
    with FaultProxy(large.registry.address) as proxy:
        yield replace(large, folder=tmp_path, proxy=proxy, events=[])


def pulled_again(scene: Scene, *, bound: int = JOBS * RANGE) -> None:
    """Pull once more: it has to succeed, and to fetch little again."""
    finished = scene.run(*pull_arguments(scene))
    assert (finished.code, finished.errors) == (0, [])
    assert scene.delivered()
    assert scene.proxy.received() - RECEIVED <= bound


@pytest.mark.parametrize("how", SIGNALS)
@pytest.mark.parametrize(
    "limit",
    [0, 1, MIB, RANGE - 1, RANGE + 5, RECEIVED // 2, RECEIVED - MIB, RECEIVED - 1],
)
def test_a_pull_that_is_ended_goes_on(
    stored: Scene, limit: int, how: signal.Signals
) -> None:
    gate = Gate(limit)
    stored.rule(Rule(fault=gate, path="/blobs/", times=None))
    killed(stored, gate, how, *pull_arguments(stored))
    assert stored.nothing_shows()
    pulled_again(stored)


@pytest.mark.parametrize("how", SIGNALS)
@pytest.mark.parametrize("path", ["/manifests/", "/blobs/"])
def test_a_pull_that_is_ended_at_a_request_goes_on(
    stored: Scene, path: str, how: signal.Signals
) -> None:
    held = Holds()
    stored.rule(Rule(fault=held, path=path))
    killed(stored, held, how, *pull_arguments(stored))
    assert stored.nothing_shows()
    pulled_again(stored)


def test_a_pull_that_is_killed_again_and_again_arrives(stored: Scene) -> None:
    for limit in (2 * RANGE, RANGE + RANGE // 2, RANGE + RANGE // 2):
        gate = Gate(limit)
        stored.rule(Rule(fault=gate, path="/blobs/", times=None))
        killed(stored, gate, signal.SIGKILL, *pull_arguments(stored))
        assert stored.nothing_shows()
    pulled_again(stored, bound=3 * JOBS * RANGE)


@pytest.mark.parametrize("verb", ["push", "pull"])
def test_ctrl_c_ends_many_streams_at_once(scene: Scene, verb: str) -> None:
    """Sixteen streams that all wait for the registry delay the end no more than one."""
    folder = scene.model / "many"
    folder.mkdir()
    for number in range(16):
        (folder / f"{number}.bin").write_bytes(bytes([number]) * (2 * MIB))
    if verb == "pull":
        scene.publish()
        arguments = pull_arguments(scene)
    else:
        arguments = push_arguments(scene)
    gate = CountingGate(16)
    scene.rule(
        Rule(fault=gate, method="PATCH", times=None),
        Rule(fault=gate, method="GET", path="/blobs/sha256", times=None),
    )
    killed(scene, gate, signal.SIGINT, *arguments[:-1], "16")
    assert scene.nothing_shows()


class CountingGate(Holds):
    """Holds every request; ``reached`` once there are ``count`` of them."""

    def __init__(self, count: int) -> None:
        super().__init__(done=True)
        self._count = count
        self._counting = threading.Lock()

    def _hold(self) -> None:
        with self._counting:
            self._count -= 1
            if self._count <= 0:
                self.reached.set()
        self.open.wait(PATIENCE)
