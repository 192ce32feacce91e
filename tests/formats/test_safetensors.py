from __future__ import annotations

import contextlib
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from safetensors.numpy import save, save_file

from modelpack.errors import InvalidInput
from modelpack.formats.safetensors import BITS, MAX_TENSORS, Tensor, parse_safetensors
from modelpack.formats.window import Window
from tests.formats.files import Array, deserialize, minilm, safetensors_file, window_on

W = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
VALID = safetensors_file({"__metadata__": {"format": "pt"}, "w": W}, bytes(8))


def changed(**fields: object) -> bytes:
    return safetensors_file({"w": W | fields}, bytes(8))


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


TWICE = b'{"w":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
HOSTILE = {
    "empty file": (b"", "header: 0 bytes are too few for a header length"),
    "seven bytes": (bytes(7), "header: 7 bytes are too few for a header length"),
    "no header": (bytes(8), "header: does not start with '{'"),
    "header over the limit": (
        struct.pack("<Q", 100_000_001) + b"{",
        "header: longer than 100000000 bytes",
    ),
    "header of 2**64-1": (b"\xff" * 9, "header: longer than 100000000 bytes"),
    "header beyond the file": (
        struct.pack("<Q", 100) + b"{}",
        "header: 100 bytes are promised, 2 are there",
    ),
    "space before": (safetensors_file(b" {}"), "header: does not start with '{'"),
    "newline after": (
        safetensors_file(b"{}\n"),
        "header: more than spaces after the last '}'",
    ),
    "zip after": (
        safetensors_file(b"{} PK\x03\x04"),
        "header: more than spaces after the last '}'",
    ),
    "two objects": (safetensors_file(b"{}{}"), "header: not a JSON document"),
    "deeply nested": (
        safetensors_file(b'{"w":' + b"[" * 100_000 + b"}"),
        "header: not a JSON document",
    ),
    "too many values": (
        safetensors_file(b'{"w":[' + b"[],[]," * 700_000 + b"[]]}"),
        "header: too many values",
    ),
    "not UTF-8": (safetensors_file(b'{"\xff":1}'), "header: not UTF-8"),
    "surrogate in a name": (
        safetensors_file(b'{"\\ud800":1}'),
        "header: not a JSON document",
    ),
    "NaN": (safetensors_file(b'{"w":NaN}'), "header: not a JSON document"),
    "number of 5000 digits": (
        safetensors_file(b'{"w":' + b"1" * 5000 + b"}"),
        "header: not a JSON document",
    ),
    "duplicate tensor": (
        safetensors_file(b'{"w":1,"w":2}'),
        "header.w: duplicate key",
    ),
    "duplicate field": (
        safetensors_file(TWICE, bytes(8)),
        "header.w.dtype: duplicate key",
    ),
    "duplicate metadata": (
        safetensors_file(b'{"__metadata__":{"a":"1","a":"2"}}'),
        "header.__metadata__.a: duplicate key",
    ),
    "duplicate deep inside": (
        safetensors_file(b'{"w":[0,{"a":1,"a":2}]}'),
        "header.w[1].a: duplicate key",
    ),
    "metadata is an array": (
        safetensors_file({"__metadata__": []}),
        "header.__metadata__: expected an object",
    ),
    "metadata is null": (
        safetensors_file({"__metadata__": None}),
        "header.__metadata__: expected an object",
    ),
    "metadata holds a number": (
        safetensors_file({"__metadata__": {"a": 1}}),
        "header.__metadata__.a: expected a string",
    ),
    "tensor is an array": (
        safetensors_file({"w": []}),
        "header.w: expected an object",
    ),
    "missing field": (
        safetensors_file({"w": {"dtype": "F32"}}),
        "header.w: missing data_offsets, shape",
    ),
    "extra field": (changed(evil="x"), "header.w: unknown field evil"),
    "unknown dtype": (changed(dtype="F3"), "header.w.dtype: unknown: F3"),
    "dtype is a number": (changed(dtype=3), "header.w.dtype: unknown: 3"),
    "dtype is an array": (changed(dtype=[]), "header.w.dtype: unknown: []"),
    "shape is a number": (changed(shape=2), "header.w.shape: expected an array"),
    "negative dimension": (
        changed(shape=[-2]),
        "header.w.shape[0]: expected a whole number",
    ),
    "dimension is a float": (
        changed(shape=[2.0]),
        "header.w.shape[0]: expected a whole number",
    ),
    "dimension is a bool": (
        changed(shape=[1, True]),
        "header.w.shape[1]: expected a whole number",
    ),
    "dimension of 2**63": (
        changed(shape=[0, 2**63]),
        "header.w.shape[1]: expected a whole number",
    ),
    "too many dimensions": (
        changed(shape=[1] * 65),
        "header.w.shape: more than 64 dimensions",
    ),
    "product overflows 64 bits": (
        changed(shape=[2**62, 2**2, 2]),
        "header.w.data_offsets: 8 bytes for 1180591620717411303424 bits of F32",
    ),
    "one offset": (
        changed(data_offsets=[0]),
        "header.w.data_offsets: 1 numbers, expected two",
    ),
    "three offsets": (
        changed(data_offsets=[0, 8, 8]),
        "header.w.data_offsets: 3 numbers, expected two",
    ),
    "negative offset": (
        changed(data_offsets=[-8, 0]),
        "header.w.data_offsets[0]: expected a whole number",
    ),
    "offsets backwards": (
        changed(data_offsets=[8, 0]),
        "header.w.data_offsets: ends at 0, begins at 8",
    ),
    "length does not match": (
        changed(shape=[3]),
        "header.w.data_offsets: 8 bytes for 96 bits of F32",
    ),
    "bits that fill no byte": (
        changed(dtype="F4", shape=[15]),
        "header.w.data_offsets: 8 bytes for 60 bits of F4",
    ),
    "overlap": (
        safetensors_file({"a": W, "b": W}, bytes(8)),
        "header.b.data_offsets: overlap at byte 0 of the data",
    ),
    "hole": (
        safetensors_file({"a": W, "b": W | {"data_offsets": [16, 24]}}, bytes(24)),
        "header.b.data_offsets: a hole before byte 16 of the data",
    ),
    "hole at the start": (
        changed(data_offsets=[1, 9]),
        "header.w.data_offsets: a hole before byte 1 of the data",
    ),
    "bytes after the last": (
        VALID + b"EXTRA",
        "header: describes 8 bytes of data, 13 are there",
    ),
    "data cut off": (VALID[:-4], "header: describes 8 bytes of data, 4 are there"),
    "NUL in a name": (
        safetensors_file({"a\0b": W}, bytes(8)),
        "header.'a\\x00b': has a control character",
    ),
    "escape sequence in a name": (
        safetensors_file({"\x1b[2J": W}, bytes(8)),
        "header.'\\x1b[2J': has a control character",
    ),
    "empty name": (safetensors_file({"": W}, bytes(8)), "header.: empty"),
    "long name": (
        safetensors_file({"n" * 1025: W}, bytes(8)),
        f"header.{'n' * 80}...: longer than 1024 characters",
    ),
}


@pytest.mark.parametrize(("raw", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_refused(raw: bytes, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_safetensors(Window.of(raw, "model.safetensors"))
    assert str(caught.value) == f"model.safetensors: {message}"


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
