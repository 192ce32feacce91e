"""Graphs that mean harm: TFLite, Keras and SavedModel, made from bytes."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator

from tests.formats.test_tflite import BAD
from tests.formats.tflite_files import tflite

__all__ = ["graphs", "keras", "saved_model"]

LAMBDA = {
    "class_name": "Functional",
    "config": {"layers": [{"class_name": "Lambda", "config": {"function": "x"}}]},
}
OPERATORS = ("ReadFile", "WriteFile", "PyFunc", "EagerPyFunc", "MatMul")


def keras(config: object, *, extra: str = "") -> bytes:
    """Return an archive as Keras 3 writes it; the weights inside are no HDF5."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", b"\x89HDF\r\n\x1a\n")
        if extra:
            archive.writestr(extra, b"x")
    return buffer.getvalue()


def _field(number: int, body: bytes) -> bytes:
    size = len(body)
    head = bytes([size]) if size < 0x80 else bytes([0x80 | size & 0x7F, size >> 7])
    return bytes([number << 3 | 2]) + head + body


def saved_model(*operators: str, version: bytes = b"2.20.0") -> bytes:
    """Return a saved_model.pb; the last of the operators stands in a function."""
    nodes = [_field(1, b"n") + _field(2, name.encode()) for name in operators]
    function = _field(1, _field(1, b"f")) + _field(3, nodes[-1])
    graph = b"".join(_field(1, node) for node in nodes[:-1])
    graph += _field(2, _field(1, function))
    info = _field(4, b"serve") + _field(5, version)
    return b"\x08\x01" + _field(2, _field(1, info) + _field(2, graph))


def graphs() -> Iterator[tuple[str, str, bytes]]:
    """Yield name, path and bytes of each."""
    for name, raw in BAD.items():
        yield f"tflite-{name}", "model.tflite", raw
    for custom in ("FlexReadFile", "FlexPyFunc", "MyOperator"):
        yield f"tflite-{custom}", "model.tflite", tflite(custom=custom)
    call = tflite(operator=[(0, "1", 127), (3, "4", 173)])
    yield "tflite-stablehlo-custom-call", "model.tflite", call
    yield "tflite-by-another-name", "model.bin", tflite()
    plain = tflite()
    for path in ("model.keras", "model.zip", "model.h5"):
        yield f"keras-lambda-{path}", path, keras(LAMBDA)
    yield "keras-with-a-second-config", "m.keras", keras({}, extra="CONFIG.JSON")
    yield "keras-without-a-class", "m.keras", keras({})
    yield "keras-with-no-configuration", "m.keras", keras([])
    for name in OPERATORS:
        raw = saved_model("Const", name)
        yield f"saved-model-{name}", "saved_model.pb", raw
        yield f"saved-model-{name}-renamed", "model.pb", raw
    yield "saved-model-without-graphs", "saved_model.pb", b"\x08\x01\x12\x00"
    yield "saved-model-cut-off", "saved_model.pb", saved_model("A", "B")[:-3]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("__main__.py", "print(1)")
    yield "tflite-and-zip", "model.tflite", plain + archive.getvalue()
