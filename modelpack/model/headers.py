"""What the headers of weight files count, beyond safetensors and GGUF.

These formats are told from each other by less, and made by more programs: one that
cannot be read gives a fault, and no mistake of whoever pushes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from modelpack.formats.kind import Kind
from modelpack.formats.pickled.torch_tensors import legacy_tensors, zip_tensors
from modelpack.formats.strict_zip import member_window, parse_zip
from modelpack.formats.tensor import Tensor, parameters
from modelpack.formats.weights.keras import parse_keras
from modelpack.formats.weights.npy import parse_npy
from modelpack.formats.weights.onnx_model import parse_onnx
from modelpack.formats.weights.saved_model import parse_saved_model
from modelpack.formats.weights.tflite import parse_tflite
from modelpack.formats.window import Window

__all__ = ["READ", "Header", "read_header"]

MAX_MEMBER: Final = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Stored elements of each dtype, in so many tensors; who wrote the file."""

    parameters: Mapping[str, int] = field(default_factory=dict)
    tensors: int = 0
    producer: str = ""


def read_header(window: Window, kind: Kind) -> Header:
    """Read a file of one of the kinds in ``READ``, or raise ``InvalidInput``."""
    return _READERS[kind](window)


def _counted(tensors: Sequence[Tensor], producer: str = "") -> Header:
    return Header(
        parameters=parameters(tensors), tensors=len(tensors), producer=producer
    )


def _onnx(window: Window) -> Header:
    model = parse_onnx(window)
    return Header(
        parameters=model.parameters, tensors=model.tensors, producer=model.producer
    )


def _tflite(window: Window) -> Header:
    model = parse_tflite(window)
    return _counted(model.tensors, model.producer)


def _torch(tensors: Sequence[Tensor]) -> Header:
    """Count what a model has: an optimizer's states are none of its parameters."""
    weights = [each for each in tensors if not each.name.startswith("optim")]
    return _counted(weights, "torch")


def _npy(window: Window) -> Header:
    return _counted([_array(window)])


def _npz(window: Window) -> Header:
    return _counted(
        [
            _array(member_window(window, member, limit=MAX_MEMBER))
            for member in parse_zip(window)
        ]
    )


def _array(window: Window) -> Tensor:
    header = parse_npy(window)
    return Tensor(
        name=window.name.removesuffix(".npy"),
        dtype=_NUMPY.get(header.dtype.lstrip("<>=|"), header.dtype),
        shape=header.shape,
        offset=header.header_size,
        length=window.size - header.header_size,
    )


_NUMPY: Final = {
    "b1": "BOOL",
    "c8": "C64",
    "c16": "C128",
    "f2": "F16",
    "f4": "F32",
    "f8": "F64",
    **{f"i{size}": f"I{8 * size}" for size in (1, 2, 4, 8)},
    **{f"u{size}": f"U{8 * size}" for size in (1, 2, 4, 8)},
}
_READERS: Final[Mapping[Kind, Callable[[Window], Header]]] = {
    Kind.ONNX: _onnx,
    Kind.TFLITE: _tflite,
    Kind.NPY: _npy,
    Kind.NPZ: _npz,
    Kind.TORCH_ZIP: lambda window: _torch(zip_tensors(window)),
    Kind.TORCH_LEGACY: lambda window: _torch(legacy_tensors(window)),
    Kind.KERAS: lambda window: Header(producer=parse_keras(window).producer),
    Kind.SAVED_MODEL: lambda window: Header(
        producer=parse_saved_model(window).producer
    ),
}
READ: Final = frozenset(_READERS)
