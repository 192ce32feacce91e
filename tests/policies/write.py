"""Write ``policies/`` from the library: ``python -m tests.policies.write``.

The policies are what ``policy new`` writes for the key of ``examples/statements`` and
``registry.example.com/models``; the cases are of the models in ``evidence.py``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelpack.api.composing import new_policy, trust_key
from modelpack.policy.library.writing import yaml_of
from tests.kyverno.case import Document, Json
from tests.kyverno.documents import csi_pod, inference_service, llm_service, pod
from tests.policies.evidence import BUILDER
from tests.policies.models import digests

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "policies"
KEY = ROOT / "examples" / "statements" / "example.pub"
REGISTRY = "registry.example.com/models"
KINDS = ("pods", "kserve", "kserve-llm")
PLACES = ("volumes", "csi", "containers", "kserve", "llm")
_LICENCES = ("Apache-2.0", "MIT", "BSD-3-Clause")


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A set of demands, with the models that it refuses."""

    require: Sequence[str]
    admits: Sequence[str]
    refuses: Sequence[str]


_BASELINE = ("signed", "formats", *(f"licence={each}" for each in _LICENCES))
LEVELS: Mapping[str, Level] = {
    "baseline": Level(
        require=(*_BASELINE, "sbom", "scan"),
        admits=("good", "other-builder", "no-base", "no-carbon"),
        refuses=(
            "unsigned",
            "of-stranger",
            "signed-alone",
            "pickled",
            "executable",
            "remote-code",
            "other-licence",
            "no-licence",
            "without-bom",
            "bom-of-another",
            "scan-failed",
            "scan-old",
        ),
    ),
    "strict": Level(
        require=(
            *_BASELINE,
            "sbom",
            "scan=7",
            f"provenance={BUILDER}",
            "base=pkg:huggingface/acme/",
            "wasm=wasi_snapshot_preview1",
            "carbon=1000",
        ),
        admits=("good", "wasm"),
        refuses=(
            "unsigned",
            "pickled",
            "other-builder",
            "without-provenance",
            "other-base",
            "no-base",
            "wasm-sockets",
            "much-carbon",
            "no-carbon",
        ),
    ),
}


def files() -> Mapping[str, str]:
    """Return every generated file of the folder, by its path there."""
    return dict(_files())


def _files() -> Iterator[tuple[str, str]]:
    for level, what in LEVELS.items():
        written = new_policy(
            trust_key(KEY),
            require=what.require,
            places=PLACES,
            registries=[REGISTRY],
            name=f"models-{level}",
        )
        # One file for each kind of object: a cluster without KServe leaves its own out.
        for kind, policy in zip(KINDS, written.split("\n---\n"), strict=True):
            yield f"{level}/{kind}.yaml", f"{policy.rstrip()}\n"
            yield f"tests/{level}/{kind}/kyverno-test.yaml", _test(level, kind, what)
            yield f"tests/{level}/{kind}/resources.yaml", _resources(kind, what)
        listed: Document = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [f"{kind}.yaml" for kind in KINDS],
        }
        yield f"{level}/kustomization.yaml", yaml_of([listed])


_OBJECTS: Mapping[str, tuple[Callable[[str], Document], str]] = {
    "pods": (pod, "Pod"),
    "kserve": (lambda each: inference_service(f"oci://{each}"), "InferenceService"),
    "kserve-llm": (lambda each: llm_service(f"oci://{each}"), "LLMInferenceService"),
}


def _test(level: str, kind: str, what: Level) -> str:
    objects = [(f"{model}", "pass") for model in what.admits]
    objects += [(f"{model}", "fail") for model in (*what.refuses, *_ALWAYS)]
    if kind == "pods":
        objects += [("csi-good", "pass"), ("csi-unsigned", "fail")]
    results: list[Json] = [
        {
            "policy": f"models-{level}-{kind}",
            "kind": _OBJECTS[kind][1],
            "resources": [name],
            "isImageValidatingPolicy": True,
            "result": result,
        }
        for name, result in objects
    ]
    return yaml_of(
        [
            {
                "apiVersion": "cli.kyverno.io/v1alpha1",
                "kind": "Test",
                "metadata": {"name": f"{level}-{kind}"},
                "policies": [f"../../../{level}/{kind}.yaml"],
                "resources": ["resources.yaml"],
                "results": results,
            }
        ]
    )


_ALWAYS = ("tagged", "elsewhere")
"""What every policy refuses: a model named by a tag, and one from somewhere else."""


def _resources(kind: str, what: Level) -> str:
    named = _OBJECTS[kind][0]
    known = digests()
    pinned = {
        model: f"{REGISTRY}/{model}@{known[model]}"
        for model in (*what.admits, *what.refuses)
    }
    pinned["tagged"] = f"{REGISTRY}/good:1"
    elsewhere = REGISTRY.replace("models", "others")
    pinned["elsewhere"] = f"{elsewhere}/good-elsewhere@{known['good-elsewhere']}"
    objects = [_called(model, named(where)) for model, where in pinned.items()]
    if kind == "pods":
        objects += [
            _called(f"csi-{model}", csi_pod(pinned[model]))
            for model in ("good", "unsigned")
        ]
    return yaml_of(objects)


def _called(name: str, resource: Document) -> Document:
    return {**resource, "metadata": {**resource["metadata"], "name": name}}


def main() -> None:
    """Write all files anew."""
    for name, content in files().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


if __name__ == "__main__":
    main()
