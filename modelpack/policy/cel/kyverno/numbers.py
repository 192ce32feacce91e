"""Rounding, beside what CEL has of its own."""

from __future__ import annotations

import math
from typing import Final

from modelpack.policy.cel.functions import Function, function
from modelpack.policy.cel.types import DOUBLE, INT

__all__ = ["FUNCTIONS"]


def _round(value: float, digits: int) -> float:
    """Round as Go does: halves away from zero, of the number as it is stored."""
    shift = math.pow(10, digits)
    shifted = value * shift
    if not math.isfinite(shifted):
        return shifted / shift
    whole = math.floor(abs(shifted) + 0.5)
    return math.copysign(whole, shifted) / shift


FUNCTIONS: Final[tuple[Function, ...]] = (
    function("math.round", (DOUBLE, INT), DOUBLE, _round),
)
