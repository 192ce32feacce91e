"""The real scanners, asked by `modelpack scan --with`."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.test_commands import run
from tests.formats.files import TORCH
from tests.interop.peers import program
from tests.scanning.hostile import call, torch_zip

pytestmark = pytest.mark.interop

ASKED = ("picklescan", "fickling", "modelaudit-picklescan")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "m.pt").write_bytes(torch_zip())
    return folder


def python() -> Path:
    """Return the Python that has the scanners of pickles."""
    return program("picklescan").parent / "environment" / "bin" / "python"


@pytest.mark.parametrize("name", ASKED)
def test_a_scanner_of_pickles_objects_to_a_pickle(
    tmp_path: Path, model: Path, name: str
) -> None:
    (model / "evil.pkl").write_bytes(call("os", "system"))
    asking = ("--with", f"{name}={python()}", "--format", "json")
    done = run(tmp_path, "scan", model, *asking, "--allow", "torch-weights-only")
    assert done.returncode == 4
    document = json.loads(done.stdout)
    (evidence,) = document["evidence"]
    assert (evidence["name"], evidence["outcome"]) == (name, "fail")
    assert evidence["version"][0].isdigit()
    assert evidence["examined"] == 2
    evil = next(file for file in document["files"] if file["path"] == "evil.pkl")
    told = [f["message"] for f in evil["findings"] if f["rule"] == "other-scanner"]
    assert any("system" in message for message in told)


def test_silence_of_a_scanner_changes_nothing(tmp_path: Path, model: Path) -> None:
    asking = ("--with", f"picklescan={python()}")
    assert run(tmp_path, "scan", model, *asking).returncode == 4
    allowed = run(tmp_path, "scan", model, *asking, "--allow", "torch-weights-only")
    assert allowed.returncode == 0, allowed.stderr
    assert "with   picklescan 1.0.5: 0 findings, 1 examined" in allowed.stdout


def test_what_a_scanner_cannot_finish_is_no_pass(tmp_path: Path, model: Path) -> None:
    (model / "cut.pkl").write_bytes(call("os", "system")[:-3])
    asking = ("--with", f"modelaudit-picklescan={python()}", "--format", "json")
    document = json.loads(run(tmp_path, "scan", model, *asking).stdout)
    assert document["evidence"][0]["outcome"] != "pass"


def test_what_torch_saves_is_objected_to_by_some(tmp_path: Path) -> None:
    """Their false alarms count, where they are asked for: nobody is trusted alone."""
    asking = ("--allow", "torch-weights-only", "--with", f"fickling={python()}")
    done = run(tmp_path, "scan", TORCH / "state_dict.pt", *asking)
    assert done.returncode == 4
    assert "other-scanner: fickling 0.1.12: likely_unsafe" in done.stdout


def test_clamav_objects_by_its_signatures(tmp_path: Path, model: Path) -> None:
    """Signatures of our own: the real ones are not to be had everywhere."""
    signatures = tmp_path / "signatures"
    signatures.mkdir()
    marker = b"a marker of this test"
    (signatures / "own.ndb").write_text(f"Own.Marker:0:*:{marker.hex()}\n")
    asked = tmp_path / "clamscan"
    asked.write_text(
        f'#!/bin/sh\nexec "{program("clamav")}" --database="{signatures}" "$@"\n'
    )
    asked.chmod(0o755)
    asking = ("--allow", "torch-weights-only", "--with", f"clamav={asked}")
    passed = run(tmp_path, "scan", model, *asking)
    assert passed.returncode == 0, passed.stderr
    (model / "notes.txt").write_bytes(b"text with " + marker)
    done = run(tmp_path, "scan", model, *asking)
    assert done.returncode == 4
    assert "Own.Marker" in done.stdout


def test_clamav_without_signatures_is_an_error(tmp_path: Path, model: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    asked = tmp_path / "clamscan"
    asked.write_text(f'#!/bin/sh\nexec "{program("clamav")}" -d "{empty}" "$@"\n')
    asked.chmod(0o755)
    done = run(tmp_path, "scan", model, "--with", f"clamav={asked}")
    assert done.returncode == 7, done.stdout
    assert "clamav" in done.stderr


def test_litert_runs_what_passes_as_tflite(tmp_path: Path) -> None:
    """A model of the real writer, and one that the real interpreter runs."""
    interpreter = program("ai_edge_litert").parent / "environment" / "bin" / "python"
    script = Path(__file__).with_name("litert.py")
    made = [tmp_path / "model.tflite", tmp_path / "flex.tflite"]
    done = subprocess.run(
        [interpreter, script, *made], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[2. 2. 2. 2.]"
    passed = run(tmp_path, "scan", made[0])
    assert passed.returncode == 0, passed.stdout
    refused = run(tmp_path, "scan", made[1])
    assert refused.returncode == 4
    assert "custom-operators: the operator FlexReadFile" in refused.stdout


@pytest.mark.parametrize("name", ["grype"])
def test_one_without_its_database_is_an_error(
    tmp_path: Path, model: Path, name: str
) -> None:
    """Their databases are not to be had everywhere; nothing looked up is no answer."""
    bom = tmp_path / "bom.json"
    library = {
        "type": "library",
        "name": "requests",
        "version": "2.0.0",
        "purl": "pkg:pypi/requests@2.0.0",
    }
    head = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1}
    bom.write_text(json.dumps(head | {"components": [library]}))
    asking = ("--with", f"{name}={program(name)}", "--bom", bom)
    home = tmp_path / "home"
    home.mkdir()
    done = run(tmp_path, "scan", model, *asking, HOME=str(home))
    assert done.returncode == 7, done.stdout
    assert f"{name}: failed" in done.stderr
    assert "database" in done.stderr.lower() or "db" in done.stderr.lower()
