from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.formats.prose.transformers import (
    AdapterConfig,
    ModelConfig,
    parse_adapter_config,
    parse_config,
)
from modelpack.formats.window import Window
from tests.formats.files import minilm, window_on


def config(**fields: object) -> ModelConfig:
    return parse_config(Window.of(json.dumps(fields).encode()))


def test_a_real_configuration() -> None:
    assert parse_config(window_on(minilm() / "config.json")) == ModelConfig(
        architectures=("BertModel",),
        model_type="bert",
        base_model="nreimers/MiniLM-L6-H384-uncased",
        context_length=512,
    )


def test_an_empty_configuration_says_nothing() -> None:
    assert config() == ModelConfig()


def test_nulls_say_nothing() -> None:
    fields = "architectures model_type torch_dtype quantization_config auto_map"
    assert config(**dict.fromkeys(fields.split())) == ModelConfig()


@pytest.mark.parametrize(
    ("fields", "dtype"),
    [
        ({"torch_dtype": "bfloat16"}, "bfloat16"),
        ({"torch_dtype": "torch.float16"}, "float16"),
        ({"dtype": "float32", "torch_dtype": "float16"}, "float32"),
    ],
)
def test_dtype(fields: dict[str, str], dtype: str) -> None:
    assert config(**fields).dtype == dtype


@pytest.mark.parametrize(
    ("quantization", "method"),
    [
        ({"quant_method": "gptq", "bits": 4}, "gptq"),
        ({"load_in_4bit": True}, "bitsandbytes"),
        ({"bits": 4}, None),
    ],
)
def test_quantization(quantization: dict[str, object], method: str | None) -> None:
    assert config(quantization_config=quantization).quantization == method


def test_remote_code() -> None:
    assert config(auto_map={"AutoModel": "modeling.X"}).remote_code
    assert config(auto_map={}).remote_code
    assert not config().remote_code


def test_infinity_as_mamba_has_it() -> None:
    raw = b'{"model_type": "mamba2", "time_step_limit": [0.0, Infinity]}'
    assert parse_config(Window.of(raw)).model_type == "mamba2"


@pytest.mark.parametrize(
    "name", ["gpt2", "bert-base-uncased", "meta-llama/Llama-3.1-8B", "a/b.c_d"]
)
def test_names_on_the_hub_are_kept(name: str) -> None:
    assert config(_name_or_path=name).base_model == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/home/anna/models/llama",
        "~/models/llama",
        "./llama",
        "../llama",
        ".",
        "a/../b",
        "C:\\models\\llama",
        "models\\llama",
        "a/b/c",
        "llama/",
        "models/llama",
        "Output/run",
        "checkpoints",
        "org/checkpoint-500",
        "checkpoint-500",
        "file:///home/anna",
        "s3://bucket/key",
        "org/name\n",
        "a" * 300,
    ],
)
def test_paths_are_dropped(name: str) -> None:
    if "\n" in name:
        with pytest.raises(InvalidInput):
            config(_name_or_path=name)
    else:
        assert config(_name_or_path=name).base_model is None


def test_adapter() -> None:
    raw = b'{"peft_type": "LORA", "base_model_name_or_path": "org/base", "r": 8}'
    assert parse_adapter_config(Window.of(raw)) == AdapterConfig(
        peft_type="LORA", base_model="org/base"
    )
    raw = b'{"base_model_name_or_path": "/data/base"}'
    assert parse_adapter_config(Window.of(raw)) == AdapterConfig()


HOSTILE = {
    "empty": (b"", "config.json: not a JSON document"),
    "array": (b"[]", "config.json: expected an object"),
    "not UTF-8": (b'{"a":"\xff"}', "config.json: not UTF-8"),
    "too large": (b" " * (2**20 + 1), "config.json: larger than 1048576 bytes"),
    "nested": (b'{"a":' + b"[" * 10**6, "config.json: not a JSON document"),
    "duplicate key": (
        b'{"a":{"model_type":1,"model_type":2}}',
        "config.json.a.model_type: duplicate key",
    ),
    "architectures is a text": (
        b'{"architectures":"X"}',
        "config.json: architectures: expected an array",
    ),
    "architecture is a number": (
        b'{"architectures":["X",1]}',
        "config.json: architectures[1]: expected a string",
    ),
    "too many architectures": (
        json.dumps({"architectures": ["X"] * 65}).encode(),
        "config.json: architectures: more than 64 entries",
    ),
    "model type is an object": (
        b'{"model_type":{}}',
        "config.json: model_type: expected a string",
    ),
    "model type is false": (
        b'{"model_type":false}',
        "config.json: model_type: expected a string",
    ),
    "model type is long": (
        json.dumps({"model_type": "x" * 257}).encode(),
        "config.json: model_type: longer than 256 characters",
    ),
    "model type with an escape sequence": (
        b'{"model_type":"\\u001b[2J"}',
        "config.json: model_type: has a control character",
    ),
    "quantization is a text": (
        b'{"quantization_config":"gptq"}',
        "config.json: quantization_config: expected an object",
    ),
    "method is a number": (
        b'{"quantization_config":{"quant_method":1}}',
        "config.json: quantization_config.quant_method: expected a string",
    ),
}


@pytest.mark.parametrize(("raw", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_refused(raw: bytes, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_config(Window.of(raw, "config.json"))
    assert str(caught.value) == message


KEYS = st.sampled_from(
    ["architectures", "model_type", "dtype", "quantization_config", "_name_or_path"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text() | st.just("quant_method"), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, JSON, max_size=5))
def test_any_object_raises_only_invalid_input(fields: dict[str, object]) -> None:
    with contextlib.suppress(InvalidInput):
        config(**fields)


@given(st.binary(max_size=100))
def test_any_bytes_raise_only_invalid_input(raw: bytes) -> None:
    for parse in (parse_config, parse_adapter_config):
        with contextlib.suppress(InvalidInput):
            parse(Window.of(raw))
