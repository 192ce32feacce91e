"""Functions in the two forms that the library needs: to check them, and to run them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.functions import Function, Overload
from modelpack.policy.cel.library import cel
from modelpack.policy.cel.types import (
    ANY_KIND,
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    CelType,
    list_of,
    map_of,
)
from modelpack.policy.cel.values import Opaque

__all__ = ["Signatures", "declared", "native"]

_Key = tuple[str, bool, tuple[CelType, ...]]
_Call = Callable[..., object]

_NATIVE: Final = {
    DYN: cel.Type.DYN,
    BOOL: cel.Type.BOOL,
    INT: cel.Type.INT,
    UINT: cel.Type.UINT,
    DOUBLE: cel.Type.DOUBLE,
    STRING: cel.Type.STRING,
    BYTES: cel.Type.BYTES,
    NULL: cel.Type.NULL,
    TIMESTAMP: cel.Type.TIMESTAMP,
    DURATION: cel.Type.DURATION,
}
_NUMBERS: Final = (INT, UINT, DOUBLE)
_ORDERED: Final = (BOOL, STRING, BYTES, TIMESTAMP, DURATION)
_ORDERS: Final = ("_<_", "_<=_", "_>_", "_>=_")
_CONVERTIBLE: Final = (STRING, INT, UINT, DOUBLE, BOOL, BYTES, TIMESTAMP, DURATION)
# Those of the library's extensions that Kubernetes gives more overloads. A
# configuration cannot add to them, an extension of ours can.
_STRING: Final = "string"
_SHARED: Final = frozenset({"indexOf", "lastIndexOf"})
_OPAQUE_KIND: Final = map_of(STRING, DYN)


class Signatures:
    """All functions of an environment, with those that share a name put together."""

    def __init__(
        self, functions: Sequence[Function], *, guard: Callable[[_Call], _Call]
    ) -> None:
        self._overloads: dict[str, list[Overload]] = {}
        for function in functions:
            known = self._overloads.setdefault(function.name, [])
            known.extend(o for o in function.overloads if o not in known)
        self._guard = guard

    def declarations(self) -> dict[str, object]:
        """Return what the type checker reads.

        Functions of the language that have more overloads here are taken out of it,
        and declared whole: `string`, and the comparisons of unlike numbers.
        """
        whole = {_STRING: _TO_STRING, **dict.fromkeys(_ORDERS, _ORDERED_PAIRS)}
        for name, overloads in self._overloads.items():
            if name not in _SHARED:
                whole[name] = (*whole.get(name, ()), *overloads)
        return {
            "stdlib": {
                "exclude_functions": [{"name": name} for name in (_STRING, *_ORDERS)]
            },
            "functions": [
                {
                    "name": name,
                    "overloads": [
                        _declaration(_identity(name, i), o)
                        for i, o in enumerate(overloads)
                    ],
                }
                for name, overloads in whole.items()
            ],
        }

    def additions(self) -> list[object]:
        """Return what the type checker adds to the library's own functions."""
        return [
            cel.FunctionDecl(
                name,
                [_addition(_identity(name, i), o) for i, o in enumerate(overloads)],
            )
            for name, overloads in self._overloads.items()
            if name in _SHARED
        ]

    def implementations(self, *, shared: bool) -> list[object]:
        """Return what runs: one overload for each combination of kinds.

        At run time a parameter of the type ``dyn`` matches nothing, and one of a
        library's type does not exist. ``shared`` are the additions to functions of
        the library and of the language.
        """
        return [
            cel.FunctionDecl(name, list(self._runnable(name, overloads)))
            for name, overloads in self._overloads.items()
            if (name in _SHARED or name == _STRING) is shared
        ]

    def optional_overloads(self) -> frozenset[str]:
        """Return the overloads that give an optional value."""
        return frozenset(
            _identity(name, number)
            for name, overloads in self._overloads.items()
            for number, overload in enumerate(overloads)
            if overload.result.is_optional
        )

    def _runnable(self, name: str, overloads: list[Overload]) -> Iterator[object]:
        ways: dict[tuple[bool, tuple[CelType, ...]], list[Overload]] = {}
        for overload in overloads:
            for kinds in itertools.product(*map(_kinds, overload.parameters)):
                ways.setdefault((overload.is_member, kinds), []).append(overload)
        for number, ((is_member, kinds), candidates) in enumerate(ways.items()):
            yield cel.Overload(
                f"{name}@{number}",
                return_type=_result(candidates),
                parameters=[native(kind) for kind in kinds],
                is_member=is_member,
                impl=self._guard(_chosen(name, candidates)),
            )


def _identity(name: str, number: int) -> str:
    return f"{name}#{number}"


def declared(kind: CelType) -> dict[str, object]:
    """Return a type as the library's configuration has it."""
    if kind.name.startswith("~"):
        return {"type_name": kind.name[1:], "is_type_param": True}
    if not kind.parameters:
        return {"type_name": kind.name}
    return {"type_name": kind.name, "params": [declared(p) for p in kind.parameters]}


def native(kind: CelType) -> object:
    """Return the type that a value of ``kind`` has when it runs."""
    if kind in _NATIVE:
        return _NATIVE[kind]
    if kind.name == "list" or kind.is_optional:
        return cel.Type.List(native(kind.parameters[0]))
    if kind.name == "map":
        return cel.Type.Map(*map(native, kind.parameters))
    if kind.is_opaque:
        return native(_OPAQUE_KIND)
    return cel.Type.DYN


def _kinds(parameter: CelType) -> tuple[CelType, ...]:
    if parameter == DYN or parameter.name.startswith("~"):
        return ANY_KIND
    if parameter.name == "list":
        return (list_of(DYN),)
    if parameter.name == "map" or parameter.is_opaque:
        return (_OPAQUE_KIND,)
    return (parameter,)


def _result(candidates: Sequence[Overload]) -> object:
    results = {o.result for o in candidates}
    return native(results.pop()) if len(results) == 1 else cel.Type.DYN


def _chosen(name: str, candidates: Sequence[Overload]) -> _Call:
    """Return what picks the overload that was made for the given library's types."""
    if len(candidates) == 1 and not any(p.is_opaque for p in candidates[0].parameters):
        return candidates[0].call

    def call(*arguments: object) -> object:
        for overload in candidates:
            if all(map(_fits, overload.parameters, arguments)):
                return overload.call(*arguments)
        raise CelError(f"no such overload: {name}")

    return call


def _fits(parameter: CelType, argument: object) -> bool:
    if parameter.is_opaque:
        return isinstance(argument, Opaque) and argument.type == parameter.name
    return parameter == DYN or not isinstance(argument, Opaque)


def _declaration(identity: str, overload: Overload) -> Mapping[str, object]:
    parameters = [declared(p) for p in overload.parameters]
    receiver = {"target": parameters.pop(0)} if overload.is_member else {}
    return {
        "id": identity,
        **receiver,
        "args": parameters,
        "return": declared(overload.result),
    }


def _addition(identity: str, overload: Overload) -> object:
    return cel.Overload(
        identity,
        return_type=native(overload.result),
        parameters=[native(p) for p in overload.parameters],
        is_member=overload.is_member,
        impl=overload.call,
    )


def _of_the_language(*parameters: CelType, result: CelType) -> Overload:
    """Return an overload that the library itself runs."""
    return Overload(parameters=parameters, result=result, call=_never)


def _never(*_: object) -> object:
    raise CelError("no such overload")


_TO_STRING: Final = tuple(
    _of_the_language(kind, result=STRING) for kind in _CONVERTIBLE
)
# cel-go, CrossTypeNumericComparisons: numbers of unlike types have an order.
_ORDERED_PAIRS: Final = tuple(
    _of_the_language(left, right, result=BOOL)
    for left, right in (
        *itertools.product(_NUMBERS, _NUMBERS),
        *zip(_ORDERED, _ORDERED, strict=True),
    )
)
