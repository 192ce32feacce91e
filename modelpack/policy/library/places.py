"""Where a model is named in a cluster, and how a policy finds it there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

_DRIVER: Final = "model.csi.modelpack.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of object, which gets one policy."""

    name: str
    group: str
    versions: tuple[str, ...]
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an object of a kind names models.

    ``named`` is a CEL list of all references there, whatever they are: what is no
    image is on it too, so that nothing is passed over. ``condition`` is true where
    there is any; without one every object of the kind has to name one.
    ``builtin`` are Kyverno's own extractors, for what it extracts by itself.
    """

    name: str
    kind: Kind
    summary: str
    named: str
    condition: str = ""
    builtin: tuple[str, ...] = ()


PODS: Final = Kind(name="pods", group="", versions=("v1",), resource="pods")
SERVICES: Final = Kind(
    name="kserve",
    group="serving.kserve.io",
    versions=("v1beta1",),
    resource="inferenceservices",
)
LLM_SERVICES: Final = Kind(
    name="kserve-llm",
    group="serving.kserve.io",
    versions=("v1alpha1", "v1alpha2"),
    resource="llminferenceservices",
)

# Kyverno rewrites `object.spec` for Deployments and their likes, so that it has to
# stand in expressions just like that.
_VOLUMES: Final = "object.spec.?volumes.orValue([])"
_CARS: Final = "['modelcar', 'modelcar-init']"
_CONTAINERS: Final = (
    "(object.spec.containers + object.spec.?initContainers.orValue([]))"
)
_PARTS: Final = "object.spec.transformList(k, c, type(c) == map, c)"
_URIS: Final = (
    f"({_PARTS}.map(c, c.transformList(k, v, type(v) == map && has(v.storageUri),"
    " v.storageUri)).flatten()"
    f" + {_PARTS}.map(c, c.?storageUris.orValue([]).map(s, s.uri)).flatten()"
    f" + {_PARTS}.map(c, c.?containers.orValue([]).map(k,"
    " k.?env.orValue([]).filter(e, e.name == 'STORAGE_URI')"
    ".map(e, e.?value.orValue('')))).flatten().flatten())"
)
_LLM_URIS: Final = (
    "([object.spec.?model.?uri.orValue('')]"
    " + object.spec.?model.?lora.?adapters.orValue([]).map(a, a.?uri.orValue('')))"
)
# oci://, and KServe's oci+native://, oci+modelcar://, oci+fetch://.
_IMAGES_OF: Final = (
    "{}.map(u, u.matches('^oci([+][a-z]+)?://') ?"
    " u.substring(u.indexOf('://') + 3) : u)"
)

_ALL: Final = (
    Place(
        name="volumes",
        kind=PODS,
        summary="image volumes of Pods: `spec.volumes[].image.reference`",
        named=f"{_VOLUMES}.filter(v, has(v.image))"
        ".map(v, v.image.?reference.orValue(''))",
        condition=f"{_VOLUMES}.exists(v, has(v.image))",
    ),
    Place(
        name="csi",
        kind=PODS,
        summary=f"inline volumes of the ModelPack CSI driver, `{_DRIVER}`",
        named=f"{_VOLUMES}.filter(v, has(v.csi) && v.csi.driver == '{_DRIVER}')"
        f".map(v, v.csi.?volumeAttributes[?'{_DRIVER}/reference'].orValue(''))",
        condition=f"{_VOLUMES}.exists(v, has(v.csi) && v.csi.driver == '{_DRIVER}')",
    ),
    Place(
        name="containers",
        kind=PODS,
        summary="containers that carry a model: those that KServe calls `modelcar`,"
        " and every container below an allowed registry",
        named=f"{_CONTAINERS}.filter(c, c.name in {_CARS}).map(c, c.image)",
        builtin=("containers", "initContainers", "ephemeralContainers"),
    ),
    Place(
        name="kserve",
        kind=SERVICES,
        summary="every `storageUri` and `storageUris[].uri` of an InferenceService,"
        " and `STORAGE_URI` of its containers",
        named=_IMAGES_OF.format(_URIS),
    ),
    Place(
        name="llm",
        kind=LLM_SERVICES,
        summary="`spec.model.uri` of an LLMInferenceService, and its LoRA adapters",
        named=_IMAGES_OF.format(_LLM_URIS),
    ),
)
PLACES: Final[Mapping[str, Place]] = MappingProxyType(
    {place.name: place for place in _ALL}
)


def by_kind(places: Sequence[Place]) -> Mapping[Kind, Sequence[Place]]:
    """Group places by the kind of object that they are in."""
    kinds = dict.fromkeys(place.kind for place in places)
    return {kind: [p for p in places if p.kind == kind] for kind in kinds}
