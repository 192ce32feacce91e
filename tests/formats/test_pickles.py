"""The walk over a pickle agrees with ``pickletools``, and stops where it must."""

import pickle
import pickletools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.formats.pickled.walk import parse_pickle, seen_imports
from modelpack.formats.pickled.weights_only import beyond_weights

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(), inner) | st.sets(st.integers())
    ),
)


@given(VALUES, st.integers(0, 5), st.binary(max_size=8))
def test_it_finds_the_opcodes_and_the_end_that_pickletools_finds(
    value: object, protocol: int, rest: bytes
) -> None:
    raw = pickle.dumps(value, protocol)
    found = parse_pickle(raw + rest, "x")
    assert found.size == len(raw)
    assert found.opcodes == {opcode.name for opcode, _, _ in pickletools.genops(raw)}
    assert found.protocol == (protocol if protocol >= 2 else 0)


@given(st.binary(max_size=300))
def test_any_bytes_are_walked_or_refused(raw: bytes) -> None:
    try:
        found = parse_pickle(raw, "x")
    except InvalidInput:
        return
    assert raw[found.size - 1 : found.size] == b"."


@given(VALUES, st.data())
def test_a_pickle_that_is_cut_short_is_refused(
    value: object, data: st.DataObject
) -> None:
    raw = pickle.dumps(value, 4)
    end = data.draw(st.integers(0, len(raw) - 1))
    with pytest.raises(InvalidInput):
        parse_pickle(raw[:end], "x")


def test_imports_of_all_that_follow_each_other_are_seen() -> None:
    one, two = b"\x80\x02cos\nsystem\n.", b"\x80\x02cpydoc\nlocate\n."
    assert seen_imports(one + two + b"\x80\x02cos\npopen\n") == (
        "os system",
        "pydoc locate",
        "os popen",
    )


def test_what_weights_do_not_need_is_named() -> None:
    raw = b"\x80\x03cos\nsystem\n)R\x94."
    assert list(beyond_weights(parse_pickle(raw, "x"))) == [
        "is of protocol 3, where torch writes 2",
        "uses the opcode MEMOIZE",
        "imports os.system",
    ]
