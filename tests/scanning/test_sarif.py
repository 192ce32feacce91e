"""What code-scanning pages and policies read of a scan."""

import json
from typing import Any

from modelpack.formats.window import Window
from modelpack.scanning.file import judge
from modelpack.scanning.model import conclude
from modelpack.scanning.report import scan_document, vuln_predicate
from modelpack.scanning.rules import RULES, Allowance, Rule
from modelpack.scanning.sarif import sarif
from modelpack.scanning.verdict import ScanReport
from tests.scanning.hostile import call, torch_zip


def test_every_rule_says_what_it_is_about_and_what_to_do() -> None:
    assert RULES.keys() == set(Rule)
    assert all(0 < text.severity <= 10 and text.remedy for text in RULES.values())


def test_sarif_names_each_finding_by_a_rule_that_it_declares() -> None:
    (run,) = _list(sarif(_report(), version="1.2.3")["runs"])
    rules = run["tool"]["driver"]["rules"]
    assert {rule["id"] for rule in rules} == set(Rule)
    found = {}
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        (place,) = result["locations"]
        found[place["physicalLocation"]["artifactLocation"]["uri"]] = (
            result["ruleId"],
            place["physicalLocation"]["region"]["startLine"],
        )
    assert found == {"a%20b.pkl": ("pickle", 1), "notes.txt": ("secret", 2)}


def test_a_result_names_every_file_with_its_outcome() -> None:
    document = scan_document(
        _report(), allow=[Allowance.TORCH_WEIGHTS_ONLY], version="1.2.3"
    )
    read = json.loads(json.dumps(document))
    assert read["outcome"] == "fail"
    assert read["allow"] == ["torch-weights-only"]
    assert {file["path"]: file["outcome"] for file in read["files"]} == {
        "a b.pkl": "fail",
        "m.pt": "pass",
        "notes.txt": "fail",
    }
    assert read["files"][1]["allowed"] == "torch-weights-only"


def test_the_predicate_has_what_its_specification_wants() -> None:
    result = scan_document(_report(), allow=[], version="1.2.3")
    predicate = vuln_predicate(
        result, version="1.2.3", started="2026-01-01T00:00:00Z", finished="later"
    )
    assert predicate.keys() == {"invocation", "scanner", "metadata"}
    assert json.loads(json.dumps(predicate))["scanner"]["result"]["outcome"] == "fail"


def _report() -> ScanReport:
    files = {
        "a b.pkl": call("os", "system"),
        "m.pt": torch_zip(),
        "notes.txt": b"\nhf_" + b"a" * 34,
    }
    return conclude(
        judge(Window.of(raw, path), allow=frozenset(Allowance))
        for path, raw in files.items()
    )


def _list(value: object) -> list[Any]:
    return list(json.loads(json.dumps(value)))
