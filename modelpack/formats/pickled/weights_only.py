"""The pickles that ``torch.load(weights_only=True)`` takes, and no others.

From ``torch/_weights_only_unpickler.py`` of torch 2.13: the opcodes it knows, and
the part of its list of globals that saved tensors use. It is a smaller promise than
"safe": torch itself has had faults here (CVE-2025-32434).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from modelpack.formats.names import shown
from modelpack.formats.pickled.walk import Pickle

__all__ = ["beyond_weights"]

PROTOCOL: Final = 2

_OPCODES: Final = frozenset(
    {"PROTO", "STOP", "GLOBAL", "REDUCE", "BUILD", "NEWOBJ", "MARK", "NONE"}
    | {"NEWTRUE", "NEWFALSE", "EMPTY_TUPLE", "EMPTY_LIST", "EMPTY_DICT"}
    | {"EMPTY_SET", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "APPEND", "APPENDS"}
    | {"SETITEM", "SETITEMS", "BININT", "BININT1", "BININT2", "BINFLOAT", "LONG1"}
    | {"BINUNICODE", "SHORT_BINSTRING", "BINPUT", "LONG_BINPUT", "BINGET"}
    | {"LONG_BINGET", "BINPERSID"}
)
_STORAGES: Final = (
    {"Double", "Float", "Half", "Long", "Int", "Short", "Char", "Byte", "Bool"}
    | {"BFloat16", "ComplexDouble", "ComplexFloat", "QUInt8", "QInt8", "QInt32"}
    | {"QUInt4x2", "QUInt2x4"}
)
_DTYPES: Final = {
    "float16",
    "float32",
    "float64",
    "bfloat16",
    "int8",
    "int16",
    "int32",
} | {"int64", "uint8", "bool", "complex64", "complex128"}
_GLOBALS: Final = frozenset(
    {"collections OrderedDict", "collections Counter", "_codecs encode"}
    | {"torch Size", "torch Tensor", "torch device"}
    | {"torch.nn.parameter Parameter", "torch.serialization _get_layout"}
    | {"torch._tensor _rebuild_from_type_v2", "torch.storage UntypedStorage"}
    | {"torch.storage TypedStorage", "torch._utils _rebuild_parameter"}
    | {"torch._utils _rebuild_parameter_with_state"}
    | {"torch._utils _rebuild_qtensor", "torch._utils _rebuild_tensor"}
    | {"torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor_v3"}
    | {"torch._utils _rebuild_sparse_tensor"}
    | {"torch._utils _rebuild_meta_tensor_no_storage"}
    | {"torch._utils _rebuild_wrapper_subclass"}
    | {"torch._utils _rebuild_device_tensor_from_numpy"}
    | {"torch._utils _rebuild_device_tensor_from_cpu_tensor"}
    | {f"torch {name}Storage" for name in _STORAGES}
    | {f"torch {name}" for name in _DTYPES}
)


def beyond_weights(pickle: Pickle) -> Iterator[str]:
    """Say what a pickle does that saved weights do not need."""
    if pickle.protocol != PROTOCOL:
        yield f"is of protocol {pickle.protocol}, where torch writes {PROTOCOL}"
    for opcode in sorted(pickle.opcodes - _OPCODES):
        yield f"uses the opcode {opcode}"
    for name in pickle.imports:
        if name not in _GLOBALS:
            yield f"imports {shown(name.replace(' ', '.'))}"
