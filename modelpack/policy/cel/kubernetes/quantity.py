"""Quantities of resources, such as `1.5Gi` (apimachinery, pkg/api/resource)."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.functions import Function, function, member
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


def _parse(text: str) -> int:
    """Return how many billionths it is: smaller parts are rounded away from zero."""
    found = _FORM.fullmatch(text)
    if not text or found is None:
        raise CelError("quantities must match the regular expression of quantities")
    whole, part = found["whole"] or "0", found["part"] or ""
    if len(whole) + len(part) > _MOST_DIGITS:
        raise CelError(f"a quantity of over {_MOST_DIGITS} digits")
    scaled = _scaled(Fraction(int(whole + part), 10 ** len(part)), found["suffix"])
    nanos = -(-scaled.numerator * _NANO // scaled.denominator)
    return -nanos if found["sign"] == "-" else nanos


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


def _quantity(nanos: int) -> Opaque:
    return Opaque(QUANTITY.name, str(nanos))


def _nanos(quantity: Opaque) -> int:
    return int(quantity.text)


def _is_quantity(text: str) -> bool:
    try:
        _parse(text)
    except CelError:
        return False
    return True


def _is_integer(quantity: Opaque) -> bool:
    whole, rest = divmod(_nanos(quantity), _NANO)
    return not rest and -_INT_MAX - 1 <= whole <= _INT_MAX


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


def _order(left: int, right: int) -> int:
    return (left > right) - (left < right)


def _sum(left: Opaque, right: Opaque) -> Opaque:
    return _quantity(_nanos(left) + _nanos(right))


def _difference(left: Opaque, right: Opaque) -> Opaque:
    return _quantity(_nanos(left) - _nanos(right))


FUNCTIONS: Final[tuple[Function, ...]] = (
    function("quantity", (STRING,), QUANTITY, lambda text: _quantity(_parse(text))),
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
    member("add", (QUANTITY, QUANTITY), QUANTITY, _sum),
    member(
        "add", (QUANTITY, INT), QUANTITY, lambda a, b: _quantity(_nanos(a) + b * _NANO)
    ),
    member("sub", (QUANTITY, QUANTITY), QUANTITY, _difference),
    member(
        "sub", (QUANTITY, INT), QUANTITY, lambda a, b: _quantity(_nanos(a) - b * _NANO)
    ),
)
