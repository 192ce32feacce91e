from __future__ import annotations

import struct

import pytest

from modelpack.errors import InvalidInput
from modelpack.formats.weights.gguf import parse_gguf
from modelpack.formats.window import Window
from tests.formats.files import (
    gguf_array,
    gguf_file,
    gguf_head,
    gguf_key,
    gguf_of_one_tensor,
    gguf_string,
    gguf_tensor,
)

STRING, ARRAY, UINT32, BOOL = 8, 9, 4, 7


def aligned(alignment: bytes) -> bytes:
    return gguf_file((gguf_key(b"general.alignment", UINT32, alignment),))


def nested(depth: int) -> bytes:
    body = gguf_array(UINT32, 0)
    for _ in range(depth - 1):
        body = gguf_array(ARRAY, 1, body)
    return gguf_file((gguf_key(b"k", ARRAY, body),))


KEY = gguf_key(b"k", UINT32, bytes(4))
HOSTILE = {
    "empty file": (b"", "header: 0 bytes are too few"),
    "other magic": (b"GGML" + bytes(20), "header: does not start with 'GGUF'"),
    "version 1": (gguf_head(0, 0, 1), "header: version 1 is not supported"),
    "version 0": (gguf_head(0, 0, 0), "header: version 0 is not supported"),
    "big endian": (
        struct.pack(">4sIQQ", b"GGUF", 3, 0, 0),
        "header: big endian GGUF is not supported",
    ),
    "2**60 tensors": (
        gguf_head(2**60, 0),
        f"header: {2**60} tensors, over 200000",
    ),
    "2**60 keys": (
        gguf_head(0, 2**60),
        f"header: {2**60} metadata keys, over 65536",
    ),
    "keys that are not there": (
        gguf_head(0, 1),
        "metadata[0]: the file ends at byte 24",
    ),
    "tensors that are not there": (
        gguf_head(1, 0),
        "tensors[0]: the file ends at byte 24",
    ),
    "long key": (
        gguf_head(0, 1) + gguf_string(b"k" * 1025),
        "metadata[0]: a string of 1025 bytes",
    ),
    "empty key": (gguf_head(0, 1) + gguf_string(b""), "metadata[0]: empty"),
    "key is not UTF-8": (
        gguf_head(0, 1) + gguf_string(b"\xff"),
        "metadata[0]: not UTF-8",
    ),
    "key with a control character": (
        gguf_head(0, 1) + gguf_string(b"\x1b[0m"),
        "metadata[0]: has a control character",
    ),
    "duplicate key": (gguf_file((KEY, KEY)), "metadata.k: duplicate key"),
    "unknown value type": (
        gguf_file((gguf_key(b"k", 13, b""),)),
        "metadata.k: unknown value type 13",
    ),
    "unknown element type": (
        gguf_file((gguf_key(b"k", ARRAY, gguf_array(13, 0)),)),
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
        gguf_file((gguf_key(b"k", ARRAY, gguf_array(UINT32, 2**60)),)),
        "metadata.k: the file ends at byte 49",
    ),
    "2**60 strings": (
        gguf_file((gguf_key(b"k", ARRAY, gguf_array(STRING, 2**60, bytes(80))),)),
        "metadata.k: the file ends at byte 129",
    ),
    "skipped string beyond the file": (
        gguf_file((gguf_key(b"k", ARRAY, gguf_array(STRING, 65, b"\xff" * 8)),)),
        "metadata.k: the file ends at byte 57",
    ),
    "2**60 arrays": (
        gguf_file((gguf_key(b"k", ARRAY, gguf_array(ARRAY, 2**60)),)),
        "metadata.k[0]: the file ends at byte 49",
    ),
    "100 000 arrays": (
        gguf_file(
            (
                gguf_key(
                    b"k",
                    ARRAY,
                    gguf_array(ARRAY, 100_000, gguf_array(UINT32, 0) * 100_000),
                ),
            )
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
        gguf_head(1, 0) + gguf_string(b"w") + b"\xff" * 4,
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
        gguf_of_one_tensor(bytes(15)),
        "tensors.w.offset: ends at byte 80, the file at 79",
    ),
    "offset off the alignment": (
        gguf_of_one_tensor(offset=4),
        "tensors.w.offset: is at byte 68, expected at 64",
    ),
    "offset beyond the file": (
        gguf_of_one_tensor(offset=2**60),
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
        gguf_of_one_tensor(bytes(33)),
        "tensors: 17 bytes after the last tensor",
    ),
}


@pytest.mark.parametrize(("raw", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_refused(raw: bytes, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_gguf(Window.of(raw, "m.gguf"))
    assert str(caught.value) == f"m.gguf: {message}"
