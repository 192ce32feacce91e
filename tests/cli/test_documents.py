"""Documents travel with a model: signed before its tag, brought along, named."""

import json
from pathlib import Path

import pytest

from modelpack.serve.registry import RegistryServer
from tests.cli.test_commands import run
from tests.cli.test_sbom import PASSWORD, model
from tests.documents.test_predicates import check
from tests.scanning.hostile import call


@pytest.fixture
def published(tmp_path: Path, registry: str) -> str:
    name = f"{registry}/team/sentiment:1"
    run(tmp_path, "key", "generate", **PASSWORD)
    push = ("push", "-q", "--sign", "--describe", "--key", "modelpack.key")
    done = run(tmp_path, *push, model(tmp_path), name, **PASSWORD)
    assert done.returncode == 0, done.stderr
    return name


def test_each_is_signed_and_fits_its_schema(tmp_path: Path, published: str) -> None:
    for kind in ("facts", "vuln", "cyclonedx", "card"):
        done = run(tmp_path, "verify", "--key=modelpack.pub", "--type", kind, published)
        assert done.returncode == 0, done.stderr
    pull = ("pull", published, "-o", "copy", "--documents", "about")
    done = run(tmp_path, *pull, "--key", "modelpack.pub")
    assert done.returncode == 0, done.stderr
    listed = json.loads((tmp_path / "about" / "documents.json").read_text())
    assert {each["file"] for each in listed} == {
        *("bom.json", "card.json", "facts.json", "scan.json"),
        *("signature.json", "model-signature.json"),
    }
    for each in listed:
        assert each["verified"]
        assert f"document  {each['file']}  signed by key sha256:" in done.stderr
        if not each["file"].endswith("signature.json"):
            content = (tmp_path / "about" / each["file"]).read_text()
            check(each["predicateType"], json.loads(content))
    card = json.loads((tmp_path / "about" / "card.json").read_text())
    assert (tmp_path / "about" / "card.md").read_text() == card["content"]
    assert "# A model" in card["content"]


def test_another_key_brings_nothing_and_no_key_says_claims(
    tmp_path: Path, published: str
) -> None:
    run(tmp_path, "key", "generate", "--output-key-prefix", "b", **PASSWORD)
    pull = ("pull", published, "-o")
    done = run(tmp_path, *pull, "one", "--documents", "none", "--key", "b.pub")
    assert done.returncode == 0
    assert "6 statements are not verified, and left out" in done.stderr
    assert [path.name for path in (tmp_path / "none").iterdir()] == ["documents.json"]
    done = run(tmp_path, *pull, "two", "--documents", "all", "--format", "json")
    assert "claims to be signed by key sha256:" in done.stderr
    found = json.loads(done.stdout)["documents"]
    assert len(found) == 6
    assert not any(each["verified"] for each in found)


def test_inspect_names_them_with_who_claims_to_have_signed(
    tmp_path: Path, published: str
) -> None:
    text = run(tmp_path, "inspect", published).stdout
    assert "documents (6), not verified here" in text
    assert "\n  bill of materials  key sha256:" in text
    found = json.loads(run(tmp_path, "inspect", published, "--format=json").stdout)
    kinds = {each["predicateType"] for each in found["documents"]}
    assert {"urn:modelpack:facts:v1", "https://cyclonedx.org/bom"} <= kinds


def test_the_tag_moves_after_the_documents(tmp_path: Path) -> None:
    run(tmp_path, "key", "generate", **PASSWORD)
    with RegistryServer(tmp_path / "registry") as server:
        name = f"{server.address}/team/sentiment:1"
        push = ("push", "-q", "--sign", "--describe", "--key", "modelpack.key")
        folder = model(tmp_path)
        (folder / "README.md").write_bytes(b"---\n- broken\n---\n")
        done = run(tmp_path, *push, folder, name, **PASSWORD)
        assert done.returncode == 2
        assert "front matter" in done.stderr
        assert run(tmp_path, "inspect", name).returncode == 5


def test_a_scan_that_fails_is_signed_as_such(tmp_path: Path, registry: str) -> None:
    run(tmp_path, "key", "generate", **PASSWORD)
    name = f"{registry}/team/bad:1"
    folder = model(tmp_path)
    (folder / "extra.pkl").write_bytes(call("os", "system"))
    push = ("push", "--sign", "--describe", "--key", "modelpack.key")
    done = run(tmp_path, *push, folder, name, **PASSWORD)
    assert done.returncode == 0
    assert "not every file passes the scan: what is signed says so" in done.stderr
    asked = ("verify", "--key=modelpack.pub", "--type=facts", name, "--format=json")
    (found,) = json.loads(run(tmp_path, *asked).stdout)["verified"]
    assert found["predicate"]["scanOutcome"] == "fail"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("push", "x", "127.0.0.1:1/a:1", "--describe"), "say --sign as well"),
        (("pull", "127.0.0.1:1/a:1", "--documents", "."), "exists already"),
        (("pull", "127.0.0.1:1/a:1", "--key", "k"), "there is neither"),
    ],
)
def test_flags_that_mean_nothing_are_refused(
    arguments: tuple[str, ...], reason: str, tmp_path: Path
) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert reason in done.stderr
