"""Quantities of resources, such as `1.5Gi` (apimachinery, pkg/api/resource)."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.functions import Function, equality, function, member
from modelpack.policy.cel.types import BOOL, DOUBLE, INT, STRING, opaque
from modelpack.policy.cel.values import Opaque

__all__ = ["FUNCTIONS"]

QUANTITY: Final = opaque("kubernetes.Quantity")

_FORM: Final = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?"
    r"(?P<suffix>[eEinumkKMGTP]*[-+]?[0-9]*)",
    re.ASCII,
)
_DECIMAL: Final = {
    "n": -9,
    "u": -6,
    "m": -3,
    "": 0,
    "k": 3,
    "M": 6,
    "G": 9,
    "T": 12,
    "P": 15,
    "E": 18,
}
_BINARY: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_EXPONENT: Final = re.compile(r"[eE]([+-]?[0-9]{1,19})", re.ASCII)

# Beyond it, numbers take time and memory to write down.
_MOST_DIGITS: Final = 200

_NANO: Final = 10**9
_INT_MAX: Final = (1 << 63) - 1


# Written with fewer digits than these, Kubernetes keeps a quantity as an integer.
_MOST_FACTORS, _MOST_BINARY = 18, 14
_NO_INTEGER: Final = "~"


def _parse(text: str) -> Opaque:
    """Read a quantity; parts smaller than a billionth are rounded away from zero."""
    found = _FORM.fullmatch(text)
    if not text or found is None:
        raise CelError("quantities must match the regular expression of quantities")
    whole, part = found["whole"].lstrip("0") or "0", found["part"] or ""
    if len(whole) + len(part) > _MOST_DIGITS:
        raise CelError(f"a quantity of over {_MOST_DIGITS} digits")
    suffix = found["suffix"]
    scaled = _scaled(Fraction(int(whole + part), 10 ** len(part)), suffix)
    nanos = -(-scaled.numerator * _NANO // scaled.denominator)
    return _quantity(
        -nanos if found["sign"] == "-" else nanos,
        is_integer=_is_kept_as_integer(whole, part, suffix),
    )


def _is_kept_as_integer(whole: str, part: str, suffix: str) -> bool:
    """Say what `isInteger` goes by: how it was written, not what it comes to."""
    if suffix in _BINARY:
        return not part and len(whole) + _BINARY[suffix] * 3 // 10 <= _MOST_BINARY
    exponent = _EXPONENT.fullmatch(suffix)
    power = int(exponent[1]) if exponent else _DECIMAL.get(suffix, 0)
    return len(whole) + len(part) <= _MOST_FACTORS and power >= len(part)


def _scaled(number: Fraction, suffix: str) -> Fraction:
    if suffix in _BINARY:
        # Only these are capped.
        return min(number * (1 << _BINARY[suffix]), Fraction(_INT_MAX))
    if suffix in _DECIMAL:
        return number * _power_of_ten(_DECIMAL[suffix])
    exponent = _EXPONENT.fullmatch(suffix)
    if exponent is None:
        raise CelError("unable to parse quantity's suffix")
    power = int(exponent[1])
    if abs(power) > _MOST_DIGITS:
        raise CelError(f"a quantity with an exponent of over {_MOST_DIGITS}")
    return number * _power_of_ten(power)


def _power_of_ten(power: int) -> Fraction:
    return Fraction(10**power) if power >= 0 else Fraction(1, 10**-power)


def _quantity(nanos: int, *, is_integer: bool) -> Opaque:
    return Opaque(QUANTITY.name, f"{nanos}{'' if is_integer else _NO_INTEGER}")


def _nanos(quantity: Opaque) -> int:
    return int(quantity.text.removesuffix(_NO_INTEGER))


def _is_marked(quantity: Opaque) -> bool:
    return not quantity.text.endswith(_NO_INTEGER)


def _is_quantity(text: str) -> bool:
    try:
        _parse(text)
    except CelError:
        return False
    return True


def _is_integer(quantity: Opaque) -> bool:
    whole, rest = divmod(_nanos(quantity), _NANO)
    return _is_marked(quantity) and not rest and -_INT_MAX - 1 <= whole <= _INT_MAX


def _integer(quantity: Opaque) -> int:
    if not _is_integer(quantity):
        raise CelError("cannot convert value to integer")
    return _nanos(quantity) // _NANO


def _float(quantity: Opaque) -> float:
    return float(Fraction(_nanos(quantity), _NANO))


def _sign(quantity: Opaque) -> int:
    return _order(_nanos(quantity), 0)


def _compare(left: Opaque, right: Opaque) -> int:
    return _order(_nanos(left), _nanos(right))


def _is_equal(left: Opaque, right: Opaque) -> bool:
    return _nanos(left) == _nanos(right)


def _order(left: int, right: int) -> int:
    return (left > right) - (left < right)


def _added(left: Opaque, right: Opaque, sign: int = 1) -> Opaque:
    return _quantity(
        _nanos(left) + sign * _nanos(right),
        is_integer=_is_marked(left) and _is_marked(right),
    )


def _of_integer(number: int) -> Opaque:
    return _quantity(number * _NANO, is_integer=True)


FUNCTIONS: Final[tuple[Function, ...]] = (
    function("quantity", (STRING,), QUANTITY, _parse),
    function("isQuantity", (STRING,), BOOL, _is_quantity),
    function("sign", (QUANTITY,), INT, _sign),
    member("isInteger", (QUANTITY,), BOOL, _is_integer),
    member("asInteger", (QUANTITY,), INT, _integer),
    member("asApproximateFloat", (QUANTITY,), DOUBLE, _float),
    member("compareTo", (QUANTITY, QUANTITY), INT, _compare),
    member(
        "isGreaterThan", (QUANTITY, QUANTITY), BOOL, lambda a, b: _compare(a, b) > 0
    ),
    member("isLessThan", (QUANTITY, QUANTITY), BOOL, lambda a, b: _compare(a, b) < 0),
    member("add", (QUANTITY, QUANTITY), QUANTITY, _added),
    member("add", (QUANTITY, INT), QUANTITY, lambda a, b: _added(a, _of_integer(b))),
    member("sub", (QUANTITY, QUANTITY), QUANTITY, lambda a, b: _added(a, b, -1)),
    member(
        "sub", (QUANTITY, INT), QUANTITY, lambda a, b: _added(a, _of_integer(b), -1)
    ),
    # Two are equal that are written in different ways.
    function(equality(QUANTITY), (QUANTITY, QUANTITY), BOOL, _is_equal),
    function(
        equality(QUANTITY, negated=True),
        (QUANTITY, QUANTITY),
        BOOL,
        lambda a, b: not _is_equal(a, b),
    ),
)
