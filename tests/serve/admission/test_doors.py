"""What each caller is answered."""

from pathlib import Path
from typing import cast

import pytest

from modelpack.errors import RegistryError
from modelpack.policy.objects import Carrier, carrying
from tests.serve.admission.scene import (
    BAD,
    GOOD,
    Bench,
    Json,
    pod,
    review,
    serving,
)


def test_an_api_server_is_told_yes_or_why_not(tmp_path: Path) -> None:
    with serving(tmp_path, Bench()) as caller:
        good = caller.validate(review(pod(GOOD)))
        assert good["allowed"] is True
        assert good["auditAnnotations"] == {"verified": f"sha256:{'a' * 64}"}
        bad = caller.validate(review(pod(GOOD, BAD)))
        assert bad["allowed"] is False
        assert bad["status"] == {
            "status": "Failure",
            "code": 403,
            "reason": "Forbidden",
            "message": f"modelpack: {BAD} is not signed",
        }


def test_every_verdict_is_a_line_of_the_audit_log(tmp_path: Path) -> None:
    with serving(tmp_path, Bench()) as caller:
        caller.validate(review(pod(BAD)))
        caller.validate(review(pod(BAD)))
        first, second = caller.audited
    assert first["outcome"] == second["outcome"] == "refused"
    assert (first["from"], second["from"]) == ("judged", "kept")
    assert first["references"] == [BAD]
    assert first["user"] == "alice"
    place = first["kind"], first["namespace"], first["name"]
    assert place == ("Pod", "ml", "serving")
    assert first["reasons"] == [f"{BAD} is not signed"]


_GOING = pod(BAD, deletionTimestamp="2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(review(None, pod(BAD), operation="DELETE"), id="deleted"),
        pytest.param(review(pod(GOOD), _GOING), id="being deleted"),
        pytest.param(review(pod(BAD, labels={"a": "b"}), pod(BAD)), id="same models"),
    ],
)
def test_what_brings_in_nothing_is_let_through_and_no_policy_asked(
    tmp_path: Path, body: Json
) -> None:
    judge = Bench()
    with serving(tmp_path, judge) as caller:
        assert caller.validate(body)["allowed"] is True
        assert judge.asked == []
        assert caller.audited[0]["from"] == "not asked"


def test_an_update_is_judged_where_a_model_or_an_image_changes(tmp_path: Path) -> None:
    judge = Bench()
    more = pod(GOOD)
    cast("Json", more["spec"])["initContainers"] = [{"name": "x", "image": "x.test/y"}]
    with serving(tmp_path, judge) as caller:
        assert caller.validate(review(pod(BAD), pod(GOOD)))["allowed"] is False
        assert caller.validate(review(pod(GOOD, BAD), pod(GOOD)))["allowed"] is False
        assert caller.validate(review(more, pod(GOOD)))["allowed"] is True
        assert len(judge.asked) == 3


def test_an_image_that_becomes_a_model_is_judged(tmp_path: Path) -> None:
    before = pod(GOOD)
    containers = cast("list[Json]", cast("Json", before["spec"])["containers"])
    containers.insert(0, {"name": "x", "image": BAD})
    with serving(tmp_path, Bench()) as caller:
        assert caller.validate(review(pod(GOOD, BAD), before))["allowed"] is False
        assert caller.validate(review(before, before))["allowed"] is True


@pytest.mark.parametrize("uri", ["s3://other/weights", "pvc://other/weights"])
def test_weights_from_elsewhere_are_judged(tmp_path: Path, uri: str) -> None:
    judge = Bench()
    before, after = _service("s3://bucket/weights"), _service(uri)
    with serving(tmp_path, judge) as caller:
        assert caller.validate(review(before, before))["allowed"] is True
        assert judge.asked == []
        caller.validate(review(after, before))
    assert len(judge.asked) == 1


def test_an_update_of_an_object_without_models_is_judged(tmp_path: Path) -> None:
    judge = Bench()
    with serving(tmp_path, judge) as caller:
        caller.validate(review(pod(labels={"a": "b"}), pod()))
    assert len(judge.asked) == 1


def _service(uri: str) -> Json:
    """Return an InferenceService with a model, and weights from somewhere else."""
    made = dict(carrying(GOOD, Carrier.INFERENCE_SERVICE))
    spec = cast("Json", made["spec"])
    return {**made, "spec": {**spec, "transformer": {"model": {"storageUri": uri}}}}


def test_whoever_creates_something_that_goes_already_is_asked_all_the_same(
    tmp_path: Path,
) -> None:
    with serving(tmp_path, Bench()) as caller:
        assert caller.validate(review(_GOING))["allowed"] is False
        assert caller.validate(review(_GOING, pod(GOOD)))["allowed"] is False


def test_connect_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path, Bench()) as caller:
        body = review(pod(GOOD), operation="CONNECT")
        assert caller.validate(body)["allowed"] is False


def test_an_error_refuses_and_says_why(tmp_path: Path) -> None:
    judge = Bench(fault=RegistryError("timed out", where="registry.test"))
    with serving(tmp_path, judge) as caller:
        response = caller.validate(review(pod(GOOD)))
        assert response["allowed"] is False
        assert "registry.test: timed out" in str(response["status"])


def test_a_fault_of_ours_refuses(tmp_path: Path) -> None:
    with serving(tmp_path, Bench(fault=ZeroDivisionError("x"))) as caller:
        response = caller.validate(review(pod(GOOD)))
        assert response["allowed"] is False
        assert cast("Json", response["status"])["code"] == 500
        assert caller.told == ["ZeroDivisionError('x')"]
        status, document = caller.post("/v1/admit", {"references": [GOOD]})
        assert (status, document["allowed"]) == (500, False)


def test_a_verdict_that_cannot_be_written_down_is_none(tmp_path: Path) -> None:
    def full(line: str) -> None:
        raise OSError(28, line)

    with serving(tmp_path, Bench()) as caller:
        caller.service.audit = full
        status, document = caller.post("/validate", review(pod(GOOD)))
        assert (status, document["allowed"]) == (500, False)


def test_kyverno_is_told_allowed_for_all_or_not(tmp_path: Path) -> None:
    with serving(tmp_path, Bench()) as caller:
        ask = {"references": [GOOD], "namespace": "ml", "operation": "CREATE"}
        status, document = caller.post("/v1/admit", ask)
        assert (status, document["allowed"], document["message"]) == (200, True, "")
        status, document = caller.post("/v1/admit", ask | {"references": [GOOD, BAD]})
        assert (status, document["allowed"]) == (200, False)
        assert "is not signed" in str(document["message"])
        results = cast("list[Json]", document["results"])
        assert [each["allowed"] for each in results] == [True, False]


def test_gatekeeper_is_told_an_error_for_each_key_that_is_refused(
    tmp_path: Path,
) -> None:
    body = {
        "apiVersion": "externaldata.gatekeeper.sh/v1beta1",
        "kind": "ProviderRequest",
        "request": {"keys": [GOOD, BAD]},
    }
    with serving(tmp_path, Bench()) as caller:
        status, document = caller.post("/gatekeeper", body)
    assert status == 200
    assert document["kind"] == "ProviderResponse"
    response = cast("Json", document["response"])
    assert response["systemError"] == ""
    good, bad = cast("list[Json]", response["items"])
    assert (good["key"], good["error"]) == (GOOD, "")
    assert cast("Json", good["value"])["admitted"] is True
    assert (bad["key"], bad["value"]) == (BAD, None)
    assert "is not signed" in str(bad["error"])


def test_who_watches_is_answered(tmp_path: Path) -> None:
    with serving(tmp_path, Bench()) as caller:
        caller.validate(review(pod(GOOD)))
        caller.validate(review(pod(BAD)))
        assert caller.get("/healthz") == (200, "ok\n")
        assert caller.get("/readyz") == (200, "ok\n")
        status, text = caller.get("/metrics")
        assert status == 200
        for line in (
            'modelpack_admission_requests_total{door="/validate",outcome="admitted"} 1',
            'modelpack_admission_requests_total{door="/validate",outcome="refused"} 1',
            'modelpack_admission_duration_seconds_bucket{le="+Inf"} 2',
            "modelpack_admission_under_way 0",
            "modelpack_admission_stale 0",
        ):
            assert line in text.splitlines()
        caller.server.drain(0)
        assert caller.get("/readyz") == (503, "ending\n")
        assert caller.validate(review(pod(GOOD)))["allowed"] is True
