from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given

from modelpack.errors import InvalidInput
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.manifest import compact
from modelpack.oci.strict_json import strict_json
from tests.oci.strategies import descriptors, json_values


@given(descriptors)
def test_a_descriptor_is_parsed_as_it_is_written(descriptor: Descriptor) -> None:
    parsed = Descriptor.parse(strict_json(compact(descriptor.document())), "")
    assert parsed == descriptor
    assert parsed.annotations == descriptor.annotations


@given(json_values)
def test_any_value_is_a_descriptor_or_invalid_input(value: object) -> None:
    with contextlib.suppress(InvalidInput):
        Descriptor.parse(value, "config")


_GOOD: dict[str, object] = {
    "mediaType": "application/octet-stream",
    "digest": "sha256:" + "0" * 64,
    "size": 1,
}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        pytest.param({"size": -1}, "size", id="negative size"),
        pytest.param({"size": 1.0}, "size", id="broken size"),
        pytest.param({"size": 1 << 63}, "size", id="size beyond 63 bits"),
        pytest.param({"size": True}, "size", id="size that is a truth"),
        pytest.param({"digest": "sha256:zz"}, "digest", id="no digest"),
        pytest.param({"digest": None}, "digest", id="digest that is null"),
        pytest.param({"mediaType": 1}, "mediaType", id="type that is a number"),
        pytest.param({"artifactType": []}, "artifactType", id="artifact type"),
        pytest.param({"annotations": {"a": 1}}, "annotations.a", id="annotation"),
        pytest.param({"annotations": []}, "annotations", id="annotations as a list"),
    ],
)
def test_the_faulty_field_is_named(change: dict[str, object], where: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Descriptor.parse(_GOOD | change, "layers[2]")
    assert caught.value.where == f"layers[2].{where}"


@pytest.mark.parametrize("missing", list(_GOOD))
def test_a_missing_field_is_named(missing: str) -> None:
    document = {key: value for key, value in _GOOD.items() if key != missing}
    with pytest.raises(InvalidInput, match=rf"^config\.{missing}: missing$"):
        Descriptor.parse(document, "config")


def test_annotations_are_written_in_one_order() -> None:
    made = Descriptor(
        media_type="a/b",
        digest=Descriptor.of(b"", "a/b").digest,
        size=0,
        annotations={"z": "1", "a": "2"},
    )
    assert list(json.loads(compact(made.document()))["annotations"]) == ["a", "z"]
