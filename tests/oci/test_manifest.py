from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.manifest import (
    DOCKER_MANIFEST,
    EMPTY_JSON,
    INDEX,
    MANIFEST,
    MAX_BYTES,
    MAX_LAYERS,
    Document,
    Index,
    Manifest,
    compact,
    parse_any,
)
from tests.oci.strategies import annotation_maps, descriptors, json_values, media_types

_LAYER = Descriptor.of(b"weights", "application/octet-stream")
_CONFIG = Descriptor.of(b"{}", EMPTY_JSON)
_MANIFEST: dict[str, object] = {
    "schemaVersion": 2,
    "mediaType": MANIFEST,
    "config": _CONFIG.document(),
    "layers": [_LAYER.document()],
}
_INDEX: dict[str, object] = {
    "schemaVersion": 2,
    "mediaType": INDEX,
    "manifests": [_LAYER.document()],
}
_BIG = b'{"schemaVersion":2,"pad":"' + b"x" * MAX_BYTES + b'"}'


@given(
    artifact_type=media_types,
    config=descriptors,
    layers=st.lists(descriptors, max_size=4).map(tuple),
    subject=st.none() | descriptors,
    annotations=annotation_maps,
)
def test_a_built_manifest_reads_as_it_was_meant(
    artifact_type: str,
    config: Descriptor,
    layers: tuple[Descriptor, ...],
    subject: Descriptor | None,
    annotations: dict[str, str],
) -> None:
    built = Manifest.build(
        artifact_type=artifact_type,
        config=config,
        layers=layers,
        subject=subject,
        annotations=annotations,
    )
    assert Manifest.parse(built.raw) == built
    assert (built.config, built.layers, built.subject) == (config, layers, subject)
    assert built.annotations == annotations
    assert list(built.children()) == [config, *layers]
    # A tool that parses and writes compactly keeps the digest.
    assert compact(json.loads(built.raw)) == built.raw


@given(st.lists(descriptors, max_size=5).map(tuple))
def test_a_built_index_reads_as_it_was_meant(children: tuple[Descriptor, ...]) -> None:
    built = Index.build(children)
    assert Index.parse(built.raw) == built
    assert tuple(built.children()) == children


@given(st.binary())
def test_any_bytes_are_a_manifest_or_invalid_input(raw: bytes) -> None:
    for parse in (Manifest.parse, Index.parse):
        with contextlib.suppress(InvalidInput):
            parse(raw)
    with contextlib.suppress(InvalidInput):
        parse_any(Document(raw, MANIFEST))


@given(
    st.sampled_from([_MANIFEST, _INDEX]),
    st.dictionaries(
        st.sampled_from(
            [*_MANIFEST, *_INDEX, "subject", "annotations", "artifactType"]
        ),
        json_values,
        max_size=3,
    ),
)
def test_any_change_gives_a_manifest_or_invalid_input(
    document: dict[str, object], changes: dict[str, object]
) -> None:
    raw = json.dumps(document | changes).encode()
    for claimed in (MANIFEST, INDEX, ""):
        with contextlib.suppress(InvalidInput):
            assert parse_any(Document(raw, claimed)).raw == raw


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_any_flipped_byte_gives_a_manifest_or_invalid_input(
    position: int, value: int
) -> None:
    raw = bytearray(json.dumps(_MANIFEST).encode())
    raw[position % len(raw)] = value
    with contextlib.suppress(InvalidInput):
        Manifest.parse(bytes(raw))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(_BIG, "the limit is", id="too large"),
        pytest.param(b"<html>", "not a JSON document", id="not JSON"),
        pytest.param(b"[]", "expected an object", id="a list"),
        pytest.param(
            b'{"schemaVersion":2,"schemaVersion":2}',
            "duplicate key",
            id="duplicate keys",
        ),
        pytest.param(
            compact(_MANIFEST | {"schemaVersion": 1}), "schemaVersion", id="old schema"
        ),
        pytest.param(
            compact(_MANIFEST | {"mediaType": "text/plain"}),
            "not an image manifest: 'text/plain'",
            id="another type",
        ),
        pytest.param(
            compact(_MANIFEST | {"layers": [_LAYER.document()] * 100_000}),
            "the limit is",
            id="100,000 layers",
        ),
        pytest.param(
            compact(_MANIFEST | {"layers": [{}] * (MAX_LAYERS + 1)}),
            "^layers: more than 10000 layers",
            id="too many layers in few bytes",
        ),
        pytest.param(
            compact(_MANIFEST | {"layers": [dict(_LAYER.document()) | {"size": -1}]}),
            r"^layers\[0\]\.size: out of range",
            id="negative size",
        ),
        pytest.param(
            compact(_MANIFEST | {"config": None}),
            "^config: expected an object",
            id="config that is null",
        ),
        pytest.param(
            compact(_MANIFEST | {"layers": {}}),
            "^layers: expected an array",
            id="layers that are no list",
        ),
        pytest.param(
            compact(_MANIFEST | {"subject": "sha256:0"}),
            "^subject: expected an object",
            id="subject that is a text",
        ),
    ],
)
def test_a_hostile_manifest_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        Manifest.parse(raw)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(_BIG, "the limit is", id="too large"),
        pytest.param(
            compact(_INDEX | {"manifests": [{}] * (MAX_LAYERS + 1)}),
            "^manifests: more than 10000",
            id="too many manifests",
        ),
        pytest.param(
            compact(_INDEX | {"manifests": [_LAYER.document(), 1]}),
            r"^manifests\[1\]: expected an object",
            id="an entry that is a number",
        ),
        pytest.param(compact(_MANIFEST), "not an image index", id="a manifest"),
    ],
)
def test_a_hostile_index_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        Index.parse(raw)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(_MANIFEST | _INDEX, id="all fields, index type"),
        pytest.param(_INDEX | _MANIFEST, id="all fields, manifest type"),
        pytest.param(_INDEX | {"layers": []}, id="an index with layers"),
        pytest.param(_MANIFEST | {"manifests": []}, id="a manifest with manifests"),
        pytest.param(_MANIFEST | {"mediaType": INDEX}, id="the other's type"),
    ],
)
@pytest.mark.parametrize("claimed", [MANIFEST, INDEX, ""])
def test_both_an_index_and_a_manifest_is_neither(
    document: dict[str, object], claimed: str
) -> None:
    """CVE-2021-41190: one document must not be readable as two types."""
    with pytest.raises(InvalidInput):
        parse_any(Document(compact(document), claimed))


def test_the_type_that_the_bytes_claim_counts() -> None:
    assert isinstance(parse_any(Document(compact(_MANIFEST), INDEX)), Manifest)
    assert isinstance(parse_any(Document(compact(_INDEX), MANIFEST)), Index)
    bare = {key: value for key, value in _INDEX.items() if key != "mediaType"}
    assert isinstance(parse_any(Document(compact(bare), MANIFEST)), Index)


def test_docker_names_and_null_lists_are_read() -> None:
    """Seen in olareg 0.1.2: an empty list is written as null."""
    raw = compact(_MANIFEST | {"mediaType": DOCKER_MANIFEST, "layers": None})
    assert Manifest.parse(raw).layers == ()
    assert Index.parse(compact(_INDEX | {"manifests": None})).manifests == ()


def test_a_manifest_that_no_registry_takes_is_not_built() -> None:
    layers = tuple(
        Descriptor(
            media_type="a/b", digest=_LAYER.digest, size=1, annotations={"p": "x" * 600}
        )
        for _ in range(6000)
    )
    with pytest.raises(InvalidInput, match="registries take") as caught:
        Manifest.build(artifact_type="a/b", config=_CONFIG, layers=layers)
    assert "fewer files" in caught.value.hint
