"""``sbom`` as a person and a pipeline run it."""

import json
from pathlib import Path

from modelpack.serve.registry import RegistryServer
from tests.cli.test_commands import run
from tests.documents.test_cyclonedx import FILES
from tests.formats.energy.files import v3

PASSWORD = {"MODELPACK_PASSWORD": "of a test"}


def model(tmp_path: Path) -> Path:
    folder = tmp_path / "sentiment"
    folder.mkdir()
    for name, raw in FILES.items():
        (folder / name).write_bytes(raw)
    return folder


def test_a_folder_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = model(tmp_path)
    first, second = (run(tmp_path, "sbom", "-q", folder) for _ in range(2))
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == second.stdout
    assert json.loads(first.stdout)["specVersion"] == "1.6"
    dated = run(tmp_path, "sbom", "-q", folder, SOURCE_DATE_EPOCH="0")
    stamp = json.loads(dated.stdout)["metadata"]["timestamp"]
    assert stamp == "1970-01-01T00:00:00Z"


def test_an_artifact_is_described_and_the_bom_is_attested(tmp_path: Path) -> None:
    with RegistryServer(tmp_path / "registry") as server:
        name = f"{server.address}/team/sentiment:1"
        pinned = run(tmp_path, "push", "-q", model(tmp_path), name).stdout.strip()
        done = run(tmp_path, "sbom", "-q", "-o", "bom.json", name)
        assert done.returncode == 0, done.stderr
        document = json.loads((tmp_path / "bom.json").read_text())
        assert document["components"][0]["version"] == pinned.partition("@")[2]
        assert run(tmp_path, "key", "generate", **PASSWORD).returncode == 0
        said = ("--type", "cyclonedx", "--predicate", "bom.json")
        key = ("--key", "modelpack.key")
        assert run(tmp_path, "attest", *said, *key, name, **PASSWORD).returncode == 0
        asked = ("--key", "modelpack.pub", "--type", "cyclonedx")
        assert run(tmp_path, "verify", *asked, name).stdout.strip() == pinned


def test_an_unknown_version_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path, "sbom", model(tmp_path), "--spec-version", "2.0")
    assert done.returncode == 2
    assert "1.7" in done.stderr


def test_energy_from_a_file_or_in_words(tmp_path: Path) -> None:
    folder = model(tmp_path)
    meter = tmp_path / "run.csv"
    meter.write_text(v3(("a", "3600", "1.25", "0.5")))
    found = run(tmp_path, "sbom", "-q", folder, "--energy", meter)
    assert '"derived:run.csv"' in found.stdout
    assert '"value": 1.25' in found.stdout
    words = "activity=fine-tuning,energy=3.6 MJ,hardware=A100"
    both = run(tmp_path, "sbom", "-q", folder, "--energy", meter, "--energy", words)
    assert '"declared:run.csv, --energy"' in both.stdout
    assert '"fine-tuning"' in both.stdout
    beside = ("--energy", meter, "--author", "Anna")
    into = run(tmp_path, "describe", "-q", folder, "-o", "d", *beside)
    assert into.returncode == 0, into.stderr
    bom = json.loads((tmp_path / "d" / "bom.json").read_text())
    assert bom["metadata"]["authors"] == [{"name": "Anna"}]
    facts = json.loads((tmp_path / "d" / "facts.json").read_text())
    assert (facts["energyKwh"], facts["carbonKg"]) == (1.25, 0.5)
    assert facts["energyMethod"] == "codecarbon 3.3.2"


def test_energy_that_says_nothing_is_refused(tmp_path: Path) -> None:
    folder = model(tmp_path)
    for words in ("nowhere.csv", "energy=5", "enrgy=5 kWh", "hours=1,hours=2", "="):
        done = run(tmp_path, "sbom", "-q", folder, "--energy", words)
        assert (done.returncode, done.stdout) == (2, "")
        assert "--energy" in done.stderr


def test_a_training_environment_an_author_and_a_profile(tmp_path: Path) -> None:
    folder = model(tmp_path)
    (tmp_path / "lock.txt").write_text("numpy==2.0.0\n")
    made = run(
        *(tmp_path, "sbom", "-q", folder, "-o", "bom.json", "--author", "Anna"),
        *("--environment", "lock.txt"),
    )
    assert made.returncode == 0, made.stderr
    bom = json.loads((tmp_path / "bom.json").read_text())
    (library,) = [c for c in bom["components"] if c["type"] == "library"]
    assert (library["purl"], library["scope"]) == ("pkg:pypi/numpy@2.0.0", "excluded")
    (workflow,) = bom["formulation"][0]["workflows"]
    assert workflow["resourceReferences"] == [{"ref": library["bom-ref"]}]
    asked = ("sbom", "check", "bom.json", "--profile", "ntia")
    refused = run(tmp_path, *asked)
    assert refused.returncode == 4
    assert "present       author " in refused.stdout
    assert "4 of 7 elements" in refused.stderr
    assert run(tmp_path, *asked, "--require", "author").returncode == 0
    assert run(tmp_path, *asked, "--require", "autor").returncode == 2


def test_spdx_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = model(tmp_path)
    first, second = (
        run(tmp_path, "sbom", "-q", "--type", "spdx", folder) for _ in range(2)
    )
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == second.stdout
    assert json.loads(first.stdout)["@graph"][0]["specVersion"] == "3.0.1"
    both = run(tmp_path, "sbom", folder, "--type", "spdx", "--spec-version", "1.6")
    assert both.returncode == 2


def test_a_folder_that_is_called_check(tmp_path: Path) -> None:
    model(tmp_path).rename(tmp_path / "check")
    assert run(tmp_path, "sbom", "-q", "./check").returncode == 0
    assert run(tmp_path, "sbom", "write", "-q", "check").returncode == 0


def test_a_group_without_a_command_says_what_it_lacks(tmp_path: Path) -> None:
    done = run(tmp_path, "sbom")
    assert done.returncode == 2
    assert "error: needs a command" in done.stderr
