"""What is ordered of the library, and which models pass and fail: the table."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from modelpack.policy.library.compose import Asked, KeyTrust, Order, compose
from modelpack.policy.library.demands import DEMANDS
from modelpack.policy.library.places import PLACES
from tests.kyverno.case import Case, Document, Result
from tests.kyverno.documents import csi_pod, inference_service, llm_service, pod
from tests.policies.evidence import BUILDER

_SOMEWHERE = "registry.example.com/models"
_SHELF = "${registry}/models"

EVERYTHING = (
    "signed",
    "formats",
    "licence=Apache-2.0",
    "licence=MIT",
    "sbom",
    "scan",
    f"provenance={BUILDER}",
    "base=pkg:huggingface/acme/",
    "wasm=wasi_snapshot_preview1",
    "carbon=1000",
)


def documents(
    require: Sequence[str], places: Sequence[str] = ("volumes",)
) -> tuple[Document, ...]:
    """Compose policies on models of the shelf; `${…}` is filled in later."""
    values: dict[str, list[str]] = {}
    for each in require:
        name, _, value = each.partition("=")
        values.setdefault(name, []).extend([value] if value else [])
    order = Order(
        name="models",
        trust=KeyTrust(pem="${dev.pub}"),
        registries=[_SOMEWHERE],
        asked=[
            Asked(statement=demand.statement, rules=demand.with_values(values[name]))
            for name, demand in DEMANDS.items()
            if name in values
        ],
        places=[PLACES[name] for name in places],
    )
    text = json.dumps(compose(order)).replace(_SOMEWHERE, _SHELF)
    return tuple(json.loads(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A demand, what it admits, and what it refuses with which words."""

    require: Sequence[str]
    admits: Sequence[str] = ("good",)
    refuses: Mapping[str, str]


_UNSIGNED = "is not signed by the team"
_NO_FACTS = "has no facts that the team has signed"
_FORMAT = "of a format that is not allowed"
_LICENCE = "licence that is not allowed"

DEMANDED: Mapping[str, Judged] = {
    "signed": Judged(
        require=["signed"],
        admits=["good", "signed-alone", "described-by-stranger"],
        # What is said of it by the same key does not stand in for a signature.
        refuses={"unsigned": _UNSIGNED, "of-stranger": _UNSIGNED},
    ),
    "formats": Judged(
        require=["formats"],
        refuses={
            "pickled": _FORMAT,
            "executable": _FORMAT,
            "without-formats": _FORMAT,
            "remote-code": "names code to import",
            "unread": "could not be read",
            "signed-alone": _NO_FACTS,
            "described-by-stranger": _NO_FACTS,
            "without-facts": _NO_FACTS,
        },
    ),
    "formats-named": Judged(
        require=["formats=safetensors", "formats=json", "formats=pickle"],
        admits=["good", "pickled"],
        refuses={"executable": _FORMAT},
    ),
    "licence": Judged(
        require=["licence=Apache-2.0", "licence=MIT"],
        refuses={
            "other-licence": _LICENCE,
            "no-licence": _LICENCE,
            "unread": _LICENCE,
            "without-facts": _NO_FACTS,
        },
    ),
    "sbom": Judged(
        require=["sbom"],
        refuses={
            "without-bom": "has no bill of materials",
            "bom-of-another": "is not about this very model",
            "described-by-stranger": "has no bill of materials",
        },
    ),
    "scan": Judged(
        require=["scan"],
        refuses={
            "without-scan": "has no scan",
            "scan-failed": "did not pass its scan",
            "scan-allowed": "did not pass its scan",
            "scan-old": "was not scanned in the last 30 days",
        },
    ),
    "scan-of-60-days": Judged(
        require=["scan=60"],
        admits=["good", "scan-old"],
        refuses={"scan-failed": "did not pass its scan"},
    ),
    "provenance": Judged(
        require=[f"provenance={BUILDER}"],
        refuses={
            "other-builder": "a builder that is not known",
            "without-provenance": "has no provenance",
        },
    ),
    "provenance-below": Judged(
        require=["provenance=https://builds.example.com/"],
        admits=["good", "other-builder"],
        refuses={"without-provenance": "has no provenance"},
    ),
    "base": Judged(
        require=["base=pkg:huggingface/acme/"],
        refuses={
            "other-base": "a base model that is not allowed",
            "no-base": "does not say from which",
            "base-without-purl": "a base model that is not allowed",
        },
    ),
    "wasm": Judged(
        require=["wasm=wasi_snapshot_preview1"],
        admits=["good", "wasm"],
        refuses={"wasm-sockets": "asks its host for more", "unread": "asks its host"},
    ),
    "wasm-below": Judged(
        require=["wasm=wasi_snapshot_preview1", "wasm=wasi:sockets/"],
        admits=["good", "wasm", "wasm-sockets"],
        refuses={"unread": "asks its host for more"},
    ),
    "carbon": Judged(
        require=["carbon"],
        admits=["good", "much-carbon"],
        refuses={"no-carbon": "does not say what its training emitted"},
    ),
    "carbon-limit": Judged(
        require=["carbon=1000"],
        refuses={"much-carbon": "more than 1000 kg", "no-carbon": "does not say"},
    ),
    "everything": Judged(
        require=EVERYTHING,
        admits=["good", "wasm"],
        refuses={
            "unsigned": _UNSIGNED,
            "signed-alone": _NO_FACTS,
            "pickled": _FORMAT,
            "other-licence": _LICENCE,
            "bom-of-another": "is not about this very model",
            "scan-old": "was not scanned",
            "other-builder": "a builder that is not known",
            "other-base": "a base model that is not allowed",
            "wasm-sockets": "asks its host for more",
            "much-carbon": "more than 1000 kg",
        },
    ),
}


def _demanded() -> Iterator[Case]:
    for name, judged in DEMANDED.items():
        policies = documents(judged.require)
        for model in judged.admits:
            yield Case(
                name=f"{name}-admits-{model}",
                policies=policies,
                resource=pod(f"${{{model}}}"),
                result=Result.PASS,
            )
        for model, message in judged.refuses.items():
            yield Case(
                name=f"{name}-refuses-{model}",
                policies=policies,
                resource=pod(f"${{{model}}}"),
                result=Result.FAIL,
                message=message,
            )


_PLACES = tuple(PLACES)
_ELSEWHERE = "a model is not from ${registry}/models: "


def _car(reference: str, name: str = "modelcar") -> Document:
    server = {"name": "server", "image": "server.invalid/run:1"}
    return pod(containers=[server, {"name": name, "image": reference}], volumes=[])


def _deployment(reference: str) -> Document:
    template = pod(reference)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "server", "namespace": "default"},
        "spec": {"template": {"spec": template["spec"]}},
    }


def _placed(
    name: str, resource: Document, message: str = "", *, passes: bool = False
) -> Case:
    return Case(
        name=f"place-{name}",
        policies=documents(["signed", "sbom"], _PLACES),
        resource=resource,
        result=Result.PASS if passes else Result.FAIL,
        message=message,
    )


def _places() -> Iterator[Case]:
    """Every place: signed and unsigned, without a digest, from somewhere else."""
    for name, named in (
        ("volume", pod),
        ("csi", csi_pod),
        ("modelcar", _car),
        ("deployment", _deployment),
        ("kserve", lambda reference: inference_service(f"oci://{reference}")),
        (
            "kserve-native",
            lambda reference: inference_service(f"oci+native://{reference}"),
        ),
        ("llm", lambda reference: llm_service(f"oci://{reference}")),
    ):
        yield _placed(f"{name}-admits", named("${good}"), passes=True)
        yield _placed(f"{name}-refuses", named("${unsigned}"), _UNSIGNED)
        yield _placed(f"{name}-refuses-a-tag", named("${good.tag}"), "have a digest")
        yield _placed(
            f"{name}-refuses-elsewhere",
            named("${good-elsewhere}"),
            f"{_ELSEWHERE}${{good-elsewhere}}",
        )
        yield _placed(f"{name}-refuses-nothing-at-all", named(""), f"{_ELSEWHERE}")


_OTHER_PLACES = (
    _placed("second-volume-unsigned", pod("${good}", "${unsigned}"), _UNSIGNED),
    _placed(
        "kserve-second-uri-unsigned",
        inference_service("oci://${good}", "oci://${unsigned}"),
        _UNSIGNED,
    ),
    _placed("kserve-bucket", inference_service("s3://bucket/x"), "s3://bucket/x"),
    _placed("kserve-claim", inference_service("pvc://claim/x"), "pvc://claim/x"),
    _placed("llm-hub", llm_service("hf://acme/model"), "hf://acme/model"),
    _placed(
        "llm-adapter-unsigned",
        llm_service("oci://${good}", "oci://${unsigned}", version="v1alpha2"),
        _UNSIGNED,
    ),
    _placed(
        "kserve-old-style",
        {
            **inference_service(""),
            "spec": {"predictor": {"sklearn": {"storageUri": "oci://${unsigned}"}}},
        },
        _UNSIGNED,
    ),
    _placed(
        "kserve-transformer",
        {
            **inference_service(""),
            "spec": {
                "predictor": {"model": {"storageUri": "oci://${good}"}},
                "transformer": {"storageUris": [{"uri": "oci://${unsigned}"}]},
            },
        },
        _UNSIGNED,
    ),
    _placed(
        "kserve-variable-of-a-container",
        {
            **inference_service(""),
            "spec": {
                "predictor": {
                    "minReplicas": 1,
                    "containers": [
                        {
                            "name": "kserve-container",
                            "env": [
                                {"name": "STORAGE_URI", "value": "oci://${unsigned}"}
                            ],
                        }
                    ],
                }
            },
        },
        _UNSIGNED,
    ),
    _placed(
        "kserve-without-a-model",
        {**inference_service(""), "spec": {"predictor": {"minReplicas": 1}}},
        "names no model",
    ),
    _placed("init-modelcar", _car("${unsigned}", "modelcar-init"), _UNSIGNED),
    _placed("container-below-the-registry", _car("${unsigned}", "x"), _UNSIGNED),
    _placed("container-of-others", _car("${unsigned-elsewhere}", "x"), passes=True),
    _placed("pod-without-a-model", pod(), passes=True),
)

CASES: tuple[Case, ...] = (*_demanded(), *_places(), *_OTHER_PLACES)
