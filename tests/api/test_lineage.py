"""``lineage`` walks from model to model through a registry, and always ends."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelpack import (
    Settings,
    SignWith,
    attest,
    believe_keys,
    generate_key,
    lineage,
    push,
    sign_with_key,
)
from modelpack.documents.lineage import Kin
from modelpack.documents.lineage_picture import lineage_svg
from modelpack.serve.registry import RegistryServer
from tests.documents.test_cyclonedx import WEIGHTS

SETTINGS = Settings(tries=1, first_wait=0.01)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    with RegistryServer(tmp_path / "registry") as server:
        yield server.address


def key(tmp_path: Path, name: str = "anna") -> tuple[SignWith, Path]:
    private, public = generate_key(tmp_path / name, "")
    return sign_with_key(private, lambda: ""), public


def model(
    tmp_path: Path, name: str, base: str = "", digest: str = "", more: str = ""
) -> Path:
    """Write a model whose `modelpack.yaml` names its base, where it lies, its data."""
    folder = tmp_path / name
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    lines = ["modelpack: '1'", f"name: {name}"]
    if base:
        lines += ["base_models:", f"- name: base-of-{name}", "  relation: finetune"]
        lines += [f"  reference: {base}"]
        lines += [f"  digest: {digest}"] if digest else []
    (folder / "modelpack.yaml").write_text("\n".join([*lines, more, ""]))
    return folder


def publish(folder: Path, place: str, signer: SignWith | None = None) -> str:
    done = push(
        folder, place, signer=signer, describe=signer is not None, settings=SETTINGS
    )
    return str(done.digest)


def walk(target: str | Path, **how: Any) -> Kin:  # noqa: ANN401 - as lineage has them
    return lineage(target, settings=SETTINGS, **how)


def test_three_generations_pinned_by_digest(tmp_path: Path, registry: str) -> None:
    anna, public = key(tmp_path)
    data = "datasets: [{name: org/set}]"
    first = publish(model(tmp_path, "a", more=data), f"{registry}/m/aa:1", anna)
    folder = model(tmp_path, "b", f"{registry}/m/aa:1", first)
    second = publish(folder, f"{registry}/m/bb:1", anna)
    folder = model(tmp_path, "c", f"{registry}/m/bb:1", second)
    third = publish(folder, f"{registry}/m/cc:1", anna)
    # The tag of the first moves; what the second was made from does not.
    publish(model(tmp_path, "d"), f"{registry}/m/aa:1")
    root = walk(f"{registry}/m/cc:1", believe=believe_keys([public]))
    assert root.digest == third
    assert root.basis.startswith("signed by key sha256:")
    (middle,) = root.parents
    assert (middle.name, middle.digest) == ("base-of-c", second)
    assert middle.relation == "finetune"
    assert middle.purl.startswith("pkg:oci/bb@sha256")
    (oldest,) = middle.parents
    assert oldest.digest == first
    (found,) = oldest.parents
    assert (found.kind, found.name) == ("data set", "org/set")
    claimed = walk(f"{registry}/m/cc:1")
    assert claimed.basis.startswith("not verified, claims to be signed by key sha256:")
    # Of a folder no registry is asked, unless that is said.
    (alone,) = walk(folder).parents
    assert alone.note.endswith("was not asked")
    (followed,) = walk(folder, follow=True).parents
    assert followed.parents[0].digest == first


def test_a_stranger_s_statements_do_not_count(tmp_path: Path, registry: str) -> None:
    anna, public = key(tmp_path)
    stranger, _ = key(tmp_path, "stranger")
    name = f"{registry}/m/aa:1"
    publish(model(tmp_path, "a"), name, anna)
    said = {"ancestors": [{"name": "org/forged"}], "datasets": []}
    attest(name, stranger, "facts", said, settings=SETTINGS)
    assert walk(name, believe=believe_keys([public])).parents == ()
    (forged,) = walk(name).parents
    assert forged.name == "org/forged"


def test_provenance_names_what_went_in(tmp_path: Path, registry: str) -> None:
    anna, _ = key(tmp_path)
    base = publish(model(tmp_path, "a"), f"{registry}/m/aa:1")
    name = f"{registry}/m/bb:1"
    publish(model(tmp_path, "b"), name)
    dependencies = [
        {
            "name": "base-model",
            "uri": f"{registry}/m/aa",
            "digest": {"sha256": base.removeprefix("sha256:")},
        },
        {"name": "source", "uri": "git+https://x.example/y", "digest": {}},
    ]
    said = {
        "buildDefinition": {"resolvedDependencies": dependencies},
        "runDetails": {},
    }
    attest(name, anna, "slsaprovenance1", said, settings=SETTINGS)
    (found,) = walk(name).parents
    assert found.digest == base
    assert found.note == ""


def test_a_circle_ends(tmp_path: Path, registry: str) -> None:
    for name, base in (("aa", "bb"), ("bb", "aa")):
        folder = model(tmp_path, name, f"{registry}/m/{base}:1")
        publish(folder, f"{registry}/m/{name}:1")
    root = walk(f"{registry}/m/aa:1")
    (second,) = root.parents
    assert second.note == "named by a tag, which may have moved"
    (again,) = second.parents
    assert again.digest == root.digest
    assert "stands in this tree already" in again.note
    assert again.parents == ()


def test_a_long_way_ends(tmp_path: Path, registry: str) -> None:
    digest = publish(model(tmp_path, "m0"), f"{registry}/m/m0:1")
    for step in range(1, 16):
        folder = model(tmp_path, f"m{step}", f"{registry}/m/m{step - 1}:1", digest)
        digest = publish(folder, f"{registry}/m/m{step}:1")
    kin, depth = walk(f"{registry}/m/m15:1"), 0
    while kin.parents:
        (kin,) = kin.parents
        depth += 1
    assert depth == 13
    assert kin.note == "too far away: not followed"


def test_what_is_not_there_is_said_and_the_rest_is_told(
    tmp_path: Path, registry: str
) -> None:
    missing = "sha256:" + "0" * 64
    more = "datasets: [{name: org/set}]"
    folder = model(tmp_path, "a", f"{registry}/m/gone:1", missing, more)
    publish(folder, f"{registry}/m/aa:1")
    gone, data = walk(f"{registry}/m/aa:1").parents
    assert (gone.digest, data.name) == (missing, "org/set")
    assert gone.note
    assert gone.parents == ()


def test_another_registry_is_asked_on_demand(tmp_path: Path, registry: str) -> None:
    publish(model(tmp_path, "a", "127.0.0.1:1/m/far:1"), f"{registry}/m/aa:1")
    (far,) = walk(f"{registry}/m/aa:1").parents
    assert far.note == "127.0.0.1:1 was not asked"
    (far,) = walk(f"{registry}/m/aa:1", follow=True).parents
    assert far.note != "127.0.0.1:1 was not asked"


def test_a_path_of_this_machine_is_not_followed(tmp_path: Path, registry: str) -> None:
    anna, _ = key(tmp_path)
    layout = f"oci:{tmp_path / 'layout'}:1"
    publish(model(tmp_path, "a"), layout)
    name = f"{registry}/m/bb:1"
    publish(model(tmp_path, "b"), name)
    said = {"ancestors": [{"name": "x", "reference": layout}], "datasets": []}
    attest(name, anna, "facts", said, settings=SETTINGS)
    (found,) = walk(name, follow=True).parents
    assert found.note == "lies in no registry"


@pytest.mark.parametrize(
    "said",
    [
        {"ancestors": {}, "datasets": []},
        {"ancestors": [{"name": ""}], "datasets": []},
        {"ancestors": [{"name": "x", "digest": "sha256:1"}], "datasets": []},
        {"ancestors": [{"name": "x"}] * 101, "datasets": []},
        {"ancestors": [], "datasets": ["a\nb"]},
    ],
)
def test_odd_statements_are_noted_and_not_believed(
    said: dict[str, Any], tmp_path: Path, registry: str
) -> None:
    anna, _ = key(tmp_path)
    name = f"{registry}/m/aa:1"
    publish(model(tmp_path, "a"), name)
    attest(name, anna, "facts", said, settings=SETTINGS)
    root = walk(name)
    assert root.parents == ()
    assert root.note


def test_the_picture_is_one_and_names_are_text_in_it(tmp_path: Path) -> None:
    more = "datasets:\n- name: '</text><script>alert(1)</script>'\n- name: plain"
    root = walk(model(tmp_path, "a", more=more))
    picture = ET.fromstring(lineage_svg(root))  # noqa: S314 - ours
    tags = {element.tag.rpartition("}")[2] for element in picture.iter()}
    assert tags == {"svg", "style", "rect", "path", "g", "title", "text"}
    words = [element.text or "" for element in picture.iter()]
    assert any("<script>" in word for word in words)


def test_a_picture_of_many_is_bounded() -> None:
    data = tuple(Kin(kind="data set", name=f"d{n}") for n in range(3000))
    raw = lineage_svg(replace(Kin(kind="model", name="m"), parents=data))
    assert raw.count(b"<g ") <= 401
