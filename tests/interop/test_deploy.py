"""Kubernetes' own schemas, kubectl and Helm take what stands under deploy/."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.manifests import CHART, KUBERNETES, objects
from tests.interop.desk import Desk
from tests.interop.peers import lacking

pytestmark = pytest.mark.interop

# cert-manager's, whose schemas are its own.
OTHERS = {"Certificate", "Issuer"}
FOR = ("--kube-version", "1.34.0")
VERSIONS = ("1.28", "1.31", "1.34", "1.37")


def rendered(desk: Desk, *arguments: str | Path) -> str:
    where = ("--namespace", "modelpack-system", *FOR)
    ran = desk.peer(
        "helm", "template", "modelpack-admission", CHART, *where, *arguments
    )
    return ran.out.decode()


def validated(desk: Desk, text: str, tmp_path: Path) -> None:
    """Hold every object that is Kubernetes' own to its schema, with no field more."""
    known = [each for each in objects(text).values() if each["kind"] not in OTHERS]
    path = tmp_path / "objects.yaml"
    path.write_text(yaml.safe_dump_all(known))
    for version in VERSIONS:
        strict = ("--strict", "-k", version)
        ran = desk.peer("kubernetes_validate", *strict, path)
        said = ran.out.decode() + ran.err
        assert said.count("passed") == len(known), said
        assert "WARN" not in said


def test_the_manifests_are_valid(desk: Desk, tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        lacking("kubectl is not installed")
    done = subprocess.run(
        [kubectl, "kustomize", str(KUBERNETES)],
        check=True,
        capture_output=True,
        text=True,
    )
    validated(desk, done.stdout, tmp_path)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"certManager": False},
        {
            "policies": {"a.yaml": "apiVersion: v1\nkind: x\n"},
            "registries": ["ghcr.io"],
            "arguments": ["--timeout=5"],
            "replicas": 3,
        },
    ],
    ids=["default", "own certificate", "more"],
)
def test_the_chart_is_valid(
    values: dict[str, object], desk: Desk, tmp_path: Path
) -> None:
    chosen = tmp_path / "values.yaml"
    chosen.write_text(yaml.safe_dump(values))
    desk.peer("helm", "lint", "--strict", *FOR, CHART, "--values", chosen)
    validated(desk, rendered(desk, "--values", chosen), tmp_path)


def test_the_chart_makes_the_same_objects_as_the_manifests(desk: Desk) -> None:
    written = objects(
        "\n---\n".join(
            (KUBERNETES / name).read_text("utf-8")
            for name in yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())[
                "resources"
            ]
        )
    )
    del written["Namespace/modelpack-system"]  # is Helm's --create-namespace
    assert objects(rendered(desk)) == written


def test_what_is_given_gets_where_it_belongs(desk: Desk, tmp_path: Path) -> None:
    policy = "kind: ImageValidatingPolicy\nspec:\n  a: |\n    b\n"
    chosen = tmp_path / "values.yaml"
    chosen.write_text(
        yaml.safe_dump({"policies": {"a.yaml": policy}, "registries": ["ghcr.io"]})
    )
    made = objects(rendered(desk, "--values", chosen))
    assert made["ConfigMap/modelpack-policies"]["data"] == {"a.yaml": policy}
    assert "--registry=ghcr.io" in str(made["Deployment/modelpack-admission"])


def test_an_own_certificate_is_of_the_authority_that_the_webhook_names(
    desk: Desk,
) -> None:
    made = objects(rendered(desk, "--set", "certManager=false"))
    secret = made["Secret/modelpack-admission-tls"]["data"]
    webhook = made["ValidatingWebhookConfiguration/modelpack-admission"]
    assert isinstance(secret, dict)
    assert secret["ca.crt"] in str(webhook)
