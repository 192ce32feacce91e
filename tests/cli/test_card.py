"""``card`` and ``describe`` as a person and a pipeline run them."""

import json
from pathlib import Path

import pytest

from modelpack.serve.registry import RegistryServer
from tests.cli.test_commands import run
from tests.cli.test_sbom import PASSWORD, model
from tests.documents.card.test_markdown import RESULTS
from tests.scanning.hostile import call


@pytest.mark.parametrize("kind", ["md", "html", "json"])
def test_a_card_twice_is_the_same_in_each_form(kind: str, tmp_path: Path) -> None:
    folder = model(tmp_path)
    first, second = (
        run(tmp_path, "card", "-q", "--type", kind, folder) for _ in range(2)
    )
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == second.stdout
    assert "sentiment" in first.stdout or kind == "md"


def test_results_beside_the_model_are_added(tmp_path: Path) -> None:
    (tmp_path / "out.json").write_bytes(RESULTS)
    folder = model(tmp_path)
    done = run(tmp_path, "card", "-q", folder, "--evaluation", "out.json")
    assert "model-index:" in done.stdout
    (tmp_path / "none.json").write_text("{}")
    done = run(tmp_path, "card", "-q", folder, "--evaluation", "none.json")
    assert done.returncode == 2
    assert "no results of an evaluation" in done.stderr


def test_results_that_cannot_be_read_are_warned_of(tmp_path: Path) -> None:
    folder = model(tmp_path)
    (folder / "results_1.json").write_text('{"results": {"a": 1}, "versions": {}}')
    done = run(tmp_path, "card", folder)
    assert done.returncode == 0
    assert "results_1.json: a: expected an object" in done.stderr


def test_an_artifact_names_its_signers_as_claimed_or_verified(tmp_path: Path) -> None:
    with RegistryServer(tmp_path / "registry") as server:
        name = f"{server.address}/team/sentiment:1"
        run(tmp_path, "push", "-q", model(tmp_path), name)
        run(tmp_path, "key", "generate", **PASSWORD)
        run(tmp_path, "sign", "-q", "--key", "modelpack.key", name, **PASSWORD)
        claimed = run(tmp_path, "card", "-q", name).stdout
        assert "| claimed, not verified here |" in claimed
        assert "| verified |" not in claimed
        verified = run(tmp_path, "card", "-q", "--key", "modelpack.pub", name).stdout
        assert "| verified |" in verified
        run(tmp_path, "key", "generate", "--output-key-prefix", "b", **PASSWORD)
        other = run(tmp_path, "card", "-q", "--key", "b.pub", name)
        assert other.returncode == 0
        assert "| claimed, not verified here |" in other.stdout
        assert "| verified |" not in other.stdout


def test_describe_writes_everything_once(tmp_path: Path) -> None:
    done = run(tmp_path, "describe", "-q", model(tmp_path), "-o", "about")
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (tmp_path / "about").iterdir())
    assert [Path(line).name for line in done.stdout.splitlines()] == names
    assert names == [
        *("bom.json", "card.html", "card.json", "card.md"),
        *("facts.json", "scan.json", "spdx.json"),
    ]
    again = run(tmp_path, "describe", "-q", tmp_path / "sentiment", "-o", "about")
    assert again.returncode == 2
    assert "exists already" in again.stderr


def test_describe_ends_with_4_where_the_scan_does_not_pass(tmp_path: Path) -> None:
    folder = model(tmp_path)
    (folder / "extra.pkl").write_bytes(call("os", "system"))
    done = run(tmp_path, "describe", "-q", folder, "-o", "about")
    assert done.returncode == 4
    facts = json.loads((tmp_path / "about" / "facts.json").read_text())
    assert facts["scanOutcome"] == "fail"
    page = (tmp_path / "about" / "card.html").read_text()
    assert "1 of 4 files do not pass" in page
