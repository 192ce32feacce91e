"""NumPy's array files (NEP 1): the header, and whether objects are inside.

An array of objects is a pickle behind a harmless header, so that it is told apart
here, by the header's own words.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.names import shown
from modelpack.formats.window import Window

__all__ = ["NpyHeader", "parse_npy"]

MAGIC: Final = b"\x93NUMPY"
MAX_HEADER: Final = 64 << 10
MAX_RANK: Final = 64
MAX_DIMENSION: Final = 2**63 - 1
MAX_FIELDS: Final = 1024

_LENGTH_BYTES: Final = {1: 2, 2: 4, 3: 4}
_KEYS: Final = frozenset({"descr", "fortran_order", "shape"})
# Kinds of NumPy's array interface, and what one unit of their size is.
_SIMPLE: Final = re.compile(
    r"[<>|=]([?biufcSUVmMtaO])(\d{0,9})(\[\d{0,9}[A-Za-z]{1,2}\])?"
)
_UNITS: Final = {"U": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class NpyHeader:
    """``dtype`` as it is written, such as ``<f4``."""

    dtype: str
    shape: tuple[int, ...]
    holds_objects: bool
    header_size: int


def parse_npy(window: Window) -> NpyHeader:
    """Read the header; an array that is no objects must fill the file."""
    text, header_size = _header(window)
    where = f"{window.name}: header"
    try:
        fields = ast.literal_eval(text.strip())
    except (
        TypeError,
        ValueError,
        SyntaxError,
        RecursionError,
        MemoryError,
    ) as error:
        raise InvalidInput("is no literal of Python", where=where) from error
    if not isinstance(fields, dict) or fields.keys() != _KEYS:
        raise InvalidInput("has other fields than an array's", where=where)
    shape = fields["shape"]
    if (
        not isinstance(shape, tuple)
        or len(shape) > MAX_RANK
        or any(type(n) is not int or not 0 <= n <= MAX_DIMENSION for n in shape)
    ):
        raise InvalidInput("impossible", where=f"{where}.shape")
    if not isinstance(fields["fortran_order"], bool):
        raise InvalidInput("expected a bool", where=f"{where}.fortran_order")
    size, objects = _item(fields["descr"], f"{where}.descr", 0)
    if not objects and header_size + size * math.prod(shape) != window.size:
        raise InvalidInput("the array does not fill the file", where=window.name)
    return NpyHeader(
        dtype=shown(str(fields["descr"])),
        shape=shape,
        holds_objects=objects,
        header_size=header_size,
    )


def _header(window: Window) -> tuple[str, int]:
    head = window.read(0, min(window.size, 12))
    if len(head) < 12 or not head.startswith(MAGIC):  # noqa: PLR2004 - the longest head
        raise InvalidInput("does not start as an array", where=window.name)
    major, minor = head[6:8]
    if major not in _LENGTH_BYTES or minor:
        raise InvalidInput(f"version {major}.{minor}", where=window.name)
    start = 8 + _LENGTH_BYTES[major]
    length = int.from_bytes(head[8:start], "little")
    if length > MAX_HEADER:
        raise InvalidInput(f"a header of {length} bytes", where=window.name)
    raw = window.read(start, length)
    try:
        # Version 3 is UTF-8, the others Latin-1; names of fields only differ.
        return raw.decode("utf-8" if major == 3 else "latin-1"), start + length  # noqa: PLR2004
    except UnicodeDecodeError as error:
        raise InvalidInput("not UTF-8", where=f"{window.name}: header") from error


def _item(descr: object, where: str, depth: int) -> tuple[int, bool]:
    """Return the bytes of one element, and whether there are objects in it."""
    if depth > 8:  # noqa: PLR2004 - structures in structures
        raise InvalidInput("nested too deeply", where=where)
    if isinstance(descr, str):
        return _simple(descr, where)
    if isinstance(descr, tuple) and len(descr) == 2:  # noqa: PLR2004 - type and shape
        inner, shape = descr
        size, objects = _item(inner, where, depth + 1)
        return size * _count(shape, where), objects
    if not isinstance(descr, list) or not 0 < len(descr) <= MAX_FIELDS:
        raise InvalidInput("is no type", where=where)
    total, any_objects = 0, False
    for field in descr:
        if not isinstance(field, tuple) or len(field) not in {2, 3}:
            raise InvalidInput("is no field", where=where)
        title = field[0] if isinstance(field[0], tuple) else (field[0],)
        if not all(isinstance(name, str) for name in title):
            raise InvalidInput("is no name of a field", where=where)
        size, objects = _item(field[1], where, depth + 1)
        total += size * (_count(field[2], where) if len(field) == 3 else 1)  # noqa: PLR2004
        any_objects = any_objects or objects
    return total, any_objects


def _simple(descr: str, where: str) -> tuple[int, bool]:
    match = _SIMPLE.fullmatch(descr)
    if match is None:
        raise InvalidInput(f"unknown: {shown(descr)}", where=where)
    kind, size = match[1], int(match[2] or 0)
    return size * _UNITS.get(kind, 1), kind == "O"


def _count(shape: object, where: str) -> int:
    sizes = shape if isinstance(shape, tuple) else (shape,)
    if len(sizes) > MAX_RANK or any(
        type(n) is not int or not 0 <= n <= MAX_DIMENSION for n in sizes
    ):
        raise InvalidInput("impossible", where=where)
    return math.prod(sizes)
