"""A registry in memory, models in it, and policies about them."""

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from modelpack.errors import RegistryError
from modelpack.oci.manifest import Document
from modelpack.oci.memory import MemoryStore
from modelpack.oci.store import Source
from modelpack.policy.evaluation.house import Policies, Verdict
from modelpack.policy.image_reference import ImageReference
from modelpack.policy.kyverno.documents import Documents, read_documents
from modelpack.policy.objects import Carrier, carrying
from modelpack.policy.request import Payload, Request, request_of
from modelpack.signing.attestors import verifier_of
from modelpack.workflows.evidence import StoreEvidence
from tests.workflows.signing import Person, put_model

HOST = "registry.test"
NAME = f"{HOST}/team/model"
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
BOM = "https://cyclonedx.org/bom"

Json = dict[str, object]


def attestor(person: Person, name: str = "team", **log: object) -> Json:
    """Return an attestor for a key without a log."""
    ctlog = {"insecureIgnoreTlog": True, "insecureIgnoreSCT": True, **log}
    key = {"data": person.key.public.pem.decode()}
    return {"name": name, "cosign": {"key": key, "ctlog": ctlog}}


def image_policy(person: Person, name: str = "signed", /, **changes: object) -> Json:
    """Return a policy for models in volumes; changes replace parts of its spec."""
    spec: Json = {
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE"],
                    "resources": ["pods"],
                }
            ]
        },
        "images": [
            {
                "name": "models",
                "expression": "object.spec.?volumes.orValue([])"
                ".filter(v, has(v.image)).map(v, v.image.reference)",
            }
        ],
        "matchImageReferences": [{"glob": f"{HOST}/*"}],
        "attestors": [attestor(person)],
        "attestations": [{"name": "bom", "intoto": {"type": BOM}}],
        "validations": [
            {
                "expression": "images.models.all(m, "
                "verifyImageSignatures(m, [attestors.team]) > 0)",
                "message": "not signed",
            }
        ],
        **changes,
    }
    return {
        "apiVersion": "policies.kyverno.io/v1",
        "kind": "ImageValidatingPolicy",
        "metadata": {"name": name},
        "spec": {key: value for key, value in spec.items() if value is not None},
    }


def object_policy(name: str = "objects", /, **changes: object) -> Json:
    """Return a policy about Pods alone."""
    policy = image_policy(Person.new(), name)
    spec = policy["spec"]
    assert isinstance(spec, dict)
    return {
        **policy,
        "kind": "ValidatingPolicy",
        "spec": {
            "matchConstraints": copy.deepcopy(spec["matchConstraints"]),
            "validations": [{"expression": "has(object.spec)", "message": "no spec"}],
            **changes,
        },
    }


def exception(policy: Json, name: str = "but", /, **spec: object) -> Json:
    """Return an exception to a policy."""
    metadata = policy["metadata"]
    assert isinstance(metadata, dict)
    reference = {"name": metadata["name"], "kind": policy["kind"]}
    return {
        "apiVersion": "policies.kyverno.io/v1",
        "kind": "PolicyException",
        "metadata": {"name": name, "namespace": "ml"},
        "spec": {"policyRefs": [reference], **spec},
    }


def read(*documents: Json) -> Documents:
    """Write documents as JSON, which is YAML, and read them."""
    text = "\n---\n".join(map(json.dumps, documents))
    return read_documents(text.encode(), "policy.yaml")


def rule(expression: str, **more: object) -> Json:
    """Return the change of a policy to one validation."""
    return {"validations": [{"expression": expression, **more}]}


@dataclass
class Scene:
    """A registry with one model, under the tag 1."""

    store: MemoryStore = field(default_factory=MemoryStore)
    unreachable: bool = False

    def __post_init__(self) -> None:
        self.model: Document = put_model(self.store, w=b"weights")

    @property
    def reference(self) -> str:
        return f"{NAME}@{self.model.descriptor.digest}"

    def find(self, reference: ImageReference) -> Source:
        if self.unreachable or reference.registry != HOST:
            raise RegistryError("cannot be reached", where=reference.registry)
        return self.store

    def judge(
        self,
        *documents: Json,
        asked: Request | Payload | None = None,
        allow_uncovered: bool = False,
    ) -> Verdict:
        """Judge a Pod with the model in a volume, or what else is asked."""

        def public() -> object:
            raise RegistryError("the public Sigstore is not asked in tests")

        policies = Policies(read(*documents), lambda: NOW)
        evidence = StoreEvidence(
            self.find,
            lambda each: verifier_of(each, public),  # type: ignore[arg-type]
        )
        return policies.judge(
            asked or self.pod(), evidence, allow_uncovered=allow_uncovered
        )

    def pod(self, *references: str) -> Request:
        """Return the request for a Pod with models in volumes."""
        value = dict(carrying(self.reference, Carrier.VOLUME, namespace="ml"))
        if references:
            volumes = [
                {"name": f"v{index}", "image": {"reference": reference}}
                for index, reference in enumerate(references)
            ]
            value["spec"] = {"containers": [], "volumes": volumes}
        return request_of(value)


def results(verdict: Verdict) -> Sequence[Mapping[str, str]]:
    """Return what each policy said."""
    return [result.document() for result in verdict.results]


def outcome(verdict: Verdict) -> str:
    """Return the one policy's verdict."""
    assert len(verdict.results) == 1
    return str(verdict.results[0].result)
