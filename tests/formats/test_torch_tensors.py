"""The tensors of torch files are those that torch saved; none is made for a program."""

import pickle
import struct
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.formats.pickled.saved import saved_tensors
from modelpack.formats.pickled.torch_tensors import legacy_tensors, zip_tensors
from modelpack.formats.pickled.torch_zip import parse_torch_zip
from modelpack.formats.tensor import Tensor
from modelpack.formats.window import Window
from tests.formats.files import TORCH, window_on
from tests.scanning.hostile import call, torch_zip

# As torch 2.13 saved them: two layers, `nn.Linear(8, 16)` and `nn.Linear(16, 4)`.
SHAPES: Final = {
    "0.weight": (16, 8),
    "0.bias": (16,),
    "2.weight": (4, 16),
    "2.bias": (4,),
}


def numbers(window: Window, tensor: Tensor) -> tuple[float, ...]:
    raw = window.read(tensor.offset, tensor.length)
    return struct.unpack(f"<{len(raw) // 4}f", raw)


def test_new_and_legacy_files_hold_the_same_tensors() -> None:
    """The two were saved from the same weights."""
    new = window_on(TORCH / "state_dict.pt")
    old = window_on(TORCH / "state_dict_legacy.bin")
    found, older = zip_tensors(new), legacy_tensors(old)
    assert {tensor.name: tensor.shape for tensor in found} == SHAPES
    assert {tensor.name: tensor.shape for tensor in older} == SHAPES
    assert {tensor.dtype for tensor in (*found, *older)} == {"F32"}
    for one, other in zip(found, older, strict=True):
        assert numbers(new, one) == numbers(old, other)
        assert any(numbers(new, one))


def test_a_program_has_no_tensors() -> None:
    for window in (
        window_on(TORCH / "torchscript.pt"),
        Window.of(torch_zip(call("os", "system"))),
        Window.of(torch_zip(pickle.dumps({"a": 1}, 4))),
    ):
        with pytest.raises(InvalidInput, match=r"program|more than weights"):
            zip_tensors(window)
    with pytest.raises(InvalidInput):
        legacy_tensors(Window.of(call("os", "system")))


def test_a_storage_that_is_not_there_is_no_tensor() -> None:
    raw = parse_torch_zip(window_on(TORCH / "state_dict.pt")).raw
    with pytest.raises(InvalidInput, match="names the storage"):
        zip_tensors(Window.of(torch_zip(raw)))


def test_a_storage_that_is_cut_off_is_no_tensor() -> None:
    raw = (TORCH / "state_dict_legacy.bin").read_bytes()
    with pytest.raises(InvalidInput, match="longer than the file"):
        legacy_tensors(Window.of(raw[:-1]))


RAW: Final = parse_torch_zip(window_on(TORCH / "state_dict.pt")).raw
BAD: Final = {
    "nothing": b"",
    "no stop": RAW[:-1],
    "stack underflow": b"\x80\x02R.",
    "tuple of what is not there": b"\x80\x02\x87.",
    "memo of what is not there": b"\x80\x02h\x05.",
    "no mark": b"\x80\x02t.",
    "storage of no form": b"\x80\x02X\1\0\0\0aQ.",
    "dict of odd items": b"\x80\x02}(X\1\0\0\0au.",
    "opcode of another kind": b"\x80\x02c\n\n)\x82\x01.",
    "nested without end": b"\x80\x02]" + b"q\0]h\0a" * 100 + b".",
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_saved_state_has_no_tensors(name: str) -> None:
    try:
        assert saved_tensors(BAD[name], "x") == ()
    except InvalidInput:
        return


def test_a_list_that_holds_itself_comes_to_an_end() -> None:
    itself = b"\x80\x02]q\0h\0a."
    with pytest.raises(InvalidInput, match="holds too much"):
        saved_tensors(itself, "x")


def test_lists_of_lists_of_lists_come_to_an_end() -> None:
    laughs = b"\x80\x02]q\0" + b"".join(
        b"]" + bytes([0x71, n + 1]) + b"(" + bytes([0x68, n]) * 10 + b"e"
        for n in range(12)
    )
    with pytest.raises(InvalidInput, match="holds too much"):
        saved_tensors(laughs + b".", "x")


@given(st.integers(0, len(RAW) - 1), st.integers(0, 255))
def test_a_changed_byte_gives_tensors_or_invalid_input(at: int, byte: int) -> None:
    _read(RAW[:at] + bytes([byte]) + RAW[at + 1 :])


@given(st.binary(max_size=200))
def test_any_bytes_give_tensors_or_invalid_input(tail: bytes) -> None:
    _read(b"\x80\x02" + tail)


def _read(raw: bytes) -> None:
    try:
        tensors = saved_tensors(raw, "x")
    except InvalidInput:
        return
    for tensor in tensors:
        assert tensor.offset >= 0
        assert min(tensor.shape, default=0) >= 0
