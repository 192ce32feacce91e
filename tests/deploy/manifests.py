"""The objects under deploy/kubernetes, as they are applied."""

from pathlib import Path
from typing import cast

import yaml

from tests.docs.pages import ROOT

DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
CHART = DEPLOY / "helm" / "modelpack-admission"

Json = dict[str, object]


def objects(text: str) -> dict[str, Json]:
    """Return the documents of a stream by ``Kind/name``."""
    found = [cast("Json", each) for each in yaml.safe_load_all(text) if each]
    named = {f"{each['kind']}/{_name(each)}": each for each in found}
    assert len(named) == len(found)
    return named


def kustomized() -> dict[str, Json]:
    """Return what kustomization.yaml lists; it changes nothing."""
    listed = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text("utf-8"))
    assert set(listed) == {"apiVersion", "kind", "resources"}
    texts = [(KUBERNETES / name).read_text("utf-8") for name in listed["resources"]]
    written = {path.name for path in KUBERNETES.glob("*.yaml")}
    assert written == {*listed["resources"], "kustomization.yaml"}
    return objects("\n---\n".join(texts))


def at(value: object, *keys: str | int) -> object:
    """Return what lies under keys and places."""
    for key in keys:
        value = cast("dict[str | int, object]", value)[key]
    return value


def sources(containerfile: Path) -> list[str]:
    """Return what is copied from the build's folder."""
    lines = containerfile.read_text("utf-8").splitlines()
    copies = [line.split()[1:-1] for line in lines if line.startswith("COPY ")]
    return [name for names in copies for name in names if "--from" not in names[0]]


def _name(value: Json) -> str:
    return str(cast("Json", value["metadata"])["name"])
