"""The SPDX document is valid, says what is known, and is the same each time."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from modelpack.documents.described import Described
from modelpack.documents.spdx import UNDATED, spdx_document
from modelpack.formats.environment.packages import Environment, Package
from modelpack.oci.digest import Digest
from modelpack.oci.reference import Repository
from tests.documents.test_cyclonedx import FILES, described

DECLARED = b"""modelpack: 1
name: Mood
version: 1.10
released: 2026-11-01
supplier: {name: Example Ltd, email: a@example.com}
licenses: [MIT OR Apache-2.0]
links: {download: https://example.com/mood}
base_models: [{name: org/base, relation: finetune, license: mit}]
datasets:
- {name: imdb, role: [training], personal_data: no, types: [text], size: 5}
- {name: held out, role: [testing]}
- {name: unused}
limitations: [English only.]
safety_risk: low
training: {description: Plain., hyperparameters: {learning_rate: 2e-5}}
evaluations: [{metric: accuracy, value: 0.93, dataset: imdb}]
energy: [{activity: fine-tuning, energy: 5.4 MJ}, {energy: 2 kWh}]
"""
ALL = {**FILES, "modelpack.yaml": DECLARED}


def document(model: Described) -> dict[str, Any]:
    return dict(json.loads(spdx_document(model, tool_version="1")))


def elements(found: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each for each in found["@graph"] if each["type"] == kind]


def model_of(found: dict[str, Any]) -> dict[str, Any]:
    (root,) = [e for e in elements(found, "ai_AIPackage") if e["name"] == "Mood"]
    return root


def test_the_model_says_what_is_declared_and_measured() -> None:
    root = model_of(document(described(ALL)))
    assert root["software_packageVersion"] == "1.10"
    assert root["releaseTime"] == "2026-11-01T00:00:00Z"
    assert root["software_primaryPurpose"] == "model"
    assert root["ai_limitation"] == "English only."
    assert root["ai_safetyRiskAssessment"] == "low"
    assert root["ai_typeOfModel"] == ["BertModel", "bert", "safetensors"]
    (parameter,) = root["ai_hyperparameter"]
    assert (parameter["key"], parameter["value"]) == ("learning_rate", "2e-5")
    spent = root["ai_energyConsumption"]
    (tuned,) = spent["ai_finetuningEnergyConsumption"]
    (trained,) = spent["ai_trainingEnergyConsumption"]
    assert (float(tuned["ai_energyQuantity"]), tuned["ai_energyUnit"]) == (
        1.5,
        "kilowattHour",
    )
    assert float(trained["ai_energyQuantity"]) == 2.0


def test_relationships_lead_to_what_they_name() -> None:
    found = document(described(ALL))
    names = {e["spdxId"]: e.get("name") for e in found["@graph"] if "spdxId" in e}
    kinds: dict[str, list[Any]] = {}
    for each in elements(found, "Relationship"):
        assert each["from"] in names
        to = each["to"] if isinstance(each["to"], list) else [each["to"]]
        kinds.setdefault(each["relationshipType"], []).extend(names[t] for t in to)
    assert kinds["trainedOn"] == ["imdb"]
    assert kinds["testedOn"] == ["held out"]
    assert kinds["descendantOf"] == ["org/base"]
    assert sorted(kinds["contains"]) == sorted(ALL)
    assert "MIT OR Apache-2.0" in kinds["hasDeclaredLicense"]


def test_every_file_has_its_digest() -> None:
    found = {e["name"]: e for e in elements(document(described(ALL)), "software_File")}
    for path, raw in ALL.items():
        (digest,) = found[path]["verifiedUsing"]
        assert digest["hashValue"] == Digest.of(raw).hex


def test_a_profile_is_claimed_only_where_its_own_rules_hold() -> None:
    def profiles(model: Described) -> set[str]:
        (head,) = elements(document(model), "SpdxDocument")
        return set(head["profileConformance"])

    # AIPackage wants releaseTime, suppliedBy, downloadLocation, packageVersion.
    assert profiles(described(ALL)) == {"core", "software", "simpleLicensing", "ai"}
    for line in ("released", "supplier", "links", "version"):
        lines = [x for x in DECLARED.decode().splitlines() if not x.startswith(line)]
        files = {**ALL, "modelpack.yaml": "\n".join(lines).encode()}
        assert "ai" not in profiles(described(files)), line


def test_the_same_files_give_the_same_bytes_and_others_another_name() -> None:
    first = spdx_document(described(ALL), tool_version="1")
    assert first == spdx_document(
        described(dict(reversed(ALL.items()))), tool_version="1"
    )
    other = spdx_document(described({**ALL, "more.txt": b"x"}), tool_version="1")
    ids = [json.loads(raw)["@graph"][-1]["spdxId"] for raw in (first, other)]
    assert ids[0].partition("#")[0] != ids[1].partition("#")[0]


def test_a_time_and_an_author_only_where_they_are_known() -> None:
    model = described(ALL)
    (made,) = elements(document(model), "CreationInfo")
    assert made["created"] == UNDATED
    dated = replace(model, created="2026-11-26T10:00:00Z", author="Anna")
    found = document(dated)
    (made,) = elements(found, "CreationInfo")
    assert made["created"] == "2026-11-26T10:00:00Z"
    names = {e["spdxId"]: e["name"] for e in elements(found, "Organization")}
    assert [names[each] for each in made["createdBy"]] == ["Anna"]


def test_an_artifact_and_its_training_environment() -> None:
    model = replace(
        described(ALL, Digest.of(b"m"), Repository("registry.example.com", "a/mood")),
        environment=Environment(
            source="lock", packages=(Package(name="numpy", version="2.0"),)
        ),
    )
    found = document(model)
    assert model_of(found)["software_packageUrl"].startswith("pkg:oci/mood@sha256:")
    (library,) = elements(found, "software_Package")
    assert library["software_packageUrl"] == "pkg:pypi/numpy@2.0"


@pytest.mark.parametrize(
    "files", [ALL, {"model.safetensors": FILES["model.safetensors"]}]
)
def test_it_is_valid_under_the_schema_of_spdx(files: dict[str, bytes]) -> None:
    """The schema is another project's and is not kept here."""
    place = os.environ.get("MODELPACK_SPDX_SCHEMA")
    if not place:
        pytest.skip("MODELPACK_SPDX_SCHEMA names no copy of SPDX's schema-v3.0.1.json")
    schema = json.loads(Path(place).read_text("utf-8"))
    Draft202012Validator(schema).validate(document(described(files)))
