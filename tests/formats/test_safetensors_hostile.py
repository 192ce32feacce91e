from __future__ import annotations

import struct

import pytest

from modelpack.errors import InvalidInput
from modelpack.formats.weights.safetensors import parse_safetensors
from modelpack.formats.window import Window
from tests.formats.files import safetensors_file

W = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
VALID = safetensors_file({"__metadata__": {"format": "pt"}, "w": W}, bytes(8))


def changed(**fields: object) -> bytes:
    return safetensors_file({"w": W | fields}, bytes(8))


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
