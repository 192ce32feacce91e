"""The stream of events: what a listener may count on, whatever happens meanwhile.

Planned comes first and once; a file begins before it moves; what has moved, counted
with what was resumed and from where it restarted, is never more than the file has, and
all of it when the file is done; nothing comes after that. No two calls overlap.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from modelpack.api import copy, pull, push
from modelpack.api.settings import Settings
from modelpack.errors import (
    AuthenticationError,
    ContentError,
    ModelpackError,
    RegistryError,
)
from modelpack.transfer.progress import (
    Began,
    Done,
    Event,
    Moved,
    Planned,
    Restarted,
    Waiting,
    Warned,
)
from tests.faults.faults import (
    CutsReceived,
    CutsSent,
    Flips,
    IgnoresRange,
    LosesAnswer,
    Says,
    Takes,
)
from tests.faults.proxy import Rule
from tests.faults.scene import BIG, CHUNK, FILES, KIB, MIB, Scene, scene_in

TOTAL = sum(FILES.values())


@dataclass(slots=True)
class Stream:
    """Listens, and holds each event to what has been said before.

    ``lingers``: so many calls wait a moment for another one to come in between.
    """

    lingers: int = 0
    planned: Planned | None = None
    sizes: dict[str, int] = field(default_factory=dict)
    position: dict[str, int] = field(default_factory=dict)
    done: dict[str, Done] = field(default_factory=dict)
    moved: int = 0
    resumed: int = 0
    waits: int = 0
    wrong: list[str] = field(default_factory=list)
    _met: threading.Event = field(default_factory=threading.Event)
    _within: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, event: Event) -> None:
        if not self._within.acquire(blocking=False):
            self.wrong.append(f"during another call: {event}")
            self._met.set()
            return
        try:
            self._take(event)
            if self.lingers:
                self.lingers -= 1
                self._met.wait(0.02)
        finally:
            self._within.release()

    def _take(self, event: Event) -> None:
        match event:
            case Planned():
                self._require(self.planned is None and not self.sizes, event)
                self.planned = event
            case Began(name=name, size=size):
                self._require(self.planned is not None, event)
                self._require(name not in self.sizes, event)
                self.sizes[name], self.position[name] = size, 0
            case Moved():
                self._count(event)
            case Restarted(name=name, offset=offset):
                self._require(self._is_open(name), event)
                self._require(0 <= offset <= self.sizes[name], event)
                self.position[name] = offset
            case Done(name=name, size=size, how=how):
                self._require(name not in self.done, event)
                if how != "kept":
                    self._require(self.sizes.get(name) == size, event)
                if how == "moved":
                    self._require(self.position[name] == size, event)
                self.done[name] = event
            case Waiting(seconds=seconds):
                self._require(seconds >= 0, event)
                self.waits += 1
            case Warned():
                pass

    def _count(self, event: Moved) -> None:
        self._require(self._is_open(event.name) and event.count > 0, event)
        self.position[event.name] += event.count
        within = self.position[event.name] <= self.sizes[event.name]
        self._require(within, event)
        if event.resumed:
            self.resumed += event.count
        else:
            self.moved += event.count

    def _is_open(self, name: str) -> bool:
        return name in self.sizes and name not in self.done

    def _require(self, right: bool, event: Event) -> None:  # noqa: FBT001
        if not right:
            self.wrong.append(f"{event} after {self.position}")

    def how(self, *names: str) -> set[str]:
        """Return how these files, or all, came to be where they are."""
        return {d.how for n, d in self.done.items() if not names or n in names}


@pytest.fixture
def stream() -> Iterator[Stream]:
    heard = Stream()
    yield heard
    assert heard.wrong == []


def send(
    scene: Scene, stream: Stream, *, split: int = 0, settings: Settings | None = None
) -> None:
    push(
        scene.model,
        scene.reference,
        split=split,
        settings=settings or scene.settings,
        notify=stream,
    )


def fetch(scene: Scene, stream: Stream) -> None:
    pull(scene.reference, scene.target, settings=scene.settings, notify=stream)


def test_a_push(scene: Scene, stream: Stream) -> None:
    send(scene, stream)
    assert stream.planned == Planned(verb="push", files=len(FILES), size=TOTAL)
    assert stream.sizes == dict(FILES)
    assert (stream.moved, stream.resumed, stream.how()) == (TOTAL, 0, {"moved"})


def test_a_second_push(scene: Scene, stream: Stream) -> None:
    scene.publish()
    send(scene, stream)
    assert (stream.moved, stream.how()) == (0, {"exists"})
    assert set(stream.done) == set(FILES)


def test_a_push_in_parts(scene: Scene, stream: Stream) -> None:
    send(scene, stream, split=MIB)
    assert stream.moved == TOTAL
    # 3 MiB and 7 bytes are four parts, 2 MiB and a byte are three.
    assert len(stream.done) == 8
    assert stream.planned is not None
    assert stream.planned.files == len(FILES)


def test_a_pull(published: Scene, stream: Stream) -> None:
    fetch(published, stream)
    assert stream.planned == Planned(verb="pull", files=len(FILES), size=TOTAL)
    assert stream.sizes == dict(FILES)
    assert (stream.moved, stream.resumed, stream.how()) == (TOTAL, 0, {"moved"})


def test_a_pull_over_what_is_there(published: Scene, stream: Stream) -> None:
    fetch(published, Stream())
    fetch(published, stream)
    assert stream.planned == Planned(verb="pull", files=0, size=0)
    assert (stream.moved, stream.how()) == (0, {"kept"})


def test_many_streams_of_one_file_call_one_after_another(
    tmp_path: Path, stream: Stream
) -> None:
    with scene_in(tmp_path, {"one.bin": 40 * MIB}) as scene:
        scene.publish()
        settings = replace(scene.settings, jobs=8)
        stream.lingers = 20
        pull(scene.reference, scene.target, settings=settings, notify=stream)
    assert stream.moved == 40 * MIB


def test_a_copy(scene: Scene, stream: Stream, tmp_path: Path) -> None:
    scene.publish()
    copy(
        scene.reference,
        f"oci:{tmp_path / 'layout'}:1",
        settings=scene.settings,
        notify=stream,
    )
    assert stream.planned is not None
    assert stream.planned.verb == "copy"
    assert stream.how() == {"moved"}
    assert set(FILES) <= set(stream.done)


PUSH_FAULTS: dict[str, Callable[[], Rule]] = {
    "cut in a chunk": lambda: Rule(fault=CutsSent(100 * KIB), method="PATCH", nth=2),
    "two cuts": lambda: Rule(fault=CutsSent(9), method="PATCH", nth=2, times=2),
    "the answer is lost": lambda: Rule(fault=LosesAnswer(), method="PATCH", nth=3),
    "the commit's answer is lost": lambda: Rule(fault=LosesAnswer(), method="PUT"),
    "503": lambda: Rule(fault=Says(503), method="PATCH", times=2),
    "416 with another offset": lambda: Rule(fault=Takes(1000), method="PATCH", nth=2),
    "no PATCH": lambda: Rule(fault=Says(405), method="PATCH", times=None),
    "429": lambda: Rule(fault=Says(429, {"Retry-After": "0"}), times=1),
}


@pytest.mark.parametrize("fault", PUSH_FAULTS)
def test_a_push_with_faults(scene: Scene, stream: Stream, fault: str) -> None:
    scene.rule(PUSH_FAULTS[fault]())
    send(scene, stream)
    assert set(stream.done) == set(FILES)
    assert scene.arrived()


PULL_FAULTS: dict[str, Callable[[], Rule]] = {
    "cut in a body": lambda: Rule(fault=CutsReceived(70 * KIB), path="/blobs/", nth=2),
    "each body is cut": lambda: Rule(
        fault=CutsReceived(900 * KIB), path="/blobs/", times=None
    ),
    "no ranges": lambda: Rule(fault=IgnoresRange(), path="/blobs/", times=None),
    "503": lambda: Rule(fault=Says(503), path="/blobs/", times=2),
}


@pytest.mark.parametrize("fault", PULL_FAULTS)
def test_a_pull_with_faults(published: Scene, stream: Stream, fault: str) -> None:
    published.rule(PULL_FAULTS[fault]())
    fetch(published, stream)
    assert set(stream.done) == set(FILES)
    assert published.delivered()


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (Rule(fault=Flips(4), path="/blobs/", times=None), ContentError),
        (Rule(fault=CutsReceived(9), path="/blobs/", times=None), RegistryError),
        (Rule(fault=Says(404), path="/blobs/", nth=3, times=None), RegistryError),
    ],
)
def test_a_pull_that_fails_says_of_nothing_that_it_is_done_which_is_not(
    published: Scene, stream: Stream, rule: Rule, kind: type[ModelpackError]
) -> None:
    rule.matched = 0
    published.rule(rule)
    with pytest.raises(kind):
        fetch(published, stream)
    assert set(stream.done) < set(FILES)


def test_what_an_earlier_push_moved_is_told_as_resumed(
    scene: Scene, stream: Stream
) -> None:
    one = replace(scene.settings, jobs=1)
    # other.bin takes nine chunks; three of the large file arrive after that.
    scene.rule(Rule(fault=Says(403), method="PATCH", nth=13, times=None))
    with pytest.raises(AuthenticationError):
        send(scene, Stream(), settings=one)
    scene.rule()
    send(scene, stream, settings=one)
    assert stream.resumed == 3 * CHUNK
    assert stream.moved == FILES[BIG] - 3 * CHUNK
    assert stream.how(BIG) == {"moved"}
    assert scene.arrived()


def test_what_an_earlier_pull_moved_is_told_as_resumed(
    published: Scene, stream: Stream
) -> None:
    published.rule(Rule(fault=Says(404), path=published.blob("other.bin"), times=None))
    with pytest.raises(RegistryError):
        fetch(published, Stream())
    published.rule()
    fetch(published, stream)
    assert stream.moved + stream.resumed == TOTAL
    assert stream.how(BIG) == {"moved"}


def test_a_listener_that_fails_ends_the_command(published: Scene) -> None:
    def fails(event: Event) -> None:
        if event.__class__ is Moved:
            raise LookupError("no more, please")

    with pytest.raises(LookupError, match="no more, please"):
        pull(
            published.reference,
            published.target,
            settings=published.settings,
            notify=fails,
        )
    assert published.nothing_shows()
