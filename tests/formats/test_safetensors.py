from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from safetensors.numpy import save, save_file

from modelpack.errors import InvalidInput
from modelpack.formats.weights.safetensors import (
    BITS,
    MAX_TENSORS,
    Tensor,
    parse_safetensors,
)
from modelpack.formats.window import Window
from tests.formats.files import Array, deserialize, minilm, safetensors_file, window_on

W = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
VALID = safetensors_file({"__metadata__": {"format": "pt"}, "w": W}, bytes(8))


def test_facts_of_a_written_file(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    arrays: dict[str, Array] = {
        "a": np.zeros((2, 3), np.float32),
        "b": np.zeros((4,), np.float16),
        "empty": np.zeros((0, 5), np.float32),
        "scalar": np.zeros((), np.int64),
    }
    save_file(arrays, path, metadata={"format": "np"})
    header = parse_safetensors(window_on(path))
    assert header.metadata == {"format": "np"}
    assert header.parameters == {"F32": 6, "F16": 4, "I64": 1}
    assert header.parameter_count == 11
    by_name = {tensor.name: tensor for tensor in header.tensors}
    assert by_name["a"].shape == (2, 3)
    assert by_name["scalar"].shape == ()
    assert by_name["empty"].length == 0


def test_offsets_count_from_the_start_of_the_file() -> None:
    header = parse_safetensors(Window.of(VALID))
    assert header.header_size == len(VALID) - 8
    assert header.tensors == (
        Tensor(name="w", dtype="F32", shape=(2,), offset=len(VALID) - 8, length=8),
    )


def test_a_real_model() -> None:
    header = parse_safetensors(window_on(minilm() / "model.safetensors"))
    assert header.parameters == {"F32": 22_713_216, "I64": 512}
    assert len(header.tensors) == 104
    assert header.metadata == {"format": "pt"}


@pytest.mark.parametrize("dtype", BITS)
def test_bits_of_each_dtype_are_those_of_the_library(dtype: str) -> None:
    entry = {"dtype": dtype, "shape": [8], "data_offsets": [0, BITS[dtype]]}
    raw = safetensors_file({"w": entry}, bytes(BITS[dtype]))
    assert len(deserialize(raw)) == 1
    assert parse_safetensors(Window.of(raw)).parameters == {dtype: 8}


def test_no_tensors_are_a_file() -> None:
    assert parse_safetensors(Window.of(safetensors_file({}))).tensors == ()


def test_spaces_may_pad_the_header() -> None:
    raw = safetensors_file(json.dumps({"w": W}).encode() + b"   ", bytes(8))
    assert len(parse_safetensors(Window.of(raw)).tensors) == 1


def test_tensors_are_counted() -> None:
    entry = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    entries = ",".join(f'"{index}":{entry}' for index in range(MAX_TENSORS + 1))
    with pytest.raises(InvalidInput, match="header: more than 200000 tensors"):
        parse_safetensors(Window.of(safetensors_file(f"{{{entries}}}".encode())))


@given(st.binary(max_size=200))
def test_any_bytes_raise_only_invalid_input(raw: bytes) -> None:
    with contextlib.suppress(InvalidInput):
        parse_safetensors(Window.of(raw))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
ENTRIES = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(sorted(BITS)) | JSON,
        "shape": st.lists(st.integers(0, 4), max_size=3) | JSON,
        "data_offsets": st.lists(st.integers(0, 9), min_size=2, max_size=2) | JSON,
    },
    optional={"other": JSON},
)
HEADERS = st.dictionaries(st.text() | st.just("__metadata__"), ENTRIES | JSON)


@given(HEADERS, st.binary(max_size=20))
def test_any_header_raises_only_invalid_input(header: object, data: bytes) -> None:
    with contextlib.suppress(InvalidInput):
        parse_safetensors(Window.of(safetensors_file(header, data)))


@given(st.data())
@example(None)
def test_damage_never_makes_a_file_that_only_we_accept(
    draws: st.DataObject | None,
) -> None:
    raw = bytearray(VALID)
    if draws is not None:
        at = draws.draw(st.integers(0, len(raw) - 1))
        raw[at] = draws.draw(st.integers(0, 255))
        del raw[draws.draw(st.integers(at, len(raw))) :]
    try:
        header = parse_safetensors(Window.of(bytes(raw)))
    except InvalidInput:
        return
    assert len(deserialize(bytes(raw))) == len(header.tensors)


NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20
).filter(lambda name: name != "__metadata__")
ARRAYS = npst.arrays(
    st.sampled_from([np.float16, np.float32, np.int64, np.uint8, np.bool_]),
    npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)


@given(st.dictionaries(NAMES, ARRAYS, max_size=4))
def test_what_the_library_writes_reads_the_same(arrays: dict[str, Array]) -> None:
    raw = save(arrays)
    theirs = deserialize(raw)
    ours = parse_safetensors(Window.of(raw)).tensors
    assert {tensor.name for tensor in ours} == theirs.keys()
    for tensor in ours:
        entry = theirs[tensor.name]
        assert (tensor.dtype, list(tensor.shape)) == (entry["dtype"], entry["shape"])
        assert raw[tensor.offset :][: tensor.length] == bytes(entry["data"])
