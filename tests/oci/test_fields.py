from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.oci.digest import Digest
from modelpack.oci.fields import Fields
from modelpack.oci.strict_json import strict_json
from tests.oci.strategies import json_values


@given(st.binary())
def test_any_bytes_are_json_or_invalid_input(raw: bytes) -> None:
    with contextlib.suppress(InvalidInput):
        strict_json(raw)


@given(st.text(alphabet='{}[]":,0123456789eE.-+\\u dD89tfnNa\t', max_size=60))
def test_text_that_looks_like_json_is_json_or_invalid_input(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        strict_json(text.encode())


@given(json_values)
def test_what_json_writes_is_read_again(value: object) -> None:
    try:
        raw = json.dumps(value, allow_nan=False).encode()
    except ValueError:
        return
    assert strict_json(raw) == value


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(b"", "not a JSON", id="empty"),
        pytest.param(b"{", "not a JSON", id="cut off"),
        pytest.param(b"{} {}", "not a JSON", id="two documents"),
        pytest.param(
            b'{"a": 1, "a": 1}', "document.a: duplicate key", id="duplicate key"
        ),
        pytest.param(
            b'{"a": 1, "\\u0061": 2}', "document.a: duplicate", id="spelled anew"
        ),
        pytest.param(b'[{"x": {"a": 1, "a": 2}}]', "duplicate", id="duplicate within"),
        pytest.param(b"NaN", "not a JSON", id="NaN"),
        pytest.param(b'{"size": Infinity}', "not a JSON", id="infinite"),
        pytest.param(b"[" * 100_000, "not a JSON", id="nesting without end"),
        pytest.param(b'{"a":' * 50_000 + b"1", "not a JSON", id="objects without end"),
        pytest.param(b"9" * 10_000, "not a JSON", id="number without end"),
        pytest.param(b'"\xff"', "not UTF-8", id="not UTF-8"),
        pytest.param('{"a": 1}'.encode("utf-16"), "not UTF-8", id="UTF-16"),
        pytest.param(
            '{"a": 1}'.encode("utf-16-le"), "not a JSON", id="UTF-16, no mark"
        ),
        pytest.param(b'"\\ud800"', "not a JSON", id="half a pair of surrogates"),
        pytest.param(b"\xef\xbb\xbf{}", "not a JSON", id="byte order mark"),
    ],
)
def test_what_two_readers_may_read_differently_is_refused(
    raw: bytes, reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason) as caught:
        strict_json(raw, where="document")
    assert str(caught.value).startswith("document")


def test_a_whole_pair_of_surrogates_is_one_character() -> None:
    assert strict_json(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


@pytest.mark.parametrize("value", [-1, 1 << 63, 1.0, 1.5, True, "1", None, [], {}])
def test_what_is_no_count_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        Fields({"size": value}, "layers[3]").count("size")
    assert caught.value.where == "layers[3].size"


@pytest.mark.parametrize("value", [0, 1, (1 << 63) - 1])
def test_a_count_is_returned(value: int) -> None:
    assert Fields({"size": value}).count("size") == value


@pytest.mark.parametrize("value", [None, "", 1, True, [], "text"])
def test_only_an_object_has_fields(value: object) -> None:
    with pytest.raises(InvalidInput, match="expected an object"):
        Fields(value, "config")


def test_an_error_names_the_field() -> None:
    fields = Fields.of_json(b'{"a": 1, "b": {"c": 2}, "d": "no digest"}', where="top")
    with pytest.raises(InvalidInput, match=r"^top\.a: expected a string$"):
        fields.text("a")
    with pytest.raises(InvalidInput, match=r"^top\.z: missing$"):
        fields.get("z")
    with pytest.raises(InvalidInput, match=r"^top\.b\.c: expected a string$"):
        fields.texts("b")
    with pytest.raises(InvalidInput, match=r"^top\.a: expected an array$"):
        fields.array("a")
    with pytest.raises(InvalidInput, match=r"^top\.d: not a digest"):
        fields.parsed("d", Digest.parse)


def test_null_is_an_empty_list_and_an_empty_map() -> None:
    fields = Fields({"list": None, "map": None})
    assert list(fields.array("list")) == []
    assert fields.texts("map") == {}
    assert fields.texts("absent") == {}
    assert fields.text("absent", default="x") == "x"


@given(json_values)
def test_reading_any_object_raises_only_invalid_input(value: object) -> None:
    with contextlib.suppress(InvalidInput):
        fields = Fields(value)
        for key in fields:
            for read in (fields.text, fields.count, fields.array, fields.texts):
                with contextlib.suppress(InvalidInput):
                    read(key)
