from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.formats.kind import Kind, kind_of
from modelpack.formats.window import Window
from tests.formats.files import (
    TORCH,
    gguf_file,
    minilm,
    safetensors_file,
    window_on,
)


def zip_of(*names: str, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.comment = comment
        for name in names:
            archive.writestr(name, b"x")
    return buffer.getvalue()


def tar_of(name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    return buffer.getvalue()


def npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


def npz() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.zeros(3), b=np.zeros(3))
    return buffer.getvalue()


def field(number: int, body: bytes) -> bytes:
    size = bytes([0x80 | len(body) & 0x7F, len(body) >> 7])
    return bytes([number << 3 | 2]) + size + body


# What it calls only prints; it is never loaded.
CALL = b"c__builtin__\nprint\n(S'harmless'\ntR."
ONNX = b"\x08\x08" + field(2, b"pytorch") + field(7, bytes(300)) + field(8, b"\x10\x0d")
SAFETENSORS = safetensors_file({})
SENTENCEPIECE = b"\x0a\x0e\x0a\x05<unk>\x15\0\0\0\0\x18\x02"
PICKLE = pickle.dumps({"a": [1, 2]}, protocol=4)

KINDS = {
    "safetensors": ("model.safetensors", SAFETENSORS, Kind.SAFETENSORS),
    "safetensors by content": ("weights.bin", SAFETENSORS, Kind.SAFETENSORS),
    "gguf": ("model.gguf", gguf_file(), Kind.GGUF),
    "gguf by content": ("sha256-0123", gguf_file(), Kind.GGUF),
    "onnx": ("model.onnx", ONNX, Kind.ONNX),
    "onnx by another name": ("model.dat", ONNX, Kind.UNKNOWN),
    "onnx with a tail": ("model.onnx", ONNX + b"PK\x03\x04", Kind.UNKNOWN),
    "onnx cut off": ("model.onnx", ONNX[:-1], Kind.UNKNOWN),
    "onnx without a graph": ("model.onnx", b"\x08\x08", Kind.UNKNOWN),
    "empty onnx": ("model.onnx", b"", Kind.UNKNOWN),
    "tflite": ("m.tflite", b"\x1c\0\0\0TFL3" + bytes(8), Kind.TFLITE),
    "sentencepiece": ("tokenizer.model", SENTENCEPIECE, Kind.SENTENCEPIECE),
    "other model": ("tokenizer.model", b"\x0a\xff\0\0", Kind.UNKNOWN),
    "torch zip": ("m.pt", zip_of("m/data.pkl", "m/data/0"), Kind.TORCH_ZIP),
    "torch zip by content": ("m.zip", zip_of("x/data.pkl"), Kind.TORCH_ZIP),
    "npy": ("a.npy", npy(), Kind.NPY),
    "npz": ("a.npz", npz(), Kind.NPZ),
    "keras": ("m.keras", zip_of("metadata.json", "config.json"), Kind.KERAS),
    "keras by content": ("m.pt", zip_of("metadata.json", "config.json"), Kind.KERAS),
    "saved model": ("saved_model.pb", b"\x08\x01\x12\x02\x0a\0", Kind.SAVED_MODEL),
    "other protobuf": ("keras_metadata.pb", b"\x0a\x02\x0a\0", Kind.UNKNOWN),
    "hdf5": ("m.h5", b"\x89HDF\r\n\x1a\n" + bytes(8), Kind.HDF5),
    "hdf5 behind a user block": (
        "m.h5",
        bytes(1024) + b"\x89HDF\r\n\x1a\n",
        Kind.HDF5,
    ),
    "wasm module": ("m.wasm", b"\0asm\x01\0\0\0", Kind.WASM_MODULE),
    "wasm component": ("m.wasm", b"\0asm\x0d\0\x01\0", Kind.WASM_COMPONENT),
    "wasm of another layer": ("m.wasm", b"\0asm\x0d\0\x07\0", Kind.UNKNOWN),
    "zip": ("a.zip", zip_of("a.txt"), Kind.ZIP),
    "zip with a long comment": (
        "a.pt",
        zip_of("a/data.pkl", comment=b"c" * 65_535),
        Kind.TORCH_ZIP,
    ),
    "empty zip": ("a.zip", zip_of(), Kind.ZIP),
    "zip without its end": ("a.zip", zip_of("a/data.pkl")[:-30], Kind.ZIP),
    "end of a zip, cut off": ("a.zip", zip_of()[:11], Kind.ZIP),
    "tar": ("a.tar", tar_of("x"), Kind.TAR),
    "gzip": ("a.gz", gzip.compress(b"x"), Kind.GZIP),
    "zstd": ("a.zst", b"\x28\xb5\x2f\xfd\x04\0", Kind.ZSTD),
    "bzip2": ("a.bz2", bz2.compress(b"x"), Kind.BZIP2),
    "xz": ("a.xz", lzma.compress(b"x"), Kind.XZ),
    "zlib": ("a.data", zlib.compress(b"x" * 99), Kind.ZLIB),
    "numbers that begin as zlib": ("a.data", b"\x78\x9c\xff\xff" * 99, Kind.UNKNOWN),
    "lzma": ("a", lzma.compress(b"x" * 99, lzma.FORMAT_ALONE), Kind.LZMA),
    "numbers that begin as lzma": ("a", b"\x5d\0\0\0" * 99, Kind.UNKNOWN),
    "lz4": ("a.data", b"\x04\x22\x4d\x18\x64", Kind.LZ4),
    "7z": ("a.7z", b"7z\xbc\xaf\x27\x1c\0\x04", Kind.SEVEN_ZIP),
    "elf": ("tool", b"\x7fELF\x02\x01\x01\0", Kind.EXECUTABLE),
    "windows program": ("tool.exe", b"MZ\x90\0\x03\0", Kind.EXECUTABLE),
    "json": ("config.json", b' {"a": 1}', Kind.JSON),
    "text named json": ("config.json", b"hello", Kind.TEXT),
    "bytes named json": ("config.json", b"{\0}", Kind.UNKNOWN),
    "markdown": ("README.md", b"# Title\n", Kind.MARKDOWN),
    "python": ("modeling.py", b"import torch\n", Kind.PYTHON),
    "empty python": ("__init__.py", b"", Kind.PYTHON),
    "script": ("run.sh", b"#!/bin/sh\n", Kind.SCRIPT),
    "licence": ("LICENSE", b"Apache License\n", Kind.TEXT),
    "not ascii": ("vocab.txt", "größe\n".encode(), Kind.TEXT),
    "cut in a character": ("a.txt", "é".encode()[:1], Kind.UNKNOWN),
    "long, cut in a character": ("a.txt", b"x" + "é".encode() * 40_000, Kind.TEXT),
    "list that reads like opcodes": (
        ".gitignore",
        b"config\nimages\n.DS_Store\n",
        Kind.TEXT,
    ),
    "copyright line": ("COPYING", b"(c) 2026 Us\nAll rights\n. x", Kind.TEXT),
    "initials": ("a.txt", b"N. B. this is text", Kind.TEXT),
    "pdf": ("a.pdf", b"%PDF-1.7\n", Kind.PDF),
    "png": ("a.png", b"\x89PNG\r\n\x1a\n", Kind.PNG),
    "jpeg": ("a.jpg", b"\xff\xd8\xff\xe0", Kind.JPEG),
    "gif": ("a.gif", b"GIF89a", Kind.GIF),
    "webp": ("a.webp", b"RIFF\x04\0\0\0WEBPVP8 ", Kind.WEBP),
    "empty": ("a.txt", b"", Kind.TEXT),
    "bytes": ("a.dat", b"\0\1\2\3", Kind.UNKNOWN),
}

CLAIMS = {
    "pickle named safetensors": ("model.safetensors", PICKLE, Kind.PICKLE),
    "old pickle named safetensors": ("model.safetensors", CALL, Kind.PICKLE),
    "zip named safetensors": ("a.safetensors", zip_of("a.txt"), Kind.ZIP),
    "text named safetensors": ("model.safetensors", b"hello", Kind.UNKNOWN),
    "json named safetensors": ("model.safetensors", b"{}", Kind.UNKNOWN),
    "empty safetensors": ("model.safetensors", b"", Kind.UNKNOWN),
    "safetensors cut off": ("m.safetensors", SAFETENSORS[:-1], Kind.UNKNOWN),
    "text named gguf": ("model.gguf", b"hello", Kind.UNKNOWN),
    "pickle named gguf": ("model.gguf", PICKLE, Kind.PICKLE),
    "text named bin": ("pytorch_model.bin", b"hello", Kind.UNKNOWN),
    "pickle in text": ("notes.txt", CALL, Kind.PICKLE),
    "pickle without a protocol": (
        "m.bin",
        b"\x8c\x08builtins\x8c\x05print\x93)R.",
        Kind.PICKLE,
    ),
    "instance": ("m.bin", b"(i__builtin__\nprint\n.", Kind.PICKLE),
    "data only, protocol 0": ("m.bin", pickle.dumps([1, "a"], 0), Kind.PICKLE),
    "old pickle with a tail": ("m.bin", CALL + b"\0" * 9, Kind.PICKLE),
    "long old pickle": (
        "m.bin",
        CALL[:-1] + b"0S'" + b"x" * 100_000 + b"'\n.",
        Kind.PICKLE,
    ),
    "pickle with tflite's magic": (
        "m.tflite",
        b"\x80\x04\x8c\x04TFL3.",
        Kind.PICKLE,
    ),
    "pickle with tar's magic": (
        "m.tar",
        b"\x80\x04B\x05\x01\0\0" + b"x" * 250 + b"ustar......0.",
        Kind.PICKLE,
    ),
    "old pickle with tflite's magic": (
        "m.tflite",
        b"S'xyTFL3'\n0" + CALL,
        Kind.PICKLE,
    ),
    "old pickle with gguf's magic": (
        "m.bin",
        b"GGUF" + struct.pack("<I", 3) + b"\0" + CALL,
        Kind.PICKLE,
    ),
}


@pytest.mark.parametrize(
    ("name", "raw", "kind"), (KINDS | CLAIMS).values(), ids=KINDS | CLAIMS
)
def test_kinds(name: str, raw: bytes, kind: Kind) -> None:
    assert kind_of(Window.of(raw, name)) is kind


def test_files_torch_wrote() -> None:
    assert kind_of(window_on(TORCH / "state_dict.pt")) is Kind.TORCH_ZIP
    assert kind_of(window_on(TORCH / "torchscript.pt")) is Kind.TORCH_ZIP
    assert kind_of(window_on(TORCH / "state_dict_legacy.bin")) is Kind.TORCH_LEGACY


def test_a_real_model() -> None:
    directory = minilm()
    found = {
        path.name: kind_of(window_on(path))
        for path in directory.iterdir()
        if path.is_file()
    }
    assert found.pop("model.safetensors") is Kind.SAFETENSORS
    assert found.pop("README.md") is Kind.MARKDOWN
    assert found.pop("vocab.txt") is Kind.TEXT
    assert found.pop(".gitattributes") is Kind.TEXT
    assert set(found.values()) == {Kind.JSON}


def test_only_a_name_nothing_unpickles_settles_what_is_both() -> None:
    # The length, 0x058a0280, begins a pickle: PROTO 2, then LONG1 of five bytes.
    head = bytes.fromhex("80028a0500000000") + b'{"'
    size = 100_000_000

    def read_at(offset: int, count: int) -> bytes:
        return head[offset : offset + count].ljust(count)

    assert kind_of(Window("m.safetensors", size, read_at)) is Kind.SAFETENSORS
    assert kind_of(Window("m.bin", size, read_at)) is Kind.PICKLE


@given(st.binary(max_size=400), st.sampled_from([entry[1] for entry in KINDS.values()]))
def test_any_bytes_have_a_kind(tail: bytes, start: bytes) -> None:
    for raw in (tail, start[: len(start) // 2] + tail, start + tail):
        for name in ("a.onnx", "a.model", "a.json", "a"):
            assert kind_of(Window.of(raw, name)) in Kind


@given(st.binary(max_size=300), st.integers(0, 5))
def test_a_pickle_is_never_taken_for_safe_weights(value: bytes, protocol: int) -> None:
    raw = pickle.dumps([value], protocol)
    for suffix in ("safetensors", "gguf", "onnx", "bin", "pt"):
        assert kind_of(Window.of(raw, f"m.{suffix}")) is Kind.PICKLE


def test_files_on_disk_are_read_in_part(tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(10 << 30)
    assert kind_of(window_on(path)) is Kind.UNKNOWN
