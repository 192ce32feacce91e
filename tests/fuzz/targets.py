"""What can be fuzzed: each parser of bytes that strangers made, with files to start at.

A target takes any bytes. It returns, or raises ``InvalidInput``: anything else is a
fault, and so is what a target asserts of its own.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from modelpack.errors import InvalidInput
from modelpack.formats.images import check_image
from modelpack.formats.json_keys import json_keys
from modelpack.formats.kind import kind_of
from modelpack.formats.pickled.recognise import looks_like_bare_pickle
from modelpack.formats.pickled.saved import saved_tensors
from modelpack.formats.pickled.torch_tensors import legacy_tensors, zip_tensors
from modelpack.formats.pickled.torch_zip import parse_torch_zip
from modelpack.formats.pickled.walk import parse_pickle, seen_imports
from modelpack.formats.prose.card import parse_card
from modelpack.formats.prose.plain_yaml import plain_yaml
from modelpack.formats.prose.transformers import parse_config
from modelpack.formats.strict_zip import parse_zip, read_member
from modelpack.formats.tensor import Tensor
from modelpack.formats.wasm import parse_wasm
from modelpack.formats.weights.gguf import parse_gguf
from modelpack.formats.weights.keras import parse_keras
from modelpack.formats.weights.npy import parse_npy
from modelpack.formats.weights.onnx_model import parse_onnx
from modelpack.formats.weights.safetensors import parse_safetensors
from modelpack.formats.weights.saved_model import parse_saved_model
from modelpack.formats.weights.sentencepiece import check_sentencepiece
from modelpack.formats.weights.tflite import parse_tflite
from modelpack.formats.weights.tiktoken import check_tiktoken
from modelpack.formats.window import Window
from modelpack.scanning.file import judge
from modelpack.scanning.markup import runs_script
from modelpack.scanning.rules import Allowance, Rule
from modelpack.scanning.template import judge_templates
from tests.formats.files import TORCH, safetensors_file, written_gguf
from tests.formats.test_images import PICTURES
from tests.formats.test_onnx_model import RAW as ONNX
from tests.formats.test_sentencepiece import MODEL as SENTENCEPIECE
from tests.formats.test_wasm import component_importing, importing
from tests.formats.tflite_files import tflite
from tests.scanning.hostile import call, torch_zip
from tests.scanning.hostile_graphs import LAMBDA, keras, saved_model

__all__ = ["TARGETS", "Target", "read"]

MAX_MEMBER: Final = 1 << 20
TEMPLATE: Final = (
    b"{% set ns = namespace(a='x') %}{% for m in messages %}{{ m['role'] ~ ns.a }}"
    b"{% if m.content is string %}{{ m.content | trim }}{% endif %}{% endfor %}"
)
CARD: Final = b"---\nlicense: apache-2.0\ntags: [a, b]\nbase_model: a/b\n---\n# A\n"
CONFIG: Final = json.dumps(
    {
        "architectures": ["LlamaForCausalLM"],
        "quantization_config": {"quant_method": "gptq"},
        "class_name": "Dense",
        "chat_template": TEMPLATE.decode(),
    }
).encode()
YAML: Final = b"a: &x [1, 2]\nb:\n  - {c: d}\n  - |\n    text\n"
HTML: Final = b"<!DOCTYPE html><title>A</title><p onclick='x()'>&#106;avascript:</p>"


@dataclass(frozen=True, slots=True)
class Target:
    """``read`` takes any bytes; ``seeds`` makes files to start at."""

    read: Callable[[bytes], object]
    seeds: Callable[[], Sequence[bytes]]


def _within(tensors: Sequence[Tensor], raw: bytes) -> None:
    for tensor in tensors:
        assert 0 <= tensor.offset <= tensor.offset + tensor.length <= len(raw)


def _safetensors(raw: bytes) -> None:
    _within(parse_safetensors(Window.of(raw)).tensors, raw)


def _gguf(raw: bytes) -> None:
    _within(parse_gguf(Window.of(raw)).tensors, raw)


def _tflite(raw: bytes) -> None:
    _within(parse_tflite(Window.of(raw)).tensors, raw)


def _torch(raw: bytes) -> None:
    _within(zip_tensors(Window.of(raw)), raw)


def _legacy(raw: bytes) -> None:
    _within(legacy_tensors(Window.of(raw)), raw)


def _zip(raw: bytes) -> None:
    window = Window.of(raw)
    for member in parse_zip(window):
        read_member(window, member, limit=MAX_MEMBER)


def _pickle(raw: bytes) -> None:
    seen_imports(raw)
    looks_like_bare_pickle(Window.of(raw))
    assert parse_pickle(raw, "x").size <= len(raw)


def _template(raw: bytes) -> None:
    list(judge_templates([raw.decode("utf-8", "replace")]))


def _markup(raw: bytes) -> None:
    runs_script(raw.decode("utf-8", "replace"))


def _yaml(raw: bytes) -> None:
    list(plain_yaml(raw.decode("utf-8", "replace"), "x"))


def _judged(path: str, raw: bytes) -> None:
    """Judge a file: a fault of the scanner is no verdict on the file."""
    verdict = judge(Window.of(raw, path), allow=frozenset(Allowance)).verdict
    assert not [
        finding
        for finding in verdict.findings
        if finding.rule is Rule.NOT_JUDGED and "scanner failed" in finding.message
    ]


def _json_keys(raw: bytes) -> None:
    try:
        raw.decode()  # whoever calls it has looked
    except UnicodeDecodeError:
        return
    list(json_keys(raw, "x"))


def _arrays() -> Sequence[bytes]:
    plain, objects = io.BytesIO(), io.BytesIO()
    np.save(plain, np.zeros((2, 3), [("a", "<f4"), ("b", "<U3", (2,))]))
    np.save(objects, np.array([{}], dtype=object))
    return [plain.getvalue(), objects.getvalue()]


def _archives() -> Sequence[bytes]:
    plain, packed = io.BytesIO(), io.BytesIO()
    np.savez(plain, a=np.zeros(3))
    np.savez_compressed(packed, a=np.zeros(300))
    return [plain.getvalue(), packed.getvalue(), torch_zip()]


def _quantised() -> Sequence[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.gguf")
        arrays: dict[str, np.ndarray] = {
            "w": np.zeros((4, 8), np.float32),
            "b": np.zeros(3, np.int8),
        }
        return [written_gguf(path, arrays, tokens=3).read_bytes()]


def _saved(name: str) -> bytes:
    return (TORCH / name).read_bytes()


def _states() -> Sequence[bytes]:
    return [parse_torch_zip(Window.of(_saved("state_dict.pt"))).raw]


def _pickles() -> Sequence[bytes]:
    return [*_states(), call("os", "system", protocol=0), call("os", "system")]


def _tensors() -> Sequence[bytes]:
    header = {"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}
    return [safetensors_file(header, bytes(16)), safetensors_file({})]


_JUDGED: Final[Mapping[str, Callable[[], Sequence[bytes]]]] = {
    "config.json": lambda: [CONFIG, b'{"a": [1e9, null]}', b"\xef\xbb\xbf{}"],
    "tokenizer.json": lambda: [b'{"model": {"vocab": {"a": 1}}}'],
    "config.yaml": lambda: [YAML],
    "page.html": lambda: [HTML],
    "chat_template.jinja": lambda: [TEMPLATE],
    "model.safetensors": _tensors,
    "model.gguf": _quantised,
    "model.bin": lambda: [torch_zip(), *_pickles()],
    "model.onnx": lambda: [ONNX],
    "model.tflite": lambda: [tflite()],
    "model.npz": _archives,
    "README.md": lambda: [CARD],
    "unknown": lambda: [b"\x1f\x8b\x08\0", b"7z\xbc\xaf\x27\x1c", b"%PDF-1.7"],
}

TARGETS: Final[Mapping[str, Target]] = {
    "safetensors": Target(_safetensors, _tensors),
    "gguf": Target(_gguf, _quantised),
    "onnx": Target(lambda raw: parse_onnx(Window.of(raw)), lambda: [ONNX]),
    "tflite": Target(_tflite, lambda: [tflite(), tflite(custom="Flex")]),
    "saved-model": Target(
        lambda raw: parse_saved_model(Window.of(raw)),
        lambda: [saved_model("Const", "ReadFile")],
    ),
    "keras": Target(lambda raw: parse_keras(Window.of(raw)), lambda: [keras(LAMBDA)]),
    "npy": Target(lambda raw: parse_npy(Window.of(raw)), _arrays),
    "zip": Target(_zip, _archives),
    "torch-zip": Target(_torch, lambda: [_saved("state_dict.pt"), torch_zip()]),
    "torch-legacy": Target(_legacy, lambda: [_saved("state_dict_legacy.bin")]),
    "torch-state": Target(lambda raw: saved_tensors(raw, "x"), _states),
    "pickle": Target(_pickle, _pickles),
    "sentencepiece": Target(
        lambda raw: check_sentencepiece(Window.of(raw)), lambda: [SENTENCEPIECE]
    ),
    "tiktoken": Target(
        lambda raw: check_tiktoken(Window.of(raw)), lambda: [b"IQ== 0\nIg== 1\n"]
    ),
    "wasm": Target(
        lambda raw: parse_wasm(Window.of(raw)),
        lambda: [
            importing(("wasi_snapshot_preview1", "fd_read")),
            component_importing("wasi:cli/environment@0.2.0"),
        ],
    ),
    **{
        str(kind): Target(
            partial(lambda kind, raw: check_image(Window.of(raw), kind), kind),
            partial(lambda picture: [picture], picture),
        )
        for kind, picture in PICTURES.items()
    },
    "json-keys": Target(_json_keys, lambda: [CONFIG]),
    "config": Target(lambda raw: parse_config(Window.of(raw, "x")), lambda: [CONFIG]),
    "card": Target(lambda raw: parse_card(Window.of(raw, "x")), lambda: [CARD]),
    "yaml": Target(_yaml, lambda: [YAML]),
    "template": Target(_template, lambda: [TEMPLATE]),
    "markup": Target(_markup, lambda: [HTML]),
    "kind": Target(
        lambda raw: kind_of(Window.of(raw, "model")),
        lambda: [*_archives(), *_pickles(), ONNX, tflite()],
    ),
    **{
        f"scan-{path}": Target(partial(_judged, path), seeds)
        for path, seeds in _JUDGED.items()
    },
}


def read(target: Target, raw: bytes) -> None:
    """Let a target read bytes, which it may refuse."""
    try:
        target.read(raw)
    except InvalidInput:
        return
