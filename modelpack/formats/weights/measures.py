"""Facts in ModelPack's spelling: parameter sizes, precisions, quantizations.

The fields are those of the model-spec's config: ``paramSize``, ``precision`` and
``quantization``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["param_size", "precision", "precision_name", "quantization_name"]

_UNITS: Final = ("K", "M", "B", "T", "Q")
_THOUSAND: Final = 1000

# The model-spec has no word for 4 and 6 bit floats, E8M0 and FNUZ; its schema
# takes any string, so these follow its pattern.
_PRECISIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "BOOL": "bool",
        "I8": "int8",
        "I16": "int16",
        "I32": "int32",
        "I64": "int64",
        "U8": "uint8",
        "U16": "uint16",
        "U32": "uint32",
        "U64": "uint64",
        "F4": "float4_e2m1",
        "F6_E2M3": "float6_e2m3",
        "F6_E3M2": "float6_e3m2",
        "F8_E4M3": "float8_e4m3",
        "F8_E5M2": "float8_e5m2",
        "F8_E8M0": "float8_e8m0",
        "F8_E4M3FNUZ": "float8_e4m3fnuz",
        "F8_E5M2FNUZ": "float8_e5m2fnuz",
        "F16": "float16",
        "BF16": "bfloat16",
        "F32": "float32",
        "F64": "float64",
        "C64": "complex64",
    }
)

# llama.cpp's enum llama_ftype, without those that only say F32, F16 or BF16.
_QUANTIZATIONS: Final[Mapping[int, str]] = MappingProxyType(
    {
        2: "Q4_0",
        3: "Q4_1",
        7: "Q8_0",
        8: "Q5_0",
        9: "Q5_1",
        10: "Q2_K",
        11: "Q3_K_S",
        12: "Q3_K_M",
        13: "Q3_K_L",
        14: "Q4_K_S",
        15: "Q4_K_M",
        16: "Q5_K_S",
        17: "Q5_K_M",
        18: "Q6_K",
        19: "IQ2_XXS",
        20: "IQ2_XS",
        21: "Q2_K_S",
        22: "IQ3_XS",
        23: "IQ3_XXS",
        24: "IQ1_S",
        25: "IQ4_NL",
        26: "IQ3_S",
        27: "IQ3_M",
        28: "IQ2_S",
        29: "IQ2_M",
        30: "IQ4_XS",
        31: "IQ1_M",
        36: "TQ1_0",
        37: "TQ2_0",
        38: "MXFP4_MOE",
        39: "NVFP4",
        40: "Q1_0",
    }
)
_GUESSED: Final = 1024  # llama.cpp's flag for "not said in the file"


def param_size(count: int) -> str:
    """Spell a number of parameters, as ``22.7M``.

    The unit is the largest that gives at least 1. Rounded half up to one decimal;
    ``.0`` is left out, and what rounds to 1000 takes the next unit (``1M``, not
    ``1000K``). There is no unit below K: 500 is ``0.5K``, and only 0 is ``0K``.
    """
    if count < 0:
        raise ValueError(count)
    unit = _THOUSAND
    for name in _UNITS[:-1]:
        tenths = _tenths(count, unit)
        if tenths < 10 * _THOUSAND:
            return _spelled(max(tenths, min(count, 1)), name)
        unit *= _THOUSAND
    return _spelled(_tenths(count, unit), _UNITS[-1])


def precision_name(dtype: str) -> str | None:
    """Translate a dtype of safetensors or GGUF; None where it is a quantization."""
    return _PRECISIONS.get(dtype)


def precision(dtypes: Iterable[str]) -> str | None:
    """Join the names of all that have one by commas, in the order given."""
    names = dict.fromkeys(filter(None, map(precision_name, dtypes)))
    return ",".join(names) or None


def quantization_name(file_type: int) -> str | None:
    """Translate GGUF's ``general.file_type``: 15 is ``Q4_K_M``, 1 (F16) is None."""
    return _QUANTIZATIONS.get(file_type & ~_GUESSED)


def _tenths(count: int, unit: int) -> int:
    return (10 * count + unit // 2) // unit


def _spelled(tenths: int, unit: str) -> str:
    whole, tenth = divmod(tenths, 10)
    return f"{whole}.{tenth}{unit}" if tenth else f"{whole}{unit}"
