from __future__ import annotations

import re

import gguf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.formats.weights.measures import (
    param_size,
    precision,
    precision_name,
    quantization_name,
)
from modelpack.formats.weights.safetensors import BITS

UNITS = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12, "Q": 10**15}


@pytest.mark.parametrize(
    ("count", "size"),
    [
        (0, "0K"),
        (1, "0.1K"),
        (500, "0.5K"),
        (1000, "1K"),
        (1049, "1K"),
        (1050, "1.1K"),
        (999_949, "999.9K"),
        (999_950, "1M"),
        (22_713_728, "22.7M"),
        (6_738_415_616, "6.7B"),
        (7_000_000_000, "7B"),
        (670_000_000_000, "670B"),
        (1_040_000_000_000, "1T"),
        (1_500_000_000_000_000, "1.5Q"),
        (12_345_000_000_000_000_000, "12345Q"),
    ],
)
def test_param_size(count: int, size: str) -> None:
    assert param_size(count) == size


@given(st.integers(0, 10**19))
def test_param_size_has_one_unit_and_at_most_one_decimal(count: int) -> None:
    """paramSize: "<count><K|M|B|T|Q>", at most one decimal."""
    match = re.fullmatch(r"(\d+(?:\.[1-9])?)([KMBTQ])", param_size(count))
    assert match
    assert abs(float(match[1]) * UNITS[match[2]] - count) <= max(100, count / 20)


def test_no_negative_size() -> None:
    with pytest.raises(ValueError, match="-1"):
        param_size(-1)


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        ("F32", "float32"),
        ("BF16", "bfloat16"),
        ("F8_E4M3", "float8_e4m3"),
        ("BOOL", "bool"),
        ("C64", "complex64"),
        ("Q4_K", None),
        ("nonsense", None),
    ],
)
def test_precision_names(dtype: str, name: str | None) -> None:
    assert precision_name(dtype) == name


@pytest.mark.parametrize("dtype", BITS)
def test_every_dtype_of_safetensors_has_a_precision(dtype: str) -> None:
    assert precision_name(dtype)


def test_mixed_precisions_are_joined() -> None:
    assert precision(["BF16", "F32", "BF16"]) == "bfloat16,float32"
    assert precision(["Q4_K", "F32"]) == "float32"
    assert precision(["Q4_K"]) is None


@pytest.mark.parametrize("file_type", gguf.LlamaFileType)
def test_quantizations_are_those_of_the_package(file_type: gguf.LlamaFileType) -> None:
    name = file_type.name.removeprefix("MOSTLY_")
    expected = None if name in {"ALL_F32", "F16", "BF16", "GUESSED"} else name
    assert quantization_name(file_type.value) == expected
    assert quantization_name(file_type.value | 1024) == expected


def test_unknown_file_types_have_no_name() -> None:
    assert quantization_name(999) is None
