"""Configs of every version and of every writer."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import UnusableArtifact
from modelpack.model.config import ModelConfig, read_config
from modelpack.oci.digest import Digest
from tests.model.making import config


def test_what_we_write_we_read() -> None:
    read = read_config(config())
    assert (read.name, read.format, read.param_size) == ("Tiny", "safetensors", "3K")
    assert (read.input_types, read.languages) == (("text",), ("en", "de"))
    assert len(read.diff_ids) == 4


def test_names_of_before_0_0_7_mean_the_same() -> None:
    digest = Digest.of(b"x")
    document = {
        "descriptor": {"createdAt": "2025-01-01T00:00:00Z", "name": "m"},
        "config": {
            "paramSize": "8b",
            "capabilities": {"input_types": ["text"], "output_types": ["embedding"]},
        },
        "modelfs": {"type": "layers", "diff_ids": [str(digest)]},
    }
    assert read_config(json.dumps(document).encode()) == ModelConfig(
        created_at="2025-01-01T00:00:00Z",
        name="m",
        param_size="8b",
        input_types=("text",),
        output_types=("embedding",),
        diff_ids=(digest,),
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",  # AIKit
        b'{"descriptor":{},"config":{},"modelfs":{"type":"layers","diffIds":[]}}',
        b'{"descriptor":null,"config":null,"modelfs":null}',
        b'{"descriptor":{"name":null,"authors":null,"title":""}}',
        b'{"config":{"capabilities":{"embedding":true,"inputTypes":["smell"]}}}',
        b'{"future":1,"config":{"other":[]}}',
    ],
)
def test_what_is_missing_or_unknown_is_passed_over(raw: bytes) -> None:
    assert read_config(raw) == ModelConfig()


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (b"", "config"),
        (b"[]", "config"),
        (b'{"a":1,"a":2}', "config.a"),
        (b"[" * 100_000, "config"),
        (b'{"descriptor":1}', "config.descriptor"),
        (b'{"descriptor":{"name":5}}', "config.descriptor.name"),
        (b'{"descriptor":{"authors":"me"}}', "config.descriptor.authors"),
        (b'{"descriptor":{"authors":["me",1]}}', "config.descriptor.authors[1]"),
        (b'{"modelfs":{"diffIds":["sha256:zz"]}}', "config.modelfs.diffIds[0]"),
        (b'{"modelfs":{"diffIds":[],"diff_ids":[]}}', "config.modelfs.diffIds"),
        (b" " * (5 << 20), "config"),
    ],
)
def test_a_known_field_of_another_type_is_refused_by_name(
    raw: bytes, where: str
) -> None:
    with pytest.raises(UnusableArtifact) as caught:
        read_config(raw)
    assert caught.value.where == where


fields = st.sampled_from(
    ["descriptor", "config", "modelfs", "capabilities", "name", "diffIds", "authors"]
)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields, inner),
    max_leaves=10,
)


@given(st.binary(max_size=64) | documents.map(lambda value: json.dumps(value).encode()))
def test_reading_raises_nothing_but_unusable_artifact(raw: bytes) -> None:
    with contextlib.suppress(UnusableArtifact):
        assert isinstance(read_config(raw), ModelConfig)
