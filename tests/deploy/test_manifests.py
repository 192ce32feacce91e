"""The manifests fit together and to what the program takes; nothing more is allowed."""

from typing import cast

import pytest
import typer.main

from modelpack.cli.app import app_of
from modelpack.policy.cel.engine import Environment
from modelpack.policy.cel.types import DYN
from modelpack.policy.objects import (
    CSI_DRIVER,
    CSI_REFERENCE,
    Carrier,
    carrying,
    model_references,
)
from tests.deploy.manifests import DEPLOY, Json, at, kustomized, sources
from tests.docs.pages import ROOT
from tests.serve.admission.scene import GOOD, pod

MANIFESTS = kustomized()
POD = at(MANIFESTS["Deployment/modelpack-admission"], "spec", "template", "spec")
CONTAINER = at(POD, "containers", 0)
WEBHOOKS = cast(
    "list[object]",
    at(MANIFESTS["ValidatingWebhookConfiguration/modelpack-admission"], "webhooks"),
)
WEBHOOK, FOR_VOLUMES = WEBHOOKS


def test_every_argument_is_one_that_the_command_has() -> None:
    given = cast("list[str]", at(CONTAINER, "args"))
    command = typer.main.get_command(app_of([]))
    for name in given[:2]:
        command = getattr(command, "commands", {})[name]
    known = {name for option in command.params for name in option.opts}
    assert {flag.partition("=")[0] for flag in given[2:]} <= known


def test_every_path_that_is_named_is_mounted() -> None:
    mounts = [str(at(each, "mountPath")) for each in _list(CONTAINER, "volumeMounts")]
    named = [
        word.partition("=")[2]
        for word in cast("list[str]", at(CONTAINER, "args"))
        if "=/" in word
    ]
    named.append(str(at(CONTAINER, "env", 0, "value")))
    assert all(any(path.startswith(mount) for mount in mounts) for path in named)
    volumes = {at(each, "name") for each in _list(POD, "volumes")}
    assert {at(m, "name") for m in _list(CONTAINER, "volumeMounts")} == volumes


def test_it_runs_with_nothing_that_it_does_not_need() -> None:
    """Hold it to the restricted Pod Security Standard, and to less."""
    assert at(CONTAINER, "securityContext") == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    inside = at(POD, "securityContext")
    assert at(inside, "runAsNonRoot") is True
    assert at(inside, "seccompProfile") == {"type": "RuntimeDefault"}
    assert at(POD, "automountServiceAccountToken") is False
    assert at(POD, "serviceAccountName") == "modelpack-admission"
    assert not any(name.startswith(("Role", "ClusterRole")) for name in MANIFESTS)
    assert all(
        at(each, "readOnly") is True for each in _list(CONTAINER, "volumeMounts")
    )


def test_whoever_is_called_is_there() -> None:
    service = MANIFESTS["Service/modelpack-admission"]
    called = at(WEBHOOK, "clientConfig", "service")
    assert at(FOR_VOLUMES, "clientConfig", "service") == called
    assert at(called, "name") == at(service, "metadata", "name")
    assert at(called, "namespace") == at(service, "metadata", "namespace")
    assert at(called, "port") == at(service, "spec", "ports", 0, "port")
    assert at(called, "path") == "/validate"
    port = at(CONTAINER, "ports", 0)
    assert at(service, "spec", "ports", 0, "targetPort") == at(port, "name")
    assert f"--port={at(port, 'containerPort')}" in cast(
        "list[str]", at(CONTAINER, "args")
    )
    labels = at(
        MANIFESTS["Deployment/modelpack-admission"],
        *("spec", "template", "metadata", "labels"),
    )
    for name, path in (
        ("Service", ("spec", "selector")),
        ("NetworkPolicy", ("spec", "podSelector", "matchLabels")),
        ("PodDisruptionBudget", ("spec", "selector", "matchLabels")),
        ("Deployment", ("spec", "selector", "matchLabels")),
    ):
        assert at(MANIFESTS[f"{name}/modelpack-admission"], *path) == labels
    ingress = at(MANIFESTS["NetworkPolicy/modelpack-admission"], "spec", "ingress", 0)
    assert at(ingress, "ports", 0, "port") == at(port, "containerPort")


def test_the_certificate_is_for_the_name_that_is_called() -> None:
    certificate = MANIFESTS["Certificate/modelpack-admission"]
    called = at(WEBHOOK, "clientConfig", "service")
    host = f"{at(called, 'name')}.{at(called, 'namespace')}.svc"
    assert at(certificate, "spec", "dnsNames") == [host]
    secrets = [each for each in _list(POD, "volumes") if "secret" in cast("Json", each)]
    names = [at(each, "secret", "secretName") for each in secrets]
    assert at(certificate, "spec", "secretName") in names


def test_a_webhook_that_fails_refuses_and_cannot_wedge_its_own_start() -> None:
    for each in WEBHOOKS:
        assert at(each, "failurePolicy") == "Fail"
        assert at(each, "sideEffects") == "None"
        assert at(each, "admissionReviewVersions") == ["v1"]
        assert int(str(at(each, "timeoutSeconds"))) <= 30
    (rule,) = _list(at(WEBHOOK, "namespaceSelector"), "matchExpressions")
    assert at(rule, "operator") == "NotIn"
    namespace = at(MANIFESTS["Namespace/modelpack-system"], "metadata", "name")
    assert {"kube-system", namespace} <= set(cast("list[str]", at(rule, "values")))
    assert at(MANIFESTS["Deployment/modelpack-admission"], "spec", "replicas") == 2
    disruption = MANIFESTS["PodDisruptionBudget/modelpack-admission"]
    assert at(disruption, "spec", "minAvailable") == 1


@pytest.mark.parametrize(
    ("resource", "wanted", "asked"),
    [
        ("pods", pod(GOOD), True),
        ("pods", carrying(GOOD, Carrier.CSI), True),
        ("pods", pod(), False),
        ("pods", carrying(GOOD, Carrier.CONTAINER), False),
        ("inferenceservices", carrying(GOOD, Carrier.INFERENCE_SERVICE), True),
    ],
)
def test_it_is_asked_about_what_brings_in_a_model(
    resource: str, wanted: Json, *, asked: bool
) -> None:
    assert _is_asked(WEBHOOK, resource, wanted) is asked


def _volume(driver: str) -> Json:
    attributes = {CSI_REFERENCE: GOOD}
    csi = {"driver": driver, "volumeHandle": "m", "volumeAttributes": attributes}
    return {"kind": "PersistentVolume", "spec": {"csi": csi}}


@pytest.mark.parametrize(
    ("resource", "wanted"),
    [
        ("persistentvolumes", _volume(CSI_DRIVER)),
        ("persistentvolumes", _volume("csi.example.com")),
        ("persistentvolumes", {"kind": "PersistentVolume", "spec": {"nfs": {}}}),
        (
            "storageclasses",
            {"kind": "StorageClass", "parameters": {CSI_REFERENCE: GOOD}},
        ),
        ("storageclasses", {"kind": "StorageClass", "parameters": {"type": "ssd"}}),
        ("storageclasses", {"kind": "StorageClass"}),
    ],
)
def test_it_is_asked_about_the_volumes_and_classes_that_name_a_model(
    resource: str, wanted: Json
) -> None:
    rules = _list(FOR_VOLUMES, "rules")
    assert [resource] in [at(rule, "resources") for rule in rules]
    assert all(at(rule, "scope") == "Cluster" for rule in rules)
    assert "namespaceSelector" not in cast("Json", FOR_VOLUMES)
    asked = _is_asked(FOR_VOLUMES, resource, wanted)
    assert asked is bool(model_references(wanted))


def test_the_image_is_built_from_files_that_are_there() -> None:
    named = sources(DEPLOY / "Containerfile")
    assert {"modelpack", "requirements.lock", "pyproject.toml"} <= set(named)
    assert all((ROOT / name).exists() for name in named)


def _is_asked(webhook: object, resource: str, wanted: Json) -> object:
    (condition,) = _list(webhook, "matchConditions")
    environment = Environment(variables={"object": DYN, "request": DYN})
    program = environment.compile(str(at(condition, "expression")), where="webhook")
    request = {"resource": {"resource": resource}}
    return program.evaluate(environment.bind({"object": wanted, "request": request}))


def _list(value: object, key: str) -> list[object]:
    return cast("list[object]", at(value, key))
