"""Files of the real libraries pass, or are refused for a documented reason."""

import io
import json
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import gguf
import h5py
import joblib
import numpy as np
import pytest
import safetensors.numpy

from modelpack.formats.kind import Kind
from modelpack.formats.window import Window
from modelpack.scanning.file import judge
from modelpack.scanning.model import conclude
from modelpack.scanning.rules import Allowance, Rule
from modelpack.scanning.template import judge_templates
from modelpack.scanning.verdict import Outcome, ScanReport
from tests.formats.files import TORCH, minilm, window_on
from tests.formats.test_images import PICTURES
from tests.formats.test_onnx_model import external
from tests.formats.test_sentencepiece import MODEL as SENTENCEPIECE
from tests.formats.test_wasm import component_importing, importing
from tests.formats.tflite_files import tflite
from tests.scanning.hostile import call, torch_zip
from tests.scanning.hostile import safetensors as raw_safetensors
from tests.scanning.hostile_graphs import LAMBDA, keras, saved_model

WEIGHTS_ONLY: Final = frozenset({Allowance.TORCH_WEIGHTS_ONLY})
DTYPES: Final = (
    "bool",
    "i1",
    "u1",
    "i2",
    "u2",
    "i4",
    "u4",
    "i8",
    "u8",
    "f2",
    "f4",
    "f8",
)
TEMPLATES: Final = {
    "chatml": "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' "
    "+ message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "instruct": "{{ bos_token }}{% for message in messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}"
    "{{ '[INST] ' + message.content | trim + ' [/INST]' }}{% endfor %}",
    "namespace": "{% set ns = namespace(found=false, text='') %}{% for m in messages %}"
    "{% if m.role == 'system' %}{% set ns.found = true %}{% endif %}{% endfor %}"
    "{{ ns.found }}",
    "tools": "{% for tool in tools %}{{ tool | tojson(indent=4) }}{% endfor %}"
    "{% for k, v in arguments.items() %}{{ k }}={{ v | string }}{% endfor %}",
    "thinking": "{% set content = message.content.split('</think>')[-1].lstrip('\n') %}"
    "{{ content }}{% if content is string and '<x>' in content %}{{ content[:3] }}"
    "{% endif %}",
    "date": "{% if strftime_now is defined %}{{ strftime_now('%d %b %Y') }}{% endif %}",
    "generation": "{% for m in messages %}{% generation %}{{ m.content }}"
    "{% endgeneration %}{% endfor %}",
    "loop-controls": "{% for m in messages %}{% if loop.first %}{% continue %}"
    "{% endif %}{% break %}{% endfor %}",
    "macro": "{% macro show(x, depth=0) %}{{ ' ' * 4 }}{{ x | upper }}{% endmacro %}"
    "{{ show(messages[0]) }}",
    "selection": "{{ messages | selectattr('role', 'equalto', 'user') | list }}"
    "{{ messages | map(attribute='content') | join(', ') }}",
    "counting": "{% for i in range(messages | length) %}{{ i }}{% endfor %}"
    "{{ messages[range(0, 3) | first] }}",
    "documents": "{% for d in documents %}{{ d.get('title', '') ~ ': ' ~ d['text'] }}"
    "{% endfor %}",
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_that_formats_messages_passes(name: str) -> None:
    assert list(judge_templates([TEMPLATES[name]])) == []
    configured = json.dumps({"chat_template": TEMPLATES[name]}).encode()
    assert _outcome("tokenizer_config.json", configured) is Outcome.PASS


@pytest.mark.parametrize("dtype", DTYPES)
def test_safetensors_of_the_real_library_pass(dtype: str) -> None:
    arrays = {"a": np.zeros((3, 4), dtype), "b.c": np.zeros((), dtype)}
    for metadata in (None, {"format": "pt"}):
        raw = safetensors.numpy.save(arrays, metadata=metadata)
        assert _outcome("model.safetensors", raw) is Outcome.PASS


@pytest.mark.parametrize("name", TEMPLATES)
def test_gguf_of_the_real_library_passes(name: str, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_chat_template(TEMPLATES[name])
    writer.add_token_list(["a", "b"])
    writer.add_tensor("t", np.zeros((4, 8), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert judge(window_on(path)).verdict.findings == ()


def test_a_real_model_passes() -> None:
    folder = minilm()
    report = conclude(
        judge(Window(name, window.size, window.read_at))
        for name, window in _files(folder)
    )
    assert [file.path for file in report.files if file.findings] == []
    assert len(report.files) > 10
    assert report.outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("state_dict.pt", Rule.PICKLE),
        ("state_dict_legacy.bin", Rule.PICKLE),
        ("torchscript.pt", Rule.TORCH_SCRIPT),
    ],
)
def test_what_torch_saves_is_refused_unless_it_is_weights_alone(
    name: str, rule: Rule
) -> None:
    window = window_on(TORCH / name)
    refused = judge(window).verdict
    assert [finding.rule for finding in refused.findings] == [rule]
    allowed = judge(window, allow=WEIGHTS_ONLY).verdict
    passes = name == "state_dict.pt"
    assert (allowed.outcome is Outcome.PASS) == passes
    assert allowed.allowed == ("torch-weights-only" if passes else "")


def test_an_archive_of_weights_alone_says_how_it_could_pass() -> None:
    (finding,) = judge(Window.of(torch_zip(), "m.pt")).verdict.findings
    assert "--allow torch-weights-only" in finding.message


def test_joblib_is_refused_as_the_pickle_that_it_is() -> None:
    buffer = io.BytesIO()
    joblib.dump({"a": np.zeros(3)}, buffer)
    (finding,) = judge(Window.of(buffer.getvalue(), "m.joblib")).verdict.findings
    assert finding.rule is Rule.PICKLE
    assert "joblib.numpy_pickle.NumpyArrayWrapper" in finding.message


HONEST: Final[dict[str, bytes]] = {
    "tokenizer.model": b"IQ== 0\nIg== 1\nIw== 2\n",
    "merges.tiktoken": b"IQ== 0\r\nIg== 1",
    "vocab.json": b'{"auto_map": 1, "class_name": 2, "module": 3, "_target_": 4}',
    "1_Dense/config.json": b'{"activation_function": "torch.nn.modules.Identity"}',
    "config.json": b'{"activation_function": "gelu_new", "target": "cpu"}',
    "model_index.json": b'{"_class_name": "StableDiffusionPipeline", "requires": null,'
    b'"unet": ["diffusers", "UNet2DConditionModel"], "safety_checker": [null, null],'
    b'"text_encoder": ["transformers", "CLIPTextModel"]}',
    "keras.json": b'{"module": "keras.layers", "class_name": "Dense", "config":'
    b'{"kernel_initializer": {"module": "keras.initializers", "class_name": "Zeros"}}}',
    "configs/train.yaml": b"# as it was trained\nlr: 1e-4\nlayers: [1, 2]\nname: no\n",
    "v1-inference.yaml": b"model:\n  target: ldm.models.ddpm.LatentDiffusion\n"
    b"  params: {linear_start: 0.00085}\n",
    "logo.svg": b'<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" '
    b'"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd"><svg><path d="M0 0"/></svg>',
    "index.html": b"<!DOCTYPE html><title>A model</title><p>One day at a time.</p>",
}


@pytest.mark.parametrize("path", HONEST)
def test_what_models_come_with_passes(path: str) -> None:
    assert judge(Window.of(HONEST[path], path)).verdict.findings == ()


def test_a_large_vocabulary_passes_though_it_is_not_held() -> None:
    vocabulary = {f"token{number}": number for number in range(520_000)}
    raw = json.dumps({"model": {"vocab": vocabulary}}).encode()
    assert judge(Window.of(raw, "tokenizer.json")).verdict.findings == ()
    (finding,) = judge(Window.of(raw, "other.json")).verdict.findings
    assert finding.rule is Rule.NOT_JUDGED


def test_a_stored_array_passes_however_large_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, a=np.zeros(65 << 20, "u1"))
    assert judge(window_on(path)).verdict.findings == ()


SUBSCRIPTS: Final = (
    "{{ messages[messages | length - 1]['role'] }}",
    "{{ messages[loop.index0 + 1].role }}",
    "{% set role = message['role'] | lower | trim %}{{ names[role] }}",
    "{% set ns = namespace(index=0, text='') %}{{ messages[ns.index - 1] }}",
    "{% for key, value in properties | dictsort %}{{ properties[key] }}{% endfor %}",
    "{% macro m(p, key) %}{{ p[key] }}{% endmacro %}{{ m(properties, 'type') }}",
    "{% for i in range(messages | length - 1, -1, -1) %}{{ messages[i] }}{% endfor %}",
    "{{ content.split('</think>')[-1].lstrip('\n') }}",
    "{% set text = 'a' ~ b %}{{ text[:5] }}",
)


@pytest.mark.parametrize("source", SUBSCRIPTS)
def test_subscripts_that_templates_need_pass(source: str) -> None:
    assert list(judge_templates([source])) == []


def test_a_variable_may_have_the_name_of_what_others_are_given() -> None:
    source = "{% for g in groups %}{{ g }}{% endfor %}"
    assert list(judge_templates([source])) == []


def test_a_shard_index_must_hold() -> None:
    shard = raw_safetensors(
        {"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}, b"\1"
    )
    assert _sharded(shard, {"a": "one.safetensors"}).outcome is Outcome.PASS
    missing = _sharded(shard, {"a": "one.safetensors", "b": "one.safetensors"})
    assert _rules(missing) == [Rule.MISSING_TENSOR]
    assert _rules(_sharded(shard, {"a": "two.safetensors"})) == [Rule.MISSING_SHARD]
    for outside in ("../one.safetensors", "/one.safetensors"):
        assert _rules(_sharded(shard, {"a": outside})) == [Rule.MISSING_SHARD]


def test_an_onnx_model_vouches_for_its_tensors_and_for_no_other_file() -> None:
    weights = np.ones(12, "<f4").tobytes()
    for location, size, rules in (
        ("w.data", 48, []),
        ("w.data", 47, [Rule.EXTERNAL_DATA]),
        ("gone.data", 48, [Rule.EXTERNAL_DATA, Rule.UNKNOWN_FORMAT]),
        ("../w.data", 48, [Rule.EXTERNAL_DATA, Rule.UNKNOWN_FORMAT]),
    ):
        model = external(location=location, offset="0", length="48")
        files = {"m/a.onnx": model.SerializeToString(), "m/w.data": weights[:size]}
        report = conclude(judge(Window.of(raw, p)) for p, raw in files.items())
        assert _rules(report) == rules
        if not rules:
            assert report.files[1].allowed == "tensors of m/a.onnx"


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        (call("os", "system"), Rule.PICKLE),
        (zlib.compress(call("os", "system")), Rule.ARCHIVE),
        (lzma.compress(call("os", "system"), lzma.FORMAT_ALONE), Rule.ARCHIVE),
    ],
)
def test_a_pickle_that_an_onnx_model_names_stays_one(raw: bytes, rule: Rule) -> None:
    model = external(location="w.data", length="1").SerializeToString()
    files = {"a.onnx": model, "w.data": raw}
    report = conclude(judge(Window.of(raw, p)) for p, raw in files.items())
    assert _rules(report) == [Rule.EXTERNAL_DATA, rule]


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_of_numpy_pass(dtype: str) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((2, 3), dtype))
    assert _outcome("a.npy", buffer.getvalue()) is Outcome.PASS


def test_an_archive_of_arrays_passes_and_one_with_objects_does_not() -> None:
    for save in (np.savez, np.savez_compressed):
        buffer = io.BytesIO()
        save(buffer, a=np.zeros(3), b=np.ones((2, 2)))
        assert _outcome("a.npz", buffer.getvalue()) is Outcome.PASS
        buffer = io.BytesIO()
        save(buffer, a=np.zeros(3), b=np.array([{}], dtype=object))
        assert _outcome("a.npz", buffer.getvalue()) is Outcome.FAIL


@pytest.mark.parametrize("kind", PICTURES)
def test_pictures_pass_and_with_a_tail_do_not(kind: Kind) -> None:
    name = f"picture.{kind}"
    assert _outcome(name, PICTURES[kind]) is Outcome.PASS
    assert _outcome(name, PICTURES[kind] + call("os", "system")) is Outcome.FAIL


def test_wasm_that_needs_no_network_passes() -> None:
    names = (
        ("wasi_snapshot_preview1", "fd_read"),
        ("wasi_snapshot_preview1", "path_open"),
    )
    assert _outcome("a.wasm", importing(*names)) is Outcome.PASS
    component = component_importing("wasi:cli/environment@0.2.0")
    assert _outcome("a.wasm", component) is Outcome.PASS
    for name in (
        "wasi:sockets/tcp@0.2.0",
        "wasi:http/types@0.2.0",
        "wasi:nn/graph@0.2.0",
    ):
        assert _outcome("a.wasm", component_importing(name)) is Outcome.FAIL


def test_a_sentencepiece_model_passes() -> None:
    assert _outcome("tokenizer.model", SENTENCEPIECE) is Outcome.PASS


def test_a_tflite_model_passes() -> None:
    assert _outcome("model.tflite", tflite()) is Outcome.PASS


def test_hdf5_of_the_real_library_is_refused_for_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    with h5py.File(path, "w", userblock_size=512) as file:
        file.attrs["backend"] = "tensorflow"
        file.create_dataset("w", data=np.zeros(3))
    for name in ("model.h5", "weights.bin"):
        (finding,) = judge(Window.of(path.read_bytes(), name)).verdict.findings
        assert finding.rule is Rule.HDF5


def test_graphs_of_tensorflow_and_keras_are_refused_for_what_they_do() -> None:
    raw = saved_model("Const", "WriteFile", "PyFunc")
    (finding,) = judge(Window.of(raw, "saved_model.pb")).verdict.findings
    assert finding.rule is Rule.SAVED_MODEL
    assert finding.message == "runs PyFunc, WriteFile"
    findings = judge(Window.of(keras(LAMBDA), "m.keras")).verdict.findings
    assert [finding.rule for finding in findings] == [Rule.KERAS, Rule.REMOTE_CODE]


def test_nothing_judged_is_no_pass() -> None:
    assert conclude([]).outcome is Outcome.ERROR


def _outcome(path: str, raw: bytes) -> Outcome:
    return judge(Window.of(raw, path)).verdict.outcome


def _files(folder: Path) -> Iterator[tuple[str, Window]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), window_on(path)


def _sharded(shard: bytes, weight_map: dict[str, str]) -> ScanReport:
    index = json.dumps({"metadata": {}, "weight_map": weight_map}).encode()
    files = {"m/one.safetensors": shard, "m/model.safetensors.index.json": index}
    return conclude(judge(Window.of(raw, path)) for path, raw in files.items())


def _rules(report: ScanReport) -> list[Rule]:
    return [finding.rule for file in report.files for finding in file.findings]
