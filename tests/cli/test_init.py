"""``init`` drafts what a push then takes."""

import json
from pathlib import Path

from modelpack.serve.registry import RegistryServer
from tests.cli.test_commands import run
from tests.cli.test_sbom import model
from tests.formats.declaration.test_other_tools import KITFILE, OLLAMA


def test_a_draft_is_filled_from_what_is_there(tmp_path: Path) -> None:
    folder = model(tmp_path)
    (folder / "Kitfile").write_bytes(KITFILE)
    (folder / "Modelfile").write_bytes(OLLAMA)
    done = run(tmp_path, "init", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == str(folder / "modelpack.yaml")
    text = (folder / "modelpack.yaml").read_text()
    # In the order in which they are believed: Kitfile, Modelfile, the model's files.
    assert "(found in Kitfile)\nname: sentiment\n" in text
    assert '(found in Modelfile)\nbase_models:\n  - name: "llama3.2:3b"\n' in text
    assert "(found in README.md)\ntask: text-classification\n" in text
    schema = json.loads((folder / ".modelpack-schema.json").read_text())
    assert "datasets" in schema["properties"]


def test_a_draft_is_pushed_scanned_and_described(tmp_path: Path) -> None:
    folder = model(tmp_path)
    assert run(tmp_path, "init", "-q", folder).returncode == 0
    declared = folder / "modelpack.yaml"
    declared.write_text(
        f"{declared.read_text()}\nname: Mood\nversion: 1.10\n"
        "supplier: {name: Example Ltd}\nlinks: {documentation: https://example.com/d}\n"
    )
    assert run(tmp_path, "scan", "-q", folder).returncode == 0
    with RegistryServer(tmp_path / "registry") as server:
        name = f"{server.address}/team/mood:1"
        pushed = run(tmp_path, "push", "--format", "json", folder, name)
        files = [file["path"] for file in json.loads(pushed.stdout)["files"]]
        assert "modelpack.yaml" in files
        assert ".modelpack-schema.json" not in files
        found = run(tmp_path, "inspect", "--format", "json", name)
        assert json.loads(found.stdout)["name"] == "Mood"


def test_a_declaration_is_not_overwritten(tmp_path: Path) -> None:
    folder = model(tmp_path)
    (folder / "modelpack.yaml").write_text("modelpack: 1\n")
    done = run(tmp_path, "init", folder)
    assert done.returncode == 2
    assert "exists already" in done.stderr
    assert (folder / "modelpack.yaml").read_text() == "modelpack: 1\n"


def test_another_tools_file_that_does_not_hold_is_named(tmp_path: Path) -> None:
    folder = model(tmp_path)
    (folder / "Kitfile").write_text("manifestVersion: 1.0.0\npackge: {}\n")
    done = run(tmp_path, "init", folder)
    assert done.returncode == 0
    assert "Kitfile: packge: unknown field" in done.stderr


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path, "init", "nowhere")
    assert done.returncode == 2
    assert "is no folder" in done.stderr
