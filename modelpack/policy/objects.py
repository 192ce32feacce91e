"""Where objects of Kubernetes name models, and the smallest that names one.

Image volumes (KEP-4639), the ModelPack CSI driver, and KServe's ``storageUri``; plain
containers are not models, but for those that KServe makes of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

__all__ = ["Carrier", "carrying", "model_references"]

CSI_DRIVER: Final = "model.csi.modelpack.org"
CSI_REFERENCE: Final = f"{CSI_DRIVER}/reference"
# `oci://`, and the ways of mounting that KServe has added to it.
_SCHEME: Final = re.compile(r"oci(?:\+[a-z]+)?://")
_POD_SPECS: Final = (
    ("spec",),
    ("spec", "template", "spec"),
    ("spec", "jobTemplate", "spec", "template", "spec"),
)
_KSERVE: Final = frozenset({"InferenceService", "LLMInferenceService"})
_URIS: Final = frozenset({"storageUri", "uri"})
_DEEPEST: Final = 32


class Carrier(StrEnum):
    """What brings a model into a cluster."""

    VOLUME = "volume"
    CSI = "csi"
    CONTAINER = "container"
    INFERENCE_SERVICE = "inferenceservice"


def model_references(value: Mapping[str, object]) -> tuple[str, ...]:
    """Return the references of all models that an object names, in order."""
    found: list[str] = []
    for path in _POD_SPECS:
        found += _in_volumes(_at(value, path))
    if value.get("kind") == "PersistentVolume":
        found += _in_csi(_at(value, ("spec",)), "volumeAttributes")
    if value.get("kind") == "StorageClass":
        found += _texts(_map(value.get("parameters")), CSI_REFERENCE)
    if value.get("kind") in _KSERVE:
        found += _in_service(value.get("spec"), 0)
    return tuple(dict.fromkeys(found))


def carrying(
    reference: str, carrier: Carrier, *, namespace: str = "default"
) -> Mapping[str, object]:
    """Return the smallest object that brings a model into a cluster."""
    metadata = {"name": "model", "namespace": namespace}
    if carrier is Carrier.INFERENCE_SERVICE:
        return {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": metadata,
            "spec": {
                "predictor": {
                    "model": {
                        "modelFormat": {"name": "huggingface"},
                        "storageUri": f"oci://{reference}",
                    }
                }
            },
        }
    spec: dict[str, object] = {"containers": []}
    if carrier is Carrier.CONTAINER:
        spec["containers"] = [{"name": "model", "image": reference}]
    elif carrier is Carrier.CSI:
        attributes = {CSI_REFERENCE: reference}
        csi = {"driver": CSI_DRIVER, "readOnly": True, "volumeAttributes": attributes}
        spec["volumes"] = [{"name": "model", "csi": csi}]
    else:
        spec["volumes"] = [{"name": "model", "image": {"reference": reference}}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _in_volumes(spec: Mapping[str, object]) -> Iterator[str]:
    volumes = spec.get("volumes")
    for volume in volumes if isinstance(volumes, list) else ():
        yield from _texts(_map(_map(volume).get("image")), "reference")
        yield from _in_csi(_map(volume), "volumeAttributes")


def _in_csi(holder: Mapping[str, object], attributes: str) -> Iterator[str]:
    csi = _map(holder.get("csi"))
    if csi.get("driver") == CSI_DRIVER:
        yield from _texts(_map(csi.get(attributes)), CSI_REFERENCE)


def _in_service(value: object, depth: int) -> Iterator[str]:
    """Yield what stands in any ``storageUri`` or ``uri``, however deep."""
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for inner in value:
            yield from _in_service(inner, depth + 1)
    for key, inner in _map(value).items():
        if key in _URIS and isinstance(inner, str):
            if scheme := _SCHEME.match(inner):
                yield inner[scheme.end() :]
        else:
            yield from _in_service(inner, depth + 1)


def _at(value: Mapping[str, object], path: tuple[str, ...]) -> Mapping[str, object]:
    for key in path:
        value = _map(value.get(key))
    return value


def _map(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _texts(value: Mapping[str, object], key: str) -> Iterator[str]:
    text = value.get(key)
    if isinstance(text, str) and text:
        yield text
