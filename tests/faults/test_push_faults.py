"""Pushes to a registry, or over a way, that fails: what passes is waited for.

After each fault: the class that says who must act, no tag unless all that it
stands for is there, and a next run that sends at most a chunk a stream again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from modelpack.api import pull, push
from modelpack.cli.exit_codes import exit_code
from modelpack.errors import (
    AuthenticationError,
    ModelpackError,
    NotFound,
    RegistryError,
)
from modelpack.transfer.progress import Waiting
from tests.faults.faults import (
    Answer,
    CutsSent,
    Fault,
    Head,
    LosesAnswer,
    MovesUpload,
    Redirects,
    Says,
    Takes,
    forgets,
)
from tests.faults.proxy import FaultProxy, Rule
from tests.faults.scene import BIG, CHUNK, FILES, JOBS, Scene
from tests.faults.tokens import PASSWORD, USER, tokens

CHUNKED = FILES[BIG] + FILES["other.bin"]
"""The bytes that travel in PATCHes, when each travels once."""

UPLOAD = "/blobs/uploads/."
REQUESTS = {
    "the tags": ("GET", "/tags/list"),
    "the question for a blob": ("HEAD", "/blobs/"),
    "the start of an upload": ("POST", "/blobs/uploads/"),
    "a chunk": ("PATCH", UPLOAD),
    "the end of an upload": ("PUT", UPLOAD),
    "the manifest": ("PUT", "/manifests/"),
}
PASSING: dict[str, Fault] = {
    "500": Says(500),
    "502": Says(502),
    "503": Says(503),
    "429": Says(429),
    "500 after the work": Says(500, done=True),
    "an answer that is lost": LosesAnswer(),
}


def send(scene: Scene) -> None:
    push(scene.model, scene.reference, settings=scene.settings, notify=scene.hear)


def refused(scene: Scene, kind: type[ModelpackError]) -> ModelpackError:
    """Push, which has to fail, and to leave no tag behind."""
    with pytest.raises(kind) as caught:
        send(scene)
    with pytest.raises(NotFound):
        scene.arrived()
    return caught.value


def sent_again(scene: Scene) -> int:
    """Count the bytes of chunks that travelled more than once."""
    return scene.proxy.sent("PATCH") - CHUNKED


@pytest.mark.parametrize("request_name", REQUESTS)
@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_waited_for(scene: Scene, name: str, request_name: str) -> None:
    method, path = REQUESTS[request_name]
    scene.rule(Rule(fault=PASSING[name], method=method, path=path))
    send(scene)
    assert len(scene.heard(Waiting)) == 1
    assert scene.arrived()
    assert sent_again(scene) <= CHUNK


@pytest.mark.parametrize("request_name", REQUESTS)
@pytest.mark.parametrize("name", ["503", "an answer that is lost"])
def test_what_fails_three_times_is_waited_for(
    scene: Scene, name: str, request_name: str
) -> None:
    method, path = REQUESTS[request_name]
    scene.rule(Rule(fault=PASSING[name], method=method, path=path, times=3))
    send(scene)
    assert scene.arrived()
    assert sent_again(scene) <= 3 * CHUNK


@pytest.mark.parametrize("request_name", REQUESTS)
@pytest.mark.parametrize("name", ["500", "429", "an answer that is lost"])
def test_what_does_not_pass_is_given_up_and_the_next_run_goes_on(
    scene: Scene, name: str, request_name: str
) -> None:
    method, path = REQUESTS[request_name]
    nth = 3 if method == "PATCH" else 1
    lasting = Rule(fault=PASSING[name], method=method, path=path, nth=nth, times=None)
    scene.rule(lasting)
    if (request_name, name) == ("a chunk", "an answer that is lost"):
        send(scene)  # the registry has the bytes, and says so when asked
    elif (request_name, name) == ("the manifest", "an answer that is lost"):
        with pytest.raises(RegistryError):
            send(scene)
    else:
        assert exit_code(refused(scene, RegistryError)) == 5
    failed = [
        seen for seen in scene.proxy.requests("PATCH") if seen.status in (0, 429, 500)
    ]
    scene.rule()
    send(scene)
    assert scene.arrived()
    # Each try sends its chunk; beyond that, at most one for each stream.
    assert sent_again(scene) <= (len(failed) + JOBS) * CHUNK


def test_retry_after_is_kept_to(scene: Scene) -> None:
    busy = Says(429, {"Retry-After": "1"})
    scene.rule(Rule(fault=busy, method="PATCH", nth=2))
    send(scene)
    assert scene.arrived()
    assert [event.seconds for event in scene.heard(Waiting)] == [1.0]


@pytest.mark.parametrize("nth", [1, 2, 5])
@pytest.mark.parametrize("at", [0, 1, CHUNK // 2, CHUNK - 1])
def test_a_chunk_that_is_cut_off_goes_on_where_the_registry_is(
    scene: Scene, at: int, nth: int
) -> None:
    scene.rule(Rule(fault=CutsSent(at), method="PATCH", nth=nth))
    send(scene)
    assert scene.arrived()
    assert sent_again(scene) <= CHUNK


def test_a_small_blob_that_is_cut_off_is_sent_again(scene: Scene) -> None:
    scene.rule(Rule(fault=CutsSent(7), method="PUT", path=UPLOAD, times=2))
    send(scene)
    assert scene.arrived()


def test_a_manifest_that_is_cut_off_is_sent_again(scene: Scene) -> None:
    scene.rule(Rule(fault=CutsSent(7), method="PUT", path="/manifests/", times=2))
    send(scene)
    assert scene.arrived()


@pytest.mark.parametrize("nth", [1, 2, 7])
@pytest.mark.parametrize("count", [0, 1, 1000, CHUNK - 1])
def test_another_offset_is_followed(scene: Scene, count: int, nth: int) -> None:
    scene.rule(Rule(fault=Takes(count), method="PATCH", nth=nth))
    send(scene)
    assert scene.arrived()
    assert nth == 1 or sent_again(scene) <= CHUNK


@pytest.mark.parametrize("status", [404, 405, 411, 413, 416, 501])
def test_a_registry_without_chunks_gets_whole_blobs(scene: Scene, status: int) -> None:
    scene.rule(Rule(fault=Says(status), method="PATCH", times=None))
    send(scene)
    assert scene.arrived()


def test_a_registry_that_is_never_content_with_an_offset_is_given_up(
    scene: Scene,
) -> None:
    scene.rule(Rule(fault=Says(416), method="PATCH", nth=3, times=None))
    assert exit_code(refused(scene, RegistryError)) == 5


@pytest.mark.parametrize("nth", [2, 5])
def test_a_forgotten_upload_begins_again(scene: Scene, nth: int) -> None:
    scene.rule(
        Rule(fault=forgets(), method="PATCH", nth=nth),
        Rule(fault=forgets(), method="GET", path=UPLOAD),
    )
    send(scene)
    assert scene.arrived()
    assert sent_again(scene) <= FILES[BIG]


def test_an_upload_forgotten_at_its_end_begins_again(scene: Scene) -> None:
    # The commit of a file that went in chunks has no body.
    scene.rule(Rule(fault=forgets(), method="PUT", path=UPLOAD, nth=2))
    send(scene)
    assert scene.arrived()


def test_a_registry_that_forgets_every_upload_is_given_up(scene: Scene) -> None:
    lost = Rule(fault=forgets(), method="GET", path=UPLOAD, times=None)
    scene.rule(Rule(fault=FailsLater(404), method="PATCH", times=None), lost)
    refused(scene, RegistryError)


def test_a_registry_that_fails_and_forgets_is_given_up(scene: Scene) -> None:
    lost = Rule(fault=forgets(), method="GET", path=UPLOAD, times=None)
    scene.rule(Rule(fault=FailsLater(500), method="PATCH", times=None), lost)
    refused(scene, RegistryError)


def test_a_registry_that_denies_an_upload_which_it_knows_is_given_up(
    scene: Scene,
) -> None:
    scene.rule(Rule(fault=FailsLater(404), method="PATCH", times=None))
    refused(scene, RegistryError)


@dataclass(frozen=True, slots=True)
class FailsLater(Fault):
    """Answers ``status`` to each chunk that does not begin an upload."""

    status: int

    def before(self, request: Head) -> Answer | None:
        begins = request.get("Content-Range").startswith("0-")
        return None if begins else Answer(self.status)


def test_an_upload_forgotten_between_two_runs_begins_again(scene: Scene) -> None:
    scene.rule(Rule(fault=Says(500), method="PATCH", nth=5, times=None))
    refused(scene, RegistryError)
    scene.rule(Rule(fault=forgets(), method="GET", path=UPLOAD, times=None))
    send(scene)
    assert scene.arrived()


def test_the_next_run_goes_on(scene: Scene) -> None:
    scene.rule(Rule(fault=Says(500), method="PATCH", nth=9, times=None))
    refused(scene, RegistryError)
    scene.rule()
    tried = len([s for s in scene.proxy.requests("PATCH") if s.status == 500])
    send(scene)
    assert scene.arrived()
    assert sent_again(scene) <= tried * CHUNK


def test_what_was_complete_is_not_sent_again(scene: Scene) -> None:
    scene.rule(Rule(fault=Says(500), method="PUT", path="/manifests/", times=None))
    refused(scene, RegistryError)
    scene.rule()
    send(scene)
    assert scene.arrived()
    assert sent_again(scene) == 0


def test_an_upload_on_another_host_is_sent_there(scene: Scene) -> None:
    with FaultProxy(scene.registry.address, host="localhost") as other:
        away = MovesUpload(other.url)
        scene.rule(Rule(fault=away, method="POST", times=None))
        send(scene)
        assert scene.arrived()
        assert other.sent("PATCH") == CHUNKED
        assert scene.proxy.sent("PATCH") == 0


def test_credentials_stay_on_their_host(scene: Scene) -> None:
    with (
        tokens(1000) as guard,
        FaultProxy(scene.registry.address, host="localhost") as other,
    ):
        guarded = Rule(fault=guard, times=None)
        settings = replace(scene.settings, username=USER, password=PASSWORD)
        away = MovesUpload(other.url)
        scene.rule(guarded, Rule(fault=away, method="POST", times=None))
        push(scene.model, scene.reference, settings=settings)
        blobs = Rule(
            fault=Redirects(other.url), method="GET", path="/blobs/", times=None
        )
        scene.rule(guarded, blobs)
        pull(scene.reference, scene.target, settings=settings)
        assert scene.delivered()
        assert guard.issued <= 4
        assert other.requests("GET")
        assert other.requests("PATCH")
        for seen in other.requests():
            assert not seen.head.get("Authorization")
            assert not seen.head.get("Cookie")


@pytest.mark.parametrize("uses", [6, 9, 14])
def test_a_token_that_runs_out_is_renewed(scene: Scene, uses: int) -> None:
    with tokens(uses) as guard:
        scene.rule(Rule(fault=guard, times=None))
        settings = replace(scene.settings, username=USER, password=PASSWORD)
        push(scene.model, scene.reference, settings=settings)
        assert scene.arrived()
        pull(scene.reference, scene.target, settings=settings)
        assert scene.delivered()
        assert guard.issued > 2


def test_credentials_that_are_revoked_in_the_middle_end_the_push(scene: Scene) -> None:
    with tokens(12, revoked=True) as guard:
        scene.rule(Rule(fault=guard, times=None))
        settings = replace(scene.settings, username=USER, password=PASSWORD)
        with pytest.raises(AuthenticationError) as caught:
            push(scene.model, scene.reference, settings=settings)
    assert exit_code(caught.value) == 6
    scene.rule()
    send(scene)
    assert scene.arrived()
    assert sent_again(scene) <= 2 * JOBS * CHUNK


def test_a_push_that_is_denied_says_so_at_once(scene: Scene) -> None:
    scene.rule(Rule(fault=Says(403), method="POST", times=None))
    assert exit_code(refused(scene, AuthenticationError)) == 6
    assert not scene.heard(Waiting)


def test_an_upload_that_is_redirected_is_named(scene: Scene) -> None:
    scene.rule(Rule(fault=Redirects("http://localhost:9"), method="POST", times=None))
    assert exit_code(refused(scene, RegistryError)) == 5


def test_a_push_without_a_place_for_its_journal_is_a_push(scene: Scene) -> None:
    (scene.folder / "state").write_text("in the way")
    (scene.folder / "cache").write_text("in the way")
    send(scene)
    assert scene.arrived()
