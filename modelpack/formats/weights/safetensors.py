"""The header of a safetensors file, strictly.

The reference library accepts duplicate keys, unknown fields of a tensor, and any
name; such a file means one thing to it and another to the next reader, so here
it is refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.names import checked_text, shown
from modelpack.formats.tensor import Tensor, parameters
from modelpack.formats.window import Window
from modelpack.oci.strict_json import parse_object

__all__ = ["BITS", "SafetensorsHeader", "Tensor", "parse_safetensors"]

LENGTH_SIZE: Final = 8
MAX_HEADER: Final = 100_000_000  # what the reference library takes
MAX_TENSORS: Final = 200_000
MAX_RANK: Final = 64
MAX_DIMENSION: Final = 2**63 - 1
MAX_NAME: Final = 1024

# A tensor of four dimensions needs ten of `{`, `[` and `,`. Counting them first
# keeps 100 MB of `[[[],[],...` from becoming gigabytes of Python objects.
_MAX_MARKS: Final = 12 * MAX_TENSORS

BITS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "BOOL": 8,
        "F4": 4,
        "F6_E2M3": 6,
        "F6_E3M2": 6,
        "U8": 8,
        "I8": 8,
        "F8_E5M2": 8,
        "F8_E4M3": 8,
        "F8_E8M0": 8,
        "F8_E4M3FNUZ": 8,
        "F8_E5M2FNUZ": 8,
        "I16": 16,
        "U16": 16,
        "F16": 16,
        "BF16": 16,
        "I32": 32,
        "U32": 32,
        "F32": 32,
        "C64": 64,
        "F64": 64,
        "I64": 64,
        "U64": 64,
    }
)
_FIELDS = frozenset({"dtype", "shape", "data_offsets"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetensorsHeader:
    """What the header says; its tensors fill the rest of the file without a gap.

    ``tensors`` are in the order of their bytes; ``header_size`` counts all that
    comes before the first of them.
    """

    tensors: tuple[Tensor, ...]
    metadata: Mapping[str, str]
    header_size: int

    @property
    def parameters(self) -> Mapping[str, int]:
        """The stored elements of each dtype, the largest count first."""
        return parameters(self.tensors)

    @property
    def parameter_count(self) -> int:
        return sum(self.parameters.values())


def parse_safetensors(window: Window) -> SafetensorsHeader:
    """Read the header, and check that it describes the file and nothing else."""
    where = f"{window.name}: header"
    raw = _header_bytes(window, where)
    fields = parse_object(raw, where)
    metadata = _metadata(fields.pop("__metadata__", {}), f"{where}.__metadata__")
    if len(fields) > MAX_TENSORS:
        raise InvalidInput(f"more than {MAX_TENSORS} tensors", where=where)
    header_size = LENGTH_SIZE + len(raw)
    tensors = [
        _tensor(name, value, f"{where}.{shown(name)}", start=header_size)
        for name, value in fields.items()
    ]
    # An empty tensor sorts before the one that begins at the same byte.
    tensors.sort(key=lambda tensor: (tensor.offset, tensor.length, tensor.name))
    _check_spans(tensors, where, start=header_size, end=window.size)
    return SafetensorsHeader(
        tensors=tuple(tensors), metadata=metadata, header_size=header_size
    )


def _header_bytes(window: Window, where: str) -> bytes:
    if window.size < LENGTH_SIZE:
        raise InvalidInput(
            f"{window.size} bytes are too few for a header length", where=where
        )
    length = int.from_bytes(window.read(0, LENGTH_SIZE), "little")
    if length > MAX_HEADER:
        raise InvalidInput(f"longer than {MAX_HEADER} bytes", where=where)
    if length > window.size - LENGTH_SIZE:
        raise InvalidInput(
            f"{length} bytes are promised, {window.size - LENGTH_SIZE} are there",
            where=where,
        )
    raw = window.read(LENGTH_SIZE, length)
    if not raw.startswith(b"{"):
        raise InvalidInput("does not start with '{'", where=where)
    # Anything else after the object could make the file a second format as well.
    if not raw.rstrip(b" ").endswith(b"}"):
        raise InvalidInput("more than spaces after the last '}'", where=where)
    if sum(map(raw.count, (b"{", b"[", b","))) > _MAX_MARKS:
        raise InvalidInput("too many values", where=where)
    return raw


def _metadata(value: object, where: str) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise InvalidInput("expected an object", where=where)
    for key, item in value.items():
        if not isinstance(item, str):
            raise InvalidInput("expected a string", where=f"{where}.{shown(key)}")
    return MappingProxyType(value)


def _tensor(name: str, value: object, where: str, *, start: int) -> Tensor:
    checked_text(name, where, limit=MAX_NAME)
    if not isinstance(value, dict):
        raise InvalidInput("expected an object", where=where)
    _check_fields(value, where)
    dtype = value["dtype"]
    if not isinstance(dtype, str) or dtype not in BITS:
        raise InvalidInput(f"unknown: {shown(str(dtype))}", where=f"{where}.dtype")
    shape = _whole_numbers(value["shape"], f"{where}.shape")
    if len(shape) > MAX_RANK:
        raise InvalidInput(f"more than {MAX_RANK} dimensions", where=f"{where}.shape")
    begin, end = _span(value["data_offsets"], f"{where}.data_offsets")
    bits = math.prod(shape) * BITS[dtype]
    if bits != 8 * (end - begin):
        raise InvalidInput(
            f"{end - begin} bytes for {bits} bits of {dtype}",
            where=f"{where}.data_offsets",
        )
    return Tensor(
        name=name, dtype=dtype, shape=shape, offset=start + begin, length=end - begin
    )


def _check_fields(fields: Mapping[str, object], where: str) -> None:
    if fields.keys() != _FIELDS:
        missing = ", ".join(sorted(_FIELDS - fields.keys()))
        unknown = shown(", ".join(sorted(fields.keys() - _FIELDS)))
        raise InvalidInput(
            f"missing {missing}" if missing else f"unknown field {unknown}",
            where=where,
        )


def _whole_numbers(value: object, where: str) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise InvalidInput("expected an array", where=where)
    for index, item in enumerate(value):
        # bool is an int in Python, but not in JSON.
        if type(item) is not int or not 0 <= item <= MAX_DIMENSION:
            raise InvalidInput("expected a whole number", where=f"{where}[{index}]")
    return tuple(value)


def _span(value: object, where: str) -> tuple[int, int]:
    match _whole_numbers(value, where):
        case (begin, end) if begin <= end:
            return begin, end
        case (begin, end):
            raise InvalidInput(f"ends at {end}, begins at {begin}", where=where)
        case numbers:
            raise InvalidInput(f"{len(numbers)} numbers, expected two", where=where)


def _check_spans(
    tensors: Sequence[Tensor], where: str, *, start: int, end: int
) -> None:
    """Check that the tensors cover all bytes from ``start`` to ``end`` once."""
    expected = start
    for tensor in tensors:
        if tensor.offset != expected:
            fault = "a hole before" if tensor.offset > expected else "overlap at"
            raise InvalidInput(
                f"{fault} byte {tensor.offset - start} of the data",
                where=f"{where}.{shown(tensor.name)}.data_offsets",
            )
        expected += tensor.length
    if expected != end:
        raise InvalidInput(
            f"describes {expected - start} bytes of data, {end - start} are there",
            where=where,
        )
