"""ONNX models of the real library are read; what no ONNX file has is refused."""

from typing import Final

import numpy as np
import onnx
import onnx.helper as make
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, numpy_helper

from modelpack.errors import InvalidInput
from modelpack.formats.weights.onnx_model import OnnxModel, parse_onnx
from modelpack.formats.window import Window

FLOAT: Final = TensorProto.FLOAT


def tensor(name: str = "w") -> TensorProto:
    return numpy_helper.from_array(np.ones((3, 4), np.float32), name)


def model(
    *nodes: onnx.NodeProto, initializer: list[TensorProto] | None = None
) -> onnx.ModelProto:
    value = [make.make_tensor_value_info("x", FLOAT, ["batch", 4])]
    made = make.make_graph(nodes, "g", value, value, initializer)
    return make.make_model(made, producer_name="a test")


def parsed(proto: onnx.ModelProto) -> OnnxModel:
    return parse_onnx(Window.of(proto.SerializeToString(), "m.onnx"))


def test_what_a_model_says() -> None:
    found = parsed(
        model(
            make.make_node("MatMul", ["x", "w"], ["y"]),
            make.make_node("Relu", ["y"], ["z"]),
            initializer=[tensor()],
        )
    )
    assert found.producer == "a test"
    assert found.operators == (("", "MatMul"), ("", "Relu"))
    assert found.parameters == {"F32": 12}
    assert (found.custom_domains, found.external) == ((), ())
    assert found.opsets.keys() == {""}


@pytest.mark.parametrize(
    "dtype", ["bool", "i1", "u2", "i4", "u8", "f2", "f4", "f8", "c8"]
)
def test_each_dtype_of_numpy_is_counted(dtype: str) -> None:
    array = numpy_helper.from_array(np.zeros((2, 5), dtype), "w")
    assert sum(parsed(model(initializer=[array])).parameters.values()) == 10


def test_operators_and_tensors_in_branches_are_found() -> None:
    branch = make.make_graph(
        [make.make_node("Evil", [], ["o"], domain="com.example")],
        "then",
        [],
        [make.make_tensor_value_info("o", FLOAT, [])],
        initializer=[tensor("inner")],
    )
    node = make.make_node("If", ["c"], ["r"], then_branch=branch, else_branch=branch)
    constant = make.make_node("Constant", [], ["k"], value=tensor("k"))
    found = parsed(model(node, constant))
    assert found.custom_domains == ("com.example",)
    assert found.parameters == {"F32": 36}


def test_a_function_of_the_models_own_is_no_custom_operator() -> None:
    own = make.make_function(
        "local",
        "Twice",
        ["a"],
        ["b"],
        [make.make_node("Add", ["a", "a"], ["b"])],
        [make.make_opsetid("", 20)],
    )
    proto = model(make.make_node("Twice", ["x"], ["y"], domain="local"))
    assert parsed(proto).custom_domains == ("local",)
    proto.functions.append(own)
    found = parsed(proto)
    assert found.custom_domains == ()
    assert ("", "Add") in found.operators


def external(**pairs: str) -> onnx.ModelProto:
    array = tensor()
    array.ClearField("raw_data")
    array.data_location = TensorProto.EXTERNAL
    for key, value in pairs.items():
        array.external_data.add(key=key, value=value)
    return model(initializer=[array])


def test_external_data_is_named() -> None:
    (found,) = parsed(external(location="w.bin", offset="16", length="48")).external
    assert (found.location, found.offset, found.length) == ("w.bin", 16, 48)


@pytest.mark.parametrize(
    "pairs",
    [
        {},
        {"offset": "1"},
        {"location": "a", "offset": "-1"},
        {"location": "a", "length": "9" * 30},
        {"location": "a", "length": "x"},
        {"location": "a\nb"},
    ],
)
def test_external_data_that_says_nothing_sound(pairs: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        parsed(external(**pairs))


def test_bytes_that_do_not_fit_their_dimensions() -> None:
    array = tensor()
    array.raw_data = array.raw_data[:-1]
    with pytest.raises(InvalidInput, match="47 bytes for 12 elements"):
        parsed(model(initializer=[array]))


@pytest.mark.parametrize("dims", [[1 << 40, 1 << 40], [-1], [1] * 65])
def test_impossible_dimensions(dims: list[int]) -> None:
    array = tensor()
    array.ClearField("raw_data")
    del array.dims[:]
    array.dims.extend(dims)
    with pytest.raises(InvalidInput):
        parsed(model(initializer=[array]))


def test_graphs_without_end() -> None:
    def wrapped(number: int, body: bytes) -> bytes:
        size = bytes((len(body) & 0x7F | 0x80, len(body) >> 7))
        return bytes((number << 3 | 2,)) + size + body

    graph = b""
    for _ in range(40):
        graph = wrapped(1, wrapped(5, wrapped(6, graph)))
    with pytest.raises(InvalidInput, match="nested too deeply"):
        parse_onnx(Window.of(wrapped(7, graph)))


def test_two_graphs_or_none() -> None:
    raw = model().SerializeToString()
    for broken in (raw + raw, b"\x08\x07"):
        with pytest.raises(InvalidInput, match=r"more than one graph|holds no graph"):
            parse_onnx(Window.of(broken))


def test_a_field_that_c_and_python_would_read_differently_is_refused() -> None:
    """C++ drops the bits beyond 32 of a tag, and sees a domain here."""
    domain = b"evil"
    tag = _varint((1 << 32) | (7 << 3) | 2)
    node = b"\x22\x01X" + tag + bytes([len(domain)]) + domain
    inside = b"\x0a" + bytes([len(node)]) + node
    raw = b"\x3a" + bytes([len(inside)]) + inside
    with pytest.raises(InvalidInput, match="a tag of over 32 bits"):
        parse_onnx(Window.of(raw))


def test_a_field_that_nobody_knows_is_refused() -> None:
    unknown = b"\xf8\x07\x01"  # field 127
    inside = b"\x0a" + bytes([len(unknown)]) + unknown
    raw = b"\x3a" + bytes([len(inside)]) + inside
    with pytest.raises(InvalidInput, match="unknown field 127"):
        parse_onnx(Window.of(raw))


def _varint(value: int) -> bytes:
    out = b""
    while value >> 7:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


RAW: Final = model(
    make.make_node("MatMul", ["x", "w"], ["y"]), initializer=[tensor()]
).SerializeToString()


@given(st.integers(0, len(RAW) - 1), st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused(at: int, value: int) -> None:
    raw = RAW[:at] + bytes((value,)) + RAW[at + 1 :]
    try:
        found = parse_onnx(Window.of(raw))
    except InvalidInput:
        return
    assert sum(found.parameters.values()) >= 0


@given(st.integers(0, len(RAW) - 1))
def test_a_model_that_is_cut_short_is_refused(end: int) -> None:
    with pytest.raises(InvalidInput):
        parse_onnx(Window.of(RAW[:end]))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_onnx(Window.of(b"\x0f" + raw))
