"""The same files give the same bytes, and bytes that the schema allows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.model.build import Description, build_config, build_manifest
from modelpack.model.config import read_config
from modelpack.oci.manifest import Manifest
from tests.model.making import FILES, config, facts, manifest, packed

SCHEMA = json.loads(
    (Path(__file__).parents[1] / "data" / "schemas" / "model-config.json").read_text()
)


def test_the_config_says_what_the_files_say() -> None:
    document = json.loads(config())
    jsonschema.validate(document, SCHEMA)
    assert document["descriptor"] == {
        "family": "tiny",
        "name": "Tiny",
        "licenses": ["Apache-2.0"],
    }
    assert document["config"] == {
        "architecture": "TinyLM",
        "format": "safetensors",
        "paramSize": "3K",
        "precision": "bfloat16",
        "capabilities": {
            "inputTypes": ["text"],
            "outputTypes": ["text"],
            "languages": ["en", "de"],
        },
    }
    assert document["modelfs"]["diffIds"] == [
        str(layer.digest) for layer in manifest().layers
    ]


FULL = Description(
    name="n",
    title="t",
    description="several\nlines",
    family="f",
    version="1",
    revision="abc",
    vendor="v",
    authors=("a", "b"),
    licenses=("MIT",),
    source_url="https://example.com/s",
    doc_url="https://example.com/d",
    datasets_url=("https://example.com/x",),
)


def test_the_publisher_goes_before_the_files() -> None:
    raw = config(created="2026-11-23T01:02:03Z", description=FULL)
    jsonschema.validate(json.loads(raw), SCHEMA)
    read = read_config(raw)
    assert (read.name, read.licenses, read.family) == ("n", ("MIT",), "f")
    assert (read.created_at, read.title) == ("2026-11-23T01:02:03Z", "t")
    assert (read.source_url, read.description) == (FULL.source_url, FULL.description)


def test_a_model_that_says_nothing_has_an_empty_config() -> None:
    document = json.loads(config({"blob": b"\xff\0\1"}))
    jsonschema.validate(document, SCHEMA)
    assert (document["descriptor"], document["config"]) == ({}, {})


@pytest.mark.parametrize(
    "created",
    ["yesterday", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00+01:00", "2026-01-01"],
)
def test_a_time_that_is_none_is_refused(created: str) -> None:
    with pytest.raises(InvalidInput, match="created"):
        config(created=created)


@pytest.mark.parametrize("text", ["a\x1b[2J", "a\0", "\udcff", "x" * 20_000])
def test_a_text_that_lies_or_does_not_end_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"config\.descriptor\.title"):
        config(description=replace(FULL, title=text))
    files = [packed(path, content) for path, content in FILES.items()]
    for spoiled in ({"key": text}, {text: "value"}):
        with pytest.raises(InvalidInput, match="annotations"):
            build_manifest(files, config(), spoiled)


def test_the_manifest_is_that_of_the_model_specification() -> None:
    document = json.loads(manifest().raw)
    assert list(document) == [
        "schemaVersion",
        "mediaType",
        "artifactType",
        "config",
        "layers",
    ]
    assert document["artifactType"] == "application/vnd.cncf.model.manifest.v1+json"
    assert document["config"]["mediaType"] == (
        "application/vnd.cncf.model.config.v1+json"
    )
    assert [
        (layer["annotations"]["org.opencontainers.image.title"], layer["mediaType"])
        for layer in document["layers"]
    ] == [
        ("README.md", "application/vnd.cncf.model.doc.v1.raw"),
        ("config.json", "application/vnd.cncf.model.weight.config.v1.raw"),
        ("model.safetensors", "application/vnd.cncf.model.weight.v1.raw"),
        ("tokenizer/vocab.txt", "application/vnd.cncf.model.weight.config.v1.raw"),
    ]


def test_what_is_written_survives_being_written_again() -> None:
    # rh-model-signing signs what this gives, so it must have the same digest.
    raw = manifest({**FILES, "\u6a21\u578b.bin": b"\xff"}).raw
    assert json.dumps(json.loads(raw), separators=(",", ":")).encode() == raw
    assert raw.isascii()


@given(st.permutations(sorted(FILES)), st.sampled_from([0, 1000]))
def test_the_order_of_the_files_changes_nothing(order: list[str], split: int) -> None:
    files = {path: FILES[path] for path in order}
    assert manifest(files, split=split).raw == manifest(FILES, split=split).raw


def test_user_annotations_stand_in_the_manifest() -> None:
    files = [packed(path, content) for path, content in FILES.items()]
    built = build_manifest(files, config(), {"b": "2", "a": "1"})
    assert list(Manifest.parse(built.raw).annotations) == ["a", "b"]


def test_names_that_collide_are_refused() -> None:
    one, two = packed("a", b"1"), packed("A", b"2")
    parts = packed("w", b"123456", split=2)
    trap = packed("w.part-00002-of-00003", b"x")
    for files in ([one, two], [one, one], [parts, trap], [parts, packed("w/x", b"")]):
        with pytest.raises(InvalidInput):
            build_manifest(files, b"{}")
    with pytest.raises(InvalidInput, match="at least one file"):
        build_manifest([], b"{}")


def test_too_many_files_for_a_manifest_are_refused() -> None:
    first = packed("w0", b"x")
    files = [packed(f"{number:04}" + "n" * 100, b"x") for number in range(9000)]
    with pytest.raises(InvalidInput, match="registries take"):
        build_manifest([first, *files], build_config(facts({}), [first]))
