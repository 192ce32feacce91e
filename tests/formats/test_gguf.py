from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from modelpack.errors import InvalidInput
from modelpack.formats.weights import gguf_values
from modelpack.formats.weights.ggml import GGML_TYPES
from modelpack.formats.weights.gguf import ArraySummary, parse_gguf
from modelpack.formats.window import Window
from tests.formats.files import (
    Array,
    gguf_array,
    gguf_file,
    gguf_head,
    gguf_key,
    gguf_of_one_tensor,
    gguf_string,
    gguf_tensor,
    window_on,
    written_gguf,
)

STRING, ARRAY, UINT32 = 8, 9, 4


def parse(raw: bytes) -> gguf_values.Value:
    """Return the one value of a file with one key."""
    (value,) = parse_gguf(Window.of(raw)).metadata.values()
    return value


VALID = gguf_file(
    (
        gguf_key(b"general.name", STRING, gguf_string(b"Tiny")),
        gguf_key(b"tags", ARRAY, gguf_array(STRING, 1, gguf_string(b"a"))),
    ),
    (gguf_tensor(b"a", (4,)), gguf_tensor(b"b", (32, 2), kind=8, offset=32)),
    bytes(32 + 68),
)


def test_facts_of_a_written_file(tmp_path: Path) -> None:
    arrays: dict[str, Array] = {
        "a": np.zeros((2, 3), np.float32),
        "b": np.zeros((5,), np.float16),
    }
    path = written_gguf(tmp_path / "tiny.gguf", arrays, alignment=64)
    header = parse_gguf(window_on(path))
    assert header.version == 3
    assert header.alignment == 64
    assert header.general["name"] == "Tiny"
    assert header.general["file_type"] == 15
    assert header.general["tags"] == ("text-generation", "tiny")
    assert header.metadata["llama.tied"] is True
    assert header.metadata["llama.epsilon"] == 0.5
    assert header.metadata["tokenizer.ggml.tokens"] == ArraySummary("string", 100)
    assert header.metadata["tokenizer.ggml.scores"] == ArraySummary("float32", 100)
    assert [tensor.shape for tensor in header.tensors] == [(2, 3), (5,)]
    assert header.parameters == {"F32": 6, "F16": 5}
    assert header.parameter_count == 11


def test_types_are_those_of_the_package() -> None:
    theirs = {
        number.value: (number.name, *gguf.GGML_QUANT_SIZES[number])
        for number in gguf.GGMLQuantizationType
    }
    ours = {
        number: (kind.name, kind.block_elements, kind.block_bytes)
        for number, kind in GGML_TYPES.items()
    }
    assert ours == theirs


def test_quantised_tensors_are_measured_in_blocks() -> None:
    last = parse_gguf(Window.of(VALID)).tensors[-1]
    assert (last.dtype, last.shape, last.length) == ("Q8_0", (2, 32), 68)


def test_version_2_reads_alike() -> None:
    assert parse_gguf(Window.of(gguf_file(version=2))).version == 2


@pytest.mark.parametrize("padding", [0, 1, 12])
def test_the_last_tensor_may_lack_its_padding(padding: int) -> None:
    assert parse_gguf(Window.of(gguf_of_one_tensor(bytes(16 + padding)))).tensors


def test_a_vocabulary_is_read_in_large_blocks(tmp_path: Path) -> None:
    window = window_on(written_gguf(tmp_path / "v.gguf", {}, tokens=150_000))
    reads: list[int] = []

    def read_at(offset: int, count: int) -> bytes:
        reads.append(count)
        return window.read(offset, count)

    header = parse_gguf(Window("v.gguf", window.size, read_at))
    assert header.metadata["tokenizer.ggml.tokens"] == ArraySummary("string", 150_000)
    assert len(reads) <= 2 + window.size // gguf_values.BLOCK_SIZE


@pytest.mark.parametrize("shift", range(24))
def test_strings_across_blocks_are_skipped_right(shift: int) -> None:
    # 16 bytes each, so that the end of the first block falls on every place in one.
    count = gguf_values.BLOCK_SIZE // 16 + 9
    keys = (
        gguf_key(b"shift", STRING, gguf_string(b"x" * shift)),
        gguf_key(
            b"tokens",
            ARRAY,
            gguf_array(STRING, count, gguf_string(b"8 bytes.") * count),
        ),
        gguf_key(b"after", STRING, gguf_string(b"here")),
    )
    header = parse_gguf(Window.of(gguf_file(keys)))
    assert header.metadata["after"] == "here"


@pytest.mark.parametrize(
    ("number", "form", "value"),
    [
        (0, "<B", 255),
        (1, "<b", -1),
        (2, "<H", 65535),
        (3, "<h", -2),
        (4, "<I", 2**32 - 1),
        (5, "<i", -3),
        (6, "<f", 1.5),
        (10, "<Q", 2**64 - 1),
        (11, "<q", -(2**63)),
        (12, "<d", 0.1),
    ],
)
def test_scalars(number: int, form: str, value: float) -> None:
    raw = gguf_file((gguf_key(b"k", number, struct.pack(form, value)),))
    assert parse(raw) == value
    body = gguf_array(number, 3, struct.pack(form, value) * 3)
    summary = parse(gguf_file((gguf_key(b"k", ARRAY, body),)))
    assert isinstance(summary, ArraySummary)
    assert summary.count == 3


def test_arrays_of_arrays_are_summed_up() -> None:
    inner = gguf_array(UINT32, 1, bytes(4))
    raw = gguf_file((gguf_key(b"k", ARRAY, gguf_array(ARRAY, 2, inner * 2)),))
    assert parse(raw) == ArraySummary("array", 2)


def test_a_header_is_read_only_so_far() -> None:
    size = gguf_values.MAX_HEADER
    keys = (
        gguf_key(b"k", ARRAY, gguf_array(UINT32, size // 4)),
        gguf_key(b"l", UINT32, b""),
    )
    head = gguf_file(keys)

    def read_at(offset: int, count: int) -> bytes:
        return head[offset : offset + count].ljust(count, b"\0")

    with pytest.raises(InvalidInput, match="beyond the first 134217728 bytes"):
        parse_gguf(Window("huge.gguf", 2 * size, read_at))


@given(st.binary(max_size=200), st.integers(0, 2), st.integers(0, 2))
def test_any_bytes_raise_only_invalid_input(
    raw: bytes, tensors: int, keys: int
) -> None:
    for data in (raw, gguf_head(tensors, keys) + raw):
        with contextlib.suppress(InvalidInput):
            parse_gguf(Window.of(data))


@given(st.data())
def test_damage_raises_only_invalid_input(draws: st.DataObject) -> None:
    raw = bytearray(VALID)
    at = draws.draw(st.integers(0, len(raw) - 1))
    raw[at] = draws.draw(st.integers(0, 255))
    del raw[draws.draw(st.integers(at, len(raw))) :]
    with contextlib.suppress(InvalidInput):
        header = parse_gguf(Window.of(bytes(raw)))
        assert all(
            tensor.offset + tensor.length <= len(raw) for tensor in header.tensors
        )


NAMES = st.text("abc.019_", min_size=1, max_size=20)
ARRAYS = npst.arrays(
    st.sampled_from([np.float16, np.float32, np.int8, np.int64]),
    npst.array_shapes(min_dims=1, max_dims=4, max_side=5),
)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.dictionaries(NAMES, ARRAYS, min_size=1, max_size=4))
def test_what_the_package_writes_reads_the_same(
    tmp_path: Path, arrays: dict[str, Array]
) -> None:
    path = written_gguf(tmp_path / "model.gguf", arrays)
    theirs = gguf.GGUFReader(path)
    header = parse_gguf(window_on(path))
    assert header.metadata.keys() == {
        key for key in theirs.fields if not key.startswith("GGUF.")
    }
    assert [
        (tensor.name, tensor.dtype, list(tensor.shape), tensor.offset, tensor.length)
        for tensor in header.tensors
    ] == [
        (
            tensor.name,
            tensor.tensor_type.name,
            tensor.shape.tolist()[::-1],
            tensor.data_offset,
            tensor.n_bytes,
        )
        for tensor in theirs.tensors
    ]
