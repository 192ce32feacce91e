"""Where objects name models, and which requests policies are about."""

import pytest

from modelpack.errors import InvalidInput
from modelpack.policy.image_reference import ImageReference
from modelpack.policy.objects import Carrier, carrying, model_references
from modelpack.policy.request import Resource, request_of
from tests.policy.scene import Json, image_policy, read
from tests.workflows.signing import Person

REFERENCE = f"registry.test/team/model@sha256:{'a' * 64}"


@pytest.mark.parametrize("carrier", [c for c in Carrier if c != Carrier.CONTAINER])
def test_what_carries_a_model_names_it(carrier: Carrier) -> None:
    assert model_references(carrying(REFERENCE, carrier)) == (REFERENCE,)


def test_a_container_is_no_model() -> None:
    assert model_references(carrying(REFERENCE, Carrier.CONTAINER)) == ()


def test_a_service_names_models_wherever_they_stand() -> None:
    service: Json = {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "LLMInferenceService",
        "metadata": {"name": "llm"},
        "spec": {
            "model": {
                "uri": "oci+native://registry.test/base@sha256:00",
                "lora": {"adapters": [{"uri": "oci://registry.test/lora:1"}]},
            },
            "storage": {"uri": "s3://bucket/model"},
        },
    }
    assert model_references(service) == (
        "registry.test/base@sha256:00",
        "registry.test/lora:1",
    )


@pytest.mark.parametrize(
    ("text", "registry", "repository", "identifier"),
    [
        ("nginx", "index.docker.io", "library/nginx", "latest"),
        ("team/nginx:1", "index.docker.io", "team/nginx", "1"),
        ("docker.io/nginx", "index.docker.io", "library/nginx", "latest"),
        ("localhost/x1:2", "localhost", "x1", "2"),
        ("127.0.0.1:5000/a/b:1", "127.0.0.1:5000", "a/b", "1"),
        (REFERENCE, "registry.test", "team/model", f"sha256:{'a' * 64}"),
        (
            f"registry.test/team/model:1@sha256:{'a' * 64}",
            "registry.test",
            "team/model",
            f"sha256:{'a' * 64}",
        ),
    ],
)
def test_a_reference_is_read_as_go_containerregistry_does(
    text: str, registry: str, repository: str, identifier: str
) -> None:
    parsed = ImageReference.parse(text)
    assert (parsed.registry, parsed.repository) == (registry, repository)
    assert parsed.identifier == identifier


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ghcr.io/x:1",
        "ghcr.io/UPPER:1",
        "user:password@ghcr.io/team/model",
        "https://ghcr.io/team/model",
        "ghcr.io/team/model@sha256:short",
        f"{REFERENCE}@sha256:{'a' * 64}",
        "ghcr.io/team/model: 1",
        "ghcr.io/team/model:" + "t" * 129,
    ],
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        ImageReference.parse(text)


def test_kinds_become_resources() -> None:
    service = request_of(carrying(REFERENCE, Carrier.INFERENCE_SERVICE))
    assert service.resource == Resource(
        "serving.kserve.io", "v1beta1", "inferenceservices"
    )
    assert service.namespace == "default"
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    assert request_of(policy).resource.plural == "networkpolicies"
    assert request_of({"apiVersion": "v1", "kind": "Namespace"}).namespace == ""


@pytest.mark.parametrize(
    ("constraints", "matches"),
    [
        ({}, True),
        ({"resourceRules": []}, True),
        ({"namespaceSelector": {"matchLabels": {"env": "prod"}}}, True),
        ({"namespaceSelector": {"matchLabels": {"env": "dev"}}}, False),
        (
            {
                "namespaceSelector": {
                    "matchExpressions": [
                        {"key": "env", "operator": "NotIn", "values": ["prod"]}
                    ]
                }
            },
            False,
        ),
        ({"objectSelector": {"matchLabels": {"app": "llm"}}}, True),
        (
            {
                "objectSelector": {
                    "matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]
                }
            },
            False,
        ),
    ],
)
def test_selectors_select(constraints: Json, matches: bool) -> None:  # noqa: FBT001
    value = dict(carrying(REFERENCE, Carrier.VOLUME, namespace="ml"))
    value["metadata"] = {"name": "a", "namespace": "ml", "labels": {"app": "llm"}}
    request = request_of(value, namespace_labels={"env": "prod"})
    document = image_policy(Person.new(), matchConstraints=constraints)
    ((policy, _),) = read(document).policies
    assert policy.common.match.match(request) is matches


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        ({}, True),
        ({"apiGroups": ["*"]}, True),
        ({"apiGroups": ["apps"]}, False),
        ({"apiVersions": ["v1beta1"]}, False),
        ({"operations": ["UPDATE"]}, False),
        ({"operations": ["*"]}, True),
        ({"resources": ["*"]}, True),
        ({"resources": ["*/*"]}, True),
        ({"resources": ["pods/*"]}, True),
        ({"resources": ["pods/status"]}, False),
        ({"resources": ["services"]}, False),
        ({"resourceNames": ["model"]}, True),
        ({"resourceNames": ["other"]}, False),
        ({"scope": "Namespaced"}, True),
        ({"scope": "Cluster"}, False),
    ],
)
def test_rules_cover_requests(rule: Json, matches: bool) -> None:  # noqa: FBT001
    whole = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["pods"],
        **rule,
    }
    request = request_of(carrying(REFERENCE, Carrier.VOLUME))
    for constraints, expected in (
        ({"resourceRules": [whole]}, matches),
        ({"excludeResourceRules": [whole]}, not matches),
    ):
        document = image_policy(Person.new(), matchConstraints=constraints)
        ((policy, _),) = read(document).policies
        assert policy.common.match.match(request) is expected
