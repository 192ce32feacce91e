"""TFLite files of the real writer are read; what does not hold is refused."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.formats.kind import Kind, kind_of
from modelpack.formats.weights.tflite import parse_tflite
from modelpack.formats.window import Window
from tests.formats.tflite_files import (
    ADD_OPTIONS,
    CALL_ONCE,
    CALL_ONCE_OPTIONS,
    tflite,
)

PLAIN = tflite()
CALLS = ((3, "1", CALL_ONCE_OPTIONS), (4, "t", ((0, "4", 0),)))
BAD = {
    "version": tflite(version=2),
    "no such operator": tflite(operator=[(3, "4", 210)]),
    "delegate": tflite(operator=[(3, "4", 51)]),
    "placeholder alone": tflite(operator=[(0, "1", 127)]),
    "field of a later version": tflite(more=[(8, "4", 1)]),
    "external buffers": tflite(more=[(9, "4", 1)]),
    "tensor that is not there": tflite(inputs=[0, 3]),
    "tensor before the first": tflite(inputs=[0, -2]),
    "buffer that is not there": tflite(buffer=2),
    "type that is not known": tflite(dtype=23),
    "resource with data": tflite(dtype=13),
    "negative shape": tflite(shape=[-4]),
    "shape that overflows": tflite(shape=[2**31 - 1] * 8),
    "shape larger than its data": tflite(shape=[5]),
    "shape smaller than its data": tflite(shape=[3]),
    "rank of 65": tflite(shape=[1] * 65, data=bytes(4)),
    "data beyond the file": tflite(large=[(1, "8", 16), (2, "8", 1 << 40)]),
    "options of no kind": tflite(operators=[(3, "1", 127), (4, "t", ())]),
    "options without their kind": tflite(operators=[(4, "t", ((0, "1", 1),))]),
    "more options than there are": tflite(
        operators=[(3, "1", ADD_OPTIONS), (4, "t", ((2, "4", 1),))]
    ),
    "subgraph that calls itself": tflite(
        operator=[(0, "1", 127), (3, "4", CALL_ONCE)], operators=CALLS
    ),
    "custom options beyond the file": tflite(
        operators=[(9, "8", 99), (10, "8", 10**9)]
    ),
    "no model": b"\x08\0\0\0TFL3",
    "root beyond the file": struct.pack("<I4s", 1 << 31, b"TFL3") + bytes(8),
    "root at itself": bytes(4) + b"TFL3" + bytes(8),
    "vtable before the file": struct.pack("<I4si", 8, b"TFL3", 1 << 20) + bytes(64),
}


def test_a_model_is_read() -> None:
    model = parse_tflite(Window.of(PLAIN))
    (weights,) = model.tensors
    assert (weights.name, weights.dtype, weights.shape) == ("w", "F32", (4,))
    data = PLAIN[weights.offset : weights.offset + weights.length]
    assert struct.unpack("<4f", data) == (1, 2, 3, 4)
    assert model.parameters == {"F32": 4}
    assert model.producer == "made by a test"
    assert (model.operators, model.custom) == ((0,), ())
    assert kind_of(Window.of(PLAIN, "a.tflite")) is Kind.TFLITE


def test_custom_operators_are_named() -> None:
    for name in ("FlexReadFile", "TFLite_Detection_PostProcess", ""):
        raw = tflite(custom=name) if name else tflite(operator=[(3, "4", 32)])
        assert parse_tflite(Window.of(raw)).custom == (name,)
    stablehlo = tflite(operator=[(0, "1", 127), (3, "4", 173)])
    assert parse_tflite(Window.of(stablehlo)).custom == ("StableHLO 173",)


def test_the_larger_of_two_operator_numbers_counts() -> None:
    for operator in ([(0, "1", 32)], [(0, "1", 0), (3, "4", 32)]):
        assert parse_tflite(Window.of(tflite(operator=operator))).custom == ("",)


def test_four_bit_weights_are_counted_in_halves_of_bytes() -> None:
    model = parse_tflite(Window.of(tflite(shape=[3], dtype=17, data=b"\1\2")))
    assert model.parameters == {"I4": 3}


def test_data_behind_the_tables_is_found() -> None:
    raw = tflite(large=[(1, "8", 4096), (2, "8", 16)])
    raw = raw.ljust(4096, b"\0") + bytes(16)
    (weights,) = parse_tflite(Window.of(raw)).tensors
    assert (weights.offset, weights.length) == (4096, 16)


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_hold_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        parse_tflite(Window.of(BAD[name]))


@given(st.integers(0, len(PLAIN) - 1), st.integers(0, 255))
def test_a_changed_byte_gives_a_model_or_invalid_input(at: int, byte: int) -> None:
    raw = PLAIN[:at] + bytes([byte]) + PLAIN[at + 1 :]
    _read(raw)


@given(st.integers(0, len(PLAIN)))
def test_a_cut_off_file_is_refused(size: int) -> None:
    if size < len(PLAIN) - 3:  # the last bytes only fill up
        with pytest.raises(InvalidInput):
            parse_tflite(Window.of(PLAIN[:size]))


@given(st.binary(max_size=300))
def test_any_bytes_give_a_model_or_invalid_input(tail: bytes) -> None:
    _read(b"\x08\0\0\0TFL3" + tail)


def _read(raw: bytes) -> None:
    try:
        model = parse_tflite(Window.of(raw))
    except InvalidInput:
        return
    for tensor in model.tensors:
        assert tensor.offset + tensor.length <= len(raw)
