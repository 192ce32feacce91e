"""A document is held against what somebody asks for, and each answer has its place."""

import json
import re
from dataclasses import replace

import pytest

from modelpack.documents.cyclonedx import ml_bom
from modelpack.documents.described import Described
from modelpack.documents.profiles.facts import FACTS
from modelpack.documents.profiles.holding import hold
from modelpack.documents.profiles.lists import PROFILES
from modelpack.documents.profiles.profile import Finding, ProfileName, Standing
from modelpack.documents.spdx import spdx_document
from modelpack.errors import InvalidInput
from modelpack.formats.environment.packages import Environment, Package
from modelpack.oci.digest import Digest
from modelpack.oci.reference import Repository
from tests.documents.test_cyclonedx import FILES, described

EVERYTHING = b"""modelpack: 1
version: 1.0
description: What it is.
released: 2026-11-01
supplier: {name: Example Ltd}
licenses: [MIT]
contact: a@example.com
distribution: In a registry.
links: {homepage: https://example.com, download: https://example.com/m,
  documentation: https://example.com/d, repository: https://example.com/r,
  usage_policy: https://example.com/u}
task: text-classification
inputs: [{format: text, limit: 256 tokens}]
outputs: [{format: "float32[2]"}]
datasets:
- {name: imdb, role: [training], license: mit, description: d, url: https://example.com/s,
   digest: "sha256:%s", collection: c, records: 5, types: [text], personal_data: no}
uses: {intended: [u], domains: [d]}
limitations: [l]
risks: [{name: r}]
safety_risk: low
personal_data: no
standards: [s]
security: {controls: [c], policy: https://example.com/p, advisories: https://example.com/a}
training: {approach: supervised, description: d, hyperparameters: {a: 1},
  preprocessing: [p], hardware: [h], hours: 1, flops: 1e3}
evaluations: [{metric: accuracy, value: 1}, {metric: security:jailbreaks, value: 0}]
energy: [{energy: 1 kWh}]
""" % (b"0" * 64)


def rich() -> Described:
    files = {**FILES, "modelpack.yaml": EVERYTHING}
    model = described(files, Digest.of(b"m"), Repository("registry.example.com", "a/m"))
    packages = (Package(name="numpy", version="2.0"),)
    return replace(
        model,
        created="2026-11-26T10:00:00Z",
        author="Anna",
        environment=Environment(source="lock", packages=packages),
    )


def bom(model: Described, version: str = "1.6") -> bytes:
    return ml_bom(model, spec_version=version, tool_version="1")


def by_id(raw: bytes, profile: ProfileName) -> dict[str, Finding]:
    return {each.element.id: each for each in hold(raw, profile).findings}


@pytest.mark.parametrize("profile", ProfileName)
@pytest.mark.parametrize("version", ["1.5", "1.6", "1.7"])
def test_all_that_can_be_declared_is_found(profile: ProfileName, version: str) -> None:
    report = hold(bom(rich(), version), profile)
    gaps = {each.element.id for each in report.findings} - {
        each.element.id for each in report.findings if each.path
    }
    # A signature stands beside a document; these have no field anywhere.
    nowhere = {"MD-05", "SLP-06", "autonomyType", "modelExplainability"}
    assert gaps <= nowhere | {"metricDecisionThreshold"}


def test_what_is_there_has_its_path_and_its_source() -> None:
    raw = bom(rich())
    found = by_id(raw, ProfileName.G7)
    assert found["MDL-05"].source == "declared:modelpack.yaml"
    assert found["MDL-09"].source == "derived:config.json"
    assert found["MDL-07"].source == "measured" or found["MDL-07"].source == ""
    assert found["SLP-02"].source == "measured"
    document = json.loads(raw)
    for each in found.values():
        if each.path:
            assert at(document, each.path) not in (None, "", [], {})


def at(document: object, path: str) -> object:
    """Follow a path as a reader would."""
    for name, index in re.findall(r"\.([@\w]+)|\[(\d+)\]", path):
        if name:
            assert isinstance(document, dict)
            document = document[name]
        else:
            assert isinstance(document, list)
            document = document[int(index)]
    return document


def test_what_is_not_there_says_who_can_say_it() -> None:
    found = by_id(bom(described(FILES)), ProfileName.NTIA)
    assert {name: each.standing for name, each in found.items()} == {
        "supplier": Standing.NOT_DERIVABLE,
        "component": Standing.PRESENT,
        "version": Standing.NOT_DERIVABLE,
        "identifiers": Standing.MISSING,
        "dependencies": Standing.PRESENT,
        "author": Standing.NOT_DERIVABLE,
        "timestamp": Standing.NOT_DERIVABLE,
    }
    assert found["supplier"].ask == "declare supplier"
    assert found["author"].ask == "give --author"


def test_missing_and_not_derivable_are_both_not_there() -> None:
    raw = bom(described(FILES))
    report = hold(raw, ProfileName.NTIA)
    assert len(report.missing) == 5
    assert not hold(bom(rich()), ProfileName.NTIA).missing
    assert not hold(raw, ProfileName.NTIA, require=["component"]).missing
    assert len(hold(raw, ProfileName.NTIA, require=["supplier"]).missing) == 1
    with pytest.raises(InvalidInput, match="suplier is no element of ntia"):
        hold(raw, ProfileName.NTIA, require=["suplier"])


def test_an_spdx_document_is_held_alike() -> None:
    found = by_id(spdx_document(rich(), tool_version="1"), ProfileName.CISA)
    assert {each.standing for each in found.values()} == {Standing.PRESENT}
    assert found["producer"].source == "declared:modelpack.yaml"
    bare = by_id(spdx_document(described(FILES), tool_version="1"), ProfileName.CISA)
    # The first second of 1970 is no time, and a program is no author.
    assert bare["timestamp"].standing is Standing.NOT_DERIVABLE
    assert bare["author"].standing is Standing.NOT_DERIVABLE
    g7 = by_id(spdx_document(rich(), tool_version="1"), ProfileName.G7)
    assert g7["INF-02"].standing is Standing.MISSING
    assert g7["INF-02"].ask == "SPDX 3.0.1 has no field for it"


def test_a_document_of_another_tool_is_held_as_well() -> None:
    other = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"tools": [{"name": "other", "version": "1"}]},
        "components": [{"type": "machine-learning-model", "name": "m"}],
    }
    found = by_id(json.dumps(other).encode(), ProfileName.G7)
    assert found["MD-06"].path == "$.metadata.tools[0].name"
    assert (found["MDL-01"].standing, found["MDL-01"].source) == (Standing.PRESENT, "")
    assert found["MDL-07"].standing is Standing.MISSING


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"[]", b"{}", b"\xff"),
        b'{"@context": "https://spdx.org/rdf/3.0.1/x"}',
        b'{"bomFormat": "CycloneDX", "specVersion": "9"}',
    ],
)
def test_what_is_no_bom_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        hold(raw, ProfileName.NTIA)


def test_the_g7_list_has_its_fifty_elements() -> None:
    assert len(PROFILES[ProfileName.G7]) == 50
    assert len(PROFILES[ProfileName.NTIA]) == 7
    assert len(PROFILES[ProfileName.CISA]) == 11


def test_a_fact_that_no_element_asks_for_is_dead() -> None:
    asked = {each.fact for elements in PROFILES.values() for each in elements}
    assert asked == FACTS.keys()
