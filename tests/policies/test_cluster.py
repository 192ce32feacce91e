"""The library in a cluster: Kyverno's real controller behind a real API server."""

from collections.abc import Callable, Iterator

import pytest

from tests.interop.cluster import Cluster, api_server
from tests.interop.kyverno_cluster import apply_policy, kyverno
from tests.kyverno.case import Document, filled
from tests.kyverno.documents import (
    DEFINITIONS,
    csi_pod,
    inference_service,
    llm_service,
    pod,
)
from tests.kyverno.shelf import Shelf
from tests.policies.orders import EVERYTHING, documents

pytestmark = pytest.mark.interop

_PLACES = ("volumes", "csi", "containers", "kserve", "llm")
_UNSIGNED = "a model is not signed by the team"

_OBJECTS: dict[str, Callable[[str], Document]] = {
    "volume": pod,
    "csi": csi_pod,
    "kserve": lambda each: inference_service(f"oci://{each}"),
    "llm": lambda each: llm_service(f"oci://{each}"),
}
_REFUSED = {
    "unsigned": _UNSIGNED,
    "of-stranger": _UNSIGNED,
    "signed-alone": "has no facts that the team has signed",
    "pickled": "of a format that is not allowed",
    "other-licence": "licence that is not allowed",
    "bom-of-another": "is not about this very model",
    "scan-failed": "did not pass its scan",
    "scan-old": "was not scanned in the last 30 days",
    "other-builder": "a builder that is not known",
    "other-base": "a base model that is not allowed",
    "wasm-sockets": "asks its host for more",
    "much-carbon": "more than 1000 kg",
    "good.tag": "does not have a digest",
    "good-elsewhere": "a model is not from",
}


@pytest.fixture(scope="module")
def cluster(
    library_shelf: Shelf, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """Return a cluster in which the whole library is obeyed."""
    with api_server(tmp_path_factory.mktemp("cluster")) as server:
        made = server.apply(*map(dict, DEFINITIONS))
        assert made.done, made.said
        with kyverno(server, tmp_path_factory.mktemp("kyverno")):
            for policy in documents(EVERYTHING, _PLACES):
                apply_policy(server, filled(policy, library_shelf.names))
            # The API server takes up a webhook a moment after it is told.
            bad = filled(pod("${unsigned}"), library_shelf.names)
            server.wait(
                lambda: _UNSIGNED in server.apply(bad, dry_run=True).said, "a refusal"
            )
            yield server


@pytest.mark.parametrize("place", _OBJECTS)
@pytest.mark.parametrize("model", ["good", "wasm"])
def test_what_is_good_is_admitted(
    cluster: Cluster, library_shelf: Shelf, place: str, model: str
) -> None:
    applied = cluster.apply(
        filled(_OBJECTS[place](f"${{{model}}}"), library_shelf.names), dry_run=True
    )
    assert applied.done, applied.said


@pytest.mark.parametrize("place", _OBJECTS)
@pytest.mark.parametrize("model", _REFUSED)
def test_what_is_not_is_refused_with_the_reason(
    cluster: Cluster, library_shelf: Shelf, place: str, model: str
) -> None:
    applied = cluster.apply(
        filled(_OBJECTS[place](f"${{{model}}}"), library_shelf.names), dry_run=True
    )
    assert not applied.done
    assert _REFUSED[model] in applied.said


def test_a_pod_without_a_model_is_none_of_its_business(cluster: Cluster) -> None:
    applied = cluster.apply(dict(pod()), dry_run=True)
    assert applied.done, applied.said


def test_a_deployment_is_refused_before_its_pods_are(
    cluster: Cluster, library_shelf: Shelf
) -> None:
    template = filled(pod("${unsigned}"), library_shelf.names)
    labels = {"app": "server"}
    deployment: Document = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "server", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": template["spec"]},
        },
    }
    applied = cluster.apply(dict(deployment), dry_run=True)
    assert not applied.done
    assert _UNSIGNED in applied.said
