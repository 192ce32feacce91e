"""Sums, extremes, order and positions in lists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.functions import Function, Overload, member
from modelpack.policy.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    INT,
    STRING,
    TIMESTAMP,
    UINT,
    list_of,
    type_parameter,
)

__all__ = ["FUNCTIONS"]

_T: Final = type_parameter("T")

_ZEROS: Final = {INT: 0, UINT: 0, DOUBLE: 0.0, DURATION: dt.timedelta()}
_COMPARABLE: Final = (INT, UINT, DOUBLE, BOOL, DURATION, TIMESTAMP, STRING, BYTES)


def _sum_from(zero: object) -> Callable[[Sequence[object]], object]:
    def add(items: Sequence[object]) -> object:
        _check_comparable([zero, *items])
        return sum(items, start=zero)  # type: ignore[call-overload]

    return add


def _check_comparable(items: Sequence[object]) -> None:
    if len({_kind(item) for item in items}) > 1:
        raise CelError("no such overload")


def _kind(item: object) -> type:
    """Numbers compare with one another; nothing else does with another kind."""
    return float if isinstance(item, int) and not isinstance(item, bool) else type(item)


def _least(items: Sequence[object]) -> object:
    _check_filled("min", items)
    return min(items)  # type: ignore[type-var]


def _greatest(items: Sequence[object]) -> object:
    _check_filled("max", items)
    return max(items)  # type: ignore[type-var]


def _check_filled(name: str, items: Sequence[object]) -> None:
    if not items:
        raise CelError(f"{name} called on empty list")
    _check_comparable(items)


def _is_sorted(items: Sequence[object]) -> bool:
    _check_comparable(items)
    return not any(left > right for left, right in pairwise(items))  # type: ignore[operator]


def _index_of(items: Sequence[object], item: object) -> int:
    return next((i for i, one in enumerate(items) if _equal(one, item)), -1)


def _last_index_of(items: Sequence[object], item: object) -> int:
    behind = _index_of(items[::-1], item)
    return behind if behind < 0 else len(items) - 1 - behind


def _equal(left: object, right: object) -> bool:
    """Compare as CEL does, to which `true` is not `1` (langdef.md, "Equality")."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(
            _equal(value, right[key]) for key, value in left.items()
        )
    return isinstance(left, bool) == isinstance(right, bool) and left == right


FUNCTIONS: Final[tuple[Function, ...]] = (
    Function(
        "sum",
        tuple(
            Overload(
                parameters=(list_of(kind),),
                result=kind,
                call=_sum_from(zero),
                is_member=True,
            )
            for kind, zero in _ZEROS.items()
        ),
    ),
    *(
        Function(
            name,
            tuple(
                Overload(
                    parameters=(list_of(kind),), result=kind, call=call, is_member=True
                )
                for kind in _COMPARABLE
            ),
        )
        for name, call in (("min", _least), ("max", _greatest))
    ),
    Function(
        "isSorted",
        tuple(
            Overload(
                parameters=(list_of(kind),),
                result=BOOL,
                call=_is_sorted,
                is_member=True,
            )
            for kind in _COMPARABLE
        ),
    ),
    member("indexOf", (list_of(_T), _T), INT, _index_of),
    member("lastIndexOf", (list_of(_T), _T), INT, _last_index_of),
)
