"""JSON and YAML inside of texts."""

from __future__ import annotations

import json
import math
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.prose.plain_yaml import kubernetes_yaml
from modelpack.oci.strict_json import strict_json
from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.functions import Function, function
from modelpack.policy.cel.types import DYN, STRING

__all__ = ["FUNCTIONS", "MAX_TEXT", "as_go"]

MAX_TEXT: Final = 4 << 20

# What Go's encoder writes as an escape, for the sake of HTML and JavaScript.
_ESCAPES: Final = {
    ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"
}
# Between these Go writes no exponent.
_SMALLEST, _LARGEST = 1e-6, 1e21


def _unmarshal(value: object) -> object:
    if not isinstance(value, str):
        raise CelError("only a text can be unmarshalled")
    return as_go(_parsed(value))


def _parsed(text: str) -> object:
    _check_size(text)
    try:
        return strict_json(text.encode())
    except InvalidInput as error:
        raise CelError(f"{error.where or 'the text'}: {error.message}") from error


def as_go(value: object) -> object:
    """Return numbers as Go reads them: every one is a `double`."""
    if isinstance(value, dict):
        return {key: as_go(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_go(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError as error:
            raise CelError("a number that no double holds") from error
    return value


def _parse_yaml(text: str) -> object:
    _check_size(text)
    try:
        documents = list(kubernetes_yaml(text, "the text"))
    except InvalidInput as error:
        raise CelError(str(error)) from error
    if len(documents) > 1:
        raise CelError("several documents of YAML")
    return as_go(documents[0]) if documents else None


def _check_size(text: str) -> None:
    if len(text) > MAX_TEXT:
        raise CelError(f"a text of over {MAX_TEXT >> 20} MiB")


def _marshal(value: object) -> str:
    """Write as Go's `json.Marshal`: compact, keys in order."""
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise CelError("a key that is no text")
        inner = (f"{_quoted(key)}:{_marshal(value[key])}" for key in sorted(value))
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_marshal, value)) + "]"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, float):
        return _number(value)
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    raise CelError(f"no value of JSON: {type(value).__name__}")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).translate(_ESCAPES)


def _number(value: float) -> str:
    """Write a number as Go does (encoding/json, `floatEncoder`)."""
    if not math.isfinite(value):
        raise CelError(f"unsupported value: {value}")
    if value and not _SMALLEST <= abs(value) < _LARGEST:
        digits, _, exponent = repr(value).partition("e")
        sign = "-" if exponent.startswith("-") else "+"
        return f"{digits}e{sign}{exponent.lstrip('+-0')}"
    text = format(value, "f") if value.is_integer() else _without_exponent(value)
    return text.removesuffix(".000000")


def _without_exponent(value: float) -> str:
    digits, _, exponent = repr(value).partition("e")
    return f"{value:.{_places(digits, int(exponent))}f}" if exponent else digits


def _places(digits: str, exponent: int) -> int:
    return len(digits.partition(".")[2]) - exponent


FUNCTIONS: Final[tuple[Function, ...]] = (
    function("json.unmarshal", (DYN,), DYN, _unmarshal),
    function("json.marshal", (DYN,), STRING, _marshal),
    function("yaml.parse", (STRING,), DYN, _parse_yaml),
)
