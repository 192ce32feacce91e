"""The function behind `transformMap` and `transformMapEntry`.

The library declares it and does not have it.
"""

from __future__ import annotations

from typing import Final

from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.functions import Function, Overload
from modelpack.policy.cel.types import DYN, map_of

__all__ = ["UNDECLARED"]

_MAP: Final = map_of(DYN, DYN)


def _insert(into: dict[object, object], key: object, value: object) -> object:
    if key in into:
        raise CelError(f"insert failed: key {key!r} already exists")
    return {**into, key: value}


def _merge(into: dict[object, object], other: dict[object, object]) -> object:
    for key in other:
        if key in into:
            raise CelError(f"insert failed: key {key!r} already exists")
    return {**into, **other}


UNDECLARED: Final[tuple[Function, ...]] = (
    Function(
        "cel.@mapInsert",
        (
            Overload(parameters=(_MAP, DYN, DYN), result=_MAP, call=_insert),
            Overload(parameters=(_MAP, _MAP), result=_MAP, call=_merge),
        ),
    ),
)
