"""Scanners that read bills of materials read ours, and find what is in them."""

import json
import re
from pathlib import Path

import pytest

from modelpack.documents.checking import SPEC_VERSIONS
from tests.interop.desk import Desk
from tests.interop.models import small_model

pytestmark = pytest.mark.interop

_LOCK = "numpy==2.0.0\nrequests==2.32.0\n"
_PACKAGES = {"numpy": "2.0.0", "requests": "2.32.0"}
_GATHERED = re.compile(r"gathered packages packages=(\d+)")


@pytest.fixture(params=SPEC_VERSIONS)
def bom(request: pytest.FixtureRequest, desk: Desk, tmp_path: Path) -> Path:
    """Describe a model, and what was installed where it was trained."""
    model = small_model(tmp_path / "model")
    lock = tmp_path / "requirements.txt"
    lock.write_text(_LOCK)
    made = tmp_path / "bom.json"
    version = ("--spec-version", request.param)
    desk.modelpack("sbom", model, *version, "--environment", lock, "--output", made)
    return made


def test_trivy_lists_the_packages_of_the_training_environment(
    bom: Path, desk: Desk
) -> None:
    """It has no database of vulnerabilities here, and lists all the same."""
    offline = ("--offline-scan", "--skip-db-update")
    options = ("--scanners", "license", "--list-all-pkgs", "--format", "json")
    found = json.loads(desk.peer("trivy", "sbom", bom, *options, *offline).out)
    listed = {
        package["Name"]: package["Version"]
        for result in found["Results"]
        for package in result.get("Packages", [])
    }
    assert listed == _PACKAGES


def test_grype_gathers_the_packages_and_misses_only_its_database(
    bom: Path, desk: Desk
) -> None:
    alone = desk.told(GRYPE_DB_AUTO_UPDATE="false", GRYPE_CHECK_FOR_APP_UPDATE="false")
    said = alone.try_peer("grype", f"sbom:{bom}", "-vv").err
    # Both packages, the model, and the system that it is delivered as.
    assert _GATHERED.findall(said) == ["4"]
    assert "database does not exist" in said
    assert "failed to catalog" not in said
    other = bom.with_name("other.json")
    other.write_text(bom.read_text().replace('"CycloneDX"', '"Cyclone"'))
    refused = alone.try_peer("grype", f"sbom:{other}", "-vv").err
    assert "sbom format not recognized" in refused
