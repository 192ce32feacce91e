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
from modelpack.formats import gguf_values
from modelpack.formats.ggml import GGML_TYPES
from modelpack.formats.gguf import ArraySummary, parse_gguf
from modelpack.formats.window import Window
from tests.formats.files import (
    Array,
    gguf_file,
    gguf_key,
    gguf_string,
    gguf_tensor,
    window_on,
    written_gguf,
)

STRING, ARRAY, UINT32, BOOL = 8, 9, 4, 7


def parse(raw: bytes) -> gguf_values.Value:
    """Return the one value of a file with one key."""
    (value,) = parse_gguf(Window.of(raw)).metadata.values()
    return value


def array(number: int, count: int, body: bytes = b"") -> bytes:
    return struct.pack("<IQ", number, count) + body


def one_tensor(data: bytes = bytes(16), **changes: int) -> bytes:
    return gguf_file(tensors=(gguf_tensor(b"w", (4,), **changes),), data=data)


def aligned(alignment: bytes) -> bytes:
    return gguf_file((gguf_key(b"general.alignment", UINT32, alignment),))


VALID = gguf_file(
    (
        gguf_key(b"general.name", STRING, gguf_string(b"Tiny")),
        gguf_key(b"tags", ARRAY, array(STRING, 1, gguf_string(b"a"))),
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
    assert parse_gguf(Window.of(one_tensor(bytes(16 + padding)))).tensors


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
            b"tokens", ARRAY, array(STRING, count, gguf_string(b"8 bytes.") * count)
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
    body = array(number, 3, struct.pack(form, value) * 3)
    summary = parse(gguf_file((gguf_key(b"k", ARRAY, body),)))
    assert isinstance(summary, ArraySummary)
    assert summary.count == 3


def test_arrays_of_arrays_are_summed_up() -> None:
    inner = array(UINT32, 1, bytes(4))
    raw = gguf_file((gguf_key(b"k", ARRAY, array(ARRAY, 2, inner * 2)),))
    assert parse(raw) == ArraySummary("array", 2)


def with_head(tensors: int, keys: int, version: int = 3) -> bytes:
    return struct.pack("<4sIQQ", b"GGUF", version, tensors, keys)


def nested(depth: int) -> bytes:
    body = array(UINT32, 0)
    for _ in range(depth - 1):
        body = array(ARRAY, 1, body)
    return gguf_file((gguf_key(b"k", ARRAY, body),))


KEY = gguf_key(b"k", UINT32, bytes(4))
HOSTILE = {
    "empty file": (b"", "header: 0 bytes are too few"),
    "other magic": (b"GGML" + bytes(20), "header: does not start with 'GGUF'"),
    "version 1": (with_head(0, 0, 1), "header: version 1 is not supported"),
    "version 0": (with_head(0, 0, 0), "header: version 0 is not supported"),
    "big endian": (
        struct.pack(">4sIQQ", b"GGUF", 3, 0, 0),
        "header: big endian GGUF is not supported",
    ),
    "2**60 tensors": (
        with_head(2**60, 0),
        f"header: {2**60} tensors, over 200000",
    ),
    "2**60 keys": (
        with_head(0, 2**60),
        f"header: {2**60} metadata keys, over 65536",
    ),
    "keys that are not there": (
        with_head(0, 1),
        "metadata[0]: the file ends at byte 24",
    ),
    "tensors that are not there": (
        with_head(1, 0),
        "tensors[0]: the file ends at byte 24",
    ),
    "long key": (
        with_head(0, 1) + gguf_string(b"k" * 1025),
        "metadata[0]: a string of 1025 bytes",
    ),
    "empty key": (with_head(0, 1) + gguf_string(b""), "metadata[0]: empty"),
    "key is not UTF-8": (
        with_head(0, 1) + gguf_string(b"\xff"),
        "metadata[0]: not UTF-8",
    ),
    "key with a control character": (
        with_head(0, 1) + gguf_string(b"\x1b[0m"),
        "metadata[0]: has a control character",
    ),
    "duplicate key": (gguf_file((KEY, KEY)), "metadata.k: duplicate key"),
    "unknown value type": (
        gguf_file((gguf_key(b"k", 13, b""),)),
        "metadata.k: unknown value type 13",
    ),
    "unknown element type": (
        gguf_file((gguf_key(b"k", ARRAY, array(13, 0)),)),
        "metadata.k: unknown element type 13",
    ),
    "bool of 2": (
        gguf_file((gguf_key(b"k", BOOL, b"\2"),)),
        "metadata.k: 2 is no bool",
    ),
    "string of 2**63": (
        gguf_file((gguf_key(b"k", STRING, struct.pack("<Q", 2**63)),)),
        f"metadata.k: a string of {2**63} bytes",
    ),
    "string beyond the file": (
        gguf_file((gguf_key(b"k", STRING, struct.pack("<Q", 9)),)),
        "metadata.k: the file ends at byte 45",
    ),
    "string is not UTF-8": (
        gguf_file((gguf_key(b"k", STRING, gguf_string(b"\xff")),)),
        "metadata.k: not UTF-8",
    ),
    "2**60 numbers": (
        gguf_file((gguf_key(b"k", ARRAY, array(UINT32, 2**60)),)),
        "metadata.k: the file ends at byte 49",
    ),
    "2**60 strings": (
        gguf_file((gguf_key(b"k", ARRAY, array(STRING, 2**60, bytes(80))),)),
        "metadata.k: the file ends at byte 129",
    ),
    "skipped string beyond the file": (
        gguf_file((gguf_key(b"k", ARRAY, array(STRING, 65, b"\xff" * 8)),)),
        "metadata.k: the file ends at byte 57",
    ),
    "2**60 arrays": (
        gguf_file((gguf_key(b"k", ARRAY, array(ARRAY, 2**60)),)),
        "metadata.k[0]: the file ends at byte 49",
    ),
    "100 000 arrays": (
        gguf_file(
            (gguf_key(b"k", ARRAY, array(ARRAY, 100_000, array(UINT32, 0) * 100_000)),)
        ),
        "metadata.k[99999]: more than 100000 arrays",
    ),
    "nested arrays": (
        nested(5),
        "metadata.k[0][0][0][0]: arrays nested more than 4 deep",
    ),
    "alignment of 0": (
        aligned(bytes(4)),
        "metadata.general.alignment: not a power of two up to 65536: 0",
    ),
    "alignment of 3": (
        aligned(struct.pack("<I", 3)),
        "metadata.general.alignment: not a power of two up to 65536: 3",
    ),
    "alignment of 2**31": (
        aligned(struct.pack("<I", 2**31)),
        "metadata.general.alignment: not a power of two up to 65536: 2147483648",
    ),
    "alignment is a text": (
        gguf_file((gguf_key(b"general.alignment", STRING, gguf_string(b"8")),)),
        "metadata.general.alignment: not a power of two up to 65536: 8",
    ),
    "five dimensions": (
        gguf_file(tensors=(gguf_tensor(b"w", (1,) * 5),)),
        "tensors[0] w: 5 dimensions, over 4",
    ),
    "2**32-1 dimensions": (
        with_head(1, 0) + gguf_string(b"w") + b"\xff" * 4,
        "tensors[0] w: 4294967295 dimensions, over 4",
    ),
    "dimension of 2**64-1": (
        gguf_file(tensors=(gguf_tensor(b"w", (2**64 - 1,)),)),
        f"tensors[0] w.dimensions: [{2**64 - 1}] does not fit F32, in blocks of 1",
    ),
    "dimensions that overflow": (
        gguf_file(tensors=(gguf_tensor(b"w", (2**62, 2**62)),), data=b""),
        f"tensors.w.offset: ends at byte {2**126 + 96}, the file at 96",
    ),
    "row that fills no block": (
        gguf_file(tensors=(gguf_tensor(b"w", (31,), kind=8),)),
        "tensors[0] w.dimensions: [31] does not fit Q8_0, in blocks of 32",
    ),
    "type that was removed": (
        gguf_file(tensors=(gguf_tensor(b"w", (4,), kind=4),)),
        "tensors[0] w.type: unknown: 4",
    ),
    "duplicate tensor": (
        gguf_file(tensors=(gguf_tensor(b"w", (0,)),) * 2),
        "tensors[1] w: duplicate name",
    ),
    "NUL in a name": (
        gguf_file(tensors=(gguf_tensor(b"a\0b", (4,)),)),
        "tensors[0]: has a control character",
    ),
    "data cut off": (
        one_tensor(bytes(15)),
        "tensors.w.offset: ends at byte 80, the file at 79",
    ),
    "offset off the alignment": (
        one_tensor(offset=4),
        "tensors.w.offset: is at byte 68, expected at 64",
    ),
    "offset beyond the file": (
        one_tensor(offset=2**60),
        f"tensors.w.offset: is at byte {2**60 + 64}, expected at 64",
    ),
    "overlap": (
        gguf_file(
            tensors=(gguf_tensor(b"a", (4,)), gguf_tensor(b"b", (4,))), data=bytes(64)
        ),
        "tensors.b.offset: is at byte 96, expected at 128",
    ),
    "hole": (
        gguf_file(
            tensors=(gguf_tensor(b"a", (4,)), gguf_tensor(b"b", (4,), offset=64)),
            data=bytes(96),
        ),
        "tensors.b.offset: is at byte 160, expected at 128",
    ),
    "bytes after the last": (
        one_tensor(bytes(33)),
        "tensors: 17 bytes after the last tensor",
    ),
}


@pytest.mark.parametrize(("raw", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_refused(raw: bytes, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_gguf(Window.of(raw, "m.gguf"))
    assert str(caught.value) == f"m.gguf: {message}"


def test_a_header_is_read_only_so_far() -> None:
    size = gguf_values.MAX_HEADER
    keys = (gguf_key(b"k", ARRAY, array(UINT32, size // 4)), KEY)
    head = gguf_file(keys)

    def read_at(offset: int, count: int) -> bytes:
        return head[offset : offset + count].ljust(count, b"\0")

    with pytest.raises(InvalidInput, match="beyond the first 134217728 bytes"):
        parse_gguf(Window("huge.gguf", 2 * size, read_at))


@given(st.binary(max_size=200), st.integers(0, 2), st.integers(0, 2))
def test_any_bytes_raise_only_invalid_input(
    raw: bytes, tensors: int, keys: int
) -> None:
    for data in (raw, with_head(tensors, keys) + raw):
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
