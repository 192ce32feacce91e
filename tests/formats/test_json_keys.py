"""Large JSON is read as strictly as small JSON, and every key is seen."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.formats.json_keys import MAX_DEPTH, json_keys
from modelpack.oci.strict_json import strict_json

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def _accepted(raw: bytes) -> bool:
    try:
        list(json_keys(raw, "x"))
    except InvalidInput:
        return False
    return True


def _keys(value: object) -> list[str]:
    if isinstance(value, dict):
        return [key for k, v in value.items() for key in (k, *_keys(v))]
    return (
        [key for item in value for key in _keys(item)]
        if isinstance(value, list)
        else []
    )


@given(_VALUES, st.sampled_from([0, 1]), st.sampled_from([None, 1]))
def test_every_key_is_seen_as_it_is_meant(
    value: object, escaped: int, indent: int | None
) -> None:
    raw = json.dumps(value, ensure_ascii=bool(escaped), indent=indent).encode()
    assert [key for key, _ in json_keys(raw, "x")] == _keys(value)


@settings(max_examples=1000)
@given(st.text('{}[],:"a1 \\', max_size=12).map(str.encode))
def test_it_accepts_what_the_strict_parser_accepts(raw: bytes) -> None:
    try:
        strict_json(raw)
    except InvalidInput:
        assert not _accepted(raw) or b"\\" in raw
    else:
        assert _accepted(raw)


def test_a_number_is_told_from_what_could_say_something() -> None:
    raw = b'{"a": 1, "b": "x", "c": {"d": null}, "e": [], "f": -1.5e3}'
    plain = {key for key, number in json_keys(raw, "x") if number}
    assert plain == {"a", "d", "f"}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"a": 1, "\\u0061": 2}', "duplicate key"),
        (b'{"\\ud800": 1}', "a key that is no text"),
        (b"[" * (MAX_DEPTH + 1), "nested more than"),
        (b"[1] 2", "something follows"),
        (b"[1}", "closes what it did not open"),
        (b"[1,]", "expected a value"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(raw: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=f"x: {message}.*, at byte"):
        list(json_keys(raw, "x"))
