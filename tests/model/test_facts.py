"""What files say of a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.formats.kind import Kind
from modelpack.formats.window import Window
from modelpack.model.facts import combine, examine
from modelpack.model.licences import spdx
from tests.model.making import CARD, FILES, facts, safetensors


def gguf_file(path: Path) -> bytes:
    """Write a quantised model with the reference package."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Tiny Llama")
    writer.add_license("apache-2.0")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_key_value("general.base_model.0.name", "Base", gguf.GGUFValueType.STRING)
    weights = np.zeros((4, 64), dtype=np.float32)
    quantized = gguf.quantize(weights, gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor("w", quantized, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor("norm", np.zeros(64, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


def test_a_gguf_file_speaks_for_itself(tmp_path: Path) -> None:
    model = facts({"m.gguf": gguf_file(tmp_path / "m.gguf")})
    assert model.measured.formats == ("gguf",)
    assert model.measured.parameters == {"Q8_0": 256, "F32": 64}
    assert model.measured.precision is None
    claims = model.claims
    assert (claims.name, claims.architecture) == ("Tiny Llama", "llama")
    assert (claims.quantization, claims.licenses) == ("Q8_0", ("Apache-2.0",))
    assert claims.base_models == ("Base",)


@given(st.permutations(sorted(FILES)))
def test_the_order_of_the_files_changes_nothing(order: list[str]) -> None:
    assert facts({path: FILES[path] for path in order}) == facts(FILES)


def test_what_lies_at_the_top_speaks_for_the_model() -> None:
    model = facts(
        {
            "a/config.json": b'{"architectures": ["Inner"], "model_type": "inner"}',
            "config.json": b'{"architectures": ["Outer"]}',
            "z/README.md": CARD,
        }
    )
    assert (model.claims.architecture, model.claims.family) == ("Outer", "inner")
    assert model.claims.licenses == ("Apache-2.0",)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("model.safetensors", b""),
        ("model.safetensors", b"\xff" * 64),
        ("sub/model.SAFETENSORS", b"\x80\x02}q\x00."),
        ("model.safetensors", FILES["model.safetensors"][:-1]),
        ("model.safetensors", FILES["model.safetensors"] + b"\0"),
        ("model.gguf", b"GGUF"),
        ("model.gguf", FILES["model.safetensors"]),
        ("unnamed", b"GGUF\3\0\0\0" + b"\xff" * 16),
        ("a\nb.gguf", b"text"),
    ],
)
def test_broken_weights_are_a_mistake_to_push(path: str, content: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        examine(Window.of(content, path))
    assert path.replace("\n", "\\n") in caught.value.where


def test_a_pointer_in_place_of_weights_is_named() -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    with pytest.raises(InvalidInput, match="Git LFS") as caught:
        examine(Window.of(pointer, "model.safetensors"))
    assert "git lfs pull" in caught.value.hint


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("config.json", b'{"architectures": "not a list"}'),
        ("config.json", b'{"a":1,"a":2}'),
        ("README.md", b"---\nlicense: [\n---\n"),
        ("adapter_config.json", b'{"peft_type": 5}'),
    ],
)
def test_a_description_that_cannot_be_read_gives_a_fault(
    path: str, content: bytes
) -> None:
    model = facts({path: content, "m.safetensors": FILES["model.safetensors"]})
    assert len(model.faults) == 1
    assert path in model.faults[0]
    assert model.measured.param_size == "3K"


def test_a_config_that_is_no_text_is_no_config() -> None:
    file = examine(Window.of(b"\xff\0", "config.json"))
    assert (file.kind, file.fault) == (Kind.UNKNOWN, "")


SAME = safetensors(a=("F32", 1000))
SETS: Mapping[str, tuple[Mapping[str, bytes], int]] = {
    "shards add up": (
        {f"model-0000{i}-of-00002.safetensors": SAME for i in (1, 2)},
        2000,
    ),
    "folders add up": (
        {"unet/model.safetensors": SAME, "vae/model.safetensors": SAME},
        2000,
    ),
    "variants do not": (
        {"m.safetensors": SAME, "m.fp16.safetensors": safetensors(a=("F16", 1000))},
        1000,
    ),
    "helpers do not": (
        {"m.safetensors": SAME, "adapter.safetensors": safetensors(a=("F16", 9))},
        1000,
    ),
    "other formats do not": ({"m.safetensors": SAME, "m.bin": b"\x80\x02}q\0."}, 1000),
    "nothing known": ({"m.bin": b"\x80\x02}q\0."}, 0),
}


@pytest.mark.parametrize(("files", "expected"), SETS.values(), ids=SETS.keys())
def test_parameters_are_those_of_one_model(
    files: Mapping[str, bytes], expected: int
) -> None:
    assert sum(facts(files).measured.parameters.values()) == expected


def test_a_buffer_is_no_precision_but_a_mixture_is() -> None:
    one = facts({"m.safetensors": safetensors(a=("F32", 1000), b=("I64", 9))})
    assert one.measured.precision == "float32"
    two = facts({"m.safetensors": safetensors(a=("F32", 900), b=("BF16", 1000))})
    assert two.measured.precision == "bfloat16,float32"


def test_packed_weights_prove_no_number_of_parameters() -> None:
    weights = safetensors(q=("I32", 1000), scales=("F16", 100))
    config = b'{"quantization_config": {"quant_method": "gptq"}}'
    model = facts({"m.safetensors": weights, "config.json": config})
    assert (model.measured.param_size, model.measured.precision) == (None, "float16")
    assert model.claims.quantization == "gptq"
    plain = facts({"m.safetensors": weights})
    assert plain.measured.param_size == "1.1K"


def test_the_first_format_that_is_known_best_names_the_model() -> None:
    model = facts(
        {"m.safetensors": SAME, "a.bin": b"\x80\x02}q\0.", "w.npy": b"\x93NUMPY"}
    )
    assert model.measured.formats == ("safetensors", "npy", "pickle")


def test_no_files_are_no_facts() -> None:
    assert combine([]).measured.formats == ()


@pytest.mark.parametrize(
    ("slug", "name", "expected"),
    [
        ("apache-2.0", None, "Apache-2.0"),
        ("Apache-2.0", None, "Apache-2.0"),
        ("gpl-3.0", None, "GPL-3.0-only"),
        ("cc-by-nc-sa-4.0", None, "CC-BY-NC-SA-4.0"),
        ("llama3.1", None, "LicenseRef-llama3.1"),
        ("other", "Deep Seek!", "LicenseRef-deep-seek"),
        ("other", "mit", "MIT"),
        ("other", "\u4e2d", None),
        ("other", None, None),
        ("unknown", None, None),
        ("unknown", "other", None),
    ],
)
def test_licences_of_the_hub_become_spdx(
    slug: str, name: str | None, expected: str | None
) -> None:
    assert spdx(slug, name=name) == expected


DECLARED = b"""modelpack: 1
name: Named
licenses: [MIT OR Apache-2.0, OpenMDW-1.0, llama3.1, unknown, Our Terms]
architecture: Invented
family: fallback
version: 1.10
"""


def test_a_declaration_goes_before_a_card_but_not_before_what_programs_wrote() -> None:
    model = facts({**FILES, "modelpack.yaml": DECLARED})
    assert model.claims.name == "Named"
    assert model.claims.licenses == (
        *("MIT OR Apache-2.0", "OpenMDW-1.0"),
        *("LicenseRef-llama3.1", "LicenseRef-our-terms"),
    )
    assert model.claims.languages == facts(FILES).claims.languages
    assert model.claims.architecture == facts(FILES).claims.architecture
    alone = facts({"modelpack.yaml": DECLARED})
    assert (alone.claims.architecture, alone.claims.family) == ("Invented", "fallback")
    assert model.declaration is not None
    assert model.declaration.version == "1.10"


def test_a_declaration_that_does_not_hold_stops_whoever_reads_it() -> None:
    broken = Window.of(b"modelpack: 1\nnaem: x", "modelpack.yaml")
    with pytest.raises(InvalidInput, match="naem"):
        examine(broken)
    elsewhere = Window.of(b"modelpack: 1\nnaem: x", "part/modelpack.yaml")
    assert examine(elsewhere).declaration is None
