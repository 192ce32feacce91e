"""``release`` as a CI job types it."""

from pathlib import Path

import pytest

from tests.cli.test_commands import run

KEY = {"MODELPACK_PASSWORD": "of a test"}


@pytest.mark.parametrize("name", ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "--dotenv"])
def test_outputs_that_cannot_be_written_leave_the_tag_where_it_was(
    tmp_path: Path, name: str
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    assert run(tmp_path, "key", "generate", **KEY).returncode == 0
    arguments = ["release", "-q", "--key", "modelpack.key", "model", "oci:layout:1"]
    nowhere = str(tmp_path / "none" / "file")
    if name == "--dotenv":
        done = run(tmp_path, *arguments, name, nowhere, **KEY)
    else:
        done = run(tmp_path, *arguments, **KEY, **{name: nowhere})
    assert done.returncode != 0
    assert nowhere in done.stderr
    assert not (tmp_path / "layout").exists()


def test_a_report_in_the_models_folder_is_no_part_of_the_model(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    assert run(tmp_path, "key", "generate", **KEY).returncode == 0
    command = ["release", "-q", "--key", "modelpack.key", "model", "oci:layout:1"]
    done = run(tmp_path, *command, "--dotenv", "model/report.env", **KEY)
    assert done.returncode == 0, done.stderr
    assert "MODELPACK_TAG=1\n" in (model / "report.env").read_text()
    pulled = run(tmp_path, "pull", "-q", "oci:layout:1", "-o", "pulled")
    assert pulled.returncode == 0, pulled.stderr
    assert [each.name for each in (tmp_path / "pulled").iterdir()] == ["config.json"]
