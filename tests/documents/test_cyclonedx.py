"""The BOM is valid, says only what the files say, and is the same each time."""

import json
import re
from typing import Any

import pytest

from modelpack.documents.checking import SPEC_VERSIONS, check_bom
from modelpack.documents.cyclonedx import ml_bom
from modelpack.documents.described import Described, DescribedFile, origins
from modelpack.errors import InvalidInput
from modelpack.formats.declaration.declaration import Declaration
from modelpack.formats.window import Window
from modelpack.model.facts import combine, examine
from modelpack.oci.digest import Digest
from modelpack.oci.reference import Repository
from tests.docs.pages import ROOT
from tests.formats.energy.files import v3
from tests.scanning.hostile import safetensors

CARD = b"""---
license: apache-2.0
datasets: [org/sentences, local set]
language: [en, de]
pipeline_tag: text-classification
base_model: org/base
library_name: transformers
---
# A model
"""
CONFIG = b'{"architectures": ["BertModel"], "model_type": "bert"}'
WEIGHTS = safetensors(
    {"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}, bytes(24)
)
FILES = {"README.md": CARD, "config.json": CONFIG, "model.safetensors": WEIGHTS}


def described(
    files: dict[str, bytes],
    digest: Digest | None = None,
    repository: Repository | None = None,
) -> Described:
    facts = {path: examine(Window.of(raw, path)) for path, raw in files.items()}
    return Described(
        name="sentiment",
        facts=combine(facts.values()),
        files=tuple(
            DescribedFile(
                path=path,
                size=len(raw),
                kind=facts[path].kind,
                digest=Digest.of(raw),
            )
            for path, raw in sorted(files.items())
        ),
        digest=digest,
        repository=repository,
    )


def bom(model: Described, version: str = "1.6") -> dict[str, Any]:
    return dict(json.loads(ml_bom(model, spec_version=version, tool_version="1")))


def component(document: dict[str, Any], ref: str = "model") -> dict[str, Any]:
    (found,) = [c for c in document["components"] if c["bom-ref"] == ref]
    return dict(found)


@pytest.mark.parametrize("version", SPEC_VERSIONS)
def test_it_is_valid_and_says_what_the_files_say(version: str) -> None:
    document = bom(described(FILES), version)
    assert document["specVersion"] == version
    model = component(document)
    assert model["type"] == "machine-learning-model"
    assert document["metadata"]["component"]["type"] == "application"
    (licence,) = model["licenses"]
    assert licence["license"]["id"] == "Apache-2.0"
    assert model["modelCard"]["modelParameters"] == {
        "task": "text-classification",
        "architectureFamily": "bert",
        "modelArchitecture": "BertModel",
        "datasets": [{"ref": "data:org/sentences"}, {"ref": "data:local set"}],
    }
    (base,) = model["pedigree"]["ancestors"]
    assert base["purl"] == "pkg:huggingface/org/base"


def test_every_fact_says_where_it_comes_from() -> None:
    properties = component(bom(described(FILES)))["properties"]
    prefix = "modelpack:field_source:"
    sources = {
        p["name"].removeprefix(prefix): p["value"]
        for p in properties
        if p["name"].startswith(prefix)
    }
    assert sources == {
        "architecture": "derived:config.json",
        "base_models": "declared:README.md",
        "datasets": "declared:README.md",
        "family": "derived:config.json",
        "files": "measured",
        "format": "measured",
        "languages": "declared:README.md",
        "library": "declared:README.md",
        "licenses": "declared:README.md",
        "parameter_size": "measured",
        "parameters": "measured",
        "precision": "measured",
        "task": "declared:README.md",
        "tensors": "measured",
    }
    values = {p["name"]: p["value"] for p in properties}
    assert values["modelpack:parameters:F32"] == "6"
    assert values["modelpack:tensors"] == "1"


def test_what_is_declared_says_so() -> None:
    said = b"modelpack: 1\nname: N\nversion: 2\narchitecture: A\nfamily: bert\n"
    model = described({**FILES, "modelpack.yaml": said})
    found = {field: str(origin) for field, origin in origins(model.facts).items()}
    assert found["name"] == found["version"] == "declared:modelpack.yaml"
    assert found["architecture"] == "derived:config.json"
    alone = described({"modelpack.yaml": said})
    assert str(origins(alone.facts)["architecture"]) == "declared:modelpack.yaml"
    assert model.declaration.version == "2"
    assert described(FILES).declaration == Declaration()


def energy(model: Described, version: str = "1.6") -> dict[str, Any]:
    card = component(bom(model, version))["modelCard"]
    return dict(card["considerations"]["environmentalConsiderations"])


def test_energy_is_written_in_the_units_of_the_specification() -> None:
    files = {**FILES, "emissions.csv": v3(("a", "3600", "1.25", "0.5")).encode()}
    (used,) = energy(described(files))["energyConsumptions"]
    assert used["activityEnergyCost"] == {"value": 1.25, "unit": "kWh"}
    assert used["co2CostEquivalent"] == {"value": 0.0005, "unit": "tCO2eq"}
    told = {each["name"]: each["value"] for each in used["properties"]}
    assert told["modelpack:energy:source"] == "codecarbon 3.3.2"
    assert told["modelpack:energy:known"] == "measured"
    assert str(described(files).origins()["energy"]) == "derived:emissions.csv"


def test_a_version_without_a_field_for_energy_has_it_in_properties() -> None:
    files = {**FILES, "emissions.csv": v3(("a", "3600", "1.25", "0.5")).encode()}
    card = component(bom(described(files), "1.5"))["modelCard"]
    told = {each["name"]: each["value"] for each in card["properties"]}
    assert told["modelpack:energy:training:energy"] == "1.25 kWh"
    assert told["modelpack:energy:training:emissions"] == "0.5 kgCO2eq"


def test_only_emissions_are_no_energy() -> None:
    card = b"---\nco2_eq_emissions: {emissions: 12.5, source: codecarbon}\n---\n"
    told = energy(described({**FILES, "README.md": card}))
    assert told.keys() == {"properties"}
    values = {each["name"]: each["value"] for each in told["properties"]}
    assert values["modelpack:energy:training:emissions"] == "0.0125 kgCO2eq"


def test_a_meter_goes_before_a_card_and_a_declaration_before_both() -> None:
    card = b"---\nco2_eq_emissions: 12.5\n---\n"
    meter = v3(("a", "3600", "1.25", "0.5")).encode()
    said = b"modelpack: 1\nenergy: [{energy: 9 kWh}]\n"
    files = {**FILES, "README.md": card, "emissions.csv": meter}
    assert str(described(files).costs[0].energy) == "1.25 kWh"
    files["modelpack.yaml"] = said
    model = described(files)
    assert (str(model.costs[0].energy), len(model.costs)) == ("9 kWh", 1)
    assert str(model.origins()["energy"]) == "declared:modelpack.yaml"


def test_all_that_is_declared_is_valid_in_every_version() -> None:
    said = (ROOT / "docs" / "modelpack-yaml.md").read_text("utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", said, re.DOTALL)
    files = {**FILES, "modelpack.yaml": example.encode()}
    for version in SPEC_VERSIONS:
        card = component(bom(described(files), version))["modelCard"]
        assert card["considerations"]["useCases"] == ["Sorting reviews by mood."]
        assert card["quantitativeAnalysis"]["performanceMetrics"] == [
            {"type": "accuracy", "value": "0.93", "slice": "imdb, test"}
        ]


def test_what_is_not_known_is_left_out() -> None:
    document = bom(described({"model.safetensors": WEIGHTS}))
    model = component(document)
    assert model.keys() == {
        *("type", "bom-ref", "name", "modelCard", "properties", "hashes")
    }
    assert model["modelCard"] == {}
    assert "timestamp" not in document["metadata"]


def test_every_file_is_there_with_its_digest() -> None:
    document = bom(described(FILES))
    for path, raw in FILES.items():
        (digest,) = component(document, f"file:{path}")["hashes"]
        assert digest == {"alg": "SHA-256", "content": Digest.of(raw).hex}
    (_, model) = document["dependencies"]
    assert {f"file:{path}" for path in FILES} < set(model["dependsOn"])


def test_an_artifact_is_named_by_its_digest() -> None:
    digest = Digest.of(b"manifest")
    place = Repository("registry.example.com:5000", "team/Sentiment")
    model = component(bom(described(FILES, digest=digest, repository=place)))
    assert model["version"] == str(digest)
    assert model["hashes"] == [{"alg": "SHA-256", "content": digest.hex}]
    assert model["purl"].startswith("pkg:oci/")
    assert "repository_url=registry.example.com:5000/team/" in model["purl"]


def test_the_same_files_give_the_same_bytes_and_others_another_serial() -> None:
    def write(files: dict[str, bytes]) -> bytes:
        return ml_bom(described(files), spec_version="1.6", tool_version="1")

    assert write(FILES) == write(dict(reversed(FILES.items())))
    other = json.loads(write({**FILES, "notes.txt": b"more"}))
    assert other["serialNumber"] != json.loads(write(FILES))["serialNumber"]


@pytest.mark.parametrize("licence", ["llama3.1", "other", "MIT OR Apache-2.0"])
def test_any_licence_a_card_declares_can_be_said(licence: str) -> None:
    card = f"---\nlicense: {licence}\nlicense_name: own-terms\n---\n".encode()
    for version in SPEC_VERSIONS:
        bom(described({**FILES, "README.md": card}), version)


def test_names_from_outside_cannot_forge_a_reference() -> None:
    card = b"---\ndatasets: ['a', 'x\"y', '../z', 'urn:cdx:1']\n---\n"
    files = {**FILES, "README.md": card, 'odd "name.txt': b"x", "model": b"text"}
    document = bom(described(files))
    refs = [c["bom-ref"] for c in document["components"]]
    assert len(set(refs)) == len(refs) == 1 + len(files) + 4


def test_a_reference_of_two_things_or_to_nothing_is_refused() -> None:
    document = bom(described(FILES))
    document["components"].append({**document["components"][1], "name": "other"})
    with pytest.raises(InvalidInput, match="two things"):
        check_bom(json.dumps(document).encode())
    document = bom(described(FILES))
    document["dependencies"][0]["dependsOn"] = ["lost"]
    with pytest.raises(InvalidInput, match="nothing has the bom-ref 'lost'"):
        check_bom(json.dumps(document).encode())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"a": 1, "a": 2}',
        b'{"specVersion": []}',
        b"[" * 9999,
    ],
)
def test_what_is_no_bom_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        check_bom(raw)


def test_what_the_schema_refuses_is_refused() -> None:
    document = bom(described(FILES))
    component_ = document["components"][0]
    component_["modelCard"]["invented"] = "field"
    with pytest.raises(InvalidInput, match="not valid CycloneDX"):
        check_bom(json.dumps(document).encode())


def test_a_model_of_many_files() -> None:
    files = {f"part-{n:05}.txt": b"%d" % n for n in range(2000)}
    assert len(bom(described(files))["components"]) == 2001


@pytest.mark.parametrize(
    "change",
    [
        {"hashes": [{"alg": "SHA-256", "content": "no hash"}]},
        {"hashes": [{"alg": "ROT-13", "content": "0" * 64}]},
        {"name": 5},
        {"bom-ref": ""},
        {"properties": [{"name": "x", "value": 5}]},
        {"type": "invented"},
        {"invented": "field"},
    ],
)
@pytest.mark.parametrize("version", SPEC_VERSIONS)
def test_one_wrong_component_among_many_alike_is_refused(
    change: dict[str, Any], version: str
) -> None:
    files = {f"part-{n:03}.txt": b"%d" % n for n in range(100)}
    document = bom(described(files), version)
    check_bom(json.dumps(document).encode())
    document["components"][70] |= change
    with pytest.raises(InvalidInput):
        check_bom(json.dumps(document).encode())


@pytest.mark.parametrize("address", ["a b", "https://x/<y>", "x\n", "%zz", "a|b"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    document = bom(described(FILES))
    model = document["components"][0]
    model["externalReferences"] = [{"type": "website", "url": "https://x/%20?a=b#c"}]
    check_bom(json.dumps(document).encode())
    model["externalReferences"][0]["url"] = address
    with pytest.raises(InvalidInput):
        check_bom(json.dumps(document).encode())


def test_a_hub_name_is_one_and_nothing_that_leads_elsewhere() -> None:
    for name, purl in {
        "org/base": "pkg:huggingface/org/base",
        "gpt2": "pkg:huggingface/gpt2",
        "../x": None,
        "Llama 3 8B": None,
    }.items():
        card = f"---\nbase_model: '{name}'\n---\n".encode()
        model = component(bom(described({**FILES, "README.md": card})))
        assert model["pedigree"]["ancestors"][0].get("purl") == purl


def test_a_card_that_cannot_be_read_is_named() -> None:
    files = {**FILES, "README.md": b"---\nlicense: [unclosed\n---\n"}
    properties = component(bom(described(files)))["properties"]
    assert {"name": "modelpack:unread", "value": "README.md"} in properties


def test_one_file_of_an_artifact_is_not_taken_for_the_artifact() -> None:
    digest = Digest.of(b"manifest")
    only = {"model.safetensors": WEIGHTS}
    model = component(bom(described(only, digest=digest)))
    assert model["hashes"] == [{"alg": "SHA-256", "content": digest.hex}]


def test_two_lists_of_what_one_thing_depends_on_are_refused() -> None:
    document = bom(described(FILES))
    document["dependencies"].append({"ref": "model", "dependsOn": []})
    with pytest.raises(InvalidInput, match="two entries"):
        check_bom(json.dumps(document).encode())
