"""``scan`` as a person and a pipeline run it."""

import json
from pathlib import Path

import pytest

from tests.cli.test_commands import run
from tests.scanning.hostile import call, safetensors, torch_zip

GOOD = safetensors({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}, b"\1")
PASSWORD = {"MODELPACK_PASSWORD": "of a test"}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(GOOD)
    (folder / "config.json").write_text("{}")
    return folder


def test_a_model_that_passes(tmp_path: Path, model: Path) -> None:
    done = run(tmp_path, "scan", model)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "pass   json         config.json",
        "pass   safetensors  model.safetensors",
    ]


def test_a_pickle_is_refused_with_its_reason(tmp_path: Path, model: Path) -> None:
    (model / "extra.pkl").write_bytes(call("os", "system"))
    done = run(tmp_path, "scan", model)
    assert done.returncode == 4
    assert "pickle: a pickle that imports os.system" in done.stdout
    assert "1 of 3 files do not pass the scan" in done.stderr


def test_weights_of_torch_pass_where_they_are_allowed(
    tmp_path: Path, model: Path
) -> None:
    (model / "m.pt").write_bytes(torch_zip())
    assert run(tmp_path, "scan", model).returncode == 4
    done = run(tmp_path, "scan", model, "--allow", "torch-weights-only")
    assert done.returncode == 0
    assert "(allowed: torch-weights-only)" in done.stdout


def test_an_artifact_is_scanned_by_its_digest_and_the_scan_is_attested(
    tmp_path: Path, model: Path, registry: str
) -> None:
    name = f"{registry}/team/model:1"
    pushed = run(tmp_path, "push", "-q", model, name).stdout
    scan = ("scan", "-q", "--format", "vuln", "-o", "scan.json", pushed.strip())
    assert run(tmp_path, *scan).returncode == 0
    predicate = json.loads((tmp_path / "scan.json").read_text())
    assert predicate["scanner"]["result"]["outcome"] == "pass"
    assert run(tmp_path, "key", "generate", **PASSWORD).returncode == 0
    key = ("--key", "modelpack.key", name)
    attest = ("attest", "--type", "vuln", "--predicate", "scan.json", *key)
    assert run(tmp_path, *attest, **PASSWORD).returncode == 0
    verified = run(tmp_path, "verify", "--key=modelpack.pub", "--type=vuln", name)
    assert verified.returncode == 0, verified.stderr
    assert verified.stdout == pushed


@pytest.mark.parametrize("verb", ["scan", "sbom"])
def test_a_part_of_an_artifact_is_not_judged_for_the_whole(
    tmp_path: Path, model: Path, registry: str, verb: str
) -> None:
    name = f"{registry}/team/model:1"
    assert run(tmp_path, "push", "-q", model, name).returncode == 0
    done = run(tmp_path, verb, "-q", name, "--exclude", "config.json")
    assert done.returncode == 2
    assert "as a whole" in done.stderr


def test_the_forms_for_programs(tmp_path: Path, model: Path) -> None:
    (model / "extra.pkl").write_bytes(call("os", "system"))
    outcomes = {}
    for shape in ("json", "sarif", "vuln"):
        done = run(tmp_path, "scan", model, "--format", shape)
        assert done.returncode == 4
        outcomes[shape] = json.loads(done.stdout)
    assert outcomes["json"]["outcome"] == "fail"
    assert outcomes["sarif"]["runs"][0]["results"][0]["ruleId"] == "pickle"
    assert outcomes["vuln"]["scanner"]["result"] == outcomes["json"]


def test_nothing_to_scan_is_no_pass(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run(tmp_path, "scan", "empty").returncode == 2
    assert run(tmp_path, "scan", "no-such-place").returncode == 2
