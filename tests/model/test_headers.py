"""What the headers of every format of weights count, written by the real libraries."""

import hashlib
import io
import json
from pathlib import Path

import gguf
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from modelpack.formats.pickled.recognise import LEGACY_TORCH_MAGIC
from modelpack.formats.window import Window
from modelpack.model.facts import FileFacts, examine, glance
from tests.formats.files import TORCH, window_on
from tests.formats.tflite_files import tflite
from tests.model.making import facts
from tests.scanning.hostile import call
from tests.scanning.hostile_graphs import LAMBDA, keras, saved_model

TEMPLATE = "{% for m in messages %}{{ m.content }}{% endfor %}"
DIGEST = f"sha256:{hashlib.sha256(TEMPLATE.encode()).hexdigest()}"


def onnx_model() -> bytes:
    weights = numpy_helper.from_array(np.zeros((3, 4), np.float32), "w")
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [3, 4])
    node = helper.make_node("Identity", ["w"], ["y"])
    graph = helper.make_graph([node], "g", [], [y], [weights])
    model = helper.make_model(graph, producer_name="pytorch")
    raw: bytes = model.SerializeToString()
    return raw


def arrays() -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, a=np.zeros(3, "<f2"), b=np.zeros((2, 2), "<i8"))
    return buffer.getvalue()


def array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((2, 3), "<f8"))
    return buffer.getvalue()


def _of(path: str, raw: bytes) -> FileFacts:
    return examine(Window.of(raw, path))


def test_each_format_counts_its_own() -> None:
    found = {
        path: _of(path, raw)
        for path, raw in {
            "m.onnx": onnx_model(),
            "m.tflite": tflite(),
            "m.npy": array(),
            "m.npz": arrays(),
        }.items()
    }
    assert {path: dict(f.parameters) for path, f in found.items()} == {
        "m.onnx": {"F32": 12},
        "m.tflite": {"F32": 4},
        "m.npy": {"F64": 6},
        "m.npz": {"I64": 4, "F16": 3},
    }
    assert [each.tensors for each in found.values()] == [1, 1, 1, 2]
    assert [each.producer for each in found.values()][:2] == [
        "pytorch",
        "made by a test",
    ]


def test_torch_counts_weights_and_no_optimizer() -> None:
    for name in ("state_dict.pt", "state_dict_legacy.bin"):
        found = examine(window_on(TORCH / name))
        assert (dict(found.parameters), found.tensors) == ({"F32": 212}, 4)
        assert found.producer == "torch"


def test_programs_that_wrote_a_graph_are_named() -> None:
    assert _of("m.keras", keras(LAMBDA)).producer == "keras 3.15.1"
    assert _of("saved_model.pb", saved_model("A", "B")).producer == "tensorflow 2.20.0"


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        ("m.onnx", onnx_model() + b"\x3a\x00"),
        ("m.tflite", tflite(version=2)),
        ("m.npy", array() + b"\0"),
        ("m.npz", arrays()[:-1] + b"\1"),
        ("torchscript.pt", (TORCH / "torchscript.pt").read_bytes()),
        ("m.bin", LEGACY_TORCH_MAGIC + call("os", "system")),
    ],
)
def test_one_that_cannot_be_read_has_a_fault_and_stops_no_push(
    path: str, raw: bytes
) -> None:
    found = _of(path, raw)
    assert found.fault
    assert not found.parameters


def test_from_afar_no_graph_is_walked() -> None:
    far = glance(Window.of(onnx_model(), "m.onnx"))
    assert (far.parameters, far.fault) == ({}, "")


def test_a_template_has_one_digest_wherever_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_chat_template(TEMPLATE)
    writer.add_context_length(8192)
    writer.add_tensor("w", np.zeros(32, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    configured = json.dumps({"chat_template": TEMPLATE}).encode()
    for name, raw in {
        "m.gguf": path.read_bytes(),
        "tokenizer_config.json": configured,
        "chat_template.json": configured,
        "chat_template.jinja": TEMPLATE.encode(),
    }.items():
        assert facts({name: raw}).claims.template == DIGEST
    assert facts({"m.gguf": path.read_bytes()}).claims.context_length == 8192


@pytest.mark.parametrize(
    ("config", "length"),
    [
        ({"max_position_embeddings": 512}, 512),
        ({"n_positions": 1024}, 1024),
        ({"text_config": {"max_position_embeddings": 4096}}, 4096),
        ({"max_position_embeddings": True}, None),
        ({"max_position_embeddings": -1}, None),
        ({"max_position_embeddings": "512"}, None),
    ],
)
def test_the_context_length_is_a_number_of_tokens(
    config: dict[str, object], length: int | None
) -> None:
    raw = json.dumps(config).encode()
    assert facts({"config.json": raw}).claims.context_length == length


def test_several_templates_have_no_one_digest() -> None:
    several = {"chat_template": [{"name": "a", "template": TEMPLATE}]}
    raw = json.dumps(several).encode()
    assert facts({"tokenizer_config.json": raw}).claims.template is None
