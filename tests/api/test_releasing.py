"""A release moves its tag last, and not at all where anything refuses."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

import modelpack
from modelpack.api import believe_keys, generate_key, release, sign_with_key
from modelpack.api.carriage import Carriage
from modelpack.api.policies import load_policies
from modelpack.api.signing import SignWith
from modelpack.attestation.predicates import BOM
from modelpack.errors import InvalidInput, NotFound, PolicyDenied
from modelpack.model.consumers import Consumer
from modelpack.policy.evaluation.house import Policies
from tests.policy.scene import NAME, image_policy
from tests.workflows.signing import Person

SAID = ("cyclonedx", "facts", "vuln", "slsaprovenance1")
PROVENANCE: Mapping[str, object] = {"buildDefinition": {}, "runDetails": {}}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return folder


@pytest.fixture
def keys(tmp_path: Path) -> tuple[SignWith, Path]:
    private, public = generate_key(tmp_path / "k", "x")
    return sign_with_key(private, lambda: "x"), public


def policies(tmp_path: Path, public: bytes, name: str = "signed") -> Policies:
    """Want a signature, and a bill of materials by the same key."""
    document = image_policy(Person.new(), name)
    spec = document["spec"]
    assert isinstance(spec, dict)
    key = {"data": public.decode()}
    ctlog = {"insecureIgnoreTlog": True, "insecureIgnoreSCT": True}
    spec["attestors"] = [{"name": "team", "cosign": {"key": key, "ctlog": ctlog}}]
    spec["validations"] += [
        {
            "expression": "images.models.all(m, verifyAttestationSignatures(m, "
            "attestations.bom, [attestors.team]) > 0)",
            "message": "no bill of materials",
        }
    ]
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps(document))
    return load_policies([path])


def test_a_policy_finds_everything_before_the_tags_move(
    tmp_path: Path, model: Path, keys: tuple[SignWith, Path]
) -> None:
    place = f"oci:{tmp_path / 'layout'}"
    done = release(
        model,
        f"{place}:1",
        keys[0],
        provenance=PROVENANCE,
        policy=policies(tmp_path, keys[1].read_bytes()),
        carriage=Carriage(known_as=NAME),
        modelcar=True,
    )
    assert modelpack.tags(place) == ["1", "1-car"]
    assert done.policy == "signed"
    verifier = believe_keys([keys[1]])
    modelpack.verify(done.reference, verifier, types=SAID)
    modelpack.verify(done.car, verifier)
    # Each bill of materials names the very artifact that it is of: policies ask that.
    for reference in (done.reference, done.car):
        said = modelpack.verify(reference, verifier, types=SAID).verified
        bom = said.evidence.of_type(BOM)[0].statement.predicate
        assert reference.partition("sha256:")[2] in json.dumps(bom)


def test_what_a_policy_refuses_gets_no_tag_and_a_tag_stays_where_it_was(
    tmp_path: Path, model: Path, keys: tuple[SignWith, Path]
) -> None:
    place = f"oci:{tmp_path / 'layout'}"
    first = modelpack.push(model, f"{place}:1", modelcar=True)
    (model / "config.json").write_text('{"changed": true}')
    with pytest.raises(PolicyDenied, match="not signed"):
        release(
            model,
            f"{place}:1",
            keys[0],
            provenance=PROVENANCE,
            policy=policies(tmp_path, Person.new().key.public.pem, "others"),
            carriage=Carriage(known_as=NAME),
            modelcar=True,
        )
    assert modelpack.inspect(f"{place}:1").reference == first.reference
    answer = modelpack.check(f"{place}:1", [Consumer.KSERVE]).answers[0]
    assert answer.reference == first.car


def test_nothing_is_sent_of_what_does_not_pass_the_scan(
    tmp_path: Path, model: Path, keys: tuple[SignWith, Path]
) -> None:
    (model / "w.bin").write_bytes(b'cos\nsystem\n(S"true"\ntR.')
    with pytest.raises(PolicyDenied, match=r"w\.bin: a pickle that imports os\.system"):
        release(model, f"oci:{tmp_path / 'layout'}:1", keys[0], provenance=PROVENANCE)
    assert not (tmp_path / "layout").exists()


def test_a_second_release_replaces_what_the_first_has_said(
    tmp_path: Path, model: Path, keys: tuple[SignWith, Path]
) -> None:
    place = f"oci:{tmp_path / 'layout'}:1"
    first = release(model, place, keys[0], provenance=PROVENANCE)
    count = len(modelpack.tree(place).referrers)
    again = release(model, place, keys[0], provenance=PROVENANCE)
    assert again == first
    assert len(modelpack.tree(place).referrers) == count


def test_a_release_goes_to_a_tag(
    tmp_path: Path, model: Path, keys: tuple[SignWith, Path]
) -> None:
    pinned = f"oci:{tmp_path / 'layout'}@sha256:{'0' * 64}"
    with pytest.raises(InvalidInput, match="names a tag"):
        release(model, pinned, keys[0], provenance=PROVENANCE)
    with pytest.raises((InvalidInput, NotFound)):
        modelpack.tags(f"oci:{tmp_path / 'layout'}")
