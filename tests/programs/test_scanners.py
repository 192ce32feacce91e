"""Scanners are believed when they object, and errors when they fail or are not there.

The programs here are stand-ins that answer in each scanner's own form, well or badly;
`tests/interop/test_other_scanners.py` asks the real ones.
"""

import json
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from modelpack.errors import InvalidInput, LocalError
from modelpack.formats.kind import Kind
from modelpack.formats.window import Window
from modelpack.programs.scanners import NAMES, scanner
from modelpack.programs.setting import Setting
from modelpack.scanning.evidence import Subject, weigh
from modelpack.scanning.file import judge
from modelpack.scanning.model import conclude
from modelpack.scanning.report import scan_document
from modelpack.scanning.rules import Rule
from modelpack.scanning.sarif import sarif
from modelpack.scanning.verdict import Evidence, Outcome, Remark, ScanReport

FAULT = {
    "VulnerabilityID": "CVE-2026-1",
    "PkgName": "requests",
    "InstalledVersion": "2.0.0",
    "Severity": "HIGH",
    "PkgIdentifier": {"PURL": "pkg:pypi/requests@2.0.0"},
}
MATCH = {
    "vulnerability": {"id": "GHSA-1", "severity": "High"},
    "artifact": {"name": "requests", "version": "2.0.0", "purl": "pkg:pypi/requests@2"},
}
SECRET = {"RuleID": "aws-key", "Title": "AWS key", "StartLine": 3, "Match": "AKIA1234"}


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    place = tmp_path / "config.json"
    place.write_text("{}")
    return Subject(path="config.json", place=place, kind=Kind.JSON)


def program(folder: Path, answers: Mapping[str, object], code: int = 0) -> Path:
    """Write a program that answers by its first word, and ends with `code`."""
    path = folder / "program"
    known = {key: _text(value) for key, value in answers.items()}
    path.write_text(
        f"#!{sys.executable}\nimport sys\n"
        f"answer = {known!r}.get(sys.argv[1], {known.get('*', '')!r})\n"
        "sys.stdout.write(answer.replace('@LAST@', sys.argv[-1]))\n"
        f"sys.exit({code} if sys.argv[1] not in ('version', '--version') else 0)\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def look(
    name: str, program: Path, *subjects: Subject, bom: Path | None = None
) -> Evidence:
    setting = Setting(environment={"PATH": os.defpath})
    return scanner(f"{name}={program}", setting, bom=bom).look(subjects)


@pytest.mark.parametrize("name", NAMES)
def test_one_that_is_not_there_is_an_error(name: str, tmp_path: Path) -> None:
    setting = Setting(environment={"PATH": str(tmp_path)})
    wanted = (
        f"{name}=no-such-program" if "pickle" in name or name == "fickling" else name
    )
    with pytest.raises(LocalError, match="no such program") as caught:
        scanner(wanted, setting, bom=tmp_path / "bom.json")
    assert f"--with {name}=" in caught.value.hint


def test_a_python_without_the_package_is_an_error() -> None:
    setting = Setting(environment={"PATH": os.defpath})
    with pytest.raises(LocalError, match="PackageNotFoundError") as caught:
        scanner("picklescan", setting)
    assert "pip install picklescan" in caught.value.hint


def test_one_that_nobody_knows_is_the_callers_mistake() -> None:
    with pytest.raises(InvalidInput, match="'virustotal' is no scanner"):
        scanner("virustotal", Setting(environment={}))


def test_grype_wants_a_bill_of_materials() -> None:
    with pytest.raises(InvalidInput, match="reads a bill of materials"):
        scanner("grype", Setting(environment={"PATH": os.defpath}))


def test_trivy_names_secrets_and_never_shows_them(
    tmp_path: Path, subject: Subject
) -> None:
    found = {
        "SchemaVersion": 2,
        "Results": [{"Target": "config.json", "Secrets": [SECRET]}],
    }
    trivy = program(tmp_path, {"version": {"Version": "0.74.0"}, "filesystem": found})
    evidence = look("trivy", trivy, subject)
    assert evidence.files == (
        Remark(about="config.json", message="aws-key: AWS key", line=3),
    )
    assert (evidence.version, evidence.outcome) == ("0.74.0", Outcome.FAIL)


def test_trivy_and_grype_name_the_packages_of_a_bom(
    tmp_path: Path, subject: Subject
) -> None:
    bom = tmp_path / "bom.json"
    results = [{"Packages": [{}, {}], "Vulnerabilities": [FAULT]}]
    answers = {
        "version": {"Version": "0.74.0", "version": "0.121.2"},
        "filesystem": {"SchemaVersion": 2},
        "sbom": {"SchemaVersion": 2, "Results": results},
        "*": {"matches": [MATCH]},
    }
    there = program(tmp_path, answers)
    (fault,) = look("trivy", there, subject, bom=bom).packages
    assert fault.about == "pkg:pypi/requests@2.0.0"
    assert fault.message == "CVE-2026-1 (high)"
    (match,) = look("grype", there, subject, bom=bom).packages
    assert (match.about, match.message) == ("pkg:pypi/requests@2", "GHSA-1 (high)")


def test_clamav_is_read_line_by_line(tmp_path: Path, subject: Subject) -> None:
    line = f"{subject.place}: Test.Signature FOUND\n"
    version = {"--version": "ClamAV 1.4.3/27500/Mon Nov  2 10:00:00 2026\n"}
    found = program(tmp_path, {**version, "*": line}, code=1)
    evidence = look("clamav", found, subject)
    assert evidence.files == (Remark(about="config.json", message="Test.Signature"),)
    assert evidence.version == "1.4.3/27500/Mon Nov  2 10:00:00 2026"
    quiet = program(tmp_path, version)
    assert look("clamav", quiet, subject).outcome is Outcome.PASS


@pytest.mark.parametrize(("output", "code"), [("", 1), ("", 2), ("x: S FOUND\n", 2)])
def test_clamav_that_failed_has_said_nothing(
    tmp_path: Path, subject: Subject, output: str, code: int
) -> None:
    answers = {"--version": "ClamAV 1.4.3\n", "*": output}
    with pytest.raises(LocalError, match="failed"):
        look("clamav", program(tmp_path, answers, code=code), subject)


def test_modelaudit_names_files_by_their_place(
    tmp_path: Path, subject: Subject
) -> None:
    issues = [
        {"severity": level, "message": "m", "location": f"{subject.place} (pos 2)"}
        for level in ("info", "warning", "critical")
    ]
    answers = {"--version": "modelaudit, version 0.2.54\n", "scan": {"issues": issues}}
    evidence = look("modelaudit", program(tmp_path, answers, code=1), subject)
    assert [remark.message for remark in evidence.files] == [
        "warning: m",
        "critical: m",
    ]
    assert {remark.about for remark in evidence.files} == {"config.json"}
    broken = look("modelaudit", program(tmp_path, answers, code=2), subject)
    assert broken.failures


@pytest.mark.parametrize("answer", ["", "{", "[]", '{"issues": 1}', '{"issues": [1]}'])
@pytest.mark.parametrize("name", ["modelaudit", "trivy", "grype"])
def test_an_answer_that_cannot_be_read_is_an_error(
    tmp_path: Path, subject: Subject, name: str, answer: str
) -> None:
    version = {"Version": "1", "version": "1"}
    answers = {"version": version, "--version": "modelaudit, version 1", "*": answer}
    with pytest.raises(LocalError):
        look(name, program(tmp_path, answers), subject, bom=tmp_path / "bom.json")


# --- what becomes of what they say


GOOD = b"{}"


def judged(path: str = "config.json") -> ScanReport:
    return conclude([judge(Window.of(GOOD, path))])


def evidence(**changes: object) -> Evidence:
    known: dict[str, object] = {"scanner": "other", "version": "1", "examined": 1}
    return Evidence(**(known | changes))  # type: ignore[arg-type]


def test_silence_changes_no_verdict() -> None:
    report = weigh(judged(), [evidence()])
    assert report.files == judged().files
    assert report.outcome is Outcome.PASS
    bad = conclude([judge(Window.of(b"\x80\x04N.", "a.pkl"))])
    assert weigh(bad, [evidence()]).outcome is Outcome.FAIL


def test_an_objection_makes_the_file_fail() -> None:
    remark = Remark(about="config.json", message="evil\x1b[2J")
    report = weigh(judged(), [evidence(files=(remark,))])
    (finding,) = report.files[0].findings
    assert finding.rule is Rule.OTHER_SCANNER
    assert finding.message == "other 1: 'evil\\x1b[2J'"
    assert report.outcome is report.files[0].outcome is Outcome.FAIL


def test_an_objection_to_what_we_do_not_know_counts_all_the_same() -> None:
    remark = Remark(about="elsewhere", message="evil")
    report = weigh(judged(), [evidence(files=(remark,))])
    assert report.files[0].outcome is Outcome.PASS
    assert report.outcome is Outcome.FAIL


def test_a_failure_is_no_pass() -> None:
    for about in ("config.json", ""):
        remark = Remark(about=about, message="cannot")
        report = weigh(judged(), [evidence(failures=(remark,))])
        assert report.outcome is Outcome.ERROR


def test_documents_say_who_was_asked_and_what_was_found() -> None:
    fault = Remark(about="pkg:pypi/requests@2.0.0", message="CVE-2026-1 (high)")
    stray = Remark(about="", message="cannot")
    asked = evidence(packages=(fault,), failures=(stray,), parameters=("vuln",))
    report = weigh(judged(), [asked])
    assert scan_document(report, allow=(), version="0")["evidence"] == [
        {
            "name": "other",
            "version": "1",
            "parameters": ["vuln"],
            "outcome": "fail",
            "examined": 1,
            "findings": 1,
            "packages": [
                {"package": fault.about, "message": "CVE-2026-1 (high)"},
            ],
            "others": ["cannot"],
        }
    ]
    document = json.dumps(sarif(report, version="0"))
    assert '"extensions": [{"name": "other", "version": "1"}]' in document
    assert "pkg:pypi/requests@2.0.0: CVE-2026-1 (high)" in document
