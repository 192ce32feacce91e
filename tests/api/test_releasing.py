"""A release moves its tag last, and not at all where anything refuses."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import modelpack
from modelpack.api import believe_keys, generate_key, release, sign_with_key
from modelpack.api.signing import SignWith
from modelpack.errors import InvalidInput, NotFound, PolicyDenied
from modelpack.model.consumers import Consumer
from modelpack.oci.manifest import Manifest
from modelpack.policy.admission import Admitted, UnsafeAdmitAll

SAID = ("cyclonedx", "facts", "vuln", "slsaprovenance1")
PROVENANCE: Mapping[str, object] = {"buildDefinition": {}, "runDetails": {}}


@dataclass
class Asked:
    """A policy that notes what it was asked about, and what was there by then."""

    place: str
    refuses: bool
    tags: tuple[str, ...] = ()
    said: frozenset[str] = frozenset()

    def admit(self, manifest: Manifest) -> Admitted:
        self.tags = tuple(modelpack.tags(self.place))
        grown = modelpack.tree(f"{self.place}@{manifest.descriptor.digest}")
        self.said = frozenset(
            branch.claim.predicate_type for branch in grown.referrers if branch.claim
        )
        if self.refuses:
            raise PolicyDenied("no")
        return UnsafeAdmitAll(lambda _: None).admit(manifest)


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


def test_everything_is_there_before_the_policy_is_asked_and_no_tag(
    tmp_path: Path, model: Path, keys: tuple[SignWith, Path]
) -> None:
    place = f"oci:{tmp_path / 'layout'}"
    asked = Asked(place, refuses=False)
    done = release(
        model,
        f"{place}:1",
        keys[0],
        provenance=PROVENANCE,
        policy=asked,
        modelcar=True,
    )
    assert asked.tags == ()
    assert len(asked.said) == len(SAID) + 2  # a signature, and one of the files
    assert modelpack.tags(place) == ["1", "1-car"]
    assert done.policy == "unsafe-admit-all"
    assert set(done.predicates) == asked.said
    verifier = believe_keys([keys[1]])
    modelpack.verify(done.reference, verifier, types=SAID)
    modelpack.verify(done.car, verifier)


def test_what_a_policy_refuses_gets_no_tag_and_a_tag_stays_where_it_was(
    tmp_path: Path, model: Path, keys: tuple[SignWith, Path]
) -> None:
    place = f"oci:{tmp_path / 'layout'}"
    first = modelpack.push(model, f"{place}:1", modelcar=True)
    (model / "config.json").write_text('{"changed": true}')
    with pytest.raises(PolicyDenied, match="no"):
        release(
            model,
            f"{place}:1",
            keys[0],
            provenance=PROVENANCE,
            policy=Asked(place, refuses=True),
            modelcar=True,
        )
    assert modelpack.inspect(f"{place}:1").reference == first.reference
    assert (
        modelpack.check(f"{place}:1", [Consumer.KSERVE]).answers[0].reference
        == first.car
    )


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
