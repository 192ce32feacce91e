"""What a policy is asked about: an object that is to be created, or a JSON payload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.oci.fields import Fields

__all__ = ["Payload", "Request", "Resource", "request_of"]

Object = Mapping[str, object]

# Kinds whose resources are not just their small letters with an s.
_PLURALS: Final = {
    "Endpoints": "endpoints",
    "Ingress": "ingresses",
    "IngressClass": "ingressclasses",
    "NetworkPolicy": "networkpolicies",
    "PolicyException": "policyexceptions",
    "PriorityClass": "priorityclasses",
    "RuntimeClass": "runtimeclasses",
    "StorageClass": "storageclasses",
}
_CLUSTER_WIDE: Final = frozenset(
    {
        "ClusterRole",
        "ClusterRoleBinding",
        "ClusterServingRuntime",
        "CSIDriver",
        "CustomResourceDefinition",
        "IngressClass",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "RuntimeClass",
        "StorageClass",
    }
)


@dataclass(frozen=True, slots=True)
class Resource:
    """What Kubernetes calls a GroupVersionResource."""

    group: str
    version: str
    plural: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to a Kubernetes API server (``admission.k8s.io/v1``).

    ``document`` is what policies see as ``request``. ``old_object`` is empty where
    something is created, as Kyverno has it.
    """

    object: Object
    resource: Resource
    kind: str
    operation: str = "CREATE"
    old_object: Object = field(default_factory=dict)
    subresource: str = ""
    name: str = ""
    namespace: str = ""
    namespace_object: Object = field(default_factory=dict)
    document: Object = field(default_factory=dict)

    @property
    def labels(self) -> Mapping[str, str] | None:
        """The object's labels; None where there is no object."""
        return _labels(self.object)

    @property
    def old_labels(self) -> Mapping[str, str] | None:
        """The labels of what is replaced or deleted; None where there is nothing."""
        return _labels(self.old_object)

    @property
    def namespace_labels(self) -> Mapping[str, str]:
        """The namespace's labels."""
        return _labels(self.namespace_object) or {}

    @property
    def generate_name(self) -> str:
        """What the object's name will begin with."""
        value = _metadata(self.object).get("generateName")
        return value if isinstance(value, str) else ""

    @property
    def shown(self) -> str:
        """The object in words: ``Pod ml/serving``."""
        name = self.name or self.generate_name
        place = f"{self.namespace}/{name}" if self.namespace else name
        return f"{self.kind} {place}".strip()


@dataclass(frozen=True, slots=True)
class Payload:
    """A JSON payload, for policies whose evaluation mode is JSON."""

    value: object

    @property
    def shown(self) -> str:
        """The payload in words."""
        return "payload"


def request_of(
    value: object,
    *,
    where: str = "",
    namespace: str = "",
    namespace_labels: Mapping[str, str] | None = None,
) -> Request:
    """Return the request that creates an object of Kubernetes.

    ``namespace`` is where an object goes that names none.
    """
    fields = Fields(value, where)
    version, kind = fields.text("apiVersion"), fields.text("kind")
    if not version or not kind:
        raise InvalidInput("is no object of Kubernetes", where=where)
    metadata = _metadata(fields.members)
    name = metadata.get("name")
    own = metadata.get("namespace")
    if kind in _CLUSTER_WIDE:
        place = ""
    else:
        place = own if isinstance(own, str) and own else namespace or "default"
    group, _, number = version.rpartition("/")
    resource = Resource(group, number, _PLURALS.get(kind, f"{kind.lower()}s"))
    short = name if isinstance(name, str) else ""
    space: dict[str, object] = {}
    if place and namespace_labels:
        space = {"metadata": {"name": place, "labels": dict(namespace_labels)}}
    return Request(
        object=fields.members,
        resource=resource,
        kind=kind,
        name=short,
        namespace=place,
        namespace_object=space,
        document=_as_asked(fields.members, resource, kind, short, place),
    )


def _as_asked(
    value: Object, resource: Resource, kind: str, name: str, namespace: str
) -> Object:
    """Return the ``AdmissionRequest`` that an API server would send."""
    group_version = {"group": resource.group, "version": resource.version}
    of_kind = {**group_version, "kind": kind}
    of_resource = {**group_version, "resource": resource.plural}
    return {
        "uid": "",
        "kind": of_kind,
        "resource": of_resource,
        "requestKind": of_kind,
        "requestResource": of_resource,
        "name": name,
        "namespace": namespace,
        "operation": "CREATE",
        "userInfo": {},
        "object": value,
        "dryRun": False,
    }


def _metadata(value: Object) -> Object:
    metadata = value.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _labels(value: Object) -> Mapping[str, str] | None:
    if not value:
        return None
    labels = _metadata(value).get("labels")
    if not isinstance(labels, dict):
        return {}
    return {key: text for key, text in labels.items() if isinstance(text, str)}
