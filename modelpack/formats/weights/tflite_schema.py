"""The tables of a TFLite file: schema.fbs, version 3, as of LiteRT 2.3.

In the words of ``formats/flatbuffers.py``. Tensors in files beside the model
(``external_buffers``) are left out on purpose, and so refused.
"""

from __future__ import annotations

from typing import Final

from modelpack.formats.flatbuffers import Schema

__all__ = ["CUSTOM", "LAST_OPERATOR", "NO_OPERATOR", "SCHEMA", "SUBGRAPHS", "TYPES"]

# Operators whose code is not part of the runtime: CUSTOM, STABLEHLO_CUSTOM_CALL.
CUSTOM: Final = frozenset({32, 173})
NO_OPERATOR: Final = frozenset({51, 127})  # DELEGATE, PLACEHOLDER_FOR_GREATER_OP_CODES
LAST_OPERATOR: Final = 209

# TensorType: name, and bits of an element; 0 where the form says nothing of its size.
TYPES: Final = (
    ("F32", 32),
    ("F16", 16),
    ("I32", 32),
    ("U8", 8),
    ("I64", 64),
    ("STRING", 0),
    ("BOOL", 8),
    ("I16", 16),
    ("C64", 64),
    ("I8", 8),
    ("F64", 64),
    ("C128", 128),
    ("U64", 64),
    ("RESOURCE", 0),
    ("VARIANT", 0),
    ("U32", 32),
    ("U16", 16),
    ("I4", 4),
    ("BF16", 16),
    ("I2", 2),
    ("U4", 4),
    ("F8_E4M3", 8),
    ("F8_E5M2", 8),
)

# Options of one field after the other: BuiltinOptions and BuiltinOptions2, by number.
_OPTIONS: Final = (
    "1441441 1444144 4dd 1 144441 411 11 11111a 4 41 11 1 4444 14411 4411 4 d 441 4 1 "
    "1 - 44 - - - 1 11 1 d 111 444441 - - 4 - 11 - - 1 - - - - - - - - 14411 1 - - - - "
    "1 - 1 4441 44 - 4 - - 44 - - - - 144111 1111 144111 - - 11 4 - 1 - 4 1 - - - - - "
    "- 44 - - - - 44 44 4 - - - - - - 111 11 4 - - 14441444 411 - - - ss - - 88 d 1 - "
    "- - - - - - - - -"
)
_OPTIONS_2: Final = (
    "8 h hhh hhhha88h88h88h88d s1s4da h4 1hhh814 44 h hhh 8 hhhhd hhhhh4 814 44 hhh8h1 "
    "h - 1 4 s4a14 - d"
)

# Which options name subgraphs, and in which fields: IF, WHILE, CALL_ONCE, CALL; and
# of StableHLO: reduce, scatter, reduce_window, sort, while, composite.
SUBGRAPHS: Final = {
    "Options:92": (0, 1),
    "Options:93": (0, 1),
    "Options:103": (0,),
    "Options:16": (0,),
    "Options2:6": (1,),
    "Options2:7": (6,),
    "Options2:13": (5,),
    "Options2:14": (2,),
    "Options2:15": (0, 1),
    "Options2:21": (1,),
}

SCHEMA: Final[Schema] = {
    "Model": (
        "4",
        "*OperatorCode",
        "*SubGraph",
        "s",
        "*Buffer",
        "d",
        "*Metadata",
        "*SignatureDef",
    ),
    "OperatorCode": ("1", "s", "4", "4"),
    "SubGraph": ("*Tensor", "d", "d", "*Operator", "s", "4"),
    "Tensor": (
        *("d", "1", "4", "s", "+Quantization", "1", "+Sparsity", "d", "1"),
        "*VariantSubType",
    ),
    "Operator": (
        *("4", "d", "d", "1", "?Options", "a", "1", "a", "d", "8", "8"),
        *("1", "?Options2", "4"),
    ),
    "Buffer": ("a", "8", "8"),
    "Metadata": ("s", "4"),
    "SignatureDef": ("*TensorMap", "*TensorMap", "s", "s", "4"),
    "TensorMap": ("s", "4"),
    "Quantization": ("d", "d", "d", "h", "1", "?Details", "4"),
    "Details:1": ("a",),
    "Sparsity": ("d", "d", "*Dimension"),
    "Dimension": ("1", "4", "1", "?Indices", "1", "?Indices"),
    "Indices:1": ("d",),
    "Indices:2": ("b",),
    "Indices:3": ("a",),
    "VariantSubType": ("d", "1", "1"),
    **{
        f"{union}:{number}": () if forms == "-" else tuple(forms)
        for union, options in (("Options", _OPTIONS), ("Options2", _OPTIONS_2))
        for number, forms in enumerate(options.split(), 1)
    },
}
