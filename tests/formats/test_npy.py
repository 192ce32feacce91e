"""Arrays of NumPy are read; objects in them are told apart."""

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.formats.weights.npy import parse_npy
from modelpack.formats.window import Window


def saved(array: Any, version: tuple[int, int] | None = None) -> bytes:  # noqa: ANN401
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asanyarray(array), version)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "dtype", ["?", "i1", ">u2", "<i4", "u8", "f2", "f8", "c16", "S5", "U7", "M8[ns]"]
)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3)])
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_an_array_is_read(
    dtype: str, shape: tuple[int, ...], version: tuple[int, int]
) -> None:
    found = parse_npy(Window.of(saved(np.zeros(shape, dtype), version)))
    assert (found.shape, found.holds_objects) == (shape, False)


@pytest.mark.parametrize(
    "dtype",
    [
        "O",
        [("a", "f4"), ("b", "O")],
        [("a", [("b", "O")])],
        [("a", "O", (2,))],
    ],
)
def test_objects_are_found_wherever_they_are(dtype: Any) -> None:  # noqa: ANN401
    assert parse_npy(Window.of(saved(np.zeros(2, dtype)))).holds_objects


def test_structures_are_measured() -> None:
    dtype = [("a", "f4"), ("b", "U3", (2,)), ("c", [("d", "i2")])]
    assert not parse_npy(Window.of(saved(np.zeros(3, dtype)))).holds_objects


def npy(header: str, data: bytes = b"") -> bytes:
    raw = header.encode()
    return b"\x93NUMPY\1\0" + len(raw).to_bytes(2, "little") + raw + data


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': [1]}",
        "{'descr': '<f4', 'fortran_order': 1, 'shape': (1,)}",
        "{'descr': '|x9', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (True,)}",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'run': 1}",
        "{'descr': [], 'fortran_order': False, 'shape': (1,)}",
        "__import__('os').system('true')",
        "(" * 5000,
        "-" * 30000 + "1",
        "",
        "{[]: 1}",
        "{[1]}",
    ],
)
def test_a_header_that_does_not_hold(header: str) -> None:
    with pytest.raises(InvalidInput):
        parse_npy(Window.of(npy(header, bytes(4))))


@given(st.binary(max_size=120))
def test_any_header_is_read_or_refused(raw: bytes) -> None:
    length = len(raw).to_bytes(2, "little")
    with pytest.raises(InvalidInput):
        parse_npy(Window.of(b"\x93NUMPY\1\0" + length + raw + b"x"))
