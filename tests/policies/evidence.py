"""Models to admit and to refuse: one that all demands like, and one bad in each way.

The scan and the bill of materials are what modelpack itself says of the model; the bad
ones are changed in one place.
"""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta

from modelpack.api import sbom, scan
from tests.kyverno.case import Json
from tests.kyverno.shelf import Forms, Shelf, Step

FACTS = "urn:modelpack:facts:v1"
BUILDER = "https://builds.example.com/acme"

Change = Callable[[Json], None]


def _facts(**changed: Json) -> Json:
    """Return facts with some of them changed; what is None is not there."""
    facts = {
        "name": "good",
        "licenses": ["Apache-2.0"],
        "datasets": [],
        "baseModels": ["acme/base"],
        "ancestors": [{"name": "acme/base", "purl": "pkg:huggingface/acme/base"}],
        "files": 1,
        "size": 22,
        "formats": ["json", "safetensors"],
        "weightFormats": ["safetensors"],
        "remoteCode": False,
        "wasmImports": [],
        "unread": [],
        "scanOutcome": "pass",
        "scanAllowed": [],
        "carbonKg": 12.5,
        "energyMethod": "codecarbon",
        **changed,
    }
    return {name: value for name, value in facts.items() if value is not None}


_PROVENANCE: Json = {
    "buildDefinition": {
        "buildType": "urn:modelpack:provenance:training:v1",
        "externalParameters": {},
        "resolvedDependencies": [],
    },
    "runDetails": {"builder": {"id": BUILDER}},
}


def _unchanged(_document: Json) -> None:
    pass


def _describe(
    *,
    who: str = "dev",
    facts: Mapping[str, Json] | None = None,
    change_bom: Change = _unchanged,
    change_scan: Change = _unchanged,
    builder: str = BUILDER,
    without: str = "",
) -> Step:
    """Attest everything, except `without`, and in one thing other than it should be."""

    def step(shelf: Shelf, name: str) -> None:
        reference = shelf.names[name]
        bom = json.loads(sbom(reference, settings=shelf.settings))
        vuln = deepcopy(dict(scan(reference, settings=shelf.settings).predicate()))
        provenance = deepcopy(_PROVENANCE)
        provenance["runDetails"]["builder"]["id"] = builder
        change_bom(bom)
        change_scan(vuln)
        said = {
            FACTS: _facts(**(facts or {})),
            "cyclonedx": bom,
            "vuln": vuln,
            "slsaprovenance1": provenance,
        }
        for kind, predicate in said.items():
            if kind != without:
                shelf.attest(name, who, kind, predicate)

    return step


def _made(*steps: Step, sign: str = "dev", repository: str = "models") -> Step:
    def make(shelf: Shelf, name: str) -> None:
        shelf.model(name, repository=repository)
        if sign:
            shelf.sign(name, sign)
        for step in steps:
            step(shelf, name)

    return make


def _of_another(bom: Json) -> None:
    [model] = [c for c in bom["components"] if c["type"] == "machine-learning-model"]
    model["version"] = f"sha256:{'0' * 64}"


def _failed(vuln: Json) -> None:
    vuln["scanner"]["result"]["outcome"] = "fail"


def _allowed(vuln: Json) -> None:
    vuln["scanner"]["result"]["allow"] = ["torch-weights-only"]


def _old(vuln: Json) -> None:
    then = datetime.now(UTC) - timedelta(days=31)
    vuln["metadata"]["scanFinishedOn"] = then.strftime("%Y-%m-%dT%H:%M:%SZ")


FORMS: Forms = {
    "good": _made(_describe()),
    "good-elsewhere": _made(_describe(), repository="others"),
    "unsigned": _made(_describe(), sign=""),
    "unsigned-elsewhere": _made(sign="", repository="others"),
    "signed-alone": _made(),
    "of-stranger": _made(_describe(who="stranger"), sign="stranger"),
    "described-by-stranger": _made(_describe(who="stranger")),
    "without-facts": _made(_describe(without=FACTS)),
    "without-bom": _made(_describe(without="cyclonedx")),
    "without-scan": _made(_describe(without="vuln")),
    "without-provenance": _made(_describe(without="slsaprovenance1")),
    "pickled": _made(_describe(facts={"formats": ["json", "pickle"]})),
    "executable": _made(_describe(facts={"formats": ["executable", "safetensors"]})),
    "without-formats": _made(_describe(facts={"formats": []})),
    "remote-code": _made(_describe(facts={"remoteCode": True})),
    "unread": _made(_describe(facts={"unread": ["model.safetensors"]})),
    "other-licence": _made(_describe(facts={"licenses": ["Apache-2.0", "GPL-3.0"]})),
    "no-licence": _made(_describe(facts={"licenses": []})),
    "bom-of-another": _made(_describe(change_bom=_of_another)),
    "scan-failed": _made(_describe(change_scan=_failed)),
    "scan-allowed": _made(_describe(change_scan=_allowed)),
    "scan-old": _made(_describe(change_scan=_old)),
    "other-builder": _made(_describe(builder=f"{BUILDER}-imitated")),
    "other-base": _made(
        _describe(
            facts={
                "ancestors": [
                    {"name": "a", "purl": "pkg:huggingface/acme/base"},
                    {"name": "b", "purl": "pkg:huggingface/acme-imitated/base"},
                ]
            }
        )
    ),
    "no-base": _made(_describe(facts={"ancestors": []})),
    "base-without-purl": _made(_describe(facts={"ancestors": [{"name": "a"}]})),
    "wasm": _made(_describe(facts={"wasmImports": ["wasi_snapshot_preview1"]})),
    "wasm-sockets": _made(
        _describe(facts={"wasmImports": ["wasi_snapshot_preview1", "wasi:sockets/tcp"]})
    ),
    "much-carbon": _made(_describe(facts={"carbonKg": 1000.5})),
    "no-carbon": _made(
        _describe(facts={"carbonKg": None, "energyMethod": None}),
    ),
}
"""How each model is made, by its name."""
