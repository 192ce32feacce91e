"""Lists of objects, and names of users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.functions import Function, function
from modelpack.policy.cel.types import DYN, STRING, list_of, map_of

__all__ = ["FUNCTIONS"]

_ACCOUNT: Final = "system:serviceaccount:"


def _to_map(
    keys: Sequence[object], values: Sequence[object], key: str, value: str
) -> dict[str, object]:
    if len(keys) != len(values):
        raise CelError(
            "listObjToMap must take lists of equal length. "
            f"list1: {len(keys)}, list2: {len(values)}"
        )
    found: dict[str, object] = {}
    for one, other in zip(keys, values, strict=True):
        if not isinstance(one, dict) or not isinstance(other, dict):
            raise CelError("listObjToMap must take lists of objects")
        name = one.get(key)
        if not isinstance(name, str):
            raise CelError("the passed key name cannot be handled as a string")
        found[name] = other.get(value)
    return found


def _service_account(user: str) -> dict[str, str]:
    namespace, colon, name = user.removeprefix(_ACCOUNT).partition(":")
    if not user.startswith(_ACCOUNT) or not colon:
        namespace = name = ""
    return {"Namespace": namespace, "Name": name}


FUNCTIONS: Final[tuple[Function, ...]] = tuple(
    # The names without a prefix are those of Kyverno before 1.18.
    function(
        prefix + "listObjToMap",
        (list_of(DYN), list_of(DYN), STRING, STRING),
        map_of(DYN, DYN),
        _to_map,
    )
    for prefix in ("transform.", "")
) + tuple(
    function(
        prefix + "parseServiceAccount",
        (STRING,),
        map_of(STRING, STRING),
        _service_account,
    )
    for prefix in ("user.", "")
)
