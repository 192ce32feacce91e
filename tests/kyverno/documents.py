"""Policies, exceptions and Kubernetes objects, with what the cases do not vary."""

from collections.abc import Sequence

from tests.kyverno.case import Document, Json

GROUP = "policies.kyverno.io"
API = f"{GROUP}/v1"

OFFLINE = {"insecureIgnoreTlog": True, "insecureIgnoreSCT": True}
MODELS = "images.models"
SIGNED = "images.models.all(m, verifyImageSignatures(m, [attestors.dev]) > 0)"
ALL_SIGNED = {"expression": SIGNED, "message": "not signed by the team"}

POD_MODELS = (
    "object.spec.?volumes.orValue([])"
    ".filter(v, has(v.image) && has(v.image.reference)).map(v, v.image.reference)"
)


def by_key(name: str = "dev", *, of: str = "", hashed: str = "") -> Json:
    """Return an attestor of the key of `of`, or of its own name."""
    key = {"data": f"${{{of or name}.pub}}"}
    if hashed:
        key["hashAlgorithm"] = hashed
    return {"name": name, "cosign": {"key": key, "ctlog": OFFLINE}}


def attestation(name: str, kind: str) -> Json:
    return {"name": name, "intoto": {"type": kind}}


def matching(group: str, version: str, resource: str) -> Json:
    return {
        "resourceRules": [
            {
                "apiGroups": [group],
                "apiVersions": [version],
                "operations": ["CREATE", "UPDATE"],
                "resources": [resource],
            }
        ]
    }


PODS = matching("", "v1", "pods")
SERVICES = matching("serving.kserve.io", "v1beta1", "inferenceservices")
LLM_SERVICES = matching("serving.kserve.io", "v1alpha1", "llminferenceservices")


def ivpol(  # noqa: PLR0913 - one for each field
    validations: Sequence[Json] = (ALL_SIGNED,),
    *,
    name: str = "models",
    kind: str = "ImageValidatingPolicy",
    version: str = "v1",
    attestors: Sequence[Json] | None = None,
    images: Sequence[Json] | None = None,
    matched: Json = PODS,
    meta: Json = None,
    **spec: Json,
) -> Document:
    """Return a policy on image volumes, signed by `dev`, unless told otherwise.

    A field of `spec` that is None is left out. By default it is about what comes from
    the shelf alone: Kyverno itself looks at containers as well.
    """
    return {
        "apiVersion": f"{GROUP}/{version}",
        "kind": kind,
        "metadata": {"name": name, **(meta or {})},
        "spec": _without_none(
            {
                "matchConstraints": matched,
                "images": [{"name": "models", "expression": POD_MODELS}]
                if images is None
                else list(images),
                "attestors": [by_key()] if attestors is None else list(attestors),
                "matchImageReferences": [{"glob": "${registry}/*"}],
                "validations": list(validations),
                **spec,
            }
        ),
    }


def json_ivpol(validations: Sequence[Json] = (ALL_SIGNED,), **spec: Json) -> Document:
    """Return a policy of JSON mode: the model is the payload's `reference`."""
    images = [{"name": "models", "expression": "[object.reference]"}]
    return ivpol(
        validations,
        **{
            "images": images,
            "matched": {},
            "evaluation": {"mode": "JSON"},
            **spec,
        },
    )


def vpol(
    validations: Sequence[Json],
    *,
    name: str = "rules",
    matched: Json = PODS,
    **spec: Json,
) -> Document:
    return {
        "apiVersion": API,
        "kind": "ValidatingPolicy",
        "metadata": {"name": name},
        "spec": _without_none(
            {"matchConstraints": matched, "validations": list(validations), **spec}
        ),
    }


def exception(
    name: str = "models", kind: str = "ImageValidatingPolicy", **spec: Json
) -> Document:
    return {
        "apiVersion": API,
        "kind": "PolicyException",
        "metadata": {"name": "let-it", "namespace": "default"},
        "spec": {"policyRefs": [{"name": name, "kind": kind}], **spec},
    }


def pod(
    *references: str, name: str = "server", meta: Json = None, **spec: Json
) -> Document:
    """Return a Pod that mounts each reference as an image volume."""
    volumes = [
        {"name": f"model-{number}", "image": {"reference": reference}}
        for number, reference in enumerate(references)
    ]
    mounts = [
        {"name": volume["name"], "mountPath": f"/models/{volume['name']}"}
        for volume in volumes
    ]
    container = {
        "name": "server",
        "image": "server.invalid/run:1",
        "volumeMounts": mounts,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", **(meta or {})},
        "spec": {"containers": [container], "volumes": volumes, **spec},
    }


def csi_pod(*references: str) -> Document:
    """Return a Pod that mounts each reference through the ModelPack CSI driver."""
    return pod(
        volumes=[
            {
                "name": f"model-{number}",
                "csi": {
                    "driver": "model.csi.modelpack.org",
                    "volumeAttributes": {"model.csi.modelpack.org/reference": each},
                },
            }
            for number, each in enumerate(references)
        ]
    )


def inference_service(uri: str, *more: str, name: str = "server") -> Document:
    predictor: Json = {
        "model": {"modelFormat": {"name": "huggingface"}, "storageUri": uri}
    }
    if more:
        predictor["storageUris"] = [{"uri": each} for each in more]
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"predictor": predictor},
    }


def llm_service(uri: str, *adapters: str, version: str = "v1alpha1") -> Document:
    model: Json = {"uri": uri, "name": "model"}
    if adapters:
        model["lora"] = {"adapters": [{"uri": each} for each in adapters]}
    return {
        "apiVersion": f"serving.kserve.io/{version}",
        "kind": "LLMInferenceService",
        "metadata": {"name": "server", "namespace": "default"},
        "spec": {"model": model},
    }


def _definition(kind: str, plural: str, *versions: str) -> Document:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.serving.kserve.io"},
        "spec": {
            "group": "serving.kserve.io",
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": plural.removesuffix("s"),
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": version == versions[0],
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "x-kubernetes-preserve-unknown-fields": True,
                        }
                    },
                }
                for version in versions
            ],
        },
    }


DEFINITIONS = (
    _definition("InferenceService", "inferenceservices", "v1beta1"),
    _definition("LLMInferenceService", "llminferenceservices", "v1alpha1", "v1alpha2"),
)
"""What the Kyverno CLI has to know of KServe; it knows the built-in kinds alone."""


def _without_none(fields: dict[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in fields.items() if value is not None}
