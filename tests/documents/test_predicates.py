"""What is signed is what docs/predicates.md and its schemas say."""

import json
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from modelpack.api import believe_keys, describe, read_provenance
from modelpack.attestation.bundle import Bundle
from modelpack.attestation.evidence import About, verified
from modelpack.attestation.predicates import BOM, CARD, FACTS, PROVENANCE, SCAN, TYPES
from modelpack.errors import VerificationError
from modelpack.oci.digest import Digest
from modelpack.scanning.rules import Allowance
from tests.documents.test_cyclonedx import FILES
from tests.formats.test_wasm import importing
from tests.scanning.hostile import call, torch_zip

ROOT: Final = Path(__file__).parents[2]
STATEMENTS: Final = ROOT / "examples" / "statements"
SCHEMAS: Final = {
    FACTS: "facts",
    SCAN: "scan",
    BOM: "bom",
    PROVENANCE: "provenance",
    CARD: "card",
}


def schema(kind: str) -> dict[str, Any]:
    path = ROOT / "docs" / "schemas" / f"{SCHEMAS[kind]}.json"
    return dict(json.loads(path.read_text("utf-8")))


def check(kind: str, predicate: object) -> None:
    Draft202012Validator(schema(kind)).validate(predicate)


def folder(tmp_path: Path, files: dict[str, bytes]) -> Path:
    place = tmp_path / "model"
    place.mkdir()
    for name, raw in files.items():
        (place / name).write_bytes(raw)
    return place


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_schema_is_one_and_is_described(kind: str) -> None:
    Draft202012Validator.check_schema(schema(kind))
    page = (ROOT / "docs" / "predicates.md").read_text("utf-8")
    assert (
        f"| `{kind}` | [{SCHEMAS[kind]}.json](schemas/{SCHEMAS[kind]}.json) |" in page
    )
    assert kind in TYPES.values()


def test_every_field_of_the_facts_has_its_line() -> None:
    page = (ROOT / "docs" / "predicates.md").read_text("utf-8")
    section = page.partition("\n## Facts\n")[2].partition("\n## ")[0]
    lines = [line.split("|")[1] for line in section.splitlines() if line[:1] == "|"]
    assert {
        name.strip("` ") for line in lines[2:] for name in line.split(",")
    } == schema(FACTS)["properties"].keys()


def test_what_is_written_about_a_folder_fits(tmp_path: Path) -> None:
    place = folder(tmp_path, FILES)
    found = describe(place)
    assert found.passes
    for kind, predicate in found.predicates.items():
        check(kind, predicate)
    facts = found.predicates[FACTS]
    assert facts == {
        "name": "model",
        "architecture": "BertModel",
        "family": "bert",
        "task": "text-classification",
        "library": "transformers",
        "licenses": ["Apache-2.0"],
        "languages": ["en", "de"],
        "datasets": ["org/sentences", "local set"],
        "baseModels": ["org/base"],
        "ancestors": [{"name": "org/base", "purl": "pkg:huggingface/org/base"}],
        "files": 3,
        "size": sum(map(len, FILES.values())),
        "formats": ["json", "markdown", "safetensors"],
        "weightFormats": ["safetensors"],
        "parameters": 6,
        "parametersByType": {"F32": 6},
        "precision": "float32",
        "remoteCode": False,
        "wasmImports": [],
        "unread": [],
        "scanOutcome": "pass",
        "scanAllowed": [],
        "scannedOn": facts["scannedOn"],
    }


def test_what_says_nothing_has_no_fields_but_its_lists(tmp_path: Path) -> None:
    found = describe(folder(tmp_path, {"data.bin": b"\0\1\2"}))
    check(FACTS, found.predicates[FACTS])
    assert not found.passes
    facts = dict(found.predicates[FACTS])
    assert facts["formats"] == ["unknown"]
    assert facts["licenses"] == facts["baseModels"] == facts["ancestors"] == []
    assert facts["scanOutcome"] == "fail"
    assert not facts.keys() & {"architecture", "parameters", "precision", "task"}


def test_formats_are_by_content_and_what_was_allowed_is_named(tmp_path: Path) -> None:
    files = {"m.safetensors.txt": call("os", "system"), "w.bin": torch_zip()}
    found = describe(folder(tmp_path, files), allow=[Allowance.TORCH_WEIGHTS_ONLY])
    facts = found.predicates[FACTS]
    assert facts["formats"] == ["pickle", "torch-zip"]
    assert facts["scanAllowed"] == ["torch-weights-only"]
    assert facts["scanOutcome"] == "fail"


def test_a_wasm_file_says_what_it_asks_of_its_host(tmp_path: Path) -> None:
    raw = importing(("wasi_snapshot_preview1", "fd_write"), ("env", "secret"))
    facts = describe(folder(tmp_path, {"run.wasm": raw})).predicates[FACTS]
    check(FACTS, facts)
    assert facts["wasmImports"] == ["env", "wasi_snapshot_preview1"]


def test_an_adapter_names_its_relation(tmp_path: Path) -> None:
    config = json.dumps({"peft_type": "LORA", "base_model_name_or_path": "org/base"})
    files = FILES | {"adapter_config.json": config.encode(), "README.md": b"# x\n"}
    facts = describe(folder(tmp_path, files)).predicates[FACTS]
    assert facts["ancestors"] == [
        {
            "name": "org/base",
            "relation": "adapter",
            "purl": "pkg:huggingface/org/base",
        }
    ]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    found = describe(folder(tmp_path, FILES | {"config.json": b'{"a": 1, "a": 2}'}))
    assert found.predicates[FACTS]["unread"] == ["config.json"]


def test_provenance_fits(tmp_path: Path) -> None:
    base = f"registry.example.com/base@{Digest.of(b'base')}"
    said = read_provenance(tmp_path, dependencies={"base-model": [base]})
    check(PROVENANCE, json.loads(json.dumps(said)))


@pytest.mark.parametrize("kind", SCHEMAS)
def test_an_example_holds_and_fits(kind: str) -> None:
    raw = (STATEMENTS / f"{SCHEMAS[kind]}.sigstore.json").read_bytes()
    bundle = Bundle.parse(raw)
    about = About(
        Digest("sha256", bundle.envelope.statement().subjects[0].digests["sha256"])
    )
    believe = partial(believe_keys, [STATEMENTS / "example.pub"])
    found = verified(bundle, about, believe())
    assert found.statement.predicate_type == kind
    check(kind, dict(found.statement.predicate))
    # It is about the model of the demo, and about no other.
    assert str(found.subject).startswith("sha256:768e13e4")
    with pytest.raises(VerificationError, match="is not about"):
        verified(bundle, About(Digest.of(b"another")), believe())


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (FACTS, {"licenses": "MIT"}),
        (FACTS, {"formats": []}),
        (FACTS, {"scanOutcome": "clean"}),
        (FACTS, {"scannedOn": "yesterday"}),
        (FACTS, {"ancestors": [{"purl": "pkg:x/y"}]}),
        (SCAN, {"scanner": {}}),
        (BOM, {"components": []}),
    ],
)
def test_a_schema_refuses_what_is_none(kind: str, change: dict[str, Any]) -> None:
    raw = (STATEMENTS / f"{SCHEMAS[kind]}.sigstore.json").read_bytes()
    predicate = dict(Bundle.parse(raw).envelope.statement().predicate)
    assert not Draft202012Validator(schema(kind)).is_valid(predicate | change)
