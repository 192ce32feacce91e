"""Functions that run instead of the library's: missing, unlike Go's, or unbounded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.functions import Function, Overload, function, member
from modelpack.policy.cel.types import (
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    list_of,
    map_of,
)
from modelpack.policy.cel.values import MAX_VALUES

__all__ = ["CORRECTED", "INSTEAD", "REPLACED"]

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


def _range(count: int) -> list[int]:
    if count > MAX_VALUES:
        raise CelError(f"a list of more than {MAX_VALUES} values")
    return list(range(count))


def _milliseconds(duration: dt.timedelta) -> int:
    """Return all of them, as cel-go; the specification means those of a second."""
    return duration // dt.timedelta(milliseconds=1)


def _shortened(text: str) -> str:
    """Return `1.5s` for `1.500s`, and so for times."""
    if "." not in text:
        return text
    return text[:-1].rstrip("0").rstrip(".") + text[-1]


_RANGE, _MILLISECONDS = "@lists.range", "@getMilliseconds"
_SHORTENED: Final = "@shortened"

INSTEAD: Final[tuple[Function, ...]] = (
    # Behind `transformMap` and `transformMapEntry`: the library only declares it.
    Function(
        "cel.@mapInsert",
        (
            Overload(parameters=(_MAP, DYN, DYN), result=_MAP, call=_insert),
            Overload(parameters=(_MAP, _MAP), result=_MAP, call=_merge),
        ),
    ),
    function(_RANGE, (INT,), list_of(INT), _range),
    member(_MILLISECONDS, (DURATION,), INT, _milliseconds),
    function(_SHORTENED, (STRING,), STRING, _shortened),
)

# Which overload is called by which name instead.
REPLACED: Final[Mapping[str, str]] = {
    "list_range": _RANGE,
    "duration_to_milliseconds": _MILLISECONDS,
}
# And which result is put right by which function.
CORRECTED: Final[Mapping[str, str]] = {
    f"string@{TIMESTAMP}": _SHORTENED,
    f"string@{DURATION}": _SHORTENED,
}
